"""The three panels of one head: scores, weights and weighted values, on one shared axis of queries.

Row 0 is on top. Cells that the mask forbids are NaN, so they have no colour of their own and lie outside every colour
range; a hatching drawn below the cells shows through. Arrays are float32 and go to plotly as they are, never as lists.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from attention.analysis.norms import norm_weighted
from attention.errors import InputError
from attention.figures.axes import (
    SLANT,
    borders,
    label_height,
    label_overhang,
    label_width,
    labels,
    number_axis,
    token_axis,
    upright,
)
from attention.figures.palette import LIGHT, Palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.record import HeadView, Token

SINK = "sink"
VALUES = ("output", "contribution")
NORMS = ("norms", "difference")
# Where the largest of all scores is this many times the 98th percentile, one cell would leave all others pale.
EXTREME = 6.0


def scores(
    head_view: HeadView, *, stage: str = "masked", pin: int | None = None, palette: Palette = LIGHT
) -> go.Figure:
    """The scores of each query with each key at one stage before the softmax; raises NoSuchHeadError."""
    masked = stage == "masked"
    z = _hide(head_view.stage(stage)) if masked else head_view.stage(stage)
    limit, note = symmetric(z)
    trace = heatmap(z, "scores", palette, zmin=-limit, zmax=limit, what=f"{stage} score")
    figure = go.Figure(trace, _layout(head_view, palette, note=note, keys=True, hatch=masked))
    return _pinned(figure, pin, palette)


def weights(head_view: HeadView, *, pin: int | None = None, palette: Palette = LIGHT) -> go.Figure:
    """How much of each key's value each query takes, 0 to 1; a learned sink's share is one more column."""
    z = shown_weights(head_view)
    trace = heatmap(z, "weights", palette, zmin=0, zmax=1, what="weight")
    sink = head_view.sink_in_weights
    return _pinned(go.Figure(trace, _layout(head_view, palette, keys=True, hatch=True, sink=sink)), pin, palette)


def norms(head_view: HeadView, *, what: str = "norms", pin: int | None = None, palette: Palette = LIGHT) -> go.Figure:
    """What each key brings each query: ‖weight · f(x)‖ over the row's sum ("norms"), or that less the weight.

    f(x) is the key's value after W_O (Kobayashi et al. 2020, equation 4). Raises InputError with the reason where it
    cannot be known.
    """
    if what not in NORMS:
        raise InputError(f"what is {what!r}; it must be one of {', '.join(NORMS)}.")
    made = norm_weighted(head_view.record, head_view.head)
    if isinstance(made, str):
        raise InputError(f"What each key brings cannot be told: {made}.")
    rows = made.rows()
    z = (rows.shares if what == "norms" else rows.difference).copy()
    z[closed(head_view)] = np.nan
    z.flags.writeable = False
    if what == "norms":
        trace = heatmap(z, "weights", palette, zmin=0, zmax=1, what="share of what is brought")
        return _pinned(go.Figure(trace, _layout(head_view, palette, keys=True, hatch=True)), pin, palette)
    limit, note = symmetric(z)
    trace = heatmap(z, "scores", palette, zmin=-limit, zmax=limit, what="share − weight")
    return _pinned(go.Figure(trace, _layout(head_view, palette, note=note, keys=True, hatch=True)), pin, palette)


def values(
    head_view: HeadView, *, what: str = "output", pin: int | None = None, palette: Palette = LIGHT
) -> go.Figure:
    """What each query receives: the weighted sum of the values, or what W_O makes of it ("contribution")."""
    if what not in VALUES:
        raise InputError(f"what is {what!r}; it must be one of {', '.join(VALUES)}.")
    z = head_view.output if what == "output" else head_view.contribution
    if z is None:
        reason = head_view.no_contribution if what == "contribution" else "the values of this head are not known"
        raise InputError(f"There is no {what} to draw: {reason}.")
    limit, note = symmetric(z)
    trace = heatmap(z, "values", palette, zmin=-limit, zmax=limit, what=what)
    layout = _layout(head_view, palette, note=note)
    layout["xaxis"] = number_axis(z.shape[1]) | {"side": "top"}
    layout["margin"]["t"] = 28
    layout["annotations"] = [_across("dimension of this head" if what == "output" else "dimension of the model")]
    return _pinned(go.Figure(trace, layout), pin, palette)


def shown_weights(head_view: HeadView) -> np.ndarray:
    """(n_q, n_k), or with a sink (n_q, n_k + 1): the weights with NaN where the mask forbids, read-only float32."""
    z = head_view.weights.copy()
    z[closed(head_view)] = np.nan
    if head_view.sink_in_weights and head_view.sink_weight is not None:
        z = np.concatenate([z, head_view.sink_weight[:, None]], axis=1)
    z.flags.writeable = False
    return z


def closed(head_view: HeadView) -> np.ndarray:
    """(n_q, n_k), True where the mask forbids and nothing is taken: a weight that got past the mask stays in sight."""
    return forbidden(head_view) & (head_view.weights == 0)


def forbidden(head_view: HeadView) -> np.ndarray:
    """(n_q, n_k), True where the query may not attend."""
    rows = head_view.record.allowed(head_view.head)
    if rows is None:
        return np.zeros(head_view.weights.shape, dtype=bool)
    return ~rows.cpu().numpy()


def symmetric(z: np.ndarray) -> tuple[float, str]:
    """(limit, note): the colour range −limit … limit from the finite values, and what to say of extreme ones."""
    size = np.abs(z[np.isfinite(z)])
    if not size.size or not size.max():
        return 1.0, ""
    top = float(size.max())
    usual = float(np.quantile(size, 0.98))
    if size.size < 50 or usual <= 0 or top < EXTREME * usual:
        return top, ""
    limit = round_up(usual)
    extreme = float(z[np.isfinite(z)][size.argmax()])
    return limit, f"Colours end at ±{limit:g}; the largest is {extreme:.4g}."


def literal(text: str) -> str:
    """The text as plotly shows it literally."""
    return html.escape(text, quote=False)


def round_up(value: float) -> float:
    """The number of one digit that is not below this positive one."""
    unit = 10.0 ** math.floor(math.log10(value))
    return math.ceil(value / unit) * unit


def _hide(z: np.ndarray) -> np.ndarray:
    shown = np.where(np.isneginf(z), np.float32(np.nan), z)
    shown.flags.writeable = False
    return shown


def heatmap(z: np.ndarray, scale: str, palette: Palette, *, zmin: float, zmax: float, what: str) -> go.Heatmap:
    """The cells of a map, row 0 first; `scale` is one of the palette's, `what` what hovering calls the number."""
    gap = 1 if max(z.shape) <= 48 else 0
    dimension = scale == "values"
    across = "dimension" if dimension else "key"
    return go.Heatmap(
        z=z, zmin=zmin, zmax=zmax, xgap=gap, ygap=gap, colorscale=palette.scale(scale), showscale=False,
        hoverongaps=False, meta={"scale": scale},
        hovertemplate=f"query %{{y}}<br>{across} %{{x}}<br>{what} %{{z:.6g}}<extra></extra>",
    )  # fmt: skip


def _layout(
    head_view: HeadView, palette: Palette, *, note: str = "", keys: bool = False, hatch: bool = False,
    sink: bool = False,
) -> dict[str, Any]:
    queries, looked = head_view.query_tokens, head_view.key_tokens
    layout = frame(labels(queries), palette, columns=labels(looked) if keys else None, note=note, sink=sink)
    layout["shapes"] = border_lines(queries, looked if keys else (), palette)
    if hatch and forbidden(head_view).any():
        layout["images"] = [hatching(len(queries), len(looked), sink)]
    return layout


def frame(
    rows: Sequence[str], palette: Palette, *, columns: Sequence[str] | None = None, note: str = "", sink: bool = False
) -> dict[str, Any]:
    """The layout of a map by its labels, which are escaped already; without columns it has no axis on top yet."""
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "dragmode": False, "meta": {"note": note},
        "font": {"color": palette.muted, "size": 13}, "hovermode": "closest", "showlegend": False,
        "margin": {"l": label_width(rows), "r": 4, "t": label_height(columns or []), "b": 4},
        "yaxis": upright(token_axis(rows)),
    }  # fmt: skip
    if columns is not None:
        axis = token_axis(columns, SINK if sink else None)
        layout["xaxis"] = axis | {"side": "top", "tickangle": -SLANT}
        layout["margin"]["r"] = label_overhang([*columns, SINK] if sink else columns)
    return layout


def border_lines(rows: Sequence[Token], columns: Sequence[Token], palette: Palette) -> list[dict[str, Any]]:
    """A line between sentence A and sentence B, on each axis of tokens."""
    style = {"type": "line", "line": {"color": palette.ink, "width": 1.5, "dash": "dot"}}
    across = {"xref": "x domain", "x0": 0, "x1": 1, "yref": "y"}
    down = {"yref": "y domain", "y0": 0, "y1": 1, "xref": "x"}
    lines = [style | across | {"y0": at, "y1": at} for at in borders(rows)]
    return lines + [style | down | {"x0": at, "x1": at} for at in borders(columns)]


def _across(text: str) -> dict[str, Any]:
    """What the axis on top counts, written between its two ends."""
    return {
        "text": text, "xref": "x domain", "x": 0.5, "yref": "y domain", "y": 1, "yanchor": "bottom", "yshift": 1,
        "showarrow": False, "font": {"size": 13},
    }  # fmt: skip


def hatching(n_q: int, n_k: int, sink: bool = False) -> dict[str, Any]:
    """One short stroke a cell (a cell of a few where they are small), below the heatmap, over the real keys."""
    unit = max(1.0, max(n_q, n_k) / 40)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {n_k} {n_q}' preserveAspectRatio='none' "
        f"width='{n_k * 24}' height='{n_q * 24}'>"
        f"<pattern id='h' width='{unit:g}' height='{unit:g}' patternUnits='userSpaceOnUse'>"
        f"<path d='M{0.3 * unit:g} {0.7 * unit:g} L{0.7 * unit:g} {0.3 * unit:g}' stroke='#8a857b' "
        f"stroke-opacity='.5' stroke-width='{0.04 * unit:g}'/></pattern>"
        f"<rect width='{n_k}' height='{n_q}' fill='url(#h)'/></svg>"
    )
    return {
        "source": "data:image/svg+xml," + svg.replace("#", "%23").replace("<", "%3C").replace(">", "%3E"),
        "xref": "x domain", "yref": "y domain", "x": 0, "y": 1, "sizex": n_k / (n_k + sink), "sizey": 1,
        "sizing": "stretch", "layer": "below",
    }  # fmt: skip


def _pinned(figure: go.Figure, pin: int | None, palette: Palette) -> go.Figure:
    if pin is not None:
        figure.add_shape(
            type="rect", xref="x domain", x0=0, x1=1, yref="y", y0=pin - 0.5, y1=pin + 0.5,
            line={"color": palette.ink, "width": 2.5}, fillcolor="rgba(0,0,0,0)",
        )  # fmt: skip
    return figure
