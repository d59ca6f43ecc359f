"""How each layer turns pairs of dimensions, found by one more run, of one token said again and again.

`begin` puts it into the queue, for all sessions; a page draws first and tells the rest when it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attention.browser import store
from attention.catalogue import LOCAL
from attention.config import Limits
from attention.ui import model_runs, opened, runs

if TYPE_CHECKING:
    from attention.analysis.dimensions import Turns
    from attention.record import Kind, Trace
    from attention.view import View

LOCAL_ADDS = "the local model adds positions to its tokens and turns no dimensions"
TOO_LONG = "this text is too long to try it out"
FROM_FILE = "this trace was opened from a file, without the model that could be tried"
UNKNOWN = "its queries and keys are not known"


@dataclass(frozen=True)
class Request:
    """What one test run depends on. places: how many tokens the text has."""

    model: str
    places: int
    limits: Limits


@dataclass(frozen=True, kw_only=True, eq=False)
class RotaryPairs(model_runs.OfModel):
    """What was found, by kind and layer, or why nothing is."""

    found: Mapping[tuple[Kind, int], Turns | str] | str


Job = runs.Job[RotaryPairs]


class RotaryRuns(model_runs.ModelRuns[Request, RotaryPairs]):
    """The test runs of this process."""

    what = "turning"

    def _size(self, made: RotaryPairs) -> int:
        turns = {} if isinstance(made.found, str) else {id(one): one for one in made.found.values()}
        return sum(one.angles.nbytes for one in turns.values() if not isinstance(one, str) and one.angles is not None)


def begin(view: View, trace: Trace) -> Job:
    """The test run of the view's model for a text as long as this one: begun now, under way or ended."""
    places = max(len(trace.tokens), len(trace.pair_tokens))
    if why := _refusal(trace, places) or (FROM_FILE if opened.is_opened(view) else ""):
        return _ended(why)
    job = _shared.join(Request(view.model, places, Limits.from_environment()), runs.person())
    runs.has_ended(job, model_runs.PATIENCE_SECONDS)
    return job


def _refusal(trace: Trace, places: int) -> str:
    """Why a test run would be of no use, or ""."""
    if all(record.query is None or record.key is None for record in trace.all_records):
        return UNKNOWN
    # Of such a text no queries and keys travel to the browser.
    return TOO_LONG if places * places > store.LONG else ""


def _ended(found: str) -> Job:
    job = Job(made=RotaryPairs(found=found))
    job.done.set()
    return job


def found_by(job: Job) -> Mapping[tuple[Kind, int], Turns | str] | str | None:
    """What a test run found, by kind and layer, or a reason; None while it runs."""
    if not job.done.is_set():
        return None
    return job.made.found if job.made is not None else f"{job.error or 'the test run was stopped'}".rstrip(".")


def _run(asked: Request, job: Job) -> RotaryPairs:
    from attention.analysis.dimensions import turns_of
    from attention.source import load_source

    if asked.model.strip() == LOCAL:
        return RotaryPairs(found=LOCAL_ADDS)
    source = load_source(asked.model, asked.limits, job.report, job.follow)
    job.report("Finding out how the model turns its dimensions")
    return RotaryPairs(found=turns_of(source.model, asked.places), model=model_runs.own(source))


_shared = RotaryRuns(_run)
