"""Texts → `train.txt`, `held.txt` and `books.json`: one paragraph a line, an empty line after each book.

Reads a folder of .txt files (a book each), or one .txt or .txt.xz with a `manifest.tsv` beside it that gives each
book's title, author, year, Project Gutenberg number and bytes, in the order of the text.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.train import BUILD

HELD_SHARE = 0.02  # of each book, out of its middle


@dataclass(frozen=True, kw_only=True)
class Book:
    """One book: what a model card says of it, and how many bytes of text it has."""

    title: str
    author: str = ""
    year: str = ""
    gutenberg_id: str = ""
    bytes: int = 0


def main() -> None:
    """The command line: `python -m tools.train.corpus FOLDER_OR_FILE`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a folder of .txt files, or a .txt or .txt.xz with its manifest.tsv")
    parser.add_argument("--out", type=Path, default=BUILD / "corpus")
    options = parser.parse_args()
    books = prepare(options.source, options.out)
    print(f"{len(books)} books, {sum(book.bytes for book in books) / 1e6:.1f} MB → {options.out}")


def prepare(source: Path, out: Path) -> list[Book]:
    """Read all books, keep 2 % of each apart, write the three files; returns the books."""
    out.mkdir(parents=True, exist_ok=True)
    books = []
    train, held = [], []
    for book, text in read_books(source):
        learned, kept = split(paragraphs(text))
        train.append("\n".join(learned) + "\n\n")
        held.append("\n".join(kept) + "\n\n")
        books.append(book)
    (out / "train.txt").write_text("".join(train), encoding="utf-8")
    (out / "held.txt").write_text("".join(held), encoding="utf-8")
    (out / "books.json").write_text(json.dumps([asdict(book) for book in books], indent=1), encoding="utf-8")
    return books


def read_books(source: Path) -> Iterator[tuple[Book, str]]:
    """Every book with its text; raises ValueError where nothing can be read."""
    if source.is_dir() and any(source.glob("*.txt")):
        return _from_folder(source)
    found = source if source.is_file() else next(iter(sorted(source.glob("*.txt.xz"))), None)
    if found is None:
        raise ValueError(f"{source} holds no .txt file; give a folder of texts, or a .txt.xz with its manifest.tsv.")
    return _from_one_file(found)


def paragraphs(text: str) -> list[str]:
    """One paragraph a line: lines that follow each other without an empty one are joined where they were wrapped."""
    lines = text.splitlines()
    wrapped = sum(len(line) > 200 for line in lines) < len(lines) / 20  # else a line is a paragraph already
    blocks = "\n".join(lines).split("\n\n") if wrapped else lines
    return [" ".join(block.split()) for block in blocks if block.strip()]


def split(parts: list[str]) -> tuple[list[str], list[str]]:
    """(to learn from, held out): the held-out 2 % is one run of paragraphs out of the middle, at least one."""
    count = max(1, round(len(parts) * HELD_SHARE)) if len(parts) > 2 else 0
    start = (len(parts) - count) // 2
    return parts[:start] + parts[start + count :], parts[start : start + count]


def _from_folder(folder: Path) -> Iterator[tuple[Book, str]]:
    known = {row["file"]: row for row in _manifest(folder)}
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        yield _book(known.get(path.name, {"title": path.stem}), len(text.encode())), text


def _from_one_file(path: Path) -> Iterator[tuple[Book, str]]:
    raw = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    rows = _manifest(path.parent) or [{"title": path.name.split(".")[0], "bytes": str(len(raw))}]
    at = 0
    for row in rows:
        size = int(row["bytes"])
        yield _book(row, size), raw[at : at + size].decode("utf-8", errors="replace")
        at += size


def _manifest(folder: Path) -> list[dict[str, str]]:
    path = folder / "manifest.tsv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _book(row: dict[str, str], size: int) -> Book:
    named = {key: row.get(key, "") for key in ("title", "author", "year", "gutenberg_id")}
    return Book(bytes=size, **named)


if __name__ == "__main__":
    main()
