"""Garbage is collected while nobody waits.

Streamlit would do it after every run of a page or a fragment (`runner.postScriptGC`), which `.streamlit/config.toml`
turns off: with torch and transformers loaded that took 100 ms each time, several times what a run does, and all other
people waited too. Python itself frees at once what no cycle holds, and still searches the youngest objects as they are
made; what is left for here are the cycles that have become old. What was freed then goes back to the system, in about a
millisecond: the C library keeps pages for later, the more the longer a server runs.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable
from functools import cache

# How often there is a look, how often again while somebody is being served, and when it is done all the same.
EVERY_SECONDS, AGAIN_SECONDS, LATEST_SECONDS = 10.0, 0.05, 60.0
# Threads that serve somebody, by the beginnings of their names: Streamlit's runs of a page, and runs of models.
SERVING = ("ScriptRunner.", "headlight-")
OWN = "garbage"
# A parameter of mallopt, from glibc's malloc.h, and how many heaps there may be.
M_ARENA_MAX, HEAPS = -8, 2


class Collector:
    """Collects in one daemon thread, in quiet moments. The functions are given so that they can be tested."""

    def __init__(
        self,
        is_quiet: Callable[[], bool],
        *,
        collect: Callable[[], object] = gc.collect,
        has_old: Callable[[], bool] = lambda: gc.get_count()[2] > 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_quiet, self._collect, self._has_old = is_quiet, collect, has_old
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless someone already has."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on, name=OWN, daemon=True)
                self._thread.start()

    def once(self) -> None:
        """Wait for a quiet moment, though not for ever, and collect; nothing where nothing has become old."""
        if not self._has_old():
            return
        latest = self._clock() + LATEST_SECONDS
        while not self._is_quiet() and self._clock() < latest:
            self._sleep(AGAIN_SECONDS)
        self._collect()

    def _go_on(self) -> None:
        while True:
            self._sleep(EVERY_SECONDS)
            self.once()


def is_quiet() -> bool:
    """Whether no page and no model is running in this process."""
    return not any(thread.name.startswith(SERVING) for thread in threading.enumerate())


def keep_imports() -> None:
    """What has been imported by now stays: it is never searched again."""
    gc.collect()
    gc.freeze()


@cache
def few_heaps() -> None:
    """Let all threads share a few of the C library's heaps, where that is glibc and the host has not said how many.

    Each run of a page or a model is a thread. glibc gives every second thread a heap of its own, up to eight a core,
    and each keeps what its threads have freed: a server grew by half as much again within minutes. Python lets one
    thread at a time ask for memory anyway.
    """
    if "MALLOC_ARENA_MAX" in os.environ or os.name != "posix":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have no such heaps
    if mallopt is not None:
        mallopt(M_ARENA_MAX, HEAPS)


def tidy() -> None:
    """Collect, and return to the system what is free."""
    from attention.models.memory import give_back

    give_back()


_shared = Collector(is_quiet, collect=tidy)


def start() -> None:
    """Begin to collect for this process; call it as often as you like."""
    _shared.start()
