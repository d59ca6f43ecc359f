"""A blank page that holds the shared modules, to which trees come as packed bytes, as they come to a component."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, Page, Route

from attention.browser import codec

STATIC = Path(__file__).resolve().parents[2] / "static"
ADDRESS = "http://headlight.test"
# What a setup fetches as `/sent` has come with the script: a request that is answered from here costs five times that.
SENT = """() => {
    const outside = globalThis.fetch;
    globalThis.fetch = async (name) => (name === "/sent" ? new Response(globalThis.sent) : outside(name));
}"""
RUN = """([sent, argument]) => {
    globalThis.sent = Uint8Array.fromBase64(sent);
    return (SCRIPT)(argument);
}"""


class Lab:
    """The page, and what is sent to it: its own setup fetches `/sent`."""

    def __init__(self, page: Page, setup: str) -> None:
        self.page = page
        page.route("**/*", _answer)
        page.goto(ADDRESS)
        page.evaluate(SENT)
        page.evaluate(setup)

    def run(self, script: str, tree: dict[str, Any], argument: Any = None) -> Any:
        """What the script says of this tree, which its setup loads."""
        sent = base64.b64encode(codec.pack(tree)).decode("ascii")
        return self.page.evaluate(RUN.replace("SCRIPT", script), [sent, argument])


def _answer(route: Route) -> None:
    name = route.request.url.removeprefix(ADDRESS).strip("/")
    if name.endswith(".js"):
        route.fulfill(body=(STATIC / name).read_bytes(), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>lab</title>", content_type="text/html")


L = TypeVar("L", bound=Lab)


def opened(browser: Browser, made: type[L], setup: str) -> Iterator[L]:
    """The lab, for a fixture; errors on its page fail the tests that used it."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield made(page, setup)
    page.close()
    assert not errors
