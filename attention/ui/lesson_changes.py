"""What figures of lessons show of a model whose run is changed: its predictions, with and without edits.

All runs of a figure are one job of the queue, kept for everybody who reads the same lesson.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from attention.config import MEGABYTE, Limits
from attention.edits import edits_of
from attention.lessons.outcomes import Outcomes, outcomes_of
from attention.ui import runs

if TYPE_CHECKING:
    from attention.prompt import Prompt

PATIENCE_SECONDS = 0.3
KEPT, MOST_BYTES = 64, 4 * MEGABYTE
# Every token of a vocabulary, however large it is.
ALL = 10**9
Report = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Asked:
    """What these runs depend on. prompt: of the run without an edit. each: the others' edits, each list as its line.
    follow: a token that is told of in any case.
    """

    prompt: Prompt
    each: tuple[str, ...]
    follow: str
    limits: Limits

    @property
    def model(self) -> str:
        """For the queue."""
        return self.prompt.model


class Changes(runs.Runs[Asked, Outcomes]):
    """The changed predictions of this process."""

    what = "running with changes"

    def _is_stale(self, job: runs.Job[Outcomes]) -> bool:
        return False

    def _bounds(self) -> tuple[int, int]:
        return KEPT, MOST_BYTES

    def _size(self, made: Outcomes) -> int:
        return made.size


def outcomes(asked: Asked) -> Outcomes:
    """The runs, once they are made; nothing is drawn meanwhile. Raises only HeadlightErrors."""
    return runs.wait_for(partial(_shared.join, asked, runs.person()), PATIENCE_SECONDS, runs.sit).result()


def measure(asked: Asked, report: Report | None = None) -> Outcomes:
    """The runs, made here and now."""
    from attention.api import predict

    given: dict[str, Any] = asked.prompt.given()
    for name in ("settings", "edits"):
        given.pop(name, None)
    found = []
    for done, line in enumerate(("", *asked.each)):
        found.append(predict(**given, edits=edits_of(line), k=ALL, limits=asked.limits))
        if report is not None:
            report("Running the model with each change", (done + 1) / (len(asked.each) + 1))
    return outcomes_of(found, asked.follow)


def _made(asked: Asked, job: runs.Job[Outcomes]) -> Outcomes:
    return measure(asked, job.report)


_shared = Changes(_made)
