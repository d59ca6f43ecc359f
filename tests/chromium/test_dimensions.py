"""Inside a score, in Chromium: the products by dimension and by pair against `attention.analysis.dimensions`."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

import attention
from attention.analysis.dimensions import STILL, Turns
from attention.browser import codec, rotary
from attention.record import HeadView, Trace
from attention.ui import rotary_pairs
from attention.view import View
from tests.chromium import harness
from tests.oracles.products import in_pairs, products
from tests.tiny import build, ids

TEXT = "The cat sat on the mat because it was tired."
QUERY, KEY = 8, 2
LIGHT_MS = 50
KEYS_OUTSIDE = """() => {
    const keys = lab.keys = [];
    document.addEventListener("keydown", (event) => keys.push(event.key));
}"""


@cache
def story(text: str = TEXT) -> Trace:
    return attention.trace("storyteller", text)


@cache
def found_of(trace: Trace, model: str = "storyteller") -> Any:
    job = rotary_pairs.begin(View(model=model, text=TEXT), trace)
    assert job.done.wait(60)
    return rotary_pairs.found_by(job)


def open_view(
    page: Page, trace: Trace, view: View, found: Any = STILL, width: int = 1100, dark: bool = False
) -> tuple[Locator, HeadView]:
    head_view = trace.head(view.layer, view.head, view.kind or None)
    harness.renew(page, dark=dark)
    harness.arrive(page, head_view, view)
    return harness.add(page, "dimensions", rotary.payload(head_view, found), width=width), head_view


@pytest.fixture
def storyteller(page: Page) -> tuple[Locator, HeadView, Turns]:
    trace = story()
    found = found_of(trace)
    root, head_view = open_view(page, trace, View(layer=2, head=5, query=QUERY, key=KEY, details="dimensions"), found)
    return root, head_view, found["decoder", 2]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def words_of(root: Locator) -> str:
    return root.locator("section").inner_text()


def chain(root: Locator) -> str:
    return root.locator(".chain").inner_text()


def press(root: Locator, name: str) -> None:
    root.get_by_role("button", name=name, exact=True).click()


def table(root: Locator) -> tuple[list[str], list[list[str]], list[str]]:
    """Titles, lines and sums of the table, which is opened first."""
    if not root.get_by_role("table").count():
        press(root, "as a table")
    read = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    head, *lines, sums = root.locator("tr").evaluate_all(read)
    return head, lines, sums


def column(lines: list[list[str]], at: int) -> np.ndarray:
    return np.array([number(line[at]) for line in lines])


def test_the_products_of_one_score(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    made = products(head_view.record, 5, QUERY, KEY)
    head, lines, sums = table(root)
    assert head == ["dimension", "q", "k", "q·k"]
    assert [int(line[0]) for line in lines] == list(range(32))
    np.testing.assert_allclose(column(lines, 1), made.query, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(column(lines, 2), made.key, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(column(lines, 3), made.products, rtol=1e-3, atol=1e-4)
    assert number(sums[3]) == pytest.approx(made.score, rel=1e-4)
    assert made.score == pytest.approx(float(head_view.scores[QUERY, KEY]), abs=1e-4)


def test_the_chain_from_the_products_to_the_weight(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    words = chain(root)
    assert re.sub(r"\s", "", words).startswith("“·it”·“·cat”:Σqi·ki=")
    assert f"× 1/√32 = {head_view.scaled[QUERY, KEY]:.2f}".replace("-", "−") in words
    assert words.endswith(f"weight {head_view.weights[QUERY, KEY]:.4f}")
    assert root.locator(".chain .query").first.evaluate("(e) => getComputedStyle(e).color") == "rgb(11, 92, 173)"
    assert root.locator(".chain .key").first.evaluate("(e) => getComputedStyle(e).color") == "rgb(168, 78, 0)"


def test_the_largest_are_named(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    made = products(head_view.record, 5, QUERY, KEY)
    (first, value), (second, _) = made.largest(2)
    words = root.locator(".largest").inner_text()
    said = f"{value:+.2f}".replace("-", "−")
    start = f"The largest products: dimension {first} gives {said} of {made.score:.2f}, {second} gives "
    assert words.startswith(start)


def test_by_size_the_largest_come_first(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    press(root, "by size")
    _, lines, _ = table(root)
    assert [int(line[0]) for line in lines[:8]] == products(head_view.record, 5, QUERY, KEY).order[:8].tolist()
    press(root, "by dimension")
    assert table(root)[1][0][0] == "0"


def test_rotary_pairs_after_and_before_turning(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, turns = storyteller
    made = products(head_view.record, 5, QUERY, KEY)
    theirs = in_pairs(made, turns.layout)
    press(root, "rotary pairs")
    head, lines, sums = table(root)
    assert head == ["dimensions", "‖q‖", "‖k‖", "angle", "q·k", "angle before turning", "q·k before turning"]
    assert [line[0] for line in lines] == [f"{a} and {b}" for a, b in theirs.dimensions]
    np.testing.assert_allclose(column(lines, 1) * column(lines, 2), theirs.most, rtol=2e-3)
    np.testing.assert_allclose(column(lines, 4), theirs.products, rtol=1e-3, atol=1e-4)
    angles = np.degrees(np.arccos(np.clip(theirs.products / theirs.most, -1, 1)))
    np.testing.assert_allclose([number(line[3].rstrip("°")) for line in lines], angles, atol=0.6)
    assert number(sums[4]) == pytest.approx(made.score, rel=1e-4)
    query, key = turns.back(head_view.query)[QUERY], turns.back(head_view.key)[KEY]
    before = (query * key)[theirs.dimensions].sum(axis=1)
    np.testing.assert_allclose(column(lines, 6), before, rtol=1e-3, atol=1e-4)
    assert number(sums[6]) == pytest.approx(float(before.sum()), rel=1e-4)
    assert abs(before.sum() - made.score) > 0.1
    assert f"With both tokens at one place the score would be {before.sum():.2f}." in words_of(root)


def test_single_dimensions_before_turning(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, turns = storyteller
    press(root, "before turning")
    query, key = turns.back(head_view.query)[QUERY], turns.back(head_view.key)[KEY]
    _, lines, sums = table(root)
    np.testing.assert_allclose(column(lines, 3), query * key, rtol=1e-3, atol=1e-4)
    assert f"before turning = {float(query @ key):.2f}" in chain(root)
    assert number(sums[3]) == pytest.approx(float(query @ key), rel=1e-4)
    assert f"= {head_view.scores[QUERY, KEY]:.2f}" in chain(root)
    assert root.get_by_text("Queries q, before turning").is_visible()


def test_groups_read_the_key_head_that_is_theirs(page: Page) -> None:
    trace = attention.trace(build("llama", "decoder"), ids(13))
    assert trace.record(1).n_kv_heads == 2
    root, head_view = open_view(page, trace, View(layer=1, head=3, query=9, key=4))
    made = products(head_view.record, 3, 9, 4)
    _, lines, sums = table(root)
    np.testing.assert_allclose(column(lines, 3), made.products, rtol=1e-3, atol=1e-4)
    assert number(sums[3]) == pytest.approx(made.score, rel=1e-4)
    assert "Heads 2, 3 of this layer read the same keys." in words_of(root)
    assert f"There are no rotary pairs to show: {STILL}." in words_of(root)
    assert not root.get_by_role("button", name="rotary pairs").count()


def test_pairs_that_cannot_be_turned_back(page: Page) -> None:
    trace = story()
    layout = found_of(trace)["decoder", 0].layout
    found = {("decoder", layer): Turns(layout=layout, why="few digits") for layer in range(4)}
    root, _ = open_view(page, trace, View(layer=2, head=5, query=QUERY, key=KEY), found)
    assert "They cannot be turned back: few digits." in words_of(root)
    assert not root.get_by_role("button", name="before turning").count()
    press(root, "rotary pairs")
    assert table(root)[0] == ["dimensions", "‖q‖", "‖k‖", "angle", "q·k"]


def test_dimensions_that_do_not_turn_stand_after_the_pairs(page: Page) -> None:
    model = build("gpt_neox", "decoder")
    trace = attention.trace(model, ids(13))
    from attention.analysis.dimensions import turns_of

    found = turns_of(model, 13)
    root, head_view = open_view(page, trace, View(layer=1, head=2, query=9, key=4), found)
    press(root, "rotary pairs")
    _, lines, sums = table(root)
    made = products(head_view.record, 2, 9, 4)
    assert [line[0] for line in lines] == ["0 and 2", "1 and 3", *map(str, range(4, 12))]
    assert lines[2][3] == ""
    np.testing.assert_allclose(column(lines[2:], 4), made.products[4:], rtol=1e-3, atol=1e-4)
    assert number(sums[4]) == pytest.approx(made.score, rel=1e-4)


def test_what_is_told_of_another_run_is_not_believed(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, _, _ = storyteller
    press(root, "rotary pairs")
    other = story("Another text.")
    harness.add(page, "dimensions", rotary.payload(other.head(2, 5), found_of(other)))
    assert not root.get_by_role("button", name="rotary pairs").count()
    assert table(root)[0][0] == "dimension"


def test_while_it_is_found_out_that_is_said(page: Page) -> None:
    root, _ = open_view(page, story(), View(layer=2, head=5), None)
    assert "is being found out" in words_of(root)
    assert len(table(root)[1]) == 32


def test_unknown_queries_and_keys(page: Page) -> None:
    weights = torch.softmax(torch.randn(1, 2, 7, 7, generator=torch.Generator().manual_seed(1)), -1)
    root, _ = open_view(page, Trace.from_tensors(weights=weights), View(head=1))
    assert root.locator("p:visible").all_inner_texts() == [
        "The queries and keys of this head are not known, so its scores cannot be taken apart by dimension."
    ]
    assert not root.locator("canvas:visible").count()


def test_a_text_that_is_too_long_to_travel(page: Page) -> None:
    query, key = torch.randn(2, 1, 2, 1100, 3, generator=torch.Generator().manual_seed(1))
    trace = Trace.from_tensors(query=query, key=key)
    root, _ = open_view(page, trace, View(query=5))
    assert page.evaluate("() => lab.store.shown().run.level") == "tiles"
    title = root.locator("h3")
    expect(title).to_have_text("Inside a score of layer 0, head 0")
    assert "stay on the server" in words_of(root)
    assert not root.locator("canvas:visible, button:visible, select:visible").count()
    page.evaluate("() => lab.store.change({ head: 1 })")
    expect(title).to_have_class("waiting")
    expect(title).to_have_text("Inside a score of layer 0, head 0")
    harness.arrive(page, trace.head(0, 1), View(head=1, query=5))
    expect(title).to_have_class("")
    expect(title).to_have_text("Inside a score of layer 0, head 1")
    assert "stay on the server" in words_of(root)


def test_a_text_that_travels_after_one_that_did_not(page: Page) -> None:
    query, key = torch.randn(2, 1, 1, 1100, 3, generator=torch.Generator().manual_seed(1))
    root, _ = open_view(page, Trace.from_tensors(query=query, key=key), View(query=5))
    assert not root.locator("canvas:visible").count()
    other = story().head(2, 5)
    harness.arrive(page, other, View(layer=2, head=5, query=QUERY, key=KEY))
    assert f"= {other.scores[QUERY, KEY]:.2f}" in chain(root)
    assert root.locator("canvas:visible").count() == 3
    assert "stay on the server" not in words_of(root)


def test_without_a_choice_the_key_is_that_of_the_largest_weight(page: Page) -> None:
    root, head_view = open_view(page, story(), View(layer=2, head=5, query=QUERY))
    key = int(head_view.weights[QUERY].argmax())
    assert f"= {head_view.scores[QUERY, key]:.2f}" in chain(root)
    chosen = root.locator("select")
    assert chosen.input_value() == ""
    chosen.select_option("4")
    assert f"= {head_view.scores[QUERY, 4]:.2f}".replace("-", "−") in chain(root)
    assert harness.messages(page)[-1]["changes"] == {"key": "4"}
    chosen.select_option("")
    assert f"= {head_view.scores[QUERY, key]:.2f}" in chain(root)
    assert harness.messages(page)[-1]["changes"]["key"] == ""


def test_a_key_that_is_masked_says_so(page: Page) -> None:
    root, head_view = open_view(page, story(), View(layer=2, head=5, query=3, key=6))
    assert f"= {head_view.scores[3, 6]:.2f}".replace("-", "−") in chain(root)
    assert chain(root).endswith("masked: the query comes before this key")


def test_every_step_of_the_scores_is_in_the_chain(page: Page) -> None:
    draw = torch.Generator().manual_seed(3)
    query, key = 3 * torch.randn(2, 1, 1, 7, 5, generator=draw)
    bias = torch.randn(1, 7, 7, generator=draw)
    trace = Trace.from_tensors(query=query, key=key, position_bias=bias, softcap=2.0)
    root, head_view = open_view(page, trace, View(query=4, key=1))
    words = chain(root)
    for stage in ("scores", "scaled", "softcapped", "biased"):
        assert f"= {head_view.stage(stage)[4, 1]:.2f}".replace("-", "−") in words, stage
    assert "+ bias" in words


def test_two_texts(page: Page) -> None:
    trace = attention.trace("dates", "the 3rd of May, 1998")
    root, head_view = open_view(page, trace, View(kind="cross", query=5, key=2))
    assert head_view.record.n_q != head_view.record.n_k
    assert f"= {head_view.scores[5, 2]:.2f}".replace("-", "−") in chain(root)
    names = root.locator(".names").evaluate_all("(all) => all.map((one) => one.children.length)")
    assert names == [head_view.record.n_q, head_view.record.n_k]


# Strips


def cell(page: Page, sheet: Locator, row: int, dim: int, shape: tuple[int, int]) -> tuple[float, float]:
    box = sheet.bounding_box()
    assert box is not None
    return box["x"] + (dim + 0.5) * box["width"] / shape[1], box["y"] + (row + 0.5) * box["height"] / shape[0]


def pixel(page: Page, sheet: Locator, row: int, dim: int) -> list[int]:
    """The colour in the middle of a cell."""
    read = """(sheet, [row, dim, rows, columns]) => {
        const canvas = sheet.querySelector("canvas");
        const [x, y] = [(dim + .5) * canvas.width / columns, (row + .5) * canvas.height / rows];
        return [...canvas.getContext("2d").getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3)];
    }"""
    return sheet.evaluate(read, [row, dim, 12, 32])


def mixed(scale: Any, share: float) -> np.ndarray:
    """The colour at a share of the scale."""
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in scale], dtype=float)
    place = share * (len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    return colours[low] + (colours[low + 1] - colours[low]) * (place - low)


def test_the_strips_show_q_and_k_of_all_tokens_on_one_scale(
    page: Page, storyteller: tuple[Locator, HeadView, Turns]
) -> None:
    root, head_view, _ = storyteller
    limit = max(np.abs(head_view.query).max(), np.abs(head_view.key).max())
    scale = harness.THEMES["light"].scores
    for at, vectors in enumerate((head_view.query, head_view.key)):
        sheet = root.locator(".sheet").nth(at)
        for row, dim in ((0, 0), (QUERY, 7), (11, 31), np.unravel_index(np.abs(vectors).argmax(), vectors.shape)):
            expected = mixed(scale, (float(vectors[row, dim]) / limit + 1) / 2)
            assert np.abs(np.array(pixel(page, sheet, int(row), int(dim))) - expected).max() <= 3


def test_hover_tells_the_number_and_sends_nothing(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    page.evaluate("() => { lab.heard = []; lab.store.listen('hover', (at) => lab.heard.push(at)); }")
    keys = root.locator(".sheet").nth(1)
    page.mouse.move(*cell(page, keys, 4, 9, head_view.key.shape))
    words = root.locator(".readout").inner_text()
    assert words.startswith("“·on”, key, dimension 9: ")
    assert number(words.partition(": ")[2].partition(";")[0]) == pytest.approx(head_view.key[4, 9], rel=1e-3)
    assert f"= {head_view.scores[QUERY, 4]:.2f}".replace("-", "−") in chain(root)
    assert page.evaluate("() => lab.heard.at(-1)") == {"query": QUERY, "key": 4, "from": "dimensions"}
    page.mouse.move(*cell(page, root.locator(".sheet").first, 3, 9, head_view.query.shape))
    assert page.evaluate("() => lab.heard.at(-1)") == {"query": 3, "key": None, "from": "dimensions"}
    assert f"= {head_view.scores[3, KEY]:.2f}".replace("-", "−") in chain(root)
    page.mouse.move(2, 2)
    assert page.evaluate("() => lab.heard.at(-1)") is None
    assert f"= {head_view.scores[QUERY, KEY]:.2f}" in chain(root)
    assert root.locator(".readout").inner_text() == ""
    assert harness.messages(page) == []


def test_what_is_pointed_at_elsewhere_is_shown_here(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    page.evaluate("() => lab.store.say('hover', { query: 6, key: 1, from: 'figures' })")
    assert f"= {head_view.scores[6, 1]:.2f}".replace("-", "−") in chain(root)
    assert root.locator(".asks").count() == 1
    page.evaluate("() => lab.store.say('hover', { query: 99, key: 99, from: 'figures' })")
    assert f"= {head_view.scores[QUERY, KEY]:.2f}" in chain(root)
    page.evaluate("() => lab.store.say('hover', null)")
    assert root.locator(".asks").count() == 0
    assert root.locator(".pin").count() == 1


def test_clicks_pin_a_query_and_choose_a_key(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    page.mouse.click(*cell(page, root.locator(".sheet").nth(1), 5, 3, head_view.key.shape))
    assert page.evaluate("() => lab.store.look().key") == 5
    page.mouse.click(*cell(page, root.locator(".sheet").first, 7, 3, head_view.query.shape))
    assert page.evaluate("() => lab.store.pins()") == [7]
    page.keyboard.down("Control")
    page.mouse.click(*cell(page, root.locator(".sheet").first, 9, 3, head_view.query.shape))
    page.keyboard.up("Control")
    assert page.evaluate("() => lab.store.pins()") == [7, 9]
    assert root.locator(".pin").count() == 2
    assert [message["changes"].get("query") for message in harness.messages(page)][-1] == "7"


def test_the_keyboard_walks_the_strips(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    page.evaluate(KEYS_OUTSIDE)
    root.get_by_role("button", name="as a table").focus()
    for _ in range(8):  # bars, then the queries, then the keys, and the terms between them
        page.keyboard.press("Tab")
        if root.locator(".sheet").nth(1).evaluate("(sheet) => sheet.matches(':focus')"):
            break
    assert root.locator(".sheet").nth(1).evaluate("(sheet) => sheet.matches(':focus-visible')")
    assert root.locator(".readout").inner_text().startswith("“·cat”, key, dimension 0: ")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    words = root.locator(".readout").inner_text()
    assert words.startswith("“·on”, key, dimension 2: ")
    assert number(words.partition(": ")[2].partition(";")[0]) == pytest.approx(head_view.key[4, 2], rel=1e-3)
    assert harness.messages(page) == []
    page.keyboard.press("Enter")
    assert page.evaluate("() => lab.store.look().key") == 4
    page.keyboard.press("End")
    assert ", dimension 31: " in root.locator(".readout").inner_text()
    assert set(page.evaluate("() => lab.keys")) <= {"Tab"}
    for _ in range(2):  # past the keys' title
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate("() => lab.store.pins()") == [QUERY - 1]


def test_the_keyboard_walks_the_bars(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    made = products(head_view.record, 5, QUERY, KEY)
    press(root, "by size")
    root.get_by_role("button", name="as a table").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    words = root.locator(".readout").inner_text()
    assert words.startswith(f"dimension {made.order[1]}: ")
    said = f"{made.products[made.order[1]]:+.2f} of {made.score:.2f}".replace("-", "−")
    assert words.endswith(said)
    assert root.locator(".column").count() == 2
    page.evaluate(KEYS_OUTSIDE)
    for key in ("End", "ArrowLeft", "ArrowDown", "Home", "ArrowLeft"):
        page.keyboard.press(key)
    assert root.locator(".readout").inner_text().startswith(f"dimension {made.order[0]}: ")
    assert page.evaluate("() => lab.keys") == ["ArrowDown"], "only what leads nowhere here is the page's"


def test_many_tokens_scroll_in_a_strip_of_their_own(page: Page) -> None:
    trace = story(TEXT * 8)
    root, head_view = open_view(page, trace, View(layer=2, head=5, query=80, key=60))
    assert head_view.record.n_q > 80
    rows = root.locator(".rows").first
    height, whole, top = rows.evaluate("(own) => [own.clientHeight, own.scrollHeight, own.scrollTop]")
    assert height <= 480 < whole
    assert top > 0
    box, pin = rows.bounding_box(), root.locator(".pin").bounding_box()
    assert box is not None
    assert pin is not None
    assert box["y"] <= pin["y"] <= box["y"] + box["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_all_of_it_and_no_sideways_scroll(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(size=(390, 844), scheme=scheme, touch=True)
    trace = story()
    root, _ = open_view(page, trace, View(layer=2, head=5, query=QUERY), found_of(trace), dark=scheme == "dark")
    press(root, "rotary pairs")
    table(root)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    sheets = [sheet.bounding_box() for sheet in root.locator(".sheet").all()]
    assert sheets[0]["x"] == sheets[1]["x"]
    assert sheets[0]["y"] < sheets[1]["y"]
    for button in root.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 24
    root.locator(".sheet").nth(1).tap(position={"x": 40, "y": 30})
    assert page.evaluate("() => lab.store.look().key") in (1, 2)


def test_another_head_is_drawn_at_once(page: Page, storyteller: tuple[Locator, HeadView, Turns]) -> None:
    root, head_view, _ = storyteller
    took = page.evaluate("""async () => {
        const times = [];
        for (let i = 0; i < 12; i++) {
            const began = performance.now();
            lab.store.change({ layer: i % 4, head: i % 6 });
            times.push(performance.now() - began);
            await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        return times.sort((a, b) => a - b)[6];
    }""")
    assert took < LIGHT_MS
    other = head_view.trace.head(3, 5)
    assert f"= {other.scores[QUERY, KEY]:.2f}".replace("-", "−") in chain(root)
    assert "layer 3, head 5" in root.locator("h3").inner_text()


def test_names_are_text(page: Page) -> None:
    names = ["<b>a</b>", "<img src=x onerror=alert(1)>", "c"]
    query, key = torch.randn(2, 1, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    root, _ = open_view(page, Trace.from_tensors(query=query, key=key, tokens=names), View(query=0, key=1))
    assert "<b>a</b>" in chain(root)
    assert not root.locator("img, .chain b b, .names b").count()


def test_the_payload_is_small(storyteller: tuple[Locator, HeadView, Turns]) -> None:
    _, head_view, _ = storyteller
    data = rotary.payload(head_view, found_of(head_view.trace))
    assert len(data) < 4000
    assert codec.parse(data)["turns"]
