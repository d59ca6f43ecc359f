"""The sixty questions of learners with model answers, from `assets/interview.md`: what the interview asks.

One `## number question` each, a line `step: lesson#anchor` that says where it is shown, and a few sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from attention.assets import ASSETS
from attention.errors import InputError
from attention.lessons import folder, prose
from attention.lessons.parse import COVERED, Problem
from attention.lessons.records import Lesson

FILE = ASSETS / "interview.md"
# The kind of figure that asks them.
KIND = "interview"
HEADING = re.compile(r"## (?P<number>[1-9][0-9]?) (?P<ask>\S.*)")
STEP = re.compile(r"step: (?P<lesson>[a-z0-9-]+)#(?P<anchor>[a-z0-9-]+)")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question. ask, answer: trees of `prose`. step: where it is shown, (lesson, anchor)."""

    line: int
    number: int
    ask: tuple[Any, ...]
    step: tuple[str, str]
    answer: tuple[Any, ...]


@cache
def ours() -> tuple[Asked, ...]:
    """Those of `assets/interview.md`, in its order."""
    return read(FILE.read_text(encoding="utf-8"))[0]


def read(text: str) -> tuple[tuple[Asked, ...], tuple[Problem, ...]]:
    """The questions of a file, as far as they can be read, and what is wrong with it, by line."""
    found: list[Problem] = []
    asked = []
    for line, lines in _sections(text.splitlines()):
        try:
            asked.append(_asked(line, lines))
        except InputError as err:
            found.append(Problem(FILE.name, line, str(err)))
    return tuple(asked), (*found, *_numbers(asked))


def problems(lessons: tuple[Lesson, ...]) -> tuple[Problem, ...]:
    """Everything that is wrong with `assets/interview.md`, by line."""
    asked, found = read(FILE.read_text(encoding="utf-8"))
    return (*found, *misled(asked, lessons))


def misled(asked: tuple[Asked, ...], lessons: tuple[Lesson, ...]) -> tuple[Problem, ...]:
    """The questions whose step does not exist in these lessons."""
    return tuple(
        Problem(FILE.name, one.line, f"There is no step {'#'.join(one.step)}.")
        for one in asked
        if find_step(one, lessons) is None
    )


def find_step(asked: Asked, lessons: tuple[Lesson, ...]) -> tuple[Lesson, int] | None:
    """The lesson and the place of the step that shows the answer, or None where these lessons have none."""
    lesson = folder.find(lessons, asked.step[0])
    if lesson is None:
        return None
    places = [place for place, step in enumerate(lesson.steps) if step.anchor == asked.step[1]]
    return (lesson, places[0]) if places else None


def _sections(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Each heading's line, from 1, and its lines to the next; what stands before the first is no question."""
    starts = [at for at, line in enumerate(lines) if line.startswith("## ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield start + 1, lines[start:end]


def _asked(line: int, lines: list[str]) -> Asked:
    heading = HEADING.fullmatch(lines[0].strip())
    if heading is None:
        raise InputError("A question begins with “## number question”, the number from 1 to 60.")
    step = STEP.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    if step is None:
        raise InputError("The line below a question is “step: lesson#anchor”.")
    answer = "\n".join(lines[2:]).strip()
    if not answer:
        raise InputError("This question has no answer.")
    for _, words in prose.faults(answer):
        raise InputError(words)
    return Asked(
        line=line, number=int(heading["number"]), ask=prose.line(heading["ask"]),
        step=(step["lesson"], step["anchor"]), answer=prose.tree(answer),
    )  # fmt: skip


def _numbers(asked: list[Asked]) -> Iterator[Problem]:
    """Each number once, and none but the sixty."""
    low, high = COVERED
    seen: set[int] = set()
    for one in asked:
        if one.number in seen or not low <= one.number <= high:
            yield Problem(FILE.name, one.line, f"Number {one.number} stands twice, or is not from {low} to {high}.")
        seen.add(one.number)
    if missing := sorted(set(range(low, high + 1)) - seen):
        yield Problem(FILE.name, 1, f"These numbers are missing: {', '.join(map(str, missing))}.")
