"""The bar's Undo and Redo on the Build page, whose states the browser keeps itself."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from attention.browser import parts
from attention.ui import build
from tests.chromium import harness
from tests.chromium.test_build import SECONDS, press, search, text

PAGES = [{"title": "Build", "path": "build", "here": True}]
# Longer than what counts as one gesture.
APART_MS = 1600


@pytest.fixture
def both(page: Page) -> tuple[Page, Locator, Locator]:
    """The bar and Build on one store: (page, bar, build)."""
    harness.renew(page, query="?text=The+cat+sat+on+the+mat")
    bar = harness.add(page, "bar", parts.bar(PAGES, undo=False, shares=False))
    root = harness.add(page, "build", build.payload(None), width=1380)
    return page, bar, root


def ways(bar: Locator) -> tuple[bool, bool]:
    """Whether there is a step to take back, and one to take again."""
    return tuple(bar.get_by_role("button", name=name, exact=True).is_enabled() for name in ("Undo", "Redo"))  # type: ignore[return-value]


def step(bar: Locator, name: str) -> None:
    bar.get_by_role("button", name=name, exact=True).click()


def test_every_change_is_taken_back_and_made_again(both: Any) -> None:
    page, bar, root = both
    assert ways(bar) == (False, False)
    seen = [search(page)]
    root.get_by_label("causal mask").first.uncheck()
    seen.append(search(page))
    root.locator(".scores .editor input").fill("40")
    seen.append(search(page))
    press(root, "induction, two layers", ".controls")
    seen.append(search(page))
    press(root, "All as at the beginning", ".controls")
    seen.append(search(page))
    assert len(set(seen[:4])) == 4
    for wanted in reversed(seen[:-1]):
        step(bar, "Undo")
        assert search(page) == wanted
    assert ways(bar) == (False, True)
    for wanted in seen[1:]:
        step(bar, "Redo")
        assert search(page) == wanted
    assert ways(bar) == (True, False)


def test_what_was_taken_back_stands_beside_what_is_now(both: Any) -> None:
    _, bar, root = both
    weights = root.locator(".compare tbody").first
    before = weights.inner_text()
    root.get_by_label("÷ √d_head").uncheck()
    step(bar, "Undo")
    assert text(root, ".changed") == "Changed: scale off, undone"
    assert root.get_by_label("÷ √d_head").is_checked()
    assert [line.split("\t")[-1] for line in weights.inner_text().splitlines()] == [
        line.split("\t")[-1] for line in before.splitlines()
    ]
    step(bar, "Redo")
    assert text(root, ".changed") == "Changed: scale off"


def test_a_gesture_is_one_step_and_another_cell_another_one(both: Any) -> None:
    page, bar, root = both
    slider = root.get_by_role("slider", name="temperature")
    for value in ("7", "8", "9"):
        slider.fill(value)
    page.wait_for_timeout(APART_MS)
    slider.fill("10")
    assert "temperature=3" in search(page)
    step(bar, "Undo")
    assert "temperature=2" in search(page)
    step(bar, "Undo")
    assert "temperature" not in search(page)
    assert ways(bar) == (False, True)
    own = root.locator(".scores .editor input")
    own.fill("40")
    own.press("ArrowUp")
    assert ways(bar) == (True, False), "a change ends the way forward"
    root.locator(".chips").nth(1).get_by_role("button").first.click()
    root.locator(".scores .editor input").fill("7")
    assert root.locator(".edits li").count() == 2
    step(bar, "Undo")
    assert root.locator(".edits li").count() == 1
    step(bar, "Undo")
    assert root.locator(".edits li").count() == 0


def test_buttons_are_steps_of_their_own_however_quickly_they_are_pressed(both: Any) -> None:
    page, bar, root = both
    own = root.locator(".scores .editor input")
    own.fill("40")
    root.locator(".chips").nth(1).get_by_role("button").first.click()
    own.fill("7")
    for _ in range(2):
        root.locator(".edits").get_by_role("button").first.click()
    assert root.locator(".edits li").count() == 0
    for left in (1, 2):
        step(bar, "Undo")
        assert root.locator(".edits li").count() == left
    for _ in range(2):
        press(root, "Another seed", ".controls")
    step(bar, "Undo")
    assert "seed=2018" in search(page)


def test_a_gesture_that_ends_where_it_began_is_no_step(both: Any) -> None:
    _, bar, root = both
    slider = root.get_by_role("slider", name="temperature")
    usual = slider.input_value()
    for value in ("9", usual):
        slider.fill(value)
    assert ways(bar) == (False, False)


def test_the_lessons_sentence_goes_back_too(both: Any) -> None:
    page, bar, root = both
    kept = "() => JSON.parse(localStorage.getItem('headlight.lessons') ?? '{}').sentence ?? ''"
    root.locator("textarea").fill("One of mine")
    page.wait_for_timeout(APART_MS)
    root.locator("textarea").fill("Another of mine")
    assert page.evaluate(kept) == "Another of mine"
    step(bar, "Undo")
    assert page.evaluate(kept) == "One of mine"
    step(bar, "Undo")
    assert page.evaluate(kept) == ""
    step(bar, "Redo")
    assert page.evaluate(kept) == root.locator("textarea").input_value() == "One of mine"


def test_a_page_that_is_left_writes_no_address(both: Any) -> None:
    page, _, root = both
    root.get_by_label("causal mask").first.uncheck()
    page.evaluate("() => document.querySelector('#hl-build').remove()")
    page.evaluate("() => history.replaceState({}, '', '/light?text=x')")
    assert search(page) == "?text=x"


def test_a_sentence_comes_back_and_pins_are_no_steps(both: Any) -> None:
    page, bar, root = both
    root.locator(".chips").first.get_by_role("button", name="mat").click()
    assert ways(bar) == (False, False)
    root.locator("textarea").press_sequentially(" now")
    page.wait_for_timeout(APART_MS)
    press(root, "Ann met Bob and later Ann", ".prompt")
    step(bar, "Undo")
    assert root.locator("textarea").input_value() == "The cat sat on the mat now"
    step(bar, "Undo")
    assert root.locator("textarea").input_value() == "The cat sat on the mat"
    assert root.locator(".chips").first.locator("[aria-pressed=true]").inner_text() == "mat"
    assert ways(bar) == (False, True)


def test_by_the_keys_but_not_where_somebody_types(both: Any) -> None:
    page, _, root = both
    root.get_by_label("causal mask").first.uncheck()
    page.keyboard.press("Control+z")
    assert root.get_by_label("causal mask").first.is_checked()
    page.keyboard.press("Control+Shift+Z")
    assert not root.get_by_label("causal mask").first.is_checked()
    root.locator("textarea").focus()
    page.keyboard.press("Control+z")
    assert not root.get_by_label("causal mask").first.is_checked()


def test_the_bar_is_the_views_again_elsewhere(both: Any) -> None:
    page, bar, root = both
    root.get_by_label("causal mask").first.uncheck()
    page.evaluate("() => lab.stop()")
    assert ways(bar) == (False, False)
    harness.add(page, "bar", parts.bar(PAGES, undo=True, shares=False))
    step(bar, "Undo")
    assert page.evaluate("() => lab.sent.at(-1)") == ["undo", True]
    harness.add(page, "build", build.payload(None), width=1380)
    step(bar, "Undo")
    assert root.get_by_label("causal mask").first.is_checked()


def test_in_the_app(app_url: str, open_page: Any) -> None:
    page = open_page(f"{app_url}/?text=She+sings+well")
    page.get_by_role("link", name="Build").click(timeout=SECONDS)
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(page.locator("article.output figure").first).to_be_visible(timeout=SECONDS)
    expect(undo).to_be_disabled()
    page.get_by_label("causal mask").first.uncheck()
    undo.click()
    expect(page.get_by_label("causal mask").first).to_be_checked()
    expect(page.get_by_role("button", name="Redo", exact=True)).to_be_enabled()
