"""A trace as plain numbers and names: what a file can hold of it.

`pack` gives a tree that JSON can carry and numpy arrays by name; the tree refers to them by {"array": name, "type":
torch's name of the type}. numpy has no bfloat16: such numbers are kept as float32, which holds each of them exactly.
What a model alone could answer is in `AttentionRecord.kept`, or not there. `attention.record.readback` reads it back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attention.errors import InputError
from attention.record.operation import AttentionRecord, Kept, PositionBias, Projection, Token
from attention.record.stored import StoredProjection, absent, linear_of
from attention.record.trace import Trace

FLOATS = {"float16": "<f2", "bfloat16": "<f4", "float32": "<f4", "float64": "<f8"}
WHOLE = {"bool": "|b1", "uint8": "|u1", "int32": "<i4", "int64": "<i8"}
TYPES = FLOATS | WHOLE
FORMS = ("by_distance", "by_key", "dense")
TENSORS = ("query", "key", "value", "output", "weights", "sink", "projected")
# Output projections of one trace are kept where they take no more bytes than this together.
SMALL = 2_000_000
NOT_KEPT = "this file does not hold the layer’s output projection"
MOST_NAMES = 100_000
BROKEN = re.compile("[\ud800-\udfff]")

Arrays = dict[str, np.ndarray]
Tree = dict[str, Any]


def pack(trace: Trace) -> tuple[Tree, Arrays]:
    """(tree, arrays by name). Tensors that records share are kept once. The checks are not in it: they are words too.

    Raises InputError for numbers that no file of ours can hold.
    """
    store = _Store()
    small = _are_small([linear_of(record.projection) for record in trace.all_records])
    notes = [note for note in trace.notes if trace.checked is None or note != trace.checked.note]
    tree = {
        "id": trace.id, "seconds": float(trace.seconds), "notes": notes,
        "model": asdict(trace.model),
        "tokens": [_token(token) for token in trace.tokens],
        "pair_tokens": [_token(token) for token in trace.pair_tokens],
        "records": [_record(record, store, small) for record in trace.all_records],
    }  # fmt: skip
    return tree, store.arrays


def clean(text: str) -> str:
    """The text with what no file can carry, lone surrogates, replaced by U+FFFD."""
    return BROKEN.sub("\N{REPLACEMENT CHARACTER}", text)


class _Store:
    """The arrays so far; a tensor that was met before is not kept again."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}
        self._seen: dict[int, tuple[Tensor, Tree]] = {}

    def add(self, name: str, tensor: Tensor | None) -> Tree | None:
        if tensor is None:
            return None
        if id(tensor) not in self._seen:  # the tensor is held, so its id stays its own
            free = next(one for one in _numbered(name) if one not in self.arrays)
            kind = str(tensor.dtype).removeprefix("torch.")
            if kind not in TYPES:
                raise InputError(f"{name} is of type {kind}; a file holds {', '.join(TYPES)}.")
            self.arrays[free] = to_numpy(tensor)
            self._seen[id(tensor)] = tensor, {"array": free, "type": kind}
        return dict(self._seen[id(tensor)][1])


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}.{i}" for i in range(2, MOST_NAMES))


def to_numpy(tensor: Tensor) -> np.ndarray:
    """The numbers, exactly: bfloat16 bit by bit as the upper half of float32."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype is not torch.bfloat16:
        return tensor.numpy()
    upper = tensor.view(torch.int16).numpy().view(np.uint16).astype(np.uint32) << 16
    return np.asarray(upper.view(np.float32))


def _are_small(found: list[tuple[Tensor, Tensor | None] | None]) -> bool:
    parts = {id(part): part for pair in found if pair is not None for part in pair if part is not None}
    return sum(part.numel() * part.element_size() for part in parts.values()) <= SMALL


def _token(token: Token) -> Tree:
    """What differs from an ordinary token, beside its piece and text."""
    usual = Token(piece=token.piece, text=token.text)
    tree: Tree = {"piece": token.piece, "text": token.text}
    for item in fields(Token):
        value = getattr(token, item.name)
        if item.name not in tree and value != getattr(usual, item.name):
            tree[item.name] = value
    return tree


def _record(record: AttentionRecord, store: _Store, small: bool) -> Tree:
    name = f"{record.kind}.{record.layer}" + (f".op{record.op}" if record.op else "")
    for what in ("scale", "softcap", "temperature"):
        number = getattr(record, what)
        if number is not None and not math.isfinite(number):
            raise InputError(f"{name} has the {what} {number}, which no file can hold; it must be a finite number.")
    tree: Tree = {
        "layer": record.layer, "kind": record.kind, "op": record.op, "scale": float(record.scale),
        "softcap": None if record.softcap is None else float(record.softcap),
        "temperature": float(record.temperature), "sink_scales": record.sink_scales,
        "no_projection": record.no_projection,
    }  # fmt: skip
    tree |= {what: store.add(f"{name}.{what}", getattr(record, what)) for what in TENSORS}
    tree["mask"] = {
        "before": record.mask.before, "after": record.mask.after,
        "keys": store.add(f"{name}.mask_keys", record.mask.keys),
        "array": store.add(f"{name}.mask", record.mask.array),
    }  # fmt: skip
    tree["position_bias"] = _bias(record.position_bias, name, store)
    tree["maps"] = _maps(record, name, store)
    tree["projection"] = _projection(record, name, store, small)
    tree["kept"] = _kept(record.kept, name, store)
    return tree


def _bias(bias: PositionBias | None, name: str, store: _Store) -> Tree | None:
    if bias is None:
        return None
    form = next(form for form in FORMS if getattr(bias, form) is bias.numbers)
    return {"n_q": bias.n_q, "n_k": bias.n_k, form: store.add(f"{name}.position_bias", bias.numbers)}


def _maps(record: AttentionRecord, name: str, store: _Store) -> Tree | None:
    if record.maps is None:
        return None
    scores, weights = record.maps()
    return {"scores": store.add(f"{name}.own_scores", scores), "weights": store.add(f"{name}.own_weights", weights)}


def _projection(record: AttentionRecord, name: str, store: _Store, small: bool) -> Tree | None:
    project = record.projection
    if project is None:
        return None
    found = linear_of(project) if small and _of_one_type(record) else None
    weight, bias = found if found is not None else (None, None)
    # A turned matrix stays turned, for a product's last digit depends on it.
    turned = weight is not None and not weight.is_contiguous()
    stored = weight.T if weight is not None and turned else weight
    return {
        "name": project.name,
        "norm_follows": project.norm_follows,
        "weight": store.add(f"{name}.projection", stored),
        "turned": turned,
        "bias": store.add(f"{name}.projection_bias", bias),
        "absent": "" if found is not None else _why(project, record),
    }


def _of_one_type(record: AttentionRecord) -> bool:
    """Whether a stored matrix can be asked with the values and outputs that are stored."""
    found = linear_of(record.projection)
    parts = (record.value, record.output, *(found or (None,)))
    return len({part.dtype for part in parts if part is not None}) == 1


def _why(project: Projection, record: AttentionRecord) -> str:
    """Why a projection's numbers are not in the file: it has none at hand, or is too large or not linear."""
    if isinstance(project, StoredProjection):
        return project.absent or NOT_KEPT
    if record.output is None:
        return NOT_KEPT
    try:
        project(torch.zeros_like(record.output[:1]).flatten(1))
    except ReferenceError:
        return absent(project)
    return NOT_KEPT


def _kept(kept: Kept, name: str, store: _Store) -> Tree:
    parts = {"norms": kept.norms, "contributions": kept.contributions}
    return {
        "lengths": store.add(f"{name}.lengths", kept.lengths),
        **{
            what: {str(head): store.add(f"{name}.{what}.{head}", one) for head, one in by_head.items()}
            for what, by_head in parts.items()
        },
    }
