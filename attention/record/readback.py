"""A trace from plain numbers and names that a stranger may have written.

`unpack` trusts nothing: every name, number and shape is looked at, and whatever does not fit raises InputError with one
sentence. What `attention.record.plain.pack` made comes back bit for bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from attention.errors import InputError
from attention.record.fields import Fields, refuse
from attention.record.operation import KINDS, AttentionRecord, Kept, Kind, Mask, ModelFacts, PositionBias, Token
from attention.record.plain import FLOATS, FORMS, TENSORS, TYPES, WHOLE
from attention.record.shapes import check_shapes
from attention.record.stored import StoredMaps, StoredProjection
from attention.record.trace import Trace

MOST, MOST_LAYER, MOST_NAME, MOST_PIECE = 10**15, 100_000, 400, 20_000


def unpack(tree: Any, arrays: Mapping[str, np.ndarray]) -> Trace:
    """The trace that was packed, its tensors bit for bit. Raises InputError for all that `pack` did not make."""
    given = Fields(tree, "trace")
    given.only("id", "seconds", "notes", "model", "tokens", "pair_tokens", "records")
    drawer = _Drawer(arrays)
    tokens, pair = (tuple(map(_read_token, given.parts(name))) for name in ("tokens", "pair_tokens"))
    if not tokens:
        refuse("trace.tokens", "at least one")
    name = given.text("id", 12)
    if not re.fullmatch("[0-9a-f]{12}", name):
        refuse("trace.id", "12 hex digits")
    trace = Trace(
        model=read_model(given.part("model")),
        tokens=tokens,
        pair_tokens=pair,
        all_records=tuple(_read_record(one, drawer) for one in given.parts("records")),
        seconds=given.real("seconds", 0),
        notes=tuple(given.texts("notes", MOST_PIECE)),
        id=name,
    )
    drawer.demand_all_used()
    _check_places(trace)
    return trace


def _check_places(trace: Trace) -> None:
    """Each operation once, and as many queries as tokens that ask."""
    places = [(record.kind, record.layer, record.op) for record in trace.all_records]
    if len(set(places)) < len(places):
        refuse("trace.records", "of different layers, kinds and operations")
    for record in trace.all_records:
        count = len(trace.query_tokens(record.kind))
        if record.n_q != count:
            refuse(f"{record.kind}.{record.layer}", f"an operation of {count} queries, one a token, not {record.n_q}")


class _Drawer:
    """The arrays of a file; gives tensors, the same one to all who ask for the same array."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._made: dict[str, tuple[str, Tensor]] = {}

    def tensor(self, given: Fields, name: str, types: Mapping[str, str] = FLOATS) -> Tensor | None:
        """The tensor that a field refers to, or None where it is null."""
        if given.absent(name):
            return None
        part = given.part(name)
        part.only("array", "type")
        array, kind = part.text("array", MOST_NAME), part.choice("type", tuple(types))
        if array not in self._arrays:
            refuse(part.where, f"an array of the file; there is no {array[:40]!r}")
        if array not in self._made:
            self._made[array] = kind, to_tensor(self._arrays[array], kind, part.where)
        if self._made[array][0] != kind:
            refuse(part.where, "of one type throughout")
        return self._made[array][1]

    def demand_all_used(self) -> None:
        if unused := sorted(self._arrays.keys() - self._made.keys()):
            raise InputError(f"This file cannot be used: it holds {unused[0][:60]!r}, to which nothing in it refers.")


def to_tensor(array: np.ndarray, kind: str, where: str) -> Tensor:
    """The numbers in torch's own type, a copy; raises InputError where the array is not stored as that type is."""
    if array.dtype != np.dtype(TYPES[kind]):
        refuse(where, f"stored as {np.dtype(TYPES[kind]).name}, not {array.dtype.name}")
    if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
        refuse(where, "made of 0 and 1")
    if kind != "bfloat16":
        return torch.from_numpy(array.copy())
    bits = array.view(np.uint32)
    if (bits & 0xFFFF).any():
        refuse(where, "made of bfloat16 numbers")
    return torch.from_numpy((bits >> 16).astype(np.uint16).view(np.int16)).view(torch.bfloat16)


def read_model(given: Fields) -> ModelFacts:
    """The model's facts."""
    names = [item.name for item in fields(ModelFacts)]
    given.only(*names)
    known: dict[str, Any] = {name: given.text(name, MOST_NAME) for name in ("name", "architecture", "road", "dtype")}
    known |= {
        name: given.whole(name, 0, MOST, none=True)
        for name in (
            "n_layers", "n_decoder_layers", "n_heads", "n_kv_heads", "d_model", "d_head", "n_parameters", "max_tokens",
        )
    }  # fmt: skip
    return ModelFacts(
        **known,
        trained=None if given.absent("trained") else given.flag("trained"),
        chats=given.flag("chats"),
        revision=None if given.absent("revision") else given.text("revision", MOST_NAME),
    )


def _read_token(given: Fields) -> Token:
    usual = {item.name: item.default for item in fields(Token)}
    given.only("piece", "text", optional=tuple(usual))
    token = Token(piece=given.text("piece", MOST_PIECE), text=given.text("text", MOST_PIECE))
    more: dict[str, Any] = {}
    if given.has("mark"):
        more["mark"] = given.text("mark", MOST_NAME)
    if given.has("id"):
        more["id"] = given.whole("id", 0, MOST, none=True)
    if given.has("special"):
        more["special"] = given.flag("special")
    if given.has("segment"):
        more["segment"] = given.whole("segment", 0, 1)
    if given.has("word"):
        more["word"] = given.whole("word", 0, MOST, none=True)
    for name in ("span", "part"):
        if given.has(name):
            more[name] = given.pair(name, MOST)
    return replace(token, **more)


def _read_record(given: Fields, drawer: _Drawer) -> AttentionRecord:
    given.only(
        "layer", "kind", "op", "scale", "softcap", "temperature", "sink_scales", "no_projection", *TENSORS, "mask",
        "position_bias", "maps", "projection", "kept",
    )  # fmt: skip
    layer, kind = given.whole("layer", 0, MOST_LAYER), given.choice("kind", KINDS)
    given = given.called(f"{kind}.{layer}")
    found = {what: drawer.tensor(given, what, TYPES if what == "sink" else FLOATS) for what in TENSORS}
    maps, projection = given.perhaps("maps"), given.perhaps("projection")
    made = AttentionRecord(
        layer=cast(int, layer),
        kind=cast(Kind, kind),
        op=cast(int, given.whole("op", 0, MOST_LAYER)),
        scale=given.real("scale"),
        softcap=None if given.absent("softcap") else given.real("softcap", above=0),
        temperature=given.real("temperature", above=0),
        sink_scales=given.flag("sink_scales"),
        no_projection=given.text("no_projection", MOST_PIECE),
        mask=_read_mask(given.part("mask"), drawer),
        position_bias=_read_bias(given, drawer),
        maps=None if maps is None else _read_maps(maps, drawer),
        projection=None if projection is None else _read_projection(projection, drawer),
        kept=_read_kept(given.part("kept"), drawer),
        **cast(dict[str, Any], found),
    )
    check_shapes(made, given.where)
    return made


def _read_mask(given: Fields, drawer: _Drawer) -> Mask:
    given.only("before", "after", "keys", "array")
    return Mask(
        before=given.whole("before", 0, MOST, none=True),
        after=given.whole("after", 0, MOST, none=True),
        keys=drawer.tensor(given, "keys", {"bool": WHOLE["bool"]}),
        array=drawer.tensor(given, "array", {"bool": WHOLE["bool"]}),
    )


def _read_bias(given: Fields, drawer: _Drawer) -> PositionBias | None:
    part = given.perhaps("position_bias")
    if part is None:
        return None
    part.only("n_q", "n_k", optional=FORMS)
    forms = [form for form in FORMS if part.has(form)]
    if len(forms) != 1:
        refuse(part.where, f"of one form: {', '.join(FORMS)}")
    n_q, n_k = (cast(int, part.whole(name, 1, MOST)) for name in ("n_q", "n_k"))
    numbers = drawer.tensor(part, forms[0], TYPES)
    if numbers is None:
        refuse(part.where, "of numbers")
    return PositionBias(n_q=n_q, n_k=n_k, **{forms[0]: numbers})


def _read_maps(given: Fields, drawer: _Drawer) -> StoredMaps:
    given.only("scores", "weights")
    scores, weights = (drawer.tensor(given, name) for name in ("scores", "weights"))
    if scores is None or weights is None:
        refuse(given.where, "both scores and weights")
    return StoredMaps(scores, weights)


def _read_projection(given: Fields, drawer: _Drawer) -> StoredProjection:
    given.only("name", "norm_follows", "weight", "turned", "bias", "absent")
    weight, bias = drawer.tensor(given, "weight"), drawer.tensor(given, "bias")
    reason = given.text("absent", MOST_PIECE)
    if (weight is None) != bool(reason) or (weight is None and bias is not None):
        refuse(given.where, "a matrix, or a reason why there is none")
    if weight is not None and weight.dim() != 2:
        refuse(given.where, "a matrix")
    return StoredProjection(
        name=given.text("name", MOST_NAME),
        norm_follows=None if given.absent("norm_follows") else given.text("norm_follows", MOST_NAME),
        weight=weight.T if weight is not None and given.flag("turned") else weight,
        bias=bias,
        absent=reason,
    )


def _read_kept(given: Fields, drawer: _Drawer) -> Kept:
    given.only("lengths", "norms", "contributions")
    return Kept(
        lengths=drawer.tensor(given, "lengths", {"float32": FLOATS["float32"]}),
        norms=_by_head(given.part("norms"), drawer, {"float32": FLOATS["float32"]}),
        contributions=_by_head(given.part("contributions"), drawer, FLOATS),
    )


def _by_head(given: Fields, drawer: _Drawer, types: Mapping[str, str]) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}
    for name in given.names():
        tensor = drawer.tensor(given, name, types) if re.fullmatch("0|[1-9][0-9]{0,5}", name) else None
        if tensor is None:
            refuse(given.where, "arrays by the number of their head")
        found[int(name)] = tensor
    return found
