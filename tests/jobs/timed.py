"""Queues whose time passes when it is told to, for the tests of queues and of runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from attention.jobs import Queue


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def queue(clock: Clock, *, at_once: int = 1, length: int = 64, seconds: float = 120.0) -> Queue:
    return Queue(at_once=at_once, length=length, seconds=seconds, clock=clock)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.002)


def beside(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread
