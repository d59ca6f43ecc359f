"""The projector's layout: what one talks about is seen at once, a key switches it, and the address carries it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

TEXT = "The cat sat on the mat because it was tired."
LONG = " ".join([TEXT] * 9)
# A projector's 1280 × 720, and the same with the browser's zoom at 150 %.
SIZES = {"whole": (1280, 720), "150 %": (853, 480)}
BOXES = """(selectors) => {
    const all = (root, selector) => [...root.querySelectorAll(selector),
        ...[...root.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? all(one.shadowRoot, selector) : []))];
    return Object.fromEntries(selectors.map((selector) => [selector, all(document, selector)
        .filter((one) => one.checkVisibility({ visibilityProperty: true })).map((one) => {
            const { x, y, right, bottom } = one.getBoundingClientRect();
            return [x, y, right, bottom];
        })]));
}"""
SEEN = (".hl-cover", ".hl-pin", ".hl-panel h3", ".sentence .pinned", ".sentence .top")
GONE = (".bar nav", ".prompt", ".heads", ".controls", ".predicted", ".links", ".hl-foot")


def ready(page: Page) -> None:
    expect(page.locator(".hl-figures")).to_have_attribute("data-drawn", re.compile(r"\d"), timeout=60_000)


def boxes(page: Page, *selectors: str) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = page.evaluate(BOXES, list(selectors))
    return found


def outside(page: Page, found: dict[str, list[list[float]]]) -> dict[str, list[list[float]]]:
    """Those boxes that are not wholly within the window."""
    size: Any = page.viewport_size
    apart = {
        name: [box for box in all_ if box[0] < 0 or box[1] < 0 or box[2] > size["width"] + 1 or box[3] > size["height"]]
        for name, all_ in found.items()
    }
    return {name: all_ for name, all_ in apart.items() if all_}


def presenting(open_page: Any, url: str, size: tuple[int, int], settle: Any) -> Page:
    page: Page = open_page(url, size=size)
    ready(page)
    settle(page)
    page.keyboard.press("p")
    settle(page)
    return page


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_at_twelve_tokens_panels_and_the_row_are_seen_together(open_page, app_url, settle, size) -> None:
    page = presenting(open_page, f"{app_url}/?layer=1&head=2&text={TEXT}", size, settle)
    found = boxes(page, *SEEN)
    assert [len(all_) for all_ in found.values()] == [3, 3, 3, 1, 1]
    assert outside(page, found) == {}
    assert {name: all_ for name, all_ in boxes(page, *GONE).items() if all_} == {}
    heights = {box[3] - box[1] for box in found[".hl-cover"]}
    assert len(heights) == 1
    rows = page.evaluate("() => document.querySelector('.hl-cells').cells.z.shape[0]")
    assert max(heights) / rows >= 10
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= size[0]
    expect(page.locator(".sentence .which")).to_have_text("Layer 1, head 2")
    arithmetic = boxes(page, ".arithmetic thead", ".arithmetic tbody tr:first-child")
    assert all(arithmetic.values())
    assert outside(page, arithmetic) == {}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_at_a_hundred_tokens_the_part_around_the_pin_is_seen(open_page, app_url, settle, size) -> None:
    page = presenting(open_page, f"{app_url}/?layer=1&head=2&query=70&text={LONG}", size, settle)
    shape = page.evaluate("() => [...document.querySelector('.hl-cells').cells.z.shape]")
    assert shape == [12, 14]
    found = boxes(page, *SEEN)
    assert outside(page, found) == {}
    assert len(found[".hl-pin"]) == 3
    assert page.evaluate("() => headlightStores.get('inspect').server.look.zoom") is None, "the link keeps its part"
    page.keyboard.press("p")
    settle(page)
    assert page.evaluate("() => document.querySelector('.hl-cells').cells.z.shape[0]") > 90


def test_a_key_a_button_and_the_address_switch_it(open_page, app_url, settle) -> None:
    page = open_page(f"{app_url}/?layer=1&head=1&text={TEXT}", size=(1440, 900))
    ready(page)
    settle(page)
    page.get_by_role("button", name="Present P").click()
    expect(page.locator(".bar nav")).to_be_hidden()
    assert page.url.endswith("&present=1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sentence .which")).to_have_text("Layer 1, head 2")
    page.wait_for_url(re.compile("head=2"))
    settle(page)
    assert "present=1" in page.url
    page.reload()
    ready(page)
    expect(page.locator(".bar nav")).to_be_hidden()
    page.get_by_role("button", name="back to the whole page (P)").click()
    expect(page.locator(".bar nav")).to_be_visible()
    assert "present" not in page.url
    settle(page)
    assert "present" not in page.url
    page.get_by_label("Sentence to look at").click()
    page.keyboard.press("p")
    expect(page.locator(".bar nav")).to_be_visible()


def test_the_frame_inside_another_page_has_a_layout_of_its_own(open_page, app_url, settle) -> None:
    page = open_page(f"{app_url}/?text={TEXT}&embed=true&present=1", size=(900, 600))
    ready(page)
    settle(page)
    page.keyboard.press("p")
    assert not page.evaluate("() => document.documentElement.classList.contains('hl-present')")
    expect(page.get_by_role("button", name="Present P")).to_be_hidden()
