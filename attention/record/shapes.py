"""Whether the parts of a record fit each other: their axes, their types, and what needs what."""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor

from attention.record.fields import refuse
from attention.record.operation import AttentionRecord
from attention.record.stored import StoredMaps, StoredProjection
from attention.record.tensors import are_weights


def check_shapes(record: AttentionRecord, where: str) -> None:
    """Raises InputError for the first part that does not fit the others."""
    _Shapes(record, where).check()


class _Shapes:
    """Whether the parts of one record fit each other."""

    def __init__(self, record: AttentionRecord, where: str) -> None:
        self.record, self.where = record, where

    def check(self) -> None:
        """Raises InputError for the first part that does not fit."""
        self._sources()
        record = self.record
        h, n_q, n_k = record.n_heads, record.n_q, record.n_k
        v = None if record.value is None else record.value.shape[2]
        self._fits("output", record.output, (n_q, h, v))
        self._fits("weights", record.weights, (h, n_q, n_k))
        self._fits("sink", record.sink, (h,), (h, n_q))
        m = self._width()
        self._fits("projected", record.projected, (None, m))
        self._fits("mask.keys", record.mask.keys, (n_k,))
        self._fits("mask.array", record.mask.array, (n_q, n_k), (h, n_q, n_k))
        if isinstance(record.maps, StoredMaps):
            self._fits("maps.scores", record.maps.scores, (h, n_q, n_k))
            self._fits("maps.weights", record.maps.weights, (h, n_q, n_k))
        self._bias(h, n_q, n_k)
        self._projection()
        self._fits("kept.lengths", record.kept.lengths, (h, n_k))
        for name, kept, shape in (
            ("norms", record.kept.norms, (n_k,)),
            ("contributions", record.kept.contributions, (n_q, m)),
        ):
            for head, tensor in kept.items():
                if head >= h:
                    self._refuse(f"kept.{name}", f"of heads 0 to {h - 1}")
                self._fits(f"kept.{name}", tensor, shape)

    def _sources(self) -> None:
        """Queries and keys, or what stands for them; then all sizes can be told."""
        record = self.record
        for name in ("query", "key", "value"):
            self._fits(name, getattr(record, name), (None, None, None))
        self._fits("output", record.output, (None, None, None))
        self._fits("weights", record.weights, (None, None, None))
        if (record.query is None) != (record.key is None):
            self._refuse("query and key", "both there, or neither")
        if record.query is None:
            given = record.weights is not None
            shown = record.maps is not None and record.output is not None and record.value is not None
            if not given and not shown:
                self._refuse("weights", "there where query and key are not")
            if record.weights is not None and not are_weights(record.weights):
                self._refuse("weights", "not negative, and sum to no more than 1 in each row")
        self._groups()

    def _groups(self) -> None:
        record = self.record
        h, groups, n_k = record.n_heads, record.n_kv_heads, record.n_k
        if h % groups:
            self._refuse("key", f"of a number of heads that divides {h}")
        if record.key is not None and record.query is not None:
            self._fits("key", record.key, (groups, n_k, record.query.shape[2]))
            if record.key.dtype != record.query.dtype:
                self._refuse("key", "of the query's type")
        self._fits("value", record.value, (groups, n_k, None))

    def _width(self) -> int | None:
        """m, as far as a projection, what it put out, or a contribution tells."""
        weight = getattr(self.record.projection, "weight", None)
        if weight is not None:
            return int(weight.shape[0])
        written = (self.record.projected, *self.record.kept.contributions.values())
        return next((tensor.shape[-1] for tensor in written if tensor is not None and tensor.dim()), None)

    def _bias(self, h: int, n_q: int, n_k: int) -> None:
        bias = self.record.position_bias
        if bias is None:
            return
        if (bias.n_q, bias.n_k) != (n_q, n_k):
            self._refuse("position_bias", f"for {n_q} queries and {n_k} keys")
        tails = {"by_distance": (n_q + n_k - 1,), "by_key": (n_k,), "dense": (n_q, n_k)}
        for form, tail in tails.items():
            self._fits("position_bias", getattr(bias, form), (h, *tail), (1, *tail))

    def _projection(self) -> None:
        project = self.record.projection
        if not isinstance(project, StoredProjection) or project.weight is None:
            return
        like = self.record.output if self.record.output is not None else self.record.value
        if like is None:
            self._refuse("projection", "there only with an output or values")
        self._fits("projection", project.weight, (None, self.record.n_heads * like.shape[2]))
        self._fits("projection.bias", project.bias, (project.weight.shape[0],))
        parts = (self.record.output, self.record.value, project.weight, project.bias)
        if len({part.dtype for part in parts if part is not None}) > 1:
            self._refuse("projection", "of the type of values and outputs")

    def _fits(self, name: str, tensor: Tensor | None, *shapes: tuple[int | None, ...]) -> None:
        if tensor is None:
            return
        for shape in shapes:
            pairs = zip(tensor.shape, shape, strict=False)
            if tensor.dim() == len(shape) and all(own == one or (one is None and own > 0) for own, one in pairs):
                return
        words = " or ".join("(" + ", ".join("any" if n is None else str(n) for n in shape) + ")" for shape in shapes)
        self._refuse(name, f"of shape {words}, not {tuple(tensor.shape)}")

    def _refuse(self, name: str, must: str) -> NoReturn:
        refuse(f"{self.where}.{name}", must)
