"""The app in Chromium: a page with the benchmark's own eyes in it, come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
SCRIPTS = tuple((HERE / name).read_text(encoding="utf-8") for name in ("probe.js", "acts.js"))
SIZE = (1440, 1000)
# The parts of the page that come last: the maps with their axes, all heads, the links, the foot.
DRAWN = (".hl-figures[data-drawn]", ".heads canvas", ".column.query .token", ".hl-foot")
SECONDS = 120_000


@contextmanager
def bare(browser: Browser) -> Iterator[Page]:
    """A page of its own, with the probe in whatever it opens."""
    context = browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    for script in SCRIPTS:
        page.add_init_script(script)
    try:
        yield page
    finally:
        context.close()


@contextmanager
def inspect(browser: Browser, url: str, **view: str | int) -> Iterator[Page]:
    """The inspect page of this view, everything on it drawn."""
    with bare(browser) as page:
        show(page, url, **view)
        yield page


def show(page: Page, url: str, **view: str | int) -> None:
    """Go to this view and wait until the page has come to rest."""
    page.goto(f"{url}/?{urlencode({'v': 1} | view)}")
    for part in DRAWN:
        page.wait_for_selector(part, state="attached")
    page.evaluate("() => probe.answered()")
    page.evaluate("() => probe.quiet(1000)")


def tokens(page: Page) -> int:
    """How many tokens the page shows."""
    return int(page.evaluate("() => globalThis.headlightStores.get('inspect').shown.run.tokens.keys.length"))
