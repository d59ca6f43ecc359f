"""The interactive file in Chromium, from a disk and with no network: all heads, true numbers, both themes, a phone."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

import attention
from attention.export.interactive import interactive
from attention.record import Trace
from attention.view import View
from tests.chromium.pages import Scheme, hear_errors

TEXT = "The cat sat on the mat because it was tired."
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)><b>b</b>"
PHONE = (390, 844)
# What is painted in each panel, by its name.
PAINTED = """() => Object.fromEntries([...document.querySelectorAll('.hl-panel')].map((panel, i) =>
    [['scores', 'weights', 'values'][i], Array.from(panel.querySelector('.hl-cells').cells.z)]))"""
# Every head as the browser makes it, by layer.head: its weights, and whether its output equals the model's own.
ALL = """async () => {
    const { storeOf } = await headlight.load('store.js');
    const { layers } = headlightStores.get('file').run;
    const heads = layers.flatMap(({ layer, heads }) => heads.map((head) => [layer, head]));
    return Object.fromEntries(heads.map(([layer, head]) => {
        const made = storeOf('file').headAt(layer, head);
        return [`${layer}.${head}`, [Array.from(made.map('weights')), made.check().ok]];
    }));
}"""
SMALL = """() => {
    const all = (root) => [...root.querySelectorAll('*')]
        .flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
    return all(document).filter((one) => one.matches('button, a, select, summary') && one.checkVisibility())
        .map((one) => [one.textContent.slice(0, 20), one.getBoundingClientRect()])
        .filter(([, { width, height }]) => Math.min(width, height) < 23.5).map(([name, box]) => [name, box.width]);
}"""
Show = Callable[..., Page]


@cache
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def wrong() -> list[str]:
    """What the file asked for beyond itself, or wrote as an error."""
    return []


@pytest.fixture(scope="module")
def offline(browser: Browser, wrong: list[str]) -> Iterator[Callable[[bool], Page]]:
    """Opens a page without a network, for fingers or for a pointer."""
    contexts = []

    def opened(touch: bool) -> Page:
        contexts.append(browser.new_context(has_touch=touch, is_mobile=touch, offline=True))
        page = contexts[-1].new_page()
        hear_errors(page, wrong)
        page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
        page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else wrong.append(one.url))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def desktop(offline: Callable[[bool], Page]) -> Page:
    """The page of a pointer, which shows one file after another."""
    return offline(False)


@pytest.fixture
def show(
    request: pytest.FixtureRequest, offline: Callable[[bool], Page], tmp_path: Path, wrong: list[str]
) -> Iterator[Show]:
    """Write the file and open it; what it asks for beyond itself, or writes as an error, fails the test."""

    def opened(
        trace: Trace, view: View, *, size: tuple[int, int] = (1440, 1000), scheme: Scheme = "light",
        touch: bool = False, before: str = "", shown: bool = True,
    ) -> Page:  # fmt: skip
        path = tmp_path / "file.html"
        path.write_bytes(interactive(trace, view))
        page = offline(touch) if touch or before else request.getfixturevalue("desktop")
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)
        if before:
            page.add_init_script(before)
        page.mouse.move(0, 0)
        page.goto(path.as_uri())
        if shown:
            page.wait_for_selector("#status", state="detached")
            page.wait_for_selector(".hl-figures[data-drawn]")
        return page

    yield opened
    found = wrong[:]
    wrong.clear()
    assert not found


def name_of(page: Page) -> str:
    return page.locator("#hl-heads h2").inner_text()


def painted(page: Page) -> dict[str, np.ndarray]:
    return {name: np.array(z, dtype=float) for name, z in page.evaluate(PAINTED).items()}


def check_numbers(page: Page, trace: Trace, layer: int, head: int, kind: str | None = None) -> None:
    expect(page.locator("#hl-heads h2")).to_have_text(f"Layer {layer}, head {head}")
    view, found = trace.head(layer, head, kind), painted(page)
    masked = np.isneginf(view.masked)
    for name, own in (("scores", view.masked), ("weights", view.weights)):
        assert np.array_equal(np.isnan(found[name]).reshape(own.shape), masked)
        assert np.nanmax(np.abs(found[name].reshape(own.shape) - np.where(masked, np.nan, own))) < 1e-4
    assert np.abs(found["values"].reshape(view.output.shape) - view.output).max() < 1e-4


def test_every_head_is_there_and_its_numbers_are_the_models(show: Show) -> None:
    page = show(story(), View(layer=0, head=0))
    made = page.evaluate(ALL)
    assert set(made) == {f"{layer}.{head}" for layer in range(4) for head in range(6)}
    for name, (weights, ok) in made.items():
        layer, head = map(int, name.split("."))
        own = story().head(layer, head).weights
        assert np.abs(np.reshape(weights, own.shape) - own).max() < 1e-5
        assert ok


def test_steps_reach_heads_and_what_is_painted_are_their_numbers(show: Show) -> None:
    page = show(story(), View(layer=0, head=0))
    page.locator("h1").click()
    for key, place in (("", (0, 0)), ("ArrowRight", (0, 1)), ("Shift+ArrowDown", (1, 1))):
        if key:
            page.keyboard.press(key)
        check_numbers(page, story(), *place)
        expect(page.locator("#hl-controls .own")).to_contain_text("✓ made here, equal to the model’s own")
        expect(page.locator("#check")).to_contain_text("✓ weights and output equal")


def test_what_is_pointed_at_says_its_number_and_marks_the_other_views(show: Show) -> None:
    page = show(story(), View(layer=1, head=2))
    cover = page.locator(".hl-panel").nth(1).locator(".hl-cover")
    box = cover.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 1.5 / 12, box["y"] + box["height"] * 10.5 / 12)
    number = f"{story().head(1, 2).weights[10, 1]:.4f}"
    expect(page.locator(".hl-tip")).to_contain_text(number)
    expect(page.locator("#hl-sentence .token.column")).to_have_text("The")
    page.mouse.click(box["x"] + box["width"] * 1.5 / 12, box["y"] + box["height"] * 4.5 / 12)
    expect(page.locator("#hl-sentence .token.pinned")).to_have_text("·on")


def test_temperature_measures_and_details_need_no_server(show: Show) -> None:
    page = show(story(), View(layer=1, head=2))
    before = painted(page)["weights"]
    page.locator("#hl-controls input[type=range]").fill("2")
    expect(page.locator("#hl-controls .own")).to_have_text("changed: not the model’s own")
    assert np.nanmax(np.abs(painted(page)["weights"] - before)) > 0.05
    page.locator("#hl-heads select").select_option("previous token")
    expect(page.locator("#hl-heads p.worth")).to_contain_text("Previous token")
    page.get_by_role("button", name="q · k by dimension").click()
    expect(page.locator("#hl-dimensions h3")).to_have_text("Inside a score of layer 1, head 2")
    expect(page.locator("#hl-links")).to_be_hidden()
    page.get_by_role("button", name="Links").click()
    expect(page.locator("#hl-links .drawn")).to_contain_text("of 78 links")
    page.get_by_role("button", name="‖a·f(x)‖").click()
    assert not np.isnan(painted(page)["weights"]).all()
    page.get_by_role("button", name="after WO").click()
    expect(page.locator(".hl-panel").nth(2)).to_contain_text("it is not in this file, but the page has it")


def test_kinds_are_switched_and_each_has_its_own_heads(show: Show) -> None:
    trace = attention.trace("dates", "the 3rd of May, 1998")
    page = show(trace, View(model="dates", text="the 3rd of May, 1998", kind="cross", layer=1, head=1))
    check_numbers(page, trace, 1, 1, "cross")
    for kind in ("encoder", "decoder", "cross"):
        page.locator("#kinds").get_by_role("button", name=kind, exact=True).click()
        layer, head = (1, 1) if kind == "cross" else (0, 0)
        check_numbers(page, trace, layer, head, kind)
        expect(page.locator("#hl-controls .own")).to_contain_text("✓")


def test_the_readers_browser_finds_numbers_that_are_not_the_models(show: Show) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 5, 8)
    trace = Trace.from_tensors(query=query, key=key, value=value, output=torch.randn(5, 2, 8), tokens=list("abcde"))
    page = show(trace, View(model="own", text="a b c d e"))
    expect(page.locator("#hl-controls .own")).to_contain_text("⚠")
    expect(page.locator("#check")).to_contain_text("⚠ Do not trust this head")


def test_what_a_person_typed_stays_text(show: Show) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 3, 8)
    trace = Trace.from_tensors(query=query, key=key, value=value, tokens=[NASTY, "</style>", "${x}"], name=NASTY)
    page = show(trace, View(model="own", text=NASTY))
    expect(page.locator("h1")).to_have_text(NASTY)
    expect(page.locator("#hl-sentence .token").first).to_have_text(NASTY.replace(" ", "·"))
    assert page.locator("img, h1 b, .token b, .key b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_until_somebody_chooses(show: Show, scheme: Scheme) -> None:
    page = show(story(), View(layer=1, head=2), scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "document.querySelector('#hl-sentence').shadowRoot.querySelector('.sentence')"
    before = page.evaluate(paper), page.evaluate(f"getComputedStyle({ink}).color")
    assert (max(map(int, re.findall(r"\d+", before[0]))) < 90) == (scheme == "dark")
    page.locator("#theme").click()
    after = page.evaluate(paper), page.evaluate(f"getComputedStyle({ink}).color")
    assert (max(map(int, re.findall(r"\d+", after[0]))) < 90) == (scheme == "light")
    assert before[1] != after[1]
    check_numbers(page, story(), 1, 2)


def test_a_phone_shows_it_without_sideways_scroll_and_hears_a_tap(show: Show) -> None:
    page = show(story(), View(layer=1, head=2), size=PHONE, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    page.locator("#hl-sentence .token").nth(3).tap()
    expect(page.locator("#hl-sentence .token.pinned")).to_have_text("·sat")
    page.get_by_role("button", name="Next head (→)").tap()
    check_numbers(page, story(), 1, 3)
    assert page.evaluate(SMALL) == []


def test_a_browser_that_cannot_unpack_says_so(show: Show) -> None:
    page = show(story(), View(), before="delete globalThis.DecompressionStream", shown=False)
    expect(page.locator("#status")).to_contain_text("Open it in a newer one")
    expect(page.locator("h1")).to_have_text(TEXT)
