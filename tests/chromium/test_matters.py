"""“Which heads matter?” in Chromium: its numbers, two maps in one scale, runs as they come in, and the keyboard."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from attention.browser import codec
from tests.chromium.asked import MADE, PLACES, TEXT, matters_bytes, shown, story, view
from tests.chromium.axe import AXE
from tests.chromium.harness import add, messages, mount

SECONDS = 60_000
# A page with this view alone, whose model counts as a large one and whose runs take their time.
SLOW = """
import time
import streamlit as st
from attention.analysis import ablation
from attention.browser import parts
from attention.ui import components, details, nav, state, sweeps, traces, warmup
from attention.browser import store

sweeps.QUICK = 0
if not hasattr(ablation, "quick"):
    ablation.quick = ablation.each_off
    def slowly(*given, **how):
        found = list(ablation.quick(*given, **how))
        values = found[-1].values
        from dataclasses import replace
        import numpy as np
        addresses = sorted(values)
        for count in range(1, len(addresses) + 1):
            time.sleep(1.2)
            rows = {at: values[at] if at in addresses[:count] else np.full_like(values[at], np.nan) for at in addresses}
            yield replace(found[-1], values=rows)
    ablation.each_off = slowly
warmup.start()
st.set_page_config(layout="wide")
st.navigation(nav.pages(), position="hidden")
nav.style()
view = state.current()

@st.fragment
def part():
    view = state.current()
    trace = traces.get_trace(view)
    head = trace.head(view.layer, view.head, view.kind or trace.default_kind)
    details.ASKING[view.details](head, view, view.query)

if warmup.gate():
    part()
state.sync()
"""
CELLS = """(name) => [...(lab.mounted.get(name)).querySelectorAll(".panel")].map((panel) =>
    [...panel.querySelectorAll("tbody tr")].map(
        (row) => [...row.querySelectorAll("td")].map((cell) => cell.getAttribute("aria-label"))))"""


@pytest.fixture
def show(open_page: Any) -> Any:
    """A page with a store and the view on it, without a server."""
    return partial(shown, open_page, "matters")


def cell(page: Page, title: str, layer: int, head: int) -> Locator:
    panel = page.locator("#hl-matters .panel").filter(has=page.get_by_role("heading", name=title))
    return panel.locator(f"tbody tr:nth-child({layer + 1}) td").nth(head)


OFF, DIRECT = "Switched off in turn", "What each writes itself"


def test_every_cell_says_the_numbers_of_the_analysis(show: Any) -> None:
    page, given = show(), codec.parse(matters_bytes())
    off, direct = page.evaluate(CELLS, "matters")
    for row, layer in enumerate(given["layers"]):
        for head in range(6):
            value = float(given["ablation"]["values"][row, head])
            verb = "falls" if value < 0 else "rises"
            said = off[row][head]
            assert said.startswith(f"layer {layer}, head {head}: without it the logit difference {verb} by ")
            assert float(said.rpartition(" ")[2].lstrip("<")) == pytest.approx(abs(value), abs=1e-3)
            number = direct[row][head].removesuffix(" itself").rpartition(" ")[2].replace("−", "-")
            assert float(number) == pytest.approx(float(given["direct"]["values"][row, head]), abs=1e-3)


def test_both_maps_have_one_scale_and_a_head_that_speaks_for_the_target_one_colour(show: Any) -> None:
    page, given = show(), codec.parse(matters_bytes())
    colour = "(one) => getComputedStyle(one).backgroundColor"
    strongest = cell(page, OFF, 1, 0).evaluate(colour)
    red, green, blue = map(int, re.findall(r"\d+", strongest)[:3])
    assert blue > red > green, "purple: without it the difference falls"
    against = np.unravel_index(given["ablation"]["values"].argmax(), given["ablation"]["values"].shape)
    red, green, blue = map(int, re.findall(r"\d+", cell(page, OFF, *map(int, against)).evaluate(colour))[:3])
    assert red > green > blue, "orange: without it the difference rises"
    expect(cell(page, OFF, 1, 0)).to_have_text("−3.25")
    legends = page.locator("#hl-matters .panel .legend").all_inner_texts()
    assert all("4" in text for text in legends)


def test_pointing_at_a_head_marks_it_on_both_maps_and_tells_the_page(show: Any) -> None:
    page = show()
    cell(page, OFF, 2, 3).hover()
    expect(cell(page, DIRECT, 2, 3)).to_have_class(re.compile("pointed"))
    expect(page.locator("#hl-matters .tell")).to_contain_text("Layer 2, head 3")
    assert page.evaluate("() => lab.store.last('pointed')") == {"layer": 2, "head": 3, "from": "signed"}
    page.mouse.move(5, 990)
    expect(page.locator("#hl-matters .tell")).to_contain_text("Layer 1, head 0")
    assert page.evaluate("() => lab.store.last('pointed')") is None


def test_a_click_and_the_keyboard_show_a_head(show: Any) -> None:
    page = show()
    cell(page, DIRECT, 3, 2).click()
    assert page.evaluate("() => [lab.store.look().layer, lab.store.look().head]") == [3, 2]
    expect(cell(page, OFF, 3, 2)).to_have_class(re.compile("here"))
    cell(page, OFF, 0, 0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(cell(page, OFF, 1, 1)).to_be_focused()
    expect(page.locator("#hl-matters .tell")).to_contain_text("Layer 1, head 1")
    page.keyboard.press("Enter")
    assert page.evaluate("() => [lab.store.look().layer, lab.store.look().head]") == [1, 1]
    assert messages(page)[-1]["changes"] == {"layer": "1", "head": "1"}
    tabbable = page.locator("#hl-matters .panel").first.locator("td[tabindex='0']")
    expect(tabbable).to_have_count(1)


def test_what_is_chosen_is_said_to_the_server(show: Any) -> None:
    page = show()
    page.get_by_role("button", name="Swap target and distractor").click()
    page.get_by_label("how heads are switched off").select_option("mean")
    page.get_by_label("freeze later heads").check()
    page.get_by_label("distractor", exact=True).select_option("")
    given = codec.parse(matters_bytes())
    target, distractor = given["target"]["id"], given["distractor"]["id"]
    assert messages(page) == [
        ["aim", {"target": distractor, "distractor": target}], ["act", {"how": "mean"}], ["act", {"frozen": True}],
        ["aim", {"target": target, "distractor": None}],
    ]  # fmt: skip


def test_estimates_are_hatched_and_replaced_as_runs_come_in(show: Any) -> None:
    page = show(matters_bytes("preview", 0))
    expect(page.locator("#hl-matters td.estimated")).to_have_count(24)
    expect(page.locator("#hl-matters .panel").first).to_contain_text("estimated, not run yet")
    expect(page.get_by_role("button", name="Run all heads")).to_be_visible()
    expect(page.locator("#hl-matters .ways")).to_contain_text(re.compile(r"24 heads in \d+ runs, about"))
    first = cell(page, OFF, 0, 0).inner_text()
    add(page, "matters", matters_bytes("running", 9))
    expect(page.locator("#hl-matters td.estimated")).to_have_count(15)
    expect(page.locator("progress")).to_have_attribute("value", str(9 / 24))
    assert cell(page, OFF, 0, 0).inner_text() != first
    page.get_by_role("button", name="Stop").click()
    assert messages(page)[-1] == ["act", {"stop": True}]
    add(page, "matters", matters_bytes())
    expect(page.locator("#hl-matters td.estimated")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_the_rows_add_up_and_a_wrong_sum_is_red(show: Any) -> None:
    page, given = show(), codec.parse(matters_bytes())
    line = page.locator("#hl-matters .sum")
    expect(line).to_contain_text(f"the model’s own difference is +{given['direct']['logit']:.3f}")
    expect(line.locator(".bad")).to_have_count(0)
    wrong = given | {"direct": given["direct"] | {"remainder": 0.25, "ok": False}}
    add(page, "matters", codec.pack(wrong))
    expect(line.locator(".bad")).to_have_text("⚠ remainder 0.25")


def test_the_sentence_is_copied_and_the_numbers_saved(show: Any) -> None:
    page, given = show(), codec.parse(matters_bytes())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy this sentence").click()
    expect(page.locator("#hl-matters .quote")).to_contain_text("copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == given["sentence"]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Numbers (CSV)").click()
    lines = Path(saved.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + 24 + len(given["direct"]["rows"])
    assert lines[7].split(",")[:2] == ["1", "0"]
    assert float(lines[7].split(",")[2]) == pytest.approx(float(given["ablation"]["values"][1, 0]), rel=1e-6)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("dark", "size"), [(False, (1440, 1000)), (True, (390, 844))])
def test_each_of_these_views_is_sound_for_all(open_page: Any, name: str, dark: bool, size: tuple[int, int]) -> None:
    page = open_page(size=size, touch=size[0] < 500)
    layer, head = PLACES[name]
    mount(page, name, MADE[name](), story().head(layer, head), view(name, layer, head), dark=dark)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    ours = [one for one in found if one["id"] not in ("region", "page-has-heading-one", "landmark-one-main")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in ours] == []


# On the page, with its server


def test_runs_begin_by_a_button_fill_the_map_and_stop(serve_source: Any, open_page: Any, settle: Any) -> None:
    page = open_page(f"{serve_source(SLOW)}/?v=1&lens=matters&query=10&text={TEXT}")
    run = page.get_by_role("button", name="Run all heads")
    run.wait_for(timeout=SECONDS)
    hatched = page.locator("td.estimated")
    expect(hatched).to_have_count(24)
    run.click()
    page.get_by_role("button", name="Stop").wait_for(timeout=SECONDS)
    frozen = page.get_by_label("freeze later heads")
    frozen.check()
    run.wait_for(timeout=SECONDS)
    expect(frozen).to_be_checked()
    frozen.uncheck()
    page.get_by_role("button", name="Stop").wait_for(timeout=SECONDS)
    expect(hatched).to_have_count(12, timeout=SECONDS)
    page.get_by_role("button", name="Stop").click()
    again = page.get_by_role("button", name="Run all heads again")
    again.wait_for(timeout=SECONDS)
    kept = hatched.count()
    assert 0 < kept <= 12
    again.click()
    expect(hatched).to_have_count(0, timeout=SECONDS)
    expect(page.get_by_text("Where the two maps differ most")).to_be_visible()


def test_a_cell_leads_to_the_head_and_the_link_to_the_view(app_url: str, open_page: Any, settle: Any) -> None:
    page = open_page(f"{app_url}/?v=1&lens=matters&query=10&text={TEXT}")
    page.locator(".matters table").first.wait_for(timeout=SECONDS)
    settle(page)
    page.locator(".matters .panel").first.locator("tbody tr").nth(2).locator("td").nth(4).click()
    expect(page.locator("h2", has_text="Layer 2, head 4")).to_be_visible()
    settle(page)
    assert "layer=2" in page.url
    page.get_by_label("freeze later heads").check()
    expect(page.locator(".matters .panel").first).to_contain_text("later heads held as they were", timeout=SECONDS)
    settle(page)
    assert "frozen=1" in page.url
    aim = page.locator(".predicted .aim").nth(2)
    aim.click()
    settle(page)
    expect(page.locator(".predicted .aim").nth(2)).to_have_attribute("aria-pressed", "true")
    assert "target=" in page.url
