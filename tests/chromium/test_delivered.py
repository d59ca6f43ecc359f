"""What a page fetches in one piece, in Chromium: every module is there, and a visit asks for nothing beside it."""

from playwright.sync_api import Page

from attention import assets, delivery
from tests.chromium import harness

MODULES = sorted(path.relative_to(assets.STATIC).as_posix() for path in assets.SHARED)
# Of each module what it exports, from its own file and from what is delivered.
EXPORTS = """async (names) => {
    const { start } = await import("/app/static/headlight.js?v=test");
    const settings = await (await fetch("/settings")).json();
    start(settings);
    const { load } = await import("/app/static/delivered.js?v=test");
    await import("/app/static/delivered_lessons.js?v=test");
    await import("/app/static/delivered_compare.js?v=test");
    await import("/app/static/delivered_views.js?v=test");
    (await load("/app/static/headlight.js?v=test")).start(settings);
    const told = (module) => Object.fromEntries(Object.keys(module).sort().map((name) => [name, typeof module[name]]));
    return Promise.all(names.map(async (name) => [
        told(await import(`/app/static/${name}?v=test`)), told(await load(`/app/static/${name}?v=test`)),
    ]));
}"""

# What a module asks another for and does not get. The linter cannot know: modules are loaded by names.
MISSING = """async ([script, names]) => {
    const [made, running, missing] = [new Map(), new Map(), []];
    globalThis.HEADLIGHT = await (await fetch("/settings")).json();
    globalThis.headlight = { define: (name, module) => made.set(name, module) };
    (0, eval)(script);
    const base = `${location.origin}/app/static/`;
    const run = async (name) => {
        const [url, exports] = [base + name, {}];
        await made.get(name)(exports, (specifier) => asked(new URL(specifier, url).pathname, name), { url });
        return exports;
    };
    const load = (name) => running.get(name) ?? running.set(name, run(name)).get(name);
    const asked = async (path, by) => {
        const name = path.slice("/app/static/".length);
        return new Proxy(await load(name), { get: (all, key) => {
            if (key !== "then" && !(key in all)) missing.push(`${by} asks ${name} for ${key}`);
            return all[key];
        } });
    };
    for (const name of names) await load(name);
    return missing;
}"""


def test_every_module_exports_the_same_as_from_its_own_file(page: Page) -> None:
    harness.empty(page)
    parts = {
        "": delivery.module(), "_lessons": delivery.lessons_module(), "_compare": delivery.compare_module(),
        "_views": delivery.views_module(),
    }  # fmt: skip
    for name, script in parts.items():
        answer = {"body": script, "content_type": "text/javascript"}
        page.route(f"**/app/static/delivered{name}.js*", lambda route, _, answer=answer: route.fulfill(**answer))
    found = page.evaluate(EXPORTS, MODULES)
    for name, (own, delivered) in zip(MODULES, found, strict=True):
        assert own == delivered, name
        assert own, name


def test_every_module_gets_what_it_asks_another_for(page: Page) -> None:
    harness.empty(page)
    names = [delivery.named(path) for path in assets.SOURCES]
    script = "".join(delivery.defined(delivery.named(path), path.read_text("utf-8")) for path in assets.SOURCES)
    assert page.evaluate(MISSING, [script, names]) == []
    planted = delivery.defined("planted.js", 'const { absent } = await import("./bus.js");\n')
    assert page.evaluate(MISSING, [script + planted, ["planted.js"]]) == ["planted.js asks bus.js for absent"]


def test_a_visit_fetches_one_module_of_ours_and_no_plotly(page: Page, app_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.wait_for_selector(".hl-figures[data-drawn]", timeout=120_000)
    ours = [url for url in asked if "/app/static/" in url and ".js" in url]
    assert [url.partition("/app/static/")[2] for url in ours] == [f"delivered.js?v={assets.version()}"]
