"""Why a cell is masked, in the browser: the same as Python says, and in every place where the page speaks of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

import attention
from attention.browser import codec, parts, store
from attention.browser.heads import heads_tree
from attention.browser.tiles import tiles_tree
from attention.figures.alt import reason
from attention.record import Mask, Trace
from attention.view import View
from tests.chromium import harness
from tests.chromium.lab import Lab, opened
from tests.chromium.test_head_js import KEYS, RULES, N, record, trace_of

TEXT = "The cat sat on the mat because it was tired."
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const modules = ["head", "tiles", "masks", "cells"].map((name) => import(`/${name}.js`));
    const lib = Object.assign({}, ...await Promise.all(modules));
    const given = async () => ui.parse(new Uint8Array(await (await fetch("/sent")).arrayBuffer()));
    globalThis.lab = { lib, given };
}"""
WHY = """async ([count, head]) => {
    const run = await lab.given();
    const own = run.tiles ? lab.lib.tiles(run.tiles) : lab.lib.head(run, 2, head);
    const queries = run.tiles ? [...own.pins] : Array.from({ length: count }, (_, query) => query);
    const why = queries.map((query) => Array.from({ length: count }, (_, key) => own.why(query, key)));
    return { isMasked: own.isMasked, size: own.windowSize, stages: lab.lib.stagesOf(own), queries, why };
}"""
MASKS = {name: rules for name, rules in RULES.items() if set(rules) <= {"mask"}} | {
    "a window that no text leaves": {"mask": Mask(before=N, after=N)}, "no padding": {"mask": Mask(keys=KEYS >= 0)},
    "an array that closes nothing": {"mask": Mask(array=torch.ones(N, N, dtype=torch.bool))},
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def reasons(trace: Trace, head: int, query: int) -> list[str]:
    made = trace.record(2)
    rows = made.mask.rows(query, query + 1, N, head=head)
    open_ = torch.ones(N, dtype=torch.bool) if rows is None else rows[0]
    return ["" if open_[key] else reason(made.mask, query, key) for key in range(N)]


@pytest.mark.parametrize("rules", MASKS.values(), ids=MASKS)
def test_the_browser_knows_the_reason_of_every_cell(lab: Lab, rules: dict[str, Any]) -> None:
    trace = trace_of(record(**rules))
    mask = trace.record(2).mask
    found = lab.run(WHY, heads_tree(trace), [N, 1])
    assert found["why"] == [reasons(trace, 1, query) for query in range(N)]
    assert found["isMasked"] == any(any(row) for row in found["why"]) == mask.closes(N, N)
    assert ("masked" in found["stages"]) == found["isMasked"]


@pytest.mark.parametrize("mask", [Mask(), Mask(after=0), Mask(before=4, after=0), Mask(keys=KEYS < 30)])
def test_so_it_does_of_a_long_text(lab: Lab, mask: Mask) -> None:
    trace = trace_of(record(mask=mask))
    tree = tiles_tree(trace.head(2, 1), stages=["masked"], pins=[20])
    found = lab.run(WHY, {"tiles": tree}, [N, 1])
    wanted = [one and ("unknown" if mask.keys is not None else one) for one in reasons(trace, 1, 20)]
    assert found["why"] == [wanted]
    assert found["isMasked"] == mask.closes(N, N)


# On the page


def shown(page: Page, trace: Trace, view: View, name: str = "figures") -> Any:
    head = trace.head(view.layer, view.head)
    harness.empty(page)
    harness.arrive(page, head, view)
    data = parts.panels(head, view) if name == "figures" else codec.pack({})
    return harness.add(page, name, data, is_open=name == "figures")


def point(page: Page, panel: int, row: int, column: int, count: int) -> None:
    box: Any = page.locator(".hl-cover").nth(panel).bounding_box()
    page.mouse.move(box["x"] + box["width"] * (column + 0.5) / count, box["y"] + box["height"] * (row + 0.5) / count)


def test_a_masked_cell_says_why_to_the_eye_and_to_the_ear(page: Page) -> None:
    trace = attention.trace("storyteller", TEXT)
    root = shown(page, trace, View(layer=1, head=2, query=3))
    count = len(trace.tokens)
    for panel in (0, 1):
        point(page, panel, 2, 6, count)
        expect(root.locator(".hl-tip")).to_contain_text("masked: the query comes before this key")
    words = f"Masked: {count - 4} of {count} keys, because the query comes before them."
    for panel in (0, 1):
        label = root.locator(".hl-cover").nth(panel).get_attribute("aria-label") or ""
        assert label.endswith(words)
    root = shown(page, trace, View(layer=1, head=2, query=3), "sentence")
    because = "masked: the query comes before this key"
    expect(root.locator(".token").nth(7)).to_have_attribute("aria-label", f"·because, {because}")
    root.locator(".token").nth(7).hover()
    expect(root.locator(".readout")).to_have_text(f"“·because” is {because}")


@pytest.mark.parametrize(
    ("mask", "cell", "words"),
    [
        (Mask(before=2, after=0), (5, 1), "masked: this key is out of the query’s window of 3 tokens"),
        (Mask(keys=torch.arange(7) < 5), (1, 6), "masked: this key is padding"),
        (Mask(array=torch.arange(49).reshape(7, 7) % 3 > 0), (0, 3), "masked: the model’s own mask closes it"),
    ],
    ids=["window", "padding", "own"],
)
def test_so_do_other_masks(page: Page, mask: Mask, cell: tuple[int, int], words: str) -> None:
    made = Trace.from_tensors(query=torch.randn(1, 7, 5), key=torch.randn(1, 7, 5), value=torch.randn(1, 7, 5))
    trace = replace(made, all_records=(replace(made.record(0), mask=mask, output=None),))
    root = shown(page, trace, View(query=6))
    point(page, 1, *cell, 7)
    expect(root.locator(".hl-tip")).to_contain_text(words)


def test_masked_is_no_step_where_nothing_is(page: Page) -> None:
    trace = attention.trace("cloze", "The king sat on his chair.")
    root = shown(page, trace, View(model="cloze", stage="masked"))
    switches = root.locator(".hl-panel").first.locator(".hl-switches button")
    assert switches.all_inner_texts() == ["Q·K", "× scale"]
    expect(switches.last).to_have_attribute("aria-pressed", "true")
    assert "masked" not in (root.locator(".hl-cover").first.get_attribute("aria-label") or "").lower()
    page.evaluate("() => lab.store.change({ temperature: 2 })")
    assert switches.all_inner_texts() == ["Q·K", "× scale", "÷ 2"]
    expect(switches.last).to_have_attribute("aria-pressed", "true")
    switches.first.click()
    switches.last.click()
    assert page.evaluate("() => lab.store.look().stage") == "masked"
    expect(switches.last).to_have_attribute("aria-pressed", "true")


def test_where_something_is_masked_it_stays_a_step(page: Page) -> None:
    root = shown(page, attention.trace("storyteller", TEXT), View(layer=1, head=2))
    switches = root.locator(".hl-panel").first.locator(".hl-switches button")
    assert switches.all_inner_texts() == ["Q·K", "× scale", "masked"]


def test_a_long_text_without_a_mask_travels_without_that_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "level", lambda *_: "tiles")
    for mask, last in ((Mask(), "scaled"), (Mask(after=0), "masked")):
        head = trace_of(record(mask=mask)).head(2, 1)
        tiles = codec.parse(store.run(head, View(layer=2, head=1, query=3)))["tiles"]
        assert next(iter(tiles["tiles"])) == last
