"""How the page waits for a run of `attention.jobs`: it shows how far it is, and leaves it whenever Streamlit wants to.

Every poll is a chance for Streamlit to leave the page's run; the model's run goes on for whoever asks next.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx

from attention import jobs
from attention.errors import HeadlightError
from attention.jobs import Job
from attention.ui import turns
from attention.ui.problems import bare, describe_problem

if TYPE_CHECKING:
    from attention.prompt import Prompt

__all__ = ["Job", "OfPrompt", "Runs", "has_ended", "person", "poll", "sit", "wait_for"]

POLL_SECONDS = 0.2
_offers = count()
A = TypeVar("A", bound=jobs.Asked)
T = TypeVar("T")


class OfPrompt:
    """What is asked of the model of a prompt."""

    prompt: Prompt

    @property
    def model(self) -> str:
        """For the queue."""
        return self.prompt.model


class Runs(jobs.Runs[A, T]):
    """Runs whose errors a page shows."""

    def _told(self, err: Exception) -> HeadlightError:
        return bare(err) if isinstance(err, HeadlightError) else HeadlightError(describe_problem(err))


def person() -> str:
    """The session whose page this is; "" outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


def wait_for(join: Callable[[], Job[T]], patience: float, show: Callable[[Job[T]], None]) -> Job[T]:
    """The ended job of a request. Where it takes longer than `patience` seconds, `show` draws it until it has ended.

    Where its place in the queue was freed, because this page had not looked for a while, it is asked for again.
    """
    while True:
        job = join()
        if not job.done.is_set():
            with turns.aside():  # once: who takes the turn back between the two waits has to wait for it
                _sit_out(job, patience, show)
        if not job.dropped:
            return job


def _sit_out(job: Job[T], patience: float, show: Callable[[Job[T]], None]) -> None:
    if has_ended(job, patience):
        return
    try:
        show(job)
    finally:
        job.leave(person())


def has_ended(job: Job[Any], patience: float) -> bool:
    """Whether a run has ended, or ends within so many seconds."""
    if job.done.is_set():
        return True
    with turns.aside():
        return job.done.wait(patience)


def poll(job: Job[Any], way_out: Callable[[], None], *, always: bool = False) -> None:
    """Draw how far a run is until it has ended, with a button while there is something to leave.

    way_out is called by the button, with no arguments. always: it can be left at any time, not only while it waits for
    its turn or for files.
    """
    coming, bar, line, button = st.empty(), st.empty(), st.empty(), st.empty()
    offered = ""
    while not job.done.wait(POLL_SECONDS):
        job.watch(person())
        # Words can name a stranger's model or file, and a bar's own label would render them.
        line.text(job.line)
        if job.coming:
            coming.text(job.coming)
        if job.share is None:
            bar.empty()
        else:
            bar.progress(job.share)
        wanted = "Cancel" if job.fetching or job.place else "Stop" if always else ""
        if wanted != offered:
            _offer(button, wanted, way_out)
            offered = wanted
    for place in (coming, bar, line, button):
        place.empty()


def sit(job: Job[Any]) -> None:
    """Wait until a run has ended, and draw nothing."""
    while not job.done.wait(POLL_SECONDS):
        job.watch(person())


def _offer(place: DeltaGenerator, label: str, way_out: Callable[[], None]) -> None:
    if not label:
        place.empty()
        return
    # As if it stood outside any fragment: Streamlit leaves a run for a click there at once, but lets a run end first
    # where the click is for a fragment, and this run ends only when the other does.
    with ThreadState.scoped(fragment_id=None), place:
        # It may be offered several times in one run of the page: in the queue, and while files come.
        st.button(label, key=f"{label.lower()}-{next(_offers)}", on_click=way_out)
