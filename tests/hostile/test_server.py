"""One real server takes it all, over HTTP and websockets, and then still shows the default page to the next person.

The visitor speaks Streamlit's own protocol (`benchmarks.load.visitor`), so that anything can be said: addresses that no
browser would send, messages that no component of ours would, and bytes that are no message at all.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from attention.view import DEFAULT_TEXT
from benchmarks.load.visitor import Visitor
from tests.chromium.forked import Line
from tests.hostile.test_texts import OURS
from tests.hostile.texts import MARKUP, PASTE, texts
from tests.own_loop import in_own_loop
from tools import serving

SECONDS = 120
PATHS = (
    "/app/static/../../etc/passwd", "/app/static/..%2f..%2f..%2f..%2fetc/passwd",
    "/app/static/%2e%2e/%2e%2e/app.py", "/app/static/../app.py", "/app/static//etc/passwd",
    "/app/static/....//....//etc/passwd", "/app/static/..\\..\\app.py", "/app/static/%00",
    "/app/static/headlight.js%00.png", "/app/static/" + "a/" * 2_000, "/app/static/CON", "/app/static/",
    "/static/../../app.py", "/component/headlight.bar/../../../app.py", "/_stcore/component/x/../../etc/passwd",
    "/media/../../etc/passwd", "/media/0000.npz", "/_stcore/upload_file/x/y", "/_stcore/nothing", "/%", "/%zz",
    "/" + "x" * 5_000, "/models/../../etc/passwd", "/?" + "a=b&" * 5_000, "/?text=" + "%F0%9F%98%80" * 2_000,
    "/?text=%ff%fe&layer=%00",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"Host": "elsewhere.invalid"}, {"Origin": "http://elsewhere.invalid"}, {"X-Forwarded-For": "<script>, ${7*7}"},
    {"Cookie": "a=" + "x" * 4_000}, {"Range": "bytes=999999999-"}, {"Accept-Encoding": "evil"},
    {"Content-Length": "-1"}, {"Transfer-Encoding": "chunked, chunked"}, {"User-Agent": "\x7f" * 100},
    {"Accept-Language": "x" * 4_000},
)  # fmt: skip
QUERIES = (
    "text", "=", "&&&&", "?", "text=%", "text=%zz", "text=%ff%fe", "text=%00", "text=%ed%a0%80", "layer=%D9%A3",
    "layer=1&layer=2", "layer[]=1", "layer[a][b]=1", "text[0]=x", "a;b;text=x", "text=" + "a" * 65_536,
    "text=" + "%F0%9F%98%80" * 5_000, "packed=" + "A" * 65_536, "packed=%00", "packed=file.x",
    "model=..%2f..%2fetc%2fpasswd", "model=%5C%5Chost%5Cshare", "v=99", "model=file%3A%2F%2F%2Fetc%2Fpasswd",
    "model=opened%3A0000", "query=999999999&zoom=0-1%2C0-1&beside=9.9", "lens=%3Cb%3E",
    "&".join(f"k{number}={number}" for number in range(2_000)), "embed=true&embed_options=evil",
    "__proto__=1&constructor=2",
)  # fmt: skip
DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]
MESSAGES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, "", "x", [], {}, DEEP, {"a": DEEP}, [None] * 5_000, {str(n): n for n in range(5_000)},
    {"seq": 1e308, "changes": {"layer": "1"}}, {"seq": -5, "changes": {}},
    {"seq": 1, "changes": {"layer": 10**40, "head": None}},
    {"seq": 2, "changes": {"also": "0," * 900, "zoom": "0-0,0-0", "temperature": "1e-999"}, "about": DEEP},
    {"seq": 3, "changes": {str(n): str(n) for n in range(5_000)}, "about": {}},
    {"seq": 4, "changes": {"measure": MARKUP[0]}}, {"index": 10**40, "key": "x"}, {"index": -1, "key": None},
    {"index": "0"}, {"key": [1]}, {"path": "../../etc/passwd"},
)  # fmt: skip
EVENTS = {"bar": ("undo", "open", "share", "evil"), "prompt": ("text",), "controls": ("look",), "predicted": ("pick",)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, forks: Line) -> Iterator[serving.Served]:
    log = tmp_path_factory.mktemp("server") / "log.txt"
    small = {"HEADLIGHT_MAX_TOKENS": "64", "OMP_NUM_THREADS": "1"}
    with serving.serving(Path("app.py"), log, spawn=forks.start, **small) as served:
        yield served
        # Whatever it was: the server is there, and the next person gets the page as it comes.
        assert served.process.poll() is None
        visited(served, _default)


def visited(served: serving.Served, visit: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    in_own_loop(lambda: asyncio.run(visit(served.url)))


async def _default(url: str) -> None:
    visitor = await Visitor.open(url, "text=&model=storyteller")
    await visitor.until(lambda one: bool(one.refusals), SECONDS)
    visitor.query = urlencode({"model": "storyteller", "text": DEFAULT_TEXT})
    await visitor.rerun()
    await visitor.until(lambda one: "run" in one.parts and "heads" in one.parts, SECONDS)
    assert not visitor.exceptions
    await visitor.close()


async def ran(visitor: Visitor, runs: int) -> None:
    """Until one more run has ended, without anything that no page should show."""
    await visitor.until(lambda one: one.runs > runs, SECONDS)
    assert not visitor.exceptions, visitor.exceptions
    assert not [line for line in visitor.lines if OURS in line or "Traceback" in line], visitor.lines


def answer(url: str, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body; 0 where the server closes the connection at once."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)
    try:
        connection.putrequest(method, path, skip_host=headers is not None and "Host" in headers)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        got = connection.getresponse()
        return got.status, got.read(1_000_000)
    except (http.client.HTTPException, OSError):
        return 0, b""
    finally:
        connection.close()


def test_paths_lead_to_no_file_of_the_machine(server: serving.Served) -> None:
    index = answer(server.url, "/")[1]
    for path in PATHS:
        for method in ("GET", "HEAD", "PUT"):
            status, body = answer(server.url, path, method)
            assert status < 500, (path[:80], method, status)
            assert b"root:" not in body, path
            assert b"import " not in body or body == index, (path[:80], body[:200])


def test_headers_of_every_kind(server: serving.Served) -> None:
    for headers in HEADERS:
        assert answer(server.url, "/", headers=headers)[0] < 500, headers
        assert answer(server.url, "/_stcore/health", headers=headers)[0] < 500, headers


def test_addresses_of_every_kind(server: serving.Served) -> None:
    """In one session, each as if somebody had written it into the bar; some in sessions of their own."""

    async def visit(url: str) -> None:
        visitor = await Visitor.open(url, "model=local")
        await ran(visitor, 0)
        for query in QUERIES:
            visitor.query, runs = f"{query}&model=local" if "model=" not in query else query, visitor.runs
            await visitor.rerun()
            await ran(visitor, runs)
        await visitor.close()
        for query in QUERIES[::6]:
            visitor = await Visitor.open(url, query)
            await ran(visitor, 0)
            await visitor.close()

    visited(server, visit)


def test_messages_that_no_component_of_ours_would_send(server: serving.Served) -> None:
    async def visit(url: str) -> None:
        visitor = await Visitor.open(url, "model=storyteller&text=one+two")
        await visitor.until(lambda one: "predicted" in one.parts and one.runs > 0, SECONDS)
        for number, message in enumerate(MESSAGES):
            names = list(EVENTS)
            for name in (names[number % 2], names[2 + number % 2]):  # over the list every component hears half of it
                runs = visitor.runs
                await visitor.say(name, EVENTS[name][number % len(EVENTS[name])], message)
                await ran(visitor, runs)
        await visitor.close()

    visited(server, visit)


def test_typed_texts_in_one_session_and_a_memory_that_stays(server: serving.Served) -> None:
    process = psutil.Process(server.process.pid)

    async def visit(url: str) -> None:
        visitor = await Visitor.open(url, "model=local")
        await ran(visitor, 0)
        before = process.memory_info().rss
        some = [text for text in texts(99, 40) if "\ud800" <= max(text, default="") <= "\udfff" or text.isprintable()]
        for text in (*some, *(letter * PASTE for letter in "abcdefgh")):
            runs = visitor.runs
            await visitor.type(text)
            await ran(visitor, runs)
        assert process.memory_info().rss - before < 300_000_000
        await visitor.close()

    visited(server, visit)


def test_bytes_that_are_no_message(server: serving.Served) -> None:
    async def visit(url: str) -> None:
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        for raw in (b"", b"\0" * 100, b"\xff" * 10_000, b"\x5a\xff\xff\xff\xff\x0f", "text", "{}"):
            try:
                async with connect(address, subprotocols=["streamlit"], proxy=None) as socket:  # type: ignore[list-item]
                    await socket.send(raw)
                    async with asyncio.timeout(0.2):
                        await socket.recv()
            except (WebSocketException, TimeoutError, OSError):
                continue  # closed, or not answered

    visited(server, visit)


def test_who_comes_afterwards_gets_the_page(server: serving.Served) -> None:
    visited(server, _default)
