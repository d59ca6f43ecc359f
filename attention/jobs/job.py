"""One run as those see it who wait for it: how far it is, who watches, and what came of it."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from attention.errors import HeadlightError
from attention.jobs.pace import PACE_SECONDS, in_words
from attention.jobs.queue import Queue, Ticket

if TYPE_CHECKING:
    from attention.models import Wait

# Somebody whose page has not polled for so long no longer watches a download.
PRESENT_SECONDS = 3.0
# Nor waits in the queue: a page polls five times a second, and much more slowly on a machine with too much to do.
LEFT_SECONDS = 10.0
# Every click makes a page leave what it waits for, and mostly it asks for the same again at once.
BACK_SECONDS = 2.0
STOPPED = "The run was stopped. Try again."
T = TypeVar("T")


@dataclass(eq=False)
class Job(Generic[T]):
    """One run, waiting, under way or ended. The words and the share (0 to 1, or None) say how far it is.

    wait: for its model, while it does. seen: when each person last watched it. pace: (time, bytes) of its download.
    size: bytes of what it made.
    dropped: nobody watched it any longer while it waited in the queue; who still wants it asks again.
    """

    words: str = "Waiting"
    share: float | None = None
    wait: Wait | None = None
    cancelled: bool = False
    dropped: bool = False
    seen: dict[str, float] = field(default_factory=dict)
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=1000))
    made: T | None = None
    size: int = 0
    error: HeadlightError | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float = math.inf
    done: threading.Event = field(default_factory=threading.Event)
    queue: Queue | None = None
    ticket: Ticket | None = None

    def report(self, words: str, share: float | None = None) -> None:
        """Called by the run. A share that is no share counts as unknown."""
        self.words, self.share = words, share if share is not None and 0 <= share <= 1 else None

    def follow(self, wait: Wait) -> None:
        """Called by the run when it begins to wait for its model; others have its turn until the model is here. Raises
        HeadlightError where it was cancelled meanwhile, or too many wait for models.
        """
        self.wait = wait
        if self.cancelled:
            wait.cancel()
        if self.queue is None or self.ticket is None or wait.over:
            return
        try:
            here = self.queue.stand_aside(self.ticket, wait.until_over)
        except HeadlightError:
            wait.cancel()
            raise
        if not here:
            raise HeadlightError(STOPPED)

    def give_way(self) -> None:
        """Called by the run between two forwards. Raises HeadlightError where it was cancelled meanwhile."""
        if self.queue is not None and self.ticket is not None and not self.queue.give_way(self.ticket):
            raise HeadlightError(STOPPED)

    def watch(self, person: str) -> None:
        """Called by a page that waits, a few times a second."""
        now, wait = time.monotonic(), self.wait
        self.seen[person] = now
        if self.queue is not None:
            self.queue.sweep()
        if self.fetching and wait is not None:
            self.pace.append((now, wait.done))
            while now - self.pace[0][0] > PACE_SECONDS:
                self.pace.popleft()

    def leave(self, person: str) -> None:
        """A page no longer waits for this; it may come back in a moment."""
        seen = self.seen.get(person)
        if seen is not None:
            self.seen[person] = min(seen, time.monotonic() - LEFT_SECONDS + BACK_SECONDS)

    def is_watched(self, seconds: float = LEFT_SECONDS) -> bool:
        """Whether somebody has looked within so many seconds."""
        now = time.monotonic()
        return any(now - seen < seconds for seen in list(self.seen.values()))

    @property
    def place(self) -> int:
        """Its place in the queue: 1 is next; 0 where it does not wait there."""
        return 0 if self.queue is None or self.ticket is None else self.queue.place(self.ticket)

    @property
    def fetching(self) -> bool:
        """Whether it waits for a hub's answer or files, which can be cancelled."""
        wait = self.wait
        if wait is None or wait.ref.folder is not None or self.done.is_set():
            return False
        return wait.card is None or (not wait.card.complete and wait.done < max(wait.total, 1))

    @property
    def coming(self) -> str:
        """What will be loaded, as soon as that is known."""
        wait = self.wait
        card = wait.card if wait is not None else None
        return card.summary if card is not None and not self.done.is_set() else ""

    @property
    def line(self) -> str:
        """How far it is, and how long it has taken or will take."""
        wait, place = self.wait, self.place
        total = wait.total if wait is not None and self.fetching else 0
        speed = in_words(tuple(self.pace), total)
        if speed and not place:
            return f"{self.words}, {speed}"
        return f"{f'Place {place:,} in the queue' if place else self.words} … {time.monotonic() - self.began:.0f} s"

    def result(self) -> T:
        """What a run that has ended made, or its error."""
        if self.made is not None:
            return self.made
        # Several sessions raise this one exception; raised itself, it would keep the frames of their pages.
        raise HeadlightError(STOPPED) if self.error is None else copy.copy(self.error)
