"""One number for every head of a model, as it fills up while heads are tried in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from attention.analysis.effect import Metric
from attention.capture.address import Address
from attention.capture.replaced import Head

if TYPE_CHECKING:
    from attention.record import Kind


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadMap:
    """A number for every head.

    values: by address (h,), float64; NaN for a head that was not tried yet. metric: of which they tell. base: the
    metric of the run without a change. sentence: what was done and what is told, to be quoted. exact: whether every
    number comes from a run of its own, and is no estimate.
    """

    values: Mapping[Address, np.ndarray]
    metric: Metric
    base: float
    sentence: str
    exact: bool = True

    @cached_property
    def total(self) -> int:
        """How many heads there are."""
        return sum(len(row) for row in self.values.values())

    @cached_property
    def done(self) -> int:
        """How many were tried."""
        return sum(int((~np.isnan(row)).sum()) for row in self.values.values())

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention with heads in it."""
        return tuple(dict.fromkeys(address.kind for address in sorted(self.values)))

    def grid(self, kind: Kind, op: int = 0) -> tuple[tuple[int, ...], np.ndarray]:
        """Layer numbers and the values (layers, heads) of one kind; NaN where a layer has no such head too."""
        layers = sorted(address.layer for address in self.values if address.kind == kind and address.op == op)
        rows = [self.values[Address(kind, layer, op)] for layer in layers]
        made = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
        for at, row in enumerate(rows):
            made[at, : len(row)] = row
        return tuple(layers), made

    def ranked(self) -> list[tuple[Head, float]]:
        """The heads that were tried, the largest number without its sign first."""
        found = [(Head(at, head), float(row[head])) for at, row in self.values.items() for head in range(len(row))]
        return sorted((one for one in found if not np.isnan(one[1])), key=lambda one: (-abs(one[1]), one[0]))


def empty(heads: Iterable[Head]) -> dict[Address, np.ndarray]:
    """Rows of NaN for these heads."""
    counts: dict[Address, int] = {}
    for one in heads:
        counts[one.address] = max(counts.get(one.address, 0), one.head + 1)
    return {address: np.full(count, np.nan) for address, count in counts.items()}


def filled(
    values: Mapping[Address, np.ndarray], heads: Sequence[Head], found: Sequence[float]
) -> dict[Address, np.ndarray]:
    """The values with those of some heads; read-only, what was there stays as it is."""
    made = {address: row.copy() for address, row in values.items()}
    for one, value in zip(heads, found, strict=True):
        made[one.address][one.head] = value
    for row in made.values():
        row.setflags(write=False)
    return made
