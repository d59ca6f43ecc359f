"""Each panel in one sentence, for those who do not see it and for those who want it said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from attention.record import HeadView, Mask, Token

# Why a query may not look at some keys, by the kind of rule; `static/masks.js` has the same.
MASKED = {
    "causal": "the query comes before them",
    "window": "they are out of its window",
    "padding": "they are padding",
    "own": "the model’s own mask closes them",
}


def scores(head_view: HeadView, pin: int, *, stage: str = "masked") -> str:
    """The key with the highest score of the pinned query."""
    row = head_view.stage(stage)[pin]
    open_ = np.isfinite(row)
    start = f"Scores of {_size(head_view)} at the stage “{stage}”."
    if not open_.any():
        return f"{start} {_quoted(head_view.query_tokens[pin])} may attend to nothing."
    best = int(np.where(open_, row, -np.inf).argmax())
    closed = _masked(head_view, pin) if stage == "masked" else ""
    top = _quoted(head_view.key_tokens[best])
    return f"{start} {_pair(head_view, pin)} the highest with {top}: {row[best]:.4g}.{closed}"


def weights(head_view: HeadView, pin: int) -> str:
    """The key that the pinned query takes most of."""
    row = head_view.weights[pin]
    start = f"Attention weights of {_size(head_view)}, each row summing to 1."
    if not row.any():
        return f"{start} {_quoted(head_view.query_tokens[pin])} takes nothing from any key."
    best = int(row.argmax())
    sink = "" if head_view.sink_weight is None else f" The learned sink takes {head_view.sink_weight[pin]:.4f}."
    key = _quoted(head_view.key_tokens[best])
    closed = _masked(head_view, pin)
    return f"{start} {_pair(head_view, pin)} the largest weight for {key}: {row[best]:.4f}.{sink}{closed}"


def norms(head_view: HeadView, pin: int, *, what: str) -> str:
    """The key that brings the pinned query most, and how its weight compares."""
    from attention.analysis.norms import norm_weighted

    made = norm_weighted(head_view.record, head_view.head)
    if isinstance(made, str):
        return f"What each key brings cannot be told: {made}."
    rows = made.rows(pin, pin + 1)
    shares, weights = rows.shares[0], head_view.weights[pin]
    name = "What each key brings" if what == "norms" else "What each key brings, less its weight"
    query, key = _quoted(head_view.query_tokens[pin]), int(shares.argmax())
    top = _quoted(head_view.key_tokens[key])
    return (
        f"{name}, for {_size(head_view)}. {query} is brought most by {top}: {shares[key]:.4f} of all, "
        f"with a weight of {weights[key]:.4f}."
    )


def values(head_view: HeadView, pin: int, *, what: str = "output") -> str:
    """The length of what the pinned query receives, and its largest dimension."""
    z = head_view.output if what == "output" else head_view.contribution
    name = "Weighted values" if what == "output" else "Contribution after the output projection"
    if z is None:
        return f"{name}: not known for this head."
    row = z[pin]
    best = int(np.abs(row).argmax()) if row.size else 0
    length = float(np.linalg.norm(row))
    start = f"{name}: {z.shape[0]} query tokens by {z.shape[1]} dimensions."
    query = _quoted(head_view.query_tokens[pin])
    return f"{start} {query} receives a vector of length {length:.4g}, largest in dimension {best}: {row[best]:.4g}."


def _masked(head_view: HeadView, pin: int) -> str:
    """How many keys the pinned query may not look at, and why, with a space before it; "" where it may look at all."""
    mask, n_k = head_view.record.mask, head_view.record.n_k
    rows = mask.rows(pin, pin + 1, n_k, head=head_view.head)
    if rows is None:
        return ""
    closed = [key for key in range(n_k) if not rows[0, key]]
    counts = Counter(reason(mask, pin, key) for key in closed)
    parts = [f"{counts[one]} of {n_k} keys, because {why}" for one, why in MASKED.items() if counts[one]]
    return f" Masked: {'; '.join(parts)}." if parts else ""


def reason(mask: Mask, query: int, key: int) -> str:
    """Which rule keeps a query from a key that it may not look at: one of MASKED."""
    if mask.array is not None:
        return "own"
    if mask.after is not None and key > query + mask.after:
        return "causal" if mask.causal else "window"
    return "window" if mask.before is not None and key < query - mask.before else "padding"


def _size(head_view: HeadView) -> str:
    record = head_view.record
    return f"layer {record.layer}, head {head_view.head}: {record.n_q} queries by {record.n_k} keys"


def _pair(head_view: HeadView, pin: int) -> str:
    return f"{_quoted(head_view.query_tokens[pin])} has"


def _quoted(token: Token) -> str:
    from attention.tokens import label

    return f"“{label(token, 40)}”"
