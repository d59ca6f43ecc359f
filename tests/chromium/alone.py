"""Figures of lessons alone on a blank page: the steps that show them, and what they are given."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from attention.figures.palette import THEMES
from attention.lessons import kinds
from attention.lessons.parse import parse
from attention.lessons.records import Step

LESSONS = Path(__file__).resolve().parents[2] / "assets" / "lessons"


def steps(names: Iterable[str]) -> Iterator[tuple[str, Step]]:
    """All steps of these lessons with a figure that is made wholly in the browser, each beside its lesson's name."""
    for name in names:
        lesson, problems = parse((LESSONS / f"{name}.md").read_text("utf-8"), name)
        assert not problems
        yield from ((name, step) for step in lesson.steps if step.figure and not kind_of(step.figure.kind).needs_run)


def kind_of(name: str) -> kinds.Kind:
    found = kinds.kind(name)
    assert found is not None
    return found


def settings_of(name: str, **settings: Any) -> dict[str, Any]:
    """What a figure of that kind is told: these, and the defaults for the others."""
    return {key: one.default for key, one in kind_of(name).settings.items()} | settings


def palette(theme: str) -> dict[str, Any]:
    return asdict(THEMES[theme])
