"""Pinned tokens when another model, or another kind of attention, is chosen."""

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st

import attention
from attention.local import trace_local
from attention.ui import pins
from attention.view import View, change

TEXT = "The unhappiest cat sat."


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


def names(trace: attention.Trace, view: View) -> list[str]:
    pinned = [] if view.query is None else [view.query, *view.also]
    return [trace.tokens[pin].text.strip() for pin in pinned]


def test_a_pin_goes_to_the_token_that_has_its_characters():
    words = trace_local(TEXT)
    view = View(model="local", text=TEXT, query=1, also=(3,))
    assert names(words, view) == ["unhappiest", "sat"]
    pins.remember(view, words, "decoder")
    other = attention.trace("storyteller", TEXT)
    kept = pins.carried(change(view, model="storyteller"), other, "decoder")
    assert kept.query is not None
    assert names(other, kept)[1] == "sat"
    pieces = [token.text for token in other.tokens if token.span and 4 <= token.span[0] < 15]
    assert len(pieces) > 1, "this tokenizer cuts the word, or nothing is tested here"
    assert len(other.tokens[kept.query].text.strip()) == max(len(piece.strip()) for piece in pieces)


def test_a_special_token_goes_to_its_like_or_nowhere():
    story = attention.trace("storyteller", TEXT)
    pins.remember(View(text=TEXT, query=0), story, "decoder")
    assert story.tokens[0].special
    assert pins.carried(View(model="local", text=TEXT), trace_local(TEXT), "decoder").query is None


@pytest.mark.parametrize(
    "after", [{"text": "Another text."}, {"pair": "and more"}], ids=["text", "pair"]
)
def test_another_text_keeps_nothing(after: dict[str, str]):
    words = trace_local(TEXT)
    view = View(model="local", text=TEXT, query=1)
    pins.remember(view, words, "decoder")
    changed = change(replace(view, model="storyteller", query=None), **after)
    assert pins.carried(changed, attention.trace("storyteller", changed.text), "decoder") == changed


def test_what_the_page_chose_by_itself_is_not_carried():
    words = trace_local(TEXT)
    pins.remember(View(model="local", text=TEXT, query=1), words, "decoder")
    pins.remember(View(model="local", text=TEXT), words, "decoder")
    view = View(text=TEXT)
    assert pins.carried(view, attention.trace("storyteller", TEXT), "decoder") == view


def test_a_pin_of_the_same_run_is_let_go():
    """Undo back to a view without a pin shows it without one."""
    words = trace_local(TEXT)
    pins.remember(View(model="local", text=TEXT, query=1), words, "decoder")
    view = View(model="local", text=TEXT)
    assert pins.carried(view, words, "decoder") == view


def test_between_kinds_that_ask_with_the_same_text():
    trace = attention.trace("dates", "3 May 1998", "1998-05")
    pins.remember(View(model="dates", text="3 May 1998", pair="1998-05", kind="decoder", query=2), trace, "decoder")
    view = View(model="dates", text="3 May 1998", pair="1998-05", kind="cross")
    assert pins.carried(view, trace, "cross").query == 2
    assert pins.carried(replace(view, kind="encoder"), trace, "encoder").query is None
