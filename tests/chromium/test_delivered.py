"""What a page fetches in one piece, in Chromium: every module is there, and a visit asks for nothing beside it."""

from playwright.sync_api import Page

from attention import assets, bundle
from tests.chromium import harness

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
    harness.empty(page)
    page.route(
        "**/app/static/delivered.js*", lambda route: route.fulfill(body=bundle.module(), content_type="text/javascript")
    )
    found = page.evaluate(EXPORTS, MODULES)
    for name, (own, delivered) in zip(MODULES, found, strict=True):
        assert own == delivered, name
        assert own, name


def test_a_visit_fetches_one_module_of_ours_and_no_plotly(page: Page, app_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=120_000)
    ours = [url for url in asked if "/app/static/" in url and ".js" in url]
    assert [url.partition("/app/static/")[2] for url in ours] == [f"delivered.js?v={assets.version()}"]
