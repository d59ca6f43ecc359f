"""The margins of a map: what each key receives in all, and over how many keys each query spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.analysis.blocks import allowed_of, fixed, weight_blocks

if TYPE_CHECKING:
    from attention.record import AttentionRecord


@dataclass(frozen=True, kw_only=True, eq=False)
class Margins:
    """Sums of one head's map; arrays are float32.

    received (n_k,): what each key receives from all queries; sums to the number of queries that attend, less sinks.
    asked (n_k,): how many queries may look at the key; in a causal model early keys receive more for that alone.
    mean (n_k,): received / asked, 0 to 1. spread (n_q,): exp(entropy in nats), the number of keys that the query looks
    at as if evenly, 1 to open; 0 where it attends to nothing. open (n_q,): how many keys it may look at. first: share
    of all weight that is on the first token. sink (n_q,): a learned sink's share of each row, or None.
    """

    received: np.ndarray
    asked: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    open: np.ndarray
    first: float
    sink: np.ndarray | None


def margins(record: AttentionRecord, head: int) -> Margins:
    """The margins of one head, in blocks of rows."""
    received, asked = (torch.zeros(record.n_k, dtype=torch.float64) for _ in range(2))
    spread, open_, sink = [], [], []
    learned = record.sink is not None and not record.sink_scales
    for start, stop, weights in weight_blocks(record, head):
        rows = weights.double()
        allowed = allowed_of(record, head, start, stop)
        received += rows.sum(0)
        asked += allowed.sum(0)
        spread.append(effective(rows))
        open_.append(allowed.sum(-1))
        sink.append((1 - rows.sum(-1)).clamp(0, 1) * allowed.any(-1))
    total = float(received.sum())
    return Margins(
        received=fixed(received.float()),
        asked=fixed(asked.float()),
        mean=fixed((received / asked.clamp(min=1)).float()),
        spread=fixed(torch.cat(spread).float()),
        open=fixed(torch.cat(open_).float()),
        first=float(received[0]) / total if total else 0.0,
        sink=fixed(torch.cat(sink).float()) if learned else None,
    )


def effective(weights: torch.Tensor) -> torch.Tensor:
    """exp(entropy) of each row (…, n_k) → (…): the number of keys it spreads over; 0 for a row of zeros.

    The entropy is that of the row's shares, so what a learned sink takes is left out.
    """
    total = weights.sum(-1)
    shares = weights / total.clamp(min=torch.finfo(weights.dtype).tiny)[..., None]
    return torch.where(total > 0, (-torch.xlogy(shares, shares).sum(-1)).exp(), torch.zeros_like(total))
