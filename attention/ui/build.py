"""The Build page: all of it is made in the browser; the server sends the code's own lines, and compares.

The browser tells its state a moment after each change. It is read as anybody's message (`handmade.read`), run by
`attention/mhsa.py` in the queue of all runs, and what came out goes back, under the number that the message bore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.browser import codec, store
from attention.errors import HeadlightError
from attention.lessons.kinds import KINDS
from attention.ui import boundary, components, runs, warmup
from attention.ui.excerpts import excerpts

if TYPE_CHECKING:
    from attention.handmade import Built, Plan

KEY = "build"
PATIENCE_SECONDS = 1.0
LOADING, IN_LINE = "The server is still loading torch.", "The server has other runs to do first."
MOST_KEPT, MOST_BYTES = 64, 8_000_000
BYTES_A_NUMBER = 8
MOST_ID = 2**52
TRAINING = next(one for one in KINDS if one.name == "training")
# Keys of the address that say what the page shows, and how much of each is read (`static/build/address.js`).
ADDRESS, MOST_ADDRESS = ("text", "build"), 4_000


class Checks(runs.Runs["Plan", "Built"]):
    """What attention/mhsa.py makes of the states that browsers tell: the same one is run once, for a whole class."""

    what = "comparing a layer"
    one_each = True

    def _bounds(self) -> tuple[int, int]:
        return MOST_KEPT, MOST_BYTES

    def _size(self, made: Built) -> int:
        return BYTES_A_NUMBER * (made.heads.numel() + made.output.numel())


@st.fragment
def draw() -> None:
    """The page below the bar."""
    told = boundary.said(KEY, "ask", dict)
    address = {key: st.query_params[key][:MOST_ADDRESS] for key in ADDRESS if key in st.query_params}
    data = payload(None if told is None else answer(told), address)
    components.mount("build", data, key=KEY, store=store.INSPECT, on_ask_change=_heard)


def payload(answered: dict[str, Any] | None, address: Mapping[str, str] | None = None) -> bytes:
    """What the component is given: the code's lines by step, an answer, how the training's figure begins, and what the
    address says, which the browser may not know yet where a page was switched.
    """
    begins = {name: one.default for name, one in TRAINING.settings.items()}
    return codec.pack({"code": _code(), "answer": answered, "training": begins, "address": dict(address or {})})


def answer(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is sent back for a state: {id, heads, output}, {id, problem}, or {id, waiting: a sentence}; then the browser
    asks again, so that nobody's page waits here.
    """
    number = told.get("id")
    if type(number) is not int or not 0 <= number <= MOST_ID:
        return None
    warmup.start()
    if not warmup.ready():
        return {"id": number, "waiting": warmup.waiting_for() or LOADING}
    try:
        made = _made(told)
    except HeadlightError as err:
        return {"id": number, "problem": str(err)}
    if made is None:
        return {"id": number, "waiting": IN_LINE}
    return {"id": number, "heads": made.heads.numpy(), "output": made.output.numpy()}


def _made(told: Mapping[str, Any]) -> Built | None:
    """What the layer makes of it; None where its turn in the queue has not come yet."""
    from attention.handmade import read

    job = _checks.join(read(told), runs.person())
    return job.result() if runs.has_ended(job, PATIENCE_SECONDS) and not job.dropped else None


def _run(plan: Plan, job: runs.Job[Built]) -> Built:
    from attention.handmade import run

    return run(plan)


@cache
def _code() -> dict[str, list[dict[str, Any]]]:
    return {step: [asdict(one) for one in found] for step, found in excerpts().items()}


def _heard() -> None:
    """The state is read in the run, where the component is drawn with the answer."""


_checks = Checks(_run)
