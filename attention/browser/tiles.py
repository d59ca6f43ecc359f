"""A long text's head for `codec`, below a limit of bytes: tiles of its maps and the pinned rows. No Streamlit.

`static/tiles.js` reads it as `static/head.js` reads a head that is made in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.browser.heads import rule_beside
from attention.errors import InputError

if TYPE_CHECKING:
    from attention.analysis.tiles import Box, Tile, ValuesTile
    from attention.record import AttentionRecord, HeadView, Mask

LIMIT = 1_000_000
SIDE = 192
# What the header needs at most: for everything that is no array, for an array, and for the names of a pinned query.
BASE, ENTRY, NAMES = 800, 160, 120
# The most of the limit that the pinned rows, and then each tile of what queries receive, may take.
ROWS, RECEIVED = 1 / 2, 1 / 6


def tiles_tree(
    head_view: HeadView,
    *,
    stages: Sequence[str],
    box: Box | None = None,
    pins: Sequence[int] = (),
    values: Sequence[str] = ("output",),
    limit_bytes: int = LIMIT,
) -> dict[str, Any]:
    """What the browser needs of one head of a long text; `codec.pack` makes fewer than `limit_bytes` of it.

    stages: whose maps travel, in the order of `analysis.tiles`; box: (top, bottom, left, right), the whole map without;
    pins: queries whose rows travel whole, as many as fit, the first ones first; values: of "output" and "contribution".

    - layer, head; queries n_q, keys n_k; width v or 0; names: the head's stages in order; sinkScales;
      unknown: ["query", "key"] and such; rule: {before, after} of the mask where distance alone decides, or null
    - kind; edits: the lines of what was changed while it ran; temperature: what divides the scores
    - box: [top, bottom, left, right] of the tiles; pooled: whether a cell can be more than one pair of tokens
    - tiles: {stage: {values float32 (r, c), query, key (r, c)}}: the number of the largest size in each patch, NaN
      where the mask closes all of it, and how far from the patch's first query and key it stands (uint8, or int32
      where patches are large). Patch i of r even ones begins at top + ⌊i·(bottom − top) / r⌋, and so across.
    - sink: float32 (r,), the largest share of a learned sink in each patch's rows, or null
    - values: {what: {values float32 (r′, v), query (r′, v), box: [top, bottom], pooled}}, pooled over queries alone;
      what is not known, or does not fit, is not there
    - pins: int32, the queries whose rows travel; rows: {query: {stage: float32 (n_k,)}}, NaN in "masked", "weights"
      and what is made of them where the mask closes; outputs: {query: float32 (v,)}, sinks: {query: share (1,)}, both
      empty where they are not known

    Raises NoSuchHeadError for an unknown stage, InputError for a box or pin outside the map, for norms or a
    contribution that cannot be told, and where not even one cell fits.
    """
    from attention.analysis.tiles import box_of, tiles, values_tile
    from attention.analysis.titles import temperature_of

    record, head = head_view.record, head_view.head
    box = box_of(record, box)
    span = box[0], box[1]
    names = [name for name, _ in record.stages(head, 0, 1).steps]
    of_rows = list(dict.fromkeys([*names, *stages]))
    room = limit_bytes - BASE
    kept = _fitting(record, pins, len(of_rows), int(room * ROWS))
    room -= len(kept) * _row_bytes(record, len(of_rows))
    received = {}
    for what in _known(record, values):
        rows = _received_rows(values_tile(record, head, what, (0, 1)), span, int(room * RECEIVED))
        if rows:
            received[what] = values_tile(record, head, what, span, rows)
    room -= sum(_received_bytes(one.values.shape, one.box) for one in received.values())
    side = _side(box, len(stages), room)
    found = tiles(record, head, stages, box, side, side)
    return {
        "layer": head_view.layer, "head": head, "queries": record.n_q, "keys": record.n_k,
        "width": 0 if record.value is None else record.value.shape[-1], "names": names,
        "unknown": list(head_view.unknown), "sinkScales": record.sink_scales, "rule": _rule(record, head),
        "kind": record.kind,
        "edits": [str(edit) for edit in record.edits], "temperature": temperature_of(record, head),
        **_maps(found, box),
        "values": {what: _received(one) for what, one in received.items()},
        **_rows(record, head, of_rows, kept),
    }  # fmt: skip


def _rule(record: AttentionRecord, head: int) -> dict[str, int | None] | None:
    """The mask where distance alone decides, beside edges that were cut, so that the browser can say why a cell is
    closed.
    """
    mask: Mask = rule_beside(record, [head]) or record.mask
    return None if mask.keys is not None or mask.array is not None else {"before": mask.before, "after": mask.after}


def _maps(found: dict[str, Tile], box: Box) -> dict[str, Any]:
    first = next(iter(found.values()), None)
    return {
        "box": list(box),
        "pooled": first is not None and first.pooled,
        "sink": None if first is None else first.sink,
        "tiles": {stage: _map(one) for stage, one in found.items()},
    }


def _map(one: Tile) -> dict[str, np.ndarray]:
    query, key = _offsets(one.query, *one.box[:2]), _offsets(one.key.T, *one.box[2:]).T
    return {"values": one.values, "query": query, "key": key}


def _received(one: ValuesTile) -> dict[str, Any]:
    query = _offsets(one.query, *one.box)
    return {"values": one.values, "query": query, "box": list(one.box), "pooled": one.pooled}


def _rows(record: AttentionRecord, head: int, stages: list[str], pins: list[int]) -> dict[str, Any]:
    """The whole rows of these queries: tiles of one row each, as wide as the map."""
    from attention.analysis.tiles import tiles, values_tile

    rows, outputs, sinks = {}, {}, {}
    for query in pins:
        made = tiles(record, head, stages, (query, query + 1, 0, record.n_k), 1, record.n_k)
        rows[str(query)] = {stage: one.values[0] for stage, one in made.items()}
        sink = made[stages[0]].sink
        if sink is not None:
            sinks[str(query)] = sink
        if record.value is not None:
            outputs[str(query)] = values_tile(record, head, "output", (query, query + 1)).values[0]
    return {"pins": np.array(pins, dtype=np.int32), "rows": rows, "outputs": outputs, "sinks": sinks}


def _offsets(places: np.ndarray, first: int, last: int) -> np.ndarray:
    """How far places (parts, …) lie from where their part begins: a byte each where that is enough."""
    from attention.analysis.tiles import edges

    begin = edges(first, last, len(places))[:-1]
    return (places - begin[:, None]).astype(np.uint8 if _part(first, last, len(places)) <= 256 else np.int32)


# What fits


def _fitting(record: AttentionRecord, pins: Sequence[int], stages: int, room: int) -> list[int]:
    outside = [pin for pin in pins if not 0 <= pin < record.n_q]
    if outside:
        raise InputError(f"Query {outside[0]} is not here; there are {record.n_q}, counted from 0.")
    return list(dict.fromkeys(pins))[: max(0, room) // _row_bytes(record, stages)]


def _row_bytes(record: AttentionRecord, stages: int) -> int:
    width = 0 if record.value is None else record.value.shape[-1]
    return 4 * (stages * record.n_k + width) + (stages + 2) * ENTRY + NAMES


def _known(record: AttentionRecord, values: Sequence[str]) -> list[str]:
    return [what for what in values if what != "output" or record.value is not None]


def _received_rows(one: ValuesTile, span: tuple[int, int], room: int) -> int:
    """How many rows of a tile as wide as this one fit; 0 where none does."""
    width, most = one.values.shape[1], min(SIDE, span[1] - span[0])
    return _largest(most, lambda rows: _received_bytes((rows, width), span) <= room)


def _received_bytes(shape: tuple[int, ...], span: tuple[int, int]) -> int:
    return shape[0] * shape[1] * (4 + _place(*span, shape[0])) + 2 * ENTRY + NAMES


def _side(box: Box, stages: int, room: int) -> int:
    """The largest side of a tile that fits so many times."""
    top, bottom, left, right = box

    def fits(side: int) -> bool:
        rows, columns = min(side, bottom - top), min(side, right - left)
        cell = 4 + _place(top, bottom, rows) + _place(left, right, columns)
        return stages * (rows * columns * cell + 3 * ENTRY + NAMES) + 4 * rows + ENTRY <= room

    side = _largest(SIDE, fits)
    if not side:
        raise InputError(f"Too few bytes for a picture of this head: {room} are left of the limit.")
    return side


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    return next((count for count in range(most, 0, -1) if fits(count)), 0)


def _place(first: int, last: int, parts: int) -> int:
    """Bytes of a place within one of so many parts."""
    return 1 if _part(first, last, parts) <= 256 else 4


def _part(first: int, last: int, parts: int) -> int:
    """The size of the largest of the even parts."""
    return -(-(last - first) // parts)
