"""A first visitor's tour: offered once, five steps, left at any time, and in nobody's way."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.axe import faults
from tests.chromium.test_accessibility import DEEP

SIZES = {"desktop": (1440, 1000), "small": (853, 480), "phone": (390, 844)}
OFFER = "A tour in five steps"
# The card, and the holes in the veil: the parts that are spoken of.
PLACES = """() => {
    const root = deep(".tour")[0].getRootNode();
    const { left, top, right, bottom } = root.querySelector(".tour").getBoundingClientRect();
    const holes = root.querySelector(".veil .edge").getAttribute("d").split("Z").filter(Boolean).map((one) => {
        const [x, y, far, low] = one.match(/-?[\\d.]+/g).map(Number);
        return [x, y, far, low];
    });
    return { card: [left, top, right, bottom], holes };
}"""
SHIFTS = """() => {
    window.shifts = [];
    const unasked = ({ hadRecentInput }) => !hadRecentInput;
    const told = (list) => list.getEntries().filter(unasked).map(({ value }) => value);
    new PerformanceObserver((list) => window.shifts.push(...told(list))).observe({ type: "layout-shift" });
}"""
REFUSED = """Object.defineProperty(globalThis, "localStorage", { get: () => {
    throw new DOMException("no", "SecurityError");
} })"""
STANDS = "() => deep('.bar .name, .bar nav a, .bar .actions button').map((one) => one.getBoundingClientRect().x)"


@pytest.fixture
def visit(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the app as somebody does who has never been there: what earlier tests stored is forgotten."""

    def opened(url: str, size: tuple[int, int] = SIZES["desktop"], *, refused: bool = False) -> Page:
        page = open_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        if refused:
            page.add_init_script(REFUSED)
        page.goto(url)
        expect(page.locator(".hl-figures")).to_have_attribute("data-drawn", re.compile(r"\d"), timeout=60_000)
        page.evaluate(DEEP)
        return page

    return opened


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_five_steps_each_beside_what_it_speaks_of(visit, app_url, settle, size) -> None:
    page = visit(app_url, size)
    settle(page)
    page.evaluate(SHIFTS)
    page.get_by_role("button", name=OFFER).click()
    says = []
    for step in range(1, 6):
        card = page.get_by_role("dialog", name="Tour")
        expect(card.locator(".step")).to_have_text(f"{step} of 5")
        says.append(card.locator("p").inner_text())
        places = page.evaluate(PLACES)
        card_box, holes = places["card"], places["holes"]
        assert len(holes) == (2 if step == 5 else 1)
        assert card_box[0] >= 0
        assert card_box[2] <= size[0]
        assert card_box[1] >= 0
        assert card_box[3] <= size[1]
        assert any(overlap(hole, [0, 0, *size]) for hole in holes), "what it speaks of is in sight"
        if size == SIZES["desktop"]:
            assert not any(overlap(card_box, hole) for hole in holes), step
        expect(card.get_by_role("button", name="Next" if step < 5 else "Done")).to_be_focused()
        if step == 5:
            expect(card.get_by_role("link", name="Start with the first lesson")).to_be_visible()
        page.keyboard.press("Enter")
    assert len(set(says)) == 5
    assert all(text.count(". ") == 0 and text.endswith(".") for text in says)
    expect(page.get_by_role("dialog", name="Tour")).to_have_count(0)
    assert sum(page.evaluate("() => window.shifts")) == 0


def test_it_is_offered_once_and_can_be_left(visit, app_url, settle) -> None:
    page = visit(app_url)
    lesson = page.get_by_role("link", name="start with the first lesson")
    expect(lesson).to_have_attribute("href", re.compile("/learn$"))
    page.get_by_role("button", name=OFFER).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Tour")).to_have_count(0)
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)
    again = visit(app_url)
    settle(again)
    again.wait_for_timeout(1000)
    expect(again.get_by_role("button", name=OFFER)).to_have_count(0)


def test_who_wants_none_is_not_asked_again(visit, app_url, settle) -> None:
    page = visit(app_url)
    page.get_by_role("button", name="No tour").click()
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)
    page.reload()
    settle(page)
    page.wait_for_timeout(1000)
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_bar_stands_still_with_and_without_the_offer(visit, app_url, settle, size) -> None:
    page = visit(app_url, size)
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    settle(page)
    with_it: Any = page.evaluate(STANDS)
    page.evaluate(SHIFTS)
    page.get_by_role("button", name="No tour").click()
    settle(page)
    assert page.evaluate(STANDS) == with_it
    assert sum(page.evaluate("() => window.shifts")) == 0


def test_where_nothing_can_be_kept_it_goes_on(visit, app_url, settle) -> None:
    page = visit(app_url, refused=True)
    page.get_by_role("button", name=OFFER).click()
    page.get_by_role("button", name="Leave", exact=True).click()
    expect(page.get_by_role("dialog", name="Tour")).to_have_count(0)
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)


def test_the_frame_inside_another_page_offers_none(visit, app_url, settle) -> None:
    page = visit(f"{app_url}/?embed=true", (900, 600))
    settle(page)
    page.wait_for_timeout(1000)
    expect(page.get_by_role("button", name=OFFER)).to_have_count(0)


def test_axe_finds_nothing_in_the_offer_and_the_card(visit, app_url, settle) -> None:
    page = visit(app_url)
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    settle(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page)
        assert faults(page) == []
    page.get_by_role("button", name=OFFER).click()
    assert faults(page) == []
