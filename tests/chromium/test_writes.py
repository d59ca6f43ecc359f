"""“What it writes” in Chromium: the lists in words and numbers, and from which keys that came."""

from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

from attention.browser import codec
from tests.chromium.asked import QUERY, shown, story, view, writes_bytes
from tests.chromium.harness import add, arrive, messages


@pytest.fixture
def show(open_page: Any) -> Any:
    """A page with a store and the view on it, without a server."""
    return partial(shown, open_page, "writes")


def test_each_token_has_its_value_its_rank_and_its_sign_in_words(show: Any) -> None:
    page, given = show(), codec.parse(writes_bytes())
    for number, name, verb in ((0, "promoted", "raises"), (1, "suppressed", "lowers")):
        lines = page.locator("#hl-writes .lines").nth(number).locator("li")
        expect(lines).to_have_count(10)
        for at, one in enumerate(given[name]):
            sign = f"{one['value']:+.2f}".replace("-", "−")
            words = f"{verb} the logit of “{one['name']}” by {sign}, rank {one['rank']:,} of 4,096"
            expect(lines.nth(at)).to_contain_text(words)
    said = page.locator("#hl-writes .said")
    expect(said.first).to_contain_text("It raises the logit of “·home” by +1.07")
    expect(said.nth(1)).to_contain_text("It looks most at “·home” (94 %), which has rank 1 of 4,096")


def test_the_keys_are_listed_by_what_they_bring_and_add_up(show: Any) -> None:
    page, given = show(), codec.parse(writes_bytes())
    lines = page.locator("#hl-writes .lines").nth(2).locator("li")
    first = max(given["keys"], key=lambda one: abs(one["value"]))
    expect(lines.first).to_contain_text("·home")
    expect(lines.first).to_contain_text(f"{first['value']:+.3f}")
    expect(lines.last).to_contain_text("3 more")
    expect(page.locator("#hl-writes .bad")).to_have_count(0)
    lines.first.hover()
    assert page.evaluate("() => lab.store.last('hover')") == {"query": QUERY, "key": first["place"], "from": "writes"}
    add(page, "writes", codec.pack(given | {"ok": False, "remainder": -0.5}))
    expect(page.locator("#hl-writes .bad")).to_have_text("⚠ remainder −0.50")


def test_lists_of_another_head_are_pale_until_their_own_come(show: Any) -> None:
    page = show()
    pale = page.locator("#hl-writes .writes.waits")
    expect(pale).to_have_count(0)
    arrive(page, story().head(1, 0), view("writes", 1, 0), run=False)
    expect(pale).to_have_count(1)
    add(page, "writes", writes_bytes(1, 0))
    expect(pale).to_have_count(0)
    expect(page.locator("#hl-writes .title")).to_have_text("Layer 1, head 0 at “·came”")


def test_a_target_is_chosen_here_too(show: Any) -> None:
    page = show()
    page.get_by_label("target", exact=True).select_option(index=3)
    given = codec.parse(writes_bytes())
    assert messages(page) == [["aim", {"target": given["choices"][2]["id"], "distractor": given["distractor"]["id"]}]]


def test_a_reason_stands_in_its_place(show: Any) -> None:
    page = show()
    add(page, "writes", codec.pack({"reason": "Not defined: <b>why</b>."}))
    expect(page.locator("#hl-writes .reason")).to_have_text("Not defined: <b>why</b>.")
    expect(page.locator("#hl-writes .body")).to_be_hidden()
