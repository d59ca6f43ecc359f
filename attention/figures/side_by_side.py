"""The three panels in one Figure, for notebooks and export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from attention.errors import HeadlightError
from attention.figures import heatmaps
from attention.figures.palette import DARK, LIGHT, Palette

if TYPE_CHECKING:
    from attention.record import HeadView

TITLES = ("Scores", "Weights", "Weighted values")
CELL, SHORTEST, TALLEST, FRAME = 24, 160, 520, 150


def draw(head_view: HeadView, *, dark: bool = False, stage: str = "masked", pin: int | None = None) -> go.Figure:
    """Scores at `stage`, weights and output side by side; a panel whose numbers are not known says so instead."""
    palette = DARK if dark else LIGHT
    figure = make_subplots(1, 3, shared_yaxes=True, horizontal_spacing=0.03)
    for column, made in enumerate(_made(head_view, stage, pin, palette), start=1):
        _place(figure, made, column, palette)
    rows = head_view.record.n_q
    height = min(TALLEST, max(SHORTEST, CELL * rows)) + FRAME
    name = f"{head_view.trace.model.name} · layer {head_view.layer}, head {head_view.head}"
    figure.update_layout(
        title={"text": heatmaps.literal(name), "x": 0.01, "y": 0.99, "yanchor": "top"},
        height=height, margin={"l": 110, "r": 12, "t": 130, "b": 12}, paper_bgcolor=palette.paper,
        plot_bgcolor=palette.paper, font={"color": palette.ink, "size": 13}, template="none",
    )  # fmt: skip
    return figure


def _made(head_view: HeadView, stage: str, pin: int | None, palette: Palette) -> list[go.Figure | str]:
    def or_reason(name: str) -> go.Figure | str:
        try:
            if name == "scores":
                return heatmaps.scores(head_view, stage=stage, pin=pin, palette=palette)
            if name == "weights":
                return heatmaps.weights(head_view, pin=pin, palette=palette)
            return heatmaps.values(head_view, pin=pin, palette=palette)
        except HeadlightError as err:
            return str(err)

    return [or_reason(name) for name in ("scores", "weights", "values")]


def _place(figure: go.Figure, made: go.Figure | str, column: int, palette: Palette) -> None:
    number = "" if column == 1 else str(column)
    words = TITLES[column - 1]
    if isinstance(made, str):
        words = f"{words}: {heatmaps.literal(made)}"
        figure.update_xaxes(visible=False, row=1, col=column)
    else:
        figure.add_trace(made.data[0], 1, column)
        figure.update_xaxes(made.layout.xaxis, row=1, col=column)
        figure.update_yaxes(made.layout.yaxis, row=1, col=column)
        for kind in ("images", "shapes", "annotations"):
            for item in getattr(made.layout, kind):
                refs = {ref: item[ref].replace(ref[0], f"{ref[0]}{number}", 1) for ref in ("xref", "yref")}
                getattr(figure, _ADD[kind])({**item.to_plotly_json(), **refs})
    if column > 1:
        figure.update_yaxes(showticklabels=False, row=1, col=column)
    figure.add_annotation(
        text=f"<b>{words}</b>", xref=f"x{number} domain", yref="paper", x=0, y=1, yshift=96, xanchor="left",
        yanchor="top", showarrow=False, font={"color": palette.ink, "size": 15},
    )  # fmt: skip


_ADD = {"images": "add_layout_image", "shapes": "add_shape", "annotations": "add_annotation"}
