"""The queue in which runs of models wait their turn: bounded, fair, and each request run once for all who ask.

A few runs go on at once, and a few more may wait; who comes then is told so at once. The order is fair: people take
turns, so that one with ten requests does not hold up ten with one each. A run that waits for a model's files stands
aside meanwhile, and a long one gives way between two forwards. Who leaves frees their place.

`Runs` begins a run in a thread of its own and keeps what it made for whoever asks for the same again. A page passes the
name of its session as `person`: no Streamlit here. Only HeadlightErrors come out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from attention.config import MEGABYTE, Limits
from attention.errors import HeadlightError

if TYPE_CHECKING:
    from attention.models import Wait

# Long enough that reruns of a page that shows the failure don't ask the hub each time.
FAILURE_SECONDS = 15.0
# Somebody whose page has not polled for so long no longer watches a download.
PRESENT_SECONDS = 3.0
# Nor waits in the queue: a page polls five times a second, and much more slowly on a machine with too much to do.
LEFT_SECONDS = 10.0
# Every click makes a page leave what it waits for, and mostly it asks for the same again at once.
BACK_SECONDS = 2.0
# After so long a run gives way to others, between two forwards.
TURN_SECONDS = 1.0
# Pages poll often and may be many; the queue looks so often for those who have left.
SWEEP_SECONDS = 0.5
# The pace of a download is that of its last seconds, and is not guessed from fewer than these.
PACE_SECONDS, LEAST_SECONDS = 10.0, 2.0
_log = logging.getLogger(__name__)
Clock = Callable[[], float]


class BusyError(HeadlightError):
    """Too many runs are waiting, or this one has waited too long."""


class State(Enum):
    """Where a ticket is: in the queue, at work, standing aside while it waits for something else, or out."""

    WAITING = "waiting"
    RUNNING = "running"
    ASIDE = "aside"
    OUT = "out"


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
    """Who may run now, and who is next. Safe to share between threads; nothing here starts one.

    at_once: how many have a turn at the same time. length: how many may wait, those that stand aside included. seconds:
    the longest wait for a first turn.
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

    def enter(self, person: str, wanted: Callable[[], bool] = lambda: True) -> Ticket:
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

    def stand_aside(self, ticket: Ticket, wait: Callable[[], object]) -> None:
        """Let others run while wait() blocks, and come back before all who have not had a turn yet."""
        with self._lock:
            if ticket.state is not State.RUNNING:
                return
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

    def give_way(self, ticket: Ticket) -> None:
        """Between two forwards of one run: whose turn has lasted a while lets all others have theirs first."""
        with self._lock:
            waits = bool(self._back or self._lines)
            if ticket.state is not State.RUNNING or not waits or self.clock() - ticket.since < TURN_SECONDS:
                return
            self._running.remove(ticket)
            self._rejoin(ticket)
            self._lines.setdefault(ticket.person, deque()).appendleft(ticket)
            self._lines.move_to_end(ticket.person)
            self._call()
        ticket.called.wait()

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
        ticket.state, ticket.until, ticket.wanted = State.WAITING, math.inf, lambda: True
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
        ticket.called.set()


@cache
def shared_queue() -> Queue:
    """The process's one queue, with the limits of its environment."""
    return Queue.of(Limits.from_environment())


class Asked(Protocol):
    """What one run depends on; equal ones are one run."""

    @property
    def model(self) -> str: ...


A = TypeVar("A", bound=Asked)
T = TypeVar("T")


@dataclass(eq=False)
class Job(Generic[T]):
    """One run, waiting, under way or ended. The words and the share (0 to 1, or None) say how far it is.

    wait: for its model, while it does. seen: when each person last watched it. pace: (time, bytes) of its download.
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
        """Called by the run when it begins to wait for its model; others have its turn until the model is here."""
        self.wait = wait
        if self.cancelled:
            wait.cancel()
        if self.queue is not None and self.ticket is not None and not wait.over:
            self.queue.stand_aside(self.ticket, wait.until_over)

    def give_way(self) -> None:
        """Called by the run between two forwards."""
        if self.queue is not None and self.ticket is not None:
            self.queue.give_way(self.ticket)

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
        if person in self.seen:
            self.seen[person] = min(self.seen[person], time.monotonic() - LEFT_SECONDS + BACK_SECONDS)

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
        # Several sessions raise this one exception, and each would add its own frames to the last one's.
        raise (self.error or HeadlightError("The run was stopped. Try again.")).with_traceback(None)


class Runs(Generic[A, T]):
    """The runs of one kind in this process: the same request is one job, and the least recently used results go first.

    what: the work, for the name of its threads and for what a run says until it reports. one_each: a person waits for
    one of them only, so that who asks for the next has left the one before. A subclass says how much is kept, what no
    longer holds, and how an error that nobody foresaw is told.
    """

    what = "running"
    one_each = False

    def __init__(self, run: Callable[[A, Job[T]], T], *, queue: Queue | None = None) -> None:
        self._run = run
        self._queue = queue
        self._lock = threading.Lock()
        self._jobs: OrderedDict[A, Job[T]] = OrderedDict()
        # How many have had their turn since the process began.
        self.begun = 0

    @property
    def queue(self) -> Queue:
        """Where these runs wait: the process's one, unless they were given another."""
        return shared_queue() if self._queue is None else self._queue

    def join(self, request: A, person: str = "") -> Job[T]:
        """The job of this request, queued now if nobody has asked before, the last try failed a while ago, or its
        result no longer holds. Where the queue is full it is one that has failed already.
        """
        with self._lock:
            if self.one_each and person:
                self._move_on(request, person)
            job = self._jobs.get(request)
            if job is None or _has_failed(job) or _is_out(job) or self._is_stale(job):
                job = self._begin(request, person)
                if job.done.is_set():
                    return job
            if person:
                job.seen[person] = time.monotonic()
            self._jobs.move_to_end(request)
            return job

    def find(self, request: A) -> Job[T] | None:
        """The job of this request, under way or ended; None where nobody has asked, or its result no longer holds."""
        with self._lock:
            job = self._jobs.get(request)
            if job is None or _is_out(job) or self._is_stale(job):
                return None
            self._jobs.move_to_end(request)
            return job

    def forget_failure(self, request: A) -> None:
        """Let the next call try again at once."""
        with self._lock:
            if request in self._jobs and self._jobs[request].error is not None:
                del self._jobs[request]

    def cancel(self, request: A, person: str) -> bool | None:
        """One person no longer wants this: it ends unless somebody else watches it. Whether it goes on; None where
        nothing is under way.
        """
        with self._lock:
            job = self._jobs.get(request)
            if job is None or job.done.is_set():
                return None
            job.seen.pop(person, None)
            if job.is_watched(PRESENT_SECONDS):
                return True
            job.cancelled = True
            del self._jobs[request]  # who asks next begins anew
        wait, ticket = job.wait, job.ticket
        if ticket is not None and wait is None and ticket.state is State.WAITING:
            self.queue.leave(ticket)
        return wait is not None and not wait.cancel()

    def clear(self) -> None:
        """Drop every result; runs under way end unseen."""
        with self._lock:
            self._jobs.clear()

    def __len__(self) -> int:
        return len(self._jobs)

    def _is_stale(self, job: Job[T]) -> bool:
        """Whether what this job made no longer holds."""
        raise NotImplementedError

    def _bounds(self) -> tuple[int, int]:
        """How many results are kept, and how many bytes of them."""
        raise NotImplementedError

    def _size(self, made: T) -> int:
        """Bytes that a result keeps alive."""
        raise NotImplementedError

    def _told(self, err: Exception) -> HeadlightError:
        """What a person is told of any exception, without its tracebacks: they hold the frames of the run, and those
        may hold a whole model.
        """
        raise NotImplementedError

    def _begin(self, request: A, person: str) -> Job[T]:
        job: Job[T] = Job(queue=self.queue, seen={person: time.monotonic()} if person else {})
        try:
            # Whoever has no name is not seen to leave.
            job.ticket = self.queue.enter(person, job.is_watched if person else lambda: True)
        except BusyError as err:  # not kept: in a moment there may be room
            job.error, job.ended = err, time.monotonic()
            job.done.set()
            return job
        self._jobs[request] = job
        name = f"headlight-{self.what}-{id(job):x}"
        threading.Thread(target=self._work, args=(request, job), name=name, daemon=True).start()
        return job

    def _move_on(self, request: A, person: str) -> None:
        """What this person waited for before frees its place, unless others wait for it too."""
        for other, job in self._jobs.items():
            ticket = job.ticket
            if other == request or ticket is None or ticket.state is not State.WAITING or person not in job.seen:
                continue
            del job.seen[person]
            if job.wait is None and not job.is_watched():
                self.queue.leave(ticket)

    def _work(self, request: A, job: Job[T]) -> None:
        ticket = job.ticket
        assert ticket is not None  # noqa: S101 - `_begin` has put it there
        try:
            if not self.queue.await_turn(ticket):
                job.dropped = not job.cancelled
            elif not job.cancelled:
                with self._lock:
                    self.begun += 1
                job.report(self.what.capitalize())
                job.made = self._run(request, job)
        except BusyError as err:
            job.error = err
        except HeadlightError as err:
            _log.info("refused %r", request.model, exc_info=err)
            job.error = self._told(err)
        except Exception as err:
            job.error = self._told(err)
        finally:
            job.ended = time.monotonic()
            job.wait = None  # it holds the model, which is the pool's to keep or to drop
            if job.dropped or isinstance(job.error, BusyError):
                self._forget(request, job)
            job.done.set()
            self.queue.leave(ticket)
            self._trim()

    def _forget(self, request: A, job: Job[T]) -> None:
        """What never ran is not kept."""
        with self._lock:
            if self._jobs.get(request) is job:
                del self._jobs[request]

    def _trim(self) -> None:
        """Within the bounds again; the newest result always stays, and so does what is under way."""
        most, most_bytes = self._bounds()
        with self._lock:
            ended = [(request, job.made) for request, job in self._jobs.items() if job.done.is_set()]
            sizes = {request: 0 if made is None else self._size(made) for request, made in ended}
            for request, _ in ended[:-1]:
                if len(sizes) <= most and sum(sizes.values()) <= most_bytes:
                    return
                del self._jobs[request], sizes[request]


def _has_failed(job: Job[Any]) -> bool:
    return job.error is not None and time.monotonic() - job.ended > FAILURE_SECONDS


def _is_out(job: Job[Any]) -> bool:
    """Whether its place was freed before it ran."""
    return not job.done.is_set() and job.ticket is not None and job.ticket.state is State.OUT


def in_words(pace: Sequence[tuple[float, int]], total: int) -> str:
    """How fast a download is and how long it will take, from (time, bytes) of late; "" where that is not known."""
    if len(pace) < 2 or pace[-1][0] - pace[0][0] < LEAST_SECONDS or total <= 0:
        return ""
    (began, first), (now, last) = pace[0], pace[-1]
    speed = (last - first) / (now - began)
    if speed < 1000:
        return "hardly anything is coming at the moment"
    left = (total - last) / speed
    said = f"{speed / MEGABYTE:.1f} MB/s" if speed >= MEGABYTE / 10 else f"{speed / 1000:.0f} kB/s"
    rest = f"{math.ceil(left):,} s" if left < 90 else f"{left / 60:,.0f} min"
    return f"{said}, about {rest} left"
