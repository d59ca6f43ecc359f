"""Traces for the page: each request is run once, in a thread of its own, and kept for all sessions.

The page waits for its trace and shows how far it is; every poll is a chance for Streamlit to leave it, and the run goes
on for whoever asks next. The threads never call Streamlit. Only HeadlightErrors come out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import unicodedata
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.config import MEGABYTE, Limits
from attention.errors import (
    HeadlightError,
    InputError,
    ModelError,
    NoSuchHeadError,
    TooLongError,
    UnsupportedModelError,
)
from attention.view import Place, View, fit

if TYPE_CHECKING:
    from attention.record import AttentionRecord, Kind, Trace

# A trace keeps O(n·d) a layer: 75 MB for GPT-2 at 512 tokens.
MAX_TRACES, MAX_BYTES = 64, 500 * MEGABYTE
# More at once would only share the same cores; some, so that a long download does not hold up short sentences.
AT_ONCE = 4
# Long enough that reruns of a page that shows the failure don't ask the hub each time.
FAILURE_SECONDS = 15.0
# Most traces are done by then, and need no progress bar to flicker by.
PATIENCE_SECONDS, POLL_SECONDS = 0.3, 0.2
# What a ModelError says where a second try may find another answer: the hub, the network, the disk, the memory.
PASSING = ("try again", "connect once", "cannot be reached", "free some", "accept them on its page", "enough memory")
_log = logging.getLogger(__name__)

Report = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Request:
    """What one run depends on."""

    model: str
    text: str
    pair: str
    limits: Limits


@dataclass(eq=False)
class Job:
    """One run, under way or ended. The words and the share (0 to 1, or None) say how far it is."""

    words: str = "Waiting for other runs to end"
    share: float | None = None
    trace: Trace | None = None
    error: HeadlightError | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float = math.inf
    done: threading.Event = field(default_factory=threading.Event)

    def report(self, words: str, share: float | None = None) -> None:
        """Called by the run. A share that is no share counts as unknown."""
        self.words, self.share = words, share if share is not None and 0 <= share <= 1 else None

    def result(self) -> Trace:
        """The trace of a run that has ended, or its error."""
        if self.trace is not None:
            return self.trace
        # Several sessions raise this one exception, and each would add its own frames to the last one's.
        raise (self.error or HeadlightError("The run was stopped. Try again.")).with_traceback(None)


class Traces:
    """The runs of this process: the same request is one job, and the least recently used results go first."""

    def __init__(self, run: Callable[[Request, Report], Trace], *, at_once: int = AT_ONCE) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(at_once)
        self._jobs: OrderedDict[Request, Job] = OrderedDict()

    def join(self, request: Request) -> Job:
        """The job of this request, begun now if nobody has asked before, the last try failed a while ago, or the model
        of its trace is no longer loaded, and what only the model can answer would be missing.
        """
        with self._lock:
            job = self._jobs.get(request)
            if job is None or _is_over(job):
                job = self._jobs[request] = Job()
                name = f"headlight-trace-{id(job):x}"
                threading.Thread(target=self._work, args=(request, job), name=name, daemon=True).start()
            self._jobs.move_to_end(request)
            return job

    def forget_failure(self, request: Request) -> None:
        """Let the next call try again at once."""
        with self._lock:
            if request in self._jobs and self._jobs[request].error is not None:
                del self._jobs[request]

    def clear(self) -> None:
        """Drop every result; runs under way end unseen."""
        with self._lock:
            self._jobs.clear()

    def __len__(self) -> int:
        return len(self._jobs)

    def _work(self, request: Request, job: Job) -> None:
        try:
            with self._slots:
                job.report("Tracing")
                job.trace = self._run(request, job.report)
        except HeadlightError as err:
            _log.info("refused %r", request.model, exc_info=err)
            job.error = _bare(err)
        except Exception as err:
            job.error = HeadlightError(describe_problem(err))
        finally:
            job.ended = time.monotonic()
            job.done.set()
            self._trim()

    def _trim(self) -> None:
        """Within the bounds again; the newest result always stays, and so does what is under way."""
        with self._lock:
            ended = [request for request, job in self._jobs.items() if job.done.is_set()]
            sizes = {request: size(self._jobs[request].trace) for request in ended}
            for request in ended[:-1]:
                if len(sizes) <= MAX_TRACES and sum(sizes.values()) <= MAX_BYTES:
                    return
                del self._jobs[request], sizes[request]


def get_trace(view: View) -> Trace:
    """The view's trace; while it is made, a bar or a line shows how far it is. Raises only HeadlightErrors."""
    request = _request(view)
    _refuse_texts(request)
    job = _shared.join(request)
    if not job.done.wait(PATIENCE_SECONDS):
        _show_progress(job)
    return job.result()


def retry(view: View) -> None:
    """Forget that this view's trace failed, so that the next run of the page tries again; for a button."""
    _shared.forget_failure(_request(view))


def fit_to(view: View, trace: Trace) -> tuple[View, tuple[str, ...]]:
    """The nearest view that this trace has, and a notice for each thing that had to move."""
    return fit(view, places=places(trace), default_kind=default_kind(trace))


def default_kind(trace: Trace) -> Kind:
    """The kind that the page shows where none is chosen: a decoder that has only its start token gives way."""
    return "encoder" if only_started(trace) else trace.default_kind


def only_started(trace: Trace) -> bool:
    """Whether this is an encoder-decoder whose decoder was given nothing but its start token."""
    return "encoder" in trace.kinds and len(trace.kinds) > 1 and len(trace.pair_tokens) == 1


def places(trace: Trace) -> tuple[Place, ...]:
    """Where a view of this trace can be: one place for each kind and layer."""
    return tuple(_place(record) for record in trace.all_records if record.op == 0)


def check_text(text: str, limits: Limits, *, what: str = "text") -> str | None:
    """What is wrong with a text before any model sees it, in one sentence; None where nothing is."""
    if not text:
        return f"There is no {what} yet: type a sentence, or choose one of the samples."
    if all(_invisible(character) for character in text):
        return f"This {what} has only spaces or invisible characters: type a word."
    if len(text) > limits.max_characters:
        return f"This {what} has {len(text):,} characters; the limit here is {limits.max_characters:,}. Shorten it."
    return None


def describe_problem(err: Exception) -> str:
    """One clear sentence for any exception, as plain text. What nobody foresaw is logged with its traceback."""
    if isinstance(err, HeadlightError) and str(err).strip():
        return str(err)
    if _is_out_of_memory(err):
        return "There is not enough memory for this here: choose a smaller model or a shorter text."
    _log.error("unexpected problem", exc_info=err)
    return f"Something went wrong in Headlight itself ({type(err).__name__}); its log says where."


def may_pass(err: Exception) -> bool:
    """Whether trying again can help: not for a text, an id or a folder that stays as wrong as it is."""
    if isinstance(err, InputError | NoSuchHeadError | UnsupportedModelError):
        return False
    return not isinstance(err, ModelError) or any(words in str(err) for words in PASSING)


def size(trace: Trace | None) -> int:
    """Bytes that a trace keeps alive: whole storages, each counted once."""
    if trace is None:
        return 0
    storages = {s.data_ptr(): s.nbytes() for record in trace.all_records for s in _storages(record)}
    return sum(storages.values())


def _storages(record: AttentionRecord) -> Iterator[Any]:
    for part in (record, record.mask, record.position_bias):
        for value in vars(part).values() if part is not None else ():
            if hasattr(value, "untyped_storage"):
                yield value.untyped_storage()


def _is_over(job: Job) -> bool:
    failed = job.error is not None and time.monotonic() - job.ended > FAILURE_SECONDS
    return failed or (job.trace is not None and _has_lost_its_model(job.trace))


def _has_lost_its_model(trace: Trace) -> bool:
    """Whether a projection refers to a module that is gone. One that holds its module, or has none, never does."""
    held = (getattr(record.projection, "module", None) for record in trace.all_records)
    return any(isinstance(module, weakref.ReferenceType) and module() is None for module in held)


def _place(record: AttentionRecord) -> Place:
    # One row of one head is enough to know which steps there are.
    stages = tuple(name for name, _ in record.stages(0, 0, 1).steps if name != "weights")
    return Place(kind=record.kind, layer=record.layer, n_heads=record.n_heads, n_queries=record.n_q, stages=stages)


def _request(view: View) -> Request:
    return Request(view.model, view.text, view.pair, Limits.from_environment())


def _refuse_texts(request: Request) -> None:
    texts = [("text", request.text), *([("second text", request.pair)] if request.pair else [])]
    for what, text in texts:
        if problem := check_text(text, request.limits, what=what):
            raise (TooLongError if len(text) > request.limits.max_characters else InputError)(problem)


def _show_progress(job: Job) -> None:
    bar, line = st.empty(), st.empty()
    while not job.done.wait(POLL_SECONDS):
        # Words can name a stranger's model or file, and a bar's own label would render them.
        line.text(f"{job.words} … {time.monotonic() - job.began:.0f} s")
        if job.share is None:
            bar.empty()
        else:
            bar.progress(job.share)
    bar.empty()
    line.empty()


def _run(request: Request, report: Report) -> Trace:
    from attention.api import trace

    return trace(request.model, request.text, request.pair or None, limits=request.limits, on_progress=report)


def _bare(err: HeadlightError) -> HeadlightError:
    """Without its tracebacks: they hold the frames of the run, and those may hold a whole model."""
    err.__cause__ = err.__context__ = None
    return err.with_traceback(None)


def _invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def _is_out_of_memory(err: Exception) -> bool:
    # torch says it in several ways: a class of its own on the GPU, a bare RuntimeError on the CPU.
    named = isinstance(err, MemoryError) or type(err).__name__ == "OutOfMemoryError"
    return named or (isinstance(err, RuntimeError) and "can't allocate memory" in str(err))


_shared = Traces(_run)
