"""Headlight: see what every attention head sees.

`attention.trace(model, text)` runs a model once and returns a Trace; `trace.head(layer, head)` makes one head's maps;
`attention.figure(head)` draws them; `attention.save(head, "head.svg")` writes a file. `headlight --help`, or
`python -m attention --help`, does the same from a command line. Importing this package pulls in nothing heavy: names
arrive when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attention.imports import unsearched

if TYPE_CHECKING:
    from attention.api import effect, figure, generate, load, patterns, predict, save, trace, words
    from attention.config import Limits
    from attention.errors import HeadlightError
    from attention.layer_settings import LocalSettings
    from attention.mhsa import MultiHeadSelfAttention
    from attention.record import AttentionRecord, HeadView, Trace
    from attention.view import View

__version__ = "0.1.0"
__all__ = [
    "AttentionRecord",
    "HeadView",
    "HeadlightError",
    "Limits",
    "LocalSettings",
    "MultiHeadSelfAttention",
    "Trace",
    "View",
    "effect",
    "figure",
    "generate",
    "load",
    "patterns",
    "predict",
    "save",
    "trace",
    "words",
]

_HOME = {
    "trace": "attention.api",
    "effect": "attention.api",
    "figure": "attention.api",
    "generate": "attention.api",
    "load": "attention.api",
    "patterns": "attention.api",
    "predict": "attention.api",
    "save": "attention.api",
    "words": "attention.api",
    "Limits": "attention.config",
    "HeadlightError": "attention.errors",
    "LocalSettings": "attention.layer_settings",
    "MultiHeadSelfAttention": "attention.mhsa",
    "AttentionRecord": "attention.record",
    # By way of the API, which tells a notebook how to show them.
    "HeadView": "attention.api",
    "Trace": "attention.api",
    "View": "attention.view",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'attention' has no attribute {name!r}; it has: {', '.join(__all__)}")
    with unsearched():
        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
