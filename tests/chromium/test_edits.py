"""Changes of the run on the page, in Chromium: made from the menu or from what the picture shows, at once and then by
the model; listed, lifted, undone, linked; by keyboard alone; in both themes and on a phone.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import attention
from tests.chromium.axe import faults
from tests.chromium.opened import DRAWN, Opened

SECONDS = 60_000
TEXT = "The cat sat on the mat because it was tired."
CLOSE = 5e-6
WEIGHTS = """() => {
    const stores = globalThis.headlightStores;
    const { head, running } = stores.get("inspect").shown;
    const { altered } = head;
    return { running, weights: [...head.map("weights")], output: [...head.output], altered, ok: head.check().ok };
}"""
# Frames that the page sends to the server are held back, so that what is shown is the browser's own.
HOLD = """() => {
    const send = WebSocket.prototype.send;
    globalThis.held = [];
    WebSocket.prototype.send = function (data) { held.push([this, data]); };
    globalThis.release = () => {
        WebSocket.prototype.send = send;
        for (const [socket, data] of held) socket.send(data);
        held = [];
    };
}"""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def desktop(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Opened]:
    made = Opened(browser, app_url, settle)
    yield made
    made.close()


@pytest.fixture
def inspect(desktop: Opened) -> Iterator[Open]:
    """The inspect page of an address, at rest."""
    yield lambda **query: desktop.at(link_of(query))
    desktop.check()


@pytest.fixture
def anew(app_url: str, open_page: Any, settle: Callable[[Page], None]) -> Open:
    """That page as it is when its link is loaded: a second link comes in place of the first."""
    windows: dict[Any, Page] = {}

    def opened(size: tuple[int, int] = (1440, 1000), scheme: str = "light", touch: bool = False, **query: str) -> Page:
        window = (size, scheme, touch)
        if window not in windows:
            windows[window] = open_page(size=size, scheme=scheme, touch=touch)
        page = windows[window]
        page.goto(f"{app_url}/{link_of(query)}")
        page.wait_for_selector(f"{DRAWN}, .st-key-problem", state="attached", timeout=SECONDS)
        settle(page)
        return page

    return opened


def link_of(query: dict[str, str]) -> str:
    return "?" + urlencode({"v": "1", "text": TEXT} | query)


def shown(page: Page) -> Any:
    """What the store shows: whether the model still runs, and the head's numbers."""
    return page.evaluate(WEIGHTS)


def edits_of(page: Page) -> str:
    """The changes in the page's address."""
    return ",".join(parse_qs(urlsplit(page.url).query).get("edits", []))


def menu(page: Page) -> None:
    page.locator(".controls button.change").click()
    expect(page.locator(".controls .menu")).to_be_visible()


def item(page: Page, label: str) -> Any:
    return page.locator(".controls .menu button.item", has_text=label).first


def head_of(edits: str, layer: int = 2, head: int = 1) -> Any:
    return attention.trace("storyteller", TEXT, edits=edits).head(layer, head)


@pytest.mark.parametrize(
    ("label", "line"),
    [
        ("set it to zero", "off-2.1"), ("set each row to the mean", "off-2.1-running"),
        ("spread it over all", "even-2.1-q8"), ("in this head", "cut-2.1-q8-k{}"),
    ],
)  # fmt: skip
def test_it_is_seen_at_once_and_then_run(inspect: Open, settle: Callable[[Page], None], label: str, line: str) -> None:
    page = inspect(layer="2", head="1", query="8")
    best = int(head_of("").weights[8].argmax())
    line = line.format(best)
    page.evaluate(HOLD)
    menu(page)
    item(page, label).click()
    at_once = shown(page)
    wanted = head_of(line)
    assert (at_once["running"], at_once["altered"]) == (True, True)
    expect(page.locator(".controls .own")).to_have_text("running the model with this…")
    assert np.allclose(at_once["weights"], wanted.weights.ravel(), atol=CLOSE)
    assert np.allclose(at_once["output"], wanted.output.ravel(), atol=CLOSE)
    assert edits_of(page) == line
    page.evaluate("release()")
    expect(page.locator(".edits .chip")).to_have_count(1, timeout=SECONDS)
    settle(page)
    after = shown(page)
    assert (after["running"], after["altered"], after["ok"]) == (False, False, True)
    assert np.allclose(after["weights"], wanted.weights.ravel(), atol=CLOSE)
    expect(page.locator(".controls .own")).to_contain_text("✓ made here")


def test_a_hidden_token_is_gone_at_once_from_the_first_layer(inspect: Open, settle: Callable[[Page], None]) -> None:
    """Later layers read what the earlier ones made of it, which only the model's run can tell."""
    page = inspect(layer="0", head="4", query="8")
    page.evaluate(HOLD)
    menu(page)
    item(page, "hide “·it”").click()
    wanted = head_of("hide-k8", layer=0, head=4)
    assert np.allclose(shown(page)["weights"], wanted.weights.ravel(), atol=CLOSE)
    page.evaluate("release()")
    expect(page.locator(".edits .chip")).to_have_count(1, timeout=SECONDS)


def test_a_link_reproduces_it_undo_takes_it_back_and_redo_brings_it(
    inspect: Open, anew: Open, settle: Callable[[Page], None]
) -> None:
    page = inspect(layer="2", head="1", query="8")
    menu(page)
    item(page, "spread it over all").click()
    expect(page.locator(".edits .chip")).to_have_count(1, timeout=SECONDS)
    settle(page)
    link = parse_qs(urlsplit(page.url).query)
    first = shown(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".edits")).to_have_count(0, timeout=SECONDS)
    settle(page)
    assert np.allclose(shown(page)["weights"], head_of("").weights.ravel(), atol=CLOSE)
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".edits .chip")).to_have_count(1, timeout=SECONDS)
    settle(page)
    again = anew(**{name: values[0] for name, values in link.items()})
    assert shown(again)["weights"] == first["weights"]
    expect(again.locator(".edits q")).to_contain_text("the row of “·it” spread evenly. Storyteller, one prompt.")


def test_the_keyboard_alone_makes_and_lifts_a_change(inspect: Open, settle: Callable[[Page], None]) -> None:
    page = inspect(layer="2", head="1", query="8")
    button = page.locator(".controls button.change")
    button.focus()
    page.keyboard.press("Enter")
    expect(item(page, "set it to zero")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".controls .menu")).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(item(page, "set each row to the mean")).to_be_focused()
    page.keyboard.press("Enter")
    expect(button).to_be_focused()
    chip = page.locator(".edits .chip")
    expect(chip).to_have_count(1, timeout=SECONDS)
    settle(page)
    assert edits_of(page) == "off-2.1-running"
    query = parse_qs(urlsplit(page.url).query)
    assert (query["layer"], query["head"]) == (["2"], ["1"]), "the menu's arrow keys are no steps through the heads"
    button.focus()
    page.keyboard.press("Enter")
    item(page, "spread it over all").press("Enter")
    expect(chip).to_have_count(2, timeout=SECONDS)
    settle(page)
    chip.first.press("Enter")
    expect(chip).to_have_count(1, timeout=SECONDS)
    settle(page)
    expect(chip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".edits")).to_have_count(0, timeout=SECONDS)
    settle(page)
    assert edits_of(page) == ""


def test_what_cannot_be_says_why(inspect: Open) -> None:
    page = inspect(layer="2", head="1", query="0")
    menu(page)
    rests = item(page, "let it rest on the first token")
    expect(rests).to_have_attribute("aria-disabled", "true")
    expect(rests).to_contain_text("of its weight with it on average")
    cut = item(page, "in this head")
    expect(cut).to_contain_text("it is all that “<s>” may see")
    cut.click(force=True)
    assert edits_of(page) == ""
    local = inspect(model="local")
    menu(local)
    expect(local.locator(".controls .menu")).to_contain_text("stands alone")
    expect(local.locator(".controls .menu button")).to_have_count(0)


def test_what_only_the_picture_shows_becomes_a_change_of_the_run(inspect: Open, settle: Callable[[Page], None]) -> None:
    page = inspect(layer="2", head="1", query="8", temperature="0.5", hide="first")
    expect(page.locator(".controls .scope")).to_have_text("only this picture:")
    expect(page.locator(".controls .own")).to_contain_text("changed: not the model’s own")
    page.get_by_role("button", name="run the model with this").click()
    expect(page.locator(".edits .chip")).to_have_count(2, timeout=SECONDS)
    settle(page)
    assert edits_of(page) == "temper-2.1-t0.5,cut-2.1-k0"
    assert not {"temperature", "hide"} & set(parse_qs(urlsplit(page.url).query))
    wanted = head_of("temper-2.1-t0.5,cut-2.1-k0")
    assert np.allclose(shown(page)["weights"], wanted.weights.ravel(), atol=CLOSE)
    assert shown(page)["ok"] is True
    expect(page.locator(".controls button.run")).to_be_hidden()


def test_the_effect_is_told_and_another_token_can_be_the_target(inspect: Open, settle: Callable[[Page], None]) -> None:
    page = inspect(layer="2", head="1", query="8", edits="even-2.1-q8")
    effect = page.locator(".effect")
    told = attention.effect("storyteller", TEXT, edits="even-2.1-q8", position=8)
    expect(effect.locator("h3")).to_contain_text("to the prediction after “·it”")
    change = told.effect.change
    expect(effect.locator("strong")).to_have_text(f"{'+' if change > 0 else '−'}{abs(change):.2f}")
    effect.locator("summary").click()
    other = told.names[told.likeliest[3]].text.strip()
    effect.locator(".tokens .token", has_text=other).first.click()
    expect(effect.locator(".main")).to_contain_text(other, timeout=SECONDS)
    settle(page)
    assert f"target={told.likeliest[3]}" in page.url
    effect.get_by_role("button", name="swap").click()
    expect(effect.locator("tbody tr").first).to_contain_text("had", timeout=SECONDS)
    settle(page)
    assert f"distractor={told.likeliest[3]}" in page.url
    page.locator(".predicted button.aim").first.click()
    expect(effect.locator("tbody tr").first).to_contain_text("was", timeout=SECONDS)


def test_a_run_that_fails_shows_the_sentence_and_the_chips(anew: Open, settle: Callable[[Page], None]) -> None:
    page = anew(edits="off-2.5,cut-1.1-q0-k0")
    expect(page.locator(".st-key-problem")).to_contain_text("query 0 could see no key at all")
    page.locator(".edits .chip", has_text="may not see").click()
    expect(page.locator(".edits .chip")).to_have_count(1, timeout=SECONDS)
    expect(page.locator(".st-key-foot")).to_be_visible(timeout=SECONDS)
    settle(page)
    assert edits_of(page) == "off-2.5"


def test_what_changed_later_is_mapped_and_the_rest_is_hatched(inspect: Open) -> None:
    page = inspect(layer="1", head="0", edits="off-1.1", measure="changed")
    expect(page.locator(".heads")).to_contain_text("cannot have changed")
    expect(page.locator(".heads .worth, .heads [class*=worth]").first).to_have_text("cannot have changed")


def test_the_tokens_that_a_change_reaches_are_marked_and_said(inspect: Open) -> None:
    page = inspect(layer="2", head="1", edits="even-2.1-q8")
    tokens = page.locator(".sentence .tokens:not(.asking) .token")
    reached = [("reached" in (one.get_attribute("class") or "")) for one in tokens.all()]
    assert reached == [False] * 8 + [True] * 4
    assert "as it was" in (tokens.nth(2).get_attribute("aria-label") or "")
    plain = inspect(layer="2", head="1", edits="off-2.1")
    assert plain.locator(".token.reached").count() == 0


def test_the_changed_step_is_said_in_words(inspect: Open) -> None:
    page = inspect(layer="2", head="1", query="8", edits="even-2.1-q8,temper-2.1-t0.5")
    arithmetic = page.locator(".arithmetic")
    expect(arithmetic.locator("h3")).to_contain_text("its weights are spread evenly by your change")
    expect(arithmetic.locator("thead").first).to_contain_text("÷ 0.5, your change")
    expect(arithmetic.locator("thead").first).to_contain_text("softmax")
    off = inspect(layer="2", head="1", query="8", edits="off-2.1")
    expect(off.locator(".arithmetic h3")).to_contain_text("its output is set to zero by your change")


@pytest.mark.parametrize(
    ("size", "scheme", "touch"),
    [((1440, 1000), "dark", False), ((1440, 1000), "light", False), ((390, 844), "light", True)],
)  # fmt: skip
def test_nothing_is_out_of_reach_or_unreadable(anew: Open, size: tuple[int, int], scheme: str, touch: bool) -> None:
    link = {"layer": "2", "head": "1", "query": "8", "edits": "even-2.1-q8,off-1.1", "temperature": "2"}
    page = anew(size=size, scheme=scheme, touch=touch, **link)
    page.locator(".effect summary").click()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll to the side"
    assert faults(page, ".st-key-edits", ".st-key-effect", ".st-key-controls") == []
    menu(page)
    box = page.locator(".controls .menu").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= size[0] - box["width"]
    assert box["y"] >= 0
    assert faults(page, ".st-key-controls") == []


def test_without_changes_nothing_more_is_drawn(anew: Open) -> None:
    page = anew()
    for name in ("edits", "effect"):
        assert page.locator(f".st-key-{name}").count() == 0
    assert page.locator(".controls .menu *").count() == 0, "the menu's content is made when it is opened"
