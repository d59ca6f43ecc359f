"""Fixtures of the Chromium tests: the app as a person runs it, and pages that watch their own console.

A test asks for `page` (one page at desktop size) or `open_page` (any size, colour scheme, touch), and for `settle`,
`shot` or `serve` where it needs them. A page that wrote an error to its console fails its test at the end, and an
exception that no script caught fails it wherever it was thrown, in whatever context a test opened by itself.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as NeverError

from tests.chromium import expecting, forked
from tests.chromium.pages import Kept, Pages, Scheme, hear_errors
from tools import chromium, serving

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / ".artifacts"
SETTLE_SECONDS = 60
DESKTOP = (1440, 1000)
# A person's language, clock and screen must not decide what is tested.
SAME_EVERYWHERE = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
# A page that lives for seconds gains nothing from a compiler that optimizes what was called some hundred times: what it
# made of Streamlit's scripts, anew for each page, took a tenth of a page's processor time. Ten times later it still
# speeds up what counts for long.
LATER = "--js-flags=--invocation-count-for-maglev=4000 --invocation-count-for-turbofan=30000"
# Without hinting's flag, letters are as wide as whole pixels in a Chromium without a window, and in no other.
FLAGS = (
    *chromium.FLAGS, "--lang=en-US", "--force-device-scale-factor=1", "--force-color-profile=srgb",
    "--font-render-hinting=none", LATER,
)  # fmt: skip
# When the page last changed, asked the server and heard of it.
WATCH = """(() => {
    if (globalThis.headlightRest) return;
    const rest = globalThis.headlightRest = { changed: performance.now(), asked: -Infinity, heard: 0, calm: 0 };
    const Plain = globalThis.WebSocket;
    globalThis.WebSocket = class extends Plain {
        constructor(...how) {
            super(...how);
            this.addEventListener("message", () => { rest.heard = performance.now(); });
        }
        send(data) {
            rest.asked = performance.now();
            return super.send(data);
        }
    };
    new MutationObserver(() => { rest.changed = performance.now(); rest.calm = 0; })
        .observe(document, { subtree: true, childList: true, attributes: true });
})()"""
# Asked so often: no script runs, nothing that was asked is unanswered or unsaid, and four looks found no change.
# To look in each frame would make the frames, and a page that waits for its server costs as much as one that moves.
LOOK_MS = 40
AT_REST = """() => {
    const rest = globalThis.headlightRest;
    const app = document.querySelector("[data-testid=stApp]");
    const stores = [...(globalThis.headlightStores?.values() ?? [])];
    const now = performance.now();
    const runs = app?.dataset.testScriptState !== "notRunning" || app.dataset.testConnectionState !== "CONNECTED"
        || !document.querySelector("[data-testid=stMain]")
        || document.querySelector("[data-testid=stStatusWidget], [data-testid=stSpinner], [data-testid=stSkeleton]");
    const waits = (rest.asked > rest.heard && now - rest.asked < 500)
        || stores.some(({ timer, local }) => timer && local.size);
    rest.calm = runs || waits ? 0 : rest.calm + 1;
    return rest.calm > 4 && now - rest.changed > 100;
}"""

# Resizing is drawn in the frames after it.
PAINTED = "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 150))"
TALLEST = """() => Math.min(6000, Math.max(
    ...[...document.querySelectorAll('[data-testid=stMain], body')].map(element => element.scrollHeight)))"""

Serve = Callable[..., str]
OpenPage = Callable[..., Page]
Contexts = Callable[..., BrowserContext]
Settle = Callable[[Page], None]
Shot = Callable[[Page, str], Path]


@pytest.fixture(scope="session", autouse=True)
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[forked.Line]:
    """A line to the process that all workers share, of which servers are copies, and what opens and fetches models."""
    own = tmp_path_factory.getbasetemp()
    line = forked.Line(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)
    if forked.can_start({}):
        line.check_strangers()
        line.fetch_models()
    yield line
    line.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Start a Streamlit script, with extra environment variables if need be, and get its URL; stopped at the end.

    cold: in a Python of its own, in which nothing is loaded before the first visit.
    """
    running: list[serving.Served] = []

    def start(script: str | Path = "app.py", *, cold: bool = False, **environment: str) -> str:
        log = tmp_path_factory.mktemp("streamlit") / "log.txt"
        spawn = serving.new_process
        if not cold and forked.can_start(environment):
            spawn = request.getfixturevalue("forks").start
        try:
            running.append(serving.start(Path(script), log, spawn=spawn, **environment))
        except serving.NotServedError as err:
            pytest.fail(str(err))
        return running[-1].url

    yield start
    for served in running:
        serving.stop(served)


@pytest.fixture(scope="session")
def serve_source(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """The URL of an app of this source, with our pages and modules beside it, and extra environment variables."""

    def start(source: str, **environment: str) -> str:
        folder = tmp_path_factory.mktemp("source")
        for name in ("pages", "static"):
            (folder / name).symlink_to(ROOT / name)
        script = folder / "app.py"
        script.write_text(source, encoding="utf-8")
        return serve(script, **environment)

    return start


@pytest.fixture(scope="session")
def app_url(serve: Serve) -> str:
    """URL of `streamlit run app.py`, offline, as it comes."""
    return serve("app.py")


@pytest.fixture(scope="session")
def page_errors() -> list[str]:
    """Exceptions that no script caught, of all pages; a test that expects one takes it out of the list."""
    return []


@pytest.fixture(autouse=True)
def no_page_error(request: pytest.FixtureRequest) -> Iterator[None]:
    """No page throws: neither one of this test, nor one that outlives it."""
    errors = request.getfixturevalue("page_errors") if "browser" in request.fixturenames else []
    yield
    found = errors[:]
    errors.clear()
    assert not found, "a page threw:\n" + "\n".join(found)


def watched(browser: Browser, page_errors: list[str]) -> Browser:
    """The browser, in which every context that anybody opens tells of exceptions that no script caught."""

    def watch(context: BrowserContext) -> None:
        context.on("weberror", lambda error: page_errors.append(str(error.error)))

    new_context, new_page = browser.new_context, browser.new_page

    def open_context(**options: Any) -> BrowserContext:
        context = new_context(**options)
        watch(context)
        return context

    def open_page(**options: Any) -> Page:
        page = new_page(**options)
        watch(page.context)
        return page

    browser.new_context, browser.new_page = open_context, open_page  # type: ignore[method-assign]
    return browser


@pytest.fixture(scope="session")
def browser(page_errors: list[str]) -> Iterator[Browser]:
    path = chromium.find_shell()
    if path is None:
        pytest.fail(
            "No Chromium was found (CI must have one)." if os.environ.get("CI") else
            f"No Chromium was found. Run `make test`, which installs one, or set {chromium.VARIABLE}."
        )
    expecting.wait_first()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), env={**os.environ, **SAME_EVERYWHERE}
        )
        yield watched(launched, page_errors)
        launched.close()
    assert not page_errors, "a page threw at the end:\n" + "\n".join(page_errors)


@pytest.fixture
def console_errors() -> list[str]:
    """What this test's pages wrote as errors; a test that expects one takes it out of the list."""
    return []


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """One context for fingers and one for a pointer, kept: what it has fetched and compiled serves all tests after."""
    kept: dict[bool, BrowserContext] = {}

    def context(touch: bool) -> BrowserContext:
        if touch not in kept:
            made = browser.new_context(has_touch=touch, is_mobile=touch)
            made.on("close", lambda _: kept.pop(touch, None))
            kept[touch] = made
        return kept[touch]

    return context


@pytest.fixture(scope="session")
def pages() -> Pages:
    """Pages that were open in earlier tests, at rest."""
    return Pages(WATCH)


@pytest.fixture
def open_page(contexts: Contexts, pages: Pages, console_errors: list[str]) -> Iterator[OpenPage]:
    """Open pages as a first visitor does: `open_page(url, size=(390, 844), scheme="dark", touch=True)`."""
    used: dict[BrowserContext, list[Kept]] = {}

    def open_one(
        url: str | None = None, *, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", touch: bool = False
    ) -> Page:
        context = contexts(touch)
        kept = pages.take(context, size, scheme)
        used.setdefault(context, []).append(kept)
        page = kept.page
        hear_errors(page, console_errors)
        if url is not None:
            page.goto(url)
        return page

    yield open_one
    for context, own in used.items():
        pages.give_back(context, own)
    assert not console_errors, "the browser's console has errors:\n" + "\n".join(console_errors)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One page at desktop size, nothing loaded yet."""
    return open_page()


@pytest.fixture(scope="session")
def settle() -> Settle:
    """Wait until no script runs, the server has answered, and the page stands still; fails where it never does."""

    def wait(page: Page) -> None:
        page.evaluate(WATCH)  # where the page was opened by other means
        page.evaluate("() => { headlightRest.calm = 0; }")
        try:
            page.wait_for_function(AT_REST, timeout=SETTLE_SECONDS * 1000, polling=LOOK_MS)
        except NeverError:
            pytest.fail(f"{page.url} never came to rest within {SETTLE_SECONDS} s")

    return wait


@pytest.fixture(scope="session")
def shot() -> Shot:
    """Save a screenshot of the whole page as `.artifacts/<name>.png` and get its path."""

    def save(page: Page, name: str) -> Path:
        target = ARTIFACTS / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name)}.png"
        target.parent.mkdir(exist_ok=True)
        before = page.viewport_size or {"width": DESKTOP[0], "height": DESKTOP[1]}
        # Streamlit scrolls inside an element of its own: only a window as tall as the content shows all of it.
        page.set_viewport_size({"width": before["width"], "height": max(before["height"], page.evaluate(TALLEST))})
        page.evaluate(PAINTED)
        page.screenshot(path=target)
        page.set_viewport_size(before)
        return target

    return save
