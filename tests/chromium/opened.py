"""A page of the app that stays open for the tests of a file: each finds what its link shows, without loading it anew.

What a test changed is taken back as a person would, with the browser's Back. Another link comes into the address of the
open page, which the app follows as it follows Back. A test of a session in which nothing was done yet, or of what
loading a link does, opens a page of its own.
"""

from collections.abc import Callable

from playwright.sync_api import Browser, Page

from tests.chromium.fixtures import DESKTOP, WATCH
from tests.chromium.pages import hear_errors

SECONDS = 60_000
DRAWN = ".hl-figures[data-drawn]"
# Nothing has the focus, and the page shows its beginning.
LET_GO = """() => {
    let one = document.activeElement;
    while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    one?.blur();
    document.querySelector("[data-testid=stMain]").scrollTo({ top: 0, behavior: "instant" });
}"""
ENTRY = "() => navigation.currentEntry.key"
BACK = "(entry) => navigation.traverseTo(entry).finished.then(() => {})"
# Another address in the same tab, of which the app hears as it hears of Back.
MOVE = """(address) => {
    history.pushState({}, "", address);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}"""


class Opened:
    """One page, which shows one link at a time."""

    def __init__(
        self, browser: Browser, url: str, settle: Callable[[Page], None], *, size: tuple[int, int] = DESKTOP,
        touch: bool = False,
    ) -> None:  # fmt: skip
        self.url, self.settle, self.size = url, settle, size
        self.errors: list[str] = []
        self.link = self.address = self.entry = ""
        self.page = browser.new_context(has_touch=touch, is_mobile=touch).new_page()
        self.page.add_init_script(WATCH)
        hear_errors(self.page, self.errors)

    def at(self, link: str) -> Page:
        """The page at rest, as a first visitor of that link has it before anything is done."""
        page = self.page
        page.set_viewport_size({"width": self.size[0], "height": self.size[1]})
        page.emulate_media(color_scheme="light")
        page.mouse.move(0, 0)
        if self.link:
            page.evaluate(LET_GO)
            self.settle(page)  # what the server has not answered yet would come, or make an entry, after the step away
        if self._went(link):
            page.wait_for_selector(DRAWN, timeout=SECONDS)
            self.settle(page)
        if link != self.link:
            self.link, self.address, self.entry = link, page.url, page.evaluate(ENTRY)
        assert page.url == self.address
        return page

    def _went(self, link: str) -> bool:
        """Go to the link; whether anything had to be done for it."""
        if not self.link:
            self.page.goto(f"{self.url}/{link}")
        elif link != self.link:
            self.page.evaluate(MOVE, f"{self.url}/{link}")
        elif self.page.evaluate(ENTRY) != self.entry:
            self.page.evaluate(BACK, self.entry)
        else:
            return False
        return True

    def check(self) -> None:
        """It has written no error since this was asked last."""
        found = self.errors[:]
        self.errors.clear()
        assert not found, "the browser's console has errors:\n" + "\n".join(found)

    def close(self) -> None:
        """No test needs it any longer."""
        self.page.context.close()
        self.check()
