"""A long text, of which only what the view shows travels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser

import attention
from attention.browser import store
from attention.record import HeadView
from attention.view import View
from benchmarks.page import models, opening
from benchmarks.page.times import ROUNDS, spread, spreads

LENGTH = 4_096
WINDOW = (1_024, 1_279, 1_024, 1_279)


def measure(browser: Browser, url: str) -> Iterator[dict[str, Any]]:
    """Rows for the server's part, of the whole map and of a window of 256 × 256, and for the browser's."""
    text = models.words(LENGTH)
    head = attention.trace("local", text).head(0, 0)
    for name, zoom in (("whole map", None), ("window", WINDOW)):
        yield {"what": "long text, server", "part": name, "tokens": LENGTH, **_made(head, zoom)}
    with opening.inspect(browser, url, model="local", text=text) as page:
        times = page.evaluate("rounds => acts.pins(rounds)", ROUNDS)
        yield {
            "what": "long text, page", "part": "whole map", "tokens": opening.tokens(page),
            **spreads(times, "ms", "largest", "bytes"),
            "painted_after_arrival": spread([one["ms"] - one["largest"] for one in times]),
        }  # fmt: skip


def _made(head: HeadView, zoom: tuple[int, int, int, int] | None) -> dict[str, Any]:
    """Seconds and bytes of the run that travels; another pin each time, so that none is there already."""
    times, sizes = [], []
    for i in range(ROUNDS):
        started = time.perf_counter()
        data = store.run(head, View(query=LENGTH - 1 - i, zoom=zoom))
        times.append(time.perf_counter() - started)
        sizes.append(len(data))
    return {"travels": store.level(head.trace, head.kind), "seconds": spread(times), "bytes": spread(sizes)}
