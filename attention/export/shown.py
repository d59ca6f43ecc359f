"""What a view shows of a trace, for files that hold both: the head, and the text above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attention.errors import InputError

if TYPE_CHECKING:
    from attention.record import HeadView, Trace
    from attention.view import View


def on_show(trace: Trace, view: View) -> HeadView:
    """The head that the view names, once all is there that it names besides.

    Raises NoSuchHeadError where the trace lacks one of its heads, InputError where it lacks one of its tokens.
    """
    head_view = trace.head(view.layer, view.head, view.kind or None)  # type: ignore[arg-type]
    for layer, head in view.beside:
        trace.head(layer, head, head_view.kind)
    record, zoom = head_view.record, view.zoom or (0, 0, 0, 0)
    query = max(view.query or 0, *view.also, *zoom[:2])
    key = max(view.key or 0, *zoom[2:])
    if query >= record.n_q or key >= record.n_k:
        raise InputError(
            f"The view names query {query} and key {key}; this head has queries 0 to {record.n_q - 1} and keys 0 to "
            f"{record.n_k - 1}."
        )
    return head_view


def text_of(trace: Trace, view: View) -> str:
    """The text that ran: the view's, or where the trace is of other tokens, those."""
    return " → ".join(filter(None, (view.text, view.pair))) or " ".join(map(str, trace.tokens))


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis: at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
