"""Pinned tokens outlive the model: another one cuts the same text otherwise, and the pin goes where its word went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from attention.view import MAX_PINS, View

if TYPE_CHECKING:
    from attention.record import Kind, Token, Trace

PINNED = "headlight.pinned"
# Where a token stands in its text: first and last character, or the name of a special one.
Place = tuple[int, int] | str


@dataclass(frozen=True)
class Pinned:
    """What was pinned, and where it stood. side: which of the texts asked."""

    model: str
    kind: str
    side: str
    text: str
    places: tuple[Place, ...]


def carried(view: View, trace: Trace, kind: Kind) -> View:
    """The view with the tokens pinned that were pinned before another model or kind of attention was chosen."""
    before = st.session_state.get(PINNED)
    if view.query is not None or not isinstance(before, Pinned) or (before.model, before.kind) == (view.model, kind):
        return view
    side = _side(trace, kind)
    if (side, _text(view, side)) != (before.side, before.text):
        return view
    found = list(dict.fromkeys(_found(place, trace.query_tokens(kind)) for place in before.places))
    there = [index for index in found if index is not None]
    return replace(view, query=there[0], also=tuple(there[1:MAX_PINS])) if there else view


def remember(view: View, trace: Trace, kind: Kind) -> None:
    """Keep what this view pins; where it leaves the choice to the page, nothing is pinned."""
    if view.query is None:
        st.session_state.pop(PINNED, None)
        return
    side, tokens = _side(trace, kind), trace.query_tokens(kind)
    pins = [pin for pin in (view.query, *view.also) if pin < len(tokens)]
    places = tuple(_place(tokens[pin]) for pin in pins)
    st.session_state[PINNED] = Pinned(view.model, kind, side, _text(view, side), places)


def _side(trace: Trace, kind: Kind) -> str:
    return "pair" if trace.pair_tokens and kind != "encoder" else "text"


def _text(view: View, side: str) -> str:
    return view.pair if side == "pair" else f"{view.text}\0{view.pair}"


def _place(token: Token) -> Place:
    return token.span if token.span is not None and not token.special else token.text or token.piece


def _found(place: Place, tokens: Sequence[Token]) -> int | None:
    """The token that stands there now: the one that has most of the old one's characters, the first of several."""
    if isinstance(place, str):
        return next((i for i, token in enumerate(tokens) if token.special and place in (token.text, token.piece)), None)
    shared = [_shared(place, token.span) if token.span and not token.special else 0 for token in tokens]
    most = max(shared, default=0)
    return shared.index(most) if most else None


def _shared(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))
