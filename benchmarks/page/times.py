"""Many times of the same thing, as one line: the middle one, what nine in ten keep below, and the slowest."""

import math
import os
import statistics
from collections.abc import Sequence
from typing import Any

ROUNDS = int(os.environ.get("ROUNDS", "20"))
DIGITS = 2


def spread(times: Sequence[float]) -> dict[str, float]:
    """{median, p90, slowest} in the unit that was given."""
    ordered = sorted(times)
    ninth = ordered[max(0, math.ceil(0.9 * len(ordered)) - 1)]
    return {
        "median": round(statistics.median(ordered), DIGITS),
        "p90": round(ninth, DIGITS),
        "slowest": round(ordered[-1], DIGITS),
    }


def spreads(rows: Sequence[dict[str, Any]], *names: str) -> dict[str, dict[str, float]]:
    """The same of some fields of what the page measured."""
    return {name: spread([row[name] for row in rows]) for name in names}
