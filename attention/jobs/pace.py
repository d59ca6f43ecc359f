"""How fast a download is, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attention.config import MEGABYTE

# The pace of a download is that of its last seconds, and is not guessed from fewer than these.
PACE_SECONDS, LEAST_SECONDS = 10.0, 2.0


def in_words(pace: Sequence[tuple[float, int]], total: int) -> str:
    """How fast a download is and how long it will take, from (time, bytes) of late; "" where that is not known."""
    if len(pace) < 2 or pace[-1][0] - pace[0][0] < LEAST_SECONDS or total <= 0:
        return ""
    (began, first), (now, last) = pace[0], pace[-1]
    speed = (last - first) / (now - began)
    if speed < 1000:
        return "hardly anything is coming at the moment"
    left = (total - last) / speed
    said = f"{speed / MEGABYTE:.1f} MB/s" if speed >= MEGABYTE / 10 else f"{speed / 1000:.0f} kB/s"
    rest = f"{math.ceil(left):,} s" if left < 90 else f"{left / 60:,.0f} min"
    return f"{said}, about {rest} left"
