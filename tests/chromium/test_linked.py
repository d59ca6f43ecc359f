"""One place, all views: what is pointed at in one is marked in all others, and the server never hears of it."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium.opened import DRAWN, Opened

# High enough for everything to be in the window, so that the pointer reaches each view without scrolling.
SIZE = (1440, 2000)
SECONDS = 60_000
STORY = {"v": "1"}
BY_DIMENSION = STORY | {"lens": "dimensions"}
AVERAGES = STORY | {"lens": "averages"}
DATES = {"v": "1", "model": "dates", "text": "3 May 1998", "pair": "1998-05-03", "kind": "cross", "query": "2"}
MAPS = {"Scores": 0, "Weights": 1, "Weighted values": 2}
# deep(selector): the elements on the page and in all shadow roots. seen(): what every view shows, after two frames.
EYES = """() => {
    const hosts = (root) => [...root.querySelectorAll("*")].filter((one) => one.shadowRoot);
    const roots = (root = document) => [root, ...hosts(root).flatMap((one) => roots(one.shadowRoot))];
    const within = (all, selector) => all.flatMap((root) => [...root.querySelectorAll(selector)]);
    globalThis.deep = (selector) => within(roots(), selector);
    const isSeen = (one) => one.offsetParent && getComputedStyle(one).display !== "none";
    const at = (list, name) => list.flatMap((one, i) => (one.classList.contains(name) ? [i] : []));
    const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    globalThis.seen = async () => {
        await frames();
        const all = roots();
        const found = (selector) => within(all, selector);
        const text = (selector) => found(selector).map((one) => one.textContent).join("|");
        const marks = (selector) => found(selector).filter(isSeen).map(({ style }) => [style.top, style.left]);
        const [overview] = found(".heads canvas");
        const looked = found(".sentence .tokens:not(.asking) .token");
        const asking = found(".sentence .asking .token");
        const links = found("canvas.strong")[0]?.links;
        return {
            overview: overview.toDataURL(),
            sentence: {
                rows: at(asking.length ? asking : looked, "row"), columns: at(looked, "column"),
                said: text(".sentence .top"),
                shades: looked.map((one) => one.getAttribute("aria-label")),
            },
            maps: {
                rows: marks(".hl-panel .hl-row"), columns: marks(".hl-panel .hl-column"),
                tip: text(".hl-tip:not([hidden])"),
            },
            arithmetic: {
                title: text(".arithmetic h3"),
                here: found(".arithmetic tr.here").map((one) => Number(one.dataset.key)),
                rows: text(".arithmetic tbody tr"),
            },
            links: links ? links.map(({ query, key }) => [query, key]) : null,
            lens: {
                marks: [marks(".hl-map-panel .hl-row"), marks(".hl-map-panel .hl-column")],
                said: text(".dimensions"),
            },
        };
    };
    if ("frames_sent" in globalThis) return;
    const send = WebSocket.prototype.send;
    globalThis.frames_sent = 0;
    WebSocket.prototype.send = function (data) { frames_sent += 1; return send.call(this, data); };
}"""
SEEN = "() => seen()"
SENT = "() => frames_sent"
CELL = """([index, row, column]) => {
    const cover = document.querySelectorAll(".hl-cover")[index];
    const [rows, columns] = document.querySelectorAll(".hl-cells")[index].cells.z.shape;
    const box = cover.getBoundingClientRect();
    return [box.left + ((column + 0.5) / columns) * box.width, box.top + ((row + 0.5) / rows) * box.height];
}"""
MAP_CELL = """([row, column]) => {
    const cover = deep(".hl-map-cover").find((one) => one.offsetParent);
    const z = deep(".hl-map-plot").find((one) => one.offsetParent).data[0].z;
    const box = cover.getBoundingClientRect();
    return [box.left + ((column + 0.5) / z[0].length) * box.width, box.top + ((row + 0.5) / z.length) * box.height];
}"""
HOVER = "() => headlightStores.get('inspect').last.get('hover') ?? null"
TOKENS = """() => {
    const { queries, keys } = headlightStores.get('inspect').run.tokens;
    const [asking, looked] = [queries, keys].map((side) => side.map(({ name }) => name));
    return { queries: asking, keys: looked, pin: headlightStores.get('inspect').shown.look.query };
}"""
NOWHERE = (5, 5)

Move = Callable[[Page], None]


def cell(panel: str, row: int, column: int) -> Move:
    return lambda page: page.mouse.move(*page.evaluate(CELL, [MAPS[panel], row, column]))


def element(selector: str) -> Move:
    return lambda page: page.locator(selector).hover()


def thumbnail(page: Page) -> None:
    """Into the picture of the first head, about its middle."""
    box = page.locator(".heads canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 24)


def average(row: int, column: int) -> Move:
    return lambda page: page.mouse.move(*page.evaluate(MAP_CELL, [row, column]))


def strip(side: str, row: int) -> Move:
    """Onto a token's line in the strip of queries or of keys."""

    def move(page: Page) -> None:
        found = page.locator(".dimensions .strip").filter(has=page.locator(f"h5.{side}")).locator(".sheet")
        box, count = found.bounding_box(), len(page.evaluate(TOKENS)["keys" if side == "key" else "queries"])
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * (row + 0.5) / count)

    return move


class Inspect:
    """A page that stays open for the whole file, and shows one link after another."""

    def __init__(self, browser: Browser, url: str, settle: Callable[[Page], None]) -> None:
        self.opened = Opened(browser, url, settle, size=SIZE)

    def open(self, query: dict[str, str]) -> Page:
        """The page at rest, all keys of its arithmetic listed, the pointer on nothing and no frame counted."""
        link, page = f"?{urlencode(query)}", self.opened.page
        # What is only pointed at leaves the page as it was.
        if self.opened.link != link:
            self.opened.at(link)
            ready(page)
            more = page.locator(".arithmetic button.more[aria-expanded=false]")
            if more.count():
                more.click()
                page.wait_for_timeout(100)
        page.mouse.move(*NOWHERE)
        page.evaluate("() => { frames_sent = 0; }")
        return page


def ready(page: Page) -> None:
    """All views of the link are there, and can be looked at."""
    page.wait_for_selector(".hl-foot", timeout=SECONDS)
    details = ".st-key-details-panel .links .token, .dimensions canvas, .hl-map[data-drawn]"
    page.wait_for_selector(details, timeout=SECONDS)
    page.evaluate(EYES)


@pytest.fixture(scope="module")
def inspect(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Inspect]:
    made = Inspect(browser, app_url, settle)
    yield made
    made.opened.close()


# view: the link of the page that shows it, how the pointer gets there, and the query and key that are there then.
VIEWS: dict[str, tuple[dict[str, str], Move, int | None, int | None]] = {
    "a token of the sentence": (STORY, element(".sentence .token >> nth=3"), None, 3),
    "a query of the links": (STORY, element("#query-9"), 9, None),
    "a key of the links": (STORY, element("#key-4"), None, 4),
    "a cell of the scores": (STORY, cell("Scores", 9, 4), 9, 4),
    "a masked cell of the scores": (STORY, cell("Scores", 2, 9), 2, 9),
    "a cell of the weights": (STORY, cell("Weights", 10, 2), 10, 2),
    "a cell of the values": (STORY, cell("Weighted values", 6, 20), 6, None),
    "a line of the arithmetic": (STORY, element(".arithmetic tr[data-key='5']"), None, 5),
    "a query's vector": (BY_DIMENSION, strip("query", 6), 6, None),
    "a key's vector": (BY_DIMENSION, strip("key", 2), 8, 2),
    "a cell beside the products": (BY_DIMENSION, cell("Weights", 9, 3), 9, 3),
    "a cell of the averages": (AVERAGES, average(9, 4), 9, 4),
    "a cell beside the averages": (AVERAGES, cell("Scores", 10, 5), 10, 5),
    "a token that asks": (DATES, element(".sentence .asking .token >> nth=5"), 5, None),
    "a token that is looked at": (DATES, element(".sentence .tokens:not(.asking) .token >> nth=4"), None, 4),
    "a target's query in the links": (DATES, element("#query-6"), 6, None),
    "a source's key in the links": (DATES, element("#key-8"), None, 8),
    "an alignment's score": (DATES, cell("Scores", 7, 3), 7, 3),
    "an alignment's weight": (DATES, cell("Weights", 4, 10), 4, 10),
    "an alignment's value": (DATES, cell("Weighted values", 9, 11), 9, None),
    "an alignment's line": (DATES, element(".arithmetic tr[data-key='7']"), None, 7),
}  # fmt: skip


@pytest.mark.parametrize(("link", "move", "query", "key"), VIEWS.values(), ids=VIEWS)
def test_what_is_pointed_at_is_marked_in_every_view(
    inspect: Inspect, link: dict[str, str], move: Move, query: int | None, key: int | None
) -> None:
    page = inspect.open(link)
    before, tokens = page.evaluate(SEEN), page.evaluate(TOKENS)
    move(page)
    after = page.evaluate(SEEN)
    hover = page.evaluate(HOVER)
    assert (hover["query"], hover["key"]) == (query, key)
    check(link, before, after, tokens, query, key)
    page.mouse.move(*NOWHERE)
    assert page.evaluate(SEEN) == before, "what was pointed at is left as it was"
    assert page.evaluate(SENT) == 0


@pytest.mark.parametrize("link", [DATES, STORY], ids=["two texts", "one text"])
def test_a_row_of_a_heads_small_picture_is_marked_in_every_view(inspect: Inspect, link: dict[str, str]) -> None:
    page = inspect.open(link)
    before, tokens = page.evaluate(SEEN), page.evaluate(TOKENS)
    thumbnail(page)
    after = page.evaluate(SEEN)
    hover = page.evaluate(HOVER)
    assert hover["from"] == "heads"
    assert hover["query"] not in (None, tokens["pin"])
    check(link, before, after, tokens, hover["query"], None)
    page.mouse.move(*NOWHERE)
    assert page.evaluate(SEEN) == before
    assert page.evaluate(SENT) == 0


def check(
    link: dict[str, str], before: Any, after: Any, tokens: dict[str, Any], query: int | None, key: int | None
) -> None:
    """Every view shows this query and this key, each in its own way; a pinned row keeps its outline and no other."""
    name = None if query is None else tokens["queries"][query]
    row = query if query != tokens["pin"] else None
    lies_at(after["maps"]["rows"], "top", row, len(tokens["queries"]), 3)
    lies_at(after["maps"]["columns"], "left", key, len(tokens["keys"]), 2)
    assert after["sentence"]["rows"] == ([] if row is None else [row])
    assert after["sentence"]["columns"] == ([] if key is None else [key])
    if row is not None:
        assert after["sentence"]["said"].startswith(f"“{name}” looks at")
        assert after["arithmetic"]["title"].startswith(f"The arithmetic of “{name}”")
        assert after["arithmetic"]["rows"] != before["arithmetic"]["rows"]
        assert after["sentence"]["shades"] != before["sentence"]["shades"]
    if key is not None:
        assert f"“{tokens['keys'][key]}” " in after["sentence"]["said"]
    assert after["arithmetic"]["here"] == ([] if key is None else [key])
    assert after["overview"] != before["overview"]
    lens = link.get("lens", "links")
    if lens == "links":
        arriving = query is None
        assert {pair[arriving] for pair in after["links"]} == {key if arriving else query}
        assert after["links"] != before["links"]
    elif lens == "dimensions":
        assert after["lens"]["said"] != before["lens"]["said"]
    else:
        rows, columns = after["lens"]["marks"]
        lies_at(rows, "top", row, len(tokens["queries"]), 2)
        lies_at(columns, "left", key, len(tokens["keys"]), 2)


def lies_at(marks: list[list[str]], side: str, place: int | None, count: int, panels: int) -> None:
    """A mark in each of so many panels, over that row or column; or nowhere."""
    if place is None:
        assert marks == []
        return
    assert len(marks) == panels
    for mark in marks:
        assert float(mark[side == "left"].rstrip("%")) == pytest.approx(100 * place / count, abs=1e-3)


def test_a_line_of_the_arithmetic_stays_the_same_element_while_it_is_pointed_at(
    open_page: Callable[..., Page], app_url: str, settle: Callable[[Page], None]
) -> None:
    """A line that is made anew below the pointer never hears that the pointer left. Nothing was pointed at before."""
    page = open_page(f"{app_url}/?{urlencode(STORY | {'query': '7'})}", size=SIZE)
    page.wait_for_selector(DRAWN, timeout=SECONDS)
    settle(page)
    ready(page)
    line = page.locator(".arithmetic tr[data-key='0']").element_handle()
    page.locator(".arithmetic tr[data-key='0']").hover()
    assert line.evaluate("(line) => line.isConnected")
    assert page.evaluate(SENT) == 0
    page.locator(".sentence .token >> nth=3").click()
    settle(page)
    assert page.evaluate(SENT) > 0, "what the server hears is counted"


def test_the_pin_has_the_same_outline_everywhere_and_stays_while_another_row_is_pointed_at(inspect: Inspect) -> None:
    page = inspect.open(STORY)
    pins = """() => ['.hl-panel .hl-pin', '.sentence .pinned'].map(
        (name) => deep(name).filter((one) => one.offsetParent).length)"""
    assert page.evaluate(pins) == [3, 1]
    cell("Weights", 10, 2)(page)
    assert page.evaluate(pins) == [3, 1]
    page.mouse.move(*NOWHERE)
