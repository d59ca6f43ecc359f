"""All heads at a glance: each head's map pooled to a small picture, made in blocks of rows.

A patch keeps what stands out in it, never a mean: of weights and of shares the largest, so that a thin diagonal
survives, and of scores the one of the largest size, with its sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from attention.analysis.blocks import BLOCK, allowed_of, row_blocks, step_of_heads
from attention.analysis.lengths import lengths, why_no_lengths

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Kind, Trace

What = Literal["weights", "scores", "norms"]

SIDE = 16
# Bytes of a picture: 0 where nothing may be looked at, 1 to 255 from the lowest number to the highest.
STEPS = 254
NO_SCORES = "the scores are not known: only the weights were given"
NEG_INF = float("-inf")


def thumbnails(
    trace: Trace, kind: Kind | None = None, side: int = SIDE, what: What = "weights"
) -> tuple[list[int], np.ndarray]:
    """(layers, float32 (layers, heads, rows, columns)): the layers of this kind in order, and their heads' pictures.

    what: the weights; the scores that enter the softmax; or the norms, what each key brings as shares of its row. Maps
    of at most `side` tokens stay as they are. NaN where no query of a patch may look at any of its keys, where a layer
    has fewer heads than the others, and in a layer for which `why_not` has a reason.
    """
    records = trace.records(kind)
    most = max(record.n_heads for record in records.values())
    first = next(iter(records.values()))
    shape = len(records), most, min(side, first.n_q), min(side, first.n_k)
    pictures = np.full(shape, np.nan, dtype=np.float32)
    for index, record in enumerate(records.values()):
        if not why_not(record, what):
            pictures[index, : record.n_heads] = _layer(record, what, *shape[2:])
    return list(records), pictures


def why_not(record: AttentionRecord, what: What) -> str:
    """Why a layer has no such pictures, or ""."""
    if what == "norms":
        return why_no_lengths(record)
    lost = record.query is None or record.key is None
    return NO_SCORES if what == "scores" and lost and record.maps is None else ""


def to_bytes(pictures: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """low … high as 1 … 255, what lies outside as the nearer end; what is not a number is 0."""
    shares = np.clip((pictures - low) / (high - low), 0, 1)
    return np.where(np.isnan(pictures), 0, np.rint(np.nan_to_num(shares) * STEPS) + 1).astype(np.uint8)


def _layer(record: AttentionRecord, what: What, rows: int, columns: int) -> np.ndarray:
    """(h, rows, columns) of one layer."""
    found = lengths(record) if what == "norms" else None
    if isinstance(found, str):  # the model went meanwhile
        return np.full((record.n_heads, rows, columns), np.nan, dtype=np.float32)
    lines = torch.empty(record.n_heads, record.n_q, columns, dtype=torch.float32)
    for heads, start, stop, numbers in _blocks(record, what, found):
        lines[heads, start:stop] = _extreme(numbers, columns)
    pooled = _extreme(lines.transpose(1, 2), rows).transpose(1, 2)
    return torch.where(torch.isneginf(pooled), torch.nan, pooled).numpy()


def _blocks(record: AttentionRecord, what: What, sizes: Tensor | None) -> Iterator[tuple[list[int], int, int, Tensor]]:
    """(heads, start, stop, numbers (heads, stop − start, n_k)), −∞ where the query may not look."""
    array = record.mask.array
    own = array is not None and array.dim() == 3
    for start, stop in row_blocks(record.n_q, record.n_k):
        together = max(1, BLOCK // ((stop - start) * record.n_k))
        for first in range(0, record.n_heads, together):
            heads = list(range(first, min(first + together, record.n_heads)))
            closed = None
            if not record.mask.open:
                rows = [~allowed_of(record, head, start, stop) for head in (heads if own else heads[:1])]
                closed = torch.stack(rows)  # (heads or 1, r, k)
            yield heads, start, stop, _numbers(record, heads, start, stop, what, sizes, closed)


def _numbers(
    record: AttentionRecord, heads: list[int], start: int, stop: int, what: What, sizes: Tensor | None,
    closed: Tensor | None,
) -> Tensor:  # fmt: skip
    if what == "scores":
        made = step_of_heads(record, "masked", heads, start, stop)
        return torch.nan_to_num(made.float(), nan=NEG_INF, neginf=NEG_INF)
    weights = step_of_heads(record, "weights", heads, start, stop).float()
    numbers = weights if sizes is None else weights * sizes[heads][:, None]
    if sizes is not None:
        total = numbers.sum(-1, keepdim=True)
        numbers = numbers / torch.where(total > 0, total, torch.ones_like(total))
    # A weight that got past the mask stays in sight.
    return numbers if closed is None else numbers.masked_fill(closed & (weights == 0), NEG_INF)


def _extreme(numbers: Tensor, parts: int) -> Tensor:
    """(…, n) → (…, parts): of each even part of the last axis the number of the largest size; −∞ does not count."""
    high = _largest(numbers, parts)
    if not bool((numbers.isfinite() & (numbers < 0)).any()):
        return high
    low = -_largest(torch.where(torch.isneginf(numbers), numbers, -numbers), parts)
    return torch.where(torch.isposinf(low) | (high >= -low), high, low)


def _largest(numbers: Tensor, parts: int) -> Tensor:
    """(…, n) → (…, parts): the largest of each even part of the last axis."""
    count = numbers.shape[-1]
    if count == parts:
        return numbers
    if count % parts == 0:
        return numbers.unflatten(-1, (parts, count // parts)).amax(-1)
    edges = torch.arange(parts + 1) * count // parts
    widest = int((edges[1:] - edges[:-1]).max())
    # A shorter part repeats its last place, which changes nothing.
    places = torch.minimum(edges[:-1, None] + torch.arange(widest), edges[1:, None] - 1)
    return numbers[..., places].amax(-1)
