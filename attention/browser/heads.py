"""What the browser needs to make a head by itself: q, k, v, the rules and the model's own output, for `codec`.

Maps grow with the square of the text, so they stay here; `static/head.js` makes them there, and compares what it made
with the model's own output that came along. Which fields of a record travel stands in their declarations
(`attention.record.held`). Where a rule says which keys a query may see, or what is added by position, the rule travels;
a mask that follows no rule travels as bits. Numbers are float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from attention.errors import NoSuchHeadError

if TYPE_CHECKING:
    from attention.record import AttentionRecord, Kind, Mask, PositionBias, Trace

# All heads of the models in the box, at their longest texts: what is drawn of several layers needs them all.
LIMIT = 3_500_000
# What one layer takes in the header, at most: its numbers, and where its arrays lie.
HEADER = 3_000
# What one array beside them takes there.
AN_ARRAY = 60


def heads_tree(
    trace: Trace,
    kind: Kind | None = None,
    layers: Iterable[int] | None = None,
    heads: Iterable[int] | None = None,
    *,
    op: int = 0,
    maps: bool = False,
) -> dict[str, Any]:
    """{kind, layers: [layer]} of one kind of attention; all layers and heads, or those that are named.

    A layer, with h heads that travel and g groups that they read:

    - layer, op, kind; heads: [their numbers]; groups: [which row of key and value each of them reads]; queries n_q;
      keys n_k
    - query (h, n_q, d), key (g, n_k, d), value (g, n_k, v), output (n_q, h, v): float32, or null where not known
    - scale, softcap or null, temperature, sinkScales; sink (h,) or (h, n_q), or null
    - mask: {before, after: a number, or null for no limit; keys: uint8 (n_k,), 0 for padding, or null; bits: uint8
      (n_q, ⌈n_k / 8⌉), or (h, …) where heads differ, key k in bit k mod 8 of its byte, or null}
    - bias: null, or one of {byDistance: (h or 1, n_q + n_k − 1), byKey: (h or 1, n_k), dense: (h or 1, n_q, n_k)}
    - edits: the lines of what was changed while it ran; given, givenWeights: {head: what edits put in place of its
      output, (1 or n_q, v), or of its weights, (n_q, n_k)}. The other numbers are those before edits; cut edges are
      closed in bits, but where a rule beside them says the rest, the rule travels and the browser cuts
    - special: {queries: uint8 (n_q,), keys: uint8 (n_k,)}, 1 for tokens that are no part of the text
    - allowed: the difference from `output`, relative to its largest number, up to which both count as equal
    - unknown: ["query", "key"] and such; needs: "maps" where a head cannot be made without them, else ""
    - maps: null, or, where they are needed and asked for with `maps`, {masked: (h, n_q, n_k) or null, weights: (h, n_q,
      n_k)}: they grow with the square of the text, so ask for few heads

    Raises NoSuchHeadError for a layer or head that is not there, ModelError where maps need a model that is gone.
    """
    kind = trace.default_kind if kind is None else kind
    numbers = list(trace.records(kind, op)) if layers is None else list(layers)
    wanted = None if heads is None else list(heads)
    packed = [_layer(trace, trace.record(number, kind, op), wanted, maps) for number in numbers]
    return {"kind": kind, "layers": packed}


def fits(
    trace: Trace, kind: Kind | None = None, *, op: int = 0, limit_bytes: int = LIMIT
) -> Literal["all", "layer", "head"]:
    """How much of one kind of attention may travel at once: all its layers, any one layer, or a single head.

    A head travels however large it is: it is the least that can be shown.
    """
    records = list(trace.records(kind, op).values())
    if size(records) <= limit_bytes:
        return "all"
    return "layer" if max(size([record]) for record in records) <= limit_bytes else "head"


def size(records: Sequence[AttentionRecord]) -> int:
    """Bytes of these layers on their way, header and all, a little too many; what they share counts once."""
    from attention.record import held

    shared: dict[int, int] = {}
    own = 0
    for record in records:
        arrays = (getattr(record, name) for name, how in held.travels(type(record)).items() if how.axes)
        own += 4 * sum(array.numel() for array in arrays if array is not None)
        own += HEADER + 20 * record.n_heads + record.n_q + record.n_k
        put = (*record.given.values(), *record.given_weights.values())
        own += sum(4 * tensor.numel() + AN_ARRAY for tensor in put) + sum(map(len, map(str, record.edits)))
        if record.position_bias is not None:
            shared[id(record.position_bias.numbers)] = 4 * record.position_bias.numbers.numel()
        if record.mask.array is not None:
            array = record.mask.array
            shared[id(array)] = array.numel() // array.shape[-1] * -(-array.shape[-1] // 8)
        if record.mask.keys is not None:
            own += record.n_k
    return own + sum(shared.values())


def held(trace: Trace | None) -> int:
    """Bytes that a trace keeps alive: whole storages, each counted once."""
    if trace is None:
        return 0
    storages = {s.data_ptr(): s.nbytes() for record in trace.all_records for s in _storages(record)}
    return sum(storages.values())


def _storages(record: AttentionRecord) -> Iterator[Any]:
    for part in (record, record.mask, record.position_bias):
        for value in vars(part).values() if part is not None else ():
            if hasattr(value, "untyped_storage"):
                yield value.untyped_storage()


def _layer(trace: Trace, record: AttentionRecord, heads: list[int] | None, maps: bool) -> dict[str, Any]:
    from attention.record import TOLERANCE

    chosen = list(range(record.n_heads)) if heads is None else heads
    for head in chosen:
        if not 0 <= head < record.n_heads:
            raise NoSuchHeadError(f"Layer {record.layer} has heads 0 to {record.n_heads - 1}; got {head}.")
    read = sorted({record.kv_head(head) for head in chosen})
    first = trace.head(record.layer, chosen[0] if chosen else 0, record.kind, op=record.op)
    lost = record.query is None or record.key is None
    return {
        "layer": record.layer, "op": record.op, "kind": record.kind, "heads": chosen,
        "groups": [read.index(record.kv_head(head)) for head in chosen],
        "queries": record.n_q, "keys": record.n_k,
        **_fields(record, {"h": chosen, "g": read}),
        **_edits(record, chosen), "mask": _mask(record, chosen), "bias": _bias(record.position_bias, chosen),
        "special": {"queries": _special(first.query_tokens), "keys": _special(first.key_tokens)},
        "allowed": TOLERANCE.get(record.dtype, max(TOLERANCE.values())),
        "unknown": list(first.unknown), "needs": "maps" if lost else "",
        "maps": _maps(record, chosen) if lost and maps else None,
    }  # fmt: skip


def _fields(record: AttentionRecord, rows: dict[str, list[int]]) -> dict[str, Any]:
    """The fields whose declarations say that they travel, of the heads and groups that do. rows: their numbers, by the
    letter of their axis.
    """
    from attention.record import held

    found = {name: getattr(record, name) for name in held.travels(type(record))}
    axes = {name: how.axes[0] for name, how in held.travels(type(record)).items() if how.axes}
    return {
        _written(name): _of(value, axes[name], rows) if name in axes and value is not None else value
        for name, value in found.items()
    }


def _of(tensor: Any, axes: Sequence[str], rows: dict[str, list[int]]) -> np.ndarray:
    """These rows of a tensor as float32 on the CPU."""
    axis = next(axis for axis, letter in enumerate(axes) if letter in rows)
    return _array(tensor[(slice(None),) * axis + (rows[axes[axis]],)])


def _written(name: str) -> str:
    """The name of a field as the browser's code writes it: sink_scales → sinkScales."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _array(tensor: Any) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())


def _edits(record: AttentionRecord, heads: list[int]) -> dict[str, Any]:
    """What was changed, and what was put in place, of these heads."""
    put = {"given": record.given, "givenWeights": record.given_weights}
    return {"edits": [str(edit) for edit in record.edits]} | {
        name: {str(head): _array(tensor) for head, tensor in found.items() if head in heads}
        for name, found in put.items()
    }


def _mask(record: AttentionRecord, heads: list[int]) -> dict[str, Any]:
    mask = rule_beside(record, heads) or record.mask
    rule: dict[str, Any] = {"before": mask.before, "after": mask.after, "keys": None, "bits": None}
    if mask.keys is not None:
        rule["keys"] = mask.keys.cpu().numpy().astype(np.uint8)
    if mask.array is not None:
        array = (mask.array if mask.array.dim() == 2 else mask.array[heads]).cpu().numpy()
        rule["bits"] = np.packbits(array, axis=-1, bitorder="little")
        # An array is the whole mask: whatever limits stand beside it are not asked.
        rule |= {"before": None, "after": None, "keys": None}
    return rule


def rule_beside(record: AttentionRecord, heads: list[int]) -> Mask | None:
    """The mask that these heads had before their edges were cut, where that is a rule; None where it is not known."""
    from attention.record.cuts import uncut

    return uncut(record, heads) if record.edits and record.mask.array is not None else None


def _bias(bias: PositionBias | None, heads: list[int]) -> dict[str, np.ndarray] | None:
    if bias is None:
        return None
    return {
        _written(form): _array(numbers if numbers.shape[0] == 1 else numbers[heads])
        for form, numbers in bias.forms.items()
    }


def _special(tokens: Sequence[Any]) -> np.ndarray:
    return np.array([token.special for token in tokens], dtype=np.uint8)


def _maps(record: AttentionRecord, heads: list[int]) -> dict[str, np.ndarray | None]:
    """The maps of heads whose q and k are not known, (h, n_q, n_k), before what edits change behind the mask; `masked`
    is None where only weights were given.
    """
    plain = replace(record, edits=()) if record.edits else record
    made = [dict(plain.stages(head).steps) for head in heads]
    known = all("masked" in steps for steps in made)
    return {
        "masked": np.stack([_array(steps["masked"]) for steps in made]) if known else None,
        "weights": np.stack([_array(steps["weights"]) for steps in made]),
    }
