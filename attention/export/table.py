"""One head's numbers as CSV, safe to open in a spreadsheet.

A spreadsheet runs a cell that begins like a formula, and texts come from strangers: such text gets an apostrophe before
it, which spreadsheets take as “this is text”. Numbers stay numbers, with 9 significant digits, by which float32 is told
exactly. `static/share/csv.js` does the same in the browser; tests/data/csv_cases.json holds the two together.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from attention.errors import InputError

if TYPE_CHECKING:
    from attention.record import HeadView, Token

Cell = str | float | int | None
MARK = "\ufeff"  # by which spreadsheets know UTF-8
# What begins a formula, full-width and small forms included, behind what a spreadsheet or its import may skip: white
# space, invisible characters, quotation marks. Tab, CR and LF alone can push what follows into a cell of its own.
SKIPPED = "[ \u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\x00-\x1f\x7f-\x9f\"'`‘’‚‛“”„‟«»]*"
FORMULA = re.compile(rf"[\t\r\n]|{SKIPPED}[=+\-@＝＋－＠﹦﹢﹣﹫]")
DIGITS = 9
MOST_CELLS = 4_000_000
CORNER = "query \\ key"
PAIRS = "pairs"
VECTORS = ("query", "key", "value", "output", "contribution")


def to_csv(head_view: HeadView, what: str = "weights") -> str:
    """A table of one head. what, and what its lines and columns are:

    - weights, or a stage such as scores or masked: queries × keys; what the query may not look at is empty
    - output, contribution, query, key, value: tokens × dimensions
    - pairs: one line for each query and key, with the places of both and all stages; long, as pandas likes it

    The text begins with the mark of UTF-8: write it with encoding="utf-8" and newline="". Raises InputError for another
    name, for what this head does not have, and for tables of more than MOST_CELLS cells.
    """
    known = what_there_is(head_view)
    if what not in known:
        raise InputError(f"There is no table {what[:40]!r} of this head; there are: {', '.join(known)}.")
    _check_size(head_view, what)
    return written(known[what]())


def what_there_is(head_view: HeadView) -> dict[str, Callable[[], Iterable[Sequence[Cell]]]]:
    """The lines of each table of a head, by its name, made when they are asked for."""
    found: dict[str, Callable[[], Iterable[Sequence[Cell]]]] = {}
    for name in ("weights", *(name for name, _ in head_view.stages if name != "weights")):
        found[name] = lambda name=name: _map(head_view, name)  # type: ignore[misc]
    for name in VECTORS:
        if getattr(head_view, name) is not None:
            found[name] = lambda name=name: _vectors(head_view, name)  # type: ignore[misc]
    return found | {PAIRS: lambda: _pairs(head_view)}


def written(rows: Iterable[Sequence[Cell]]) -> str:
    """A file's text: lines of texts, numbers and None, each ending in CR LF."""
    out = io.StringIO()
    out.write(MARK)
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Cell) -> str:
    """One cell: text that is no formula, or a number; None, NaN and infinities are empty."""
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    return format(value, f".{DIGITS}g") if value is not None and math.isfinite(value) else ""


def name_of(token: Token) -> str:
    """A token as the page writes it, its mark included."""
    from attention.tokens import visible

    return token.mark + visible(token.text or token.piece)


def _check_size(head_view: HeadView, what: str) -> None:
    record = head_view.record
    vector = getattr(head_view, what) if what in VECTORS else None
    cells = record.n_q * record.n_k if vector is None else vector.size
    cells *= len(head_view.stages) + 4 if what == PAIRS else 1
    if cells > MOST_CELLS:
        raise InputError(
            f"This table would have {cells:,} cells; at most {MOST_CELLS:,} are written. Shorten the text, or save "
            "everything as .npz."
        )


def _map(head_view: HeadView, name: str) -> Iterator[Sequence[Cell]]:
    array = _open(head_view, name)
    sink = head_view.sink_weight if name == "weights" and head_view.sink_in_weights else None
    yield [CORNER, *map(name_of, head_view.key_tokens), *([] if sink is None else ["sink"])]
    for place, (token, row) in enumerate(zip(head_view.query_tokens, array.tolist(), strict=True)):
        yield [name_of(token), *row, *([] if sink is None else [float(sink[place])])]


def _open(head_view: HeadView, name: str) -> np.ndarray:
    """A stage with NaN where the mask closes, once it has been applied."""
    array = head_view.stage(name)
    allowed = head_view.record.allowed(head_view.head)
    if name not in ("masked", "weights") or allowed is None:
        return array
    return np.where(allowed.cpu().numpy(), array, np.float32(np.nan))


def _vectors(head_view: HeadView, name: str) -> Iterator[Sequence[Cell]]:
    array = getattr(head_view, name)
    of_keys = name in ("key", "value")
    yield ["key" if of_keys else "query", *(f"dimension {i}" for i in range(array.shape[1]))]
    tokens = head_view.key_tokens if of_keys else head_view.query_tokens
    for token, row in zip(tokens, array.tolist(), strict=True):
        yield [name_of(token), *row]


def _pairs(head_view: HeadView) -> Iterator[Sequence[Cell]]:
    stages = {name: _open(head_view, name).tolist() for name, _ in head_view.stages}
    keys = list(map(name_of, head_view.key_tokens))
    yield ["query", "query place", "key", "key place", *stages]
    for i, token in enumerate(head_view.query_tokens):
        query = name_of(token)
        for j, key in enumerate(keys):
            yield [query, i, key, j, *(rows[i][j] for rows in stages.values())]
