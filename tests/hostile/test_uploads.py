"""Files that one session after another sends to a real server: refused without a place for them, bounded with one."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from benchmarks.load.visitor import Visitor
from tests.chromium.forked import Line
from tests.own_loop import in_own_loop
from tools import serving

SECONDS, MEGABYTES, LINE = 300, 10, "----headlight"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, forks: Line) -> Iterator[serving.Served]:
    log = tmp_path_factory.mktemp("uploads") / "log.txt"
    small = {"HEADLIGHT_FILE_MB": "16", "HEADLIGHT_FILES_MB": "20", "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false"}
    with serving.serving(Path("app.py"), log, spawn=forks.start, OMP_NUM_THREADS="1", **small) as served:
        yield served
        assert served.process.poll() is None


def put(url: str, session: str, name: str) -> int:
    """Send one file of ten megabytes as a browser does; the status of the answer."""
    place = urlsplit(url)
    head = f'--{LINE}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.npz"\r\n\r\n'.encode()
    body = head + b"\1" * (MEGABYTES * 1_000_000) + f"\r\n--{LINE}--\r\n".encode()
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)
    try:
        kind = {"Content-Type": f"multipart/form-data; boundary={LINE}"}
        connection.request("PUT", f"/_stcore/upload_file/{session}/{name}", body, kind)
        return connection.getresponse().status
    finally:
        connection.close()


def test_files_are_bounded_in_number_and_bytes(server: serving.Served) -> None:
    process = psutil.Process(server.process.pid)

    async def sent(visitor: Visitor, count: int) -> set[int]:
        """The answers to so many files, each under a name of its own."""
        names = [f"file{number}" for number in range(count)]
        return {await asyncio.to_thread(put, server.url, visitor.session, f"{count}-{name}") for name in names}

    async def visit(url: str) -> None:
        visitor = await Visitor.open(url, "model=local&text=one+two")
        await visitor.until(lambda one: "run" in one.parts and one.runs > 0, SECONDS)
        assert await sent(visitor, 3) == {403}
        before = process.memory_info().rss
        # They would be 250 MB; what their way through the server takes is freed late.
        assert await sent(visitor, 25) == {403}
        assert process.memory_info().rss - before < 150_000_000
        await visitor.say("bar", "share", True)
        await visitor.until(lambda one: "file_uploader" in one.widgets.values(), SECONDS)
        # What the panel itself needs is loaded by then.
        assert await sent(visitor, 3) == {204}
        before = process.memory_info().rss
        assert await sent(visitor, 25) == {204}
        assert process.memory_info().rss - before < 150_000_000
        await visitor.close()
        assert await asyncio.to_thread(put, url, visitor.session, "late") == 400

    in_own_loop(lambda: asyncio.run(visit(server.url)))
