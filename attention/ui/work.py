"""Work on a run that takes a while, such as pictures of thousands of heads: it waits its turn in the queue, as runs do.

What is quick is made at once, in the page's own thread. What it makes is kept beside its run (`attention.derived`), so
that nothing is kept here, and no run is kept alive. Only HeadlightErrors come out.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from attention import derived
from attention.errors import HeadlightError
from attention.ui import runs

if TYPE_CHECKING:
    from attention.record import Kind, Trace

# Cells of all heads' maps that are worked through at once, a quarter of a second; and what a head costs besides, in
# cells: of a short text nearly all of it.
QUICK, A_HEAD = 10_000_000, 50_000
PATIENCE_SECONDS = 0.3
LEFT = "headlight.left-work"
WORDS = "This was left before it was done."
T = TypeVar("T")


class LeftError(HeadlightError):
    """The person has left this work; it is begun again by `again`."""


@dataclass(frozen=True)
class Piece:
    """One piece of work. run: the trace's id. key: as it is kept beside the trace."""

    model: str
    run: str
    key: Hashable
    trace: weakref.ref[Trace] = field(compare=False, repr=False)
    make: Callable[[Trace], Any] = field(compare=False, repr=False)


class Works(runs.Runs[Piece, bool]):
    """The work under way in this process. One that has ended is not kept: what it made is."""

    what = "going through the heads"

    def _is_stale(self, job: runs.Job[bool]) -> bool:
        return job.made is not None

    def _bounds(self) -> tuple[int, int]:
        return 1, 1

    def _size(self, made: bool) -> int:
        return 1


def cells(trace: Trace, kind: Kind) -> int:
    """What going through all heads of a kind costs, in cells of their maps."""
    return sum(record.n_heads * (record.n_q * record.n_k + A_HEAD) for record in trace.records(kind).values())


def through(trace: Trace, key: Hashable, make: Callable[[Trace], T], cost: int) -> T:
    """What `make` makes of a trace and keeps beside it under `key`: at once where it is there or costs little, else
    when its turn in the queue has come. While it waits, how far it is, with a way to leave. Raises LeftError.

    make: called in another thread, so that it may neither draw nor hold the trace.
    """
    if cost <= QUICK or derived.has(trace, key):
        return make(trace)
    piece = Piece(trace.model.name, trace.id, key, weakref.ref(trace), make)
    if hash(piece) in st.session_state.get(LEFT, ()):
        raise LeftError(WORDS)
    show = partial(_wait, piece=piece)
    runs.wait_for(partial(_works.join, piece, runs.person()), PATIENCE_SECONDS, show).result()
    return make(trace)


def again() -> None:
    """Begin anew what this session has left; for a button."""
    st.session_state.pop(LEFT, None)


def _wait(job: runs.Job[bool], piece: Piece) -> None:
    runs.poll(job, partial(_leave, piece), always=True)


def _leave(piece: Piece) -> None:
    _works.cancel(piece, runs.person())
    st.session_state[LEFT] = {*st.session_state.get(LEFT, ()), hash(piece)}


def _run(piece: Piece, job: runs.Job[bool]) -> bool:
    trace = piece.trace()
    if trace is None:  # nobody looks at it any longer
        raise HeadlightError("The run that this is of has left the memory. Try again.")
    job.report("Going through the heads")
    piece.make(trace)
    return True


_works = Works(_run)
