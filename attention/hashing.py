"""Numbers that look random and are none: a hash of what they are for. `static/local/random.js` makes the same numbers.

They agree to the last bit: the hash is 32-bit integer arithmetic, and what is made of it is a sum of fractions of 2³²,
exact in float64.
"""

from __future__ import annotations

import numpy as np

# The constants of MurmurHash3's last step (Appleby, 2011), and 2³² divided by the golden ratio.
FIRST, SECOND, GOLDEN = 0x85EBCA6B, 0xC2B2AE35, 0x9E3779B9
SPAN = 2**32
# What stands before a part, so that a text and a number that are made of the same integers differ.
NUMBER, TEXT = 1, 2
# A sum of twelve uniform numbers has variance 1, and after 6 is taken away mean 0.
TERMS = 12


def number_of(*parts: str | int) -> int:
    """A whole number below 2³² from texts and whole numbers of that range, each of which changes all of it."""
    found = 0
    for part in parts:
        letters = [TEXT, len(part), *map(ord, part)] if isinstance(part, str) else [NUMBER, part]
        for value in letters:
            found = _mixed((found ^ value) + GOLDEN)
    return found


def uniform(key: int, count: int) -> np.ndarray:
    """The first `count` numbers of the row that belongs to a key, (count,) float64: uniform, from 0 to below 1."""
    places = _all_mixed(np.arange(1, count + 1, dtype=np.uint32))
    return _all_mixed(places ^ np.uint32(key)) / SPAN


def normal(key: int, count: int) -> np.ndarray:
    """The same, nearly normal: mean 0, variance 1, from −6 to 6."""
    # Exact, so the order in which they are added up changes nothing.
    return uniform(key, TERMS * count).reshape(count, TERMS).sum(axis=1) - TERMS / 2


def _mixed(value: int) -> int:
    """One 32-bit integer from another, one to one."""
    value %= SPAN
    value = (value ^ value >> 16) * FIRST % SPAN
    value = (value ^ value >> 13) * SECOND % SPAN
    return value ^ value >> 16


def _all_mixed(values: np.ndarray) -> np.ndarray:
    """The same of many, uint32, whose products wrap."""
    values = (values ^ values >> np.uint32(16)) * np.uint32(FIRST)
    values = (values ^ values >> np.uint32(13)) * np.uint32(SECOND)
    return values ^ values >> np.uint32(16)
