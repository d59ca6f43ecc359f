"""Nasty texts in Chromium, by link and by the box: they stand there as they are, and nothing of them runs.

A canary, `window.__owned`, is what the texts would set; dialogs, requests to anywhere else, and elements made of a text
would show in other ways. They come in batches, for a page may hold many at once. What leaves the page with a text in it
is tried in `tests/hostile/test_exports.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from attention.tokens import visible, words
from tests.chromium.fixtures import LOOK_MS
from tests.chromium.opened import Opened
from tests.hostile.texts import (
    BIDI,
    BREAKS,
    CODE,
    CONTROL_TOKENS,
    EMOJI,
    FAR,
    FORMULAS,
    FRAGMENTS,
    MARKDOWN,
    MARKUP,
    NOTHING,
    PATHS,
    PLOTLY,
    RTL,
    SPACES,
)

WAIT = 60_000
DONE = ".hl-foot, .st-key-problem"
BY_LINK = {
    "markup": " ".join(MARKUP[:12]),
    "more markup": " ".join((*MARKUP[12:], *PLOTLY)),
    "right to left": " ".join((*RTL, "\u202eesrever\u202c", "\u2067isolated", "end")),
    "long words": " ".join(("x" * 2_000, "—" * 200, "a\u0300\u0301\u0302" * 200)),
}
TYPED = {
    "markdown and maths": " ".join(MARKDOWN),
    "code": " ".join((*CODE, *PATHS, *FORMULAS)),
    "control tokens": " ".join((*CONTROL_TOKENS, *(one for one in FRAGMENTS if len(one) < 50))),
    "scripts": " ".join((*FAR, *EMOJI)),
    "invisible": f"a{BIDI}b {NOTHING} c{SPACES}d{BREAKS.replace(chr(13), '')}e",
}
# What shows that a lens is there.
BELOW = {
    "dimensions": ".dimensions canvas",
    "averages": ".hl-map-panel:has-text('Spread')",
    "rollout": ".hl-map-panel:has-text('Rollout through')",
}
# Everything that a page can be made to do by a text, wherever it stands, also inside the components.
TRACES = """() => {
    const found = [];
    const look = (root) => {
        for (const one of root.querySelectorAll("*")) {
            const leads = ["href", "src", "action", "data"].some((name) => {
                const to = one.hasAttribute(name) && URL.parse(one.getAttribute(name), location.href);
                return to && (to.protocol === "javascript:" || to.host.includes("elsewhere"));
            });
            const strange = /^(iframe|object|embed|base|math|mglyph|x-y|slot|marquee)$/.test(one.localName)
                || one.id === "owned" || one.hasAttribute("srcdoc")
                || (one.localName === "style" && /elsewhere/.test(one.textContent));
            if (leads || strange || one.getAttributeNames().some((name) => name.startsWith("on"))) {
                found.push(one.outerHTML.slice(0, 200));
            }
            if (one.shadowRoot) look(one.shadowRoot);
        }
    };
    look(document);
    return found;
}"""
# What is written on the page, boxes aside: signs that turn other text round must not be among it.
TURNED = """() => {
    const found = [];
    const look = (node) => {
        const written = node.nodeType === Node.TEXT_NODE && !node.parentNode.matches?.("textarea, script, style");
        if (written && /[\\u202a-\\u202e\\u2066-\\u2069\\u200e\\u200f\\u061c]/.test(node.data)) found.push(node.data);
        for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) look(child);
    };
    look(document.body);
    return found;
}"""
WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"
FOUND = f"() => [window.__owned, ({TRACES})(), ({TURNED})(), ({WIDE})()]"


def listening(page: Page) -> Page:
    """The page, which notes all that it asks for and says from now on."""
    page.asked, page.said = [], []  # type: ignore[attr-defined]
    page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))  # type: ignore[attr-defined]
    return page


@pytest.fixture(scope="module")
def phone(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Opened]:
    """A phone's page, which shows one link after another."""
    made = Opened(browser, app_url, settle, size=(390, 844), touch=True)
    listening(made.page)
    yield made
    made.close()


@pytest.fixture
def guarded(open_page: Callable[..., Page], app_url: str) -> Callable[..., Page]:
    """Opens pages that note all they ask for."""

    def opened(query: dict[str, str], path: str = "/", **options: object) -> Page:
        page = listening(open_page(None, **options))
        page.goto(f"{app_url}{path}?{urlencode(query)}")
        return page

    return opened


def harmless(page: Page, app_url: str) -> None:
    """Nothing ran, nothing was made of a text, nobody else was asked, and the layout holds."""
    owned, traces, turned, wide = page.evaluate(FOUND)
    assert owned is None
    assert page.said == []  # type: ignore[attr-defined]
    strays = [url for url in page.asked if not url.startswith((app_url, "blob:", "data:"))]  # type: ignore[attr-defined]
    assert strays == []
    assert page.url.startswith(app_url)
    assert traces == []
    assert turned == []
    assert wide <= 0


def stands_there(page: Page, text: str) -> None:
    """The box holds the text itself; the sentence its tokens, letter by letter."""
    assert page.locator("textarea").first.input_value() == text
    wanted = [visible(token.text) for token in words(text)]
    shown = page.locator(".tokens:not(.asking) .token > span[dir=auto]")
    expect(shown).to_have_count(len(wanted), timeout=WAIT)
    assert shown.all_text_contents() == wanted


def test_the_guards_find_what_they_look_for(page: Page) -> None:
    for planted in MARKUP[2], MARKUP[9], '<x-y></x-y>', "<form action=http://elsewhere.invalid></form>":
        page.set_content("<div id=host></div>")
        page.evaluate("(html) => { host.attachShadow({ mode: 'open' }).innerHTML = html; }", planted)
        assert len(page.evaluate(TRACES)) == 1, planted
    page.set_content("<p>a\u202eb</p><textarea>a\u202eb</textarea>")
    assert page.evaluate(TURNED) == ["a\u202eb"]


@pytest.mark.parametrize("name", BY_LINK)
def test_by_a_link(name: str, guarded: Callable[..., Page], app_url: str, settle: Callable[[Page], None]) -> None:
    page = guarded({"model": "local", "text": BY_LINK[name]})
    page.locator(DONE).first.wait_for(timeout=WAIT)
    settle(page)
    harmless(page, app_url)
    stands_there(page, BY_LINK[name])


def test_typed_one_after_the_other(guarded: Callable[..., Page], app_url: str, settle: Callable[[Page], None]) -> None:
    page = guarded({"model": "local", "lens": "words"})
    page.locator(DONE).first.wait_for(timeout=WAIT)
    for text in TYPED.values():
        box = page.locator("textarea").first
        box.fill(text)
        box.press("Enter")
        page.wait_for_function(
            "(count) => document.querySelector('.hl-foot')?.textContent.includes(`${count} tokens`)",
            arg=f"{len(words(box.input_value())):,}", timeout=WAIT, polling=LOOK_MS,
        )  # fmt: skip
        settle(page)
        harmless(page, app_url)
        stands_there(page, box.input_value())


@pytest.mark.parametrize("lens", BELOW)
def test_below_the_panels_on_a_phone(lens: str, phone: Opened, app_url: str) -> None:
    text = " ".join((*MARKUP[:4], *PLOTLY[:2], *RTL[:2], "x" * 300))
    page = phone.at("?" + urlencode({"model": "local", "lens": lens, "text": text}))
    page.locator(DONE).first.wait_for(timeout=WAIT)
    expect(page.locator(BELOW[lens]).first).to_be_visible(timeout=WAIT)
    harmless(page, app_url)
    stands_there(page, text)
    phone.check()


def test_two_views_side_by_side(
    guarded: Callable[..., Page], app_url: str, settle: Callable[[Page], None], console_errors: list[str]
) -> None:
    text = " ".join((*MARKUP[:4], *PLOTLY[:2], *RTL[:2]))
    query = {"model": "local", "text": text, "b.text": f"{MARKUP[1]} {text} {PLOTLY[0]}", "b.layer": MARKUP[3]}
    page = guarded(query, "/compare")
    page.locator(".hl-difference[data-drawn]").wait_for(timeout=WAIT)
    settle(page)
    page.locator(".hl-difference-cover").hover()
    harmless(page, app_url)
    assert MARKUP[3][:30] in page.locator(".st-key-notices").inner_text()
    console_errors[:] = [error for error in console_errors if "404" not in error]


@pytest.mark.parametrize("path", ["/", "/models"])
def test_a_models_name_and_a_links_values(
    path: str, guarded: Callable[..., Page], app_url: str, settle: Callable[[Page], None], console_errors: list[str]
) -> None:
    """What is wrong with a link is quoted, and the name of a model that is none stands in its picker."""
    query = {"model": MARKUP[2], "layer": MARKUP[3], "stage": "\u202e:red[x] **b**", "head": PLOTLY[0]}
    page = guarded(query, path)
    page.locator(".st-key-problem, .hl-library").first.wait_for(timeout=WAIT)
    settle(page)
    harmless(page, app_url)
    # Streamlit's own page asks for two files relative to the address it was opened with.
    console_errors[:] = [error for error in console_errors if path == "/" or "404" not in error]
    if path == "/":
        assert MARKUP[3][:30] in page.locator(".st-key-notices").inner_text()
