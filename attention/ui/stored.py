"""The model's scores on stored texts, and the way to them: for “Find a head” and the map of all heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from attention.errors import HeadlightError
from attention.ui import runs, scoring
from attention.ui.problems import describe_problem, may_pass

if TYPE_CHECKING:
    from attention.record import HeadView
    from attention.view import View

POLL_SECONDS = 0.5
# Keys of the buttons; those of the map stand for a second place of the same page.
START, AGAIN, WHICH = (f"stored-{part}" for part in ("start", "again", "which"))
ON_THE_MAP = "map-"


def show(head_view: HeadView, view: View, place: str = "") -> scoring.ScoredModel | None:
    """The scores and what they are of; None, with a button, a bar or a sentence, where there are none.

    place: what the keys of its buttons begin with, where this stands on the page a second time.
    """
    if refusal := scoring.refusal(view):
        st.text(refusal)
        return None
    job = scoring.find(view, head_view.kind)
    if job is None:
        _offer(head_view, view, place)
    elif not job.done.is_set():
        _progress(job)
    elif job.made is None:
        _failure(job, head_view, view, place)
    return job.made if job is not None else None


def says(scored: scoring.ScoredModel) -> str:
    """What was read, and that it was not the text on the page."""
    texts = f"{len(scored.texts)} stored text{'' if len(scored.texts) == 1 else 's'}"
    more = f" and {n_sequences(scored.n_sequences)}" if scored.n_sequences else ""
    return f"Scored on {texts}{more}, not on this text."


def texts(scored: scoring.ScoredModel) -> None:
    """Which texts they were."""
    with st.expander("Which texts?", key=WHICH):
        st.text("\n".join(scored.texts))
        if scored.n_sequences:
            st.caption(
                "Induction and copying are scored on the random sequences alone: ordinary tokens of the model's own "
                "vocabulary, drawn once and for all, then said a second time in the same order."
            )


def n_sequences(count: int) -> str:
    """So many random sequences, in words."""
    return f"{count} random sequence{'' if count == 1 else 's'} said twice"


def _offer(head_view: HeadView, view: View, place: str) -> None:
    from attention.analysis.probe import SEQUENCES, TEXTS

    count = SEQUENCES if head_view.trace.kinds == ("decoder",) else 0
    read = f"{len(TEXTS)} stored texts" + (f" and {n_sequences(count)}" if count else "")
    st.caption(f"For this the model reads {read}: {len(TEXTS) + count} short runs, made once for everybody.")
    st.button("Score this model", key=place + START, on_click=scoring.start, args=(view, head_view.kind))


@st.fragment(run_every=POLL_SECONDS)
def _progress(job: scoring.Job) -> None:
    """How far it is. It runs by itself, so the rest of the page stays in use; once it has ended the page runs again."""
    if job.done.is_set():
        st.rerun()
    job.watch(runs.person())  # it keeps its place in the queue for those who wait
    # Words can name a stranger's model, and a bar's own label would render them.
    st.text(job.line)
    st.progress(job.share or 0.0)
    st.caption("You can close this and go on: it is here when you come back.")


def _failure(job: scoring.Job, head_view: HeadView, view: View, place: str) -> None:
    try:
        job.result()
    except HeadlightError as err:
        st.text(f"⚠ {describe_problem(err)}")
        if may_pass(err):
            st.button("Try again", key=place + AGAIN, on_click=scoring.start, args=(view, head_view.kind))
