"""Who may run now, and who is next."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from attention.config import Limits
from attention.errors import HeadlightError

# After so long a run gives way to others, between two forwards.
TURN_SECONDS = 1.0
# Pages poll often and may be many; the queue looks so often for those who have left.
SWEEP_SECONDS = 0.5
Clock = Callable[[], float]


class BusyError(HeadlightError):
    """Too many runs are waiting, or this one has waited too long."""


class State(Enum):
    """Where a ticket is: in the queue, at work, standing aside while it waits for something else, or out."""

    WAITING = "waiting"
    RUNNING = "running"
    ASIDE = "aside"
    OUT = "out"


def _always() -> bool:
    return True


@dataclass(eq=False)
class Ticket:
    """One run's place. wanted: whether somebody still waits for it. until: when it is given up. since: of its turn.

    called: set when its turn has come, or when it is out, and then `error` says why if it was given up.
    """

    person: str
    wanted: Callable[[], bool]
    until: float
    since: float = 0.0
    state: State = State.WAITING
    error: BusyError | None = None
    called: threading.Event = field(default_factory=threading.Event)


class Queue:
    """The order of turns. Safe to share between threads; nothing here starts one.

    at_once: how many have a turn at the same time. length: how many may wait, those that stand aside included; and
    while turns are free, how many may stand aside. seconds: the longest wait for a first turn.
    """

    def __init__(self, *, at_once: int, length: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self.at_once, self.length, self.seconds, self.clock = at_once, length, seconds, clock
        self._lock = threading.Lock()
        self._running: set[Ticket] = set()
        self._aside: set[Ticket] = set()
        # Those who come back from standing aside have had their turn called before.
        self._back: deque[Ticket] = deque()
        # One line each; the first person's first ticket is next, and then that person goes to the end.
        self._lines: OrderedDict[str, deque[Ticket]] = OrderedDict()
        self._swept = -math.inf

    @classmethod
    def of(cls, limits: Limits) -> Queue:
        """The queue that an installation's limits ask for."""
        return cls(at_once=limits.forwards_at_once, length=limits.queue_length, seconds=limits.queue_seconds)

    def enter(self, person: str, wanted: Callable[[], bool] = _always) -> Ticket:
        """A ticket at the end of the person's line, called at once where a turn is free. Raises BusyError when full.

        wanted() is asked now and then while the ticket waits, and must not ask the queue anything.
        """
        with self._lock:
            self._sweep()
            now = self.clock()
            if len(self._running) >= self.at_once and len(self) >= self.length:
                raise BusyError(
                    f"Too many people are asking at the moment: {len(self)} runs are waiting already. Try again in a "
                    "moment."
                )
            ticket = Ticket(person, wanted, now + self.seconds)
            self._lines.setdefault(person, deque()).append(ticket)
            self._call()
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a ticket back, whether it waits, runs or stands aside; another's turn may come by it."""
        with self._lock:
            self._take_out(ticket)
            self._sweep()
            self._call()

    def await_turn(self, ticket: Ticket) -> bool:
        """Wait until the ticket is called; False where it was taken out. Raises BusyError where it was given up."""
        ticket.called.wait()
        if ticket.error is not None:
            raise ticket.error
        return ticket.state is State.RUNNING

    @contextmanager
    def turn(self, person: str = "") -> Iterator[None]:
        """A turn for work in the caller's own thread, waited for and given back. Raises BusyError as `enter` does, or
        where it was given up.
        """
        ticket = self.enter(person)
        try:
            while not ticket.called.wait(SWEEP_SECONDS):
                self.sweep()
            self.await_turn(ticket)
            yield
        finally:
            self.leave(ticket)

    def stand_aside(self, ticket: Ticket, wait: Callable[[], object]) -> bool:
        """Let others run while wait() blocks, and come back before all who have not had a turn yet; False where the
        ticket was taken out meanwhile. Raises BusyError where too many stand aside already.
        """
        with self._lock:
            if ticket.state is not State.RUNNING:
                return False
            # Each of them holds a thread, and one slow download could gather any number of them.
            if len(self._aside) >= self.length:
                raise BusyError(
                    f"Too many people are waiting for models: {len(self._aside)} already. Try again in a moment."
                )
            self._running.remove(ticket)
            self._aside.add(ticket)
            ticket.state = State.ASIDE
            self._call()
        try:
            wait()
        finally:
            with self._lock:
                self._aside.discard(ticket)
                if ticket.state is State.ASIDE:
                    self._rejoin(ticket)
                    self._back.append(ticket)
                    self._call()
            ticket.called.wait()
        return ticket.state is State.RUNNING

    def give_way(self, ticket: Ticket) -> bool:
        """Between two forwards of one run: whose turn has lasted a while lets all others have theirs first. False where
        the ticket was taken out meanwhile.
        """
        with self._lock:
            waits = bool(self._back or self._lines)
            if ticket.state is not State.RUNNING or not waits or self.clock() - ticket.since < TURN_SECONDS:
                return ticket.state is State.RUNNING
            self._running.remove(ticket)
            self._rejoin(ticket)
            self._lines.setdefault(ticket.person, deque()).appendleft(ticket)
            self._lines.move_to_end(ticket.person)
            self._call()
        ticket.called.wait()
        return ticket.state is State.RUNNING

    def place(self, ticket: Ticket) -> int:
        """How many turns until its own, as things stand now: 1 is next; 0 for one that does not wait."""
        with self._lock:
            if ticket.state is not State.WAITING:
                return 0
            if ticket in self._back:
                return self._back.index(ticket) + 1
            own = self._lines[ticket.person].index(ticket)  # rounds until its own
            before, earlier = len(self._back), True
            for person, line in self._lines.items():
                if person == ticket.person:
                    earlier = False
                before += min(len(line), own + 1 if earlier else own)
            return before + 1

    def sweep(self) -> None:
        """Take out who has left or has waited too long. Pages do this as they poll."""
        if self.clock() - self._swept < SWEEP_SECONDS:
            return
        with self._lock:
            self._sweep()
            self._call()

    def __len__(self) -> int:
        """How many wait or stand aside."""
        return len(self._back) + len(self._aside) + sum(len(line) for line in list(self._lines.values()))

    def _rejoin(self, ticket: Ticket) -> None:
        """It has begun, so that it is neither given up nor asked for any longer."""
        ticket.state, ticket.until, ticket.wanted = State.WAITING, math.inf, _always
        ticket.called.clear()

    def _call(self) -> None:
        while len(self._running) < self.at_once and (self._back or self._lines):
            ticket = self._next()
            ticket.state, ticket.since = State.RUNNING, self.clock()
            self._running.add(ticket)
            ticket.called.set()

    def _next(self) -> Ticket:
        if self._back:
            return self._back.popleft()
        person, line = next(iter(self._lines.items()))
        ticket = line.popleft()
        self._lines.move_to_end(person)
        if not line:
            del self._lines[person]
        return ticket

    def _sweep(self) -> None:
        self._swept = now = self.clock()
        for ticket in [ticket for line in self._lines.values() for ticket in line]:
            if now > ticket.until:
                ticket.error = BusyError(
                    f"This has waited {self.seconds:.0f} seconds in the queue and was given up. Try again in a moment."
                )
            if ticket.error is not None or not ticket.wanted():
                self._take_out(ticket)

    def _take_out(self, ticket: Ticket) -> None:
        self._running.discard(ticket)
        self._aside.discard(ticket)
        if ticket in self._back:
            self._back.remove(ticket)
        line = self._lines.get(ticket.person)
        if line is not None and ticket in line:
            line.remove(ticket)
            if not line:
                del self._lines[ticket.person]
        ticket.state = State.OUT
        ticket.wanted = _always  # it was its job's, and would keep what the job made until a collection of garbage
        ticket.called.set()


_first = threading.Lock()


def shared_queue() -> Queue:
    """The process's one queue, with the limits of its environment."""
    with _first:  # many may come at once to a server that has just begun
        return _made()


@cache
def _made() -> Queue:
    return Queue.of(Limits.from_environment())
