"""Runs that tell something of a model, whatever the text on the page: made once a model, for all sessions.

What is kept is small, and no model is kept alive.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from attention import jobs
from attention.config import MEGABYTE
from attention.ui import runs

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel
    from attention.source import Source

MOST, MOST_BYTES = 64, 50 * MEGABYTE
# What comes of a small model by then is shown at once, and nothing on the page changes afterwards.
PATIENCE_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class OfModel:
    """Something that was found out about a model.

    model: that of a folder, whose files may be others by the time it is loaded again; None where a name stands for the
    same weights for good.
    """

    model: weakref.ref[PreTrainedModel] | None = None


A = TypeVar("A", bound=jobs.Asked)
F = TypeVar("F", bound=OfModel)


class ModelRuns(runs.Runs[A, F]):
    """Such runs of one kind; what was found out of a folder's model goes with it."""

    def _is_stale(self, job: runs.Job[F]) -> bool:
        return job.made is not None and job.made.model is not None and job.made.model() is None

    def _bounds(self) -> tuple[int, int]:
        return MOST, MOST_BYTES


def own(source: Source) -> weakref.ref[PreTrainedModel] | None:
    """The model where it is a folder's: neither of the hub, with its revision, nor of ours."""
    return weakref.ref(source.model) if source.revision is None and source.trained is None else None
