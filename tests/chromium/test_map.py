"""Maps of a whole trace in Chromium: averages, rollout and words, below a sentence that they speak with."""

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import attention
from attention import Trace
from attention.analysis.averages import over_heads
from attention.analysis.rollout import rollout
from attention.analysis.words import merged
from attention.figures.maps import largest
from attention.ui import maps
from attention.view import View
from tests.chromium.harness import add, messages, mount

# A page with nothing but the map on it, as Streamlit serves it.
ALONE = """
import streamlit as st
from attention.ui import nav, state, traces, warmup
from attention.ui import maps

warmup.start()
st.set_page_config(layout="wide")
st.navigation(nav.pages(), position="hidden")
nav.style()
view = state.current()
if warmup.gate():
    trace = traces.get_trace(view)
    maps.show(trace.head(view.layer, view.head, view.kind or trace.default_kind), view, view.details)
state.sync()
"""
TEXT = "The cat sat on the mat because it was tired."
SPLIT = "Unbelievably, the storytellers’ dragonflies hummed."
SECONDS = 60_000
CELLS = """() => JSON.stringify([...document.querySelectorAll('.hl-map-plot')].filter(graph => graph.offsetParent).map(
    graph => graph.data[0].z.map(row => Array.from(row))))"""
ENDS = """() => [...document.querySelectorAll('.hl-map-plot')].filter(graph => graph.offsetParent).map(
    graph => graph.data[0].zmax)"""
WIDEST = """() => Math.max(
    ...[...document.querySelectorAll('body, [data-testid=stMain]')].map(element => element.scrollWidth))"""


@pytest.fixture(scope="module")
def map_url(serve_source) -> str:
    return serve_source(ALONE)


@pytest.fixture
def show(open_page):
    """A page with a store and the map on it, without a server; what is pinned is row 8, “it”. A test that shows one map
    after the other has one page for all of them.
    """
    opened: list[Page] = []

    def one(
        which: str = "averages", *, text: str = TEXT, layer: int = 2, head: int = 3, query: int = 8, **more: Any
    ) -> Page:
        size, touch = more.pop("size", (1440, 1000)), more.pop("touch", False)
        if not opened:
            opened.append(open_page(size=size, touch=touch))
        [page] = opened
        trace = traced(text)
        view = View(text=text, layer=layer, head=head, query=query, **more.pop("look", {}))
        data = maps.payload(trace.head(layer, head), which, "heads" if which == "averages" else "")
        mount(page, "map", data, trace.head(layer, head), view, is_open=True, **more)
        page.wait_for_selector(".hl-map[data-drawn]")
        return page

    return one


@cache
def traced(text: str) -> Trace:
    return attention.trace("storyteller", text)


def heard(page: Page) -> list[dict[str, Any]]:
    """The last thing that was said on the bus about the pointer."""
    return page.evaluate("() => lab.store.last('hover')")


def told(page: Page) -> dict[str, str]:
    """What the server would have heard of last."""
    return messages(page)[-1]["changes"]


def hover(page: Page, query: int | None, key: int | None) -> None:
    page.evaluate("([query, key]) => lab.store.say('hover', { query, key, from: 'sentence' })", [query, key])


def share(page: Page, title: str, mark: str) -> tuple[float, float]:
    """Where a mark begins in its map, across and down, as shares of it."""
    box: Any = panel(page, title).locator(mark).bounding_box()
    frame: Any = cover(page, title).bounding_box()
    return (box["x"] - frame["x"]) / frame["width"], (box["y"] - frame["y"]) / frame["height"]


def panel(page: Page, title: str) -> Locator:
    return page.locator(".hl-map-panel").filter(has=page.get_by_role("heading", name=re.compile(title)))


def cover(page: Page, title: str) -> Locator:
    return panel(page, title).locator(".hl-map-cover")


def over(where: Locator, row: int, column: int, shape: tuple[int, int]) -> tuple[float, float]:
    """The middle of a cell, in the window's pixels."""
    where.scroll_into_view_if_needed()
    box: Any = where.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / shape[1], box["y"] + box["height"] * (row + 0.5) / shape[0]


def cells(page: Page) -> list[list[list[float | None]]]:
    return json.loads(page.evaluate(CELLS))


def tip(page: Page) -> Locator:
    return page.locator(".hl-map-tip")


class TestPointing:
    def test_both_maps_carry_the_average_and_say_all_of_a_cell_without_the_server(self, show):
        page = show()
        made = over_heads(traced(TEXT), 2)
        mean, spread = cells(page)
        assert mean[8][2] == pytest.approx(float(made.mean[8, 2]), abs=1e-7)
        assert spread[8][2] == pytest.approx(float(made.spread[8, 2]), abs=1e-7)
        assert mean[2][8] is None
        for title in ("Average over the 6 heads of layer 2", "Spread"):
            page.mouse.move(*over(cover(page, title), 8, 2, (12, 12)))
            expect(tip(page)).to_contain_text("·it → ·cat")
            expect(tip(page)).to_contain_text(f"mean weight {made.mean[8, 2]:.4f}")
            expect(tip(page)).to_contain_text(f"spread {made.spread[8, 2]:.4f}")
            assert heard(page) == {"query": 8, "key": 2, "from": "map"}
        page.mouse.move(*over(cover(page, "Spread"), 2, 8, (12, 12)))
        expect(tip(page)).to_contain_text("masked: none of these heads may look here")
        page.mouse.move(5, 990)
        expect(tip(page)).to_be_hidden()
        assert heard(page) is None
        assert messages(page) == []

    def test_what_is_pointed_at_elsewhere_is_marked_in_both(self, show):
        page = show()
        hover(page, 6, 4)
        for title in ("Average", "Spread"):
            assert share(page, title, ".hl-column")[0] == pytest.approx(4 / 12, abs=0.02)
            assert share(page, title, ".hl-row")[1] == pytest.approx(6 / 12, abs=0.02)
        expect(tip(page)).to_be_hidden()
        page.evaluate("() => lab.store.say('hover', null)")
        expect(panel(page, "Spread").locator(".hl-column")).to_be_hidden()

    def test_the_tip_stays_inside(self, show):
        page = show(width=500)
        page.mouse.move(*over(cover(page, "Average"), 11, 11, (12, 12)))
        box, frame = tip(page).bounding_box(), page.locator(".hl-map").bounding_box()
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


class TestPins:
    def test_a_click_pins_its_row_everywhere_and_the_server_hears_of_it(self, show):
        page = show()
        assert share(page, "Average", ".hl-pin")[1] == pytest.approx(8 / 12, abs=0.02)
        page.mouse.click(*over(cover(page, "Spread"), 5, 1, (12, 12)))
        for title in ("Average", "Spread"):
            assert share(page, title, ".hl-pin")[1] == pytest.approx(5 / 12, abs=0.02)
        assert told(page)["query"] == "5"
        expect(panel(page, "Average").locator(".ytick b, .ytick [style*=bold]")).to_have_count(1)

    def test_several_are_outlined_and_one_is_taken_out_again(self, show):
        page = show()
        page.mouse.click(*over(cover(page, "Average"), 5, 1, (12, 12)))
        page.keyboard.down("Shift")
        page.mouse.click(*over(cover(page, "Average"), 9, 1, (12, 12)))
        page.keyboard.up("Shift")
        pins = panel(page, "Average").locator(".hl-pin:visible")
        expect(pins).to_have_count(2)
        page.keyboard.down("Shift")
        page.mouse.click(*over(cover(page, "Average"), 5, 1, (12, 12)))
        page.keyboard.up("Shift")
        expect(pins).to_have_count(1)
        assert share(page, "Average", ".hl-pin:visible")[1] == pytest.approx(9 / 12, abs=0.02)

    def test_a_pin_of_another_component_is_followed(self, show):
        page = show()
        page.evaluate("() => lab.store.pin(3)")
        for title in ("Average", "Spread"):
            assert share(page, title, ".hl-pin")[1] == pytest.approx(3 / 12, abs=0.02)


class TestKeyboard:
    def test_it_walks_the_cells_pins_and_leaves(self, show):
        page = show()
        where = cover(page, "Average")
        for _ in range(2):  # the title is explained
            page.keyboard.press("Tab")
        expect(where).to_be_focused()
        expect(tip(page)).to_contain_text("·it → <s>")
        for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        expect(tip(page)).to_contain_text("·because → ·cat")
        page.keyboard.press("Enter")
        assert told(page)["query"] == "7"
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        expect(tip(page)).to_contain_text("·because → .")
        expect(tip(page)).to_contain_text("masked")
        page.keyboard.press("Escape")
        expect(tip(page)).to_be_hidden()
        expect(where).not_to_be_focused()

    def test_every_map_has_a_description_that_names_its_largest_cell(self, show):
        page = show("rollout")
        made = rollout(traced(TEXT))
        label = cover(page, "Rollout through").get_attribute("aria-label")
        row, column = largest(np.where(np.tri(12, dtype=bool), made.mixed, np.nan))
        names = page.evaluate("() => lab.store.shown().run.tokens.keys.map(token => token.name)")
        assert "12 rows by 12 columns" in label
        assert f"row “{names[row]}”, column “{names[column]}”, {made.mixed[row, column]:.4g}" in label


class TestRollout:
    def test_the_difference_from_even_layers_stands_beside_it_with_the_warning(self, show):
        page = show("rollout")
        made = rollout(traced(TEXT))
        page.mouse.move(*over(cover(page, "minus even layers"), 8, 2, (12, 12)))
        expect(tip(page)).to_contain_text(f"share {made.mixed[8, 2]:.4f}")
        expect(tip(page)).to_contain_text(f"by even layers {made.even[8, 2]:.4f}")
        expect(tip(page)).to_contain_text(f"difference {made.mixed[8, 2] - made.even[8, 2]:.4f}".replace("-", "−"))
        words = page.locator(".hl-words")
        expect(words).to_contain_text("What this does not show: Rollout leaves out the values")
        expect(words).to_contain_text("drifts to the first token")

    def test_weights_can_be_stretched_and_the_legend_says_so(self, show):
        page = show("rollout")
        assert page.evaluate(ENDS)[0] == 1
        difference = page.evaluate(ENDS)[1]
        switch = page.get_by_role("group", name="Colours of weights").get_by_role("button", name="0 …")
        switch.nth(1).click()
        expect(panel(page, "Rollout through").locator(".hl-legend")).to_contain_text("≥ 0.")
        page.wait_for_function(f"() => ({ENDS})()[0] < 1")
        assert page.evaluate(ENDS)[1] == difference, "what is around 0 stays as it is"
        expect(switch.nth(1)).to_have_attribute("aria-pressed", "true")
        switch.nth(0).click()
        page.wait_for_function(f"() => ({ENDS})()[0] === 1")


class TestWords:
    def test_words_stand_for_their_tokens(self, show):
        page = show("words", text=SPLIT, layer=1, head=2, query=0)
        made = merged(traced(SPLIT).head(1, 2))
        shape = (len(made.queries), len(made.keys))
        place, word = next((i, word) for i, word in enumerate(made.keys) if word.text == "dragonflies")
        assert word.stop - word.start > 1
        where = cover(page, "Weights between words")
        page.mouse.move(*over(where, place, 1, shape))
        expect(tip(page)).to_contain_text(f"dragonflies → {made.keys[1].text}")
        expect(tip(page)).to_contain_text(f"weight {made.weights[place, 1]:.4f}")
        assert heard(page) == {"query": word.start, "key": made.keys[1].start, "from": "map"}
        page.mouse.move(5, 990)
        hover(page, None, word.stop - 1)
        assert share(page, "words", ".hl-column")[0] == pytest.approx(place / shape[1], abs=0.02)
        page.mouse.click(*over(where, place, 1, shape))
        assert told(page)["query"] == str(word.start)
        page.evaluate("(token) => lab.store.pin(token)", word.stop - 1)
        assert share(page, "words", ".hl-pin")[1] == pytest.approx(place / shape[0], abs=0.05)
        page.mouse.click(*over(where, place, 2, shape))
        assert told(page)["query"] == str(word.stop - 1), "the token of this word that is pinned already stays it"
        expect(page.locator(".hl-words")).to_contain_text("queries are averaged, keys summed")

    def test_markup_is_shown_literally(self, show):
        page = show("words", text="<b>Two</b> & <i>three</i>.", query=0)
        assert page.locator(".hl-map b").all_inner_texts() == ["What this does not show: "]
        ticks = page.locator(".hl-map-plot .ytick").all_text_contents()
        assert {"<", "&"} <= set(ticks)


class TestAnotherHead:
    def test_a_map_of_another_layer_waits_for_its_own(self, show):
        page = show()
        page.evaluate("() => lab.store.change({ layer: 1 })")
        root = page.locator(".hl-map")
        expect(root).to_have_class(re.compile("hl-waiting"))
        expect(panel(page, "Average").locator(".hl-pin:visible")).to_have_count(0)
        trace = traced(TEXT)
        add(page, "map", maps.payload(trace.head(1, 3), "averages", "heads"), is_open=True)
        expect(root).not_to_have_class(re.compile("hl-waiting"))
        expect(page.get_by_role("heading", name="Average over the 6 heads of layer 1")).to_be_visible()
        page.evaluate("() => lab.store.change({ head: 1 })")
        expect(root).not_to_have_class(re.compile("hl-waiting"))

    def test_a_temperature_is_said_not_to_reach_it(self, show):
        expect(show().locator(".hl-unaltered")).to_be_hidden()
        expect(show(look={"temperature": 2.0}).locator(".hl-unaltered")).to_contain_text("the model’s own weights")


def test_on_a_phone_the_maps_stand_one_under_another(show):
    for which, titles in (("averages", ("Average", "Spread")), ("rollout", ("Rollout through", "minus"))):
        page = show(which, size=(390, 844), touch=True, width=358)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        first, second = (cover(page, title) for title in titles)
        assert second.bounding_box()["y"] - first.bounding_box()["y"] > 200
        page.touchscreen.tap(*over(first, 9, 3, (12, 12)))
        expect(tip(page)).to_contain_text("·was → ·sat")
        assert told(page)["query"] == "9"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_streamlit_shows_each_of_them_and_keeps_the_choice_in_the_address(open_page, map_url, settle, scheme):
    page = open_page(scheme=scheme)
    for which in ("averages", "rollout", "words"):
        page.goto(f"{map_url}/?v=1&lens={which}&layer=2&head=3")
        page.wait_for_selector(".hl-map[data-drawn]", timeout=SECONDS)
        settle(page)
        assert page.evaluate(WIDEST) <= 1440
        if which == "averages":
            page.get_by_text("all heads", exact=True).click()
            expect(page.get_by_role("heading", name="Average over all 24 heads of 4 layers")).to_be_visible()
            page.wait_for_url("**over=all**")
