"""Norm-weighted attention: how much a key brings a query, not only how much weight it has.

Kobayashi et al. 2020, "Attention is not only a weight", equation 4: ‖α_ij f(x_j)‖ with f(x) = (x W_V + b_V) W_O of one
head. A token that many heads rest on often has a tiny f(x): its weight is large, and what it brings is next to nothing.
f is had by running the layer's own projection on one head's value vectors alone, less what it makes of nothing (b_O).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention import derived
from attention.analysis.blocks import fixed, row_blocks
from attention.record import absent, wide

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Projection

# So many keys go through a projection at once.
KEYS = 256
NO_VALUES = "the values are not known"


@dataclass(frozen=True, kw_only=True, eq=False)
class NormRows:
    """Three maps of neighbouring queries from `start` on, each (rows, n_k) float32.

    norms: ‖α_ij f(x_j)‖, in the units of the model's stream. shares: a row of norms over its sum, so each row sums to
    1 (to 0 where the query is brought nothing). difference: shares − weights, −1 to 1; below 0 where a weight promises
    more than its token brings.
    """

    start: int
    norms: np.ndarray
    shares: np.ndarray
    difference: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class NormWeighted:
    """One head's norms. lengths: ‖f(x_j)‖ of each key (n_k,), float32. norm_follows: of the layer, as in HeadView."""

    record: AttentionRecord
    head: int
    lengths: np.ndarray
    norm_follows: str | None

    def rows(self, start: int = 0, stop: int | None = None) -> NormRows:
        """The three maps of the queries start..stop; all of them without bounds."""
        stop = self.record.n_q if stop is None else stop
        made = self.record.stages(self.head, start, stop)
        weights = wide(made.weights).detach().cpu()
        scale = torch.ones(stop - start, dtype=torch.float32)
        if self.record.sink_scales and made.sink_weight is not None:
            scale = 1 - made.sink_weight.detach().cpu()  # the sink takes its share from the output
        norms = weights * scale[:, None] * torch.from_numpy(self.lengths.copy())
        total = norms.sum(-1, keepdim=True)
        shares = norms / torch.where(total > 0, total, torch.ones_like(total))
        return NormRows(
            start=start,
            norms=fixed(norms.float()),
            shares=fixed(shares.float()),
            difference=fixed((shares - weights).float()),
        )

    def blocks(self) -> Iterator[NormRows]:
        """All queries, a block of rows at a time."""
        for start, stop in row_blocks(self.record.n_q, self.record.n_k):
            yield self.rows(start, stop)


def norm_weighted(record: AttentionRecord, head: int) -> NormWeighted | str:
    """The norms of one head, or in words why they cannot be told."""
    kept = record.kept.norms.get(head)
    written = writes(record, head) if kept is None else []
    if isinstance(written, str):
        return written
    parts = [part.norm(dim=-1) for part in written] if kept is None else [kept]
    lengths = np.concatenate([part.cpu().numpy() for part in parts])
    follows = None if record.projection is None else record.projection.norm_follows
    return NormWeighted(record=record, head=head, lengths=fixed(lengths.astype(np.float32)), norm_follows=follows)


def kept_norms(record: AttentionRecord, head: int) -> NormWeighted | str:
    """The same, with W_O asked once for a head, however often it is looked at."""
    # The norms themselves would keep their record alive.
    found = derived.kept(record, ("norms", head), lambda: _plain(norm_weighted(record, head)), holds=_is_known)
    if isinstance(found, str):
        return found
    lengths, follows = found
    return NormWeighted(record=record, head=head, lengths=lengths, norm_follows=follows)


def _plain(made: NormWeighted | str) -> tuple[np.ndarray, str | None] | str:
    return made if isinstance(made, str) else (made.lengths, made.norm_follows)


def _is_known(found: tuple[np.ndarray, str | None] | str) -> bool:
    """A reason is not kept: a model may come back."""
    return not isinstance(found, str)


def writes(record: AttentionRecord, head: int, keys: Sequence[int] | None = None) -> list[Tensor] | str:
    """f(x_j) = (x_j W_V + b_V) W_O of one head, in blocks (keys, m), float32; or in words why it cannot be told."""
    project = record.projection
    if project is None:
        return record.no_projection or "the output projection is not known"
    if record.value is None:
        return NO_VALUES
    value = record.value[record.kv_head(head)]
    value = value if keys is None else value[list(keys)]
    try:
        return [_projected(project, alone(part, head, record.n_heads)) for part in value.split(KEYS)]
    except ReferenceError:
        return absent(project)


def alone(value: Tensor, head: int, n_heads: int) -> Tensor:
    """(keys, v) → (keys, h, v): as if all weight of this head were on each of them, and the other heads were silent."""
    whole = value.new_zeros(len(value), n_heads, value.shape[-1])
    whole[:, head] = value
    return whole


def _projected(project: Projection, heads: Tensor) -> Tensor:
    """(rows, h, v) → (rows, m), less what the projection makes of nothing."""
    nothing = torch.zeros_like(heads[:1])
    return (project(heads.flatten(1)) - project(nothing.flatten(1))).detach().float()
