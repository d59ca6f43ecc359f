"""A visitor without a browser: speaks Streamlit's websocket protocol, as its page does, and keeps what arrives.

Components hear and say here what `static/store.js` and the components' `main.js` would: a head switch is the store's
own message. A visitor polls what polls (`st.fragment(run_every=…)`), and tells the server which messages it has kept.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PREFIX, DELIMITER = "$$STREAMLIT_INTERNAL_KEY", "__"
BIGGEST = 256 * 2**20
# A browser keeps messages of its last runs; so many are more than a page has.
KEPT = 200
COMPONENT = "headlight."


@dataclass(frozen=True)
class Part:
    """One component as it last arrived: where messages to it go, the names in its payload, and when."""

    id: str
    fragment: str
    data: dict[str, Any]
    size: int
    at: float


@dataclass
class Visitor:
    """One session. Its parts by name, the exceptions that its page showed, the sentences that began with ⚠."""

    socket: ClientConnection
    query: str = ""
    page: str = ""  # the path of the page that is opened, "" for the first one
    parts: dict[str, Part] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    received: int = 0
    runs: int = 0
    closed: bool = False
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    # Every widget and component that the page has drawn: its kind, by its id.
    widgets: dict[str, str] = field(default_factory=dict)
    session: str = ""
    _seq: int = 0
    _page: str = ""
    _kept: dict[str, bytes] = field(default_factory=dict)
    _polls: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _reader: asyncio.Task[None] | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    async def open(cls, url: str, query: str = "", *, page: str = "", seconds: float = 120) -> Self:
        """Connect and ask for the page, as a browser does with the address `url`/`page`?`query`."""
        visitor = await cls.join(url, query, seconds=seconds)
        visitor.page = page
        await visitor.rerun()
        return visitor

    @classmethod
    async def join(cls, url: str, query: str = "", *, seconds: float = 120) -> Self:
        """Connect and say nothing yet."""
        address = f"{url.replace('http', 'ws', 1).rstrip('/')}/_stcore/stream"
        socket = await connect(
            address, max_size=BIGGEST, open_timeout=seconds, ping_interval=None, subprotocols=["streamlit"],  # type: ignore[list-item]
            compression=None, proxy=None,
        )  # fmt: skip
        visitor = cls(socket, query)
        visitor._reader = asyncio.create_task(visitor._read())
        return visitor

    async def close(self) -> None:
        """Leave, as by closing the tab."""
        for task in self._polls.values():
            task.cancel()
        await self.socket.close()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def rerun(self, part: str = "", *, auto: bool = False, widget: tuple[str, str, Any] | None = None) -> None:
        """Ask for a run of the page or of one fragment; `widget`: (id, field of WidgetState, value)."""
        # Only before a run: what the server was told of may be referred to until the run has ended.
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self._page
        if not self._page:
            state.page_name = self.page
        state.fragment_id, state.is_auto_rerun = part, auto
        state.cached_message_hashes.extend(self._kept)
        for one in self.parts.values():  # a page says the state of all that it shows
            state.widget_states.widgets.add(id=one.id, json_value="{}")
        if widget is not None:
            told = state.widget_states.widgets.add(id=widget[0])
            setattr(told, widget[1], widget[2])
        await self.socket.send(message.SerializeToString())

    async def forge(self, *values: WidgetState) -> None:
        """Ask for a run of the page with these values of widgets and no others, whatever they are."""
        message = BackMsg()
        message.rerun_script.query_string, message.rerun_script.page_script_hash = self.query, self._page
        message.rerun_script.widget_states.widgets.extend(values)
        await self.socket.send(message.SerializeToString())

    async def say(self, name: str, event: str, value: Any) -> None:
        """What a component says by `setTriggerValue(event, value)`."""
        part = self.parts[name]
        told = json.dumps([{"event": event, "value": value}])
        widget = heard_at(part.id), "json_trigger_value", told
        await self.rerun(part.fragment, widget=widget)

    async def switch(self, layer: int, head: int) -> int:
        """Go to another head as `static/store.js` does; the number by which the server's answer is known."""
        self._seq += 1
        changes = {"layer": str(layer), "head": str(head)}
        about = dict.fromkeys(changes, self.parts["run"].data["id"])
        await self.say("controls", "look", {"seq": self._seq, "changes": changes, "about": about})
        return self._seq

    async def type(self, text: str) -> None:
        """Another sentence, as the box above the panels says it."""
        await self.say("prompt", "text", text)

    async def press(self, key: str) -> None:
        """Press the button of that key."""
        button, fragment = self.buttons[key]
        await self.rerun(fragment, widget=(button, "trigger_value", True))

    async def until(self, holds: Callable[[Visitor], bool], seconds: float) -> float:
        """Wait until something holds; how long it took. Raises TimeoutError."""
        began = time.perf_counter()
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: self.closed or holds(self))
        if not holds(self):
            raise ConnectionError("the server has closed the connection")
        return time.perf_counter() - began

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                assert isinstance(message, bytes)
                self.received += len(message)
                self._take(ForwardMsg.FromString(message))
                async with self._news:
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.closed = True
            async with self._news:
                self._news.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            kept = ForwardMsg.FromString(self._kept[message.ref_hash])
            kept.metadata.CopyFrom(message.metadata)
            message, kind = kept, kept.WhichOneof("type")
        elif message.hash and message.metadata.cacheable:
            self._kept[message.hash] = message.SerializeToString()
        if kind == "new_session":
            self._begin(message)
        elif kind == "delta":
            self._draw(message)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop(fragment)
        elif kind == "script_finished":
            self.runs += 1

    def _begin(self, message: ForwardMsg) -> None:
        self._page = message.new_session.page_script_hash
        self.session = message.new_session.initialize.session_id or self.session
        if not message.metadata.run.fragment_ids:  # the whole page is drawn again, and what polls says so again
            self.refusals.clear()
            for fragment in list(self._polls):
                self._stop(fragment)

    def _draw(self, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return
        element, fragment = message.delta.new_element, message.delta.fragment_id
        kind = element.WhichOneof("type")
        if getattr(getattr(element, kind or "", None), "id", ""):
            self.widgets[getattr(element, kind).id] = kind
        if kind == "bidi_component":
            part = element.bidi_component
            name = part.component_name.removeprefix(COMPONENT)
            self.parts[name] = Part(part.id, fragment, _tree(part.bytes), len(part.bytes), time.perf_counter())
        elif kind == "exception":
            stack = "\n".join(element.exception.stack_trace)
            self.exceptions.append(f"{element.exception.type}: {element.exception.message}\n{stack}")
        elif kind == "text":
            self.lines = [*self.lines[-20:], element.text.body]
            if element.text.body.startswith("⚠"):
                self.refusals.append(element.text.body)
        elif kind == "button":
            self.buttons[element.button.id.split("-", 2)[-1]] = element.button.id, fragment  # $$ID-<hash>-<key>

    def _poll(self, fragment: str, interval: float) -> None:
        self._stop(fragment)
        self._polls[fragment] = asyncio.create_task(self._polling(fragment, interval))

    def _stop(self, fragment: str) -> None:
        if fragment in self._polls:
            self._polls.pop(fragment).cancel()

    async def _polling(self, fragment: str, interval: float) -> None:
        try:
            while True:
                await asyncio.sleep(interval)
                await self.rerun(fragment, auto=True)
        except ConnectionClosed:
            pass


def heard_at(component: str) -> str:
    """Where a component's events are told."""
    return f"{PREFIX}_{component}{DELIMITER}events"


def _tree(data: bytes) -> dict[str, Any]:
    """The header of a payload of `attention.browser.codec`, without its arrays; {} for one that has none."""
    if len(data) < 4:
        return {}
    (length,) = struct.unpack("<I", data[:4])
    tree = json.loads(data[4 : 4 + length])["tree"]
    # A run's layers are large, and nobody looks at them here.
    return {} if not isinstance(tree, dict) else {k: v for k, v in tree.items() if k not in ("layers", "tiles")}
