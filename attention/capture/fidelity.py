"""The whole run's check where it is edited: against a second run with the same edits, made by other means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attention.capture import autocast
from attention.capture.address import Address
from attention.capture.anatomy import anatomy_of, unchanged, weights_of
from attention.capture.anew import Made, NotComparedError, Replacements, change_at, heads_in
from attention.capture.inputs import Inputs
from attention.capture.recorded import learned
from attention.capture.second import second_run
from attention.edits import Edit
from attention.record import TOLERANCE, Fidelity, difference

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Sources:
    """What edits take from. patch: the text of patches. texts: gives those that a head's mean is over, which are asked
    for once for each digest of theirs.
    """

    patch: Inputs | None = None
    texts: Callable[[], Sequence[Inputs]] | None = None
    digest: str = ""


@unchanged
def compare_edited(
    model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], given: Replacements | None, edited: Tensor,
    sources: Sources | None = None,
) -> Fidelity:  # fmt: skip
    """What an edited run put out against a second run with the same edits.

    edits: their kinds named. edited: the run's logits or last hidden state, (1, n, …), of all positions or of the last
    ones. given: what means and patches put in place; sources: from which the same is made anew, so that a fault in it
    is seen. Where the edits cannot be made a second time it says why, and compares nothing. Raises MemoryFullError.
    """
    try:
        if sources is not None:
            given = replacements_anew(model, inputs, edits, sources)
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
    """What two whole runs of a model may differ by, relative to the largest magnitude.

    In narrow types it is twice what one may be off: fused attention and eager code round each for itself, while an
    untouched run rounds as the traced one does.
    """
    dtype = next(model.parameters()).dtype if result is None else result.dtype
    one = max(TOLERANCE.get(each, TOLERANCE[torch.float16]) for each in {dtype, autocast.of(model).dtype or dtype})
    return one if one <= TOLERANCE[torch.float32] else 2 * one


@unchanged
def replacements_anew(model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], sources: Sources) -> Made:
    """What means and patches put in place, made by second runs as well, one of each text.

    inputs: of the edited run. A mean is over all positions of the texts but each one's first. Raises NotComparedError.
    """
    made, operations = Made(), learned(model, inputs)[1].addresses
    for how in ("output", "weights", "mean"):
        asked = {at: change_at(at, [edit for edit in edits if edit.how == how], None) for at in operations}
        wanted = {at: change for at, change in asked.items() if change is not None}
        if not wanted:
            continue
        found = _means(model, wanted, sources) if how == "mean" else _seen(model, wanted, sources.patch, how)
        by_place = made.weights if how == "weights" else made.outputs
        for at, change in wanted.items():
            for head in {head for edit in change.edits for head in heads_in(edit, len(found[at]))}:
                by_place[at.kind, at.layer, at.op, head] = found[at][head]
    return made


def _seen(
    model: PreTrainedModel, operations: Iterable[Address], inputs: Inputs | None, how: str
) -> dict[Address, Tensor]:
    """By head, what a second run without edits gives in operations: outputs (h, n_q, v) or weights (h, n_q, n_k)."""
    if inputs is None:
        raise NotComparedError("the text that the edits take from was not given")
    seen = second_run(model, inputs, (), keep=tuple(operations), keep_weights=how == "weights").seen
    if how == "weights":
        return {at: one.weights for at, one in seen.items()}
    unknown = next((at for at, one in seen.items() if one.outputs is None), None)
    if unknown is not None:
        raise NotComparedError(f"the module that takes the heads' outputs is not known in {unknown}")
    return {at: one.outputs.transpose(0, 1) for at, one in seen.items() if one.outputs is not None}


def _means(model: PreTrainedModel, operations: Iterable[Address], sources: Sources) -> dict[Address, Tensor]:
    """(h, 1, v) of each operation, the mean over all positions of the texts but each one's first; remembered with the
    model as it is.
    """
    if sources.texts is None:
        raise NotComparedError("the texts that the edits take from were not given")
    weights = tuple((weight.data_ptr(), weight.dtype, _changes(weight)) for weight in weights_of(model))
    state = sources.digest, hash(weights)
    memory = anatomy_of(model).memory
    known: dict[Address, Tensor] = memory[_means][1] if memory.get(_means, (None,))[0] == state else {}
    left = [at for at in operations if at not in known]
    if left:
        sums, counts = dict.fromkeys(left, torch.zeros(())), dict.fromkeys(left, 0)
        for text in sources.texts():
            for at, outputs in _seen(model, left, text, "output").items():
                sums[at] = outputs[:, 1:].double().sum(dim=1, keepdim=True) + sums[at].to(outputs.device)
                counts[at] += outputs.shape[1] - 1
        dtype = next(model.parameters()).dtype
        known = {**known, **{at: (sums[at] / counts[at]).to(dtype) for at in left}}
        memory[_means] = state, known
    return known


def _changes(weight: Tensor) -> int:
    return 0 if weight.is_inference() else weight._version
