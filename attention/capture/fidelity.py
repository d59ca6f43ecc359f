"""The whole run's check where it is edited: against a second run with the same edits, made by other means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attention.capture import autocast
from attention.capture.address import Address
from attention.capture.anew import Made, NotComparedError, Replacements, change_at, heads_in
from attention.capture.inputs import Inputs
from attention.capture.recorded import learned
from attention.capture.second import Seen, second_run
from attention.edits import Edit
from attention.record import TOLERANCE, Fidelity, difference

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def compare_edited(
    model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], given: Replacements | None, edited: Tensor
) -> Fidelity:
    """What an edited run put out against a second run with the same edits.

    edits: their kinds named. edited: the run's logits or last hidden state, (1, n, …), of all positions or of the last
    ones. Where the edits cannot be made a second time it says why, and compares nothing. Raises MemoryFullError.
    """
    try:
        second = second_run(model, inputs, edits, given)
    except NotComparedError as err:
        nan = float("nan")
        return Fidelity(of="", absolute=nan, relative=nan, tolerance=tolerance_of(model), edited=True, reason=str(err))
    own = second.result.tensor
    if own.dim() > 1 and edited.dim() == own.dim():
        own = own[:, -edited.shape[1] :]
    own, edited = _of_tokens(inputs, own), _of_tokens(inputs, edited)
    tolerance = tolerance_of(model, own)
    apart = float("inf") if edited.shape != own.shape else (edited.float() - own.float()).abs().max().item()
    gap = difference(apart, own.float().abs().max().item(), tolerance)
    return Fidelity(
        of=second.result.of, absolute=gap.absolute, relative=gap.relative, tolerance=tolerance, edited=True,
        seconds=second.seconds,
    )  # fmt: skip


def _of_tokens(inputs: Inputs, result: Tensor) -> Tensor:
    """A result without the positions of padding: what stands there is nobody's, and each way of running fills it."""
    mask = inputs.attention_mask
    if mask is None or inputs.pair_ids or result.dim() != 3 or result.shape[1] != len(mask):
        return result
    return result[:, torch.tensor(mask, device=result.device) > 0]


def tolerance_of(model: PreTrainedModel, result: Tensor | None = None) -> float:
    """What two whole runs of a model may differ by, relative to the largest magnitude."""
    dtype = next(model.parameters()).dtype if result is None else result.dtype
    return max(TOLERANCE.get(one, TOLERANCE[torch.float16]) for one in {dtype, autocast.of(model).dtype or dtype})


def replacements_anew(
    model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], *, patch: Inputs | None = None,
    texts: Sequence[Inputs] = (),
) -> Made:  # fmt: skip
    """What means and patches put in place, made by second runs as well.

    inputs: of the edited run. patch: the text that patches take from. texts: those that a head's mean is over: of all
    their positions but each one's first. Raises NotComparedError.
    """
    order = learned(model, inputs)[1]
    made = Made()
    for how, sources in (("mean", texts), ("output", [patch]), ("weights", [patch])):
        wanted = tuple(edit for edit in edits if edit.how == how)
        places = [address for address in order.addresses if change_at(address, wanted, None)]
        if not places:
            continue
        runs = [second_run(model, one, (), keep=places).seen for one in sources if one is not None]
        for address in places:
            if not all(address in run for run in runs):
                raise NotComparedError(f"the outputs of {address} are not known in a second run")
            _put(made, address, wanted, how, [run[address] for run in runs])
    return made


def _put(made: Made, address: Address, edits: Sequence[Edit], how: str, seen: Sequence[Seen]) -> None:
    if not seen:
        raise NotComparedError("the texts that the edits take from were not given")
    heads = {head for edit in edits for head in heads_in(edit, len(seen[0].weights))
             if edit.concerns(address.kind, address.layer, address.op, edit.kind)}  # fmt: skip
    for head in heads:
        place = (address.kind, address.layer, address.op, head)
        if how == "weights":
            made.weights[place] = seen[0].weights[head]
            continue
        outputs = [one.outputs[:, head] for one in seen if one.outputs is not None]
        if len(outputs) < len(seen):
            raise NotComparedError(f"the module that takes the heads' outputs is not known in {address}")
        mean = torch.cat([one[1:].double() for one in outputs]).mean(dim=0, keepdim=True)
        made.outputs[place] = outputs[0] if how == "output" else mean.to(outputs[0].dtype)
