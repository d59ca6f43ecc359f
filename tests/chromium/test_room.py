"""Where things stand on a projector, a small screen and a phone: what is to be in sight is, and fingers hit it."""

import re
from typing import Any

from playwright.sync_api import Page, expect

# 193 tokens of the storyteller.
LONG = " ".join(
    ["Once upon a time there was a little girl who lived in a small house near the wood, and her mother sent her out "
     "with a basket of bread."] * 6
)  # fmt: skip
PHONE = (390, 844)
FINGER = 40
# Boxes of all that fits, in shadow roots too.
BOXES = """(selector) => {
    const all = (root) => [...root.querySelectorAll(selector),
        ...[...root.querySelectorAll("*")].flatMap((one) => (one.shadowRoot ? all(one.shadowRoot) : []))];
    return all(document).filter((one) => one.checkVisibility({ visibilityProperty: true })).map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return { x, y, width, height, name: one.textContent.trim() || one.ariaLabel };
    });
}"""
CONTROLS = "button, select, summary, input[type=range]"


def boxes(page: Page, selector: str) -> list[dict[str, Any]]:
    return page.evaluate(BOXES, selector)


def ready(page: Page) -> None:
    expect(page.locator(".hl-figures")).to_have_attribute("data-drawn", re.compile(r"\d"), timeout=60_000)
    expect(page.locator(".predicted")).to_be_visible(timeout=60_000)


def test_a_long_text_leaves_the_maps_in_sight_and_a_small_desk_keeps_its_columns(open_page, app_url, settle):
    page = open_page(f"{app_url}/?text={LONG}", size=(1280, 720))
    ready(page)
    settle(page)
    assert boxes(page, ".sentence .token")[190:], "not the long text"
    assert boxes(page, "textarea")[0]["height"] <= 3 * 33
    assert boxes(page, ".sentence .tokens")[0]["height"] <= 152
    assert max(box["y"] for box in boxes(page, ".hl-cover")) < 600
    page.set_viewport_size({"width": 853, "height": 480})
    settle(page)
    [heads], [sentence], covers = boxes(page, ".heads"), boxes(page, ".sentence"), boxes(page, ".hl-cover")
    assert heads["x"] + heads["width"] <= sentence["x"]
    assert abs(heads["y"] - sentence["y"]) < 3
    assert len(covers) == 3
    assert len({box["y"] for box in covers}) == 1
    assert covers[0]["y"] < 480
    last = boxes(page, ".hl-panel")[-1]
    assert last["x"] + last["width"] <= 853
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= 853


def test_on_a_phone_the_head_is_named_the_answer_is_one_tap_away_and_fingers_hit_all(open_page, app_url, settle):
    page = open_page(app_url, size=PHONE, touch=True)
    ready(page)
    settle(page)
    bar = boxes(page, ".bar .actions button")
    assert [box["name"] for box in bar] == ["Undo", "Redo", "Copy link", "Share"]
    assert len({box["y"] for box in bar}) == 1
    assert bar[-1]["x"] + bar[-1]["width"] <= PHONE[0]
    small = [box for box in boxes(page, CONTROLS) if box["height"] < FINGER - 0.5]
    assert [box["name"] for box in small] == []
    name = page.locator(".hl-which")
    page.locator(".hl-cover").nth(2).scroll_into_view_if_needed()
    expect(name).to_be_in_viewport()
    expect(name).to_have_text("Layer 1, head 1")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("Layer 1, head 2")
    page.locator(".hl-figures").evaluate("one => one.closest('[data-testid=stMain]').scrollTo(0, 0)")
    expect(page.locator(".predicted")).not_to_be_in_viewport()
    page.get_by_role("button", name="Prediction").tap()
    expect(page.locator(".predicted")).to_be_in_viewport()
