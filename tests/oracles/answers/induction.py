"""The check questions of the lesson that takes a head apart, computed another way: exact sums, and parts counted."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

Given = Mapping[str, Any]


def parts_add(given: Given) -> float:
    return float(sum(Fraction(str(given[name])) for name in "abme"))


def stream_parts(given: Given) -> int:
    """The names of all that was added before the layer, counted."""
    parts = ["embedding"]
    for layer in range(given["l"]):
        parts += [f"head {layer}.{head}" for head in range(given["h"])] + [f"feed-forward {layer}"]
    return len(set(parts))


def earliest(given: Given) -> int:
    """The first of many layers whose stream holds that layer's write."""
    return next(layer for layer in range(100) if given["l"] in range(layer))


def ln_change(given: Given) -> float:
    return math.log(given["after"]) - math.log(given["before"])


def seen_or_done(given: Given) -> float:
    return float(Fraction(str(given["after"])) - Fraction(str(given["before"])))
