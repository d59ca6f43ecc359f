"""The links component in Chromium: what it draws is `HeadView.weights`, and what a person does stays in the browser."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

import attention
from attention.browser import codec, store
from attention.figures.oklab import to_oklab
from attention.record import AttentionRecord, HeadView, Kind, Mask, ModelFacts, Token, Trace
from attention.view import View
from tests.chromium import harness

TEXT = "The cat sat on the mat because it was tired."
LINKS = """() => {
    const root = document.querySelector("#hl-links").shadowRoot;
    const drawn = ["rest", "strong"].map((name) => [name, root.querySelector(`canvas.${name}`).links]);
    return JSON.stringify(Object.fromEntries(drawn));  // one text: each value of a list would travel by itself
}"""
CHANGE = "(changes) => lab.store.change(changes)"
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The strongest opacity that a canvas has in its middle column, 0 to 1.
MIDDLE = """() => {
    const canvas = document.querySelector("#hl-links").shadowRoot.querySelector("canvas.strong");
    const { data } = canvas.getContext("2d").getImageData(Math.round(canvas.width / 2), 0, 1, canvas.height);
    return Math.max(...data.filter((_, i) => i % 4 === 3)) / 255;
}"""
KEYS_OUTSIDE = """() => {
    const heard = lab.heard = [];
    document.addEventListener("keydown", (event) => heard.push(event.key));
}"""
SWATCHES = """() => [...document.querySelector("#hl-links").shadowRoot.querySelectorAll(".chip line")]
    .map((line) => [getComputedStyle(line).stroke, line.getAttribute("stroke-dasharray")])"""

# How linear light is seen: by most, and without red, green or blue cones (Machado, Oliveira and Fernandes 2009).
EYES = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def of_tensors(
    n_q: int, n_k: int, *, heads: int = 3, kind: Kind = "decoder", sink: float | None = None,
    words: Callable[[int], str] = "word {}".format,
) -> Trace:  # fmt: skip
    """Random heads of width 16: causal ones of a text, or those of a second text that looks at the first."""
    draw = torch.Generator().manual_seed(n_q + n_k)
    query, key, value = (torch.randn(heads, n, 16, generator=draw) * 1.5 for n in (n_q, n_k, n_k))
    record = AttentionRecord(
        layer=0, kind=kind, query=query, key=key, value=value, scale=0.25,
        mask=Mask(after=0 if kind == "decoder" else None), sink=None if sink is None else torch.full((heads,), sink),
    )  # fmt: skip
    tokens = tuple(Token(piece=words(i), text=words(i)) for i in range(n_k))
    asking = tuple(Token(piece=f"mot {i}", text=f"mot {i}") for i in range(n_q)) if kind == "cross" else ()
    facts = ModelFacts(name="", architecture="", capture_mode="tensors")
    return Trace(model=facts, tokens=tokens, pair_tokens=asking, all_records=(record,))


@cache
def long() -> Trace:
    """One head of a text so long that it travels in tiles."""
    return of_tensors(1100, 1100, heads=1)


def open_links(page: Page, trace: Trace, view: View, *, width: int = 1100, dark: bool = False) -> Locator:
    head_view = trace.head(view.layer, view.head, view.kind or None)  # type: ignore[arg-type]
    harness.renew(page, dark=dark)
    harness.arrive(page, head_view, view)
    return harness.add(page, "links", codec.pack({}), width=width)


def links(page: Page) -> dict[str, list[dict[str, Any]]]:
    page.evaluate(FRAMES)
    return json.loads(page.evaluate(LINKS))


def both(page: Page) -> list[dict[str, Any]]:
    found = links(page)
    return found["rest"] + found["strong"]


def map_of(found: list[dict[str, Any]], head_view: HeadView) -> np.ndarray:
    """The drawn weights of one head as a map, 0 where no link is drawn."""
    drawn = np.zeros_like(head_view.weights)
    for link in found:
        if (link["layer"], link["head"]) == (head_view.layer, head_view.head):
            assert drawn[link["query"], link["key"]] == 0, "no link is drawn twice"
            drawn[link["query"], link["key"]] = link["weight"]
    return drawn


def kept(weights: np.ndarray, least: float, top: int) -> np.ndarray:
    """Which cells of a map are drawn, by brute force."""
    drawn = (weights > 0) & (weights >= np.float32(least))
    if top:
        place = np.argsort(np.argsort(-weights, axis=1, kind="stable"), axis=1, kind="stable")
        drawn &= place < top
    return drawn


def wanted(head_view: HeadView) -> np.ndarray:
    return np.array(head_view.weights)


def tokens(box: Locator, side: str) -> Locator:
    return box.locator(f".column.{side} .token")


def place(box: Locator, side: str, index: int) -> Locator:
    return box.locator(f"#{side}-{index}")


# What is drawn


def test_the_lines_are_the_weights_of_all_open_pairs(page: Page, story: Trace) -> None:
    head_view = story.head(2, 5)
    open_links(page, story, View(layer=2, head=5, query=7))
    found = links(page)
    np.testing.assert_allclose(map_of(both(page), head_view), wanted(head_view), atol=1e-6)
    assert {link["query"] for link in found["strong"]} == {7}
    assert 7 not in {link["query"] for link in found["rest"]}
    assert all(link["key"] <= link["query"] for link in both(page)), "what the mask closes has no line"
    assert all(link["alpha"] == link["weight"] for link in both(page))


@pytest.mark.parametrize("beside", [(), ((2, 0), (2, 1), (2, 2), (2, 3), (1, 0), (1, 1), (1, 2))])
def test_the_painted_opacity_is_the_weight_however_many_heads(
    page: Page, story: Trace, beside: tuple[tuple[int, int], ...]
) -> None:
    weights = story.head(2, 5).weights
    query = next(int(i) for i in np.argsort(-weights.max(axis=1)) if 0.3 < weights[i].max() < 0.9)
    open_links(page, story, View(layer=2, head=5, query=query, top=1, beside=beside))
    page.evaluate("(query) => lab.store.say('hover', { query, key: null, from: 'test' })", query)
    page.evaluate(FRAMES)
    heads = [(2, 5), *beside]
    most = max(story.head(*one).weights[query].max() for one in heads)
    alone = weights[query].max()
    # Lines may cross in the middle; alone it is exact, and together it is at least the strongest one's own.
    painted = page.evaluate(MIDDLE)
    if beside:
        assert painted > most - 0.02
    else:
        assert painted == pytest.approx(alone, abs=0.01)


@pytest.mark.parametrize(("least", "top"), [(0.0, 0), (0.1, 0), (0.35, 0), (0.0, 1), (0.0, 3), (0.08, 3)])
def test_threshold_and_count_leave_the_links_that_python_leaves(
    page: Page, story: Trace, least: float, top: int
) -> None:
    head_view = story.head(2, 5)
    box = open_links(page, story, View(layer=2, head=5, query=7))
    box.locator(".least").fill(str(least))
    box.locator("select.top").select_option(str(top))
    drawn = kept(wanted(head_view), least, top)
    assert np.array_equal(map_of(both(page), head_view) > 0, drawn)
    n = len(story.tokens)
    share = wanted(head_view)[drawn].sum() / wanted(head_view).sum() * 100
    words = box.locator(".drawn").inner_text()
    assert words.startswith(f"drawn: {drawn.sum()} of {n * (n + 1) // 2} links, ")
    shown = float(words.split("links, ")[1].split(" %")[0].removeprefix("more than "))
    assert shown == pytest.approx(share, abs=0.51)
    assert page.evaluate("() => [lab.store.look().least, lab.store.look().top]") == [least, top]
    if least or top:
        assert harness.messages(page)[-1]["changes"]


def test_temperature_and_hidden_keys_change_the_lines(page: Page, story: Trace) -> None:
    head_view = story.head(2, 5)
    masked = torch.tensor(np.array(dict(head_view.stages)["masked"]))
    open_links(page, story, View(layer=2, head=5, query=7, temperature=2.0, hide=("first",), rest="shared"))
    masked[:, 0] = -torch.inf
    expected = torch.softmax(masked / 2, dim=-1).nan_to_num(0).numpy()
    np.testing.assert_allclose(map_of(both(page), head_view), expected, atol=1e-5)


def test_another_temperature_changes_the_lines_that_are_drawn(page: Page, story: Trace) -> None:
    head_view = story.head(2, 5)
    open_links(page, story, View(layer=2, head=5, query=7))
    np.testing.assert_allclose(map_of(both(page), head_view), wanted(head_view), atol=1e-6)
    page.evaluate(CHANGE, {"temperature": 2.0})
    masked = torch.tensor(np.array(dict(head_view.stages)["masked"]))
    np.testing.assert_allclose(map_of(both(page), head_view), torch.softmax(masked / 2, dim=-1).numpy(), atol=1e-5)


def test_each_head_draws_its_own_weights_and_none_is_divided(page: Page, story: Trace) -> None:
    beside = ((0, 3), (2, 1))
    box = open_links(page, story, View(layer=2, head=5, query=7, beside=beside))
    found = both(page)
    for one in ((2, 5), *beside):
        np.testing.assert_allclose(map_of(found, story.head(*one)), story.head(*one).weights, atol=1e-6)
    assert all(link["alpha"] == link["weight"] for link in found)
    assert "of 3 heads" in box.locator(".drawn").inner_text()


def test_heads_are_told_apart_by_colour_and_by_dashes(page: Page, story: Trace) -> None:
    heads = [(layer, head) for layer in (0, 1) for head in range(4)]
    for dark in (False, True):
        open_links(page, story, View(layer=2, head=5, query=7, beside=tuple(heads[:7])), dark=dark)
        swatches = page.evaluate(SWATCHES)
        paper = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        assert len(swatches) == 8
        assert len({colour for colour, _ in swatches}) == len({dashes for _, dashes in swatches}) == 8
        assert min(contrast(colour, paper) for colour, _ in swatches) >= 3
        assert min(apart([colour for colour, _ in swatches], np.array(eye)) for eye in EYES) > 0.08


def light(colour: str) -> np.ndarray:
    """Linear red, green and blue of "rgb(r, g, b)"."""
    share = np.array([float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    low, high = sorted(float(light(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def apart(colours: list[str], seen: np.ndarray) -> float:
    """The least distance in OKLab between two of the colours, as an eye sees them."""
    labs = [np.array(to_oklab(hexed(np.clip(seen @ light(colour), 0, 1)))) for colour in colours]
    return min(float(np.linalg.norm(one - other)) for one, other in combinations(labs, 2))


def hexed(linear: np.ndarray) -> str:
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in share)


def test_heads_are_added_and_dropped(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    box.get_by_role("combobox", name="Draw one more head").select_option("0.1")
    box.get_by_role("button", name="+ this layer’s other heads").click()
    beside = page.evaluate("() => lab.store.look().beside")
    assert beside[0] == [0, 1]
    assert [2, 5] not in beside
    assert {link["head"] for link in both(page) if link["layer"] == 2} >= {0, 5}
    box.get_by_role("button", name="take head 0.1 out of the links").click()
    assert [0, 1] not in page.evaluate("() => lab.store.look().beside")
    box.get_by_role("button", name="only 2.5").click()
    assert page.evaluate("() => lab.store.look().beside") == []


def test_a_head_that_did_not_travel_is_named(page: Page, story: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "level", lambda *_: "layer")
    trace = replace(story)  # with no bytes kept of the whole run
    box = open_links(page, trace, View(layer=2, head=5, query=7, beside=((2, 1), (0, 3))))
    expect(box.locator(".note", has_text="Not here: 0.3.")).to_be_visible()
    assert {(link["layer"], link["head"]) for link in both(page)} == {(2, 5), (2, 1)}


def test_rows_that_did_not_travel_are_said_in_words(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    page.evaluate("""() => {
        const { run, look, head } = lab.store.shown();
        const none = { queries: head.queries, row: () => null, allowed: () => null, sinkShare: () => null };
        lab.store.say("shown", { run, look, head: none });
    }""")
    expect(box.get_by_text("have not travelled")).to_be_visible()
    assert both(page) == []


def test_of_a_long_text_the_pinned_rows_are_drawn(page: Page) -> None:
    trace = long()
    head_view = trace.head(0, 0)
    box = open_links(page, trace, View(query=900, also=(3,)))
    assert page.evaluate("() => lab.store.shown().run.level") == "tiles"
    found = both(page)
    assert {link["query"] for link in found} == {900, 3}
    np.testing.assert_allclose(map_of(found, head_view)[[900, 3]], head_view.weights[[900, 3]], atol=1e-6)
    expect(box.locator(".note", has_text="only pinned rows travel to the browser")).to_be_visible()
    expect(box.locator("tbody tr").first).to_contain_text(f"{head_view.weights[[900, 3]].mean(axis=0).max():.3f}")
    page.evaluate("() => lab.store.say('hover', { query: 3, key: null, from: 'map' })")
    assert {link["query"] for link in both(page)} == {3}
    expect(box.locator("tbody tr")).to_have_count(4)


def test_a_row_of_a_long_text_that_did_not_travel_says_so(page: Page) -> None:
    trace = long()
    box = open_links(page, trace, View(query=900, also=(3,)))
    place(box, "query", 898).hover()
    assert both(page) == []
    expect(box.get_by_text("The links of this row have not travelled")).to_be_visible()
    expect(box.locator(".readout")).to_have_text("what “word·898” takes: not known here")
    expect(box.locator("tbody tr")).to_have_count(0)
    expect(place(box, "key", 899)).to_have_attribute("aria-label", "word·899")
    page.evaluate("() => lab.store.say('hover', null)")
    assert {link["query"] for link in both(page)} == {900, 3}
    expect(box.get_by_text("have not travelled")).to_be_hidden()


def test_what_arrives_at_a_key_of_a_long_text_is_told_of_pinned_rows_alone(page: Page) -> None:
    trace = long()
    weight = trace.head(0, 0).weights[900, 899]
    box = open_links(page, trace, View(query=900, also=(3,)))
    place(box, "key", 899).hover()
    assert [(link["query"], link["key"]) for link in both(page)] == [(900, 899)]
    expect(box.locator(".readout")).to_contain_text("1 of 1 links, 100 % of the weight that is known here")
    expect(place(box, "query", 900)).to_have_attribute("aria-label", f"word·900, weight {weight:.4f}")
    # Neither known nor masked.
    expect(place(box, "query", 899)).to_have_attribute("aria-label", "word·899")
    assert "closed" not in (place(box, "query", 899).get_attribute("class") or "")


def test_another_row_of_a_long_text_is_pinned_and_arrives(page: Page) -> None:
    trace = long()
    head_view = trace.head(0, 0)
    box = open_links(page, trace, View(query=900))
    place(box, "query", 902).hover()
    expect(box.locator(".readout")).to_contain_text("not known here")
    place(box, "query", 902).click()
    page.mouse.move(600, 900)
    expect(box.get_by_text("The links of head 0.0 are on their way.")).to_be_visible()
    assert {link["query"] for link in both(page)} == {900}, "what is drawn stays until the other is here"
    harness.arrive(page, head_view, View(query=902))
    expect(box.get_by_text("on their way")).to_be_hidden()
    found = both(page)
    assert {link["query"] for link in found} == {902}
    np.testing.assert_allclose(map_of(found, head_view)[902], head_view.weights[902], atol=1e-6)
    expect(box.locator(".pinned")).to_have_attribute("data-place", "902")


def test_a_learned_sink_has_its_share(page: Page) -> None:
    trace = of_tensors(12, 12, sink=1.5)
    head_view = trace.head(0, 1)
    box = open_links(page, trace, View(head=1, query=6))
    assert head_view.sink_weight is not None
    share = head_view.sink_weight[6]
    expect(box.get_by_role("row", name="sink (no token)")).to_contain_text(f"{share:.3f}")
    np.testing.assert_allclose(map_of(both(page), head_view), head_view.weights, atol=1e-6)


# Hover


def test_a_query_under_the_pointer_shows_only_its_links(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    before = both(page)
    place(box, "query", 4).hover()
    found = links(page)
    assert found["rest"] == []
    assert {link["query"] for link in found["strong"]} == {4}
    np.testing.assert_allclose(map_of(both(page), story.head(2, 5))[4], story.head(2, 5).weights[4], atol=1e-6)
    assert page.evaluate("() => lab.store.last('hover')") == {"query": 4, "key": None, "from": "links"}
    page.mouse.move(600, 700)
    assert both(page) == before
    assert harness.messages(page) == []


def test_the_page_stands_still_under_the_pointer(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=11))
    sizes = []
    for side, index in (("query", 11), ("query", 0), ("key", 0), ("key", 11)):
        place(box, side, index).hover()
        page.evaluate(FRAMES)
        sizes.append((box.bounding_box(), box.locator(".stage").bounding_box()))
    assert all(size == sizes[0] for size in sizes)


def test_a_key_under_the_pointer_shows_what_arrives(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7, top=3))
    place(box, "key", 1).hover()
    found = links(page)
    expected = kept(wanted(story.head(2, 5)), 0, 3)[:, 1]
    assert found["rest"] == []
    assert {link["key"] for link in found["strong"]} == {1}
    assert sorted(link["query"] for link in found["strong"]) == np.flatnonzero(expected).tolist()
    expect(box.locator("caption")).to_contain_text("who takes from")
    assert harness.messages(page) == []


def test_a_row_under_the_pointer_elsewhere_is_shown_here(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    page.evaluate("() => lab.store.say('hover', { query: 5, key: 2, from: 'map' })")
    assert {link["query"] for link in both(page)} == {5}
    assert "marked" in (place(box, "key", 2).get_attribute("class") or "")
    page.evaluate("() => lab.store.say('hover', { query: 500, key: null, from: 'map' })")
    assert len({link["query"] for link in both(page)}) == len(story.tokens)
    page.evaluate("() => lab.store.say('hover', null)")
    assert len({link["query"] for link in both(page)}) == len(story.tokens)


# Pins


def test_a_click_pins_and_one_more_joins(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    place(box, "query", 4).click()
    page.mouse.move(600, 700)
    assert {link["query"] for link in links(page)["strong"]} == {4}
    place(box, "key", 9).click(modifiers=["Shift"])  # a key of this text is one of its queries
    page.mouse.move(600, 700)
    assert page.evaluate("() => lab.store.pins()") == [4, 9]
    assert {link["query"] for link in links(page)["strong"]} == {4, 9}
    assert box.locator(".pinned").count() == 2
    assert harness.messages(page)[-1]["changes"]["query"] == "4"
    expect(box.locator("caption")).to_contain_text("on average")
    mean = story.head(2, 5).weights[[4, 9]].mean(axis=0)
    first = box.locator("tbody tr").first.locator("td .number").inner_text()
    assert float(first) == pytest.approx(mean.max(), abs=6e-4)
    page.evaluate(CHANGE, {"together": "sum"})
    page.evaluate(FRAMES)
    first = box.locator("tbody tr").first.locator("td .number").inner_text()
    assert float(first) == pytest.approx(2 * mean.max(), abs=6e-4)


def test_cross_attention_pins_queries_and_holds_keys(page: Page) -> None:
    trace = of_tensors(7, 11, kind="cross")
    head_view = trace.head(0, 1, "cross")
    box = open_links(page, trace, View(head=1, query=2, kind="cross"))
    np.testing.assert_allclose(map_of(both(page), head_view), head_view.weights, atol=1e-6)
    assert tokens(box, "query").all_inner_texts() == [f"mot·{i}" for i in range(7)]
    assert tokens(box, "key").count() == 11
    expect(box.get_by_role("button", name="arcs")).to_be_hidden()
    place(box, "key", 4).click()
    page.mouse.move(600, 700)
    assert {link["key"] for link in both(page)} == {4}
    assert harness.messages(page) == []
    place(box, "query", 5).click()
    page.mouse.move(600, 700)
    assert {link["query"] for link in links(page)["strong"]} == {5}
    assert harness.messages(page)[-1]["changes"]["query"] == "5"


def test_another_text_takes_the_place_of_the_one_before(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    other = of_tensors(5, 5)
    harness.arrive(page, other.head(0, 1), View(head=1, query=3))
    np.testing.assert_allclose(map_of(both(page), other.head(0, 1)), other.head(0, 1).weights, atol=1e-6)
    assert tokens(box, "query").count() == tokens(box, "key").count() == 5
    expect(box.locator(".pinned")).to_have_text("word·3")


# Shapes and sizes


def test_arcs_draw_the_same_links_from_one_line_of_tokens(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    before = both(page)
    box.get_by_role("button", name="arcs").click()
    page.mouse.move(600, 700)
    assert box.get_by_role("listbox").count() == 1
    assert both(page) == before
    place(box, "query", 3).hover()
    assert {link["query"] for link in both(page)} == {3}
    assert harness.messages(page) == []


@pytest.mark.parametrize(("count", "sink"), [(5, None), (12, None), (12, 1.5), (20, None), (30, 1.5)])
def test_what_stands_below_follows_the_tokens(page: Page, count: int, sink: float | None) -> None:
    box = open_links(page, of_tensors(count, count, sink=sink), View(query=count - 1))
    page.evaluate(FRAMES)
    stage, listed, foot = (box.locator(name).bounding_box() for name in (".stage", ".list", ".foot"))
    assert stage is not None
    assert listed is not None
    assert foot is not None
    end = max(stage["y"] + stage["height"], listed["y"] + listed["height"])
    assert foot["y"] == pytest.approx(end + 10, abs=1), "the line below begins where picture and table end"
    fits = box.locator(".list").evaluate("(list) => list.scrollHeight <= list.clientHeight")
    assert fits == (count <= 20), "every line of a short text has room, and none is left over"
    if fits:
        lines = box.locator("tbody tr").last.bounding_box()
        assert lines is not None
        assert 0 <= listed["y"] + listed["height"] - (lines["y"] + lines["height"]) <= 4


def test_a_long_text_has_few_nodes_and_draws_only_rows(page: Page) -> None:
    trace = of_tensors(512, 512, heads=1)
    head_view = trace.head(0, 0)
    box = open_links(page, trace, View(query=400))
    assert tokens(box, "query").count() + tokens(box, "key").count() < 80
    assert {link["query"] for link in both(page)} == {400}
    expect(place(box, "query", 400)).to_be_in_viewport()
    expect(box.locator(".note", has_text="With more than 160 tokens")).to_be_visible()
    place(box, "query", 395).hover()
    np.testing.assert_allclose(map_of(both(page), head_view)[395], head_view.weights[395], atol=1e-6)
    box.locator(".column.key").evaluate("(element) => { element.scrollTop = 100 * 26; }")
    place(box, "key", 105).hover()
    expect(box.locator(".readout")).to_contain_text("links")  # its rows are made over several frames
    np.testing.assert_allclose(map_of(both(page), head_view)[:, 105], head_view.weights[:, 105], atol=1e-6)
    assert tokens(box, "query").count() + tokens(box, "key").count() < 80
    assert box.locator(".column.query").evaluate("(one) => one.scrollTop") > 9000, "each column scrolls by itself"
    assert harness.messages(page) == []


def test_a_phone_has_room_and_a_tap_pins(open_page: Callable[..., Page], story: Trace) -> None:
    page = open_page(size=(390, 844), touch=True)
    box = open_links(page, story, View(layer=2, head=5, query=7))
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    targets = box.locator("button:visible, select:visible, input:visible, .token").all()
    assert min((target.bounding_box() or {"height": 0})["height"] for target in targets) >= 24
    lines = box.locator("canvas.strong").bounding_box()
    assert lines is not None
    assert lines["x"] + lines["width"] <= 390
    place(box, "query", 4).tap()
    assert page.evaluate("() => lab.store.pins()") == [4]
    assert {link["query"] for link in links(page)["strong"]} == {4}


def test_what_a_person_typed_is_text_in_its_own_direction(page: Page) -> None:
    words = ["<img src=x onerror=alert(1)>", "שלום", "cat"]
    trace = of_tensors(3, 3, words=lambda i: words[i])
    box = open_links(page, trace, View(query=1))
    assert box.locator("img").count() == 0
    shown = tokens(box, "query").locator("[dir=auto]").all_inner_texts()
    assert shown[1:] == words[1:]
    assert shown[0].startswith("<img")
    expect(place(box, "key", 1).locator("[dir=auto]")).to_have_css("direction", "rtl")


# Without a pointer


def test_the_keyboard_walks_pins_and_leaves(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    page.evaluate(KEYS_OUTSIDE)
    box.locator(".column.query").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert {link["query"] for link in both(page)} == {5}
    assert box.locator(".column.query").get_attribute("aria-activedescendant") == "query-5"
    assert harness.messages(page) == []
    page.keyboard.press("Enter")
    assert page.evaluate("() => lab.store.pins()") == [5]
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert {link["key"] for link in both(page)} == {10}
    page.keyboard.press("Escape")
    assert len({link["query"] for link in both(page)}) == len(story.tokens)
    assert page.evaluate("() => lab.heard.filter((key) => key !== 'Tab')") == [], "the page's own keys stay out of it"


def test_the_table_is_the_row_in_falling_order(page: Page, story: Trace) -> None:
    weights = story.head(2, 5).weights
    box = open_links(page, story, View(layer=2, head=5, query=7))
    assert_table(box, story, weights[7, :8])
    place(box, "query", 3).hover()
    page.evaluate(FRAMES)
    assert_table(box, story, weights[3, :4])
    name = store.tokens(story.head(2, 5))["keys"][3]["name"]
    expect(place(box, "key", 3)).to_have_attribute("aria-label", f"{name}, weight {weights[3, 3]:.4f}")


def assert_table(box: Locator, trace: Trace, row: np.ndarray) -> None:
    table = box.get_by_role("table")
    expect(table.locator("caption")).to_contain_text("takes")
    numbers = [float(text.removeprefix("<")) for text in table.locator("tbody td .number").all_inner_texts()]
    np.testing.assert_allclose(numbers, np.sort(row)[::-1], atol=1.1e-3)
    names = [one["name"] for one in store.tokens(trace.head(2, 5))["keys"]]
    assert table.locator("tbody th").all_inner_texts()[0].startswith(names[int(np.argmax(row))])


def test_the_view_says_what_it_does_not_show(page: Page, story: Trace) -> None:
    box = open_links(page, story, View(layer=2, head=5, query=7))
    expect(box.locator(".below")).to_have_text(re.compile("^What this does not show: .*not what that value says"))
