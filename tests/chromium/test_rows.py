"""All heads of a layer for the pinned token, below the sentence: what each line says, and where none can be."""

import re
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import attention
from attention.browser import codec, store
from attention.record import Trace
from attention.tokens import label as label_of
from attention.view import View
from tests.chromium import harness

TEXT = "The cat sat on the mat because it was tired."
LONG = " ".join([TEXT] * 6)
ASK = "heads of this layer"


def opened(page: Page, trace: Trace, view: View, width: int = 1100) -> Locator:
    root = harness.mount(page, "sentence", codec.pack({}), trace.head(view.layer, view.head), view, width=width)
    root.get_by_role("button", name=ASK).click()
    return root


def lines(root: Locator) -> Locator:
    return root.locator(".rows-line")


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def test_nothing_is_there_before_somebody_asks(page: Page, story: Trace) -> None:
    root = harness.mount(page, "sentence", codec.pack({}), story.head(1, 2), View(layer=1, head=2, query=8))
    button = root.get_by_role("button", name=ASK)
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(lines(root)).to_have_count(0)
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(lines(root)).to_have_count(6)
    button.click()
    expect(root.locator(".rows")).to_be_hidden()


def test_each_line_has_its_heads_own_numbers(page: Page, story: Trace) -> None:
    root = opened(page, story, View(layer=1, head=2, query=8))
    for head, label in enumerate(lines(root).evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")):
        row = story.head(1, head).weights[8]
        best = int(row.argmax())
        spread = float(np.exp(-(row[row > 0] * np.log(row[row > 0])).sum()))
        found = re.fullmatch(r"Head (\d): most to “(.*)”, ([\d.]+); spread over ([\d.]+) tokens", label)
        assert found is not None
        assert (int(found[1]), found[2]) == (head, label_of(story.tokens[best]))
        assert float(found[3]) == pytest.approx(row[best], abs=6e-4)
        assert float(found[4]) == pytest.approx(spread, rel=0.06)
    chips = lines(root).first.locator(".rows-tokens span")
    shades = chips.evaluate_all("all => all.map((one) => one.style.backgroundColor)")
    assert len(shades) == len(story.tokens)
    assert len(set(shades)) > 1


def test_a_line_chooses_its_head_and_keeps_the_keyboard(page: Page, story: Trace) -> None:
    root = opened(page, story, View(layer=1, head=2, query=8))
    expect(lines(root).nth(2)).to_have_attribute("aria-pressed", "true")
    lines(root).nth(4).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => lab.store.look().head") == 4
    expect(lines(root).nth(4)).to_have_attribute("aria-pressed", "true")
    expect(lines(root).nth(2)).to_have_attribute("aria-pressed", "false")
    expect(lines(root).nth(4)).to_be_focused()
    before = lines(root).all_inner_texts()
    page.evaluate("() => lab.store.pin(3)")
    assert lines(root).all_inner_texts() != before
    page.evaluate("() => lab.store.change({ layer: 2 })")
    expect(lines(root)).to_have_count(6)


def test_several_pins_are_told_together(page: Page, story: Trace) -> None:
    root = opened(page, story, View(layer=1, head=2, query=8, also=(5,)))
    row = story.head(1, 3).weights[[8, 5]].mean(axis=0)
    label = lines(root).nth(3).get_attribute("aria-label") or ""
    assert f", {row.max():.3f};" in label


def test_the_heads_that_are_kept_stay(page: Page, story: Trace) -> None:
    root = opened(page, story, View(layer=1, head=2, query=8))
    assert page.evaluate("""() => {
        const kept = [...globalThis.headlightStores.get("lab").kept.keys()];
        lab.store.pin(4);
        return JSON.stringify(kept) === JSON.stringify([...globalThis.headlightStores.get("lab").kept.keys()]);
    }""")
    expect(lines(root)).to_have_count(6)


def test_of_a_longer_text_the_heaviest_tokens_stand_in_a_line(page: Page) -> None:
    trace = attention.trace("storyteller", LONG)
    root = opened(page, trace, View(layer=1, head=2, query=50))
    row = trace.head(1, 0).weights[50]
    heaviest = sorted(np.argsort(-row, kind="stable")[:8].tolist())
    told = [text.strip("·") for text in lines(root).first.locator(".rows-tokens span").all_inner_texts()]
    assert told == [trace.tokens[key].text for key in heaviest]
    expect(lines(root).first.locator(".rows-tokens i").first).to_have_text("…")


@pytest.mark.parametrize(("level", "words"), [("head", "one head travels"), ("tiles", "only the head in view travels")])
def test_where_the_others_did_not_travel_it_says_so(
    page: Page, story: Trace, monkeypatch: pytest.MonkeyPatch, level: str, words: str
) -> None:
    monkeypatch.setattr(store, "level", lambda *_: level)
    root = opened(page, replace(story), View(layer=1, head=2, query=8))
    expect(root.locator(".rows-note")).to_contain_text(words)
    expect(lines(root)).to_have_count(0)


def test_on_a_phone_the_lines_fit(page: Page, story: Trace) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    root = opened(page, story, View(layer=1, head=2, query=8), width=358)
    widths = lines(root).evaluate_all("all => all.map((one) => one.scrollWidth - one.clientWidth)")
    assert widths == [0] * 6
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
