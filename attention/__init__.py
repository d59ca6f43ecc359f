"""Headlight: see what every attention head sees.

`attention.trace(model, text)` runs a model once and returns a Trace; `trace.head(layer, head)` makes one head's maps;
`attention.figure(view)` draws them. Importing this package pulls in nothing heavy: names arrive when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attention.api import figure, generate, predict, trace
    from attention.mhsa import MultiHeadSelfAttention
    from attention.record import AttentionRecord, HeadView, Trace

__version__ = "0.1.0"
__all__ = ["AttentionRecord", "HeadView", "MultiHeadSelfAttention", "Trace", "figure", "generate", "predict", "trace"]

_HOME = {
    "trace": "attention.api",
    "figure": "attention.api",
    "generate": "attention.api",
    "predict": "attention.api",
    "MultiHeadSelfAttention": "attention.mhsa",
    "AttentionRecord": "attention.record",
    "HeadView": "attention.record",
    "Trace": "attention.record",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'attention' has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
