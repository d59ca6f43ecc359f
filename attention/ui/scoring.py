"""What a model's heads do on stored texts, for the page: scored once a model and kind, for all sessions.

Nothing begins by itself: `start` puts it into the queue, where it gives way between its runs; `find` and `scores` look
at what there is and never wait. What is kept are scores alone, a few kilobytes. Only HeadlightErrors come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attention.catalogue import LOCAL
from attention.config import Limits
from attention.errors import InputError, TooLongError
from attention.ui import model_runs, opened, runs

if TYPE_CHECKING:
    from attention.analysis.patterns import PatternScores
    from attention.record import Kind
    from attention.source import Source
    from attention.view import View

LOCAL_IS_UNTRAINED = (
    "The local model is one layer that was never trained, so stored texts would tell nothing about it; its heads are "
    "scored on this text only."
)


@dataclass(frozen=True)
class Request:
    """What one scoring depends on."""

    model: str
    kind: Kind
    limits: Limits


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredModel(model_runs.OfModel):
    """The scores, and what they are of: the stored texts that this model could read, and how many random sequences."""

    scores: PatternScores
    texts: tuple[str, ...]
    n_sequences: int


Job = runs.Job[ScoredModel]


class Scorings(model_runs.ModelRuns[Request, ScoredModel]):
    """The scorings of this process."""

    what = "scoring"

    def _size(self, made: ScoredModel) -> int:
        found = [scored for scored in made.scores.found.values() if scored is not None]
        return sum(array.nbytes for scored in found for array in vars(scored).values())


def scores(view: View, kind: Kind) -> PatternScores | None:
    """The scores of the view's model on stored texts, of all heads of a kind, where they are made; never waits."""
    job = find(view, kind)
    return job.made.scores if job is not None and job.made is not None else None


def find(view: View, kind: Kind) -> Job | None:
    """The scoring of the view's model, under way or ended; None where nobody has begun it."""
    return _shared.find(_request(view, kind))


def start(view: View, kind: Kind) -> None:
    """Begin it, or begin again what failed; for a button."""
    request = _request(view, kind)
    _shared.forget_failure(request)
    runs.has_ended(_shared.join(request, runs.person()), model_runs.PATIENCE_SECONDS)


def refusal(view: View) -> str:
    """Why the view's model cannot be scored, where that is known before any run; else ""."""
    return LOCAL_IS_UNTRAINED if view.model.strip() == LOCAL else opened.refusal(view, "a score on stored texts")


def _request(view: View, kind: Kind) -> Request:
    return Request(view.model, kind, Limits.from_environment())


def _run(asked: Request, job: Job) -> ScoredModel:
    from attention.analysis.probe import TEXTS, probe
    from attention.source import load_source

    source = load_source(asked.model, asked.limits, job.report, job.follow)
    texts = _readable(source, TEXTS, asked.limits)
    n_sequences = 0

    def tell(done: int, total: int) -> None:
        nonlocal n_sequences
        n_sequences = max(done - len(TEXTS), 0)
        job.report(_words(done, total, len(TEXTS)), done / total)
        job.give_way()

    job.report(_words(0, len(TEXTS), len(TEXTS)), 0.0)
    found = probe(source, asked.kind, on_progress=tell)
    return ScoredModel(scores=found, texts=texts, n_sequences=n_sequences, model=model_runs.own(source))


def _words(done: int, total: int, n_texts: int) -> str:
    """What is done next, after `done` of `total` runs."""
    if done == total:
        return "Counting"
    if done < n_texts:
        return f"Reading stored text {done + 1} of {n_texts}"
    return f"Reading random sequence {done - n_texts + 1} of {total - n_texts}"


def _readable(source: Source, texts: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """Those of the texts that are not too long for the model. Raises TooLongError where this installation allows fewer
    tokens than the model is about to read.
    """
    from attention.capture.lengths import longest
    from attention.source import START_ALONE, has_two_sides, inputs_of

    if source.tokenizer is None:
        raise InputError("This model came without a tokenizer, so it can read no stored texts.")
    pair = START_ALONE if has_two_sides(source) else None  # what its decoder would write is not needed here
    lengths = {text: len(inputs_of(source, text, pair, None)[0].ids) for text in texts}
    most = longest(source.model)
    fitting = {text: length for text, length in lengths.items() if most is None or length <= most}
    need = max([*fitting.values(), *_sequence_lengths(source)], default=0)
    if need > limits.max_tokens:
        raise TooLongError(f"The stored texts have up to {need} tokens here; the limit is {limits.max_tokens}.")
    return tuple(fitting)


def _sequence_lengths(source: Source) -> list[int]:
    from attention.analysis.probe import sequences
    from attention.source import has_two_sides

    if has_two_sides(source) or not source.model.can_generate():
        return []
    made = sequences(source)
    return [] if isinstance(made, str) else [len(one.ids) for one in made]


_shared = Scorings(_run)
