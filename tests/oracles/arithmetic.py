"""The arithmetic of one query: every number between q·k and the output, a key at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attention.analysis.titles import stage_titles

if TYPE_CHECKING:
    from attention.record import HeadView


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number a key. name: stage or quantity. title: how it is written. values: (n_k,), by key."""

    name: str
    title: str
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Row:
    """The whole calculation of one query.

    order: keys by falling weight, the masked ones last. columns: in the model's own order. allowed: (n_k,). top: the
    largest score, subtracted before exp. total: Σ exp(s − max), the sink's part included. sink_part: exp(sink − max),
    sink_weight its share; None without a sink. weight_sum: Σ weights over the keys. output: (v,), or None.
    """

    query: int
    order: np.ndarray
    columns: tuple[Column, ...]
    allowed: np.ndarray
    top: float | None
    total: float | None
    sink_part: float | None
    sink_weight: float | None
    weight_sum: float
    value: np.ndarray | None
    output: np.ndarray | None

    def column(self, name: str) -> np.ndarray:
        """One column's numbers by key; raises KeyError."""
        return {column.name: column.values for column in self.columns}[name]


def arithmetic(head_view: HeadView, query: int) -> Row:
    """The calculation of one query row, from the head's own stages."""
    weights = head_view.weights[query]
    stages = {name: array[query] for name, array in head_view.stages}
    allowed = _allowed(head_view, query)
    columns = _score_columns(head_view, stages, query)
    sink = _sink_logit(head_view, query)
    exps, top, total, sink_part = _exponentials(stages.get("masked"), sink)
    if exps is not None:
        columns.append(Column(name="exp", title="exp(s − max)", values=exps))
    columns.append(Column(name="weight", title="weight", values=weights))
    columns += _value_columns(head_view, weights)
    return Row(
        query=query,
        order=np.lexsort((np.arange(len(weights)), -weights, ~allowed)),
        columns=tuple(columns),
        allowed=allowed,
        top=top,
        total=total,
        sink_part=sink_part,
        sink_weight=None if sink is None or head_view.sink_weight is None else float(head_view.sink_weight[query]),
        weight_sum=float(weights.sum(dtype=np.float64)),
        value=head_view.value,
        output=None if head_view.output is None else head_view.output[query],
    )


def _score_columns(head_view: HeadView, stages: dict[str, np.ndarray], query: int) -> list[Column]:
    """The stages, and before the sum with a bias that bias itself."""
    columns: list[Column] = []
    for name, title in stage_titles(head_view).items():
        bias = _bias(head_view, query) if name == "biased" else None
        if bias is not None:
            columns.append(Column(name="bias", title="+ bias", values=bias))
            title = "= sum"
        columns.append(Column(name=name, title=title, values=stages[name]))
    return columns


def _bias(head_view: HeadView, query: int) -> np.ndarray | None:
    bias = head_view.record.position_bias
    if bias is None:
        return None
    return np.asarray(bias.rows(head_view.head, query, query + 1)[0].float().cpu().numpy(), dtype=np.float32)


def _allowed(head_view: HeadView, query: int) -> np.ndarray:
    row = head_view.record.allowed(head_view.head, query, query + 1)
    if row is None:
        return np.ones(head_view.record.n_k, dtype=bool)
    return np.asarray(row[0].cpu().numpy(), dtype=bool)


def _sink_logit(head_view: HeadView, query: int) -> float | None:
    sink = head_view.record.sink
    if sink is None or not head_view.sink_in_weights:
        return None
    own = sink[head_view.head]
    return float(own if own.dim() == 0 else own[query])


def _exponentials(
    masked: np.ndarray | None, sink: float | None
) -> tuple[np.ndarray | None, float | None, float | None, float | None]:
    """exp(s − max) a key, the max, their sum and the sink's part; masked keys give 0, unknown scores None."""
    if masked is None:
        return None, None, None, None
    wide = masked.astype(np.float64)
    top = max(float(wide.max(initial=-np.inf)), -np.inf if sink is None else sink)
    if top == -np.inf:
        return np.zeros(len(wide), dtype=np.float32), None, 0.0, None
    exps = np.exp(wide - top)
    sink_part = None if sink is None else math.exp(sink - top)
    return exps.astype(np.float32), top, float(exps.sum()) + (sink_part or 0.0), sink_part


def _value_columns(head_view: HeadView, weights: np.ndarray) -> list[Column]:
    if head_view.value is None:
        return []
    lengths = np.linalg.norm(head_view.value.astype(np.float64), axis=-1).astype(np.float32)
    return [
        Column(name="length", title="‖v‖", values=lengths),
        Column(name="share", title="weight·‖v‖", values=weights * lengths),
    ]
