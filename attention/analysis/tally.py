"""Patterns counted: sums over one layer's queries, in blocks of rows, for all heads of the layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from attention.analysis.blocks import allowed_of, row_blocks, step_of_heads
from attention.analysis.named import COUNTED, LEAST_KEYS, REACH, Measure, Pattern

if TYPE_CHECKING:
    from torch import Tensor

    from attention.analysis.places import Places
    from attention.record import AttentionRecord

# Maps of what is wanted are made for all patterns at once, so their blocks are smaller than others.
WANTED_BLOCK = 2**16
# So many heads are measured at once: reading what is wanted costs more than the sums.
TOGETHER = 8
_WINDOWS = [index for index, pattern in enumerate(COUNTED) if pattern.measure == "window"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerSums:
    """Sums over the queries of one layer that count, float64.

    score, base, rows (P, h): of the scores, of an even head's, and of ones. near, near_even (2 · REACH + 1, h): the
    weight on each place of the local window, and an even head's.
    """

    score: Tensor
    base: Tensor
    rows: Tensor
    near: Tensor
    near_even: Tensor

    @classmethod
    def nothing(cls, heads: int) -> LayerSums:
        shapes = dict.fromkeys(("score", "base", "rows"), len(COUNTED))
        shapes |= dict.fromkeys(("near", "near_even"), 2 * REACH + 1)
        return cls(**{name: torch.zeros(rows, heads, dtype=torch.float64) for name, rows in shapes.items()})

    def __add__(self, other: LayerSums) -> LayerSums:
        names = self.__dataclass_fields__
        return LayerSums(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def means(self) -> Tensor:
        """(3, P, h): score, base and rows of every pattern; NaN where no query counts."""
        score, base = self.score / self.rows, self.base / self.rows
        open_ = (self.near_even > 0).sum(0).clamp(min=2).float().log()
        score[_WINDOWS] *= _evenness(self.near) / open_
        base[_WINDOWS] *= _evenness(self.near_even) / open_
        return torch.stack([score.clamp(0, 1), base.clamp(0, 1), self.rows])


def sums_of(
    record: AttentionRecord, places: Places, patterns: list[Pattern | None], known: dict[Any, Wanted] | None = None
) -> LayerSums:
    """The sums of one layer, in blocks of rows: what is wanted is made once a block, then each head's weights.

    known: what was wanted in other layers of the same trace, by the rules that it follows from; added to here.
    """
    known = {} if known is None else known
    sums = LayerSums.nothing(record.n_heads)
    for heads in _sharing_a_mask(record):
        for start, stop in row_blocks(record.n_q, record.n_k, WANTED_BLOCK):
            rules = _rules(record, places, heads[0], start, stop)
            found = known.get(rules)
            if found is None:
                found = _wanted_of(record, places, patterns, heads[0], start, stop)
                # One block a layer is a short text; the blocks of a long one would fill the memory.
                if (start, stop) == (0, record.n_q):
                    known[rules] = found
            sums.base[:, heads] += found.base
            sums.near_even[:, heads] += found.near_even
            sums.rows[:, heads] += found.rows
            for some in (heads[at : at + TOGETHER] for at in range(0, len(heads), TOGETHER)):
                weights = step_of_heads(record, "weights", some, start, stop).float()
                score, near = found.block.measure(weights, found.allowed)
                sums.score[:, some] += score
                sums.near[:, some] += near
    return sums


def _wanted_of(
    record: AttentionRecord, places: Places, patterns: list[Pattern | None], head: int, start: int, stop: int
) -> Wanted:
    allowed = allowed_of(record, head, start, stop)
    wanted = torch.stack([_wanted(one, places, allowed, start) for one in patterns])  # (P, r, k)
    counts = _counting(wanted, allowed, patterns) & _real(record, places, start, stop)  # (P, r)
    block = _Block(start=start, targets=wanted.transpose(0, 1).float(), counts=counts, patterns=patterns)
    even = allowed.float() / allowed.sum(-1, keepdim=True).clamp(min=1)
    base, near_even = block.measure(even[None], allowed)
    rows = counts.sum(-1).double()[:, None]
    return Wanted(block=block, allowed=allowed, base=base, near_even=near_even, rows=rows)


def _rules(record: AttentionRecord, places: Places, head: int, start: int, stop: int) -> Any:
    """What is wanted in some rows depends on no more than this; the trace keeps alive what is named by its id."""
    mask = record.mask
    array = None if mask.array is None else (id(mask.array), head if mask.array.dim() == 3 else 0)
    return (id(places), mask.before, mask.after, id(mask.keys), array, record.n_k, start, stop)


def _sharing_a_mask(record: AttentionRecord) -> Iterator[list[int]]:
    array = record.mask.array
    if array is not None and array.dim() == 3:
        yield from ([head] for head in range(record.n_heads))
    else:
        yield list(range(record.n_heads))


def _real(record: AttentionRecord, places: Places, start: int, stop: int) -> Tensor:
    """(r,), False for queries that are padding, where that is known."""
    keys = record.mask.keys
    if keys is None or not places.own or len(keys) < stop:
        return torch.ones(stop - start, dtype=torch.bool)
    return keys[start:stop].detach().cpu().bool()


def _is(patterns: list[Pattern | None], measure: Measure) -> Tensor:
    """(P, 1), True for patterns that are measured so."""
    return torch.tensor([[one is not None and one.measure == measure] for one in patterns])


def _wanted(pattern: Pattern | None, places: Places, allowed: Tensor, start: int) -> Tensor:
    """(r, k), True where a head of this pattern would look; all False without a pattern."""
    if pattern is None:
        return torch.zeros_like(allowed)
    if pattern.measure == "spread":
        return allowed
    rows = torch.arange(start, start + len(allowed))[:, None]
    return places.wanted(pattern.name, rows, REACH) & allowed


def _counting(wanted: Tensor, allowed: Tensor, patterns: list[Pattern | None]) -> Tensor:
    """(P, r): the queries that want something, have enough keys, and could look elsewhere."""
    able = wanted.any(-1) & ((wanted != allowed).any(-1) | _is(patterns, "spread"))
    least = torch.tensor([[LEAST_KEYS if one is None else one.least_keys] for one in patterns])
    return able & (allowed.sum(-1) >= least)


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """Where heads would look in some rows, and what an even head has there: alike in all layers with the same rules.

    allowed: (r, k). base, rows (P, 1) and near_even (w, 1) as in LayerSums.
    """

    block: _Block
    allowed: Tensor
    base: Tensor
    near_even: Tensor
    rows: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """Some queries of a layer, from `start` on. targets: (r, P, k), 1 where wanted. counts: (P, r)."""

    start: int
    targets: Tensor
    counts: Tensor
    patterns: list[Pattern | None]

    def measure(self, weights: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """weights (c, r, k) of some heads → sums over rows that count: of each pattern (P, c), of each place (w, c)."""
        made = (self.targets @ weights.permute(1, 2, 0)).permute(1, 0, 2).contiguous()  # (P, r, c)
        near = weights.new_zeros(2 * REACH + 1, len(weights), dtype=torch.float64)
        most = allowed.sum(-1).clamp(min=2).float().log()
        for index, pattern in enumerate(self.patterns):
            if pattern is not None and pattern.measure == "spread":
                made[index] = (_entropy(weights) / most).T
            if pattern is not None and pattern.measure == "window":
                near = self._near(weights, self.counts[index])
        return torch.where(self.counts[..., None], made, torch.zeros_like(made)).sum(1, dtype=torch.float64), near

    def _near(self, weights: Tensor, counts: Tensor) -> Tensor:
        """The weight on each place from REACH before the query to REACH after it, (2 · REACH + 1, c)."""
        rows, n_k = weights.shape[1:]
        keys = torch.arange(self.start, self.start + rows)[:, None] + torch.arange(-REACH, REACH + 1)  # (r, w)
        there = (keys >= 0) & (keys < n_k) & counts[:, None]
        found = weights.gather(2, keys.clamp(0, n_k - 1).expand(len(weights), -1, -1))  # (c, r, w)
        return torch.where(there, found, torch.zeros_like(found)).sum(1, dtype=torch.float64).T


def _evenness(near: Tensor) -> Tensor:
    """Entropy in nats of each head's weight over the places in the window: (places, h) → (h,)."""
    shares = near / near.sum(0).clamp(min=1e-12)
    return -torch.xlogy(shares, shares).sum(0)


def _entropy(weights: Tensor) -> Tensor:
    """Entropy of each row in nats (…, r), times the row's sum: what a learned sink takes is spread over nothing."""
    tiny = torch.finfo(weights.dtype).tiny
    total = weights.sum(-1)
    own = -(weights * weights.clamp(min=tiny).log()).sum(-1)  # of the shares it is own / total + ln total
    return torch.where(total > 0, own + total * total.clamp(min=tiny).log(), torch.zeros_like(total))
