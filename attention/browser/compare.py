"""What the page “Compare” is given between its two sides: how tokens correspond, and which heads changed, as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from attention import derived
from attention.browser import codec, store
from attention.table import steps
from attention.view import Comparison, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.alignment import Alignment
    from attention.analysis.changed import Changed
    from attention.record import HeadView, Kind, Trace

NONE = -1
# Fields of a view that make another head of it, and what some of them are called on the page.
TELLING = (*steps(View), "temperature", "hide", "rest")
WORDS = {
    "pair": "second text", "chat": "chat template", "settings": "how the layer is built", "kind": "kind of attention",
    "edits": "changes of the run", "patch_text": "text that patches come from",
    "hide": "what is left out", "rest": "what becomes of the rest",
}  # fmt: skip


def chooser(side: str, kinds: Sequence[tuple[str, str]], kind: str, inspect: str) -> bytes:
    """{side, kinds: [{value, label}], kind, inspect}: a side's choice of layer, head and kind of attention.

    inspect: the address of the same view on the inspect page, below the app's own.
    """
    named = [{"value": value, "label": label} for value, label in kinds]
    return codec.pack({"side": side, "kinds": named, "kind": kind, "inspect": inspect})


def difference(first: HeadView, second: HeadView, comparison: Comparison) -> bytes:
    """{stores, runs, queries, keys, frame, differing}: what the map of the difference and both texts side by side need.

    runs: by which the browser knows whether this is of what both stores show. queries, keys: int32 (steps, 3), in each
    row the number of the token in the first and in the second text, −1 for none, and 1 where both are the same; keys is
    null where it is as queries. frame: a layout of axes without labels. differing: in words what differs between the
    sides.
    """
    from attention.analysis.changed import alignments
    from attention.figures.frames import of_nobody

    queries, keys = alignments(first.trace, second.trace, first.kind, second.kind)
    return codec.pack({
        "stores": list(store.COMPARED), "runs": _runs(first, second),
        "queries": _steps(queries), "keys": None if keys is queries else _steps(keys),
        "frame": of_nobody()["tokens"], "differing": differing(comparison),
    })  # fmt: skip


def changed(first: HeadView, second: HeadView) -> bytes:
    """{stores, runs, layers, heads, distances, rows, why, method}: all heads by how far they moved, or why not.

    layers, heads: int32 (heads,); distances: float32 (heads,), falling; null where `why` says why there are none.
    """
    from attention.analysis.changed import METHOD

    found = ranking(first.trace, second.trace, first.kind, second.kind)
    none = isinstance(found, str)
    columns: dict[str, Any] = dict.fromkeys(("layers", "heads", "distances"))
    if not isinstance(found, str):
        columns = {
            "layers": np.array([one.layer for one in found], np.int32),
            "heads": np.array([one.head for one in found], np.int32),
            "distances": np.array([one.distance for one in found], np.float32),
        }
    return codec.pack({
        "stores": list(store.COMPARED), "runs": _runs(first, second), **columns,
        "rows": 0 if isinstance(found, str) else found[0].rows, "why": found if none else "", "method": METHOD,
    })  # fmt: skip


def differing(comparison: Comparison) -> list[str]:
    """What of both sides differs, in words; pins and what is drawn how aside."""
    return [WORDS.get(name, name.replace("_", " ")) for name in comparison.differing if name in TELLING]


def key_of(second: Trace, kind: Kind, other_kind: Kind) -> tuple[Any, ...]:
    """The key under which the ranking is kept beside the first run."""
    return ("changed", second.id, kind, other_kind)


def ranking(first: Trace, second: Trace, kind: Kind, other_kind: Kind) -> tuple[Changed, ...] | str:
    """All heads by how far they moved, kept beside the first run; or why that is not defined, in a sentence."""
    from attention.analysis.changed import changed as found
    from attention.errors import InputError

    def make() -> tuple[Changed, ...] | str:
        try:
            return found(first, second, kind, other_kind)
        except InputError as err:
            return str(err)

    return derived.kept(first, key_of(second, kind, other_kind), make)


def _runs(first: HeadView, second: HeadView) -> list[str]:
    return [store.run_id(one.trace, one.kind) for one in (first, second)]


def _steps(alignment: Alignment) -> np.ndarray:
    """(steps, 3) int32."""
    rows = [
        (NONE if step.first is None else step.first, NONE if step.second is None else step.second, int(step.same))
        for step in alignment.steps
    ]
    return np.array(rows, dtype=np.int32).reshape(-1, 3)
