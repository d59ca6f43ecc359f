"""What the changes of a run did to its prediction: both runs in one job that waits its turn, kept for all sessions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.browser import effect as given
from attention.browser import store
from attention.config import MEGABYTE
from attention.errors import HeadlightError
from attention.ui import components, opened, runs
from attention.ui.traces import Request, request_of
from attention.view import View

if TYPE_CHECKING:
    from attention.analysis.edited_effect import EditedEffect

KEY = "effect"
KEPT, BYTES = 64, 20_000
PATIENCE_SECONDS = 0.3
LEFT = "headlight.left-effect"


@dataclass(frozen=True)
class Question:
    """What one effect depends on. position: of the prediction, None for the whole text."""

    request: Request
    position: int | None
    target: int | None
    distractor: int | None

    @property
    def model(self) -> str:
        return self.request.model


class Effects(runs.Runs[Question, "EditedEffect"]):
    """The effects of this process."""

    what = "comparing with the run without changes"
    one_each = True

    def _bounds(self) -> tuple[int, int]:
        return KEPT, MEGABYTE

    def _size(self, made: EditedEffect) -> int:
        return BYTES


def show(view: View, position: int | None, side: tuple[Any, ...]) -> None:
    """Draw what the changes did to the prediction at a position; nothing where there are none. side: the tokens that
    positions count.
    """
    if not view.edits or opened.is_opened(view):
        return
    question = Question(request_of(view), position, view.target, view.distractor)
    if st.session_state.get(LEFT) == hash(question):
        st.button("Compare with the run without changes", key="effect-again", on_click=_again)
        return
    try:
        join = partial(_effects.join, question, runs.person())
        found = runs.wait_for(join, PATIENCE_SECONDS, partial(_wait, question=question)).result()
    except HeadlightError as err:
        data = given.nothing(str(err))
    else:
        data = given.told(found, side, target=view.target, distractor=view.distractor)
    components.mount("effect", data, key=KEY, store=store.INSPECT)


def _wait(job: runs.Job[EditedEffect], question: Question) -> None:
    runs.poll(job, partial(_leave, question))


def _leave(question: Question) -> None:
    _effects.cancel(question, runs.person())
    st.session_state[LEFT] = hash(question)


def _again() -> None:
    st.session_state.pop(LEFT, None)


def _made(question: Question, job: runs.Job[EditedEffect]) -> EditedEffect:
    from attention.api import effect

    asked = question.request
    return effect(
        **asked.prompt.given(), position=question.position, target=question.target, distractor=question.distractor,
        limits=asked.limits, on_progress=job.report, on_wait=job.follow,
    )  # fmt: skip


_effects = Effects(_made)
