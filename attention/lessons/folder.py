"""The lessons of a folder, in the order of their files' names: those that come with Headlight, or a host's own."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from attention.assets import ASSETS
from attention.config import Limits
from attention.errors import InputError
from attention.lessons.parse import Problem, parse
from attention.lessons.records import Lesson

OURS = ASSETS / "lessons"
SOURCES = "sources.txt"
SOURCE = re.compile(r"(https://\S+) (\S.*)")
NAME = re.compile(r"[0-9a-z]+(-[0-9a-z]+)*")
# What may lie beside the lessons.
ABOUT = "README.md"
MOST_FILES, MOST_BYTES = 100, 100_000
Sources = tuple[tuple[str, str], ...]
Stamp = tuple[tuple[str, int, int], ...]


def lessons(limits: Limits) -> tuple[Lesson, ...]:
    """The lessons of this installation; raises InputError where its folder has none, or one that cannot be read."""
    folder = folder_of(limits)
    return _read(folder, _stamp(folder))[0]


def read(folder: Path) -> tuple[tuple[Lesson, ...], tuple[Problem, ...]]:
    """All lessons of a folder, as far as they can be read, and what is wrong with them; raises InputError."""
    return _read(folder, _stamp(folder))


def folder_of(limits: Limits) -> Path:
    """Where this installation's lessons lie."""
    return Path(limits.lesson_folder).expanduser().resolve() if limits.lesson_folder else OURS


def sources(folder: Path) -> tuple[Sources, tuple[Problem, ...]]:
    """What links lead to, as pairs of an address and words, from a folder's sources.txt, and what is wrong with it.

    A line each; lines that begin with # say nothing. A folder need not have the file. Raises InputError where it cannot
    be read.
    """
    path = folder / SOURCES
    if not path.is_file():
        return (), ()
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{SOURCES} may have {MOST_BYTES:,} bytes.")
    lines = [(at, line) for at, line in enumerate(_text(path).splitlines(), 1) if line.strip() and line[0] != "#"]
    found = [(at, SOURCE.fullmatch(line.strip())) for at, line in lines]
    wrong = "A line is an address that begins with https://, a space, and what it leads to."
    problems = tuple(Problem(SOURCES, at, wrong) for at, line in found if line is None)
    return tuple((line[1], line[2]) for _, line in found if line), problems


def find(found: tuple[Lesson, ...], name: str) -> Lesson | None:
    """The lesson of that name, or None."""
    return next((one for one in found if one.name == name), None)


# A few folders: ours, a host's own, those of tests. A file that was changed is read again.
@lru_cache(maxsize=8)
def _read(folder: Path, stamp: Stamp) -> tuple[tuple[Lesson, ...], tuple[Problem, ...]]:
    lessons: list[Lesson] = []
    problems: list[Problem] = []
    for name, _, size in stamp:
        try:
            _refuse(Path(name).stem, size)
            lesson, wrong = parse(_text(folder / name), Path(name).stem)
        except InputError as err:  # the other lessons are still there to be read
            problems.append(Problem(name, 1, str(err)))
            continue
        lessons.append(lesson)
        problems += wrong
    if not lessons:
        raise InputError(str(problems[0]))
    return tuple(lessons), tuple(problems)


def _stamp(folder: Path) -> Stamp:
    """Which files there are, and when and how large they were written."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".md" and path.name != ABOUT)
        found = tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    except OSError as err:
        raise InputError(f"The lessons' folder {folder.name} cannot be read ({type(err).__name__}).") from err
    if not found:
        raise InputError(f"The folder {folder.name} has no lesson: a file such as 01-first.md, of small letters.")
    if len(found) > MOST_FILES:
        raise InputError(f"The folder {folder.name} has {len(found)} lessons; at most {MOST_FILES} are read.")
    return found


def _refuse(name: str, size: int) -> None:
    """Raise InputError for a lesson's file that is not read."""
    if not NAME.fullmatch(name):
        raise InputError("A lesson's file is named in small letters a to z, digits and hyphens, such as 01-first.md.")
    if size > MOST_BYTES:
        raise InputError(f"This file has {size:,} bytes; a lesson may have {MOST_BYTES:,}.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{path.name} cannot be read; it must be text in UTF-8.") from err
