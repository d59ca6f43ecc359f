"""Traces for the page: each request is run once, in a thread of its own, and kept for all sessions.

The page waits for its trace and shows how far it is; every poll is a chance for Streamlit to leave it, and the run goes
on for whoever asks next: a tab that is closed ends nothing. A download can be cancelled: it ends unless somebody else
watches it too. The threads never call Streamlit. Only HeadlightErrors come out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import unicodedata
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx

from attention.config import MEGABYTE, Limits
from attention.errors import (
    HeadlightError,
    InputError,
    ModelError,
    NoSuchHeadError,
    TooLongError,
    UnsupportedModelError,
)
from attention.view import Place, View, clean, fit

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from attention.models import Wait
    from attention.record import AttentionRecord, Kind, Trace

# A trace keeps O(n·d) a layer: 75 MB for GPT-2 at 512 tokens.
MAX_TRACES, MAX_BYTES = 64, 500 * MEGABYTE
# More at once would only share the same cores; some, so that a long download does not hold up short sentences.
AT_ONCE = 4
# Long enough that reruns of a page that shows the failure don't ask the hub each time.
FAILURE_SECONDS = 15.0
# Most traces are done by then, and need no progress bar to flicker by.
PATIENCE_SECONDS, POLL_SECONDS = 0.3, 0.2
# Somebody whose page has not polled for so long no longer watches a download.
PRESENT_SECONDS = 3.0
# The pace of a download is that of its last seconds, and is not guessed from fewer than these.
PACE_SECONDS, LEAST_SECONDS = 10.0, 2.0
# What a session has cancelled: the model, and the sentence that says so, until it asks for it again.
CANCELLED = "headlight.cancelled"
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
    chat: bool = False


@dataclass(eq=False)
class Job:
    """One run, under way or ended. The words and the share (0 to 1, or None) say how far it is.

    wait: for its model, while it does. seen: when each session last watched it. pace: (time, bytes) of its download.
    """

    words: str = "Waiting for other runs to end"
    share: float | None = None
    wait: Wait | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=1000))
    trace: Trace | None = None
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

    def result(self) -> Trace:
        """The trace of a run that has ended, or its error."""
        if self.trace is not None:
            return self.trace
        # Several sessions raise this one exception, and each would add its own frames to the last one's.
        raise (self.error or HeadlightError("The run was stopped. Try again.")).with_traceback(None)


class Traces:
    """The runs of this process: the same request is one job, and the least recently used results go first."""

    def __init__(self, run: Callable[[Request, Job], Trace], *, at_once: int = AT_ONCE) -> None:
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

    def cancel(self, request: Request, person: str) -> bool | None:
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

    def _work(self, request: Request, job: Job) -> None:
        try:
            with self._slots:
                if job.cancelled:
                    return
                job.report("Tracing")
                job.trace = self._run(request, job)
        except HeadlightError as err:
            _log.info("refused %r", request.model, exc_info=err)
            job.error = _bare(err)
        except Exception as err:
            job.error = HeadlightError(describe_problem(err))
        finally:
            job.ended = time.monotonic()
            job.wait = None  # it holds the model, which is the pool's to keep or to drop
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
    request = request_of(view)
    _refuse_texts(request)
    if view.model in (cancelled := _cancelled()):
        raise ModelError(cancelled[view.model])
    job = _shared.join(request)
    if not job.done.wait(PATIENCE_SECONDS):
        _show_progress(job, view)
    return job.result()


def cancel(view: View) -> None:
    """Stop waiting for the model of this view, in this session, until `retry`; for a button."""
    from attention.models import ModelRef, hub

    goes_on = _shared.cancel(request_of(view), _person())
    if goes_on is not None:
        _cancelled()[view.model] = str(hub.cancelled(ModelRef(id=view.model), goes_on=goes_on))


def retry(view: View) -> None:
    """Forget that this view's trace failed or was cancelled, so that the next run of the page tries again; for a
    button.
    """
    _cancelled().pop(view.model, None)
    _shared.forget_failure(request_of(view))


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
        return clean(str(err))  # it may quote a stranger's file, and half a surrogate pair cannot be sent
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


def request_of(view: View) -> Request:
    """What a run for this view depends on."""
    return Request(view.model, view.text, view.pair, Limits.from_environment(), view.chat)


def _refuse_texts(request: Request) -> None:
    texts = [("text", request.text), *([("second text", request.pair)] if request.pair else [])]
    for what, text in texts:
        if problem := check_text(text, request.limits, what=what):
            raise (TooLongError if len(text) > request.limits.max_characters else InputError)(problem)


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


def _show_progress(job: Job, view: View) -> None:
    coming, bar, line, way_out = st.empty(), st.empty(), st.empty(), st.empty()
    offered = False
    while not job.done.wait(POLL_SECONDS):
        job.watch(_person())
        # Words can name a stranger's model or file, and a bar's own label would render them.
        line.text(job.line)
        if job.coming:
            coming.text(job.coming)
        if job.share is None:
            bar.empty()
        else:
            bar.progress(job.share)
        if job.fetching != offered:
            offered = _offer_cancel(way_out, job, view)
    for place in (coming, bar, line, way_out):
        place.empty()


def _offer_cancel(place: DeltaGenerator, job: Job, view: View) -> bool:
    """Show the button while there is something to cancel; whether it is shown."""
    if not job.fetching:
        place.empty()
        return False
    # As if it stood outside any fragment: Streamlit leaves a run for a click there at once, but lets a run end first
    # where the click is for a fragment, and this run ends only when the download does.
    with ThreadState.scoped(fragment_id=None), place:
        st.button("Cancel", key=f"cancel-{id(job):x}", on_click=cancel, args=(view,))
    return True


def _person() -> str:
    """The session whose page this is."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


def _cancelled() -> dict[str, str]:
    """What this session has cancelled: model → sentence."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return {}
    found: dict[str, str] = st.session_state.setdefault(CANCELLED, {})
    return found


def _run(request: Request, job: Job) -> Trace:
    from attention.api import trace

    return trace(
        request.model,
        request.text,
        request.pair or None,
        chat=request.chat,
        limits=request.limits,
        on_progress=job.report,
        on_wait=job.follow,
    )


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
