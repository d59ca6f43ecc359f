"""All heads at a glance: each head's weights pooled to a small picture, one head in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from attention.record import Kind, Trace

SIDE = 16


def thumbnails(trace: Trace, kind: Kind | None = None, side: int = SIDE) -> tuple[list[int], np.ndarray]:
    """(layers, uint8 (layers, heads, rows, columns)): the layers of this kind in order, and their heads' weights.

    Each pixel is the largest weight in its patch, 0..255 for 0..1, so that a thin diagonal survives. Maps of at most
    `side` tokens stay as they are. A layer with fewer heads than the others has zeros there.
    """
    records = trace.records(kind)
    most = max(record.n_heads for record in records.values())
    first = next(iter(records.values()))
    rows, columns = min(side, first.n_q), min(side, first.n_k)
    pictures = np.zeros((len(records), most, rows, columns), dtype=np.uint8)
    for index, (layer, record) in enumerate(records.items()):
        for head in range(record.n_heads):
            pictures[index, head] = to_bytes(pool(trace.head(layer, head, kind).weights, rows, columns))
    return list(records), pictures


def pool(weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The largest weight of each of rows × columns patches that cover the map evenly."""
    tall = np.maximum.reduceat(weights, _starts(weights.shape[0], rows), axis=0)
    return np.asarray(np.maximum.reduceat(tall, _starts(weights.shape[1], columns), axis=1))


def to_bytes(weights: np.ndarray) -> np.ndarray:
    """0..1 as 0..255; what is not a number reads as 0."""
    return np.rint(np.clip(np.nan_to_num(weights), 0, 1) * 255).astype(np.uint8)


def _starts(count: int, parts: int) -> np.ndarray:
    return np.arange(parts) * count // parts
