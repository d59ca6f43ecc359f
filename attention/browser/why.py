"""What the `why` component is given: one score by the parts behind its query and its key, as bytes. No Streamlit.

{reason} where nothing can be told. Always: run, layer, head, query, key: which score; chosen: whether somebody chose
the key; keys: [{place, name, weight}] that can be. Else besides: scale, score (times the scale), total, remainder, ok,
bias (by position, or 0), softcap; sides: {query, key}, each [{name, group, layer, head}] with head null for what is no
head; groups: {query, key}, the names of the groups; pairs: float32 (A, B) times the scale, or null where there are too
many, and then ranked: [{query, key, value}] of the largest; map: float32 (groups, groups). sentence: to be quoted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.browser import codec, store
from attention.browser.matters import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.origins import Origins
    from attention.analysis.stream import Part
    from attention.record import HeadView

# Pairs that travel with their numbers; of more the largest.
MOST_PAIRS, LARGEST = 400_000, 400
NAME_CHARS = 24


def key_of(head_view: HeadView, query: int, chosen: int | None) -> int:
    """The key of the score: the chosen one, else that of the largest weight in the query's row."""
    if chosen is not None and chosen < head_view.record.n_k:
        return chosen
    return int(_row(head_view, query).argmax())


def _row(head_view: HeadView, query: int) -> np.ndarray:
    """The weights (n_k,) of one query."""
    weights = head_view.record.stages(head_view.head, query, query + 1).weights
    return np.asarray(weights.float().cpu())[0]


def refused(head_view: HeadView, query: int, key: int, chosen: int | None, reason: str) -> bytes:
    """The component's bytes where the score cannot be taken apart."""
    return codec.pack(_which(head_view, query, key, chosen) | {"reason": reason})


def payload(head_view: HeadView, origins: Origins, chosen: int | None) -> bytes:
    """The component's bytes."""
    which = _which(head_view, origins.query, origins.key, chosen)
    if origins.reason:
        return codec.pack(which | {"reason": f"{origins.reason[:1].upper()}{origins.reason[1:]}."})
    origins = _reduced(origins)
    sides = {"query": origins.query_parts, "key": origins.key_parts}
    groups = {side: list(dict.fromkeys(map(_group, parts))) for side, parts in sides.items()}
    few = len(origins.query_parts) * len(origins.key_parts) <= MOST_PAIRS
    return codec.pack(which | {
        "reason": "", "scale": origins.scale, "score": origins.scaled, "total": origins.total * origins.scale,
        "remainder": origins.remainder * origins.scale, "ok": origins.ok, "bias": origins.position_bias,
        "softcap": origins.softcap, "notes": list(dict.fromkeys(origins.notes)),
        "sides": {side: [_part(one, groups[side]) for one in parts] for side, parts in sides.items()},
        "groups": groups, "map": _map(origins, groups),
        "pairs": np.ascontiguousarray(origins.matrix * origins.scale, dtype=np.float32) if few else None,
        "ranked": [] if few else _ranked(origins), "sentence": _sentence(head_view, origins),
    })  # fmt: skip


def _reduced(origins: Origins) -> Origins:
    (query_parts, of_query), (key_parts, of_key) = (
        _with_shares(*one) for one in ((origins.query_parts, origins.of_query), (origins.key_parts, origins.of_key))
    )
    return replace(origins, query_parts=query_parts, of_query=of_query, key_parts=key_parts, of_key=of_key)


def _which(head_view: HeadView, query: int, key: int, chosen: int | None) -> dict[str, Any]:
    from attention.tokens import label

    row = _row(head_view, query)
    open_ = np.isfinite(_scores(head_view, query))
    names = [label(token, NAME_CHARS) for token in head_view.key_tokens]
    keys = [{"place": at, "name": names[at], "weight": float(row[at])} for at in np.flatnonzero(open_).tolist()]
    return {
        "run": store.run_id(head_view.trace, head_view.kind), "kind": head_view.kind, "layer": head_view.layer,
        "head": head_view.head, "query": {"place": query, "name": label(head_view.query_tokens[query], NAME_CHARS)},
        "key": {"place": key, "name": names[key]}, "chosen": chosen is not None, "keys": keys,
    }  # fmt: skip


def _scores(head_view: HeadView, query: int) -> np.ndarray:
    """What enters the softmax (n_k,) of one query, −∞ where it may not look."""
    made = dict(head_view.record.stages(head_view.head, query, query + 1).steps)
    return np.asarray(made["masked"].float().cpu())[0]


def _group(part: Part) -> str:
    """The group of a part: what was there before all layers, a layer's attention, its MLP, what is constant."""
    if part.kind == "embedding":
        return "embedding"
    if part.kind == "constant":
        return "constant"
    cross = "cross-attention" if part.attention == "cross" else "attention"
    return f"layer {part.layer} {'MLP' if part.kind in ('mlp', 'other') else cross}"


def _part(part: Part, groups: Sequence[str]) -> dict[str, Any]:
    group = groups.index(_group(part))
    return {"name": _name(part), "group": group, "layer": part.layer, "head": part.head, "kind": part.attention or ""}


def _name(part: Part) -> str:
    """The part in few letters: a head as layer.head."""
    if part.layer is None:
        return part.words
    if part.head is not None:
        return f"{'cross-attention ' if part.attention == 'cross' else ''}head {part.layer}.{part.head}"
    return f"{part.words.partition(', ')[2]} {part.layer}"


def _with_shares(parts: Sequence[Part], shares: np.ndarray) -> tuple[tuple[Part, ...], np.ndarray]:
    """Those parts that bring anything at all: a model without biases has parts for them that do not."""
    there = np.abs(shares).max(axis=1) > 0
    return tuple(part for part, own in zip(parts, there, strict=True) if own), shares[there]


def _map(origins: Origins, groups: dict[str, list[str]]) -> np.ndarray:
    """(groups of the query, groups of the key): the sums of all pairs between them, times the scale."""
    sides = {"query": (origins.query_parts, origins.of_query), "key": (origins.key_parts, origins.of_key)}
    sums = {}
    for side, (parts, shares) in sides.items():
        made = np.zeros((len(groups[side]), shares.shape[1]))
        for part, share in zip(parts, shares, strict=True):
            made[groups[side].index(_group(part))] += share
        sums[side] = made
    return np.ascontiguousarray(sums["query"] @ sums["key"].T * origins.scale, dtype=np.float32)


def _ranked(origins: Origins) -> list[dict[str, Any]]:
    places = [{part: at for at, part in enumerate(parts)} for parts in (origins.query_parts, origins.key_parts)]
    return [
        {"query": places[0][one.query], "key": places[1][one.key], "value": one.value * origins.scale}
        for one in origins.ranked(LARGEST)
    ]


def _sentence(head_view: HeadView, origins: Origins) -> str:
    best = "; ".join(
        f"{one.query.words} (query) × {one.key.words} (key) {signed(one.value * origins.scale)}"
        for one in origins.ranked(3)
    )
    return (
        f"{head_view.trace.model.name}: {origins.method}. Times the scale the score is {signed(origins.scaled)}. "
        f"Largest pairs: {best}."
    )
