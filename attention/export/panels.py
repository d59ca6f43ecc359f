"""The numbers of a still picture: one head's scores, weights and values, each with what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attention.browser import parts
from attention.errors import HeadlightError
from attention.view import STAGE_LABELS, VALUES_LABELS, WEIGHTS_LABELS, View

if TYPE_CHECKING:
    from attention.record import HeadView, Token

NAMES = {"scores": "Scores", "weights": "Weights", "values": "Weighted values"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One map. z (rows, columns) float32, NaN where masked, None where `words` say why there is none. sink: whether the
    last column is a learned sink's.
    """

    name: str
    words: str
    z: np.ndarray | None = None
    low: float = 0.0
    high: float = 1.0
    scale: str = "weights"
    columns: tuple[str, ...] = ()
    sink: bool = False


def panel_of(head_view: HeadView, view: View, name: str) -> Panel:
    """The panel "scores", "weights" or "values" of what the view shows."""
    return {"scores": _scores, "weights": _weights, "values": _values}[name](head_view, view)


def stage_of(head_view: HeadView, view: View) -> str:
    """The stage that is shown, or where this head lacks it its last one before the weights; or ""."""
    known = [name for name, _ in head_view.stages if name in STAGE_LABELS]
    return view.stage if view.stage in known else (known[-1] if known else "")


def labels(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Each token as it is read."""
    from attention.tokens import label

    return tuple(label(token, 40) for token in tokens)


def _scores(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    stage = stage_of(head_view, view)
    if not stage:
        return Panel(name="scores", words="The scores of this head are not known: only its weights were given.")
    z = head_view.stage(stage)
    z = np.where(np.isneginf(z), np.float32(np.nan), z)
    limit, note = heatmaps.symmetric(z)
    return Panel(
        name="scores", words=_words(STAGE_LABELS[stage], parts.CAPTIONS["scores"], note), z=z, low=-limit, high=limit,
        scale="scores", columns=labels(head_view.key_tokens),
    )  # fmt: skip


def _weights(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    names, words = labels(head_view.key_tokens), _words(WEIGHTS_LABELS[view.weights], parts.CAPTIONS[view.weights])
    if view.weights == "weights":
        z = heatmaps.shown_weights(head_view)
        sink = z.shape[1] > len(names)
        return Panel(
            name="weights", words=words, z=z, columns=(*names, heatmaps.SINK) if sink else names, sink=sink
        )
    try:
        trace = heatmaps.norms(head_view, what=view.weights).data[0]
    except HeadlightError as err:
        return Panel(name="weights", words=str(err))
    return Panel(
        name="weights", words=words, z=trace.z, low=trace.zmin, high=trace.zmax, scale=trace.meta["scale"],
        columns=names,
    )  # fmt: skip


def _values(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    try:
        trace = heatmaps.values(head_view, what=view.values).data[0]
    except HeadlightError as err:
        return Panel(name="values", words=str(err))
    return Panel(
        name="values", words=_words(VALUES_LABELS[view.values], parts.CAPTIONS[view.values]), z=trace.z, low=trace.zmin,
        high=trace.zmax, scale="values", columns=tuple(map(str, range(trace.z.shape[1]))),
    )  # fmt: skip


def _words(label: str, caption: str, note: str = "") -> str:
    return "; ".join(filter(None, (f"{label}: {caption}", note if note != caption else "")))
