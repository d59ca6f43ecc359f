"""Lessons as they travel: their words as trees, and the runs of their figures, each for a store of its own.

`static/lesson/` has the other end. The words are the same for everybody and packed once; a run is packed once for all
who look at it, with only the layer that its figure shows, or all heads where it shows them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np

from attention.assets import COMPONENTS
from attention.browser import codec, overview, parts, rotary, store
from attention.edits import edits_of
from attention.lessons import changes, folder, interview, kinds
from attention.lessons.records import Figure, Guess, Lesson, Prose, Question, Step, Try
from attention.lessons.state import MOST_SENTENCE, takes, view_of
from attention.view import View, to_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from attention.analysis.origins import Origins
    from attention.analysis.stream import Part
    from attention.lessons.outcomes import Outcomes
    from attention.record import HeadView, Trace

# The components that a figure shows in a lesson, whose style sheets it brings along.
HOSTED = kinds.SHOWN
ONE_MEASURE = "this figure shows one measure; the inspect page has them all"
NOT_COUNTED = "patterns are counted on the inspect page"
NOT_TRIED = "how this model turns its dimensions is tried on the inspect page"


def payload(
    lessons: tuple[Lesson, ...], chosen: tuple[Lesson, ...], *, sentence: str = "", article: bool = False,
    sources: folder.Sources = (),
) -> bytes:
    """What `lesson` is given: {contents, lesson, lessons, article, sources, sentence, most_sentence, styles, panels,
    keys}.

    chosen: the lessons that are read, none for the list of all, all of them as an article. sources: what links lead to,
    which the article lists. most_sentence: how many letters the person's sentence may have. keys: what a link calls
    those fields of a look that have another name there.
    """
    return _packed(lessons, chosen, sentence, article, sources if article else ())


@lru_cache(maxsize=64)
def _packed(
    lessons: tuple[Lesson, ...], chosen: tuple[Lesson, ...], sentence: str, article: bool, sources: folder.Sources
) -> bytes:
    told = [_lesson(lesson, sentence) for lesson in chosen]
    for block in _interviews(told):
        block["settings"]["asked"] = _asked(lessons)
    return codec.pack({
        "contents": [_contents(lesson) for lesson in lessons],
        "lesson": told[0] if told and not article else None, "lessons": told if article else [],
        "article": article, "sources": dict(sources), "sentence": sentence, "most_sentence": MOST_SENTENCE,
        "styles": styles(), "panels": _panels(chosen), "keys": store.KEYS,
    })  # fmt: skip


def styles() -> dict[str, str]:
    """The style sheets of the components that figures show."""
    return {name: (COMPONENTS / name / "style.css").read_text(encoding="utf-8") for name in HOSTED}


def _panels(lessons: Iterable[Lesson]) -> dict[str, Any]:
    """{local: what the panels of runs that are made in the browser need}, where a figure shows one."""
    found = [step.figure for lesson in lessons for step in lesson.steps if step.figure is not None]
    here = any(not needs_run(figure) and "show" in figure.settings for figure in found)
    return {"local": parts.local_panels()} if here else {}


def figures(lessons: Iterable[Lesson], all_lessons: tuple[Lesson, ...] = ()) -> dict[str, Figure]:
    """The figures of lessons that need a model's run, by the names of their stores.

    all_lessons: where an interview among the first finds the figures that prove its answers.
    """
    steps = [(lesson, step) for lesson in lessons for step in lesson.steps]
    if any(step.figure is not None and step.figure.kind == interview.KIND for _, step in steps):
        found = (interview.find_step(asked, all_lessons) for asked in interview.ours())
        steps += [(lesson, lesson.steps[place]) for lesson, place in filter(None, found)]
    return {
        store_of(lesson, step): step.figure
        for lesson, step in steps
        if step.figure is not None and needs_run(step.figure)
    }


def needs_run(figure: Figure) -> bool:
    """Whether a model is run for it."""
    kind = kinds.kind(figure.kind)
    return kind is not None and kind.needs_run


def store_of(lesson: Lesson, step: Step) -> str:
    """The name of the store on which a step's figure lives."""
    return f"{lesson.name}.{step.anchor}"


def pinned(head_view: HeadView, figure: Figure, view: View) -> int:
    """The pinned token: the one that the figure names by its place, or by its word, else the page's own choice."""
    if view.query is not None:
        return min(view.query, len(head_view.query_tokens) - 1)
    return parts.first_query(head_view, figure.settings["pin"])


def group(
    head_view: HeadView, view: View, query: int, *, show: Sequence[str], change: dict[str, Any] | None = None
) -> dict[str, Any]:
    """{run, look, panels, facts, overview, rotary, change}: what a store, and the components on it that are shown, are
    given.

    overview, rotary: of all heads and of the dimensions' pairs, or null where that is not shown. change: what
    `ablations`, `predictions` or `rows` made, for a figure that shows it.
    """
    view = replace(view, query=query)
    much: store.Level = "all" if "heads" in show else "layer"
    panels = codec.parse(parts.panels(head_view, view))
    look = store.look(head_view, view, query, seen=0, limit=len(head_view.trace.tokens), undo=False)
    return {
        "run": codec.parse(store.run(head_view, view, much=much)), "look": codec.parse(look), "panels": panels,
        "facts": _facts(head_view.trace),
        "overview": _overview(head_view, view) if "heads" in show else None,
        "rotary": codec.parse(rotary.payload(head_view, NOT_TRIED)) if "dimensions" in show else None,
        "change": change,
    }  # fmt: skip


def predictions(found: Outcomes, each: Sequence[str]) -> dict[str, Any]:
    """{names, runs: [{what, values, kl}]}: the likeliest next tokens without an edit, and with each of several."""
    return _compared(found.names, found.chances.tolist(), each, found.tokens, found.divergences.tolist())


def rows(head_views: Sequence[HeadView], each: Sequence[str], query: int) -> dict[str, Any]:
    """The same of one row of weights of a head, in the run without an edit and with each of several."""
    names = [token.text.strip() or str(token) for token in head_views[0].key_tokens]
    return _compared(names, [one.weights[query].tolist() for one in head_views], each, names)


def _compared(
    names: Sequence[str], values: list[list[float]], each: Sequence[str], tokens: Sequence[str],
    divergences: Sequence[float] = (),
) -> dict[str, Any]:  # fmt: skip
    said = ["no change", *(changes.in_words(edits_of(line), tokens) for line in each)]
    gaps: Sequence[float | None] = divergences or [None] * len(said)
    runs = [{"what": what, "values": own, "kl": gap} for what, own, gap in zip(said, values, gaps, strict=True)]
    return {"names": list(names), "runs": runs}


def ablations(losses: Iterable[float], layers: int, heads: int) -> dict[str, Any]:
    """{base, one, others, whole}: losses in nats a token, with each head off (layers × heads), with all others of its
    layer off, and with a whole layer off (layers).

    losses: of the runs of `lessons.changes.ablations`, in their order.
    """
    base, *own = map(float, losses)
    count = layers * heads
    shaped = lambda flat: [flat[at : at + heads] for at in range(0, count, heads)]  # noqa: E731
    return {
        "base": base, "one": shaped(own[:count]), "others": shaped(own[count : 2 * count]), "whole": own[2 * count :]
    }  # fmt: skip


def origins(found: Origins, head_view: HeadView) -> dict[str, Any]:
    """{query, key, score, parts: {query, key}, holds, why}: one score, times its scale, by the parts of the stream that
    its query, and that its key was made of. parts: [{name, value}], the largest first. why: there are none, or "".
    """
    names = [token.text.strip() or str(token) for token in head_view.key_tokens]
    made = found.matrix * found.scale
    return {
        "query": names[found.query], "key": names[found.key], "score": found.scaled, "holds": found.ok,
        "why": found.reason,
        "parts": {"query": _parts(found.query_parts, made.sum(1)), "key": _parts(found.key_parts, made.sum(0))},
    }  # fmt: skip


def _parts(parts_of: Sequence[Part], values: np.ndarray) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(values), kind="stable")
    return [{"name": _part(parts_of[at]), "value": float(values[at])} for at in order]


def _part(part: Part) -> str:
    """A part of the stream as lessons name it: head 1.0, MLP 2, embedding."""
    if part.kind == "head":
        return f"head {part.layer}.{part.head}"
    return f"MLP {part.layer}" if part.kind == "mlp" else part.words.replace("token embedding", "embedding")


def _overview(head_view: HeadView, view: View) -> dict[str, Any]:
    """All heads under the figure's own measure; the others say that they are not here."""
    tree: dict[str, Any] = codec.parse(overview.payload(head_view.trace, head_view.kind, view, refusal=NOT_COUNTED))
    for one in tree["measures"]:
        one["why"] = one["why"] or ("" if one["value"] == tree["measure"] else ONE_MEASURE)
    return tree


def runs(groups: list[dict[str, Any]]) -> bytes:
    """{groups: [{store} with what `group` makes, or {store, problem}]}: what the component `runs` is given."""
    return codec.pack({"groups": groups})


def _facts(trace: Trace) -> dict[str, Any]:
    from attention import sentences

    holds, words = sentences.run_check(trace.fidelity)
    return {"model": sentences.title(trace.model), "holds": holds, "check": words}


def _contents(lesson: Lesson) -> dict[str, Any]:
    steps = [
        {"anchor": step.anchor, "title": step.title, "questions": [question.name for question in step.questions]}
        for step in lesson.steps
    ]
    return {
        "name": lesson.name, "title": lesson.title, "about": lesson.about, "minutes": lesson.minutes, "steps": steps
    }  # fmt: skip


def _lesson(lesson: Lesson, sentence: str) -> dict[str, Any]:
    return _contents(lesson) | {"steps": [_step(lesson, step, sentence) for step in lesson.steps]}


def _step(lesson: Lesson, step: Step, sentence: str) -> dict[str, Any]:
    blocks = [_block(block, store_of(lesson, step), sentence) for block in step.blocks]
    return {"anchor": step.anchor, "title": step.title, "blocks": blocks}


def _block(block: Prose | Figure | Guess | Try | Question, store_name: str, sentence: str) -> dict[str, Any]:
    if isinstance(block, Prose | Try):
        return {"type": "prose" if isinstance(block, Prose) else "try", "tree": _plain(block.tree)}
    if isinstance(block, Guess):
        return {
            "type": "guess", "ask": block.ask, "answer": block.answer, "after": block.after,
            "options": list(block.options), "low": block.low, "high": block.high,
        }  # fmt: skip
    if isinstance(block, Question):
        return {
            "type": "question", "name": block.name, "covers": list(block.covers), "step": list(block.step),
            "ask": block.ask, "why": block.why, "options": list(block.options),
        }  # fmt: skip
    return _figure(block, store_name, sentence)


def _figure(figure: Figure, store_name: str, sentence: str) -> dict[str, Any]:
    kind = kinds.kind(figure.kind)
    own = needs_run(figure)
    shown = {key: _plain(value) for key, value in figure.settings.items() if not own or key in kinds.OWN}
    inspect = urlencode(to_query(view_of(figure, sentence))) if own else ""
    if "each" in shown:
        each = each_of(figure, sentence)
        views = [replace(view_of(figure, sentence), edits=edits_of(line)) for line in each]
        shown |= {"each": list(each), "inspects": [urlencode(to_query(view)) for view in views]}
    return {
        "type": "figure", "kind": figure.kind, "module": kind.module if kind else figure.kind, "settings": shown,
        "store": store_name, "needs_run": own, "inspect": inspect, "takes": own and takes(figure, sentence),
    }  # fmt: skip


def each_of(figure: Figure, sentence: str) -> tuple[str, ...]:
    """The lists of edits to choose from, as lines; those that name tokens mean nothing for a person's own sentence."""
    each: tuple[str, ...] = figure.settings["each"]
    if not takes(figure, sentence):
        return each
    return tuple(line for line in each if not any(edit.names_tokens for edit in edits_of(line)))


def _interviews(told: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The figures among what is told that ask the questions of an interview."""
    blocks = (block for lesson in told for step in lesson["steps"] for block in step["blocks"])
    return (block for block in blocks if block["type"] == "figure" and block["kind"] == interview.KIND)


def _asked(lessons: tuple[Lesson, ...]) -> list[dict[str, Any]]:
    """[{number, ask, answer, lesson, title, step, step_title, figure}] of all questions.

    The last five are empty where these lessons have no such step. figure: the step's own, {module, settings, store,
    needs_run}; a run for it comes under the name of its store.
    """
    return [
        {"number": one.number, "ask": _plain(one.ask), "answer": _plain(one.answer)} | _shown_in(one, lessons)
        for one in interview.ours()
    ]


def _shown_in(asked: interview.Asked, lessons: tuple[Lesson, ...]) -> dict[str, Any]:
    found = interview.find_step(asked, lessons)
    if found is None:
        return {"lesson": "", "title": "", "step": "", "step_title": "", "figure": None}
    lesson, place = found
    step = lesson.steps[place]
    own = step.figure if step.figure and step.figure.kind != interview.KIND else None
    figure = _figure(own, store_of(lesson, step) if needs_run(own) else "", "") if own else None
    return {
        "lesson": lesson.name, "title": lesson.title, "step": step.anchor, "step_title": step.title,
        "figure": figure and {key: figure[key] for key in ("module", "settings", "store", "needs_run")},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
