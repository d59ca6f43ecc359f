"""What a page fetches in one piece, in Chromium: every module is there, and a visit asks for nothing beside it."""

from pathlib import Path

from playwright.sync_api import Browser, Page
from streamlit import file_util

from attention import assets, bundle
from attention.ui import preload
from tests.browser import harness

MODULES = sorted(path.relative_to(assets.STATIC).as_posix() for path in assets.SHARED)
# Of each module what it exports, from its own file and from what is delivered.
EXPORTS = """async (names) => {
    const { start } = await import("/app/static/headlight.js?v=test");
    const settings = await (await fetch("/settings")).json();
    start(settings);
    const { load } = await import("/app/static/delivered.js?v=test");
    (await load("/app/static/headlight.js?v=test")).start(settings);
    const told = (module) => Object.fromEntries(Object.keys(module).sort().map((name) => [name, typeof module[name]]));
    return Promise.all(names.map(async (name) => [
        told(await import(`/app/static/${name}?v=test`)), told(await load(`/app/static/${name}?v=test`)),
    ]));
}"""


def test_every_module_exports_the_same_as_from_its_own_file(page: Page) -> None:
    harness.desk(page)
    page.route(
        "**/app/static/delivered.js*", lambda route: route.fulfill(body=bundle.module(), content_type="text/javascript")
    )
    found = page.evaluate(EXPORTS, MODULES)
    for name, (own, delivered) in zip(MODULES, found, strict=True):
        assert own == delivered, name
        assert own, name


def test_a_visit_fetches_one_module_of_ours_and_no_plotly(page: Page, browser: Browser, app_url: str) -> None:
    page.goto(app_url)
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=120_000)
    # From the second visitor of a process on its page names what it needs.
    context = browser.new_context()
    try:
        _visit(context.new_page(), app_url)
    finally:
        context.close()


def _visit(page: Page, app_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=120_000)
    ours = [url for url in asked if "/app/static/" in url and ".js" in url]
    assert [url.partition("/app/static/")[2] for url in ours] == ["preload.js", f"delivered.js?v={assets.version()}"]
    # Each of Streamlit's parts was named by the page: its own loader found nothing left to fetch beforehand.
    named = page.locator("link[rel=modulepreload], script[src]")
    links = named.evaluate_all("(all) => all.map((one) => one.href ?? one.src)")
    assert len(links) == len(set(links))
    shown = preload.files(Path(file_util.get_static_dir()) / preload.SCRIPTS)
    fetched, named = ({url.rpartition("/")[2] for url in urls} for urls in (asked, links))
    assert set(shown) <= fetched
    assert (fetched - named).isdisjoint(shown)
