"""What is chosen is shown at once, before the server hears of it, with Python's own numbers; the address follows."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import attention
from attention import Trace
from tests.chromium.opened import DRAWN, Opened

SIZE = (1440, 2000)
SECONDS = 60_000
TEXT = "The cat sat on the mat because it was tired."
# Of the weights, which are 0 to 1, and relative to the largest of all other numbers.
CLOSE = 2e-6
# act(script): runs it, and says what the panels show right after it and how many frames were sent by then.
HANDS = """() => {
    globalThis.deep = (selector, root = document) => {
        const inside = [...root.querySelectorAll("*")].filter((one) => one.shadowRoot);
        return [...root.querySelectorAll(selector), ...inside.flatMap((one) => deep(selector, one.shadowRoot))];
    };
    const send = WebSocket.prototype.send;
    globalThis.frames_sent = 0;
    WebSocket.prototype.send = function (data) { frames_sent += 1; return send.call(this, data); };
    const row = (z, i) => [...z.subarray(i * z.shape[1], (i + 1) * z.shape[1])];
    const rows = (z) => Array.from({ length: z.shape[0] }, (_, i) => row(z, i));
    globalThis.shown = () => ({
        cells: deep(".hl-cells").map(({ cells: { z } }) => rows(z)),
        labels: deep(".sentence .tokens:not(.asking) .token").map((one) => one.getAttribute("aria-label")),
        title: deep(".arithmetic h3")[0].textContent, heading: deep(".heads h2")[0].textContent,
    });
    globalThis.act = (what) => {
        frames_sent = 0;
        what();
        return JSON.stringify({ ...shown(), frames: frames_sent });
    };
    globalThis.button = (selector, label) => deep(selector).find((one) => one.textContent === label);
    globalThis.click = (target, more = {}) =>
        target.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, ...more }));
    globalThis.key = (name, shiftKey = false) => deep(".heads canvas")[0].dispatchEvent(
        new KeyboardEvent("keydown", { key: name, shiftKey, bubbles: true, composed: true, cancelable: true }));
    globalThis.slide = (value) => {
        const [slider] = deep(".controls input[type=range]");
        slider.value = String(value);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    };
    globalThis.token = (place, more) => click(deep(".sentence .tokens:not(.asking) .token")[place], more);
}"""
SHOWN = "() => JSON.stringify(shown())"


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def reader(browser: Browser, app_url: str, settle: Callable[[Page], None]) -> Iterator[Opened]:
    """The page of the reader, which stays open for the tests of the file: each goes on where the one before was."""
    opened = Opened(browser, app_url, settle, size=SIZE)
    ready(opened.at("?v=1"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(reader: Opened) -> Page:
    return reader.page


@pytest.fixture
def elsewhere(open_page: Callable[..., Page], app_url: str, settle: Callable[[Page], None]) -> Callable[..., Page]:
    """Opens a link at rest in the browser of somebody else."""

    def opened(**query: str) -> Page:
        found = open_page(f"{app_url}/?{urlencode({'v': '1'} | query)}", size=SIZE)
        found.wait_for_selector(DRAWN, timeout=SECONDS)
        settle(found)
        ready(found)
        return found

    return opened


def ready(page: Page) -> None:
    page.wait_for_selector(".hl-foot", timeout=SECONDS)
    page.evaluate(HANDS)


def act(page: Page, script: str) -> dict[str, Any]:
    """Do it, and look in the very same turn of the browser: nothing can have come from the server."""
    found: dict[str, Any] = json.loads(page.evaluate(f"() => act(() => {{ {script} }})"))
    assert found["frames"] == 0
    return found


def look(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate(SHOWN))
    return found


def address(page: Page) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


def followed(page: Page, **wanted: str) -> None:
    """The address says so, sooner or later; what is the default it leaves out."""
    there = lambda url: {  # noqa: E731
        name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()
    }
    page.wait_for_url(lambda url: {name: there(url).get(name, "") for name in wanted} == wanted, timeout=10_000)


def panel(found: dict[str, Any], index: int) -> np.ndarray:
    """The numbers of a panel; what is not finite is NaN."""
    return np.array(found["cells"][index], dtype=np.float64)


def same(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.shape == wanted.shape
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    size = max(1.0, float(np.nanmax(np.abs(wanted))))
    assert np.nanmax(np.abs(found - wanted)) <= CLOSE * size


class Reference:
    """A head by numpy alone, from the q, k and v that Python traced."""

    def __init__(self, trace: Trace, layer: int, head: int, kind: Any = None) -> None:
        view = trace.head(layer, head, kind)
        record = view.record
        wide = lambda tensor: tensor.double().numpy()  # noqa: E731
        shared = record.kv_head(head)
        self.q, self.k, self.v = wide(record.query[head]), wide(record.key[shared]), wide(record.value[shared])
        self.scale = record.scale
        allowed = record.allowed(head)
        self.open = np.ones((len(self.q), len(self.k)), bool) if allowed is None else allowed.numpy()

    def stage(self, name: str, temperature: float = 1) -> np.ndarray:
        scores = self.q @ self.k.T
        if name == "scores":
            return scores
        scaled = scores * self.scale
        return scaled if name == "scaled" else np.where(self.open, scaled / temperature, np.nan)

    def weights(self, temperature: float = 1, hidden: tuple[int, ...] = (), shared: bool = False) -> np.ndarray:
        """NaN where the mask forbids."""
        may = self.open.copy()
        if shared:
            may[:, list(hidden)] = False
        scores = np.where(may, self.stage("scaled") / temperature, -np.inf)
        top = scores.max(axis=1, keepdims=True)
        exps = np.exp(scores - np.where(np.isfinite(top), top, 0))
        total = exps.sum(axis=1, keepdims=True)
        made = exps / np.where(total > 0, total, 1)
        made[:, list(hidden)] = 0
        return np.where(self.open, made, np.nan)

    def output(self, **how: Any) -> np.ndarray:
        return np.nan_to_num(self.weights(**how)) @ self.v


def all_three(found: dict[str, Any], head: Reference, stage: str = "masked", **how: Any) -> None:
    same(panel(found, 0), head.stage(stage, how.get("temperature", 1)))
    same(panel(found, 1), head.weights(**how))
    same(panel(found, 2), head.output(**how))


def said_weights(found: dict[str, Any]) -> list[str]:
    return [label.rpartition(", ")[2] for label in found["labels"]]


def in_words(row: np.ndarray, hidden: tuple[int, ...] = ()) -> list[str]:
    """A row of weights as the sentence says them; NaN is masked."""
    return [
        "left out" if key in hidden else "masked" if np.isnan(weight)
        else "weight <0.0001" if 0 < weight < 0.00005 else f"weight {weight:.4f}"
        for key, weight in enumerate(row)
    ]  # fmt: skip


def alike(said: list[str], row: np.ndarray, hidden: tuple[int, ...] = ()) -> None:
    """The same words; a number may differ in its last digit, where float32 rounds the other way."""
    for ours, theirs in zip(said, in_words(row, hidden), strict=True):
        # Why a token is masked is said behind it.
        if ours == theirs or (theirs == "masked" and ours == "masked: the query comes before this key"):
            continue
        numbers = [re.fullmatch(r"weight <?(\d\.\d{4})", words) for words in (ours, theirs)]
        assert all(numbers), (ours, theirs)
        one, other = (float(number.group(1)) for number in numbers if number)
        assert abs(one - other) < 1.01e-4


@pytest.mark.parametrize(("script", "layer", "head"), [
    ("key('ArrowRight')", 0, 1), ("key('ArrowDown')", 1, 1), ("key('ArrowDown'); key('ArrowRight')", 2, 2),
    ("key('ArrowUp'); key('ArrowUp'); key('ArrowLeft'); key('ArrowLeft')", 0, 0),
])  # fmt: skip
def test_a_head_is_there_at_once(page: Page, story: Trace, script: str, layer: int, head: int) -> None:
    found = act(page, script)
    all_three(found, Reference(story, layer, head))
    assert found["heading"] == f"Layer {layer}, head {head}"
    followed(page, layer=str(layer or ""), head=str(head or ""))
    all_three(look(page), Reference(story, layer, head))


@pytest.mark.parametrize(("label", "stage"), [("Q·K", "scores"), ("× scale", "scaled"), ("masked", "masked")])
def test_a_stage_is_there_at_once(page: Page, story: Trace, label: str, stage: str) -> None:
    all_three(act(page, f"click(button('.hl-switches button', '{label}'))"), Reference(story, 0, 0), stage)
    followed(page, stage="" if stage == "masked" else stage)


@pytest.mark.parametrize("power", [-3, 1, 2.25, 4])
def test_a_temperature_is_there_at_once(page: Page, story: Trace, power: float) -> None:
    temperature = float(f"{2**power:.4g}")
    found = act(page, f"slide({power})")
    all_three(found, Reference(story, 0, 0), temperature=temperature)
    followed(page, temperature=f"{temperature:g}")
    act(page, "click(button('.controls button', 'reset'))")
    followed(page, temperature="")


def test_hidden_tokens_are_gone_at_once_with_the_rest_left_or_sharing(page: Page, story: Trace) -> None:
    hidden = tuple(i for i, token in enumerate(story.tokens) if token.special)
    assert hidden == (0,)
    head = Reference(story, 2, 4)
    act(page, "key('ArrowDown'); key('ArrowDown'); for (let i = 0; i < 4; i++) key('ArrowRight')")
    found = act(page, "click(button('.controls button', 'special tokens'))")
    all_three(found, head, hidden=hidden)
    alike(said_weights(found), head.weights(hidden=hidden)[8], hidden)
    found = act(page, "click(button('.controls button', 'rest shares the row'))")
    all_three(found, head, hidden=hidden, shared=True)
    sums = np.nansum(panel(found, 1), axis=1)
    assert sums[1:] == pytest.approx(1, abs=1e-5)
    assert sums[0] == 0, "the first token sees nothing but itself, and that is hidden"
    hot = act(page, "slide(2)")
    all_three(hot, head, hidden=hidden, shared=True, temperature=4.0)
    followed(page, layer="2", head="4", hide="special", rest="shared", temperature="4")
    found = act(page, "click(button('.controls button', 'reset'))")
    all_three(found, head)
    followed(page, hide="", rest="", temperature="")


def test_pins_are_there_at_once_alone_and_as_mean_and_sum(page: Page, story: Trace) -> None:
    head = Reference(story, 2, 4)
    weights = np.nan_to_num(head.weights())
    masked = lambda rows: np.where(head.open[rows].any(axis=0), 1, np.nan)  # noqa: E731
    found = act(page, "token(5)")
    alike(said_weights(found), head.weights()[5])
    assert found["title"].startswith("The arithmetic of")
    rows = [5, 9]
    found = act(page, "token(9, { ctrlKey: true })")
    alike(said_weights(found), weights[rows].mean(axis=0) * masked(rows))
    assert found["title"] == "The weights of 2 tokens, and their mean"
    rows = [5, 9, 2]
    found = act(page, "token(2, { shiftKey: true })")
    alike(said_weights(found), weights[rows].mean(axis=0) * masked(rows))
    found = act(page, "click(button('.controls button', 'sum'))")
    alike(said_weights(found), weights[rows].sum(axis=0) * masked(rows))
    assert found["title"] == "The weights of 3 tokens, and their sum"
    followed(page, query="5", also="9,2", together="sum")
    rows = [9, 2]
    found = act(page, "token(5, { metaKey: true })")
    alike(said_weights(found), weights[rows].sum(axis=0) * masked(rows))
    followed(page, query="9", also="2", together="sum")
    alike(said_weights(act(page, "token(8)")), head.weights()[8])
    act(page, "click(button('.controls button', 'mean'))")
    followed(page, query="8", also="", together="")


def test_a_part_is_there_at_once(page: Page, story: Trace) -> None:
    head = Reference(story, 2, 4)
    [box] = page.evaluate("() => [deep('.hl-cover')[1].getBoundingClientRect()]")
    at = lambda row, column: (  # noqa: E731
        box["x"] + (column + 0.5) / 12 * box["width"], box["y"] + (row + 0.5) / 12 * box["height"]
    )
    page.evaluate("() => { frames_sent = 0; }")
    page.mouse.move(*at(3, 1))
    page.mouse.down()
    page.mouse.move(*at(8, 6), steps=3)
    page.mouse.up()
    found = look(page)
    same(panel(found, 0), head.stage("masked")[3:9, 1:7])
    same(panel(found, 1), head.weights()[3:9, 1:7])
    same(panel(found, 2), head.output()[3:9])
    followed(page, zoom="3-8,1-6")
    found = act(page, "deep('.hl-cover')[1].dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))")
    all_three(found, head)
    followed(page, zoom="")


def test_undo_brings_the_head_before_back(page: Page, story: Trace, settle: Callable[[Page], None]) -> None:
    settle(page)  # Steps that follow each other faster than the server hears of them are taken back as one.
    act(page, "key('ArrowRight')")
    followed(page, layer="2", head="5")
    settle(page)
    assert page.evaluate("() => frames_sent") > 0, "what the server hears is counted"
    page.get_by_role("button", name="Undo").click()
    followed(page, layer="2", head="4")
    settle(page)
    found = look(page)
    all_three(found, Reference(story, 2, 4))
    assert found["heading"] == "Layer 2, head 4"


LINK = {
    "layer": "3", "head": "1", "query": "5", "also": "9,2", "together": "sum", "stage": "scaled", "temperature": "0.5",
    "hide": "special,first", "rest": "shared", "zoom": "2-10,0-7",
}  # fmt: skip


def test_a_link_opens_the_same_picture_elsewhere(
    page: Page, elsewhere: Callable[..., Page], story: Trace
) -> None:
    act(page, "headlightStores.get('inspect').local.clear()")
    act(page, "key('ArrowDown'); for (let i = 0; i < 3; i++) key('ArrowLeft')")
    act(page, "token(5); token(9, { ctrlKey: true }); token(2, { ctrlKey: true })")
    act(page, "click(button('.controls button', 'sum'))")
    act(page, "click(button('.hl-switches button', '× scale')); slide(-1)")
    act(page, "click(button('.controls button', 'special tokens')); click(button('.controls button', 'first token'))")
    found = act(page, "click(button('.controls button', 'rest shares the row'))")
    head = Reference(story, 3, 1)
    all_three(found, head, "scaled", hidden=(0,), shared=True, temperature=0.5)
    followed(page, **{name: value for name, value in LINK.items() if name != "zoom"})
    other = elsewhere(**{name: value for name, value in address(page).items() if name != "v"})
    assert look(other) == look(page)


def test_a_link_with_everything_in_it_is_the_reference(elsewhere: Callable[..., Page], story: Trace) -> None:
    head = Reference(story, 3, 1)
    found = look(elsewhere(**LINK))
    same(panel(found, 0), head.stage("scaled")[2:11, 0:8])
    same(panel(found, 1), head.weights(temperature=0.5, hidden=(0,), shared=True)[2:11, 0:8])
    same(panel(found, 2), head.output(temperature=0.5, hidden=(0,), shared=True)[2:11])
    weights = np.nan_to_num(head.weights(temperature=0.5, hidden=(0,), shared=True))[[5, 9, 2]].sum(axis=0)
    alike(said_weights(found), np.where(head.open[[5, 9, 2]].any(axis=0), weights, np.nan), hidden=(0,))


def test_pins_outlive_head_layer_and_model(reader: Opened, settle: Callable[[Page], None]) -> None:
    page = reader.at("?v=1&query=2")
    pinned = "() => deep('.sentence .token.pinned').map((one) => one.textContent.replace('·', ''))"
    assert page.evaluate(pinned) == ["cat"]
    act(page, "key('ArrowRight'); key('ArrowDown')")
    followed(page, layer="1", head="1", query="2")
    assert page.evaluate(pinned) == ["cat"]
    settle(page)
    picker = page.get_by_role("combobox", name="Model")
    picker.click()
    picker.fill("local")
    picker.press("Enter")
    followed(page, model="local", query="1", layer="", head="")
    settle(page)
    assert page.evaluate(pinned) == ["cat"]
