"""What the model predicts, beside its attention: likely tokens to click, labels, answers, and letting it continue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.config import Limits
from attention.errors import HeadlightError
from attention.payloads import parts
from attention.ui import ask, components, likely, state
from attention.ui.traces import Request, request_of
from attention.view import View

if TYPE_CHECKING:
    from attention.prediction import Continuation, Predictions
    from attention.record import HeadView

KEY, PLACE, WRITTEN = "predicted", "headlight.predicted", "headlight.written"
SHOWN, KEPT = 8, 64
WRITES = ("next", "translate")
TOKENS, MOST_TOKENS = 10, 50


@dataclass(frozen=True)
class Question:
    """What one prediction depends on. hidden: the position that a run of its own hides behind a blank, or None."""

    request: Request
    hidden: int | None = None


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw what is predicted at the pinned token, or for the text as a whole; a sentence where nothing is."""
    st.session_state[PLACE] = None
    try:
        question, position = _place(head_view, view, pinned)
        found = _predictions(question)
        data = likely.predicted(found, position, key=_key(question, position), shown=SHOWN, clickable=not view.chat)
    except HeadlightError as err:
        components.mount(KEY, likely.nothing(str(err)), key=KEY, on_pick_change=_pick)
        return
    st.session_state[PLACE] = (question, position)
    components.mount(KEY, data, key=KEY, on_pick_change=_pick)
    if found.task in WRITES and not view.chat:
        _continue(view, found)


def _place(head_view: HeadView, view: View, pinned: int) -> tuple[Question, int | None]:
    """What to ask the model, and the position of its answer that is shown; None for the whole text, or the last."""
    question = Question(request_of(view))
    found = _predictions(question)
    if found.task == "fill" and pinned not in found.positions and not found.positions:
        return replace(question, hidden=pinned), pinned
    side_is_shown = found.task != "translate" or head_view.kind != "encoder"
    return question, pinned if side_is_shown and pinned in found.positions else (found.positions or (None,))[-1]


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _predictions(question: Question) -> Predictions:
    """One untouched run of the model; the few likeliest of each place are kept for all sessions."""
    from attention.api import predict

    asked, positions = question.request, None if question.hidden is None else [question.hidden]
    return predict(
        asked.model, asked.text, asked.pair or None, chat=asked.chat, limits=asked.limits, positions=positions
    )


def _pick() -> None:
    """A click on a candidate: the text goes on with it, or the blank is filled."""
    chosen, place = st.session_state[KEY].get("pick"), st.session_state.get(PLACE)
    if not isinstance(chosen, dict) or place is None:
        return
    question, position = place
    try:
        found = _predictions(question)
    except HeadlightError:  # a model that is gone by now; the page says so when it runs again
        return
    candidates, index = found.at(position).candidates, chosen.get("index")
    # The click may come from a picture that is no longer the present one.
    if not isinstance(index, int | float) or not 0 <= index < len(candidates) or chosen.get("key") != _key(*place):
        return
    ask.change_to(**{_side(found, position): found.text_with(candidates[int(index)], position)})
    st.session_state[WRITTEN] = position


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
        found = _predictions(Question(request_of(view)))
    except HeadlightError:  # it is said where the text is shown
        return
    if found.task == "translate" and view.kind == "encoder":
        return
    if found.task == "fill":
        # The next blank comes first, and the page pins it by itself.
        wanted = None if found.positions or position is None or position >= len(found.side) else position
    else:
        wanted = found.positions[-1] if found.positions else None
    if wanted is not None and wanted != parts.default_query(found.side):
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
    with st.popover("Let it continue", type="tertiary"), st.container(key="continue", gap="xsmall"):
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
        line = st.empty()
    if asked:
        choice = {"temperature": temperature, "top_p": top_p, "seed": int(seed)} if chance else {}
        _write(view, found, int(count), choice, line)


def _write(view: View, found: Predictions, count: int, choice: dict[str, Any], line: Any) -> None:
    from attention.api import generate

    def told(text: str) -> bool:
        line.text(f"…{text[-120:]}")  # any other click ends this run here, and with it the writing
        return True

    # Where the model has written the target itself, it goes on with that.
    target = view.pair or [token.id for token in found.pair_tokens if token.id is not None] or None
    try:
        made = generate(view.model, view.text, target, count, **choice, limits=Limits.from_environment(), on_token=told)
    except HeadlightError as err:
        line.text(f"⚠ {err}")
        return
    ask.change_to(**{"pair" if found.task == "translate" else "text": made.text})
    _pin_written()
    state.settle(state.current(), _remarks(made))
    st.rerun()


def _remarks(made: Continuation) -> list[str]:
    remarks = [] if made.stopped == "count" else [made.reason]
    if made.steps and not made.exact:
        remarks.append("The tokenizer cuts the new text into other tokens than the model wrote one by one.")
    return remarks
