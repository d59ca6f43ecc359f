"""Nothing on the page moves that nobody asked to move: a visit in Chromium, watched for shifts of its layout."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

SENTENCE = "The cat sat on the mat because it was tired."
WATCH = """() => {
    window.shifts = [];
    const told = ({ node, previousRect, currentRect }) => [node?.className ?? node?.data, previousRect, currentRect];
    const entry = ({ value, sources }) => ({ value, sources: sources.map(told) });
    const note = (list) => window.shifts.push(...list.map(entry));
    window.watcher = new PerformanceObserver((list) => note(list.getEntries()));
    window.watcher.observe({ type: "layout-shift" });
    window.shiftsSoFar = () => { note(window.watcher.takeRecords()); return window.shifts; };
}"""
# Where the parts and the maps stand; of a component in a shadow root, too.
PLACES = """() => {
    const all = (root, selector) => [...root.querySelectorAll(selector),
        ...[...root.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? all(one.shadowRoot, selector) : []))];
    const parts = [
        "prompt", "heads", "hl-habit", "st-key-prediction", "sentence", "controls", "hl-cover", "arithmetic"];
    return Object.fromEntries(parts.map((part) => [part, all(document, `.${part}`).map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return (part === "hl-cover" ? [x, y, width, height] : [x, y]).map(Math.round);
    })]));
}"""


def switch(page: Page, panel: int, place: int) -> Callable[[], None]:
    return lambda: page.locator(".hl-panel").nth(panel).locator(".hl-switches button").nth(place).click()


def pinned(page: Page, place: int) -> Callable[[], None]:
    return lambda: page.locator(".sentence .token").nth(place).click()


def pressed(page: Page, name: str) -> Callable[[], None]:
    return lambda: page.get_by_role("button", name=name, exact=True).click()


def visit(page: Page) -> dict[str, Callable[[], None]]:
    """What a person does, by name: steps through heads, other numbers, changes and pins."""
    return {
        "the next head": lambda: page.keyboard.press("ArrowRight"),
        "the next layer": lambda: page.keyboard.press("Shift+ArrowDown"),
        "what is brought": switch(page, 1, 1),
        "after W_O": switch(page, 2, 1),
        "another head of both": lambda: page.keyboard.press("ArrowLeft"),
        "weights again": switch(page, 1, 0),
        "output again": switch(page, 2, 0),
        "a temperature": lambda: page.locator(".controls input[type=range]").fill("2"),
        "the first token left out": pressed(page, "first token"),
        "its share to the rest": pressed(page, "rest shares the row"),
        "all as it was": pressed(page, "reset"),
        "several": pressed(page, "several"),
        **{f"a pin at {place}": pinned(page, place) for place in (3, 5, 7, 9, 10)},
        "their sum": pressed(page, "sum"),
    }


def test_nothing_moves_that_nobody_asked_to_move(open_page, app_url, settle):
    page = open_page(f"{app_url}/?text={SENTENCE}")
    expect(page.locator(".hl-figures")).to_have_attribute("data-drawn", re.compile(r"\d"), timeout=60_000)
    expect(page.locator(".predicted")).to_be_visible(timeout=60_000)
    settle(page)
    page.evaluate(WATCH)
    before: Any = page.evaluate(PLACES)
    assert all(before.values()), before
    for name, act in visit(page).items():
        act()
        expect(page.locator(".hl-awaited"), name).to_have_count(0, timeout=60_000)
        assert page.evaluate(PLACES) == before, name
    settle(page)
    assert page.evaluate(PLACES) == before
    assert [shift for shift in page.evaluate("() => window.shiftsSoFar()") if is_of_the_page(shift)] == []


def is_of_the_page(shift: dict[str, Any]) -> bool:
    """Not of a mark, which goes where the pointer or the pin goes, however late on a busy machine; and not one that
    names nothing, which is of an element that another has replaced meanwhile.
    """
    return bool(shift["value"]) and any("hl-mark" not in str(name) for name, *_ in shift["sources"])
