"""“Patch” in Chromium: both maps and their scales, what lies beyond them, and texts that do not fit each other."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from attention.browser import codec
from tests.chromium.asked import OTHER, TEXT, patch_bytes, shown
from tests.chromium.harness import add

SECONDS = 60_000
SUFFICES, NEEDED = "What suffices", "What is needed"


@pytest.fixture
def show(open_page: Any) -> Any:
    """A page with a store and the view on it, without a server."""
    return lambda other=OTHER, **more: shown(open_page, "patch", patch_bytes(other), **more)


def panel(page: Page, title: str) -> Any:
    return page.locator("#hl-patch .panel").filter(has=page.get_by_role("heading", name=title))


def test_both_maps_say_the_numbers_of_the_analysis_unclipped(show: Any) -> None:
    page, given = show(), codec.parse(patch_bytes())
    for one, title, verb in zip(given["maps"], (SUFFICES, NEEDED), ("restores", "leaves"), strict=True):
        cells = panel(page, title).locator("tbody td")
        for number, value in enumerate(one["values"].reshape(-1)):
            said = cells.nth(number).get_attribute("aria-label").replace("−", "-")
            assert f": {verb} " in said
            found = re.search(r"[<>]?-?\d+\.\d+", said.partition(verb)[2])
            assert found is not None
            assert float(found.group().lstrip("<>")) == pytest.approx(float(value), abs=1.1e-3)
    largest = float(given["maps"][0]["values"].max())
    assert largest > 1.005
    expect(panel(page, SUFFICES).locator("td.beyond")).to_have_text(f"+{largest:.2f}")
    expect(panel(page, SUFFICES)).to_contain_text("framed: beyond these")


def test_no_effect_has_the_middle_colour_on_both(show: Any) -> None:
    page, given = show(), codec.parse(patch_bytes())
    colours = []
    for one, title, nothing in zip(given["maps"], (SUFFICES, NEEDED), (0.0, 1.0), strict=True):
        number = int(abs(one["values"].reshape(-1) - nothing).argmin())
        cell = panel(page, title).locator("tbody td").nth(number)
        colours.append(cell.evaluate("(one) => getComputedStyle(one).backgroundColor"))
    assert colours[0] == colours[1]


def test_the_texts_stand_above_each_other_with_what_differs_marked(show: Any) -> None:
    page = show()
    other = page.locator("#hl-patch .stretch.other")
    expect(other).to_have_count(1)
    assert other.locator("bdi").all_inner_texts() == ["·came", "·went"]
    expect(page.locator("#hl-patch .runs")).to_contain_text("+4.151 for the first text and +2.795 for the second")


def test_unequal_texts_are_refused_with_their_alignment_drawn(show: Any) -> None:
    page = show("The old king came")
    expect(page.locator("#hl-patch .reason").first).to_contain_text("11 and 5 tokens")
    expect(page.locator("#hl-patch .body")).to_be_hidden()
    other = page.locator("#hl-patch .stretch.other")
    expect(other.first).to_contain_text("·home")
    expect(other.first).to_contain_text("nothing")


def test_long_texts_are_scrolled_and_leave_the_maps_in_sight(open_page: Any) -> None:
    names = [str(number) for number in range(400)]
    stretches = [{"same": at % 2 == 0, "first": [at, at + 1], "second": [at, at + 1]} for at in range(400)]
    told = {"reason": "", "alignment": {"first": names, "second": names, "stretches": stretches}}
    page = shown(open_page, "patch", codec.pack(codec.parse(patch_bytes()) | told))
    texts = page.locator("#hl-patch .texts")
    assert (texts.bounding_box() or {})["height"] <= 152
    texts.press("End")
    page.wait_for_function("(one) => one.scrollTop > 0", arg=texts.element_handle())
    add(page, "patch", patch_bytes())
    expect(texts).to_have_attribute("tabindex", "-1")


def test_a_small_gap_shows_raw_numbers_and_the_reason(show: Any) -> None:
    page = show(TEXT)
    expect(page.locator("#hl-patch .reason").last).to_contain_text("Both texts are the same")
    words = re.compile("changes the logit difference by 0.000")
    expect(panel(page, SUFFICES).locator("tbody td").first).to_have_attribute("aria-label", words)


def test_the_colours_end_at_a_number_of_few_digits(show: Any) -> None:
    page = show()
    limits = """async (most) => {
        const { limitOf } = await import("/app/static/signed/scale.js?v=test");
        return most.map((one) => limitOf([one]));
    }"""
    assert page.evaluate(limits, [0.12, 0.29, 0.57, 7, 130, 0]) == [0.15, 0.3, 0.6, 8, 150, 1]


def test_a_person_types_a_second_text(app_url: str, open_page: Any, settle: Any) -> None:
    page = open_page(f"{app_url}/?v=1&lens=patch&query=10&text={TEXT}")
    box = page.get_by_label("A second text, of as many tokens")
    box.wait_for(timeout=SECONDS)
    expect(page.locator(".patch .reason").first).to_contain_text("Type the same sentence with one word changed")
    settle(page)
    box.fill(OTHER)
    box.press("Enter")
    expect(page.locator(".patch td.beyond").first).to_be_visible(timeout=SECONDS)
    settle(page)
    assert "patch=The+old+king" in page.url
    page.locator(".patch .panel").last.locator("tbody tr").nth(3).locator("td").nth(2).click()
    expect(page.locator("h2", has_text="Layer 3, head 2")).to_be_visible()
