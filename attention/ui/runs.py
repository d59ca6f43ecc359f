"""Runs of models for the page: each request is run once, in a thread of its own, and kept for all sessions.

A page that is left ends nothing: the run goes on for whoever asks next. A download can be cancelled: it ends unless
somebody else watches it too. The threads never call Streamlit. Only HeadlightErrors come out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from attention.config import MEGABYTE
from attention.errors import HeadlightError
from attention.ui.problems import bare, describe_problem

if TYPE_CHECKING:
    from attention.models import Wait

# More at once would only share the same cores; some, so that a long download does not hold up short sentences.
AT_ONCE = 4
# Long enough that reruns of a page that shows the failure don't ask the hub each time.
FAILURE_SECONDS = 15.0
# Somebody whose page has not polled for so long no longer watches a download.
PRESENT_SECONDS = 3.0
# The pace of a download is that of its last seconds, and is not guessed from fewer than these.
PACE_SECONDS, LEAST_SECONDS = 10.0, 2.0
_log = logging.getLogger(__name__)


class Asked(Protocol):
    """What one run depends on; equal ones are one run."""

    @property
    def model(self) -> str: ...


A = TypeVar("A", bound=Asked)
T = TypeVar("T")


@dataclass(eq=False)
class Job(Generic[T]):
    """One run, under way or ended. The words and the share (0 to 1, or None) say how far it is.

    wait: for its model, while it does. seen: when each session last watched it. pace: (time, bytes) of its download.
    """

    words: str = "Waiting for other runs to end"
    share: float | None = None
    wait: Wait | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=1000))
    made: T | None = None
    error: HeadlightError | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float = math.inf
    done: threading.Event = field(default_factory=threading.Event)

    def report(self, words: str, share: float | None = None) -> None:
        """Called by the run. A share that is no share counts as unknown."""
        self.words, self.share = words, share if share is not None and 0 <= share <= 1 else None

    def follow(self, wait: Wait) -> None:
        """Called by the run when it begins to wait for its model."""
        self.wait = wait
        if self.cancelled:
            wait.cancel()

    def watch(self, person: str) -> None:
        """Called by a page that waits."""
        now, wait = time.monotonic(), self.wait
        self.seen[person] = now
        if self.fetching and wait is not None:
            self.pace.append((now, wait.done))
            while now - self.pace[0][0] > PACE_SECONDS:
                self.pace.popleft()

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
        wait = self.wait
        total = wait.total if wait is not None and self.fetching else 0
        speed = in_words(tuple(self.pace), total)
        return f"{self.words}, {speed}" if speed else f"{self.words} … {time.monotonic() - self.began:.0f} s"

    def result(self) -> T:
        """What a run that has ended made, or its error."""
        if self.made is not None:
            return self.made
        # Several sessions raise this one exception, and each would add its own frames to the last one's.
        raise (self.error or HeadlightError("The run was stopped. Try again.")).with_traceback(None)


class Runs(Generic[A, T]):
    """The runs of this process: the same request is one job, and the least recently used results go first.

    what: the work, for the name of its threads and for what a run says until it reports. A subclass says how much is
    kept, and what no longer holds.
    """

    what = "running"

    def __init__(self, run: Callable[[A, Job[T]], T], *, at_once: int = AT_ONCE) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(at_once)
        self._jobs: OrderedDict[A, Job[T]] = OrderedDict()

    def join(self, request: A) -> Job[T]:
        """The job of this request, begun now if nobody has asked before, the last try failed a while ago, or its
        result no longer holds.
        """
        with self._lock:
            job = self._jobs.get(request)
            if job is None or _has_failed(job) or self._is_stale(job):
                job = self._jobs[request] = Job()
                name = f"headlight-{self.what}-{id(job):x}"
                threading.Thread(target=self._work, args=(request, job), name=name, daemon=True).start()
            self._jobs.move_to_end(request)
            return job

    def find(self, request: A) -> Job[T] | None:
        """The job of this request, under way or ended; None where nobody has asked, or its result no longer holds."""
        with self._lock:
            job = self._jobs.get(request)
            if job is None or self._is_stale(job):
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
            if any(time.monotonic() - seen < PRESENT_SECONDS for seen in job.seen.values()):
                return True
            job.cancelled = True
            del self._jobs[request]  # who asks next begins anew
        wait = job.wait
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

    def _work(self, request: A, job: Job[T]) -> None:
        try:
            with self._slots:
                if job.cancelled:
                    return
                job.report(self.what.capitalize())
                job.made = self._run(request, job)
        except HeadlightError as err:
            _log.info("refused %r", request.model, exc_info=err)
            job.error = bare(err)
        except Exception as err:
            job.error = HeadlightError(describe_problem(err))
        finally:
            job.ended = time.monotonic()
            job.wait = None  # it holds the model, which is the pool's to keep or to drop
            job.done.set()
            self._trim()

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


def _has_failed(job: Job[T]) -> bool:
    return job.error is not None and time.monotonic() - job.ended > FAILURE_SECONDS


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
