"""The runs of one kind: each request is run once, in a thread of its own, and kept for whoever asks for the same."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from attention.errors import HeadlightError
from attention.jobs.job import PRESENT_SECONDS, STOPPED, Job
from attention.jobs.queue import BusyError, Queue, State, Ticket, shared_queue
from attention.jobs.threads import computing

# Long enough that reruns of a page that shows the failure don't ask the hub each time.
FAILURE_SECONDS = 15.0
_log = logging.getLogger(__name__)


class Asked(Protocol):
    """What one run depends on; equal ones are one run."""

    @property
    def model(self) -> str: ...


A = TypeVar("A", bound=Asked)
T = TypeVar("T")


class Runs(Generic[A, T]):
    """The runs of one kind in this process: the same request is one job, and the least recently used results go first.

    what: the work, for the name of its threads and for what a run says until it reports. one_each: a person waits for
    one of them only, so that who asks for the next has left the one before. A subclass says how much is kept, what no
    longer holds, if anything, and how an error that nobody foresaw is told.
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
                if isinstance(job.error, BusyError):  # not kept: in a moment there may be room
                    return job
            if person and not job.done.is_set():
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
        if ticket is not None and ticket.state is State.WAITING:
            self.queue.leave(ticket)
            return False
        return wait is not None and not wait.cancel()

    def clear(self) -> None:
        """Drop every result; runs under way end unseen."""
        with self._lock:
            self._jobs.clear()

    def __len__(self) -> int:
        return len(self._jobs)

    def _is_stale(self, job: Job[T]) -> bool:
        """Whether what this job made no longer holds; what a model says of a text always does."""
        return False

    def _bounds(self) -> tuple[int, int]:
        """How many results are kept, and how many bytes of them."""
        raise NotImplementedError

    def _size(self, made: T) -> int:
        """Bytes that a result keeps alive, counted once, as soon as it is made."""
        raise NotImplementedError

    def _beside(self, made: T) -> int:
        """Bytes of what was made of a result since then, and goes with it."""
        return 0

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
            self._start(request, job, job.ticket)
        except BusyError as err:
            job.error, job.ended = err, time.monotonic()
            job.done.set()
            return job
        self._jobs[request] = job
        return job

    def _start(self, request: A, job: Job[T], ticket: Ticket) -> None:
        name = f"headlight-{self.what}-{id(job):x}"
        try:
            threading.Thread(target=self._work, args=(request, job, ticket), name=name, daemon=True).start()
        except RuntimeError as err:  # the system allows this process no more of them
            self.queue.leave(ticket)
            _log.error("cannot start a thread: %s", err)
            raise BusyError("This machine has too much to do at the moment. Try again in a moment.") from None

    def _move_on(self, request: A, person: str) -> None:
        """What this person waited for before frees its place, unless others wait for it too."""
        for other, job in self._jobs.items():
            ticket = job.ticket
            if other == request or ticket is None or ticket.state is not State.WAITING or person not in job.seen:
                continue
            job.seen.pop(person, None)
            if job.wait is None and not job.is_watched():
                self.queue.leave(ticket)

    def _work(self, request: A, job: Job[T], ticket: Ticket) -> None:
        try:
            if not self.queue.await_turn(ticket):
                job.dropped = not job.cancelled
            elif not job.cancelled:
                with self._lock:
                    self.begun += 1
                job.report(self.what.capitalize())
                with computing(request.model):
                    made = self._run(request, job)
                job.size, job.made = self._size(made), made
        except BusyError as err:
            job.error = err.with_traceback(None)
        except HeadlightError as err:
            _log.info("refused %r", request.model, exc_info=err)
            job.error = self._told(err)
        except Exception as err:
            job.error = self._told(err)
        except BaseException as err:  # a library's panic is one, and nobody is above this thread
            _log.error("a run of %r was broken off", request.model, exc_info=err)
            job.error = HeadlightError(STOPPED)
        finally:
            self._end(request, job, ticket)

    def _end(self, request: A, job: Job[T], ticket: Ticket) -> None:
        job.ended = time.monotonic()
        job.wait = None  # it holds the model, which is the pool's to keep or to drop
        if job.dropped or isinstance(job.error, BusyError):
            self._forget(request, job)
        job.done.set()
        job.seen.clear()
        self.queue.leave(ticket)
        self.trim()

    def _forget(self, request: A, job: Job[T]) -> None:
        """What never ran is not kept."""
        with self._lock:
            if self._jobs.get(request) is job:
                del self._jobs[request]

    def trim(self) -> None:
        """Within the bounds again, which results can leave as they grow; the newest always stays, and so does what is
        under way.
        """
        most, most_bytes = self._bounds()
        with self._lock:
            ended = [(request, job) for request, job in self._jobs.items() if job.done.is_set()]
            sizes = [job.size + (0 if job.made is None else self._beside(job.made)) for _, job in ended]
            count, size = len(ended), sum(sizes)
            for (request, _), own in zip(ended[:-1], sizes, strict=False):
                if count <= most and size <= most_bytes:
                    return
                del self._jobs[request]
                count, size = count - 1, size - own


def _has_failed(job: Job[Any]) -> bool:
    return job.error is not None and time.monotonic() - job.ended > FAILURE_SECONDS


def _is_out(job: Job[Any]) -> bool:
    """Whether its place was freed before it ran."""
    return not job.done.is_set() and job.ticket is not None and job.ticket.state is State.OUT
