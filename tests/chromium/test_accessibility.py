"""For who cannot see, point or bear motion: axe-core on every page, the keyboard alone, targets, descriptions."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Error, Page, expect

import attention
from attention import Trace
from attention.assets import COMPONENTS
from attention.view import DEFAULT_TEXT
from tests.chromium.axe import AXE, OF_COLOURS, PLAIN, READ_ONCE, faults
from tests.chromium.opened import MOVE

ROOT = COMPONENTS.parents[1]
LEAST = 24
# For a model that is loaded on a machine with much else to do.
SECONDS = 120_000
SIZES = {"desktop": (1440, 1000), "phone": (390, 844)}
SHARE = "share"
# Every page and view that a person can come to: its path and query. Whoever adds a view adds its line.
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "links": ("", {}),
    "changed": (
        "", {"layer": 2, "head": 3, "weights": "norms", "values": "contribution", "temperature": 0.5, "hide": "first",
             "measure": "induction", "zoom": "2-8,1-7", "also": "3,5"},
    ),
    "edits": ("", {"layer": 2, "head": 1, "edits": "even-2.1-q8,off-1.1-mean", "measure": "changed", "temperature": 2}),
    "dimensions": ("", {"lens": "dimensions", "key": 2}),
    "averages": ("", {"lens": "averages"}),
    "rollout": ("", {"lens": "rollout"}),
    "words": ("", {"lens": "words"}),
    "matters": ("", {"lens": "matters"}),
    "writes": ("", {"lens": "writes", "layer": 3, "head": 2}),
    "why": ("", {"lens": "why", "layer": 2, "head": 1}),
    "patch": ("", {"lens": "patch", "patch": "The dog sat on the mat because it was tired."}),
    "cross": ("", {"model": "dates", "text": "3 May 1998", "kind": "cross"}),
    "problem": ("", {"text": ""}),
    "compare": ("compare", {"v": 1, "text": "The cat sat on it.", "b.text": "The big dog sat on it.", "b.head": 2}),
    "models": ("models", {}),
    "build": ("build", {"build": "hand=verb,tags=2"}),
    "learn": ("learn", {}),
    "lesson": ("learn", {"lesson": "03-scores", "step": "related"}),
    "questions": ("learn", {"lesson": "03-scores", "step": "check"}),
    SHARE: ("", {}),
}  # fmt: skip
# What stands there once a view is complete; else the line at the foot.
READY = {
    "build": "article.output figure", "compare": ".hl-difference[data-drawn]",
    "models": "h2.hl-library", "problem": ".st-key-problem", "learn": ".lessons h2",
    "lesson": ".guess .options button", "questions": ".question .ask",
}  # fmt: skip
TABS = ("Link", "Picture", "Files", "Open a file")
# Streamlit's own targets that nobody points at: its link to the content appears with the keyboard's focus alone, its
# dialogs' buttons at their ends are for screen readers, and its file field stands behind a button.
OTHERS = "[data-testid=stSkipToContent], button[id^=react-aria][aria-label=Dismiss], input[type=file]"
DEEP = """globalThis.deep ??= (selector, root = document) => [
    ...root.querySelectorAll(selector),
    ...[...root.querySelectorAll("*")].filter((one) => one.shadowRoot).flatMap((one) => deep(selector, one.shadowRoot)),
];"""
# A box with a label around it is as large as that label.
TARGETS = """([least, others]) => deep(
        "a[href], button, input, select, textarea, summary, [role=button], [role=option], [tabindex='0']")
    .filter((one) => one.getClientRects().length && !one.matches(others) && !one.closest("[hidden]"))
    .map((one) => {
        const whole = one.matches("input") && one.closest("label") ? one.closest("label") : one;
        const { width, height } = whole.getBoundingClientRect();
        return [one.outerHTML.slice(0, 120), width, height];
    }).filter(([, width, height]) => Math.min(width, height) < least - 0.5)"""
MOVING = """() => {
    for (const one of deep(".hl-figures, .hl-map")) one.classList.add("hl-waiting");
    const seconds = (text) => Math.max(...text.split(",").map(parseFloat));
    const parts = [".sentence", ".heads", ".controls", ".links", ".dimensions", ".arithmetic", "[class*=hl-]"];
    return deep(["[class*=hl-]", ...parts.map((one) => `${one} *`)].join())
        .filter((one) => {
            const style = getComputedStyle(one);
            const animated = style.animationName !== "none" && seconds(style.animationDuration) > 0;
            return animated || seconds(style.transitionDuration) > 0;
        }).map((one) => one.outerHTML.slice(0, 100));
}"""
DIALOG = "[role=dialog]"
DETAILS = ".st-key-details-panel"
# A text that is too pale, and another one in a shadow root: on the page, or in a dialog of its own above it.
PALE = """([name, color, dialog]) => {
    const paper = document.createElement("div");
    paper.className = name;
    if (dialog) {
        paper.role = "dialog";
        paper.ariaLabel = "planted";
        paper.style.cssText = "position: fixed; inset: 200px; z-index: 9999999; background: #111";
    }
    const pale = (root) => {
        const text = Object.assign(document.createElement("p"), { className: name, textContent: "not to be read" });
        text.style.color = color;
        root.append(text);
    };
    pale(paper);
    const host = document.createElement("div");
    paper.append(host);
    pale(host.attachShadow({ mode: "open" }));
    document.querySelector("[data-testid=stMain]").prepend(paper);
}"""

# Texts on grounds of all kinds, and how many of them axe finds too pale, well to be read, and not to be judged.
MIXED = """<!doctype html><html lang=en><title>mixed</title><body style="background: #fafafa">
<main data-testid=stMain><h1>All kinds of grounds</h1>
<p style="opacity: 0.3">see-through</p>
<div style="background: rgb(0 0 80 / 0.5)"><p style="color: rgb(255 255 255 / 0.6)">on what is see-through</p></div>
<div style="background: #246"><p style="mix-blend-mode: multiply; background: #eee; color: #567">blended</p></div>
<div style="background: #246; opacity: 0.9"><p style="mix-blend-mode: luminosity; color: #fff">luminous</p></div>
<p style="color: #fff; text-shadow: 0 0 2px #000">with a shadow</p>
<p style="color: color(srgb 0.1 0.2 0.3 / 0.9)">of a named space</p>
<p style="background: linear-gradient(#000, #fff)">on a gradient</p>
</main>"""
CONTRASTS = {"violations": 6, "passes": 3, "incomplete": 1}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all that is looked at here."""
    width, height = SIZES["desktop"]
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.add_init_script(DEEP)
    yield context.new_page()
    context.close()


def address(app_url: str, name: str) -> str:
    path, fields = VIEWS[name]
    version = {} if path else {"v": 1}
    return f"{app_url}/{path}" + (f"?{urlencode({**version, **fields})}" if fields else "")


def go(page: Page, app_url: str, name: str, settle: Any) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    resize(page, "desktop")
    to(page, address(app_url, name), settle)
    page.locator(READY.get(name, ".hl-foot")).first.wait_for(timeout=SECONDS)
    settle(page)
    if name == SHARE:
        page.get_by_role("button", name="Share", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()


def to(page: Page, link: str, settle: Any) -> None:
    """Open a link; from one view of Inspect to another without loading the page anew."""
    inspect = link.partition("?")[0]
    if page.url.partition("?")[0] == inspect and not page.locator(DIALOG).count():
        settle(page)  # an answer that is still to come would follow the step
        page.evaluate(MOVE, link)
    else:
        page.goto(link)


def resize(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})


@pytest.mark.parametrize("name", list(VIEWS))
def test_axe_finds_no_fault_and_targets_are_large(page, app_url, settle, name):
    go(page, app_url, name, settle)
    tabs = TABS if name == SHARE else (None,)
    # Each tab in both schemes and at both sizes: the page is drawn again for these, and not for a tab.
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page)
        for tab in tabs:
            show(page, tab, settle)
            # What is behind a dialog is the same for each of its tabs.
            parts = () if tab in (None, TABS[0]) else (DIALOG,)
            if scheme == "dark" and "lens" in VIEWS[name][1]:
                parts = (DETAILS,)  # what stands above it has the colours that "links" has
            found = faults(page, *parts, rules=() if scheme == "light" else OF_COLOURS)
            assert not found, f"{tab or name}, {scheme}:\n" + "\n".join(found)
            if scheme == "dark":
                assert not targets_below(page), f"{tab or name}, desktop"
    assert page.evaluate("() => matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert not page.evaluate(MOVING)
    resize(page, "phone")
    for tab in tabs:
        show(page, tab, settle)
        assert not targets_below(page), f"{tab or name}, phone"


def show(page: Page, tab: str | None, settle: Any) -> None:
    """The dialog's tab of that name, where there are any."""
    if tab is not None:
        page.get_by_role("tab", name=tab, exact=True).click()
        settle(page)


def targets_below(page: Page) -> list[Any]:
    """The targets that are too small, once all has its new size."""
    small: list[Any] = []
    for _ in range(40):
        page.wait_for_timeout(150)
        small = page.evaluate(TARGETS, [LEAST, OTHERS])
        if not small:
            break
    return small


def test_a_fault_of_ours_would_be_found(page, app_url, settle):
    go(page, app_url, "models", settle)
    page.evaluate("""() => {
        const bad = Object.assign(document.createElement("button"), { className: "hl-planted" });
        bad.style.cssText = "width: 12px; height: 12px";
        document.querySelector("[data-testid=stMain]").prepend(bad);
    }""")
    assert any("hl-planted" in fault for fault in faults(page))
    assert len(page.evaluate(TARGETS, [LEAST, OTHERS])) == 1
    page.evaluate(PALE, ["on-light", "#ddd"])
    assert_pale(page, "on-light")
    page.emulate_media(color_scheme="dark")
    settle(page)
    page.evaluate("() => document.querySelector('.on-light').remove()")
    page.evaluate(PALE, ["on-dark", "#333"])
    assert_pale(page, "on-dark")
    page.evaluate("() => document.querySelector('.on-dark').remove()")
    page.evaluate(PALE, ["in-dialog", "#333", "dialog"])
    assert_pale(page, "in-dialog", DIALOG)


def assert_pale(page: Page, name: str, *parts: str) -> None:
    """Both planted texts, the one in a shadow root too, are all that is found."""
    found = faults(page, *parts, rules=OF_COLOURS)
    assert [fault.partition(":")[0] for fault in found] == ["color-contrast"] * 2
    assert all(f'class="{name}"' in fault for fault in found)


@pytest.mark.parametrize("text", ["rgb(1, 2, 3)", "rgba(10, 20, 30, 0.4)", "color(srgb 0.1 0.2 0.3 / 0.5)", "#abc"])
def test_a_colour_that_axe_has_read_before_is_the_same_again(page, text):
    page.goto("about:blank")
    page.evaluate(PLAIN)
    read = """(text) => {
        const colour = new axe.commons.color.Color().parseString(text);
        const { r, g, b, red, green, blue, alpha } = colour;
        colour.alpha /= 2;
        colour.red = 255;
        return [r, g, b, red, green, blue, alpha];
    }"""
    first = page.evaluate(read, text)
    page.evaluate(READ_ONCE)
    assert [page.evaluate(read, text) for _ in range(3)] == [first] * 3
    for _ in range(2):
        with pytest.raises(Error, match="Unable to parse color"):
            page.evaluate(read, "no colour")


def test_axe_says_the_same_as_by_itself(page):
    """All that it says of all rules, of texts that are pale, see-through, blended, in a shadow's or a root's own."""
    page.goto("about:blank")
    page.set_content(MIXED)
    page.evaluate(PALE, ["pale", "#ddd"])
    said = []
    for script in (PLAIN, AXE):
        page.evaluate(script)
        said.append(page.evaluate("""async () => {
            const { violations, passes, incomplete, inapplicable } = await axe.run();
            return { violations, passes, incomplete, inapplicable };
        }"""))
    assert said[0] == said[1]
    contrasts = {kind: next(one for one in said[0][kind] if one["id"] == "color-contrast") for kind in CONTRASTS}
    assert {kind: len(rule["nodes"]) for kind, rule in contrasts.items()} == CONTRASTS


def test_what_moves_asks_whether_motion_is_wanted():
    """Transitions and animations of ours stand in a block that only holds where motion is not unwanted."""
    sheets = [*(ROOT / "assets").rglob("*.css"), *(path for path in (ROOT / "static").rglob("*.css"))]
    assert len(sheets) > 10
    moves = re.compile(r"\b(transition|animation)[\w-]*\s*:|@keyframes|scroll-behavior\s*:\s*smooth")
    allowed = re.compile(r"@media \(prefers-reduced-motion: no-preference\) \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not moves.search(allowed.sub("", text)), sheet
    for script in [*(ROOT / "assets").rglob("*.js"), *(ROOT / "static").rglob("*.js")]:
        if not script.name.endswith(".min.js"):
            assert not re.search(r"\.animate\(|behavior: .smooth|style\.transition", script.read_text("utf-8")), script


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", DEFAULT_TEXT)


FOCUSED = """() => {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return `${active?.getAttribute("aria-label") ?? ""} ${active?.textContent ?? ""}`;
}"""


def tab_to(page: Page, wanted: str, most: int = 120) -> None:
    """Press Tab until what has the focus is described like that."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED)[:60])
        if re.search(wanted, page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"Tab never came to {wanted}, but to {seen}")


def test_the_keyboard_alone_reads_and_copies_a_weight_of_another_head(page, app_url, settle, story):
    go(page, app_url, "links", settle)
    # To another head: the map of all heads takes arrow keys.
    tab_to(page, "arrow keys choose one")
    before = page.locator("[aria-label^='Attention weights of']").get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_url(re.compile("layer=.*head=|head=.*layer="))
    weights = page.locator("[aria-label^='Attention weights of']")
    expect(weights).not_to_have_attribute("aria-label", before or "")
    where = re.search(r"layer (\d+), head (\d+)", weights.get_attribute("aria-label") or "")
    assert where is not None
    head_view = story.head(int(where[1]), int(where[2]))
    # To the map of weights, and in it to row 3, column 1.
    tab_to(page, "^Attention weights of")
    row = page.evaluate("() => headlightStores.get('inspect').shown.look.query")
    for _ in range(abs(3 - row)):
        page.keyboard.press("ArrowUp" if row > 3 else "ArrowDown")
    page.keyboard.press("ArrowRight")
    tip = page.locator(".hl-figures [role=status]")
    query, key = str(head_view.query_tokens[3]), str(head_view.key_tokens[1])
    weight = float(head_view.weights[3, 1])
    expect(tip).to_contain_text(query.strip())
    expect(tip).to_contain_text(f"weight {weight:.4f}" if weight >= 1e-4 else "weight <0.0001")
    page.keyboard.press("Control+c")
    expect(tip).to_contain_text("copied")
    copied = page.evaluate("() => navigator.clipboard.readText()").split("\t")
    assert [copied[0].strip("·"), copied[1].strip("·")] == [query.strip(), key.strip()]
    assert float(copied[2]) == pytest.approx(weight, abs=1e-6)
    assert page.evaluate(FOCUSED).startswith("Attention weights of"), "the keyboard stays where it is"
    # What is masked is copied as such.
    page.keyboard.press("End")
    page.keyboard.press("Control+c")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).endsWith('\\tmasked')")


def test_descriptions_carry_the_row_its_top_key_and_the_number(page, app_url, settle, story):
    to(page, f"{app_url}/?v=1&layer=2&head=3&query=9", settle)
    page.locator(".hl-foot").wait_for(timeout=SECONDS)
    settle(page)
    page.wait_for_function(
        "() => deep('[aria-label^=\"Tokens that are looked at, keys\"][aria-description]').length > 0"
        " && deep('[aria-label^=\"Attention weights of\"]').length > 0", timeout=SECONDS,
    )  # fmt: skip
    head_view = story.head(2, 3)
    weights = head_view.weights[9]
    query, key = str(head_view.query_tokens[9]), str(head_view.key_tokens[int(weights.argmax())])
    said = page.evaluate("""() => ({
        panel: deep("[aria-label^='Attention weights of']")[0].getAttribute("aria-label"),
        sentence: deep("[aria-label^='Tokens that are looked at.']")[0].getAttribute("aria-label"),
        links: deep("[aria-label^='Tokens that are looked at, keys']")[0].getAttribute("aria-description"),
    })""")
    number = f"{weights.max():.4f}"
    for words in said.values():
        assert query.strip() in words
        assert key.strip() in words
        assert number in words
    scores = page.locator("[aria-label^='Scores of']").get_attribute("aria-label") or ""
    assert f"{float(head_view.stage('masked')[9].max()):.4g}" in scores
