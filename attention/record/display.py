"""How a trace and a head show themselves in a notebook: as whoever is registered here draws them, or as one line.

Records lie below all that draws, so they cannot ask for a picture; `attention.api` says who makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attention.record.trace import HeadView, Trace

Bundle = dict[str, str]
_makers: list[Callable[[Trace | HeadView], Bundle]] = []


def register(maker: Callable[[Trace | HeadView], Bundle]) -> None:
    """From now on `maker` makes what a notebook shows: text by MIME type, without text/plain."""
    _makers[:] = [maker]


def bundle(shown: Trace | HeadView) -> Bundle:
    """What a notebook may show, by MIME type; its plain line is always there."""
    made = _makers[0](shown) if _makers else {}
    return {"text/plain": repr(shown)} | made


def line_of_trace(trace: Trace) -> str:
    """A trace in one line: model, tokens, and of each kind the layers and heads."""
    records = {kind: list(trace.records(kind).values()) for kind in trace.kinds}
    sizes = [f"{kind} {len(own)} × {max(record.n_heads for record in own)} heads" for kind, own in records.items()]
    tokens = f"{len(trace.tokens)} token{'' if len(trace.tokens) == 1 else 's'}"
    tokens += f" and {len(trace.pair_tokens)}" if trace.pair_tokens else ""
    return f"<Trace of {trace.model.name!r}: {tokens}, {', '.join(sizes)}>"


def line_of_head(head: HeadView) -> str:
    """A head in one line."""
    n_q, n_k = head.record.n_q, head.record.n_k
    return f"<HeadView of {head.trace.model.name!r}: {head.kind}, layer {head.layer}, head {head.head}, {n_q} × {n_k}>"
