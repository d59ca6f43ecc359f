"""What one head does on this text, in two numbers: how far it looks and over how many keys it spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import HeadView


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Averages over the queries that attend to something.

    distance: mean of (query − key) under the weights; positive looks back; None where queries and keys are two texts.
    reach: mean of |query − key|. spread: 2 to the entropy in bits, the number of keys that it looks at as if evenly.
    """

    distance: float | None
    reach: float | None
    spread: float


def habit(head_view: HeadView) -> Habit | None:
    """The head's averages on this text, in blocks of rows, or None where no query attends to anything."""
    from attention.analysis.blocks import weight_blocks

    live = 0
    sums = np.zeros(3)
    for start, stop, weights in weight_blocks(head_view.record, head_view.head):
        totals = weights.sum(-1)
        live += int((totals > 0).sum())
        sums += _sums(weights, totals, start, stop)
    if not live:
        return None
    distance, reach, spread = (float(part) / live for part in sums)
    if head_view.kind == "cross":
        return Habit(distance=None, reach=None, spread=spread)
    return Habit(distance=distance, reach=reach, spread=spread)


def _sums(weights: Tensor, totals: Tensor, start: int, stop: int) -> np.ndarray:
    """(3,): the sums over the queries start..stop that attend, of mean distance, mean |distance| and exp(entropy)."""
    import torch

    shares = weights / torch.where(totals > 0, totals, torch.ones_like(totals))[:, None]
    live = (totals > 0).double()
    queries = torch.arange(start, stop, device=weights.device)
    steps = queries[:, None] - torch.arange(weights.shape[1], device=weights.device)
    entropy = -torch.xlogy(shares, shares).sum(-1).double()
    distance, reach = ((shares * part).sum(-1).double() for part in (steps, steps.abs()))
    return np.array([float((part * live).sum()) for part in (distance, reach, entropy.exp())])


def in_words(found: Habit | None) -> str:
    """The averages as one plain sentence."""
    if found is None:
        return "Attends to nothing here."
    keys = "token" if round(found.spread, 1) == 1 else "tokens"
    spread = f"spread over {found.spread:.1f} {keys}"
    if found.distance is None or found.reach is None:
        return f"Each query’s weight is {spread} of the source on average."
    if found.reach < 0.05:
        return f"Looks at the token itself, {spread}."
    if abs(found.distance) >= 0.8 * found.reach:
        way = "back" if found.distance > 0 else "ahead"
        return f"Looks {found.reach:.1f} {_tokens(found.reach)} {way} on average, {spread}."
    return f"Looks {found.reach:.1f} {_tokens(found.reach)} away to both sides on average, {spread}."


def _tokens(count: float) -> str:
    return "token" if round(count, 1) == 1 else "tokens"
