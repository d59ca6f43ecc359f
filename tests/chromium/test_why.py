"""“Why there?” in Chromium: the sum, the map of groups, the pairs of a cell, and the way to an earlier head."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from attention.browser import codec
from tests.chromium.asked import TEXT, shown, story, why_bytes
from tests.chromium.harness import add, messages

SECONDS = 60_000


@pytest.fixture
def show(open_page: Any) -> Any:
    """A page with a store and the view on it, without a server."""
    return partial(shown, open_page, "why")


def test_the_sum_is_the_models_own_score_and_red_where_it_is_not(show: Any) -> None:
    page, given = show(), codec.parse(why_bytes())
    line = page.locator("#hl-why .sum")
    score = f"{given['score']:+.3f}"
    expect(line).to_contain_text(f"All pairs add up to {score}; the model’s own q·k × scale (0.177) is {score}")
    expect(line.locator(".bad")).to_have_count(0)
    assert float(story().head(2, 1).scaled[10, given["key"]["place"]]) == pytest.approx(given["score"], abs=1e-4)
    add(page, "why", codec.pack(given | {"ok": False, "remainder": 0.125, "bias": -0.75}))
    expect(line.locator(".bad")).to_have_text("⚠ remainder 0.13")
    expect(line).to_contain_text("Position alone adds −0.750")


def test_the_list_names_the_largest_pairs_and_a_cell_opens_its_own(show: Any) -> None:
    page, given = show(), codec.parse(why_bytes())
    lines = page.locator("#hl-why .lines li")
    order = np.argsort(-np.abs(given["pairs"]), axis=None)
    for at, number in enumerate(order[:3]):
        row, column = np.unravel_index(number, given["pairs"].shape)
        names = [given["sides"][side][int(i)]["name"] for side, i in (("query", row), ("key", column))]
        words = lines.nth(at).locator(".named").inner_text()
        assert 0 <= words.index(names[0]) < words.index("(query)") < words.rindex(names[1]) < words.index("(key)")
        expect(lines.nth(at).locator(".number")).to_have_text(f"{given['pairs'][row, column]:+.2f}".replace("-", "−"))
    cell = page.locator("#hl-why tbody tr").nth(1).locator("td").nth(1)
    cell.hover()
    expect(page.locator("#hl-why .tell")).to_contain_text("layer 0 attention (query) × layer 0 attention (key)")
    cell.click()
    expect(page.locator("#hl-why .list .title")).to_have_text("layer 0 attention × layer 0 attention")
    inside = [
        given["pairs"][i, j]
        for i, query in enumerate(given["sides"]["query"]) for j, key in enumerate(given["sides"]["key"])
        if (query["group"], key["group"]) == (1, 1)
    ]  # fmt: skip
    best = max(inside, key=abs)
    expect(lines.first.locator(".number")).to_have_text(f"{best:+.2f}".replace("-", "−"))
    assert sum(inside) == pytest.approx(float(given["map"][1, 1]), abs=1e-3)
    page.get_by_role("button", name="All pairs").click()
    expect(page.locator("#hl-why .list .title")).to_have_text("The pairs that bring most")


def test_a_head_behind_the_key_is_one_click_away_at_the_token_where_it_wrote(show: Any) -> None:
    page, given = show(), codec.parse(why_bytes())
    page.locator("#hl-why .lines li").first.locator("button.key").click()
    first = np.unravel_index(np.abs(given["pairs"]).argmax(), given["pairs"].shape)
    part = given["sides"]["key"][int(first[1])]
    head = {"layer": str(part["layer"]), "head": str(part["head"])}
    assert messages(page)[-1]["changes"] == head | {"query": str(given["key"]["place"]), "also": "", "key": ""}


def test_another_key_is_chosen_from_those_that_may_be_seen(show: Any) -> None:
    page = show()
    choice = page.get_by_label("key of the score")
    expect(choice.locator("option")).to_have_count(12)
    choice.select_option("5")
    assert messages(page)[-1]["changes"] == {"key": "5"}


def test_an_induction_head_leads_to_the_head_that_feeds_its_key(app_url: str, open_page: Any, settle: Any) -> None:
    page = open_page(f"{app_url}/?v=1&lens=why&layer=2&head=1&query=10&text={TEXT}")
    page.locator(".why .lines li").first.wait_for(timeout=SECONDS)
    settle(page)
    button = page.locator(".why .lines li button.key").first
    name = button.inner_text()
    button.click()
    layer, head = name.split("head ")[1].split(" ")[0].split(".")
    expect(page.locator("h2", has_text=f"Layer {layer}, head {head}")).to_be_visible()
    settle(page)
    expect(page.locator(".why .title").first).to_contain_text(
        f"Layer {layer}, head {head}: ·old looks at", timeout=SECONDS
    )
