"""Which heads changed most between two runs: how far each head's weights moved, over the tokens that correspond.

For an aligned query (i in the first run, i′ in the second) a head has two rows of weights. Both are read over the
aligned keys (j, j′), and what goes elsewhere, to keys without a partner or to a learned sink, is one bin more. Their
distance is the total variation distance

    TV(p, q) = ½ · Σ |p_j − q_j′|,   0 (the same) to 1 (nothing in common)

(Levin, Peres and Wilmer, Markov Chains and Mixing Times, §4.1), and a head's is the mean over its aligned rows. Sums
are kept, not means, so that several pairs of texts can be taken together as a ratio of sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from attention.analysis.alignment import Alignment, align_tokens
from attention.analysis.blocks import BLOCK, step_of_heads
from attention.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Kind, Token, Trace

# Heads whose rows are made at once.
TOGETHER = 8
METHOD = (
    "mean over aligned rows of the total variation distance between both rows of weights, over aligned keys and one "
    "bin for all else"
)
Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Changed:
    """How far one head moved. total: the sum over rows of the total variation distance; rows: how many there are."""

    layer: int
    head: int
    total: float
    rows: int

    @property
    def distance(self) -> float:
        """The mean over rows, 0 (no weight moved) to 1 (every row looks at other keys altogether)."""
        return self.total / self.rows


def changed(
    first: Trace, second: Trace, kind: Kind | None = None, other_kind: Kind | None = None
) -> tuple[Changed, ...]:
    """Every head of a kind of attention by falling distance; of equal ones the lower layer and head first.

    other_kind: of the second run, by default the same. Raises InputError where heads do not correspond, or no token has
    a partner.
    """
    kind, other_kind = kind or first.default_kind, other_kind or kind or second.default_kind
    records, others = first.records(kind), second.records(other_kind)
    if problem := mismatch(records.values(), others.values()):
        raise InputError(problem)
    queries, keys = alignments(first, second, kind, other_kind)
    if not queries.pairs:
        raise InputError("No token of one text has a partner in the other, so no rows can be compared.")
    found = [
        Changed(layer=layer, head=head, total=float(total), rows=len(queries.pairs))
        for layer, record in records.items()
        for head, total in enumerate(_totals(record, others[layer], queries.pairs, keys.pairs))
    ]
    return ranked(found)


def alignments(first: Trace, second: Trace, kind: Kind, other_kind: Kind) -> tuple[Alignment, Alignment]:
    """How the queries, and how the keys, of two runs correspond; the very same where they are the same tokens."""
    queries = align_tokens(first.query_tokens(kind), second.query_tokens(other_kind))
    keys, other_keys = (_keys(run, own) for run, own in ((first, kind), (second, other_kind)))
    if (keys, other_keys) == (first.query_tokens(kind), second.query_tokens(other_kind)):
        return queries, queries
    return queries, align_tokens(keys, other_keys)


def _keys(run: Trace, kind: Kind) -> tuple[Token, ...]:
    """The keys of a kind, with what the model put beside its tokens."""
    layer = next(iter(run.records(kind)))
    return run.head(layer, 0, kind).key_tokens


def mismatch(first: Iterable[AttentionRecord], second: Iterable[AttentionRecord]) -> str:
    """Why the heads of these layers do not correspond, in a sentence; "" where they do."""
    heads, others = ({record.layer: record.n_heads for record in records} for records in (first, second))
    if heads == others:
        return ""
    return (
        f"Heads correspond only where both have as many: A has {_said(heads)}, B {_said(others)}. "
        "Choose two models of one shape."
    )


def ranked(found: Iterable[Changed]) -> tuple[Changed, ...]:
    """By falling distance; of equal ones the lower layer and head first."""
    return tuple(sorted(found, key=lambda one: (-one.distance, one.layer, one.head)))


def together(several: Sequence[Sequence[Changed]]) -> tuple[Changed, ...]:
    """The heads over several pairs of texts: sums of distances over sums of rows, so that each row counts once.

    Raises InputError where they are not the same heads.
    """
    sums: dict[tuple[int, int], tuple[float, int]] = {}
    for found in several:
        for one in found:
            total, rows = sums.get((one.layer, one.head), (0.0, 0))
            sums[one.layer, one.head] = (total + one.total, rows + one.rows)
    if any({(one.layer, one.head) for one in found} != sums.keys() for found in several):
        raise InputError("These are not the same heads: compare texts in the same models and kind of attention.")
    return ranked(Changed(layer=layer, head=head, total=total, rows=n) for (layer, head), (total, n) in sums.items())


def _said(heads: dict[int, int]) -> str:
    counts = sorted(set(heads.values()))
    each = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{len(heads)} layer{'' if len(heads) == 1 else 's'} of {each} head{'' if counts == [1] else 's'}"


def _totals(record: AttentionRecord, other: AttentionRecord, queries: Pairs, keys: Pairs) -> Tensor:
    """The sum over aligned rows of each head's distance, (h,) float64."""
    ours, theirs = (torch.tensor([pair[side] for pair in keys], dtype=torch.long) for side in (0, 1))
    totals = torch.zeros(record.n_heads, dtype=torch.float64)
    rows = max(1, BLOCK // (TOGETHER * max(record.n_k, other.n_k)))
    for at in range(0, record.n_heads, TOGETHER):
        heads = list(range(at, min(at + TOGETHER, record.n_heads)))
        for some in _blocks(queries, rows):
            p, q = (
                _binned(_rows(run, heads, [pair[side] for pair in some]), columns)
                for side, run, columns in ((0, record, ours), (1, other, theirs))
            )
            totals[heads] += (p - q).abs().sum((-1, -2)) / 2  # (c, r, k + 1) → (c,)
    return totals


def _blocks(pairs: Pairs, most: int) -> Iterator[Pairs]:
    """Neighbouring pairs that span at most so many rows in either run."""
    begin = 0
    for at in range(1, len(pairs) + 1):
        if at == len(pairs) or any(pairs[at][side] - pairs[begin][side] >= most for side in (0, 1)):
            yield pairs[begin:at]
            begin = at


def _rows(record: AttentionRecord, heads: list[int], queries: list[int]) -> Tensor:
    """Weights (c, r, n_k) float64 of these heads and queries, which rise."""
    weights = step_of_heads(record, "weights", heads, queries[0], queries[-1] + 1)
    return weights[:, [query - queries[0] for query in queries]].double()


def _binned(weights: Tensor, columns: Tensor) -> Tensor:
    """(c, r, n_k) → (c, r, k + 1): the aligned keys, and what goes elsewhere."""
    kept = weights[..., columns]
    return torch.cat((kept, 1 - kept.sum(-1, keepdim=True)), -1)
