"""The model's own maps of one operation, by running it again: nothing of n×n is kept from the first run."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from torch import Tensor

from attention.capture.watch import Maps
from attention.errors import ModelError
from attention.record import AttentionRecord


@dataclass(eq=False)
class Rerun:
    """Runs the model again on the same input and keeps the maps of one operation at a time.

    again: given a number of an operation, its maps; raises ReferenceError where the model is gone.
    """

    again: Callable[[int], Maps]
    _last: tuple[int, Maps] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def maps(self, index: int) -> Maps:
        """The maps of that operation; those of the last one asked for are at hand."""
        with self._lock:
            if self._last is None or self._last[0] != index:
                self._last = None  # the old maps go before the new ones come
                self._last = (index, self.again(index))
            return self._last[1]


@dataclass(frozen=True, eq=False)
class OwnRun:
    """The model's own run as a witness, and as the source of the scores and weights where q and k are not known."""

    rerun: Rerun
    index: int
    name: str
    exact: bool = False

    def __call__(self) -> tuple[Tensor, Tensor]:
        """(scores, weights), each (h, n_q, n_k), as they entered and left the model's softmax."""
        try:
            maps = self.rerun.maps(self.index)
        except ReferenceError as err:
            reason = "The model is no longer loaded, and only its own run has the weights: trace it again."
            raise ModelError(reason) from err
        return maps.scores, maps.weights

    def blocks(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield (rows, weights (h, rows, n_k), output (rows, h, v)), all rows at once."""
        maps = self.rerun.maps(self.index)
        yield slice(0, record.n_q), maps.weights, maps.output


def weakly(model: object) -> Callable[[], object]:
    """The model for as long as somebody else keeps it; after that, ReferenceError."""
    reference = weakref.ref(model)

    def get() -> object:
        found = reference()
        if found is None:
            raise ReferenceError("the model is no longer loaded")
        return found

    return get
