"""Where the parts meet: `trace` and `figure`, the public API."""

from __future__ import annotations

from attention.local import NAME as LOCAL
from attention.local import trace_local
from attention.record import Trace


def trace(model: str, text: str) -> Trace:
    """Run `text` through `model` once (grows into the whole API in this release)."""
    if model == LOCAL:
        return trace_local(text)
    raise NotImplementedError
