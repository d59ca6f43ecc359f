"""What edits change in one head after the mask: its temperature, single rows of its weights, and its output.

Cut edges and hidden tokens are in the operation's mask, so that whoever reads a mask meets them. Here is the rest, in
this order: temperature, softmax, rows (`even`, `first`, patched weights), output (`zero`, `mean`, `running`, patched
output); of several that say something of one row the last counts.

Shape letters: q some queries of n_q, from `start` on; k keys, v width of a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from attention.edits import Edit
from attention.stages import Stages, mix

# The stage before `weights` where single rows were changed after the softmax.
SOFTMAXED = "softmaxed"


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes:
    """What is changed in one head. edits: that concern it, in their order. output (1 or n_q, v), weights (n_q, n_k):
    what mean and patches put in place of its own.
    """

    edits: tuple[Edit, ...] = ()
    output: Tensor | None = None
    weights: Tensor | None = None

    @property
    def temperature(self) -> float:
        """What the finished scores are divided by, beyond the model's own."""
        return prod(edit.temperature for edit in self.edits)

    @property
    def rows(self) -> tuple[Edit, ...]:
        """Those that change rows after the softmax."""
        return tuple(edit for edit in self.edits if changes_rows(edit))

    @property
    def outputs(self) -> tuple[Edit, ...]:
        """Those that change the output."""
        return tuple(edit for edit in self.edits if changes_output(edit))

    @property
    def needs_earlier(self) -> bool:
        """Whether a row's output depends on the rows before it."""
        return any(edit.how == "running" for edit in self.edits)


def changes_rows(edit: Edit) -> bool:
    """Whether it changes rows after the softmax."""
    return edit.verb == "even" or edit.how in ("first", "weights")


def changes_output(edit: Edit) -> bool:
    """Whether it changes a head's output itself."""
    return edit.verb in ("off", "patch") and not changes_rows(edit)


def changes_of(
    edits: Sequence[Edit], head: int, outputs: Mapping[int, Tensor], weights: Mapping[int, Tensor]
) -> Changes | None:
    """The changes of one head, or None where there are none behind the mask."""
    own = tuple(edit for edit in edits if edit.verb not in ("cut", "hide") and edit.changes_head(head))
    return Changes(edits=own, output=outputs.get(head), weights=weights.get(head)) if own else None


def applied(made: Stages, changes: Changes, value: Tensor | None, *, sink_scales: bool, start: int = 0) -> Stages:
    """The stages of one head, made at its changed temperature, with the other changes.

    value (k, v): of the head, None where it is not known. start: the number of the first query.
    """
    weights, steps = made.weights, made.steps
    if changes.rows:
        weights = _rows(made, changes, sink_scales, start)
        steps = (*((name if name != "weights" else SOFTMAXED, step) for name, step in steps), ("weights", weights))
    output = made.output
    if changes.rows and value is not None:
        output = mix(weights, value)
        if sink_scales and made.sink_weight is not None:
            output = output * (1 - made.sink_weight)[..., None]
    if output is not None:
        output = changed_output(output, changes, start)
    return Stages(steps=steps, sink_weight=made.sink_weight, output=output)


def _rows(made: Stages, changes: Changes, sink_scales: bool, start: int) -> Tensor:
    """The weights with single rows changed; a learned sink in them keeps its share."""
    visible = ~torch.isneginf(made["masked"]) if "masked" in dict(made.steps) else made.weights > 0
    weights = made.weights.clone()
    share = made.sink_weight
    left = weights.new_ones(len(weights)) if share is None or sink_scales else 1 - share
    for edit in changes.rows:
        rows = chosen(edit, len(weights), start)
        new = _row_of(edit, changes, visible, start)
        weights[rows] = (new if edit.verb == "patch" else new * left[:, None])[rows].to(weights.dtype)
    return weights


def _row_of(edit: Edit, changes: Changes, visible: Tensor, start: int) -> Tensor:
    """(q, k): what every row would be."""
    if edit.verb == "patch":
        if changes.weights is None:
            raise ValueError("weights are patched from another run, which is not here")
        return changes.weights[start : start + len(visible)]
    seen = visible.to(torch.float32)
    if edit.verb == "even":
        return seen / seen.sum(dim=-1, keepdim=True).clamp(min=1)
    return seen * (seen.cumsum(dim=-1) == 1)


def changed_output(output: Tensor, changes: Changes, start: int = 0) -> Tensor:
    """The output (q, v) of a head with what is put in its place."""
    own, made = output, output.clone()
    for edit in changes.outputs:
        rows = chosen(edit, len(own), start)
        made[rows] = _output_of(edit, changes, own, start)[rows].to(own.dtype)
    return made


def _output_of(edit: Edit, changes: Changes, own: Tensor, start: int) -> Tensor:
    """(q, v): what every row would be."""
    if edit.how == "zero":
        return torch.zeros_like(own)
    if edit.how == "running":
        if start:
            raise ValueError("a running mean needs all rows from the first one")
        summed = own.to(torch.promote_types(own.dtype, torch.float32)).cumsum(dim=0)  # float16 ends at 65,504
        return summed / torch.arange(1, len(own) + 1, dtype=summed.dtype, device=own.device)[:, None]
    if changes.output is None:
        raise ValueError(f"what a head's output becomes by {edit.how!r} is not here")
    given = changes.output.to(own.device)
    return given.expand(len(own), -1) if len(given) == 1 else given[start : start + len(own)]


def chosen(edit: Edit, count: int, start: int) -> Tensor:
    """Boolean (count,), True for the rows that an edit changes."""
    if edit.query is None:
        return torch.ones(count, dtype=torch.bool)
    return torch.arange(start, start + count) == edit.query

