"""First paint does not wait for torch: the heavy imports run in a thread that all sessions share.

`start()` when the process begins, `gate()` at the top of what needs them. The thread never calls Streamlit; a fragment
asks how far it is, and once it is done the page runs again without that fragment.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import streamlit as st

from attention.imports import PARTS, unsearched
from attention.jobs import threads
from attention.ui import garbage

POLL_SECONDS = 0.3
# torch reads this when it is imported. Its threads otherwise spin while they wait for each other: on cores that others
# use too, work of 0.4 s took 8 s.
THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
_log = logging.getLogger(__name__)


class Warmup:
    """Imports modules in one daemon thread, and says how far it is."""

    def __init__(self, parts: Sequence[tuple[str, str]] = PARTS, load: Callable[[str], Any] = import_module) -> None:
        self._parts, self._load = tuple(parts), load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._part = ""
        self._done = threading.Event()
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin, unless someone already has."""
        with self._lock:
            if self._thread is not None:
                return
            self._began = time.monotonic()
            self._part = self._parts[0][1]
            self._thread = threading.Thread(target=self._run, name="headlight-warmup", daemon=True)
            self._thread.start()

    def ready(self) -> bool:
        """Whether everything is imported."""
        return self._done.is_set() and self.failure is None

    def wait(self, seconds: float | None = None) -> bool:
        """Block until it has ended, well or badly; False where the time ran out first."""
        return self._done.wait(seconds)

    def waiting_for(self) -> str:
        """One plain sentence: what is being loaded, and for how long so far; "" when there is nothing to wait for."""
        if self._done.is_set():
            return ""
        if self._thread is None:
            return "Loading has not begun."
        return f"Loading {self._part} … {time.monotonic() - self._began:.0f} s so far."

    def problem(self) -> str:
        """One plain sentence when it failed, else ""."""
        if self.failure is None:
            return ""
        kind = type(self.failure).__name__
        return f"Headlight could not load {self._part} ({kind}). Install Headlight again, then restart."

    def _run(self) -> None:
        try:
            with unsearched():
                for module, part in self._parts:
                    self._part = part
                    self._load(module)
                threads.few()
                garbage.keep_imports()
            garbage.start()
        except Exception as err:
            _log.exception("could not import what Headlight needs")
            self.failure = err
        finally:
            self._done.set()


_shared = Warmup()


def start() -> None:
    """Begin importing torch and what stands on it; call it as early as possible, as often as you like."""
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    garbage.few_heaps()
    _shared.start()


def ready() -> bool:
    """Whether torch, transformers and `attention.api` can be imported without a wait."""
    return _shared.ready()


def waiting_for() -> str:
    """What is being loaded, and for how long, in one plain sentence; "" when there is nothing to wait for."""
    return _shared.waiting_for()


def gate() -> bool:
    """True when everything is there. Until then draws what is being waited for; the page runs again when it is."""
    start()
    if ready():
        return True
    if problem := _shared.problem():
        st.text(problem)
    else:
        _poll()
    return False


@st.fragment(run_every=POLL_SECONDS)
def _poll() -> None:
    sentence = waiting_for()
    if not sentence:
        st.rerun()
    st.text(sentence)
