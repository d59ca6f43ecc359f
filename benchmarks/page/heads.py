"""The map of all heads: how long it takes to draw, and to follow the pointer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

import attention
from attention.browser import overview
from attention.view import View
from benchmarks.page import hover, models, opening
from benchmarks.page.times import ROUNDS, spreads

SHORT = 24


def measure(browser: Browser, url: str, folder: Path) -> Iterator[dict[str, Any]]:
    """A row a model: 24, 144 and 3,072 heads. folder: where the models are."""
    cases = [
        ("storyteller", "storyteller", models.story(64)),
        ("gpt2-small-size", str(folder / "gpt2-small-size"), models.words(64)),
        ("wide", str(folder / "wide"), models.words(SHORT)),
    ]
    for name, source, text in cases:
        trace = attention.trace(source, text)
        data = overview.payload(trace, trace.default_kind, View())
        sent = base64.b64encode(data).decode("ascii")
        with opening.inspect(browser, url, model=name if name == source else f"./{name}", text=text) as page:
            drawn = page.evaluate("([data, rounds]) => acts.overview(data, rounds)", [sent, ROUNDS])
            yield {
                "what": "overview", "heads": sum(record.n_heads for record in trace.records().values()),
                "tokens": opening.tokens(page), "bytes": len(data),
                "draw": spreads(drawn["times"], "ms", "work", "handler"), "idle": spreads(drawn["idle"], "ms", "work"),
                "hover": hover.of(page, "overview"),
            }  # fmt: skip
