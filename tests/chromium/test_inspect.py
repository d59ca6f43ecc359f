"""The main job in Chromium: type a sentence, choose a head, and read true numbers off the panels."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chromium.opened import Opened

ROOT = Path(__file__).resolve().parents[2]
PLANTED = """
import runpy
from attention import stages
stages.apply_mask = lambda scores, mask: scores
runpy.run_path({app!r}, run_name="__main__")
"""
DRAWN = ".hl-figures[data-drawn]"
SECONDS = 60_000
# Our own attention: words are its tokens, and it has four heads.
LOCAL = "?model=local"
PHONE = (390, 844)
# z of each panel as it was painted, NaN as null.
CELLS = """() => JSON.stringify([...document.querySelectorAll('.hl-cells')].map(({ cells: { z } }) =>
    Array.from({ length: z.shape[0] }, (_, i) => [...z.subarray(i * z.shape[1], (i + 1) * z.shape[1])])))"""
# Pixels of the hatching in the last cell of the first row: half transparent ones.
STROKES = """() => [...document.querySelectorAll('.hl-cells')].map(canvas => {
    const [rows, columns] = canvas.cells.z.shape;
    const [w, h] = [canvas.width / columns, canvas.height / rows];
    const { data } = canvas.getContext('2d').getImageData((columns - 1) * w + 2, 1, w - 4, h - 3);
    return [...data].filter((value, i) => i % 4 === 3 && value > 0 && value < 255).length;
})"""
SWIPE = """([x, y, dx]) => {
    const target = document.elementFromPoint(x, y);
    const at = (type, left) => target.dispatchEvent(new PointerEvent(type, {
        pointerType: 'touch', clientX: left, clientY: y, bubbles: true, composed: true }));
    at('pointerdown', x);
    at('pointerup', x + dx);
}"""
# The colour of no weight at all, as the panel draws it.
GROUND = """() => {
    const canvas = document.querySelectorAll('.hl-cells')[1];
    const z = canvas.cells.z;
    const [rows, columns] = z.shape;
    const least = [...z.keys()].filter(i => z[i] === z[i]).reduce((a, b) => (z[b] < z[a] ? b : a));
    const x = (least % columns + 0.3) * canvas.width / columns;
    const y = (Math.floor(least / columns) + 0.3) * canvas.height / rows;
    return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].join();
}"""
WIDEST = """() => Math.max(
    ...[...document.querySelectorAll('body, [data-testid=stMain]')].map(element => element.scrollWidth))"""
SENT = """() => {
    const send = WebSocket.prototype.send;
    window.frames_sent = 0;
    WebSocket.prototype.send = function (data) { window.frames_sent += 1; return send.call(this, data); };
}"""


@pytest.fixture(scope="module")
def desktop(browser, app_url, settle) -> Iterator[Opened]:
    made = Opened(browser, app_url, settle)
    yield made
    made.close()


@pytest.fixture(scope="module")
def phone(browser, app_url, settle) -> Iterator[Opened]:
    made = Opened(browser, app_url, settle, size=PHONE, touch=True)
    yield made
    made.close()


@pytest.fixture
def inspect(desktop) -> Iterator[Page]:
    """The page of our own attention."""
    yield desktop.at(LOCAL)
    desktop.check()


@pytest.fixture
def on_phone(phone) -> Iterator[Page]:
    """The same for fingers."""
    yield phone.at(LOCAL)
    phone.check()


@pytest.fixture
def anew(open_page, app_url, settle) -> Page:
    """That page in a session in which nothing was done yet."""
    page = open_page(f"{app_url}/{LOCAL}")
    ready(page)
    settle(page)
    return page


def ready(page: Page) -> None:
    page.wait_for_selector(DRAWN, timeout=SECONDS)


def cells(page: Page) -> list[list[list[float | None]]]:
    return json.loads(page.evaluate(CELLS))


def cover(page: Page, name: str) -> Locator:
    panel = page.locator(".hl-panel").filter(has=page.get_by_role("heading", name=name, exact=True))
    return panel.locator(".hl-cover")


def over(page: Page, name: str, row: int, column: int, shape: tuple[int, int]) -> tuple[float, float]:
    """The middle of a cell, in the window's pixels."""
    box: Any = cover(page, name).bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / shape[1], box["y"] + box["height"] * (row + 0.5) / shape[0]


def test_a_typed_sentence_is_traced_and_kept(inspect, settle):
    before = cells(inspect)
    box = inspect.get_by_label("Sentence to look at")
    box.fill("Two <b>small</b> birds sing.")
    box.press("Enter")
    expect(inspect.locator(".sentence .token").first).to_have_text("Two")
    settle(inspect)
    after = cells(inspect)
    assert len(after[1]) != len(before[1])
    assert box.input_value() == "Two <b>small</b> birds sing."
    expect(inspect.locator(".count")).to_have_text(re.compile(r"^\d+ of 512 tokens$"))
    inspect.wait_for_url(re.compile("text=Two"), timeout=SECONDS)
    assert inspect.locator(".sentence b").count() == 0


def test_a_sentence_typed_again_after_undo_is_taken_again(inspect, settle):
    box = inspect.get_by_label("Sentence to look at")
    first = inspect.locator(".sentence .token").first
    for _ in range(2):
        box.fill("One two three.")
        box.press("Enter")
        expect(first).to_have_text("One")
        settle(inspect)
        inspect.get_by_role("button", name="Undo").click()
        expect(first).to_have_text("The")
        settle(inspect)


def test_an_error_leaves_no_stale_count_and_can_be_undone(inspect, settle):
    box = inspect.get_by_label("Sentence to look at")
    box.fill("   ")
    expect(inspect.locator(".st-key-problem")).to_be_visible()
    settle(inspect)
    expect(inspect.locator(".count")).to_have_text("")
    inspect.get_by_role("button", name="Undo").click()
    expect(inspect.locator(".count")).to_have_text("11 of 512 tokens")


def test_a_pause_applies_and_what_cannot_be_traced_stays(inspect):
    box = inspect.get_by_label("Sentence to look at")
    box.fill("   ")
    expect(inspect.locator(".st-key-problem")).to_contain_text("only spaces")
    assert box.input_value() == "   "
    inspect.get_by_role("button", name="Said twice").click()
    ready(inspect)
    expect(box).to_have_value(re.compile("red door"))


def test_heads_change_by_click_and_by_keyboard(inspect, settle):
    first = cells(inspect)
    canvas = inspect.locator(".heads canvas")
    canvas.focus()
    canvas.press("ArrowRight")
    expect(inspect.get_by_role("heading", name="Layer 0, head 1")).to_be_visible()
    inspect.wait_for_url("**head=1**")
    settle(inspect)
    second = cells(inspect)
    assert second[0] != first[0]
    assert second[1] != first[1]
    assert second[2] != first[2]
    box: Any = canvas.bounding_box()
    inspect.mouse.click(box["x"] + box["width"] * 0.85, box["y"] + box["height"] / 2)
    inspect.wait_for_url("**head=3**")
    inspect.mouse.move(700, 5)
    inspect.locator("body").press("ArrowLeft")
    inspect.wait_for_url("**head=2**")
    settle(inspect)
    assert cells(inspect)[1] not in (first[1], second[1])


def test_pointing_reads_out_the_exact_number_and_sends_nothing(inspect):
    weights = cells(inspect)[1]
    inspect.evaluate(SENT)
    for row, column in ((7, 3), (6, 2), (9, 9)):
        inspect.mouse.move(*over(inspect, "Weights", row, column, (11, 11)))
        tip = inspect.locator(".hl-tip").inner_text()
        assert f"weight {weights[row][column]:.4f}" in tip or "<0.0001" in tip
    names = inspect.locator(".sentence .token").all_inner_texts()
    inspect.mouse.move(*over(inspect, "Weights", 7, 3, (11, 11)))
    tip = inspect.locator(".hl-tip").inner_text()
    assert f"{names[7]} → {names[3]}" in tip
    assert re.search(r"= exp\(.+ − .+\) / ", tip)
    assert inspect.evaluate("() => window.frames_sent") == 0


def test_the_read_outs_arithmetic_gives_the_weight(inspect):
    inspect.mouse.move(*over(inspect, "Weights", 8, 3, (11, 11)))
    tip = inspect.locator(".hl-tip").inner_text().replace("−", "-")
    score, top, total = (float(part) for part in re.search(r"exp\((\S+) - \(?([^)]+)\)+ / (\S+)", tip).groups())
    assert cells(inspect)[1][8][3] == pytest.approx(2.718281828 ** (score - top) / total, abs=2e-3)


def test_masked_cells_are_hatched_and_say_so(inspect):
    assert cells(inspect)[1][2][9] is None
    inspect.mouse.move(*over(inspect, "Weights", 2, 9, (11, 11)))
    expect(inspect.locator(".hl-tip")).to_contain_text("masked")
    pixels = inspect.evaluate(STROKES)
    assert [count > 0 for count in pixels] == [True, True, False]


def test_a_row_is_marked_in_all_panels_and_in_the_sentence(inspect):
    inspect.mouse.move(*over(inspect, "Scores", 9, 2, (11, 11)))
    assert inspect.locator(".hl-row:visible").count() == 3
    expect(inspect.locator(".sentence .token.row")).to_have_text("tired")
    inspect.mouse.move(5, 5)
    assert inspect.locator(".hl-row:visible").count() == 0
    inspect.locator(".sentence .token").nth(3).hover()
    assert inspect.locator(".hl-column:visible").count() == 2


def test_the_samples_own_word_is_pinned_to_begin_with(inspect):
    expect(inspect.get_by_role("heading", name="The arithmetic of “it”")).to_be_visible()
    inspect.get_by_role("button", name="Two meanings").click()
    expect(inspect.get_by_role("heading", name="The arithmetic of “bank”")).to_be_visible()


def test_a_click_pins_the_query(inspect, settle):
    inspect.mouse.click(*over(inspect, "Weighted values", 9, 4, (11, 16)))
    inspect.wait_for_url("**query=9**")
    expect(inspect.get_by_role("heading", name="The arithmetic of “tired”")).to_be_visible()
    expect(inspect.locator(".sentence .token.pinned")).to_have_text("tired")
    expect(cover(inspect, "Weights")).to_have_attribute("aria-label", re.compile("“tired” has the largest weight for"))
    assert inspect.locator(".hl-pin:visible").count() == 3
    token = inspect.locator(".sentence .token").nth(1)
    token.focus()
    token.press("Enter")
    expect(inspect.get_by_role("heading", name="The arithmetic of “cat”")).to_be_visible()


def test_stage_and_values_switch(inspect, settle):
    masked = cells(inspect)
    inspect.get_by_role("button", name="Q·K", exact=True).click()
    inspect.wait_for_url("**stage=scores**")
    settle(inspect)
    raw = cells(inspect)
    assert all(number is not None for row in raw[0] for number in row)
    assert raw[1] == masked[1]
    inspect.get_by_role("button", name=re.compile("^after W")).click()
    inspect.wait_for_url("**values=contribution**")
    settle(inspect)
    assert len(cells(inspect)[2][0]) == 64


def test_the_weights_give_way_to_what_each_key_brings(inspect, settle):
    weights = cells(inspect)[1]
    inspect.get_by_role("button", name="‖a·f(x)‖").click()
    inspect.wait_for_url("**weights=norms**")
    settle(inspect)
    shares = cells(inspect)[1]
    assert shares != weights
    assert [sum(number or 0 for number in row) for row in shares] == pytest.approx([1] * len(shares), abs=1e-5)
    inspect.mouse.move(*over(inspect, "Weights", 4, 1, (11, 11)))
    expect(inspect.locator(".hl-tip")).to_contain_text(f"share of what is brought {shares[4][1]:.4f}")
    expect(inspect.locator(".hl-tip")).to_contain_text(f"weight {weights[4][1]:.4f}")


def test_a_switch_keeps_the_focus(inspect, settle):
    button = inspect.get_by_role("button", name="Q·K", exact=True)
    button.focus()
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    inspect.wait_for_url("**stage=scores**")
    settle(inspect)
    expect(button).to_be_focused()


def test_the_keyboard_walks_the_cells_of_a_panel(inspect, settle):
    weights = cells(inspect)[1]
    inspect.get_by_role("button", name="masked", exact=True).focus()
    for _ in ("the scores", "their title", "softmax", "‖a·f(x)‖", "difference", "the weights"):
        inspect.keyboard.press("Tab")
    panel = cover(inspect, "Weights")
    expect(panel).to_be_focused()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        inspect.keyboard.press(key)
    tip = inspect.locator(".hl-tip")
    expect(tip).to_contain_text("was → sat")
    assert f"weight {weights[8][2]:.4f}" in tip.inner_text() or "<0.0001" in tip.inner_text()
    inspect.keyboard.press("Enter")
    inspect.wait_for_url("**query=8**")
    settle(inspect)
    assert "head=" not in inspect.url
    expect(tip).to_contain_text("was → sat")
    inspect.keyboard.press("Escape")
    expect(tip).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_panels_share_the_rows(inspect, settle, width):
    inspect.set_viewport_size({"width": width, "height": 900})
    settle(inspect)
    boxes: list[Any] = [cover(inspect, name).bounding_box() for name in ("Scores", "Weights", "Weighted values")]
    assert len({(box["y"], box["height"], box["width"]) for box in boxes}) == 1
    assert inspect.evaluate(WIDEST) <= width


def test_the_outline_of_a_thin_row_leaves_it_in_sight(desktop):
    text = "The red door opens slowly. " * 12
    page = desktop.at(f"?v=1&model=local&text={text}&query=20")
    assert page.locator(".hl-pin.hl-thin:visible").count() == 3
    keys = page.locator(".arithmetic th.key .hl-place")
    expect(keys.first).to_have_text(re.compile(r"^\u2009#\d+$"))
    desktop.check()


def test_masked_keys_are_not_among_the_largest(inspect):
    inspect.locator(".sentence .token").nth(1).click()
    inspect.wait_for_url(re.compile("query=1(&|$)"))
    inspect.mouse.move(0, 0)
    expect(inspect.get_by_role("button", name="9 others")).to_be_visible()
    assert inspect.locator(".arithmetic tbody tr[data-key]").count() == 2


def test_undo_takes_back_the_last_head(anew):
    undo = anew.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    anew.get_by_role("button", name="Next head (→)").click()
    anew.wait_for_url("**head=1**")
    expect(undo).to_be_enabled()
    undo.click()
    expect(anew.get_by_role("heading", name="Layer 0, head 0")).to_be_visible()
    anew.wait_for_url(re.compile("^(?!.*head=)"))


def test_redo_goes_forward_again_by_button_and_by_keys(inspect):
    redo = inspect.get_by_role("button", name="Redo")
    inspect.get_by_role("button", name="Next head (→)").click()
    inspect.wait_for_url("**head=1**")
    expect(redo).to_be_disabled()
    # The address is there before the answer is that allows it.
    expect(inspect.get_by_role("button", name="Undo")).to_be_enabled(timeout=30_000)
    inspect.keyboard.press("Control+z")
    inspect.wait_for_url(re.compile("^(?!.*head=)"))
    expect(redo).to_be_enabled()
    redo.click()
    expect(inspect.get_by_role("heading", name="Layer 0, head 1")).to_be_visible()
    inspect.keyboard.press("Control+z")
    expect(redo).to_be_enabled()
    inspect.keyboard.press("Control+Shift+Z")
    expect(inspect.get_by_role("heading", name="Layer 0, head 1")).to_be_visible()


def test_the_arithmetic_opens_its_other_keys(inspect):
    rows = inspect.locator(".arithmetic tbody tr[data-key]")
    assert rows.count() == 5
    inspect.get_by_role("button", name="6 others").click()
    assert rows.count() == 11
    expect(inspect.locator(".arithmetic tr.total").first).to_contain_text("1.000")
    inspect.get_by_role("button", name="hide 6").click()
    assert rows.count() == 5


def test_the_foot_says_the_checks(inspect):
    foot = inspect.locator(".hl-foot")
    expect(foot).to_contain_text("weights and output equal")
    expect(foot).to_contain_text("within")
    assert foot.locator(".hl-good").count() == 2


@pytest.fixture(scope="module")
def without_mask(serve_source) -> str:
    """URL of the same app, in whose stages the mask has been lost."""
    return serve_source(PLANTED.format(app=str(ROOT / "app.py")))


def test_a_failed_check_turns_the_foot_into_a_warning(without_mask, open_page, settle):
    page = open_page(f"{without_mask}/{LOCAL}")
    ready(page)
    settle(page)
    warning = page.locator(".hl-foot").get_by_role("alert").first
    expect(warning).to_contain_text("Do not trust this head: its output differs from")
    expect(warning).to_contain_text("⚠")


def test_a_twelve_token_sentence_fits_on_one_screen(desktop, settle):
    text = "The red door opens slowly. The red door opens slowly."
    page = desktop.at(f"?v=1&model=local&text={text}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("(scheme) => document.documentElement.dataset.headlight === scheme", arg=scheme)
        settle(page)
        expect(page.locator(".controls .own")).to_contain_text("✓")
        box: Any = page.locator(".arithmetic").bounding_box()
        assert box["y"] + box["height"] <= 1000
    desktop.check()


def test_the_phone_has_all_of_it_in_one_column(on_phone):
    assert on_phone.evaluate(WIDEST) <= 390
    tops = [cover(on_phone, name).bounding_box()["y"] for name in ("Scores", "Weights", "Weighted values")]
    assert tops == sorted(tops)
    assert tops[1] - tops[0] > 200
    cover(on_phone, "Weights").scroll_into_view_if_needed()
    on_phone.touchscreen.tap(*over(on_phone, "Weights", 9, 3, (11, 11)))
    expect(on_phone.locator(".hl-tip")).to_contain_text("tired → on")
    on_phone.wait_for_url("**query=9**")
    assert cover(on_phone, "Weights").evaluate("e => getComputedStyle(e).touchAction") == "pan-y"


def test_a_swipe_steps_through_the_heads(on_phone):
    cover(on_phone, "Scores").scroll_into_view_if_needed()
    x, y = over(on_phone, "Scores", 5, 5, (11, 11))
    on_phone.evaluate(SWIPE, [x, y, -90])
    on_phone.wait_for_url("**head=1**")
    expect(on_phone.get_by_role("heading", name="Layer 0, head 1")).to_be_attached()


def test_the_theme_may_change_while_the_page_is_open(inspect, settle):
    light = inspect.evaluate(GROUND)
    inspect.emulate_media(color_scheme="dark")
    inspect.wait_for_function("() => document.documentElement.dataset.headlight === 'dark'")
    settle(inspect)
    assert inspect.evaluate(GROUND) != light
    assert inspect.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "dark"
    ready(inspect)


def test_a_model_typed_in_that_cannot_be_had_is_one_sentence(inspect):
    picker = inspect.get_by_role("combobox", name="Model")
    picker.fill("nobody/nothing-at-all")
    picker.press("Enter")
    expect(inspect.locator(".st-key-problem")).to_contain_text("⚠", timeout=30_000)
    expect(inspect.get_by_label("Sentence to look at")).to_have_value(re.compile("^The cat"))


def test_a_link_reproduces_the_page(page, app_url, settle):
    page.goto(f"{app_url}/?v=1&model=local&text=one two three&head=2&query=1&stage=scaled")
    ready(page)
    settle(page)
    first, link = cells(page), page.url
    page.goto("about:blank")
    page.goto(link)
    ready(page)
    settle(page)
    assert cells(page) == first
    expect(page.get_by_role("heading", name="The arithmetic of “two”")).to_be_visible()


# How many pixels of each column of the weights have another colour than the cell that they are in.
CROSSED = """() => {
    const canvas = document.querySelectorAll('.hl-cells')[1];
    const { z } = canvas.cells;
    const [rows, columns] = z.shape;
    const [w, h] = [canvas.width / columns, canvas.height / rows];
    const pen = canvas.getContext('2d');
    const other = (row, column) => {
        const { data } = pen.getImageData(Math.ceil(column * w) + 2, Math.ceil(row * h) + 2, w - 5, h - 5);
        const colours = new Map();
        for (let i = 0; i < data.length; i += 4) {
            const colour = data.slice(i, i + 4).join();
            colours.set(colour, (colours.get(colour) ?? 0) + 1);
        }
        return data.length / 4 - Math.max(...colours.values());
    };
    const known = (row, column) => z[row * columns + column] === z[row * columns + column];
    return Array.from({ length: columns }, (_, column) => Array.from({ length: rows }, (_, row) => row)
        .filter((row) => known(row, column)).reduce((sum, row) => sum + other(row, column), 0));
}"""


def zoomed(page: Page) -> list[int]:
    """First and last query, first and last key that the weights show."""
    return page.evaluate("""() => {
        const { top, bottom, left, right } = document.querySelectorAll('.hl-cells')[1].cells;
        return [top, bottom, left, right];
    }""")


def test_keys_that_are_left_out_are_crossed_out(inspect, settle):
    caption = inspect.locator(".hl-caption").nth(1)
    assert not any(inspect.evaluate(CROSSED))
    assert "crossed" not in caption.inner_text()
    inspect.get_by_role("button", name="first token").click()
    expect(caption).to_contain_text("crossed out: left out, and missing from each row’s sum")
    first, *others = inspect.evaluate(CROSSED)
    assert first > 100
    assert not any(others)
    inspect.mouse.move(*over(inspect, "Weights", 7, 0, (11, 11)))
    expect(inspect.locator(".hl-tip")).to_contain_text("left out on this page")
    inspect.get_by_role("button", name="rest shares the row").click()
    expect(caption).to_contain_text("crossed out: left out; the rest shares each row")
    assert inspect.evaluate(CROSSED)[0] > 100


def test_a_short_text_has_no_zoom_until_a_rectangle_is_drawn(inspect, settle):
    line = inspect.locator(".hl-zooms")
    expect(line).to_be_hidden()
    inspect.mouse.move(*over(inspect, "Weights", 8, 2, (11, 11)))
    inspect.mouse.down()
    inspect.mouse.move(*over(inspect, "Weights", 4, 7, (11, 11)), steps=4)
    x, y = over(inspect, "Weights", 3, 7, (11, 11))
    inspect.mouse.move(x, y)
    inspect.mouse.up()
    assert zoomed(inspect) == [3, 8, 2, 7]
    expect(line).to_be_visible()
    inspect.wait_for_url("**zoom=3-8**")
    assert "query=" not in inspect.url, "a rectangle pins nothing"
    # A rectangle may end outside of the map.
    inspect.mouse.move(*over(inspect, "Scores", 2, 2, (6, 6)))
    inspect.mouse.down()
    inspect.mouse.move(5, 5, steps=3)
    inspect.mouse.up()
    assert zoomed(inspect) == [3, 6, 2, 5]
    cover(inspect, "Weights").dblclick()
    expect(line).to_be_hidden()
    assert zoomed(inspect) == [0, 10, 0, 10]


def test_a_tap_keeps_its_tip_when_it_pins(on_phone):
    expect(on_phone.locator(".hl-tip")).to_be_hidden()
    cover(on_phone, "Weights").scroll_into_view_if_needed()
    on_phone.touchscreen.tap(*over(on_phone, "Weights", 9, 3, (11, 11)))
    on_phone.wait_for_url("**query=9**")
    expect(on_phone.locator(".hl-tip")).to_be_visible()


def test_within_one_cell_the_pointer_says_nothing_again(inspect):
    inspect.evaluate("""() => {
        window.said = 0;
        headlightStores.get('inspect').target.addEventListener('hover', () => { window.said += 1; });
    }""")
    x, y = over(inspect, "Weights", 8, 2, (11, 11))
    for dx in (-2, -1, 0, 1, 2):
        inspect.mouse.move(x + dx, y)
    assert inspect.evaluate("() => window.said") == 1


@pytest.mark.parametrize("touch", [True, False])
def test_two_buttons_zoom_around_the_pinned_token(desktop, phone, touch):
    text = "The red door opens slowly. " * 10
    shown = phone if touch else desktop
    page = shown.at(f"?v=1&model=local&text={text}&query=41")
    row = cells(page)[1][41]
    best = row.index(max(number for number in row if number is not None))
    closer = page.get_by_role("button", name="Zoom in around the pinned token")
    farther = page.get_by_role("button", name="Zoom out")
    whole = page.get_by_role("button", name="show the whole map")
    expect(farther).to_be_disabled()
    expect(whole).to_be_hidden()
    for button in (closer, farther):
        box: Any = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24
    spans = []
    while closer.is_enabled():
        press = closer.tap if touch else closer.click
        press()
        top, bottom, left, right = zoomed(page)
        assert top <= 41 <= bottom
        assert left <= best <= right
        spans.append(bottom - top + 1)
    assert spans == [30, 15, 8, 4]
    assert whole.get_attribute("title") == "+ and − zoom, double-click shows the whole"
    before = zoomed(page)
    farther.click()
    top, bottom, left, right = zoomed(page)
    assert (bottom - top + 1, right - left + 1) == (8, 8)
    assert top <= before[0] <= before[1] <= bottom
    assert left <= before[2] <= before[3] <= right
    assert page.evaluate(WIDEST) <= shown.size[0]
    whole.click()
    assert zoomed(page) == [0, 59, 0, 59]
    page.wait_for_url(re.compile("^(?!.*zoom=)"))
    shown.check()
