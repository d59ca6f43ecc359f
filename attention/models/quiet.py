"""Libraries that report on stderr, kept quiet while we tell the same in our own words."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Quiet:
    """While at least one thread is inside, a library is quiet; the last to leave makes it what the first one found.

    hush: makes it quiet, and returns what makes it as it was.
    """

    def __init__(self, hush: Callable[[], Callable[[], None]]) -> None:
        self._hush = hush
        self._lock = threading.Lock()
        self._inside = 0
        self._restore: Callable[[], None] = lambda: None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._restore = self._hush()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()
