"""One head as pictures: pure functions from a HeadView to a plotly Figure, and the sentences that say the same.

`heatmaps` has the three panels one by one, `palette` the colours, `alt` the sentences. plotly is imported when a figure
is made, so that the page can read the colours before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Figure

    from attention.record import HeadView


def panels(head_view: HeadView, *, dark: bool = False, stage: str = "masked", pin: int | None = None) -> Figure:
    """One head's three panels side by side on one axis of queries, with titles."""
    from attention.figures.side_by_side import draw

    return draw(head_view, dark=dark, stage=stage, pin=pin)
