"""Pairs of texts from a file: JSON lines, or a table of two columns. What is read is bounded, and refused by line."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention.cli.common import STDIN
from attention.config import MEGABYTE
from attention.errors import InputError
from attention.view import clean

FORMATS = ("jsonl", "csv", "tsv")
MOST_BYTES, MOST_PAIRS = 64 * MEGABYTE, 10_000
HEADS = ({"a", "b"}, {"text"})
WANTED = '{"a": "…", "b": "…"}, or with --against or --edits {"text": "…"}'


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts. line: where they stand in the file, from 1. single: whether one text was given, for both sides."""

    line: int
    a: str
    b: str
    single: bool = False


def pairs_of(name: str, form: str | None, *, is_single_allowed: bool) -> list[Pair]:
    """The pairs of a file, or of stdin for "-". form: one of FORMATS; None for what the name ends in, jsonl for stdin.

    is_single_allowed: whether one text alone is a pair, with itself. Raises InputError that names the line.
    """
    form = form or _form(name)
    text = _text(name)
    found = list(_bounded(_json_lines(text) if form == "jsonl" else _table(text, "," if form == "csv" else "\t")))
    if not found:
        raise InputError(f"{_said(name)} has no pair; write one a line, as {WANTED}.")
    single = next((one for one in found if one.single), None)
    if single is not None and not is_single_allowed:
        raise InputError(
            f"Line {single.line} of {_said(name)} has one text; give two, a second model (--against), or changes of "
            "the run (--edits)."
        )
    return found


def _form(name: str) -> str:
    if name == STDIN:
        return "jsonl"
    ending = Path(name).suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise InputError(f"{name} must end in .jsonl, .csv or .tsv, or --format must say what it holds.")
    return ending


def _text(name: str) -> str:
    try:
        if name == STDIN:
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InputError(f"{_said(name)} has more than {MOST_BYTES // MEGABYTE} MB; split it.")
        return raw.decode("utf-8-sig")
    except OSError as err:
        raise InputError(f"{name} cannot be read: {err.strerror or err}.") from err
    except UnicodeDecodeError as err:
        raise InputError(f"{_said(name)} is not UTF-8 text (byte {err.start}); save it as UTF-8.") from err


def _bounded(found: Iterator[Pair]) -> Iterator[Pair]:
    for number, pair in enumerate(found):
        if number == MOST_PAIRS:
            raise InputError(f"There are more than {MOST_PAIRS:,} pairs; split the file.")
        yield pair


def _json_lines(text: str) -> Iterator[Pair]:
    for line, raw in enumerate(io.StringIO(text), start=1):
        if not raw.strip():
            continue
        try:
            given = json.loads(raw)
        except (ValueError, RecursionError) as err:
            raise InputError(f"Line {line} is no JSON; write {WANTED} on it.") from err
        if not isinstance(given, dict):
            raise InputError(f"Line {line} is no JSON object; write {WANTED} on it.")
        yield _pair(line, given)


def _table(text: str, between: str) -> Iterator[Pair]:
    """Rows of cells. A first row that names the columns says which are meant, else they are the first two."""
    columns: list[str] | None = None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                named = [cell.strip().lower() for cell in cells]
                if any(names <= set(named) for names in HEADS):
                    columns = named
                    continue
                columns = ["text"] if len(cells) == 1 else ["a", "b"]
            if len(cells) < len(columns):
                raise InputError(f"Line {reader.line_num} has {len(cells)} cells, not {len(columns)}.")
            yield _pair(reader.line_num, dict(zip(columns, cells, strict=False)))
    except csv.Error as err:
        raise InputError(f"Line {reader.line_num} cannot be read as a row of a table: {err}.") from err


def _pair(line: int, given: dict[str, Any]) -> Pair:
    single = "text" in given and not {"a", "b"} & given.keys()
    texts = (given["text"], given["text"]) if single else (given.get("a"), given.get("b"))
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise InputError(f"Line {line} does not hold two texts; write {WANTED} on it.")
    a, b = (clean(str(text)) for text in texts)
    return Pair(line=line, a=a, b=b, single=single)


def _said(name: str) -> str:
    return "stdin" if name == STDIN else name
