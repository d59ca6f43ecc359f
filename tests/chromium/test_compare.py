"""The page “Compare” in Chromium: two groups linked over tokens that correspond, their difference as numpy has it."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import attention
from attention import Trace
from attention.analysis.alignment import align_tokens
from attention.analysis.changed import changed
from attention.browser import store
from attention.view import Comparison, parse_comparison
from tests.chromium.opened import Opened

CAT, DOG = "The cat sat on the mat because it was tired.", "The big dog sat on the mat because it was sad."
A, B = store.COMPARED
SECONDS = 60_000
DRAWN = ".hl-difference[data-drawn]"
# The difference as its canvas was painted from, and what each store shows.
MAP = """() => {
    const { z, zmin, zmax } = document.querySelector(".hl-difference .hl-cells").cells;
    return { shape: z.shape, z: [...z].map(String), ends: [zmin, zmax] };
}"""
WIDEST = """() => Math.max(
    ...[...document.querySelectorAll("[data-testid=stMain], body")].map((one) => one.scrollWidth))"""
Place = tuple[int, int]
LOOKS = "(names) => names.map((name) => { const { look } = headlightStores.get(name).shown; return look; })"
HOVERS = "(names) => names.map((name) => headlightStores.get(name).last.get('hover') ?? null)"


def address(**more: Any) -> str:
    fields = {"v": 1, "model": "storyteller", "text": CAT, "layer": 2, "head": 3, "b.text": DOG}
    return urlencode({**fields, **{key.replace("b_", "b."): value for key, value in more.items()}})


def go(page: Page, app_url: str, settle: Callable[[Page], None], **more: Any) -> None:
    page.goto(f"{app_url}/compare?{address(**more)}")
    page.locator(DRAWN).wait_for(timeout=SECONDS)
    settle(page)


@pytest.fixture(autouse=True)
def _without_streamlits_own(open_page: Callable[..., Page], console_errors: list[str]) -> Iterator[None]:
    """On a link to a page Streamlit asks for its health below that page's path first, which is not there."""
    yield
    console_errors[:] = [error for error in console_errors if "404" not in error]


@pytest.fixture(scope="module")
def desktop(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Opened]:
    made = Opened(browser, app_url, settle)
    yield made
    made.close()


@pytest.fixture
def opened(desktop: Opened) -> Iterator[Callable[..., Page]]:
    """The comparison of an address, at rest, on a page that stays open."""

    def at(link: str = "", **more: Any) -> Page:
        page = desktop.at(f"compare?{link or address(**more)}")
        page.locator(DRAWN).wait_for(timeout=SECONDS)
        return page

    yield at
    desktop.errors[:] = [error for error in desktop.errors if "404" not in error]  # as above
    desktop.check()


@pytest.fixture(scope="module")
def runs() -> tuple[Trace, Trace]:
    return attention.trace("storyteller", CAT), attention.trace("storyteller", DOG)


def parsed(url: str) -> Comparison:
    return parse_comparison(parse_qs(urlsplit(url).query, keep_blank_values=True))[0]


def looks(page: Page) -> list[dict[str, Any]]:
    return page.evaluate(LOOKS, [A, B])


def token(page: Page, side: str, place: int) -> Locator:
    return page.locator(f".st-key-compare-side-{side} .sentence .token").nth(place)


def difference(page: Page) -> np.ndarray:
    found = page.evaluate(MAP)
    return np.array([float(one) for one in found["z"]]).reshape(found["shape"])


def expected(runs: tuple[Trace, Trace], heads: tuple[Place, Place], stage: str = "weights") -> np.ndarray:
    """B − A over the steps, NaN without a partner and where both are masked."""
    a, b = (run.head(*head).stage(stage) for run, head in zip(runs, heads, strict=True))
    steps = align_tokens(runs[0].tokens, runs[1].tokens).steps
    made = np.full((len(steps), len(steps)), np.nan)
    for row, query in enumerate(steps):
        for column, key in enumerate(steps):
            places = (query.first, query.second, key.first, key.second)
            if None not in places and query.first >= key.first:  # type: ignore[operator]
                made[row, column] = b[query.second, key.second] - a[query.first, key.first]
    return made


def test_the_difference_is_that_of_both_heads_weights_where_tokens_correspond(
    opened: Callable[..., Page], open_page: Callable[..., Page], app_url: str, settle: Any, runs: Any
) -> None:
    page = opened()
    np.testing.assert_allclose(difference(page), expected(runs, ((2, 3), (2, 3))), atol=2e-6)
    # Another head on one side: made here, before the server answers.
    page.locator(".st-key-compare-side-b").get_by_role("combobox", name="Head").select_option("4")
    np.testing.assert_allclose(difference(page), expected(runs, ((2, 3), (2, 4))), atol=2e-6)
    page.get_by_role("button", name="scores", exact=True).click()
    scores = expected(runs, ((2, 3), (2, 4)), "masked")
    np.testing.assert_allclose(difference(page), scores, atol=2e-4)
    assert np.nanmax(np.abs(scores)) > 0.5
    settle(page)
    assert [one.measure for one in (parsed(page.url).first, parsed(page.url).second)] == ["scores"] * 2
    again = open_page()
    go(again, app_url, settle, b_head=4, measure="scores")
    np.testing.assert_allclose(difference(again), scores, atol=2e-4)


def test_pointing_at_a_token_points_at_its_partner_and_at_none_where_there_is_none(
    opened: Callable[..., Page], runs: Any
) -> None:
    page = opened()
    pairs = dict(align_tokens(runs[0].tokens, runs[1].tokens).pairs)
    sat = [str(one) for one in runs[0].tokens].index("sat")
    token(page, "a", sat).hover()
    hovers = page.evaluate(HOVERS, [A, B])
    assert (hovers[0]["key"], hovers[1]["key"]) == (sat, pairs[sat])
    expect(token(page, "b", pairs[sat])).to_have_class(re.compile(r"\bcolumn\b"))
    cat = sat - 1
    assert cat not in pairs
    token(page, "a", cat).hover()
    assert page.evaluate(HOVERS, [A, B])[1] is None
    page.mouse.move(0, 0)
    assert page.evaluate(HOVERS, [A, B]) == [None, None]
    linked = page.get_by_role("button", name="linked")
    linked.click()
    token(page, "a", sat).hover()
    assert page.evaluate(HOVERS, [A, B])[1] is None
    linked.click()  # it is no part of the look, and the page stays open
    token(page, "a", sat).hover()
    assert page.evaluate(HOVERS, [A, B])[1]["key"] == pairs[sat]


def test_a_pin_goes_to_its_partner_and_stands_in_the_link(
    opened: Callable[..., Page], open_page: Callable[..., Page], settle: Any, runs: Any
) -> None:
    page = opened()
    pairs = dict(align_tokens(runs[0].tokens, runs[1].tokens).pairs)
    mat = [str(one) for one in runs[0].tokens].index("mat")
    token(page, "a", mat).click()
    assert [look["query"] for look in looks(page)] == [mat, pairs[mat]]
    settle(page)
    page.wait_for_url(re.compile(rf"[?&]query={mat}&.*b\.query={pairs[mat]}"))
    # And back, from the other side.
    back = {second: first for first, second in pairs.items()}
    token(page, "b", pairs[mat] + 1).click()
    assert looks(page)[0]["query"] == back[pairs[mat] + 1]
    settle(page)
    again = page.url
    before = [(look["layer"], look["head"], look["query"]) for look in looks(page)]
    page = open_page(again)
    page.locator(DRAWN).wait_for(timeout=SECONDS)
    settle(page)
    assert [(look["layer"], look["head"], look["query"]) for look in looks(page)] == before
    assert page.url == again
    page.get_by_role("button", name="linked").click()
    token(page, "a", mat).click()
    assert [look["query"] for look in looks(page)] == [mat, before[1][2]]


def test_a_cell_of_the_difference_says_both_numbers_and_pins_both_rows(
    opened: Callable[..., Page], runs: Any
) -> None:
    page = opened()
    steps = align_tokens(runs[0].tokens, runs[1].tokens).steps
    row = next(i for i, step in enumerate(steps) if step.first is not None and str(runs[0].tokens[step.first]) == "mat")
    cover = page.locator(".hl-difference-cover")
    cover.scroll_into_view_if_needed()
    box = cover.bounding_box()
    assert box is not None
    at = {"x": box["width"] * 0.5 / len(steps), "y": box["height"] * (row + 0.5) / len(steps)}
    cover.hover(position=at)
    rows = (steps[row].first, steps[row].second)
    first, second = (float(run.head(2, 3).weights[one, 0]) for run, one in zip(runs, rows, strict=True))
    tip = page.locator(".hl-difference-tip")
    expect(tip).to_contain_text(f"A {first:.4f}")
    expect(tip).to_contain_text(f"B {second:.4f}")
    expect(tip).to_contain_text(f"B − A {second - first:+.4f}".replace("-", "−"))
    cover.click(position=at)
    assert [look["query"] for look in looks(page)] == [steps[row].first, steps[row].second]
    said = cover.get_attribute("aria-label") or ""
    assert said.startswith("Difference of the weights, B − A: A layer 2, head 3; B layer 2, head 3;")
    own = expected(runs, ((2, 3), (2, 3)))[row]
    best = own[np.nanargmax(np.abs(own))]
    assert "In the pinned row it is at “·mat” → " in said
    assert said.endswith(f"{best:+.4f}.".replace("-", "−"))


def test_the_keyboard_walks_over_the_difference_and_over_both_texts(opened: Callable[..., Page]) -> None:
    page = opened()
    steps = page.get_by_role("list", name="Tokens of both texts, side by side").get_by_role("button")
    names = steps.evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    assert names[:5] == ["<s>, in both", "The, in both", "cat, in A alone", "big, in B alone", "dog, in B alone"]
    steps.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert [look["query"] for look in looks(page)] == [1, 1]
    expect(steps.nth(1)).to_have_attribute("aria-pressed", "true")
    page.locator(".hl-difference-cover").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".hl-difference-tip")).to_contain_text("only one text has this token")


def test_swap_sides_turns_the_difference_round(opened: Callable[..., Page], settle: Any, runs: Any) -> None:
    page = opened(b_head=4)
    before = difference(page)
    page.get_by_role("button", name="swap sides").click()
    page.wait_for_url(re.compile(r"b\.text=The\+cat"))
    settle(page)
    assert [(look["layer"], look["head"]) for look in looks(page)] == [(2, 4), (2, 3)]
    back = align_tokens(runs[1].tokens, runs[0].tokens).steps
    there = align_tokens(runs[0].tokens, runs[1].tokens).steps
    keep = [[i for i, step in enumerate(steps) if None not in (step.first, step.second)] for steps in (there, back)]
    np.testing.assert_allclose(-before[np.ix_(keep[0], keep[0])], difference(page)[np.ix_(keep[1], keep[1])], atol=1e-6)


def test_a_head_of_the_ranking_is_one_click_away_on_both_sides(
    opened: Callable[..., Page], settle: Any, runs: Any
) -> None:
    page = opened()
    best = changed(*runs)[0]
    listed = page.get_by_role("region", name="Which heads changed most?").get_by_role("listitem")
    first = listed.first.get_by_role("button")
    expect(first).to_have_attribute(
        "aria-label", f"layer {best.layer}, head {best.head}: distance {best.distance:.3f}. Show it on both sides"
    )
    first.click()
    assert [(look["layer"], look["head"]) for look in looks(page)] == [(best.layer, best.head)] * 2
    expect(first).to_have_attribute("aria-pressed", "true")
    settle(page)
    page.wait_for_url(lambda url: (parsed(url).first.layer, parsed(url).first.head) == (best.layer, best.head))
    assert (parsed(page.url).second.layer, parsed(page.url).second.head) == (best.layer, best.head)
    assert "b.head" not in page.url


def test_undo_and_back_take_both_sides_back(opened: Callable[..., Page], settle: Any) -> None:
    page = opened()
    page.locator(".st-key-compare-side-b").get_by_role("button", name="Next head").click()
    settle(page)
    page.wait_for_url(re.compile(r"b\.head=4"))
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert [look["head"] for look in looks(page)] == [3, 3]
    assert "b.head" not in page.url
    page.go_back()
    settle(page)
    assert [look["head"] for look in looks(page)] == [3, 4]


def test_from_a_head_to_a_comparison_with_itself(page: Page, app_url: str, settle: Any) -> None:
    page.goto(f"{app_url}/?v=1&layer=1&head=2&query=4")
    page.locator(".hl-foot").wait_for(timeout=SECONDS)
    settle(page)
    page.get_by_role("button", name="compare with…").click()
    page.locator(DRAWN).wait_for(timeout=SECONDS)
    settle(page)
    assert page.url.startswith(f"{app_url}/compare?")
    assert "b." not in page.url
    found = looks(page)
    assert [(look["layer"], look["head"], look["query"]) for look in found] == [(1, 2, 4)] * 2
    assert (np.nan_to_num(difference(page)) == 0).all()
    expect(page.get_by_text("Both sides show the same.")).to_be_visible()
    # And the inspect page keeps no trace of a second side.
    page.locator(".st-key-compare-side-b").get_by_role("button", name="Next head").click()
    settle(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Inspect").click()
    page.wait_for_url(lambda url: "/compare" not in url)
    settle(page)
    expect(page.locator(".st-key-right .hl-figures[data-drawn]")).to_be_visible(timeout=SECONDS)
    assert "b." not in page.url


def test_a_text_of_one_side_is_its_own(opened: Callable[..., Page], settle: Any, runs: Any) -> None:
    page = opened()
    box = page.get_by_role("textbox", name="Sentence, side B")
    box.fill(CAT)
    box.press("Enter")
    page.wait_for_url(lambda url: "b.text" not in url)
    settle(page)
    assert (np.nan_to_num(difference(page)) == 0).all()
    assert difference(page).shape == (len(runs[0].tokens),) * 2
    expect(page.get_by_text("Both sides show the same.")).to_be_visible()


def test_a_side_is_changed_from_its_own_menu_and_has_room_for_all(opened: Callable[..., Page], settle: Any) -> None:
    page = opened(query=10)
    side = page.locator(".st-key-compare-side-b")
    pin = side.locator(".pins .chip")
    for width in (1280, 1440):
        page.set_viewport_size({"width": width, "height": 720})
        settle(page)
        assert page.evaluate(WIDEST) <= width
        assert pin.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "the pinned token is cut"
        sides = pin.evaluate("(one) => [one, one.parentNode].map((any) => any.getBoundingClientRect().right)")
        assert sides[0] <= sides[1]
    side.locator("button.change").press("Enter")
    side.locator(".menu button.item", has_text="set it to zero").press("Enter")
    chip = page.locator(".edits .chip")
    expect(chip).to_have_text("layer 2, head 3: off (zero) ✕", timeout=SECONDS)
    settle(page)
    both = parsed(page.url)
    assert (both.first.edits, *map(str, both.second.edits)) == ((), "off-2.3")
    chip.press("Enter")
    expect(chip).to_have_count(0, timeout=SECONDS)
    settle(page)
    assert parsed(page.url).second.edits == ()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_sides_stand_one_above_the_other(
    open_page: Callable[..., Page], app_url: str, settle: Any, scheme: str
) -> None:
    page = open_page(size=(390, 844), scheme=scheme)
    go(page, app_url, settle)
    assert page.evaluate(WIDEST) <= 390
    places = (".st-key-compare-side-a", ".st-key-compare-side-b", ".hl-difference")
    a, b, between = (page.locator(place).bounding_box() or {} for place in places)
    assert a["y"] + a["height"] <= b["y"]
    assert b["y"] + b["height"] <= between["y"]
    assert difference(page).size > 0
    # Zero is the middle of the colours: what does not differ looks like nothing.
    ends = page.evaluate(MAP)["ends"]
    assert ends[0] == -ends[1]


def test_two_kinds_of_attention_lay_both_their_texts_side_by_side(opened: Callable[..., Page]) -> None:
    query = {"v": 1, "model": "dates", "text": "3 May 1998", "kind": "cross", "b.text": "13 May 1998"}
    page = opened(urlencode(query))
    expect(page.get_by_role("list", name="Tokens of both texts, queries")).to_be_visible()
    expect(page.get_by_role("list", name="Tokens of both texts, keys")).to_be_visible()
    one, other = (attention.trace("dates", text) for text in ("3 May 1998", "13 May 1998"))
    rows = len(align_tokens(one.query_tokens("cross"), other.query_tokens("cross")).steps)
    columns = len(align_tokens(one.key_tokens("cross"), other.key_tokens("cross")).steps)
    assert difference(page).shape == (rows, columns)
