"""Traces for the page: each request waits its turn, is run once, and is kept for all sessions.

The page waits for its trace and shows how far it is; every poll is a chance for Streamlit to leave it, and a run that
has begun goes on for whoever asks next: a tab that is closed ends nothing. Only HeadlightErrors come out.
"""

from __future__ import annotations

import unicodedata
import weakref
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from attention import derived
from attention.browser import store
from attention.browser.heads import held
from attention.config import MEGABYTE, Limits
from attention.errors import Beginning, InputError, NotNowError, TooLongError
from attention.ui import opened, runs
from attention.ui.problems import describe_problem, may_pass
from attention.view import Place, Prompt, View, fit

if TYPE_CHECKING:
    from attention.prediction import Predictions
    from attention.record import AttentionRecord, Kind, Trace

__all__ = [
    "Request",
    "Traces",
    "cancel",
    "check_text",
    "default_kind",
    "describe_problem",
    "fit_to",
    "get_trace",
    "keep_bounds",
    "may_pass",
    "only_started",
    "places",
    "predictions",
    "request_of",
    "retry",
]

# Most traces are done by then, and need no progress bar to flicker by.
PATIENCE_SECONDS = 0.3
# What is made of runs while people look is counted again after so many bytes.
GROWN_BYTES = MEGABYTE
# Under what the predictions of a run are kept beside it.
PREDICTIONS = "predictions"
# What a session has cancelled, a model's download or one request in the queue, and the sentence that says so, until it
# asks for it again.
CANCELLED = "headlight.cancelled"
LEFT = "This was cancelled before its turn came; try again when you like."


@dataclass(frozen=True)
class Request(runs.OfPrompt):
    """What one run depends on."""

    prompt: Prompt
    limits: Limits


Job = runs.Job["Trace"]


class Traces(runs.Runs[Request, "Trace"]):
    """The traces of this process. One whose model is no longer loaded is made again: what only the model can answer
    would be missing.
    """

    what = "tracing"
    one_each = True

    def _is_stale(self, job: Job) -> bool:
        return job.made is not None and _has_lost_its_model(job.made)

    def _bounds(self) -> tuple[int, int]:
        limits = Limits.from_environment()
        return limits.traces_in_memory, limits.traces_mb * MEGABYTE

    def _size(self, made: Trace) -> int:
        return held(made)

    def _beside(self, made: Trace) -> int:
        return store.kept_bytes(made)


def get_trace(view: View) -> Trace:
    """The view's trace; while it is made, a bar or a line shows how far it is. Raises only HeadlightErrors."""
    if (from_file := opened.find(view)) is not None:
        return from_file
    request = request_of(view)
    _refuse_texts(request)
    cancelled = _cancelled()
    for what in (view.model, _name(request)):
        if what in cancelled:
            raise NotNowError(cancelled[what])
    join, show = partial(_shared.join, request, runs.person()), partial(_show_progress, view=view)
    return runs.wait_for(join, PATIENCE_SECONDS, show).result()


def predictions(request: Request) -> Predictions | None:
    """What the model said in the very run of this request; None where there is none, or it has to be asked for."""
    job = _shared.find(request)
    found: Predictions | None = None if job is None or job.made is None else derived.find(job.made, PREDICTIONS)
    return found


def keep_bounds() -> None:
    """Let the least recently used runs go where what was made of all of them meanwhile takes too much memory."""
    global _counted
    now = derived.total()
    if abs(now - _counted) >= GROWN_BYTES:
        _counted = now
        _shared.trim()
        opened.trim(Limits.from_environment())


def cancel(view: View) -> None:
    """Stop waiting for this view's turn, or for its model, in this session, until `retry`; for a button."""
    from attention.models import ModelRef, hub

    request = request_of(view)
    job = _shared.find(request)
    in_the_queue = job is not None and job.place > 0
    goes_on = _shared.cancel(request, runs.person())
    if goes_on is None:
        return
    if in_the_queue:
        _cancelled()[_name(request)] = LEFT
    else:
        _cancelled()[view.model] = str(hub.cancelled(ModelRef(id=view.model), goes_on=goes_on))


def retry(view: View) -> None:
    """Forget that this view's trace failed or was cancelled, so that the next run of the page tries again; for a
    button.
    """
    request = request_of(view)
    for what in (view.model, _name(request)):
        _cancelled().pop(what, None)
    _shared.forget_failure(request)


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
    return derived.kept(
        trace, "places", lambda: tuple(_place(record) for record in trace.all_records if record.op == 0)
    )


def check_text(text: str, limits: Limits, *, what: str = "text") -> str | None:
    """What is wrong with a text before any model sees it, in one sentence; None where nothing is."""
    if not text:
        return f"There is no {what} yet: type a sentence, or choose one of the samples."
    if all(_invisible(character) for character in text):
        return f"This {what} has only spaces or invisible characters: type a word."
    if len(text) > limits.max_characters:
        return f"This {what} has {len(text):,} characters; the limit here is {limits.max_characters:,}. Shorten it."
    return None


def _has_lost_its_model(trace: Trace) -> bool:
    """Whether a projection refers to a module that is gone. One that holds its module, or has none, never does."""
    held = (getattr(record.projection, "module", None) for record in trace.all_records)
    return any(isinstance(module, weakref.ReferenceType) and module() is None for module in held)


def _place(record: AttentionRecord) -> Place:
    # One row of one head is enough to know which steps there are.
    stages = tuple(name for name, _ in record.stages(0, 0, 1).steps if name not in ("softmaxed", "weights"))
    sizes = {"n_heads": record.n_heads, "n_queries": record.n_q, "n_keys": record.n_k}
    return Place(kind=record.kind, layer=record.layer, **sizes, stages=stages)


def request_of(view: View) -> Request:
    """What a run for this view depends on."""
    return Request(view.prompt, Limits.from_environment())


def _refuse_texts(request: Request) -> None:
    text, pair = request.prompt.text, request.prompt.pair
    texts = [("text", "text", text), *([("pair", "second text", pair)] if pair else [])]
    for of, what, text in texts:
        if problem := check_text(text, request.limits, what=what):
            if len(text) <= request.limits.max_characters:
                raise InputError(problem)
            raise TooLongError(problem, _beginning(text, request.limits.max_characters, of))


def _beginning(text: str, most: int, of: str) -> Beginning | None:
    """As many whole words as are read here, or characters where the last word alone is longer than all before it."""
    from attention.tokens import word_spans

    # One character more shows whether the last word ends there.
    ends = (end for _, end in word_spans(text[: most + 1]))
    end = max((end for end in ends if end <= most), default=0)
    start = text[: end if end > most // 2 else most]
    if all(_invisible(character) for character in start):
        return None
    return Beginning(of=of, text=start, size=f"{len(start):,} characters")


def _show_progress(job: Job, view: View) -> None:
    runs.poll(job, partial(cancel, view))


def _name(request: Request) -> str:
    """One request among what a session has cancelled, which has no use for its texts."""
    return f"request {hash(request)}"


def _cancelled() -> dict[str, str]:
    """What this session has cancelled: model, or name of a request → sentence."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return {}
    found: dict[str, str] = st.session_state.setdefault(CANCELLED, {})
    return found


def _run(request: Request, job: Job) -> Trace:
    from attention.api import trace

    found: list[Predictions] = []
    made = trace(
        **request.prompt.given(), limits=request.limits, on_progress=job.report, on_wait=job.follow,
        on_predictions=found.append,
    )  # fmt: skip
    if found:
        derived.kept(made, PREDICTIONS, lambda: found[0])
    return made


def _invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


_shared = Traces(_run)
_counted = 0
