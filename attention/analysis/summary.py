"""What one head does on this text, in two numbers: how far it looks and over how many keys it spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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
    """The head's averages on this text, or None where no query attends to anything."""
    weights = head_view.weights.astype(np.float64)
    totals = weights.sum(axis=1, keepdims=True)
    live = totals[:, 0] > 0
    if not live.any():
        return None
    shares = weights[live] / totals[live]
    entropy = -np.sum(shares * np.log2(np.where(shares > 0, shares, 1)), axis=1)
    spread = float(np.mean(2**entropy))
    if head_view.kind == "cross":
        return Habit(distance=None, reach=None, spread=spread)
    steps = np.flatnonzero(live)[:, None] - np.arange(weights.shape[1])[None, :]
    return Habit(
        distance=float((shares * steps).sum(axis=1).mean()),
        reach=float((shares * np.abs(steps)).sum(axis=1).mean()),
        spread=spread,
    )


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
