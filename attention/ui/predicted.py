"""What the model predicts, beside its attention: likely tokens to click, labels, answers, and letting it continue.

Both wait their turn in the queue, show how far they are, and are kept for all sessions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from attention.browser import parts, predictions
from attention.config import MEGABYTE, Limits
from attention.errors import HeadlightError, InputError
from attention.ui import aims, boundary, components, opened, prompt_bar, runs, state
from attention.ui.popover import lazy
from attention.ui.traces import Request, request_of
from attention.ui.traces import predictions as predictions_of
from attention.view import View

if TYPE_CHECKING:
    from attention.prediction import Continuation, Predictions
    from attention.prediction.results import Candidate
    from attention.record import HeadView, Token, Trace

KEY, PLACE, WRITTEN = "predicted", "headlight.predicted", "headlight.written"
# What this session no longer waits for.
LEFT = "headlight.left"
CANCELLED = "The prediction was cancelled before its turn came."
SHOWN, KEPT = 8, 64
MOST_BYTES = 50 * MEGABYTE
# A small model has answered by then.
PATIENCE_SECONDS = 0.3
# Whoever stops the writing gets what is there after the token that is being made.
LAST_TOKEN_SECONDS = 5.0
WRITES = ("next", "translate")
# The deeper views that are of one predicted token.
AIMED = ("matters", "writes", "patch")
CONTINUE = "continue-open"
CHOICES = tuple(f"continue-{part}" for part in ("tokens", "how", "temperature", "top-p", "seed"))
TOKENS, MOST_TOKENS = 10, 50


@dataclass(frozen=True)
class Question:
    """What one prediction depends on. hidden: the position that a run of its own hides behind a blank, or None."""

    request: Request
    hidden: int | None = None

    @property
    def model(self) -> str:
        return self.request.model


@dataclass(frozen=True)
class Writing:
    """What one continuation depends on. target: an encoder-decoder's second text, or its ids."""

    model: str
    text: str
    target: str | tuple[int, ...] | None
    count: int
    limits: Limits
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


class Answers(runs.Runs[Question, "Predictions"]):
    """The predictions of this process."""

    what = "predicting"
    one_each = True

    def _bounds(self) -> tuple[int, int]:
        return KEPT, MOST_BYTES

    def _size(self, made: Predictions) -> int:
        return made.nbytes


class Writings(runs.Runs[Writing, "Continuation"]):
    """The continuations of this process. One that was stopped is for whoever stopped it."""

    what = "writing"
    one_each = True

    def _is_stale(self, job: runs.Job[Continuation]) -> bool:
        return job.made is not None and job.made.stopped == "asked"

    def _bounds(self) -> tuple[int, int]:
        return KEPT, MOST_BYTES

    def _size(self, made: Continuation) -> int:
        return made.nbytes


class _LeftError(HeadlightError):
    """This session has left a prediction before its turn came, and may ask for it again."""


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw what is predicted at the pinned token, or for the text as a whole; a sentence where nothing is."""
    st.session_state[PLACE] = None
    try:
        question, position = _place(head_view, view, pinned)
        found = _predictions(question)
        how: dict[str, Any] = {
            "key": _key(question, position), "shown": SHOWN, "clickable": not view.chat,
            "aim": view.details in AIMED or bool(view.edits), "target": view.target, "changed": bool(view.edits),
        }  # fmt: skip
        data = predictions.predicted(found, position, **how)
    except HeadlightError as err:
        components.mount(KEY, predictions.nothing(str(err)), key=KEY, on_pick_change=_pick, on_aim_change=_aim)
        if isinstance(err, _LeftError):
            st.button("Predict", key="predict-again", on_click=_ask_again)
        return
    st.session_state[PLACE] = (question, position)
    components.mount(KEY, data, key=KEY, on_pick_change=_pick, on_aim_change=_aim)
    if found.task in WRITES and not view.chat:
        _continue(view, found)


def position(pinned: int) -> int | None:
    """The position whose prediction is shown, None for the whole text; where none is shown, the pinned token's."""
    place = st.session_state.get(PLACE)
    return pinned if place is None else cast("int | None", place[1])


def side(trace: Trace) -> tuple[Token, ...]:
    """The tokens that positions of a prediction count: what a decoder that reads a source writes, else the text."""
    return trace.pair_tokens if "cross" in trace.kinds else trace.tokens


def _place(head_view: HeadView, view: View, pinned: int) -> tuple[Question, int | None]:
    """What to ask the model, and the position of its answer that is shown; None for the whole text, or the last."""
    if no_model := opened.refusal(view, "a prediction"):
        raise InputError(no_model)
    question = Question(request_of(view))
    found = _predictions(question)
    if found.task == "fill" and pinned not in found.positions and not found.positions:
        return replace(question, hidden=pinned), pinned
    side_is_shown = found.task != "translate" or head_view.kind != "encoder"
    return question, pinned if side_is_shown and pinned in found.positions else (found.positions or (None,))[-1]


def _predictions(question: Question, *, quietly: bool = False) -> Predictions:
    """What a run of the model says, the few likeliest of each place: the one that was traced, else one of its own;
    while that is made, how far it is.

    quietly: draw nothing, where there is no place for it.
    """
    if question.hidden is None and (traced := predictions_of(question.request)) is not None:
        return traced
    if st.session_state.get(LEFT) == hash(question):
        raise _LeftError(CANCELLED)
    join = partial(_answers.join, question, runs.person())
    return runs.wait_for(join, PATIENCE_SECONDS, runs.sit if quietly else partial(_wait, question=question)).result()


def _wait(job: runs.Job[Predictions], question: Question) -> None:
    runs.poll(job, partial(_leave, question))


def _leave(question: Question) -> None:
    """Wait no longer, in this session, until it is asked for again or another one is."""
    _answers.cancel(question, runs.person())
    st.session_state[LEFT] = hash(question)


def _ask_again() -> None:
    st.session_state.pop(LEFT, None)


def _answer(question: Question, job: runs.Job[Predictions]) -> Predictions:
    from attention.api import predict

    asked, positions = question.request, None if question.hidden is None else [question.hidden]
    how: dict[str, Any] = {"limits": asked.limits, "positions": positions}
    given = asked.prompt.given()
    given.pop("settings", None)  # of the local layer, which says itself that it predicts nothing
    return predict(**given, **how, on_progress=job.report, on_wait=job.follow)


def _pick() -> None:
    """A click on a candidate: the text goes on with it, or the blank is filled."""
    if (clicked := _clicked("pick")) is None:
        return
    found, position, candidates, index = clicked
    prompt_bar.change_to(**{_side(found, position): found.text_with(candidates[index], position)})
    st.session_state[WRITTEN] = position


def _aim() -> None:
    """A candidate is to be asked about, against the likeliest other one."""
    if (clicked := _clicked("aim")) is None:
        return
    _, _, candidates, index = clicked
    own = candidates[index].id
    aims.aim({"target": own, "distractor": next((one.id for one in candidates if one.id != own), None)})


def _clicked(event: str) -> tuple[Predictions, int | None, tuple[Candidate, ...], int] | None:
    """What is predicted, where, and which of the candidates was clicked; None for what means nothing here."""
    chosen, place = boundary.said(KEY, event, dict), st.session_state.get(PLACE)
    if chosen is None or place is None:
        return None
    question, position = place
    try:
        found = _predictions(question, quietly=True)
    except HeadlightError:  # a model that is gone by now; the page says so when it runs again
        return None
    candidates, index = found.at(position).candidates, chosen.get("index")
    # The click may come from a picture that is no longer the present one.
    if not isinstance(index, int | float) or not 0 <= index < len(candidates) or chosen.get("key") != _key(*place):
        return None
    return found, position, candidates, int(index)


def follow() -> bool:
    """Whether a click has just changed the text: its box stands outside, so the page has to run again. True once."""
    if WRITTEN not in st.session_state:
        return False
    _pin_written(st.session_state.pop(WRITTEN))
    return True


def _pin_written(position: int | None = None) -> None:
    """Pin where one goes on from: the last token, or the place that was just filled. It is no step to take back."""
    view = state.current()
    try:
        found = _predictions(Question(request_of(view)), quietly=True)
    except HeadlightError:  # it is said where the text is shown
        return
    if found.task == "translate" and view.kind == "encoder":
        return
    if found.task == "fill":
        # The next blank comes first, and the page pins it by itself.
        wanted = None if found.positions or position is None or position >= len(found.side) else position
    else:
        wanted = found.positions[-1] if found.positions else None
    crosses = found.task == "translate" and view.kind != "decoder"
    if wanted is not None and wanted != parts.default_query(found.side, writes=crosses):
        state.settle(replace(view, query=wanted))


def _key(question: Question, position: int | None) -> str:
    """A name for what is shown: a click on the same place of another text has another one."""
    return hashlib.sha256(repr((question, position)).encode()).hexdigest()[:16]


def _side(found: Predictions, position: int | None) -> str:
    """Which of the view's texts a candidate at that position changes."""
    second = found.task == "translate" or (position is not None and found.tokens[position].segment == 1)
    return "pair" if second else "text"


def _continue(view: View, found: Predictions) -> None:
    """Let the model go on by some tokens; each of them is then traced like any other."""
    popover = lazy("Let it continue", key=CONTINUE, keep=CHOICES)
    if not popover.open:
        return
    with popover, st.container(key="continue", gap="xsmall"):
        count = st.slider("Tokens", 1, MOST_TOKENS, TOKENS, key="continue-tokens")
        how = st.segmented_control(
            "How", ["likeliest", "by chance"], default="likeliest", required=True, key="continue-how",
            help="The likeliest token each time (greedy), or one drawn from the probabilities.",
        )  # fmt: skip
        chance = how == "by chance"
        temperature = st.slider(
            "Temperature", 0.1, 2.0, 1.0, 0.1, key="continue-temperature", disabled=not chance,
            help="Below 1 the likely tokens become likelier still; above 1 the chances even out.",
        )  # fmt: skip
        top_p = st.slider(
            "Top-p", 0.05, 1.0, 0.9, 0.05, key="continue-top-p", disabled=not chance,
            help="Only the likeliest tokens that together have this share can be drawn.",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, 0, key="continue-seed", disabled=not chance,
            help="The same seed draws the same tokens again; another one draws others.",
        )  # fmt: skip
        asked = st.button("Continue", key="continue-go", type="primary")
        line = st.container(key="continue-line")
    if asked:
        choice = {"temperature": temperature, "top_p": top_p, "seed": int(seed)} if chance else {}
        # The slider's bounds are the browser's; what it says is a stranger's word.
        _write(view, found, min(max(int(count), 1), MOST_TOKENS), choice, line)


def _write(view: View, found: Predictions, count: int, choice: dict[str, Any], line: Any) -> None:
    # Where the model has written the target itself, it goes on with that.
    target = view.pair or tuple(token.id for token in found.pair_tokens if token.id is not None) or None
    wanted = Writing(view.model, view.text, target, count, Limits.from_environment(), **choice)
    with line:
        try:
            join, show = partial(_writings.join, wanted, runs.person()), partial(_watch, wanted=wanted, task=found.task)
            made = runs.wait_for(join, 0.0, show).result()
        except HeadlightError as err:
            st.text(f"⚠ {err}")
            return
    _take(made, found.task)
    st.rerun()


def _watch(job: runs.Job[Continuation], wanted: Writing, task: str) -> None:
    runs.poll(job, partial(_stop, job, wanted, task), always=True)


def _stop(job: runs.Job[Continuation], wanted: Writing, task: str) -> None:
    """Take what has been written so far; for a button."""
    _writings.cancel(wanted, runs.person())
    if job.cancelled and runs.has_ended(job, LAST_TOKEN_SECONDS) and job.made is not None:
        _take(job.made, task)


def _take(made: Continuation, task: str) -> None:
    prompt_bar.change_to(**{"pair" if task == "translate" else "text": made.text})
    _pin_written()
    state.settle(state.current(), _remarks(made))


def _written(wanted: Writing, job: runs.Job[Continuation]) -> Continuation:
    from attention.api import generate

    told = 0

    def tell(text: str) -> bool:
        nonlocal told
        told += 1
        job.report(f"…{text[-120:]}", told / wanted.count)
        return not job.cancelled and (job.is_watched() or not job.seen)

    target: Any = list(wanted.target) if isinstance(wanted.target, tuple) else wanted.target
    return generate(
        wanted.model, wanted.text, target, wanted.count, temperature=wanted.temperature, top_p=wanted.top_p,
        seed=wanted.seed, limits=wanted.limits, on_progress=job.report, on_wait=job.follow, on_token=tell,
    )  # fmt: skip


def _remarks(made: Continuation) -> list[str]:
    remarks = [] if made.stopped == "count" else [made.reason]
    if made.steps and not made.exact:
        remarks.append("The tokenizer cuts the new text into other tokens than the model wrote one by one.")
    return remarks


_answers = Answers(_answer)
_writings = Writings(_written)
