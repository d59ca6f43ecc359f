"""Runs that try every head in turn: they fill a map as they go, which a page shows, and end when nobody looks.

What is done stays where a person stops one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from attention.jobs import PRESENT_SECONDS
from attention.ui import analysed, model_runs, runs, state

if TYPE_CHECKING:
    from attention.analysis.head_map import HeadMap
    from attention.source import Source
    from attention.view import View

Maps = tuple["HeadMap", ...]
Begin = Callable[[Any, runs.Job[Any]], tuple["Source", Iterator[Maps]]]
# Heads × tokens × weights of the model that are worked through without being asked for: a second or two.
QUICK = 5e9
# Beside a request: its sweep was left, not what comes before it.
SWEEP = "sweep"


@dataclass(frozen=True, kw_only=True, eq=False)
class Swept(model_runs.OfModel):
    """The maps as far as they came. ended: whether all heads were tried, a person stopped, or nobody looked."""

    maps: Maps
    ended: Literal["done", "asked", "left"]


Job = runs.Job[Swept]


class Sweeps(analysed.Analyses[Swept]):
    """Sweeps of one kind. begin(asked, job) gives the model and its maps, fuller each time."""

    what = "trying heads"

    def __init__(self, begin: Begin) -> None:
        super().__init__(self._sweep)
        self._begins = begin
        self._partial: weakref.WeakKeyDictionary[Job, Maps] = weakref.WeakKeyDictionary()

    def maps(self, job: Job | None) -> Maps:
        """The maps of a sweep as far as they are."""
        if job is None:
            return ()
        return job.made.maps if job.made is not None else self._partial.get(job, ())

    def begin(self, asked: analysed.Asked, person: str) -> Job:
        """Begin it, anew where it was stopped or failed."""
        job = self.find(asked)
        if job is not None and job.done.is_set() and (job.made is None or job.made.ended != "done"):
            with self._lock:
                self._jobs.pop(asked, None)
        return self.join(asked, person)

    def show(self, asked: analysed.Asked, draw: Callable[[], None], *, quick: bool) -> None:
        """Draw the sweep as it is, again and again while it goes on; one that is quick is begun by itself."""
        job = self.find(asked)
        if job is None and quick:
            job = self.begin(asked, runs.person())
            runs.has_ended(job, model_runs.PATIENCE_SECONDS)
        if job is None or job.done.is_set() or _is_left(job, asked):
            draw()
        else:
            _watch(self, asked, draw, state.current())

    def hear(self, asked: analysed.Asked, said: dict[str, Any]) -> None:
        """Begin or stop it as a component's button said."""
        if said.get("run") is True:
            analysed.come_back((SWEEP, asked))
            self.begin(asked, runs.person())
        if said.get("stop") is True:
            analysed.leave((SWEEP, asked))
            self.stop(asked, runs.person())

    def stop(self, asked: analysed.Asked, person: str) -> None:
        """One person no longer waits for the rest; it ends after the heads that are being tried, unless others do."""
        job = self.find(asked)
        if job is None or job.done.is_set():
            return
        if job.place:
            self.cancel(asked, person)
            return
        job.seen.pop(person, None)
        if not job.is_watched(PRESENT_SECONDS):
            job.cancelled = True

    def _sweep(self, asked: analysed.Asked, job: Job) -> Swept:
        source, found = self._begins(asked, job)
        maps: Maps = ()
        ended: Literal["done", "asked", "left"] = "done"
        job.report("The first heads")
        for maps in found:
            self._partial[job] = maps
            done, total = (sum(getattr(one, name) for one in maps) for name in ("done", "total"))
            job.report(f"{done} of {total} heads", done / total)
            if done == total:
                continue
            if job.cancelled or (job.seen and not job.is_watched()):
                ended = "asked" if job.cancelled else "left"
                break
            job.give_way()
        return Swept(maps=maps, ended=ended, model=model_runs.own(source))


@st.fragment(run_every=0.5)
def _watch(shared: Sweeps, asked: analysed.Asked, draw: Callable[[], None], view: View) -> None:
    """The maps as they fill; the page is drawn again when they are done, or one of its switches changed the view."""
    job = shared.find(asked)
    if job is None or job.done.is_set() or _is_left(job, asked) or state.current() != view:
        st.rerun()
    if not job.cancelled:
        job.watch(runs.person())
    draw()


def _is_left(job: Job, asked: analysed.Asked) -> bool:
    """Whether it goes on for others, and this page has stopped it for itself: who watched on would keep it going."""
    return not job.cancelled and analysed.is_left((SWEEP, asked))


def told(job: Job | None, asked: analysed.Asked) -> dict[str, Any]:
    """{state, line, share, error} of a sweep: preview where none was begun, running, failed, stopped or done."""
    if job is None:
        return {"state": "preview"}
    if not job.done.is_set():
        if _is_left(job, asked):
            return {"state": "stopped"}
        return {"state": "running", "line": job.line, "share": job.share}
    if job.made is None:
        return {"state": "failed", "error": str(job.error or "")}
    return {"state": "done" if job.made.ended == "done" else "stopped"}


def is_quick(heads: int, tokens: int, parameters: int | None) -> bool:
    """Whether trying so many heads of a model of that size costs little enough to be done without being asked."""
    return parameters is not None and heads * tokens * parameters <= QUICK
