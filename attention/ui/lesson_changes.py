"""What figures of lessons show that needs more runs of a model than its trace: its predictions with and without edits,
a score by its origins, and the loss of a text without heads.

All runs of a figure are one job of the queue, kept for everybody who reads the same lesson.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attention import jobs
from attention.config import MEGABYTE, Limits
from attention.edits import edits_of
from attention.lessons.changes import ablations
from attention.lessons.outcomes import Outcomes, outcomes_of
from attention.ui import runs

if TYPE_CHECKING:
    import numpy as np

    from attention.analysis.origins import Origins
    from attention.capture import Inputs
    from attention.prediction import Predictions
    from attention.prompt import Prompt
    from attention.source import Source

PATIENCE_SECONDS = 0.3
KEPT, MOST_BYTES = 64, 4 * MEGABYTE
# Every token of a vocabulary, however large it is.
ALL = 10**9
Report = Callable[[str, float | None], None]
A = TypeVar("A", bound=jobs.Asked)
T = TypeVar("T")


class Kept(runs.Runs[A, T]):
    """The runs of one kind in this process, of which so many are kept."""

    def _bounds(self) -> tuple[int, int]:
        return KEPT, MOST_BYTES


@dataclass(frozen=True)
class Asked(runs.OfPrompt):
    """What these runs depend on. prompt: of the run without an edit. each: the others' edits, each list as its line.
    follow: a token that is told of in any case.
    """

    prompt: Prompt
    each: tuple[str, ...]
    follow: str
    limits: Limits


class Changes(Kept[Asked, Outcomes]):
    """The changed predictions of this process."""

    what = "running with changes"

    def _size(self, made: Outcomes) -> int:
        return made.size


@dataclass(frozen=True)
class Score(runs.OfPrompt):
    """One score of one head: of a query and a key of the prompt's text, by their places."""

    prompt: Prompt
    kind: str
    layer: int
    head: int
    query: int
    key: int
    limits: Limits


class Splits(Kept[Score, "Origins"]):
    """The scores of this process that were split by their origins."""

    what = "splitting a score"

    def _size(self, made: Origins) -> int:
        return int(made.of_query.nbytes + made.of_key.nbytes) + 200 * (len(made.query_parts) + len(made.key_parts))


@dataclass(frozen=True)
class Text(runs.OfPrompt):
    """A text whose loss is asked for without heads, of a model with so many layers and heads a layer."""

    prompt: Prompt
    layers: int
    heads: int
    limits: Limits


class Losses(Kept[Text, "np.ndarray"]):
    """The losses of this process."""

    what = "switching heads off"

    def _size(self, made: np.ndarray) -> int:
        return int(made.nbytes)


def losses(asked: Text) -> np.ndarray:
    """The losses of the runs of `lessons.changes.ablations`, once they are made. Raises only HeadlightErrors."""
    return _waited(_losses, asked)


def origins(asked: Score) -> Origins:
    """The score by its origins, once it is made. Raises only HeadlightErrors."""
    return _waited(_splits, asked)


def outcomes(asked: Asked) -> Outcomes:
    """The runs, once they are made; nothing is drawn meanwhile. Raises only HeadlightErrors."""
    return _waited(_shared, asked)


def _waited(kept: Kept[A, T], asked: A) -> T:
    return runs.wait_for(partial(kept.join, asked, runs.person()), PATIENCE_SECONDS, runs.sit).result()


def measure(asked: Asked, report: Report | None = None) -> Outcomes:
    """The runs, made here and now."""
    from attention.api import predict

    given: dict[str, Any] = asked.prompt.given()
    for name in ("settings", "edits"):
        given.pop(name, None)
    found: list[Predictions] = []
    for done, line in enumerate(("", *asked.each)):
        # The first run tells where the text ends.
        places = [at for at in found[0].positions[-1:] if at is not None] if found else None
        found.append(predict(**given, edits=edits_of(line), k=ALL, positions=places, limits=asked.limits))
        if report is not None:
            report("Running the model with each change", (done + 1) / (len(asked.each) + 1))
    return outcomes_of(found, asked.follow)


def _made(asked: Asked, job: runs.Job[Outcomes]) -> Outcomes:
    return measure(asked, job.report)


def _lost(asked: Text, job: runs.Job[np.ndarray]) -> np.ndarray:
    from attention.analysis.losses import losses_off

    return losses_off(*_entered(asked, job), ablations(asked.layers, asked.heads))


def _entered(asked: Text | Score, job: runs.Job[Any]) -> tuple[Source, Inputs]:
    """The model, and the text as it enters it."""
    from attention.source import inputs_of, load_source

    source, prompt = load_source(asked.model, asked.limits, job.report, job.follow), asked.prompt
    return source, inputs_of(source, prompt.text, prompt.pair or None, None, prompt.chat, asked.limits)[0]


def _split(asked: Score, job: runs.Job[Origins]) -> Origins:
    from attention.analysis.origins import score_origins
    from attention.capture import Address

    source, inputs = _entered(asked, job)
    address = Address(asked.kind, asked.layer)  # type: ignore[arg-type]
    return score_origins(source.model, inputs, address, asked.head, asked.query, asked.key)


_shared = Changes(_made)
_splits = Splits(_split)
_losses = Losses(_lost)
