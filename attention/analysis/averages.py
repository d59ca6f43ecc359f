"""Averages over heads, because people ask for them: always with their spread, and a sentence on what they hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.analysis.blocks import fixed, row_blocks, weights_of
from attention.errors import InputError, NoSuchHeadError

if TYPE_CHECKING:
    from attention.record import AttentionRecord, Kind, Trace

Place = tuple[int, int]  # layer, head
HIDES = (
    "An average of heads is a head that the model does not have: heads that look at different things become one that "
    "looks at all of them a little; where the spread is as large as the average, few heads make it."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Average:
    """The mean of several heads' weights. label says that it is one, and of what; hides, what cannot be seen in it.

    mean, spread: (n_q, n_k) float32, the spread being the standard deviation over the heads (population; 0 for one).
    Rows of the mean sum to 1, less the mean share of learned sinks.
    """

    label: str
    heads: tuple[Place, ...]
    mean: np.ndarray
    spread: np.ndarray
    hides: str = HIDES


def over_heads(trace: Trace, layer: int, kind: Kind | None = None) -> Average:
    """The average over all heads of one layer."""
    record = trace.record(layer, kind)
    places = [(layer, head) for head in range(record.n_heads)]
    return average(trace, places, kind, label=f"Average over the {len(places)} heads of layer {layer}")


def over_layers(trace: Trace, head: int, kind: Kind | None = None) -> Average:
    """The average over the heads of one number in all layers, which have nothing in common but the number."""
    places = [(layer, head) for layer, record in trace.records(kind).items() if 0 <= head < record.n_heads]
    if not places:
        raise NoSuchHeadError(f"No layer has a head {head}; heads count from 0.")
    return average(trace, places, kind, label=f"Average over head {head} of {len(places)} layers")


def over_all(trace: Trace, kind: Kind | None = None) -> Average:
    """The average over all heads of all layers."""
    records = trace.records(kind)
    places = [(layer, head) for layer, record in records.items() for head in range(record.n_heads)]
    return average(trace, places, kind, label=f"Average over all {len(places)} heads of {len(records)} layers")


def average(trace: Trace, heads: Sequence[Place], kind: Kind | None = None, *, label: str = "") -> Average:
    """The average over these heads, in one pass of row blocks. Raises InputError where their maps differ in size."""
    if not heads:
        raise InputError("There is no head to average; name at least one.")
    chosen = [(trace.head(layer, head, kind).record, head) for layer, head in heads]
    sizes = {(record.n_q, record.n_k) for record, _ in chosen}
    if len(sizes) > 1:
        raise InputError("These heads look at different numbers of keys, so their maps cannot be averaged.")
    n_q, n_k = sizes.pop()
    mean, spread = (np.empty((n_q, n_k), dtype=np.float32) for _ in range(2))
    for start, stop in row_blocks(n_q, n_k):
        mean[start:stop], spread[start:stop] = _rows(chosen, start, stop)
    label = label or f"Average over {len(heads)} heads"
    return Average(label=label, heads=tuple(heads), mean=fixed(mean), spread=fixed(spread))


def _rows(chosen: list[tuple[AttentionRecord, int]], start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of some rows, by Welford's running sums, which lose nothing to small differences."""
    mean = torch.zeros((), dtype=torch.float64)
    apart = torch.zeros((), dtype=torch.float64)
    for count, (record, head) in enumerate(chosen, start=1):
        rows = weights_of(record, head, start, stop).double()
        before = rows - mean
        mean = mean + before / count
        apart = apart + before * (rows - mean)
    return mean.float().numpy(), (apart / len(chosen)).sqrt().float().numpy()
