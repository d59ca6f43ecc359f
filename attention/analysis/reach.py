"""How far every head looks on a text: the mean of |query − key| under its weights, for all heads at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.analysis.blocks import fixed, row_blocks, weights_of
from attention.analysis.named import OTHER_KEYS, TWO_TEXTS
from attention.analysis.places import places_of

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Kind, Trace


def reaches(trace: Trace, kind: Kind | None = None) -> np.ndarray | str:
    """(layers, heads) float64: `Habit.reach` of every head, NaN where a head looks at nothing or is not there; or in
    words why places cannot be compared.
    """
    records = trace.records(kind)
    if next(iter(records.values())).kind == "cross":
        return TWO_TEXTS
    found = np.full((len(records), max(record.n_heads for record in records.values())), np.nan)
    own = [_is_own(trace, record) for record in records.values()]
    if not any(own):
        return OTHER_KEYS
    for index, record in enumerate(records.values()):
        if own[index]:
            found[index, : record.n_heads] = _layer(record).numpy()
    return fixed(found)


def _is_own(trace: Trace, record: AttentionRecord) -> bool:
    """Whether the first keys are the queries themselves."""
    view = trace.head(record.layer, 0, record.kind)
    return places_of(view.query_tokens, view.key_tokens, two_texts=False).own


def _layer(record: AttentionRecord) -> Tensor:
    """(h,) of one layer, float64; NaN for a head that looks at nothing."""
    total, rows = torch.zeros(2, record.n_heads, dtype=torch.float64)
    for start, stop in row_blocks(record.n_q, record.n_k):
        steps = (torch.arange(start, stop)[:, None] - torch.arange(record.n_k)).abs().float()
        for head in range(record.n_heads):
            weights = weights_of(record, head, start, stop).float()
            sums = weights.sum(-1)
            live = sums > 0
            far = (weights * steps).sum(-1) / torch.where(live, sums, torch.ones_like(sums))
            total[head] += far[live].sum(dtype=torch.float64)
            rows[head] += live.sum()
    return total / rows
