"""What can be turned at the local layer, beside its samples: whether words look both ways, and the number of heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from attention.layer_settings import RANGES, LocalSettings
from attention.ui import state
from attention.view import View

BOTH, HEADS = "both", "n-heads"
Change = Callable[..., None]


def draw(view: View, change_to: Change) -> None:
    """The controls of the view's layer, and in words what else of it is not as usual. change_to: goes to a view."""
    settings = view.settings
    st.session_state[BOTH], st.session_state[HEADS] = not settings.causal, settings.n_heads
    st.checkbox("Look both ways (no causal mask)", key=BOTH, on_change=_both, args=(change_to,))
    st.selectbox(
        "Number of heads", heads_for(settings.d_model), key=HEADS, on_change=_heads, args=(change_to,),
        format_func=lambda count: "1 head" if count == 1 else f"{count} heads", label_visibility="collapsed", width=120,
    )  # fmt: skip
    if others := in_words(settings):
        st.text(others)


def heads_for(d_model: int) -> list[int]:
    """How many heads a layer of that width can have."""
    return [count for count in range(1, RANGES["n_heads"][1] + 1) if d_model % count == 0]


def with_heads(settings: LocalSettings, count: int) -> LocalSettings:
    """The same layer with so many heads. Fewer key-value heads stay as they are where they still divide them."""
    shared = settings.n_kv_heads != settings.n_heads and count % settings.n_kv_heads == 0
    return replace(settings, n_heads=count, n_kv_heads=settings.n_kv_heads if shared else count)


def in_words(settings: LocalSettings) -> str:
    """What else is not as usual, as no control here says it; "" where nothing is."""
    usual, shared = LocalSettings(), settings.n_kv_heads
    said = {
        f"width {settings.d_model}": settings.d_model != usual.d_model,
        f"{shared} key-value head{'s' * (shared > 1)}": shared != settings.n_heads,
        "scores not scaled": not settings.scaled,
        f"temperature {settings.temperature:g}": settings.temperature != usual.temperature,
        "no positions": not settings.positions,
        f"seed {settings.seed}": settings.seed != usual.seed,
    }
    return ", ".join(words for words, holds in said.items() if holds)


def _both(change_to: Change) -> None:
    _turn(change_to, replace(state.current().settings, causal=not st.session_state[BOTH]))


def _heads(change_to: Change) -> None:
    _turn(change_to, with_heads(state.current().settings, int(st.session_state[HEADS])))


def _turn(change_to: Change, settings: LocalSettings) -> None:
    """Go to another layer on the same words: what is pinned or zoomed stays."""
    view = state.current()
    kept: dict[str, Any] = {name: getattr(view, name) for name in ("query", "also", "key", "zoom")}
    change_to(settings=settings, **kept)
