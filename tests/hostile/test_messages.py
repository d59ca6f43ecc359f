"""Values that no page of ours sends, for every component and every widget of the page, over the real websocket.

Each arrives as Streamlit's own protocol carries it: in every field, of the widget's type and of every other. Afterwards
the session is alive and hears the next sentence. Nothing that went wrong is on the page, as a stack or in words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.load.visitor import Visitor, heard_at
from tests.chromium.forked import Line
from tests.hostile.test_texts import OURS
from tests.own_loop import in_own_loop
from tools import serving

SECONDS = 300
EVENTS = ("text", "look", "pick", "undo", "open", "share", "code", "evil")
# No JSON, JSON that is no event, nested past every stack, numbers past every type, and names that objects have.
RAW = (
    "{", "5", '"x"', "[[]]", '[{"event": ["text"]}, 5]', "[" * 100_000, "[" + "9" * 5_000 + "]",
    '{"value": {"get": 5, "text": {}}, "get": 1, "__class__": 2}',
)  # fmt: skip
SAID: tuple[Any, ...] = (
    None, True, 1e308, float("nan"), "x" * 30_000, [[]], {"seq": float("inf"), "changes": {}},
    {"seq": 1, "changes": {"layer": {}, "query": [], "zoom": float("nan")}}, {"index": float("nan"), "key": {}},
    {"text": {}, "__proto__": {}},
)  # fmt: skip
OTHERS: tuple[dict[str, Any], ...] = (
    {"bool_value": True}, {"int_value": 2**62}, {"double_value": float("nan")}, {"double_value": -1e308},
    {"string_value": "evil"}, {"string_value": "\u202e\u2028<img src=x onerror=alert(1)>"}, {"bytes_value": b"\xff\0"},
    {"string_array_value": {"data": ["evil"]}}, {"double_array_value": {"data": [float("nan"), 1e9]}},
    {"int_array_value": {"data": [2**62, -5]}}, {"arrow_value": {}}, {"file_uploader_state_value": {}}, {},
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, forks: Line) -> Iterator[serving.Served]:
    log = tmp_path_factory.mktemp("messages") / "log.txt"
    small = {"HEADLIGHT_MAX_TOKENS": "64", "OMP_NUM_THREADS": "1"}
    with serving.serving(Path("app.py"), log, spawn=forks.start, **small) as served:
        yield served
        assert served.process.poll() is None


async def _opened(url: str) -> Visitor:
    """A visitor for whom everything is drawn: the page, and the panel with the place for files."""
    visitor = await Visitor.open(url, "model=storyteller&text=one+two")
    await visitor.until(lambda one: "predicted" in one.parts and one.runs > 0, SECONDS)
    await visitor.say("bar", "share", True)
    await visitor.until(lambda one: "file_uploader" in one.widgets.values(), SECONDS)
    return visitor


async def _bears(visitor: Visitor, *values: WidgetState) -> None:
    """One more run has ended, and nothing is on the page that should not be."""
    runs = visitor.runs
    await visitor.forge(*values)
    await visitor.until(lambda one: one.runs > runs, SECONDS)
    told = [line for line in visitor.lines if OURS in line or "Traceback" in line]
    what = [str(value)[:200] for value in values[:2]]
    assert not visitor.exceptions, (what, visitor.exceptions[-1][-900:])
    assert not told, (what, told)


async def _is_alive(visitor: Visitor, text: str) -> None:
    """The next sentence is heard, and shown."""
    await visitor.type(text)
    await visitor.until(lambda one: one.parts["prompt"].data["text"] == text, SECONDS)
    assert not visitor.exceptions, visitor.exceptions[-1]


def visited(server: serving.Served, visit: Any) -> None:
    in_own_loop(lambda: asyncio.run(visit(server.url)))


def test_no_json_of_any_kind_breaks_a_component(server: serving.Served) -> None:
    """As its state and as its events; the component's own state is not sent beside it, as a browser would."""

    async def visit(url: str) -> None:
        visitor = await _opened(url)
        components = [one for one, kind in visitor.widgets.items() if kind == "bidi_component"]
        assert len(components) > 8
        for raw in RAW:
            events = [WidgetState(id=heard_at(one), json_trigger_value=raw) for one in components]
            await _bears(visitor, *events, *(WidgetState(id=one, json_value=raw) for one in components))
        await _is_alive(visitor, "still here")
        await visitor.close()

    visited(server, visit)


def test_no_value_of_any_event_breaks_a_component(server: serving.Served) -> None:
    async def visit(url: str) -> None:
        visitor = await _opened(url)
        components = [one for one, kind in visitor.widgets.items() if kind == "bidi_component"]
        for value in SAID:
            told = json.dumps([{"event": event, "value": value} for event in EVENTS if event != "share"])
            await _bears(visitor, *(WidgetState(id=heard_at(one), json_trigger_value=told) for one in components))
        await _is_alive(visitor, "and here again")
        await visitor.close()

    visited(server, visit)


def test_no_value_of_any_type_breaks_a_widget(server: serving.Served) -> None:
    async def visit(url: str) -> None:
        visitor = await _opened(url)
        for value in OTHERS:
            ids = list(visitor.widgets)
            events = [WidgetState(id=heard_at(one), **value) for one in ids]
            await _bears(visitor, *(WidgetState(id=one, **value) for one in ids), *events)
        await _is_alive(visitor, "not gone")
        await visitor.close()

    visited(server, visit)


def test_values_of_widgets_that_are_not_drawn_yet_are_checked_when_they_are(server: serving.Served) -> None:
    """As after a lost connection: the browser tells everything before this session's first run."""

    async def visit(url: str) -> None:
        first = await _opened(url)
        ids = list(first.widgets)
        await first.close()
        for raw in ("{", "[" * 100_000):
            visitor = await Visitor.join(url, "model=storyteller&text=one+two")
            forged = [WidgetState(id=one, json_value=raw) for one in ids]
            forged += [WidgetState(id=heard_at(one), json_trigger_value=raw) for one in ids]
            await _bears(visitor, *forged)
            await visitor.until(lambda one: "predicted" in one.parts, SECONDS)
            await _is_alive(visitor, f"after {raw[:1]}")
            await visitor.close()

    visited(server, visit)
