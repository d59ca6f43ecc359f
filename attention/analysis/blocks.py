"""One head's weights a block of rows at a time, so that a long text's maps are never in memory together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.record import wide
from attention.record.operation import apart
from attention.stages import Stages

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord

# A block holds up to this many numbers, 1 MB as float32; the stages of a head make about five of them.
BLOCK = 2**18


def row_blocks(n_q: int, n_k: int, most: int = BLOCK) -> Iterator[tuple[int, int]]:
    """(start, stop) of neighbouring queries that together are all; each block × n_k is at most `most`, or one row."""
    step = max(1, most // max(1, n_k))
    for start in range(0, n_q, step):
        yield start, min(start + step, n_q)


def weights_of(record: AttentionRecord, head: int, start: int, stop: int) -> Tensor:
    """Weights (stop − start, n_k) of those queries, float32 or wider, on the CPU."""
    return record.stages(head, start, stop).weights.detach().cpu()


def step_of_heads(record: AttentionRecord, step: str, heads: Sequence[int], start: int, stop: int) -> Tensor:
    """One named step (heads, stop − start, n_k) of several heads for those queries, float32 or wider, on the CPU.

    Made for all of these heads in one go, which for a short text costs little more than one head does.
    """
    query, key = record.query, record.key
    one_by_one = bool(record.edits) or (record.sink is not None and record.sink.dim() == 2)
    if query is None or key is None or one_by_one:
        found = torch.stack([record.stages(head, start, stop)[step] for head in heads])
    else:
        found = _together(record, query, key, list(heads), start, stop)[step]
    return found.detach().cpu()


def _together(
    record: AttentionRecord, query: Tensor, key: Tensor, heads: list[int], start: int, stop: int
) -> Stages:
    """The stages of several heads at once, without their outputs."""
    bias = None if record.position_bias is None else record.position_bias.all_rows(start, stop)
    if bias is not None and len(bias) > 1:
        bias = bias[heads]
    array = record.mask.array
    own = array is not None and array.dim() == 3
    return record.attend(
        apart(query[heads, start:stop]),
        apart(key[[record.kv_head(head) for head in heads]]),
        None,
        bias=None if bias is None else wide(bias),
        mask=array[heads, start:stop] if own and array is not None else record.allowed(heads[0], start, stop),
        sink=None if record.sink is None else wide(record.sink[heads]),
    )


def weight_blocks(record: AttentionRecord, head: int) -> Iterator[tuple[int, int, Tensor]]:
    """(start, stop, weights (stop − start, n_k)) over all queries of one head."""
    for start, stop in row_blocks(record.n_q, record.n_k):
        yield start, stop, weights_of(record, head, start, stop)


def allowed_of(record: AttentionRecord, head: int, start: int, stop: int) -> Tensor:
    """Boolean (stop − start, n_k) on the CPU, True where the query may attend; all True where nothing is masked."""
    allowed = record.allowed(head, start, stop)
    if allowed is None:
        return torch.ones(stop - start, record.n_k, dtype=torch.bool)
    return allowed.detach().cpu()


def fixed(numbers: Tensor | np.ndarray) -> np.ndarray:
    """The same numbers as a read-only numpy array."""
    array = np.array(numbers.detach().cpu().numpy() if isinstance(numbers, torch.Tensor) else numbers)
    array.flags.writeable = False
    return array
