"""Terms explained where they stand: every heading, switch and column title has one, and how the tip behaves."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import attention
from attention import Trace
from attention.analysis.dimensions import STILL
from attention.browser import codec, compare, maps, overview, parts, predictions, rotary, store
from attention.browser import edits as listed
from attention.browser import effect as effects
from attention.edits import edits_of
from attention.record import HeadView
from attention.terms import terms
from attention.ui.details import NAMES
from attention.view import MEASURES, Comparison, View
from tests.chromium import harness
from tests.chromium.asked import MADE
from tests.chromium.axe import AXE
from tests.chromium.test_dimensions import found_of
from tests.tiny import build, ids

TEXT = "The cat sat on the mat because it was tired."
NOTHING = codec.pack({})
EDIT = "even-2.1-q8"
KNOWN = {term.key: term for term in terms()}
OPEN = ("figures", "map", "words", "difference")
# Headings, switches, titles of columns and names of controls that nothing explains. What is a name or a number is none.
BARE = """(name) => {
    const root = lab.mounted.get(name);
    const switches = "button[aria-pressed], [role=radio], [class*=switch] button, button.switch";
    const asks = `h2, h3, h4, h5, th[scope=col], ${switches}, .label, .name, .headings span,
        .effect .which, .effect tbody small, .menu .group, .chooser .part, .rows-head > span`;
    const isTerm = (one) => one.dataset.term || one.closest("[data-term]") || one.querySelector("[data-term]");
    const names = /^(dim \\d+|and \\d+ more of \\d+|0 … [\\d.]+|all columns|fewer columns|\\d+\\.\\d+|)$/;
    const tokens = new Set(lab.store.shown().run.tokens.queries.map((token) => token.name));
    const of = ".token, .chip, .rows-line, .line, .aim, .list, bdi, .bar";
    const isName = (one) => one.closest(of) || names.test(one.textContent.trim())
        || (one.matches("th") && tokens.has(one.textContent));
    const isHidden = (one) => one.closest("[aria-hidden=true], .unseen");
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && !isHidden(one);
    const bare = [...root.querySelectorAll(asks)].filter((one) => isSeen(one) && !isTerm(one) && !isName(one));
    // Of a group that the arrow keys walk through, one can be reached by Tab; and a summary explains what stands in it.
    const isWithin = (one) => one.parentElement.closest("[data-term], [role=radiogroup]");
    const terms = [...root.querySelectorAll("[data-term]")].filter(isSeen);
    const out = terms.filter((one) => one.tabIndex < 0 && !isWithin(one));
    const said = (words, all) => all.map((one) => `${words || one.tagName} ${one.textContent}`);
    return [...said("", bare), ...said("out of reach:", out)];
}"""
KEYS = "(name) => [...lab.mounted.get(name).querySelectorAll('[data-term]')].map((one) => one.dataset.term)"
TIP = "#hl-explained"
BOXES = """([name, key]) => {
    const sides = ({ left, top, right, bottom }) => ({ left, top, right, bottom });
    const box = (one) => sides(one.getBoundingClientRect());
    const root = lab.mounted.get(name);
    return [box(root.querySelector(`[data-term="${key}"]`)), box(root.querySelector("#hl-explained"))];
}"""
CHANGED = "() => lab.store.change({ also: [3, 5], temperature: 2, hide: ['first'], beside: [[1, 3], [2, 1]] })"
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value)))
        .observe({ type: "layout-shift" });
}"""


@cache
def story(text: str = TEXT) -> Trace:
    return attention.trace("storyteller", text)


@cache
def built(name: str, **sizes: Any) -> Trace:
    return attention.trace(build(name, "decoder", **sizes), ids(23))


def figures(head: HeadView, view: View) -> bytes:
    return parts.panels(head, view)


def heads(head: HeadView, view: View) -> bytes:
    return overview.payload(head.trace, head.kind, view)


def dimensions(head: HeadView, view: View) -> bytes:
    return rotary.payload(head, found_of(head.trace) if head.trace.model.name == "storyteller" else STILL)


def nothing(head: HeadView, view: View) -> bytes:
    return NOTHING


def effect(head: HeadView, view: View) -> bytes:
    """With a second token, so that it is a logit difference."""
    return effects.told(attention.effect("storyteller", TEXT, edits=EDIT, position=8), head.query_tokens)


def edits(head: HeadView, view: View) -> bytes:
    return listed.listed(edits_of(EDIT), "storyteller", attention.trace("storyteller", TEXT, edits=EDIT).head(1, 2))


def predicted(head: HeadView, view: View) -> bytes:
    found = attention.predict("storyteller", TEXT)
    return predictions.predicted(found, 8, key="", shown=8, clickable=True, aim=True)


def changed(head: HeadView, view: View) -> bytes:
    return compare.changed(head, story("The dog sat on the mat because it was tired.").head(1, 2))


def difference(head: HeadView, view: View) -> bytes:
    other = story("The dog sat on the mat because it was tired.").head(1, 2)
    return compare.difference(head, other, Comparison(first=view, second=replace(view, text="The dog")))


def chooser(head: HeadView, view: View) -> bytes:
    return compare.chooser("A", [("decoder", "decoder")], "decoder", "?v=1")


MAPS: dict[str, Callable[[HeadView, View], bytes]] = {
    "averages": lambda head, view: maps.averages(head, "heads"), "rollout": lambda head, view: maps.rollout(head),
    "words": lambda head, view: maps.words(head),
}  # fmt: skip
PARTS: dict[str, tuple[str, Callable[[HeadView, View], bytes]]] = {
    "sentence": ("sentence", nothing), "controls": ("controls", nothing), "figures": ("figures", figures),
    "arithmetic": ("arithmetic", nothing), "links": ("links", nothing), "dimensions": ("dimensions", dimensions),
    "details": ("details", lambda head, view: parts.details(NAMES, "links")),
    **{one.__name__: (one.__name__, one) for one in (effect, edits, predicted, changed, difference, chooser)},
    **{f"heads, {measure}": ("heads", heads) for measure in ("weights", "induction")},
    **{name: (name, lambda _, __, name=name: MADE[name]()) for name in MADE},  # type: ignore[misc]
    **{f"map, {name}": ("map", make) for name, make in MAPS.items()},
}  # fmt: skip
# Models whose scores take other steps: a bias by position, a cap, a learned sink.
STEPS = {"bloom": {}, "gemma2": {"attn_logit_softcapping": 5.0}, "gpt_oss": {}}


def mounted(page: Page, name: str, data: bytes, head: HeadView, view: View, width: int = 1100) -> Locator:
    harness.renew(page)
    harness.arrive(page, head, view)
    if name == "controls":  # it brings the look itself
        from attention.browser import store

        data = store.look(head, view, view.query or 0, seen=0, limit=512, undo=False, unedited="")
    return harness.add(page, name, data, width=width, is_open=name in OPEN)


def bare(page: Page, name: str) -> list[str]:
    page.wait_for_timeout(150)
    unknown = sorted(set(page.evaluate(KEYS, name)) - set(KNOWN))
    assert unknown == [], "no such term"
    found: list[str] = page.evaluate(BARE, name)
    return found


@pytest.mark.parametrize("part", PARTS)
def test_whatever_the_page_names_is_explained(page: Page, part: str) -> None:
    name, make = PARTS[part]
    measure = part.rpartition(", ")[2] if name == "heads" else "weights"
    view = View(layer=1, head=2, query=8, measure=measure, details="dimensions")
    head = story().head(1, 2)
    root = mounted(page, name, make(head, view), head, view)
    if name == "map":
        expect(root.locator(".hl-map")).to_have_attribute("data-drawn", "1")
    assert bare(page, name) == []
    if name == "dimensions":
        for words in ("rotary pairs", "as a table", "before turning"):
            root.get_by_role("button", name=words, exact=True).click()
            assert bare(page, name) == []
    if name == "controls":
        root.get_by_role("button", name="Change the run").click()
        assert bare(page, name) == []
        assert {"edit.off", "edit.cut", "edit.patch"} <= set(page.evaluate(KEYS, name))
        page.keyboard.press("Escape")
    if name == "sentence":
        root.get_by_role("button", name="heads of this layer").click()
        assert bare(page, name) == []
        assert "rows.spread" in page.evaluate(KEYS, name)
    if name in ("arithmetic", "controls", "sentence", "links"):
        page.evaluate(CHANGED)
        assert bare(page, name) == []


@pytest.mark.parametrize("model", STEPS)
@pytest.mark.parametrize("name", ["figures", "arithmetic", "controls"])
def test_the_steps_of_other_models_are_explained(page: Page, model: str, name: str) -> None:
    head = built(model, **STEPS[model]).head(1, 1)
    view = View(layer=1, head=1, query=9)
    mounted(page, name, figures(head, view) if name == "figures" else NOTHING, head, view)
    assert bare(page, name) == []
    own = {"bloom": "bias", "gemma2": "softcapped", "gpt_oss": "sink"}[model]
    if name == "arithmetic":
        assert own in page.evaluate(KEYS, name)


def test_a_term_that_nothing_explains_is_found(page: Page) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    root = mounted(page, "arithmetic", NOTHING, head, view)
    root.locator("h3 [data-term]").evaluate("one => one.replaceWith('The arithmetic')")
    root.locator("table").first.locator("thead th").last.evaluate("one => one.replaceChildren('‖w‖')")
    assert bare(page, "arithmetic") == ["H3 The arithmetic of “·it”", "TH ‖w‖"]


def test_a_term_that_no_key_reaches_is_found(page: Page) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    root = mounted(page, "arithmetic", NOTHING, head, view)
    at(root, "exp").evaluate("one => one.removeAttribute('tabindex')")
    assert bare(page, "arithmetic") == ["out of reach: exp(s − max)"]


def test_every_measure_is_a_term() -> None:
    assert {f"measure.{measure}" for measure in MEASURES} == {key for key in KNOWN if key.startswith("measure.")}


# The tip


@pytest.fixture
def arithmetic(page: Page) -> Locator:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    return mounted(page, "arithmetic", NOTHING, head, view)


def at(root: Locator, key: str) -> Locator:
    return root.locator(f'[data-term="{key}"]').first


def is_beside(page: Page, name: str, key: str) -> bool:
    """The tip lies in the window and not over its term."""
    term, tip = page.evaluate(BOXES, [name, key])
    size = page.viewport_size or {"width": 0, "height": 0}
    across = tip["left"] >= 0 and tip["right"] <= size["width"]
    down = tip["top"] >= 0 and tip["bottom"] <= size["height"]
    return across and down and (tip["top"] >= term["bottom"] or tip["bottom"] <= term["top"])


def test_pointing_explains_and_the_tip_can_be_pointed_at(page: Page, arithmetic: Locator) -> None:
    page.evaluate(SHIFTS)
    tip = arithmetic.locator(TIP)
    for key in ("exp", "length", "scores"):
        at(arithmetic, key).hover()
        expect(tip).to_be_visible()
        expect(tip).to_contain_text(KNOWN[key].says)
        expect(tip).to_have_attribute("role", "tooltip")
        assert is_beside(page, "arithmetic", key)
    expect(at(arithmetic, "scores")).to_have_attribute("aria-describedby", "hl-explained")
    expect(at(arithmetic, "exp")).not_to_have_attribute("aria-describedby", "hl-explained")
    link = tip.get_by_role("link", name="Lesson 3: scores")
    expect(link).to_have_attribute("href", "/learn?lesson=03-scores&step=dot")
    link.hover()
    page.wait_for_timeout(500)
    expect(tip).to_be_visible()
    page.mouse.move(2, 900)
    expect(tip).to_be_hidden()
    assert page.evaluate("() => window.shifts") == []


def test_a_pointer_that_passes_by_opens_nothing(page: Page, arithmetic: Locator) -> None:
    box: Any = at(arithmetic, "exp").bounding_box()
    for x in range(0, 900, 40):
        page.mouse.move(x, box["y"] + box["height"] / 2)
    page.mouse.move(2, 900)
    page.wait_for_timeout(600)
    expect(arithmetic.locator(TIP)).not_to_be_visible()


def test_the_keyboard_opens_closes_and_goes_to_the_lesson(page: Page, arithmetic: Locator) -> None:
    tip = arithmetic.locator(TIP)
    page.keyboard.press("Tab")  # the h3's own words
    expect(tip).to_contain_text(KNOWN["arithmetic"].says)
    assert is_beside(page, "arithmetic", "arithmetic")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Enter")
    expect(tip.get_by_role("link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(at(arithmetic, "arithmetic")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # from the link on, past the term
    expect(arithmetic.get_by_role("button", name="what all this does not show")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(tip).to_contain_text(KNOWN["arithmetic"].says)
    page.keyboard.press("l")
    page.wait_for_url("**/learn?lesson=05-values&step=mean")


def test_a_row_that_is_pointed_at_leaves_the_keyboard_where_it_is(page: Page, arithmetic: Locator) -> None:
    at(arithmetic, "exp").focus()
    page.evaluate("() => lab.store.say('hover', { query: 4, key: null, from: 'map' })")
    expect(arithmetic.locator("h3")).to_have_text("The arithmetic of “·on”")
    expect(at(arithmetic, "exp")).to_be_focused()


@pytest.fixture
def touched(open_page: Callable[..., Page]) -> Page:
    return open_page(size=(390, 844), touch=True)


def test_a_tap_explains_and_still_does_what_it_does(touched: Page) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    root = mounted(touched, "figures", figures(head, view), head, view, width=358)
    tip = root.locator(TIP)
    root.get_by_role("button", name="× scale").tap()
    assert touched.evaluate("() => lab.store.look().stage") == "scaled"
    expect(tip).to_contain_text(KNOWN["scaled"].says)
    assert is_beside(touched, "figures", "scaled")
    root.get_by_role("button", name="Scores").tap()
    expect(tip).to_contain_text(KNOWN["map.scores"].says)
    assert is_beside(touched, "figures", "map.scores")
    root.locator(".hl-caption").first.tap()
    expect(tip).to_be_hidden()
    controls = harness.add(touched, "controls", store.look(head, view, 8, seen=0, limit=512, undo=False), width=358)
    controls.locator("button.change").tap()
    expect(controls.locator(".menu")).to_be_visible()
    expect(controls.locator(TIP)).to_have_count(0)


def test_a_click_on_a_switch_is_a_click(page: Page) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    root = mounted(page, "figures", figures(head, view), head, view)
    button = root.get_by_role("button", name="Q·K")
    button.hover()
    expect(root.locator(TIP)).to_contain_text(KNOWN["scores"].says)
    button.click()
    expect(root.locator(TIP)).to_be_hidden()
    assert page.evaluate("() => lab.store.look().stage") == "scores"


@pytest.mark.parametrize("how", ["itself", "made anew"])
def test_no_tip_opens_over_what_a_click_did(page: Page, how: str) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    root = mounted(page, "figures", figures(head, view), head, view)
    button = root.get_by_role("button", name="Q·K")
    button.click()
    if how == "made anew":  # the browser says then that the pointer came to it
        button.evaluate("(one) => one.replaceWith(one.cloneNode(true))")
    else:
        page.mouse.move(*middle(button, 1))
    page.wait_for_timeout(600)
    assert root.locator(TIP).count() == 0
    page.mouse.move(2, 900)
    button.hover()
    expect(root.locator(TIP)).to_contain_text(KNOWN["scores"].says)


def middle(one: Locator, right: float = 0) -> tuple[float, float]:
    box: Any = one.bounding_box()
    return box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2


def test_at_the_foot_of_the_window_the_tip_stands_above(page: Page, arithmetic: Locator) -> None:
    page.set_viewport_size({"width": 1100, "height": 80})
    at(arithmetic, "share").scroll_into_view_if_needed()
    page.evaluate("() => scrollTo(0, 0)")
    box: Any = at(arithmetic, "share").bounding_box()
    page.set_viewport_size({"width": 1100, "height": int(box["y"] + box["height"]) + 4})
    at(arithmetic, "share").hover()
    expect(arithmetic.locator(TIP)).to_be_visible()
    term, tip = page.evaluate(BOXES, ["arithmetic", "share"])
    assert tip["bottom"] <= term["top"] or tip["top"] >= term["bottom"]


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_with_a_tip_open(page: Page, dark: bool) -> None:
    head, view = story().head(1, 2), View(layer=1, head=2, query=8)
    harness.renew(page, dark=dark)
    harness.arrive(page, head, view)
    for name in ("sentence", "figures", "arithmetic"):
        harness.add(page, name, figures(head, view) if name == "figures" else NOTHING, is_open=name in OPEN)
    at(page.locator("#hl-arithmetic"), "weight").hover()
    expect(page.locator(f"#hl-arithmetic {TIP}")).to_be_visible()
    page.evaluate(AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("""async (runOnly) => {
        const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
    }""", tags)
    page_wide = ("landmark", "page-has-heading", "region", "heading-order", "html-has-lang")
    assert [one for one in found if not one.startswith(page_wide)] == []
