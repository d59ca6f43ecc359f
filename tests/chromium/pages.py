"""Pages that serve one test after another: one that has run the app has its scripts compiled, and opens it again
in less than half the processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import BrowserContext, CDPSession, Error, Page

Scheme = Literal["dark", "light"]
# What a test does to a page for good; such a page is closed with it.
FOR_GOOD = ("add_init_script", "add_locator_handler", "expose_binding", "expose_function")
# Tests that a page may serve.
MOST = 100
# Beginnings of addresses at which a page may stay between two tests, for the next one empties it.
EMPTIED: list[str] = []


def hear_errors(page: Page, errors: list[str]) -> None:
    """What the page writes to its console as an error, and what it throws, goes into the list."""
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))


@dataclass(eq=False)
class Kept:
    """One page: whom it tells of what happens on it, how often it was used, and whether it can be used again."""

    page: Page
    heard: list[tuple[str, Callable[..., Any]]] = field(default_factory=list)
    used: int = 0
    changed: bool = False
    _line: CDPSession | None = None

    def show(self, size: tuple[int, int], scheme: Scheme) -> None:
        """Be a window of that size, of a person who likes these colours and has asked for nothing else."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(media="null", color_scheme=scheme, reduced_motion="null", forced_colors="null")

    def watch(self) -> None:
        """Note what a test changes for good, and whom it lets hear."""
        for name in FOR_GOOD:
            setattr(self.page, name, self._noting(getattr(self.page, name)))
        listen = self.page.on

        def on(event: str, hear: Callable[..., Any]) -> None:
            self.heard.append((event, hear))
            listen(event, hear)  # type: ignore[call-overload]

        self.page.on = on  # type: ignore[method-assign]

    def _noting(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any, **named: Any) -> Any:
            self.changed = True
            return act(*given, **named)

        return note

    def rest(self) -> None:
        """Nobody hears of it any longer, and nothing of the last test is left."""
        for event, hear in self.heard:
            self.page.remove_listener(event, hear)
        self.heard.clear()
        self.page.mouse.move(0, 0)
        if not self.page.url.startswith(tuple(EMPTIED)):
            self.page.goto("about:blank")
        self.page.unroute_all()
        if self._line is None:
            self._line = self.page.context.new_cdp_session(self.page)
        self._line.send("Page.resetNavigationHistory")  # it has room for fifty entries


class Pages:
    """The pages of all contexts, one idle at most in each."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._idle: dict[BrowserContext, Kept] = {}

    def take(self, context: BrowserContext, size: tuple[int, int], scheme: Scheme) -> Kept:
        """A page of that size and in those colours that shows nothing yet."""
        kept = self._idle.pop(context, None)
        if kept is None or kept.page.is_closed():
            kept = Kept(context.new_page())
            kept.page.add_init_script(self._script)
            kept.watch()
        kept.show(size, scheme)
        kept.used += 1
        return kept

    def give_back(self, context: BrowserContext, pages: list[Kept]) -> None:
        """Keep one of a context's pages for the next test, forget what all of them stored, and close the others."""
        for page in context.pages:
            if page.url.startswith("http"):
                with suppress(Error):  # a page that crashed or never came has stored nothing
                    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        keep = next((one for one in pages if not (one.changed or one.used >= MOST or one.page.is_closed())), None)
        if keep is not None:
            try:
                keep.rest()
            except Error:
                keep = None
        for page in context.pages:
            if keep is None or page is not keep.page:
                page.close()
        if keep is not None:
            self._idle[context] = keep
        context.clear_cookies()
        context.clear_permissions()
