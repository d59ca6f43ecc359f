"""How many of torch's threads a run computes with.

Two threads that share a small model's arithmetic wait for each other longer than they compute: on two cores a sentence
of the storyteller took a third more processor time than with one. So the page computes with one thread, and runs
of models that are not in the box with as many as torch chose by itself. torch keeps the number by thread; what is set
elsewhere meanwhile changes nothing for a run that has begun.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attention.catalogue import LOCAL, find

FEW = 1
# What torch chose, or None where nobody asked for few: then nothing is changed, as in a person's own program.
_chosen: int | None = None


def few() -> None:
    """Compute with one thread from now on, runs of large models aside; after torch was imported."""
    global _chosen
    torch: Any = sys.modules["torch"]
    if _chosen is None:
        _chosen = torch.get_num_threads()
    torch.set_num_threads(FEW)


@contextmanager
def computing(model: str) -> Iterator[None]:
    """For the length of a run of this model: all threads for a model that may be large."""
    if _chosen is None or is_small(model):
        yield
        return
    torch: Any = sys.modules["torch"]
    torch.set_num_threads(_chosen)
    try:
        yield
    finally:
        torch.set_num_threads(FEW)


def is_small(model: str) -> bool:
    """Whether a model is one of those in the box, which are all small."""
    entry = find(model)
    return model == LOCAL or (entry is not None and entry.folder is not None)
