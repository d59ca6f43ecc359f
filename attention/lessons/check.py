"""What lessons name and what does not exist: steps, figures, answers, models, layers, heads and words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attention.assets import STATIC
from attention.catalogue import LOCAL, find
from attention.config import Limits
from attention.edits import edits_of, written
from attention.errors import HeadlightError, InputError
from attention.lessons import folder, interview, kinds
from attention.lessons.parse import Problem
from attention.lessons.records import Figure, Lesson, Prose, Question, Step, Try
from attention.lessons.state import view_of

FIGURES, ANSWERS = STATIC / "lesson" / "figures", STATIC / "lesson" / "answers"
ANSWER = re.compile(r"^  ([a-z][a-z_0-9]*): \(random\) =>", re.MULTILINE)


def check(where: Path) -> tuple[Problem, ...]:
    """Everything that is wrong with a folder's lessons, by file and line; raises InputError where there are none."""
    found, problems = folder.read(where)
    _, of_sources = folder.sources(where)
    of_lessons = (problem for lesson in found for problem in _of_lesson(lesson, found))
    # The interview's answers lead to our lessons; with a host's own, those that lead nowhere are shown without a link.
    of_interview = interview.problems(found) if where == folder.OURS else ()
    return tuple(sorted({*problems, *of_sources, *of_lessons, *of_interview}))


@cache
def answers() -> dict[str, str]:
    """The check questions that can be computed: name → the module that does it."""
    return {
        name: path.stem for path in sorted(ANSWERS.glob("*.js")) for name in ANSWER.findall(path.read_text("utf-8"))
    }


def _of_lesson(lesson: Lesson, all_lessons: tuple[Lesson, ...]) -> Iterator[Problem]:
    file = f"{lesson.name}.md"
    for step in lesson.steps:
        for line, words in _of_step(step, lesson, all_lessons):
            yield Problem(file, line, words)


def _of_step(step: Step, lesson: Lesson, all_lessons: tuple[Lesson, ...]) -> Iterator[tuple[int, str]]:
    for block in step.blocks:
        if isinstance(block, Prose | Try):
            for line, href in block.links:
                if not href.startswith("http"):
                    where, _, anchor = href.partition("#")
                    yield from _missing_step(where or lesson.name, anchor, line, all_lessons)
        elif isinstance(block, Question):
            yield from _missing_step(*block.step, block.step_line, all_lessons)
            if block.name not in answers():
                yield block.line, f"No module in static/lesson/answers computes {block.name!r}."
        elif isinstance(block, Figure):
            yield from _of_figure(block)


def _missing_step(name: str, anchor: str, line: int, all_lessons: tuple[Lesson, ...]) -> Iterator[tuple[int, str]]:
    found = folder.find(all_lessons, name)
    if found is None:
        yield line, f"There is no lesson {name!r}; there are {', '.join(one.name for one in all_lessons)}."
    elif anchor and anchor not in (anchors := [step.anchor for step in found.steps]):
        yield line, f"The lesson {name} has no step {anchor!r}; it has {', '.join(anchors)}."


def _of_figure(figure: Figure) -> Iterator[tuple[int, str]]:
    kind = kinds.kind(figure.kind)
    if kind is None:
        return
    if not (FIGURES / f"{kind.module}.js").is_file():
        yield figure.line, f"The figure {kind.name} has no module in static/lesson/figures."
    if kind.needs_run:
        yield from _of_state(figure)


def _of_state(figure: Figure) -> Iterator[tuple[int, str]]:
    """The text, the model, its layer and head, and the pinned word, each in its line or, where it is not given, the
    figure's.
    """
    line_of = lambda key: figure.lines.get(key, figure.line)  # noqa: E731
    try:
        view = view_of(figure)
    except InputError as err:
        yield figure.line, str(err)
        return
    if (size := len(view.text)) > (most := Limits().max_characters):
        yield line_of("text"), f"The text has {size:,} characters; at most {most:,} are looked at."
    if (pin := figure.settings["pin"]) and pin not in (view.text if view.kind != "cross" else view.pair or view.text):
        yield line_of("pin"), f"pin is {pin!r}, which is no word of the text."
    entry = find(view.model)
    if view.model != LOCAL and (entry is None or entry.path is None):
        words = f"The model {view.model!r} does not come with Headlight; a lesson runs without a network."
        yield line_of("model"), words
        return
    try:
        layers, heads = _sizes(view.model, view.kind)
    except HeadlightError as err:
        yield line_of("model"), str(err)
        return
    if view.layer >= layers:
        yield line_of("layer"), f"{view.model} has no layer {view.layer}; it has {layers}, counted from 0."
    if view.head >= heads:
        yield line_of("head"), f"{view.model} has no head {view.head}; a layer has {heads}, counted from 0."
    for key, line in (("edits", written(view.edits)), *(("each", one) for one in figure.settings.get("each", ()))):
        for edit in edits_of(line):
            if (edit.layer or 0) >= layers or (edit.head or 0) >= heads:
                yield line_of(key), f"{view.model} has no place for the edit {edit}; it has {layers} × {heads} heads."


@cache
def _sizes(model: str, kind: str) -> tuple[int, int]:
    """How many layers of that kind a model has, and how many heads a layer."""
    if model == LOCAL:
        from attention import local

        return 1, local.build().n_heads
    from attention.models import inspect, parse

    card = inspect(parse(model, Limits()), Limits())
    layers = card.decoder_layers if kind in ("decoder", "cross") and card.decoder_layers else card.layers
    return layers or 0, card.heads or 0
