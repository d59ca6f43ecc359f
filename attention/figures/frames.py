"""The layouts of a head's three panels without their cells, for whoever paints the cells itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attention.figures.axes import labels
from attention.figures.heatmaps import border_lines, frame
from attention.figures.palette import LIGHT, Palette

if TYPE_CHECKING:
    from attention.record import HeadView


def of_tokens(head_view: HeadView, palette: Palette = LIGHT) -> dict[str, Any]:
    """Queries by keys: the layout of the scores and of the weights."""
    queries, keys = head_view.query_tokens, head_view.key_tokens
    layout = frame(labels(queries), palette, columns=labels(keys))
    return layout | {"shapes": border_lines(queries, keys, palette)}


def of_numbers(head_view: HeadView, palette: Palette = LIGHT) -> dict[str, Any]:
    """Queries by dimensions: the layout of the weighted values."""
    queries = head_view.query_tokens
    return frame(labels(queries), palette) | {"shapes": border_lines(queries, (), palette)}


def of_nobody(palette: Palette = LIGHT) -> dict[str, dict[str, Any]]:
    """{tokens, numbers}: both for tokens that are not known yet, without borders; the browser writes the labels."""
    bare = {"tokens": frame([], palette, columns=[]), "numbers": frame([], palette)}
    return {name: layout | {"shapes": []} for name, layout in bare.items()}


def across(text: str) -> dict[str, Any]:
    """What the axis on top counts, written between its two ends."""
    return {
        "text": text, "xref": "x domain", "x": 0.5, "yref": "y domain", "y": 1, "yanchor": "bottom", "yshift": 1,
        "showarrow": False, "font": {"size": 13},
    }  # fmt: skip
