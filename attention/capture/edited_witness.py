"""Each head's check where its operation was edited: the model's own function under the edited mask or weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from attention.capture.anew import Change, barred, change_outputs, eagerly, fusedly
from attention.capture.rerun import OwnRun
from attention.capture.second import Seen
from attention.capture.witness import EagerWitness
from attention.record import AttentionRecord, FusedWitness, Witness, wide
from attention.stages import exactly


@dataclass(frozen=True, kw_only=True, eq=False)
class EditedWitness:
    """What an operation without edits is checked against, with the edits of this one made anew.

    change: what was asked for here, told from the edits of the run and not from the record. again: runs the model a
    second time with all edits and gives what this operation gave; asked only where queries and keys are not the model's
    own function's to take. It raises ReferenceError where the model is gone, and NotComparedError, a RuntimeError.
    """

    inner: Witness
    change: Change
    again: Callable[[], Seen]

    @property
    def exact(self) -> bool:
        return self.inner.exact

    @property
    def name(self) -> str:
        if isinstance(self.inner, OwnRun):
            return f"{self.inner.name}, made a second time with the edits"
        return f"{self.inner.name} under the edits"

    @exactly
    def blocks(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield (rows, weights (h, rows, n_k), output (rows, h, v)) as they are with the edits."""
        if isinstance(self.inner, EagerWitness):
            yield from self._eagerly(self.inner, record)
        elif isinstance(self.inner, FusedWitness):
            yield from self._fusedly(self.inner, record)
        else:
            yield from self._from_second(record)

    def _eagerly(self, inner: EagerWitness, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        query, key, value = (tensor[None] for tensor in _factors(record))
        cut = barred(self.change, record.n_heads, record.n_q, record.n_k)
        before: Tensor | None = None
        for rows, mask, arguments in inner.entering(record):
            own = None if cut is None else cut[:, rows]
            with torch.no_grad():
                output, weights = eagerly(
                    inner.function, inner.module, query[:, :, rows], key, value, mask, arguments, self.change, own,
                    rows.start,
                )  # fmt: skip
            yield rows, weights, change_outputs(self.change, output, rows.start, before)
            total = output.double().sum(dim=0)
            before = total if before is None else before + total

    def _fusedly(self, inner: FusedWitness, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        query, key, value = (tensor[None] for tensor in _factors(record))
        with torch.no_grad():
            output, weights = fusedly(
                query, key, value, inner.mask, causal=inner.causal, scale=inner.scale, change=self.change
            )
        yield slice(0, record.n_q), weights, change_outputs(self.change, output)

    def _from_second(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        seen = self.again()
        output = seen.outputs
        if output is None:
            if record.value is None:
                raise TypeError("needs the values")
            value = record.value.repeat_interleave(record.n_heads // record.n_kv_heads, dim=0)
            output = change_outputs(self.change, (seen.weights.to(value.dtype) @ value).transpose(0, 1))
        yield slice(0, record.n_q), seen.weights, output


def _factors(record: AttentionRecord) -> tuple[Tensor, Tensor, Tensor]:
    if record.query is None or record.key is None or record.value is None:
        raise TypeError("needs query, key and value")
    return wide(record.query), wide(record.key), wide(record.value)
