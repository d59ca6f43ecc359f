"""Whether the parts of a record fit each other: their axes, their types, and what needs what.

The axes of each array stand in the declaration of its field, in letters; here the letters get their sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from torch import Tensor

from attention.record import held
from attention.record.fields import refuse
from attention.record.operation import AttentionRecord
from attention.record.stored import StoredProjection, linear_of
from attention.record.tensors import are_weights

Sizes = Mapping[str, int | None]


def check_shapes(record: AttentionRecord, where: str) -> None:
    """Raises InputError for the first part that does not fit the others."""
    _Shapes(record, where).check()


class _Shapes:
    """Whether the parts of one record fit each other."""

    def __init__(self, record: AttentionRecord, where: str) -> None:
        self.record, self.where = record, where

    def check(self) -> None:
        """Raises InputError for the first part that does not fit."""
        self._arrays({})  # before sizes can be told, how many axes there are
        self._sources()
        self._bias()
        self._projection()
        self._arrays(self._sizes())
        self._edits()

    def _edits(self) -> None:
        """Each edit is one of this operation, of a head and tokens that are there, and has what it needs."""
        record, heads = self.record, range(self.record.n_heads)
        for edit in record.edits:
            there = all(
                number is None or number < most
                for number, most in ((edit.head, len(heads)), (edit.query, record.n_q), (edit.key, record.n_k))
            )
            if not there or not edit.kind or not edit.concerns(record.kind, record.layer, record.op, edit.kind):
                self._refuse("edits", f"of this operation, its heads and its tokens; {edit} is not")
            own = [head for head in heads if edit.changes_head(head)]
            needed = record.given_weights if edit.how == "weights" else record.given
            if edit.how in ("mean", "output", "weights") and not all(head in needed for head in own):
                self._refuse("given", f"there for each head that {edit} changes")

    def _arrays(self, sizes: Sizes) -> None:
        """Each array against its axes; a letter without a size may be of any."""
        h = sizes.get("h")
        for one in held.arrays_of(self.record):
            if h is not None and one.head is not None and one.head >= h:
                self._refuse(one.name, f"of heads 0 to {h - 1}")
            self._fits(one.name, one.tensor, *(tuple(_size(letter, sizes) for letter in form) for form in one.axes))

    def _sizes(self) -> Sizes:
        record = self.record
        n_q, n_k = record.n_q, record.n_k
        v = None if record.value is None else record.value.shape[2]
        return {
            "h": record.n_heads, "g": record.n_kv_heads, "n_q": n_q, "n_k": n_k, "d": record.d_head, "v": v,
            "m": self._width(), "n_q+n_k-1": n_q + n_k - 1,
        }  # fmt: skip

    def _sources(self) -> None:
        """Queries and keys, or what stands for them; then all sizes can be told."""
        record = self.record
        if (record.query is None) != (record.key is None):
            self._refuse("query and key", "both there, or neither")
        if record.query is None:
            given = record.weights is not None
            shown = record.maps is not None and record.output is not None and record.value is not None
            if not given and not shown:
                self._refuse("weights", "there where query and key are not")
            if record.weights is not None and not are_weights(record.weights):
                self._refuse("weights", "not negative, and sum to no more than 1 in each row")
        if record.n_heads % record.n_kv_heads:
            self._refuse("key", f"of a number of heads that divides {record.n_heads}")
        if record.key is not None and record.query is not None and record.key.dtype != record.query.dtype:
            self._refuse("key", "of the query's type")

    def _width(self) -> int | None:
        """m, as far as a projection, what it put out, or a contribution tells."""
        found = linear_of(self.record.projection)
        if found is not None:
            return found[0].shape[0]
        written = (self.record.projected, *self.record.kept.contributions.values())
        return next((tensor.shape[-1] for tensor in written if tensor is not None), None)

    def _bias(self) -> None:
        bias, n_q, n_k = self.record.position_bias, self.record.n_q, self.record.n_k
        if bias is None:
            return
        if len(bias.forms) != 1:
            forms = [name for name, how in held.declared(type(bias)).items() if how.axes]
            self._refuse("position_bias", f"of one form: {', '.join(forms)}")
        if (bias.n_q, bias.n_k) != (n_q, n_k):
            self._refuse("position_bias", f"for {n_q} queries and {n_k} keys")

    def _projection(self) -> None:
        project = self.record.projection
        if not isinstance(project, StoredProjection):
            return
        if (project.weight is None) != bool(project.absent) or (project.weight is None and project.bias is not None):
            self._refuse("projection", "a matrix, or a reason why there is none")
        if project.linear is None:
            return
        weight, bias = project.linear
        like = self.record.output if self.record.output is not None else self.record.value
        if like is None:
            self._refuse("projection", "there only with an output or values")
        self._fits("projection", weight, (None, self.record.n_heads * like.shape[2]))
        if bias is not None:
            self._fits("projection.bias", bias, (weight.shape[0],))
        parts = (self.record.output, self.record.value, weight, bias)
        if len({part.dtype for part in parts if part is not None}) > 1:
            self._refuse("projection", "of the type of values and outputs")

    def _fits(self, name: str, tensor: Tensor, *shapes: tuple[int | None, ...]) -> None:
        for shape in shapes:
            pairs = zip(tensor.shape, shape, strict=False)
            if tensor.dim() == len(shape) and all(own == one or (one is None and own > 0) for own, one in pairs):
                return
        words = " or ".join("(" + ", ".join("any" if n is None else str(n) for n in shape) + ")" for shape in shapes)
        self._refuse(name, f"of shape {words}, not {tuple(tensor.shape)}")

    def _refuse(self, name: str, must: str) -> NoReturn:
        refuse(f"{self.where}.{name}", must)


def _size(letter: str, sizes: Sizes) -> int | None:
    return int(letter) if letter.isdigit() else sizes.get(letter)
