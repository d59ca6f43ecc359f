"""The three panels and the arithmetic on the harness: what is still on its way, and what there is more of."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

import attention
from attention.browser import codec, parts
from attention.view import View
from tests.chromium import harness

TEXT = "The cat sat on the mat because it was tired."
# What travelled first, what is asked for beside it, and the panel that then waits.
BOTH = {"norms, then after W_O": ({"weights": "norms"}, {"values": "contribution"}, 2),
        "after W_O, then norms": ({"values": "contribution"}, {"weights": "norms"}, 1)}  # fmt: skip


@pytest.fixture(scope="module")
def head() -> attention.HeadView:
    return attention.trace("storyteller", TEXT).head(1, 2)


@pytest.mark.parametrize(("first", "then", "waits"), BOTH.values(), ids=BOTH)
def test_two_things_that_only_the_server_makes_come_one_after_the_other(
    page: Page, head: attention.HeadView, first: dict[str, str], then: dict[str, str], waits: int
) -> None:
    before, after = (View(model="storyteller", text=TEXT, layer=1, head=2, **asked) for asked in (first, first | then))
    harness.mount(page, "figures", parts.panels(head, before), head, before, is_open=True)
    panels = page.locator(".hl-panel")
    expect(page.locator(".hl-awaited")).to_have_count(0)
    page.evaluate("(asked) => lab.store.change(asked)", then)
    expect(panels.nth(waits)).to_have_class("hl-panel hl-awaited")
    page.evaluate("() => lab.store.change({ head: 3 })")
    expect(page.locator(".hl-awaited")).to_have_count(2)
    page.evaluate("() => lab.store.change({ head: 2 })")
    harness.add(page, "figures", parts.panels(head, after), is_open=True)
    expect(page.locator(".hl-awaited")).to_have_count(0)


def test_a_picture_that_stands_keeps_its_caption_until_the_next_is_here(page: Page, head: attention.HeadView) -> None:
    before = View(model="storyteller", text=TEXT, layer=1, head=2)
    after = replace(before, values="contribution")
    harness.mount(page, "figures", parts.panels(head, before), head, before, is_open=True)
    panel = page.locator(".hl-panel").nth(2)
    old = panel.locator(".hl-caption").inner_text()
    across = panel.locator(".hl-plot").inner_text()
    page.evaluate("() => lab.store.change({ values: 'contribution' })")
    expect(panel).to_have_class("hl-panel hl-awaited")
    assert (panel.locator(".hl-caption").inner_text(), panel.locator(".hl-plot").inner_text()) == (old, across)
    harness.add(page, "figures", parts.panels(head, after), is_open=True)
    expect(panel).to_have_class("hl-panel")
    assert panel.locator(".hl-caption").inner_text() != old
    assert panel.locator(".hl-plot").inner_text() != across


def test_the_vectors_say_how_much_more_there_is_and_round_nothing_away(page: Page, head: attention.HeadView) -> None:
    view = View(model="storyteller", text=TEXT, layer=1, head=2, query=10)
    root = harness.mount(page, "arithmetic", codec.pack({}), head, view)
    root.locator("summary").click()
    table = root.locator("details table")
    width = head.output.shape[1]
    cells = table.locator("tr.total td").all_inner_texts()
    assert cells[-1] == "…"
    shown = len(cells) - 1
    expect(table.locator("th[scope=col]").last).to_have_text(f"and {width - shown} more of {width}")
    for text, number in zip(cells, head.output[10], strict=False):
        if text != "…":
            assert float(text.replace("−", "-")) == pytest.approx(float(number), rel=0.006)
    assert not [text for text in table.locator("td").all_inner_texts() if re.search("[<>]", text)]
