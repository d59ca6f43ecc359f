"""Runs with edits whose attention is not kept: for what the model then predicts, and for what patches take."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attention.capture.anatomy import unchanged
from attention.capture.edited import Edited, Given, Place, edits_at, resolved
from attention.capture.inputs import Inputs, arguments_of, check_inputs, same_draws
from attention.capture.observe import observe
from attention.capture.outputs import named
from attention.capture.recorded import enter, learned, lengths_of
from attention.capture.seam import Call, OutOfOrderError, Product, Seam
from attention.edits import Edit
from attention.errors import InputError, MemoryFullError, is_out_of_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@unchanged
def edits_of_run(model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits as a run of this sort knows them, with their kinds named. Raises InputError for layers it has not."""
    return resolved(edits, learned(model, inputs)[1]) if edits else ()


@unchanged
def run_edited(
    model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], given: Given, *, keep: tuple[int, int] | None = None
) -> Any:
    """The output of one run with edits whose kinds are named. keep: start and stop of the positions whose logits are
    made, where the model can make some; all without it.

    Raises TooLongError or InputError for what this run cannot take, OutOfOrderError, and MemoryFullError.
    """
    check_inputs(model, inputs)
    way, order = learned(model, inputs)
    seam = Seam(Edited(tuple(edits), given=given), lengths=lengths_of([inputs]), sizes=(inputs.sizes,), order=order)
    arguments = arguments_of(model, inputs, whole=True)
    if keep is not None:
        arguments["logits_to_keep"] = torch.arange(*keep, device=next(model.parameters()).device)
    try:
        with ExitStack() as around, torch.inference_mode(False), torch.no_grad(), same_draws(model):
            enter(around, model, seam, way)
            output = named(model(**arguments))
    except (RuntimeError, MemoryError) as err:
        if is_out_of_memory(err):
            raise MemoryFullError from err
        raise
    if not seam.is_complete:
        raise OutOfOrderError(type(model).__name__)
    return output


@dataclass(eq=False)
class _Kept:
    """Keeps the outputs and weights that patches take, by place."""

    edits: tuple[Edit, ...]
    outputs: dict[Place, Tensor] = field(default_factory=dict)
    weights: dict[Place, Tensor] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if call.address is not None:
            for edit in edits_at(self.edits, call.address):
                self._keep(edit, call, output)
        return output

    def _keep(self, edit: Edit, call: Call, output: Tensor) -> None:
        for head in range(call.n_heads):
            if not edit.changes_head(head) or call.address is None:
                continue
            place = (call.address.kind, call.address.layer, call.address.op, head)
            if edit.how == "output":
                self.outputs[place] = output[0, :, head].detach().clone()
            else:
                self.weights[place] = call.of_head(head).stages().weights[0, 0].detach().clone()


@unchanged
def patched_from(model: PreTrainedModel, inputs: Inputs, other: Inputs, edits: Sequence[Edit]) -> Given:
    """What the patches among the edits, whose kinds are named, take from a run of another text.

    Raises InputError where the two texts have different numbers of tokens.
    """
    wanted = tuple(edit for edit in edits if edit.verb == "patch")
    if inputs.sizes != other.sizes:
        own, others = (" and ".join(str(size) for size in one.sizes if size) for one in (inputs, other))
        raise InputError(
            f"A patch needs a second text of as many tokens: this one has {own}, that one {others}. Change one of them."
        )
    kept = _Kept(wanted)
    observe(model, [other], kept)
    return Given(kept.outputs, kept.weights)
