"""What is heavy to import, and how it comes soonest."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

# In the order of their imports: the module, and what it is to a reader.
PARTS = (
    ("torch", "torch, which does the arithmetic"),
    ("transformers", "transformers, which knows the models"),
    # A thousand modules more, which else come with the first model: when all that was imported is no longer searched.
    ("transformers.modeling_utils", "what models are made of"),
    ("attention.api", "Headlight's own parts"),
)


@contextmanager
def unsearched() -> Iterator[None]:
    """No garbage is searched for while inside: of what imports make nothing goes away, and searching it again and again
    as it grew took a fifth of their time.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@cache
def at_once() -> None:
    """Import all of it for a process that is ours, and never search it, not even at the end."""
    with unsearched():
        for module, _ in PARTS:
            import_module(module)
        gc.freeze()
