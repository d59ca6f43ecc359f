"""From the pointer to the highlight, in each view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.page import models, opening
from benchmarks.page.times import ROUNDS, spreads

LENGTHS = (12, 128)
VIEWS = ("heatmap", "sentence", "links", "arithmetic", "overview")


def measure(browser: Browser, url: str) -> Iterator[dict[str, Any]]:
    """A row a view and length."""
    for n in LENGTHS:
        with opening.inspect(browser, url, model="storyteller", text=models.story(n)) as page:
            for view in VIEWS:
                yield {"what": "hover", "view": view, "tokens": opening.tokens(page), **of(page, view)}


def of(page: Page, view: str) -> dict[str, Any]:
    """Times of one view of a page, beside those of doing nothing, and how many messages the server got meanwhile."""
    seen = page.evaluate("([view, rounds]) => acts.hover(view, rounds)", [view, ROUNDS])
    if not seen["marked"]:
        raise RuntimeError(f"The pointer over the {view} marked nothing.")
    return {
        **spreads(seen["moves"], "ms", "work", "handler"),
        "idle": spreads(seen["idle"], "ms", "work"),
        "messages": seen["sent"],
    }
