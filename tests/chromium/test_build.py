"""The Build page's component without Streamlit: what a person does there, and what the server's answer changes."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from attention import handmade
from attention.assets import COMPONENTS
from attention.terms import terms
from attention.ui import build
from tests.chromium import harness
from tests.chromium.axe import AXE

STEPS = 10
LEAST = 24
# For a server that loads torch on a machine with much else to do.
SECONDS = 120_000
SETTLED_MS = 700
DEEP = "(selector) => [...document.querySelector('#hl-build').shadowRoot.querySelectorAll(selector)]"


@pytest.fixture(scope="module")
def own_page(browser: Browser) -> Iterator[Page]:
    """One page for all that is looked at here, at a desk's size."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def opened(
    page: Page, *, text: str = "The cat sat on the mat", link: str = "", dark: bool = False, width: int = 1380
) -> Locator:
    """A new component, on a page of that address and with nothing else on it."""
    harness.renew(page, dark=dark, query=f"?text={quote(text)}&build={link}")
    return tell(page, None, width=width)


def tell(page: Page, answer: Any, *, width: int = 1380) -> Locator:
    """Give the component what the server says."""
    return harness.add(page, "build", build.payload(answer), width=width)


def asked(page: Page) -> Any:
    """What the server was asked last."""
    page.wait_for_timeout(SETTLED_MS)
    found = page.evaluate("() => lab.sent")
    return found[-1][1] if found else None


def replied(page: Page, ask: Any, spoil: float = 0.0) -> None:
    """The server's answer, with one number spoiled if so wished."""
    made = handmade.run(handmade.read(ask))
    heads = made.heads.numpy().copy()
    heads.flat[0] += spoil
    tell(page, {"id": ask["id"], "heads": heads, "output": made.output.numpy()})


def text(root: Locator, selector: str) -> str:
    return root.locator(selector).first.inner_text()


def press(root: Locator, name: str, where: str = ".build") -> None:
    root.locator(where).get_by_role("button", name=name, exact=True).first.click()


def search(page: Page) -> str:
    page.wait_for_timeout(400)
    return str(page.evaluate("() => location.search"))


def test_every_step_shows_its_matrices_sentence_formula_and_code(own_page: Page) -> None:
    root = opened(own_page)
    cards = root.locator("article")
    assert cards.count() == STEPS
    for at in range(STEPS):
        card = cards.nth(at)
        assert card.locator("figure:visible svg").count() >= 1
        assert "“sat”" in card.locator(".said").inner_text() or at == 4
        assert any(digit in card.locator(".formula").inner_text() for digit in "0123456789")
        assert card.locator("pre").count() >= 1
        assert all(" × " in shape for shape in card.locator("figure:visible .shape").all_inner_texts())
    assert "self.to_query(x)" in root.locator("article.project pre").first.inner_text()
    assert root.locator("article.project figure:visible").count() == 9
    assert "concat" in root.locator("article.concat pre").first.inner_text()
    where = root.locator("article.embed .where")
    assert where.all_inner_texts()[0].startswith("attention/local.py")
    press(root, "induction, two layers", ".controls")
    assert where.all_inner_texts()[0].startswith("attention/handmade.py")
    assert root.locator("article.embed pre").inner_text() == "x = x + output"
    press(root, "1", ".pins [aria-label=layer]")
    assert "x[token, self.place(token)] = 1" in root.locator("article.embed pre").inner_text()


def test_word_by_word_follows_and_pins(own_page: Page) -> None:
    root = opened(own_page)
    lines = root.locator(".byword tbody tr")
    assert lines.count() == 6
    lines.nth(5).get_by_role("button", name="mat").click()
    assert "“mat”" in text(root, ".softmax .said")
    assert lines.nth(5).get_by_role("button", name="mat").get_attribute("aria-pressed") == "true"
    root.locator(".byword .inputs button").click()
    assert "which offers “place 4”" in lines.nth(5).inner_text()
    assert "hand=previous" in search(own_page)
    expect(root.locator(".byword .inputs")).to_be_hidden()


def test_the_number_under_the_pointer_is_read(own_page: Page) -> None:
    root = opened(own_page)
    scores = root.locator(".scores .matrix").nth(2)
    scores.locator("g[shape-rendering] > *").nth(2 * 6 + 1).hover()
    assert text(scores, ".shape").startswith("sat, cat: 3.5")
    own_page.mouse.move(2, 2)
    assert text(scores, ".shape") == "n × n = 6 × 6"
    assert "Chosen: sat, cat: 3.5" in (scores.locator(".sheet").get_attribute("aria-label") or "")


def test_terms_are_explained_and_colours_have_a_legend(own_page: Page) -> None:
    root = opened(own_page, link="temperature=0.05")
    known = {one.key for one in terms()}
    used = set(own_page.evaluate(f"() => ({DEEP})('[data-term]').map((one) => one.dataset.term)"))
    assert used <= known
    assert {"width", "count", "shared", "seed", "causal", "scaled", "positions", "temperature", "entropy"} <= used
    root.locator("[data-term=shared]").first.hover()
    expect(root.get_by_text("How many sets of keys and values")).to_be_visible()
    assert root.locator("nav .legend .bar").count() == 3
    assert root.locator(".controls output").inner_text() == "0.05"


def test_a_pin_goes_through_all_steps(own_page: Page) -> None:
    root = opened(own_page)
    press(root, "on", ".pins > div:nth-child(1)")
    press(root, "The", ".pins > div:nth-child(2)")
    assert text(root, ".scores .formula").startswith("q[3]·k[0] = ")
    assert "“on”" in text(root, ".softmax .said")
    assert "output[3]" in text(root, ".output .formula")
    assert "at=" in search(own_page)
    cells = root.locator(".scores .matrix").nth(2).locator("g[shape-rendering] > *")
    cells.nth(5 * 6 + 2).click()
    assert text(root, ".scores .formula").startswith("q[5]·k[2] = ")
    root.locator(".scores .matrix").nth(2).locator(".sheet").press("ArrowLeft")
    assert text(root, ".scores .formula").startswith("q[5]·k[1] = ")


# Left, top, width and height of the outline of the cell that is chosen, and of one cell.
OUTLINED = """(sheet, cell) => {
    const outline = [...sheet.querySelectorAll("svg > g:last-child > rect")].at(-1);
    return [outline, sheet.querySelectorAll("g[shape-rendering] > *")[cell]].map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return [x, y, width, height];
    });
}"""


def test_a_pin_moves_the_outline_and_draws_no_cell_anew(own_page: Page) -> None:
    root = opened(own_page, link="d=64")
    sheet = root.locator(".scores .matrix").nth(2).locator(".sheet")
    wide = root.locator(".output .sheet").filter(has=own_page.locator("image")).last
    before = [sheet.locator("g[shape-rendering] > *").first.element_handle(), wide.locator("image").element_handle()]
    marks = wide.locator("svg > g:last-child > rect")
    there = marks.first.bounding_box()
    for row, column in ((4, 1), (2, 0)):
        sheet.locator("g[shape-rendering] > *").nth(6 * row + column).click()
        outline, cell = sheet.evaluate(OUTLINED, 6 * row + column)
        assert np.abs(np.subtract(outline, cell)).max() <= 1, (row, column)
    assert marks.first.bounding_box() != there
    assert all(one.evaluate("(one) => one.isConnected") for one in before)


def test_the_sentence_is_the_persons_own(own_page: Page) -> None:
    root = opened(own_page)
    root.locator("textarea").fill("<b>Zwei</b> 猫")
    assert root.locator(".pins > div:nth-child(1) button").all_inner_texts()[0] == "< #0"
    assert root.locator("b").count() == 0
    assert "%3Cb%3E" in search(own_page)
    root.locator("textarea").fill("")
    expect(root.locator(".body")).to_be_hidden()
    expect(root.get_by_text("There is no word to look at yet")).to_be_visible()
    root.locator("textarea").fill(" ".join(["word"] * 30))
    assert "6 more are left out" in root.locator(".prompt").inner_text()
    root.locator("textarea").fill(" ".join(["word"] * 25))
    assert "1 more is left out" in root.locator(".prompt").inner_text()


def test_what_turns_shows_before_and_after(own_page: Page) -> None:
    root = opened(own_page)
    assert root.locator(".compare figure:visible").count() == 1
    root.get_by_label("causal mask").first.uncheck()
    assert text(root, ".changed") == "Changed: causal mask off"
    assert root.locator(".compare figure:visible").count() == 2
    before, now, was, length, _, moved = root.locator(".compare tfoot td").all_inner_texts()
    assert float(before) < float(now)
    assert abs(float(was) - float(length)) <= float(moved)
    assert float(moved) > 0
    assert "Nothing is masked" in text(root, ".mask .said")
    press(root, "Dismiss")
    assert root.locator(".compare figure:visible").count() == 1
    press(root, "4", ".controls [aria-label=heads]")
    assert "4 × 4 = 16 numbers" in text(root, ".concat .said")
    press(root, "1 (MQA)", ".controls")
    assert "4 heads have one set" in text(root, ".split .said")
    press(root, "8", ".controls [aria-label=d_model]")
    root.get_by_label("÷ √d_head").uncheck()
    assert "The scale is off" in text(root, ".scale .said")
    root.get_by_label("positions", exact=True).uncheck()
    root.get_by_role("slider", name="temperature").fill("9")
    assert "÷ temperature 2 = " in text(root, ".scale .formula")
    press(root, "Another seed")
    assert "d=8,heads=4,kv=1,temperature=2,seed=2018,both,unscaled,unplaced" in search(own_page)
    press(root, "All as at the beginning")
    assert "build=" not in search(own_page)


@pytest.mark.parametrize(
    "name", ["previous token", "same word", "first token", "uniform", "nearest verb", "induction, two layers"]
)
def test_heads_made_by_hand_say_how(own_page: Page, name: str) -> None:
    root = opened(own_page, text="The cat sat on the mat")
    press(root, name, ".controls")
    made = root.locator(".made")
    assert name in made.locator("h2").inner_text()
    assert made.locator("li").count() >= 2
    assert made.locator("figure svg").count() == 1
    assert root.locator("fieldset:disabled").count() == 1
    expect(root.locator("article.output .note")).to_contain_text("In words, row 2")
    if "verb" in name:
        assert re.search("“sat” gets (more than 99|100) %", text(root, ".softmax .said")), "the sample brings its tag"
        press(root, "sat", ".made .tags")
        press(root, "cat", ".made .tags")
        assert re.search("“cat” gets (more than 99|100) %", text(root, ".softmax .said"))
    if "layers" in name:
        press(root, "Take its sentence: “Ann met Bob and later Ann”")
        press(root, "Ann #5", ".pins > div:nth-child(1)")
        assert "“met” gets" in text(root, ".softmax .said")
        press(root, "1", ".pins [aria-label=layer]")
        assert "“later” gets" in text(root, ".softmax .said")


def test_a_score_set_by_hand_changes_what_follows(own_page: Page) -> None:
    root = opened(own_page)
    own = root.locator(".scores .editor input")
    own.fill("40")
    assert "Set by hand: Q and K no longer produce it" in text(root, ".scores .produced")
    assert "You set 40.0 in its place." in text(root, ".scores .said")
    assert text(root, ".scores .formula").endswith("set by hand: 40.0")
    assert text(root, ".scale .formula").startswith("40.0 ÷ √8")
    assert "“cat” gets" in text(root, ".softmax .said")
    assert "scores=0_0_2_1_40" in search(own_page)
    own.press("ArrowUp")
    assert own.input_value() == "40.1"
    assert text(root, ".scores .did").startswith("What it did: “sat” → “cat” weight 0.123 → 1.000; the output")
    press(root, "− 0.1", ".scores .editor")
    press(root, "+ 0.1", ".scores .editor")
    assert own.input_value() == "40.1"
    own.press("Shift+ArrowDown")
    assert own.input_value() == "39.1"
    for wrong in ("", "x", "1e99", "3000", "NaN", "0x10", "Infinity"):
        own.fill(wrong)
        assert "from −2000 to 2000" in text(root, ".scores .problem")
    assert root.locator(".edits li").count() == 1
    assert "39.1" in text(root, ".edits")
    press(root, "Lift", ".scores")
    assert root.locator(".edits li").count() == 0
    assert text(root, ".scores .produced") == ""


def test_a_weight_set_by_hand_changes_what_follows(own_page: Page) -> None:
    root = opened(own_page)
    before = text(root, ".output .formula")
    sheet = root.locator(".project .matrix").nth(7).locator(".sheet")  # W_V
    sheet.focus()
    sheet.press("ArrowDown")
    assert "W_V row 1, column 0" in text(root, ".project .editor")
    field = root.locator(".project .editor input")
    value = float(field.input_value().replace("−", "-"))
    field.press("Shift+ArrowUp")
    assert float(field.input_value().replace("−", "-")) == pytest.approx(value + 1)
    assert text(root, ".output .formula") != before
    assert "the output of “sat” moved by" in text(root, ".project .did")
    assert "W_V row 1, column 0" in text(root, ".edits")
    press(root, "4", ".controls [aria-label=d_model]")
    root.locator(".output .editor input").fill("3")
    press(root, "Lift all")
    assert root.locator(".edits li").count() == 0


def test_edits_without_a_place_are_lifted_and_named(own_page: Page) -> None:
    root = opened(own_page, link="query=0_0_15_15_2")
    assert root.locator(".edits li").count() == 1
    press(root, "4", ".controls [aria-label=d_model]")
    assert "no place in the new sizes" in text(root, ".problems")
    assert root.locator(".edits li").count() == 0


def test_the_check_says_that_it_is_equal_or_turns_red(own_page: Page) -> None:
    root = opened(own_page)
    ask = asked(own_page)
    assert set(ask) == {"id", "text", "settings", "preset", "tags", "edits"}
    replied(own_page, ask)
    assert "✓ Heads and output equal attention/mhsa.py within" in text(root, ".check")
    root.get_by_label("causal mask").first.uncheck()
    assert "Being compared" in text(root, ".check")
    replied(own_page, ask)  # an answer to an earlier state says nothing
    assert "Being compared" in text(root, ".check")
    replied(own_page, asked(own_page), spoil=0.01)
    assert "✗" in text(root, ".check")
    assert root.locator(".check.bad").count() == 1


def test_a_server_that_waits_is_asked_again_and_one_that_refuses_says_why(own_page: Page) -> None:
    root = opened(own_page)
    first = asked(own_page)
    tell(own_page, {"id": first["id"], "waiting": "The server is still loading torch."})
    assert "still loading torch. It will be compared in a moment." in text(root, ".check")
    own_page.wait_for_timeout(1_200)
    second = asked(own_page)
    assert second["id"] == first["id"] + 1
    tell(own_page, {"id": second["id"], "problem": "Too many people are asking."})
    assert "Too many people are asking." in text(root, ".check")


def test_pins_do_not_ask_the_server(own_page: Page) -> None:
    root = opened(own_page)
    ask = asked(own_page)
    press(root, "on", ".pins > div:nth-child(1)")
    press(root, "1", ".pins [aria-label=head]")
    assert asked(own_page) == ask


def test_a_message_is_small_enough_for_the_server(own_page: Page) -> None:
    edits = ",".join(f"query=0_0_{i % 16}_{i // 16}_-1234.56789" for i in range(40))
    opened(own_page, text="word " * 190, link=edits)
    assert len(json.dumps(asked(own_page))) < 9_000


def test_a_link_opens_the_same_state(own_page: Page) -> None:
    link = "d=8,heads=4,kv=2,both,temperature=0.5,scores=0_3_1_0_9,at=0.3.1.0.1.5"
    root = opened(own_page, text="She sings well", link=link)
    assert root.locator("textarea").input_value() == "She sings well"
    assert text(root, ".scores .formula").startswith("q[1]·k[0] = ")
    assert "Head 3, of 4" in text(root, ".split .said")
    root.get_by_label("causal mask").first.check()
    assert "heads=4" in search(own_page)


def test_the_way_to_the_inspector(own_page: Page) -> None:
    root = opened(own_page, link="d=8,heads=4,kv=2,both")
    href = root.locator(".inspect a").get_attribute("href") or ""
    assert "model=local" in href
    assert "local=d%3D8%2Ckv%3D2%2Cboth" in href
    press(root, "same word", ".controls")
    assert root.locator(".inspect a").count() == 0
    assert "heads made by hand" in text(root, ".inspect")


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_each_step_is_saved_as_a_picture(own_page: Page, kind: str) -> None:
    root = opened(own_page)
    with own_page.expect_download() as coming:
        root.get_by_role("button", name=f"Save “Queries, keys and values” as {kind}").click()
    data = coming.value.path().read_bytes()
    if kind == "PNG":
        assert data.startswith(b"\x89PNG")
        assert len(data) > 10_000
    else:
        assert b"<svg" in data
        assert "W_Q" in data.decode()
        assert data.count(">×</text>".encode()) == data.count(b">=</text>") == 3, "each equation with its signs"
        assert b"@font-face" in data
        assert data.count(b"<image") + data.count(b"<rect") > 9


def test_what_is_printed_stands_in_a_frame_of_its_own(own_page: Page) -> None:
    root = opened(own_page)
    script = """async () => {
        const sheet = await import("/app/static/build/sheet.js?v=test");
        const { worksheets } = await import("/app/static/build/worksheet.js?v=test");
        const nodes = sheet.worksheetNodes(worksheets({ students: 3, first: 5, tokens: 3, causal: true }));
        const frame = sheet.printed("Worksheets", nodes, () => {});
        const inside = frame.contentDocument;
        const [student, key] = [".student", ".key"].map((one) => inside.querySelector(one));
        const found = [inside.querySelectorAll(".student").length, inside.querySelectorAll(".key").length,
            student.textContent, key.textContent, getComputedStyle(student).breakAfter];
        frame.remove();
        return found;
    }"""
    students, keys, sheet, key, breaks = own_page.evaluate(script)
    assert (students, keys, breaks) == (3, 3, "page")
    assert "seed 5" in sheet
    assert "Name:" in sheet
    assert key.count("−∞") == sheet.count("−∞") == 1
    assert sheet.count("0.") < key.count("0.")
    assert "exp(0) = 1" in sheet
    assert "exp(−0.00)" not in sheet
    press(root, "Show it here")
    paper = root.locator(".paper").first
    assert paper.locator("table").count() > 20
    assert "causal mask" in paper.inner_text()
    root.locator(".controls").get_by_label("causal mask").uncheck()
    assert "no mask" in paper.inner_text(), "what is shown is of now"
    press(root, "Hide")
    expect(paper).to_be_hidden()
    press(root, "Show them here")
    assert root.locator(".paper .student").count() == 20
    root.get_by_label("students").fill("99")
    assert "A whole number from 1 to 60" in root.locator(".aids").inner_text()
    root.get_by_label("students").fill("2.5")
    assert "A whole number from 1 to 60" in root.locator(".aids").inner_text()


def test_one_can_train_there(own_page: Page) -> None:
    root = opened(own_page)
    root.locator(".train").scroll_into_view_if_needed()
    expect(root.locator(".train").get_by_role("button", name="Train", exact=True)).to_be_visible()
    assert "1, 2 or 4 heads" in text(root, ".train .training")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(own_page: Page, dark: bool) -> None:
    opened(own_page, link="hand=verb,tags=2", dark=dark)
    own_page.evaluate(AXE)
    found = own_page.evaluate("async () => (await axe.run('#hl-build', { resultTypes: ['violations'] })).violations")
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found] == []


def test_targets_are_large_enough_and_nothing_sticks_out_on_a_phone(open_page: Any) -> None:
    page = open_page(size=(390, 844), touch=True)
    root = opened(page, text="Ann met Bob and later Ann said so", link="hand=induction", width=358)
    small = page.evaluate(
        f"""(least) => ({DEEP})("button, input, a, textarea, summary").map((one) => {{
            const whole = one.matches("input") && one.closest("label") ? one.closest("label") : one;
            return [one.outerHTML.slice(0, 90), whole.getBoundingClientRect()];
        }}).filter(([, box]) => box.width && Math.min(box.width, box.height) < least - 0.5).map(([html]) => html)""",
        LEAST,
    )
    assert small == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert root.locator("article").count() == STEPS
    root.locator("article.output .formula").scroll_into_view_if_needed()
    strip = root.locator("nav .list")
    current = strip.locator("[aria-current=step]")
    expect(current).to_contain_text("W_O")
    (left, right), (first, last) = current.evaluate(
        """(one) => [one, one.closest("ol")].map((it) => it.getBoundingClientRect())
            .map(({ left, right }) => [left, right])"""
    )
    assert first - 1 <= left < right <= last + 1


def test_the_page_is_compared_with_the_server(app_url: str, open_page: Any, settle: Any) -> None:
    page = open_page()
    page.goto(f"{app_url}/?text=She+sings+well&build=kv=1")
    expect(page.locator(".hl-foot").first).to_be_visible(timeout=SECONDS)
    page.get_by_role("link", name="Build").click()
    expect(page.locator("article.output figure").first).to_be_visible(timeout=SECONDS)
    expect(page.locator(".check.good")).to_contain_text("✓", timeout=SECONDS)
    page.get_by_label("causal mask").first.uncheck()
    expect(page.locator(".check.good")).to_have_count(0)
    expect(page.locator(".check.good")).to_contain_text("✓", timeout=SECONDS)
    page.get_by_role("button", name="induction, two layers", exact=True).click()
    expect(page.locator(".check.good")).to_have_count(0)
    expect(page.locator(".check.good")).to_contain_text("✓", timeout=SECONDS)
    settle(page)
    assert "build=kv=1,both,hand=induction" in page.url
    assert "text=She+sings+well" in page.url
    page.get_by_role("link", name="Inspect").click()
    expect(page.locator(".hl-foot").first).to_be_visible(timeout=SECONDS)
    assert "text=She" in page.url


def test_the_component_is_registered_with_its_style() -> None:
    assert (COMPONENTS / "build" / "style.css").is_file()
    assert "build" in build.components.NAMES
