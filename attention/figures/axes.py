"""Tokens on an axis: labels as text that plotly shows literally, thinned where there are too many."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from attention.record import Token

MOST_LABELS = 48
LABEL_CHARS = 14
SLANT = 55
SIN, COS = math.sin(math.radians(SLANT)), math.cos(math.radians(SLANT))


def labels(tokens: Sequence[Token]) -> list[str]:
    """Each token's label, with plotly's own markup made harmless."""
    from attention.tokens import label

    return [html.escape(label(token, LABEL_CHARS), quote=False) for token in tokens]


def thinned(count: int, most: int = MOST_LABELS) -> np.ndarray:
    """The places 0, step, 2·step … that get a label, so that at most `most` do."""
    step = max(1, -(-count // most))
    return np.arange(0, count, step, dtype=np.int32)


def token_axis(names: Sequence[str], extra: str | None = None) -> dict[str, Any]:
    """Layout of an axis of tokens; `extra` names one more place at the end, which always keeps its label."""
    places = thinned(len(names))
    ticks, texts = places.tolist(), [names[place] for place in places]
    if extra is not None:
        ticks, texts = [*ticks, len(names)], [*texts, extra]
    count = len(names) + (extra is not None)
    return _plain() | {
        "tickmode": "array",
        "tickvals": np.array(ticks, dtype=np.int32),
        "ticktext": texts,
        "range": [-0.5, count - 0.5],
    }


def borders(tokens: Sequence[Token]) -> list[float]:
    """Where on the axis one text ends and the next begins: between its two tokens, in the axis's own units."""
    return [i - 0.5 for i in range(1, len(tokens)) if tokens[i].segment != tokens[i - 1].segment]


def number_axis(count: int) -> dict[str, Any]:
    """Layout of an axis of dimensions 0 … count − 1: only the first and the last are written."""
    ends = sorted({0, max(0, count - 1)})
    return _plain() | {
        "tickmode": "array",
        "tickvals": np.array(ends, dtype=np.int32),
        "ticktext": [str(end) for end in ends],
        "range": [-0.5, count - 0.5],
    }


def upright(axis: dict[str, Any]) -> dict[str, Any]:
    """The same axis with row 0 on top."""
    low, high = axis["range"]
    return axis | {"range": [high, low]}


def _plain() -> dict[str, Any]:
    return {
        "type": "linear", "showgrid": False, "zeroline": False, "showline": False, "fixedrange": True,
        "automargin": False, "ticklabeloverflow": "allow", "ticks": "outside", "ticklen": 5,
        "tickcolor": "rgba(0,0,0,0)",
    }  # fmt: skip


def label_height(names: Sequence[str]) -> int:
    """Pixels above the plot that the slanted labels of a key axis need."""
    return int(min(130, 24 + SIN * _longest(names)))


def label_overhang(names: Sequence[str]) -> int:
    """Pixels right of the plot that the slanted label of the last key needs."""
    return int(min(80, max(4, COS * _width(names[-1] if names else ""))))


def label_width(names: Sequence[str]) -> int:
    """Pixels left of the plot that the labels of a query axis need."""
    return int(min(150, 16 + _longest(names)))


def _longest(names: Sequence[str]) -> float:
    """Pixels of the longest label that is drawn."""
    return max((_width(names[place]) for place in thinned(len(names))), default=8)


def _width(name: str) -> float:
    """About the pixels of a label in bold 14 px, as it is read and not as it is escaped."""
    return sum(_letter(letter) for letter in html.unescape(name))


def _letter(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 14
    if letter in "mwMW@%…—":
        return 12.5
    return 9.5 if letter.isupper() else 8
