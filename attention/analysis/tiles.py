"""Long maps as tiles: the extreme of each patch and where it sits, or each cell where the tile is close enough.

A pooled map keeps what stands out: of a patch, the number of the largest size with its sign, never a mean in which a
single strong weight would drown. It is made from blocks of rows, so a whole map is never in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch

from attention.analysis.blocks import allowed_of, fixed, row_blocks
from attention.analysis.norms import NormWeighted, kept_norms
from attention.errors import InputError, NoSuchHeadError
from attention.record import absent, contributions

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord

Box = tuple[int, int, int, int]
Block = Callable[[int, int], tuple[dict[str, np.ndarray], np.ndarray | None]]

SIDE = 192
NORMS = ("norms", "difference")
VALUES = ("output", "contribution")
# The size of a cell that does not count: below every real one, above "nothing seen yet".
IGNORED = -1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """A part of one stage's map, r × c patches; all arrays are read-only.

    values (r, c) float32: the number of the largest size in each patch, with its sign; NaN where the whole patch is
    masked. query, key (r, c) int32: where it stands; of equals the first key, and of its queries the first. box: (top,
    bottom, left, right), the queries top to bottom − 1 and the keys left to right − 1 that the tile covers. pooled:
    whether a patch can be more than one pair of tokens. sink (r,) float32: the largest share that a learned sink takes
    of a row in the patch, or None without one.
    """

    stage: str
    values: np.ndarray
    query: np.ndarray
    key: np.ndarray
    box: Box
    pooled: bool
    sink: np.ndarray | None


@dataclass(frozen=True, kw_only=True, eq=False)
class ValuesTile:
    """What queries receive, pooled over queries alone; read-only.

    values (r, v) float32: in each dimension the number of the largest size in the patch, with its sign. query (r, v)
    int32: whose it is. box: (top, bottom), the queries top to bottom − 1. pooled: whether a patch can be more than one.
    """

    what: str
    values: np.ndarray
    query: np.ndarray
    box: tuple[int, int]
    pooled: bool


def tiles(
    record: AttentionRecord,
    head: int,
    stages: Sequence[str],
    box: Box | None = None,
    rows: int = SIDE,
    columns: int = SIDE,
) -> dict[str, Tile]:
    """Several stages of one head in one pass, by name; without a box, of the whole map.

    stages: those of the head, "norms" (what each key brings, as shares of its row) or "difference" (that less the
    weight). A cell is ignored where it is −∞ or not a number, and from the softmax on where the mask forbids it and
    nothing was taken. Raises NoSuchHeadError for another stage, InputError for a box outside the map, or with the
    reason where the norms cannot be told.
    """
    top, bottom, left, right = box = box_of(record, box)
    down, across = edges(top, bottom, rows), edges(left, right, columns)
    block = _block(record, head, stages)
    found = {stage: _Extremes(down, across) for stage in stages}
    sinks: np.ndarray | None = None
    for start, stop in _row_blocks(top, bottom, record.n_k):
        numbers, sink = block(start, stop)
        for stage, extremes in found.items():
            extremes.add(start, numbers[stage][:, left:right])
        if sink is not None:
            sinks = np.zeros(len(down) - 1, dtype=np.float32) if sinks is None else sinks
            np.fmax.at(sinks, np.searchsorted(down, np.arange(start, stop), "right") - 1, sink)
    shared = None if sinks is None else fixed(sinks)
    pooled = _coarse(down) or _coarse(across)
    return {
        stage: Tile(stage=stage, box=box, pooled=pooled, sink=shared, **extremes.arrays)
        for stage, extremes in found.items()
    }


def values_tile(
    record: AttentionRecord, head: int, what: str = "output", box: tuple[int, int] | None = None, rows: int = SIDE
) -> ValuesTile:
    """The head's output, or its contribution after W_O, of the queries in the box: at most `rows` patches of them.

    Raises InputError with the reason where it cannot be known.
    """
    top, bottom = box = _span("queries", record.n_q, (0, record.n_q) if box is None else box)
    down = edges(top, bottom, rows)
    received = _received(record, head, what, top, bottom)
    first = next(received)
    extremes = _Extremes(down, np.arange(first[1].shape[1] + 1))
    for start, numbers in chain([first], received):
        extremes.add(start, numbers)
    found = extremes.arrays
    return ValuesTile(what=what, values=found["values"], query=found["query"], box=box, pooled=_coarse(down))


def box_of(record: AttentionRecord, box: Box | None) -> Box:
    """The box, or that of the whole map; raises InputError for one that is empty or not inside the map."""
    top, bottom, left, right = (0, record.n_q, 0, record.n_k) if box is None else box
    return (*_span("queries", record.n_q, (top, bottom)), *_span("keys", record.n_k, (left, right)))


def refusal(record: AttentionRecord, head: int, what: str) -> str:
    """Why this head's "norms", "difference", "output" or "contribution" cannot be told, in words, or ""."""
    try:
        if what in NORMS:
            _normed(record, head)
        else:
            next(_received(record, head, what, 0, 1))
    except InputError as err:
        return str(err)
    return ""


def edges(first: int, last: int, parts: int) -> np.ndarray:
    """Where the even patches of first … last − 1 begin, and where the last ends; a patch each where `parts` suffice."""
    if parts < 1:
        raise InputError(f"A tile has at least 1 row and 1 column; got {parts}.")
    parts = min(parts, last - first)
    return first + np.arange(parts + 1) * (last - first) // parts


def closed(record: AttentionRecord, head: int, weights: np.ndarray, start: int, stop: int) -> np.ndarray | None:
    """(stop − start, n_k), True where the mask forbids and nothing is taken; None where nothing is forbidden.

    A weight that got past the mask is not closed: it stays in sight.
    """
    if record.mask.open:
        return None
    return np.asarray(~allowed_of(record, head, start, stop).numpy() & (weights == 0))


class _Extremes:
    """The extreme of each patch of the rows seen so far."""

    def __init__(self, down: np.ndarray, across: np.ndarray) -> None:
        shape = len(down) - 1, len(across) - 1
        self._down, self._left = down, int(across[0])
        # The columns of each patch side by side; a shorter patch repeats its last one, which changes no extreme.
        widest = int(np.diff(across).max())
        self._columns = np.minimum(across[:-1, None] + np.arange(widest), across[1:, None] - 1) - self._left
        self._sizes = np.full(shape, -np.inf, dtype=np.float32)
        self._values = np.full(shape, np.nan, dtype=np.float32)
        self._queries, self._keys = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)

    def add(self, start: int, numbers: np.ndarray) -> None:
        """Take in the rows from `start` on, float32 (rows, right − left), NaN or −∞ for what does not count."""
        sizes = np.abs(numbers)
        np.copyto(sizes, IGNORED, where=~(numbers > -np.inf))
        stop = start + len(numbers)
        first, last = np.searchsorted(self._down, [start, stop - 1], "right") - 1
        for patch in range(first, last + 1):
            low, high = max(start, self._down[patch]) - start, min(stop, self._down[patch + 1]) - start
            self._join(patch, start + low, numbers[low:high], sizes[low:high])

    def _join(self, patch: int, start: int, numbers: np.ndarray, sizes: np.ndarray) -> None:
        """Compare some rows of a patch with those of it that came before."""
        tops = (sizes[0] if len(sizes) == 1 else sizes.max(axis=0))[self._columns]  # (c, widest)
        at = np.arange(len(tops))
        best = tops.argmax(axis=1)
        keys = self._columns[at, best]
        queries = sizes[:, keys].argmax(axis=0)
        size, before = tops[at, best], self._sizes[patch]
        wins = (size > before) | ((size == before) & (keys + self._left < self._keys[patch]))
        values = np.where(size == IGNORED, np.float32(np.nan), numbers[queries, keys])
        for whole, part in (
            (self._sizes, size), (self._values, values), (self._queries, queries + start),
            (self._keys, keys + self._left),
        ):  # fmt: skip
            whole[patch][wins] = part[wins]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"values": fixed(self._values), "query": fixed(self._queries), "key": fixed(self._keys)}


def _coarse(borders: np.ndarray) -> bool:
    return bool(len(borders) - 1 < borders[-1] - borders[0])


def _row_blocks(top: int, bottom: int, width: int) -> Iterator[tuple[int, int]]:
    for start, stop in row_blocks(bottom - top, width):
        yield top + start, top + stop


def _span(side: str, count: int, span: tuple[int, int]) -> tuple[int, int]:
    first, last = int(span[0]), int(span[1])
    if not 0 <= first < last <= count:
        raise InputError(f"There are {count} {side}; a tile cannot cover those from {first} up to {last}.")
    return first, last


def _block(record: AttentionRecord, head: int, stages: Sequence[str]) -> Block:
    """The function (start, stop) → ({stage: float32 (rows, n_k), what does not count NaN or −∞}, sink (rows,))."""
    own = [name for name, _ in record.stages(head, 0, 1).steps]
    unknown = [stage for stage in stages if stage not in (*own, *NORMS)]
    if unknown:
        raise NoSuchHeadError(f"This head has no stage {unknown[0]!r}; it has: {', '.join(own)}.")
    normed = _normed(record, head) if any(stage in NORMS for stage in stages) else None
    late = [stage for stage in stages if stage in ("weights", *NORMS)]

    def block(start: int, stop: int) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        made = record.stages(head, start, stop)
        numbers = {name: _float32(step) for name, step in made.steps if name in stages}
        if normed is not None:
            rows = normed.rows(start, stop)
            numbers |= {"norms": rows.shares, "difference": rows.difference}
        hidden = closed(record, head, _float32(made.weights), start, stop) if late else None
        if hidden is not None:
            numbers |= {name: np.where(hidden, np.float32(np.nan), numbers[name]) for name in late}
        return numbers, None if made.sink_weight is None else _float32(made.sink_weight)

    return block


def _normed(record: AttentionRecord, head: int) -> NormWeighted:
    """The head's norms; raises InputError with the reason where they cannot be told."""
    made = kept_norms(record, head)
    if isinstance(made, str):
        raise InputError(f"What each key brings cannot be told: {made}.")
    return made


def _received(record: AttentionRecord, head: int, what: str, top: int, bottom: int) -> Iterator[tuple[int, np.ndarray]]:
    """(start, float32 (rows, v)) of the queries top … bottom − 1."""
    if what not in VALUES:
        raise InputError(f"what is {what!r}; it must be one of {', '.join(VALUES)}.")
    width = record.n_k if what == "output" else record.n_heads * record.rows_of.shape[2]
    for start, stop in _row_blocks(top, bottom, width):
        made = record.stages(head, start, stop).output if what == "output" else _added(record, head, start, stop)
        if made is None:
            why = "the values of this head are not known"
            if what == "contribution":
                why = record.no_projection or absent(record.projection)
            raise InputError(f"There is no {what} to draw: {why}.")
        yield start, _float32(made)


def _added(record: AttentionRecord, head: int, start: int, stop: int) -> Tensor | None:
    rows = torch.arange(start, stop, device=record.rows_of.device)
    return contributions(record, [head], rows)[0]


def _float32(tensor: Tensor) -> np.ndarray:
    """Without a copy where it is float32 on the CPU already."""
    return np.asarray(tensor.detach().to("cpu", torch.float32).numpy())
