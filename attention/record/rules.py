"""The rules around an operation: who may attend to whom, and what is added by position.

Shape letters are those of `attention.record.operation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from attention.record import held
from attention.record.arrays import BOOL, TYPES


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """Which key each query may attend to: a rule, or one array that layers share.

    before, after: how many keys back and ahead of its own position a query may look; None is no limit, so causal
    attention has after = 0 and a sliding window of w (itself included) before = w − 1. keys: boolean (n_k,), False
    for padding. array: boolean (n_q, n_k), or (h, n_q, n_k) where heads differ, where no rule fits. True = may attend.
    """

    before: int | None = field(default=None, metadata=held.whole())
    after: int | None = field(default=None, metadata=held.whole())
    keys: Tensor | None = field(default=None, metadata=held.array("n_k", types=BOOL, called="mask_keys"))
    array: Tensor | None = field(
        default=None, metadata=held.array("n_q n_k", "h n_q n_k", types=BOOL, called="mask")
    )

    @property
    def open(self) -> bool:
        """Whether every query may attend to every key."""
        return self.before is None and self.after is None and self.keys is None and self.array is None

    @property
    def causal(self) -> bool:
        """Whether no query may look ahead, by rule."""
        return self.after == 0

    def closes(self, n_q: int, n_k: int) -> bool:
        """Whether there is a key that some query may not attend to."""
        if self.array is not None:
            return not bool(self.array.all())
        ends = (self.before is not None and self.before < n_q - 1) or (self.after is not None and self.after < n_k - 1)
        return ends or (self.keys is not None and not bool(self.keys.all()))

    def rows(self, start: int, stop: int, n_k: int, device: torch.device | None = None, head: int = 0) -> Tensor | None:
        """Boolean (stop − start, n_k) for those queries of one head, or None where all is open."""
        if self.open:
            return None
        if self.array is not None:
            own = self.array if self.array.dim() == 2 else self.array[head]
            return own[start:stop]
        key = torch.arange(n_k, device=device)
        query = torch.arange(start, stop, device=device)[:, None]
        allowed = torch.ones(stop - start, n_k, dtype=torch.bool, device=device)
        if self.after is not None:
            allowed &= key <= query + self.after
        if self.before is not None:
            allowed &= key >= query - self.before
        if self.keys is not None:
            allowed &= self.keys.to(allowed.device)
        return allowed


def _bias(axes: str) -> held.Metadata:
    """One form of a bias; heads may share it."""
    return held.array(f"h {axes}", f"1 {axes}", types=TYPES, called="position_bias")


@dataclass(frozen=True, kw_only=True, eq=False)
class PositionBias:
    """What a model adds to the scores by position.

    by_distance: (h or 1, n_q + n_k − 1), entry (j − i) + n_q − 1 for query i and key j, where the bias depends on
    distance alone (T5). by_key: (h or 1, n_k) where it depends on the key alone (BLOOM's ALiBi, which the softmax
    cannot tell from one by distance). dense: (h or 1, n_q, n_k) where neither holds.
    """

    n_q: int = field(metadata=held.whole(1))
    n_k: int = field(metadata=held.whole(1))
    by_distance: Tensor | None = field(default=None, metadata=_bias("n_q+n_k-1"))
    by_key: Tensor | None = field(default=None, metadata=_bias("n_k"))
    dense: Tensor | None = field(default=None, metadata=_bias("n_q n_k"))

    @property
    def forms(self) -> dict[str, Tensor]:
        """The one form that is there, by its name."""
        return {one.name: one.tensor for one in held.arrays_of(self)}

    @property
    def numbers(self) -> Tensor:
        """Its numbers; the first axis is heads, or 1 where all share them."""
        return next(iter(self.forms.values()))

    def rows(self, head: int, start: int, stop: int) -> Tensor:
        """(stop − start, n_k) of one head."""
        own = self.numbers[head if self.numbers.shape[0] > 1 else 0]
        if self.by_key is not None:
            return own.expand(stop - start, -1)
        if self.by_distance is None:
            return own[start:stop]
        queries = torch.arange(start, stop, device=own.device)[:, None]
        return own[torch.arange(self.n_k, device=own.device) - queries + self.n_q - 1]

    def all_rows(self, start: int, stop: int) -> Tensor:
        """(h or 1, stop − start, n_k) of all heads."""
        return torch.stack([self.rows(head, start, stop) for head in range(self.numbers.shape[0])])
