"""A few runs of pages at a time; the others wait for their turn without taking the processor from these.

Streamlit runs each page in a thread of its own, as many at once as there are people. Python lets one thread at a time
compute, and each that waits to be that one wakes two hundred times a second to say so: where 200 people open a link in
the same moment, that is six times the work of the pages themselves (28 s of processor time instead of 4.5). So a run of
a page begins when it has a turn, and gives it back while it only waits, as for a model's run.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

MARK = "headlight_turns"
# One computes while the other's thread hands over or reads a file.
AT_ONCE = 2
# Whoever has waited so long goes on without one: runs that are held up hold nobody else up for ever.
LONGEST_SECONDS = 10.0


class Turns:
    """At most `at_once` threads hold a turn; the others get theirs in the order in which they came.

    seconds: nobody waits longer than that, and goes on beside those who hold one.
    """

    def __init__(self, at_once: int = AT_ONCE, seconds: float = LONGEST_SECONDS) -> None:
        self._free, self._seconds = at_once, seconds
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._here = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn and hold it; one that this thread holds already serves."""
        if self._held:
            yield
            return
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have this thread's turn meanwhile, where it holds one, and wait for one again afterwards."""
        if not self._held:
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    @property
    def _held(self) -> bool:
        return getattr(self._here, "held", False)

    def _take(self) -> None:
        mine = threading.Event()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                mine.set()
            else:
                self._waiting.append(mine)
        if not mine.wait(self._seconds):
            self._go_on_without(mine)
        self._here.held = True

    def _go_on_without(self, mine: threading.Event) -> None:
        """One more at once, until somebody gives a turn back."""
        with self._lock:
            if not mine.is_set():
                self._waiting.remove(mine)
                self._free -= 1

    def _give(self) -> None:
        self._here.held = False
        with self._lock:
            if self._waiting and self._free >= 0:
                self._waiting.popleft().set()  # it passes from hand to hand, and no newcomer gets between
            else:
                self._free += 1


_shared = Turns()
aside = _shared.aside


def install() -> None:
    """Let every run of a page or a fragment in this process take its turn; more than once is the same as once."""
    if not hasattr(ScriptRunner._run_script, MARK):
        ScriptRunner._run_script = _in_turn(ScriptRunner._run_script)  # type: ignore[method-assign]


def _in_turn(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def run(*args: Any, **options: Any) -> None:
        with _shared.taken():
            original(*args, **options)

    setattr(run, MARK, True)
    return run
