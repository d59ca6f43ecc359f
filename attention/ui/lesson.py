"""The page of lessons: their words at once, and the runs of their figures as they are made.

Which step is read, what was guessed and answered stays in the browser; the server hears which lesson is open and the
person's own sentence, for whose runs it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention import derived
from attention.browser import lessons as told
from attention.catalogue import all_samples
from attention.config import Limits
from attention.edits import edits_of
from attention.errors import HeadlightError
from attention.lessons import folder
from attention.lessons.state import MOST_SENTENCE, view_of
from attention.table import clean
from attention.ui import boundary, components, lesson_changes, traces, warmup
from attention.ui.problems import describe_problem

if TYPE_CHECKING:
    from attention.lessons.outcomes import Outcomes
    from attention.lessons.records import Figure, Lesson
    from attention.record import HeadView
    from attention.view import View

# What is read: {lesson, text, article}, as the browser last said it.
PLACE = "headlight.lesson-place"


def show() -> None:
    """The page below the bar."""
    limits = Limits.from_environment()
    try:
        lessons = folder.lessons(limits)
        sources, _ = folder.sources(folder.folder_of(limits))
    except HeadlightError as err:
        st.text(f"⚠ {err}")
        return
    name, sentence, article = _place()
    found = folder.find(lessons, name)
    chosen = lessons if article else (found,) if found else ()
    data = told.payload(lessons, chosen, sentence=sentence, article=article, sources=sources)
    components.mount("lesson", data, key="lesson", on_place_change=_hear)
    if chosen and warmup.gate():
        _bring(chosen, lessons, sentence)


def _place() -> tuple[str, str, bool]:
    """The lesson's name, the person's sentence and whether all lessons are read as one article; at first the link's."""
    if PLACE not in st.session_state:
        query = st.query_params
        text = query.get("sentence", "") or _looked_at(query.get("text", ""))
        given = {"lesson": query.get("lesson", ""), "text": text, "article": query.get("article", "")}
        st.session_state[PLACE] = _settled(given)
    kept: tuple[str, str, bool] = st.session_state[PLACE]
    return kept


def _looked_at(text: str) -> str:
    """A sentence that was looked at on the inspect page comes along; a sample is nobody's own."""
    return "" if text in {sample.text for sample in all_samples()} else text


def _hear() -> None:
    place = boundary.said("lesson", "place", dict)
    if place is not None:
        st.session_state[PLACE] = _settled(place)


def _settled(given: dict[str, Any]) -> tuple[str, str, bool]:
    """What a stranger's browser or link says, as far as it can mean anything."""
    lesson, text = given.get("lesson"), given.get("text")
    name = lesson if isinstance(lesson, str) and folder.NAME.fullmatch(lesson) else ""
    sentence = clean(text).strip() if isinstance(text, str) and len(text) <= MOST_SENTENCE else ""
    return name, sentence, given.get("article") in (True, "1")


def _bring(chosen: tuple[Lesson, ...], lessons: tuple[Lesson, ...], sentence: str) -> None:
    """The runs of all figures of what is read, and of those that an interview in it shows."""
    shown = [_shown(name, figure, sentence) for name, figure in told.figures(chosen, lessons).items()]
    with st.container(key="unseen"):
        components.mount("runs", _packed(shown), key="runs")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one figure shows: a head, or in words why there is none."""

    store: str
    head_view: HeadView | None = None
    view: View | None = None
    query: int = 0
    show: tuple[str, ...] = ()
    asked: tuple[Any, ...] = ()
    change: dict[str, Any] | None = field(default=None, compare=False)
    problem: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What it shows, without the run itself."""
        run = None if self.head_view is None else (self.head_view.trace.id, self.head_view.kind)
        return self.store, run, self.view, self.query, self.show, self.asked, self.problem

    def group(self) -> dict[str, Any]:
        """As it travels."""
        if self.head_view is None or self.view is None:
            return {"store": self.store, "problem": self.problem}
        return {"store": self.store} | told.group(
            self.head_view, self.view, self.query, show=self.show, change=self.change
        )


def _packed(shown: list[Shown]) -> bytes:
    """All of it as bytes, made once for a class that reads the same, and kept beside the first of its runs."""
    make = lambda: told.runs([one.group() for one in shown])  # noqa: E731
    first = next((one.head_view.trace for one in shown if one.head_view is not None), None)
    if first is None:
        return make()
    return derived.kept(first, ("lesson", *(one.key for one in shown)), make)


def _shown(name: str, figure: Figure, sentence: str) -> Shown:
    try:
        return _looked_up(name, figure, sentence)
    except Exception as err:  # a sentence in the figure's place, and the others stay
        return Shown(store=name, problem=describe_problem(err))


def _looked_up(name: str, figure: Figure, sentence: str) -> Shown:
    view = view_of(figure, sentence)
    trace = traces.get_trace(view)
    view, _ = traces.fit_to(view, trace)
    head_view = trace.head(view.layer, view.head, view.kind or traces.default_kind(trace))  # type: ignore[arg-type]
    query = told.pinned(head_view, figure, view)
    asked, change = change_of(figure, sentence, view, head_view, query)
    show: tuple[str, ...] = figure.settings["show"]
    return Shown(
        store=name, head_view=head_view, view=view, query=query, show=show, asked=asked, change=change
    )


def change_of(
    figure: Figure, sentence: str, view: View, head_view: HeadView, query: int
) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
    """What decides what a figure shows of changed runs, and that; nothing for one that shows none."""
    if figure.kind == "ablations":
        places = traces.places(head_view.trace)
        layers, heads = len({place.layer for place in places}), max(place.n_heads for place in places)
        asked = lesson_changes.Text(view.prompt.unedited, layers, heads, Limits.from_environment())
        return ("ablations",), told.ablations(lesson_changes.losses(asked), layers, heads)
    if figure.kind == "origins":
        return _origins(view, head_view, query)
    if figure.kind != "change":
        return (), None
    each = told.each_of(figure, sentence)
    follow = figure.settings["follow"]
    if figure.settings["of"] == "prediction":
        return ("prediction", each, follow), told.predictions(_outcomes(view, each, follow), each)
    changed = [traces.get_trace(replace(view, edits=edits_of(line))) for line in each]
    heads_of = [head_view, *(one.head(view.layer, view.head, head_view.kind) for one in changed)]
    return ("row", each), told.rows(heads_of, each, query)


def _origins(view: View, head_view: HeadView, query: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The score of the pinned query and the view's key; without one, of the key that the row weighs most."""
    key = int(head_view.weights[query].argmax()) if view.key is None else min(view.key, len(head_view.key_tokens) - 1)
    place = (head_view.kind, view.layer, view.head, query, key)
    score = lesson_changes.Score(view.prompt.unedited, *place, Limits.from_environment())
    return place, told.origins(lesson_changes.origins(score), head_view)


def _outcomes(view: View, each: tuple[str, ...], follow: str = "") -> Outcomes:
    return lesson_changes.outcomes(
        lesson_changes.Asked(view.prompt.unedited, each, follow, Limits.from_environment())
    )
