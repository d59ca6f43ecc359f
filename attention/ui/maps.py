"""The whole text at once: averages of heads, rollout through the layers, words for subwords.

All of it is made here on the server, from the whole trace, and only when somebody looks. Each stands beside what it
does not show.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from attention import derived
from attention.browser import maps
from attention.errors import HeadlightError, InputError
from attention.ui import components, prompt_bar, work

if TYPE_CHECKING:
    from attention.record import HeadView, Kind, Trace
    from attention.view import View

Which = Literal["averages", "rollout", "words"]
MAP, OVER = "map", "over"
# Cells of all the heads' maps that one view may be made of: two seconds' work for two processor cores.
MOST_CELLS = 300_000_000
Asked = tuple[str, ...]


def show(head_view: HeadView, view: View, which: Which) -> None:
    """Draw one of the views for this head's trace and kind; what cannot be made is a sentence in its place."""
    with st.container(key="wider", gap="small"):
        if which == "averages":
            _choice(view)
        try:
            data = payload(head_view, which, view.over if which == "averages" else "")
        except HeadlightError as err:
            st.text(str(err))
            if isinstance(err, work.LeftError):
                st.button("Go through the heads", key="wider-again", on_click=work.again)
            return
        components.mount(MAP, data, key=MAP)


def payload(head_view: HeadView, which: Which, over: str = "") -> bytes:
    """The component's bytes, made once as long as they are among the last that were asked for of this trace."""
    trace, key = head_view.trace, ("details", *_asked(head_view, which, over))
    if not derived.has(trace, key):
        refuse_long(head_view, which, over)
    cost = 0 if which == "words" else work.cells(trace, head_view.kind)
    place = head_view.layer, head_view.head, head_view.kind
    return work.through(trace, key, partial(_made, place=place, key=key, which=which, over=over), cost)


def _made(trace: Trace, place: tuple[int, int, Kind], key: Asked, which: Which, over: str) -> bytes:
    return derived.kept(trace, key, lambda: _make(trace.head(*place), which, over))


def _asked(head_view: HeadView, which: Which, over: str) -> Asked:
    """What the bytes depend on; a map of all heads is the same for each of them."""
    layer, head = str(head_view.layer), str(head_view.head)
    own: dict[str, Asked] = {"heads": (layer,), "layers": (head,), "words": (layer, head)}
    return (which, over, head_view.kind, *own.get(over or which, ()))


def refuse_long(head_view: HeadView, which: Which, over: str = "") -> None:
    """Raises InputError, with the longest text that fits, where this view would take too long."""
    records = list(head_view.trace.records(head_view.kind).values())
    if which == "words" or over in ("heads", "layers"):
        return
    cells = sum(record.n_heads * record.n_q * record.n_k for record in records)
    if cells <= MOST_CELLS:
        return
    most = math.isqrt(MOST_CELLS // sum(record.n_heads for record in records))
    raise InputError(
        f"This text is too long for a map of all heads: theirs have {cells / 1e6:,.0f} million cells together, and up "
        f"to {MOST_CELLS / 1e6:,.0f} million are worked through here. With this model that is about {most} tokens."
    )


def _make(head_view: HeadView, which: Which, over: str) -> bytes:
    if which == "averages":
        return maps.averages(head_view, over)
    return maps.rollout(head_view) if which == "rollout" else maps.words(head_view)


def _choice(view: View) -> None:
    """Over what to average."""
    st.session_state[OVER] = view.over
    st.segmented_control(
        "Average over", list(maps.OVER), required=True, key=OVER, on_change=_choose,
        format_func=maps.OVER.__getitem__,
    )  # fmt: skip


def _choose() -> None:
    chosen = st.session_state[OVER]
    if chosen in maps.OVER:
        prompt_bar.change_to(over=chosen)
