"""Pictures and tables made in the browser: of the asked size, with the trace's own numbers, and safe to open."""

import csv
import io
import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import attention
from attention import Trace
from attention.browser import overview, parts, rotary
from attention.figures.palette import DARK, LIGHT
from attention.ui import rotary_pairs
from attention.view import View
from tests.chromium import harness, lab
from tests.oracles.products import in_pairs, products

SVG = "{http://www.w3.org/2000/svg}"
TOKENS = ["<b>x</b>", "$x$", "שלום", "=1+1", "naïve", "Łódź", "&amp;", "the"]
N, HEADS, WIDTH = len(TOKENS), 2, 6
CASES = Path(__file__).resolve().parents[1] / "data" / "csv_cases.json"
INCH_MM, POINTS = 25.4, 72
# Colours of a picture may be rounded twice, by the browser and here.
CLOSE = 2
BOXES = """async (text) => {
    const host = Object.assign(document.createElement("div"), { innerHTML: text });
    host.style.position = "absolute";
    document.body.append(host);
    await document.fonts.ready;
    const whole = host.firstElementChild.getBoundingClientRect();
    const [, , wide] = host.firstElementChild.getAttribute("viewBox").split(" ").map(Number);
    const boxes = [...host.querySelectorAll("text")].filter((one) => one.textContent).map((one) => {
        const box = one.getBoundingClientRect();
        const parts = [one, ...one.querySelectorAll("tspan")];
        const letters = Math.min(...parts.map((part) => parseFloat(getComputedStyle(part).fontSize)));
        return { text: one.textContent, letters, left: box.left - whole.left, top: box.top - whole.top,
            right: whole.right - box.right, bottom: whole.bottom - box.bottom };
    });
    host.remove();
    return { boxes, wide };
}"""

# Sets all choices {label: value} but one of those that change, and gives the label of that one.
ALL_BUT_ONE = """(wanted) => {
    const root = document.querySelector("#hl-pictures").shadowRoot;
    const controls = new Map([...root.querySelectorAll("select, input[type=checkbox]")].map(
        (control) => [control.ariaLabel ?? control.parentElement.textContent, control]));
    const field = (control) => (control.type === "checkbox" ? "checked" : "value");
    const [left, ...others] = Object.keys(wanted).filter(
        (label) => controls.get(label)[field(controls.get(label))] !== wanted[label]);
    for (const label of others) controls.get(label)[field(controls.get(label))] = wanted[label];
    return left ?? null;
}"""
# Chromium lets a page save ten files in a second, and drops the next one without a word.
BURST, BURST_S = 10, 1.1
# Counts what plotly draws from now on.
COUNTED = """async () => {
    const { toImage } = Plotly;
    globalThis.drawings = 0;
    Plotly.toImage = (...given) => {
        drawings += 1;
        return toImage(...given);
    };
    globalThis.uncounted = () => Object.assign(Plotly, { toImage });
}"""
USUAL = View(head=0, query=2)


def qkv(n: int = N, *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random queries, keys and values; the keys so large that some weights are."""
    draw = torch.Generator().manual_seed(seed)
    named = {"query": 4, "key": 4, "value": WIDTH}
    return {name: 1.5 * torch.randn(HEADS, n, width, generator=draw) for name, width in named.items()}


def weights_of(tensors: dict[str, torch.Tensor], head: int) -> np.ndarray:
    """softmax(q·kᵀ / √d) with a causal mask, by numpy in float64."""
    query, key = (tensors[name][head].double().numpy() for name in ("query", "key"))
    scores = query @ key.T / np.sqrt(query.shape[1])
    scores[np.triu_indices(len(scores), 1)] = -np.inf
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def colour(scale: Any, share: float) -> np.ndarray:
    """Red, green and blue at that share of a colour scale."""
    stops = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for _, code in scale], dtype=float)
    places = [place for place, _ in scale]
    return np.array([np.interp(share, places, stops[:, channel]) for channel in range(3)])


@dataclass
class Component:
    """The page with the component, and what comes out of it."""

    page: Page
    shown: View | None = None
    saved: deque[float] = field(default_factory=lambda: deque(maxlen=BURST))  # when the last files were

    def choose(
        self, *, what: str = "beside", size: str = "column", colours: str = "light", sentence: bool = False,
        without: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Each choice draws the picture anew: all but one are set beforehand, and that one is made as people do it."""
        wanted = {"What": what, "Size": size, "Colours": colours, "the pinned row as a sentence": sentence}
        wanted |= {label: label not in without for label in ("title", "colours and captions", "pinned row")}
        label = self.page.evaluate(ALL_BUT_ONE, wanted)
        if isinstance(value := wanted.get(label), str):
            self.page.get_by_label(label, exact=True).select_option(value)
        elif value is not None:
            self.page.get_by_role("checkbox", name=label, exact=True).set_checked(value)

    def download(self, button: str) -> tuple[str, bytes]:
        """The file's name and bytes."""
        if len(self.saved) == BURST:
            self.page.wait_for_timeout(1000 * max(0.0, self.saved[0] + BURST_S - monotonic()))
        with self.page.expect_download() as coming:
            self.page.get_by_role("button", name=button, exact=True).click()
        self.saved.append(monotonic())
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()

    def drawn(self, *, called: str, **choices: Any) -> ET.Element:
        """The picture of head 1 with these choices, in a file of that name, with everything in its place."""
        self.choose(**choices)
        name, data = self.download("Download SVG")
        assert name == f"headlight-own-tensors-layer-0-head-1-{called}.svg"
        in_its_place(self.page, data)
        return ET.fromstring(data)

    def picture(self, button: str = "Download PNG") -> Image.Image:
        return Image.open(io.BytesIO(self.download(button)[1]))

    def svg(self) -> ET.Element:
        return ET.fromstring(self.download("Download SVG")[1])

    def table(self, button: str) -> list[list[str]]:
        data = self.download(button)[1]
        assert data.startswith(b"\xef\xbb\xbf"), "spreadsheets know UTF-8 by its mark"
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))

    def show(self, trace: Trace, view: View, *, dark: bool = False) -> None:
        self.shown = view
        head_view = trace.head(view.layer, view.head)
        harness.renew(self.page, dark=dark)
        harness.arrive(self.page, head_view, view)
        harness.add(self.page, "pictures", parts.panels(head_view, view))


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    return qkv()


@pytest.fixture(scope="module")
def trace(tensors: dict[str, torch.Tensor]) -> Trace:
    return Trace.from_tensors(**tensors, causal=True, tokens=TOKENS, name="own/tensors")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors


@pytest.fixture(scope="module")
def own(page: Page) -> Component:
    """The component, in which a test shows what it likes."""
    return Component(page)


@pytest.fixture
def component(own: Component, trace: Trace) -> Component:
    """The component with the first head of a few odd tokens, its third row pinned."""
    if own.shown is not USUAL:
        own.show(trace, USUAL)
    return own


def cell(svg: ET.Element, panel: str, row: int, column: int, n: int = N) -> tuple[float, float]:
    """The middle of a cell in the picture, in units of its view box."""
    group = parent_of(svg, f"cells {panel}")
    left, top = map(float, re.findall(r"[-\d.]+", group.get("transform") or ""))
    clip = next(one for one in svg.iter(f"{SVG}clipPath") if one.get("id") in (group.get("clip-path") or ""))
    box = next(iter(clip.iter(f"{SVG}rect")))
    width, height = float(box.get("width") or 0), float(box.get("height") or 0)
    return left + (column + 0.5) * width / n, top + (row + 0.5) * height / n


def parent_of(svg: ET.Element, name: str) -> ET.Element:
    """The plot's own group around the cells of that class."""
    for group in svg.iter(f"{SVG}g"):
        if group.get("transform") and any(one.get("class") == name for one in group.iter(f"{SVG}g")):
            return group
    raise AssertionError(f"no {name}")


def at(picture: Image.Image, svg: ET.Element, place: tuple[float, float], reach: int = 0) -> np.ndarray:
    """The points of a PNG around a place of its SVG, (2·reach + 1, 2·reach + 1, 3)."""
    units = float((svg.get("viewBox") or "").split()[2])
    x, y = (round(part * picture.width / units) for part in place)
    around = picture.crop((x - reach, y - reach, x + reach + 1, y + reach + 1))
    return np.asarray(around.convert("RGB"), dtype=float)


@pytest.mark.parametrize(
    ("what", "size", "width", "height", "dpi"),
    [
        ("beside", "column", 1051, None, 300), ("weights", "column", 1051, None, 300),
        ("beside", "double", 2161, None, 300), ("beside", "slide", 1920, 1080, None),
    ],
)  # fmt: skip
def test_a_png_has_the_size_that_was_asked_for(component, size, width, height, dpi, what):
    component.choose(what=what, size=size)
    picture = component.picture()
    assert picture.format == "PNG"
    assert picture.width == width
    assert picture.height == height or (height is None and 400 < picture.height < 2 * width)
    assert round(picture.info.get("dpi", (0,))[0]) == (dpi or 0)
    points = np.asarray(picture.convert("RGB"))
    assert len(np.unique(points[::5, ::5].reshape(-1, 3), axis=0)) > 50, "not blank"
    assert tuple(points[0, 0]) == (255, 255, 255), "light on white"


def test_cells_have_the_colours_of_their_numbers(component, tensors):
    component.choose(size="double")
    picture, svg = component.picture(), component.svg()
    weights = weights_of(tensors, 0)
    assert weights[np.tril_indices(N)].max() > 0.8
    for row in range(N):
        for column in range(row + 1):
            [[shown]] = at(picture, svg, cell(svg, "weights", row, column))
            assert np.abs(shown - colour(LIGHT.weights, weights[row, column])).max() <= CLOSE, (row, column)


def test_scores_are_coloured_around_zero(component, trace):
    component.choose(size="double")
    picture, svg = component.picture(), component.svg()
    scores = trace.head(0, 0).stage("masked")
    limit = np.abs(scores[np.isfinite(scores)]).max()
    for row, column in ((0, 0), (4, 1), (7, 6)):
        [[shown]] = at(picture, svg, cell(svg, "scores", row, column))
        assert np.abs(shown - colour(LIGHT.scores, (scores[row, column] + limit) / (2 * limit))).max() <= CLOSE
    words = texts(svg)
    assert f"{limit:.3g}" in words
    assert f"−{limit:.3g}" in words


def test_masked_cells_are_hatched_and_not_coloured(component):
    component.choose(size="double")
    picture, svg = component.picture(), component.svg()
    for row, column in ((0, 1), (3, 5), (6, 7)):
        for panel in ("scores", "weights"):
            around = at(picture, svg, cell(svg, panel, row, column), reach=14).reshape(-1, 3)
            white = (around == 255).all(axis=1).mean()
            assert 0.5 < white < 0.98, "mostly paper, and a stroke"
            # Paper and ink are both grey to a few steps; a cell's colour is not.
            assert (around.max(axis=1) - around.min(axis=1)).max() < 20
    open_ = at(picture, svg, cell(svg, "weights", 6, 6), reach=14).reshape(-1, 3)
    assert len(np.unique(open_, axis=0)) == 1, "a cell that is open has no stroke"


def texts(svg: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize("sentence", [False, True])
def test_an_svg_holds_its_tokens_as_text_and_nothing_that_runs(component, sentence):
    component.choose(what="weights", size="double", sentence=sentence)
    name, data = component.download("Download SVG")
    svg = ET.fromstring(data)
    assert name == "headlight-own-tensors-layer-0-head-0-weights.svg"
    assert svg.get("width") == "183mm"
    written = texts(svg)
    for token in TOKENS:
        assert written.count(token) == (3 if sentence else 2), token
    framed = svg.findall(f".//{SVG}g[@class='sentence']/{SVG}rect[@stroke-width]")
    assert len(framed) == sentence, "the pinned token alone"
    tags = {one.tag.removeprefix(SVG) for one in svg.iter()}
    assert not tags & {"script", "foreignObject", "a", "b", "animate", "set", "iframe"}
    for one in svg.iter():
        for attribute, value in one.attrib.items():
            assert not attribute.lower().startswith("on")
            if attribute.endswith("href"):
                assert value.startswith(("#", "data:image/png;base64,"))
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", data.decode())
    title = svg.find(f"{SVG}title")
    described = svg.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "own/tensors · layer 0, head 0"
    assert described is not None
    assert "“שלום” has the largest weight for" in (described.text or "")


@pytest.mark.parametrize("what", ["beside", "under", "values"])
@pytest.mark.parametrize("size", ["column", "double", "slide"])
def test_letters_are_large_enough_and_nothing_is_cut(component, size, what):
    component.choose(what=what, size=size, sentence=size == "slide")
    data = component.download("Download SVG")[1].decode()
    found = component.page.evaluate(BOXES, data)
    width = {"column": 89, "double": 183}.get(size)
    for box in found["boxes"]:
        assert min(box[side] for side in ("left", "top", "right", "bottom")) >= 0, box
        letters = box["letters"] / found["wide"]
        assert letters * (width / INCH_MM * POINTS if width else 1920) >= (7 if width else 24) - 1e-6, box


def test_twelve_tokens_are_all_named_above_each_map_of_a_column(own, page):
    """Upright, and smaller where they have to be: 5 pt at least, and no line into the next."""
    names = ["The", "cat", "sat", "on", "a", "mat", "because", "it", "was", "so", "very", "tired"]
    own.show(Trace.from_tensors(**qkv(len(names)), causal=True, tokens=names), View(head=0, query=2))
    own.choose(what="beside", size="column")
    data = own.download("Download SVG")[1].decode()
    written = texts(ET.fromstring(data))
    assert [written.count(name) for name in names] == [3] * len(names), "once as a query, twice as a key"
    found = page.evaluate(BOXES, data)
    unit = found["wide"] / (89 / INCH_MM * 96)
    for box in found["boxes"]:
        assert min(box[side] for side in ("left", "top", "right", "bottom")) >= 0, box
        assert box["letters"] / found["wide"] * 89 / INCH_MM * POINTS >= 5 - 1e-6, box
    small = [box for box in found["boxes"] if box["letters"] < 14]
    assert len(small) == 2 * len(names)
    for map_ in (small[: len(names)], small[len(names) :]):
        assert [box["text"] for box in map_] == names
        assert all((b["left"] - a["left"]) * unit >= b["letters"] for a, b in itertools.pairwise(map_))


def test_links_have_the_opacity_of_their_weights(component, tensors):
    """Each line leads from its query to its key; the pinned row's are thicker, and all tokens are text."""
    component.choose(what="links", size="column")
    name, data = component.download("Download SVG")
    svg = ET.fromstring(data)
    assert name == "headlight-own-tensors-layer-0-head-0-links.svg"
    assert svg.get("width") == "89mm"
    rows, keys = (
        sorted({float(one.get("y", 0)) - 5 for one in svg.iter(f"{SVG}text") if one.get("text-anchor") == side})
        for side in ("end", "start")
    )
    assert len(rows) == len(keys) == N
    found = np.zeros((N, N))
    for line in svg.findall(f".//{SVG}g[@class='links']/{SVG}line"):
        query, key = rows.index(float(line.get("y1", 0))), keys.index(float(line.get("y2", 0)))
        assert found[query, key] == 0
        found[query, key] = float(line.get("stroke-opacity", 0))
        assert float(line.get("stroke-width", 0)) == (3 if query == 2 else 1.5)
    expected = weights_of(tensors, 0)
    visible = expected >= 1 / 510
    assert np.abs(found - np.where(visible, expected, 0)).max() < 1e-4
    written = texts(svg)
    assert [written.count(token) for token in TOKENS] == [2] * N
    assert f"of {N * (N + 1) // 2} links" in " ".join(written)
    boxes = component.page.evaluate(BOXES, data.decode())["boxes"]
    assert min(box[side] for box in boxes for side in ("left", "top", "right", "bottom")) >= 0
    assert min(box["letters"] for box in boxes) >= 14
    assert component.picture().size[0] == 1051


@pytest.mark.parametrize("measure", ["weights", "uniform"])
def test_the_map_of_all_heads_has_each_heads_picture_or_number(own, page, trace, tensors, measure):
    view = View(head=0, query=2, measure=measure)
    own.show(trace, view)
    harness.add(page, "heads", overview.payload(trace, "decoder", view))
    own.choose(what="heads", size="column", without=("pinned row",))
    name, data = own.download("Download SVG")
    svg, picture = ET.fromstring(data), own.picture()
    assert name == "headlight-own-tensors-all-heads.svg"
    boxes = page.evaluate(BOXES, data.decode())["boxes"]
    assert min(box[side] for box in boxes for side in ("left", "top", "right", "bottom")) >= 0
    assert min(box["letters"] for box in boxes) >= 14
    scores = overview.scores_of(trace, "decoder")["uniform"].score
    for head, square in enumerate(svg.findall(f".//{SVG}g[@class='heads']/{SVG}rect")):
        x, y, side = (float(square.get(part, 0)) for part in ("x", "y", "width"))
        if measure == "uniform":
            value, place = scores[0, head], (x + side / 2, y + side / 8)
            assert f"{value:.2f}" in texts(svg)
        else:
            value, place = weights_of(tensors, head)[4, 0], (x + 0.5 * side / N, y + 4.5 * side / N)
        [[shown]] = at(picture, svg, place)
        # A picture's numbers travel as bytes.
        assert np.abs(shown - colour(LIGHT.weights, value)).max() <= CLOSE + 1, head
    assert len(svg.findall(f".//{SVG}g[@class='heads']/{SVG}rect")) == HEADS


def test_the_preview_and_its_files_are_one_drawing_until_something_changes(own, page, trace, tensors):
    def drawn(head: int, row: int, times: int, *, titled: bool) -> None:
        """Both files show that head's weights and that pinned row, and plotly has drawn so often."""
        picture, svg = own.picture(), own.svg()
        weights = weights_of(tensors, head)
        [[shown]] = at(picture, svg, cell(svg, "weights", 5, 0))
        assert np.abs(shown - colour(LIGHT.weights, weights[5, 0])).max() <= CLOSE
        described = f"“{TOKENS[row]}” has the largest weight for “{TOKENS[weights[row].argmax()]}”"
        assert described in (svg.findtext(f"{SVG}desc") or "")
        assert (f"own/tensors · layer 0, head {head}" in texts(svg)) == titled
        assert page.evaluate("() => drawings") == times

    own.show(trace, View(head=0, query=2))
    own.choose(what="scores", size="double")
    own.svg()
    page.evaluate(COUNTED)
    own.choose(what="weights", size="double")
    drawn(0, 2, 1, titled=True)
    own.choose(what="weights", size="double", without=("title",))
    drawn(0, 2, 2, titled=False)
    harness.arrive(page, trace.head(0, 1), View(head=1, query=6), run=False)
    drawn(1, 6, 3, titled=False)
    page.evaluate("() => uncounted()")


def test_links_of_too_many_tokens_are_refused_in_words(own, page):
    own.show(Trace.from_tensors(**qkv(90), causal=True, tokens=[f"t{i}" for i in range(90)]), View(head=0, query=2))
    own.choose(what="links", size="column")
    expect(page.get_by_role("status")).to_contain_text("90 tokens one under another have no room")
    expect(page.locator(".frame img")).to_be_hidden()


BESIDE = """(text) => {
    const host = Object.assign(document.createElement("div"), { innerHTML: text });
    host.style.position = "absolute";
    document.body.append(host);
    const whole = host.firstElementChild.getBoundingClientRect();
    const drawn = [...host.querySelectorAll("rect, path, line, text")].map((one) => one.getBoundingClientRect());
    const outside = drawn.map((box) => Math.max(
        whole.left - box.left, whole.top - box.top, box.right - whole.right, box.bottom - whole.bottom));
    const cells = [...host.querySelectorAll(".arithmetic text")].map((one) => one.getBoundingClientRect());
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const over = cells.flatMap((a, i) => cells.slice(i + 1).filter((b) => meet(a, b))).length;
    host.remove();
    return { outside: Math.max(...outside), over };
}"""
LOOKS = [("column", "light", LIGHT, False), ("double", "light", LIGHT, False), ("slide", "screen", DARK, True)]


def in_its_place(page: Page, data: bytes) -> None:
    """Nothing reaches outside the picture, no cell of a table into another, and no letter is too small."""
    text = data.decode()
    found = page.evaluate(BESIDE, text)
    assert found["outside"] <= 0.1
    assert found["over"] == 0
    assert min(box["letters"] for box in page.evaluate(BOXES, text)["boxes"]) >= 14


def steps_of(tensors: dict[str, torch.Tensor], head: int, row: int) -> dict[str, np.ndarray]:
    """Each column of the arithmetic of one row, by numpy in float64; of keys that the row may see."""
    query, key, value = (tensors[name][head].double().numpy() for name in ("query", "key", "value"))
    scores = query[row] @ key[: row + 1].T
    scaled = scores / np.sqrt(query.shape[1])
    exps = np.exp(scaled - scaled.max())
    lengths = np.linalg.norm(value[: row + 1], axis=1)
    made = {"scores": scores, "scaled": scaled, "exp": exps, "weight": exps / exps.sum(), "length": lengths}
    return made | {"share": made["weight"] * lengths}


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def column(svg: ET.Element, kind: str, name: str) -> list[str]:
    """What stands in that column of the table's lines of that kind."""
    lines = svg.findall(f".//{SVG}g[@class='arithmetic']/{SVG}g[@class='{kind}']")
    return ["".join(one.itertext()) for line in lines for one in line.findall(f"{SVG}text[@class='{name}']")]


def bars_in(svg: ET.Element, group: str) -> list[ET.Element]:
    return svg.findall(f".//{SVG}g[@class='{group}']//{SVG}rect[@class='bar']")


@pytest.mark.parametrize(("size", "colours", "palette", "dark"), LOOKS)
def test_the_arithmetic_is_that_of_q_k_and_v(own, trace, tensors, size, colours, palette, dark):
    row = 6
    own.show(trace, View(head=1, query=row), dark=dark)
    svg = own.drawn(what="arithmetic", size=size, colours=colours, called="arithmetic")
    steps = steps_of(tensors, 1, row)
    order = np.argsort(-steps["weight"], kind="stable")
    listed, others = order[:5], order[5:]
    assert column(svg, "key", "key") == [TOKENS[key] for key in listed]
    assert column(svg, "others", "key") == [f"{N - 5} others"], "the masked one too"
    wide = ("exp", "share")
    for step, numbers in steps.items():
        shown = [number(text) for text in column(svg, "key", step)]
        if size == "column" and step in wide:
            assert shown == []
            continue
        half = 0.51 * 10 ** -(3 if step in ("exp", "weight") else 2)
        assert np.abs(np.array(shown) - numbers[listed]).max() <= half, step
        if step in ("exp", "weight"):
            [text] = column(svg, "others", step)
            assert abs(number(text) - numbers[others].sum()) <= half
    said = " ".join(texts(svg))
    assert ("no room here for: exp(s − max), weight·‖v‖" in said) == (size == "column")
    assert f"weight = exp(s − max) ÷ {steps['exp'].sum():.3f}" in said
    values = tensors["value"][1].double().numpy()
    output = steps["weight"] @ values[: row + 1]
    largest = [f"{steps['weight'][key]:.3f}·v({TOKENS[key]})" for key in listed[:3]]
    assert "output = " + " + ".join(largest) + " + … = (" in said
    [vector] = re.findall(r"= \((.*), …\)", said)
    assert np.allclose([number(text) for text in vector.split(", ")], output[:4], rtol=6e-3)
    bars = bars_in(svg, "arithmetic")
    lengths = np.array([float(bar.get("width", 0)) for bar in bars])
    assert np.allclose(lengths / lengths[0], (steps["weight"] / steps["weight"].max())[listed], atol=0.01)
    ground = svg.find(f"{SVG}rect")
    assert ground is not None
    assert ground.get("fill") == ("#ffffff" if palette is LIGHT else palette.paper)
    assert own.picture().size[0] == {"column": 1051, "double": 2161, "slide": 1920}[size]


def test_the_arithmetic_of_several_rows_has_their_weights_side_by_side(own, page, trace, tensors):
    pins = (5, 3, 7)
    own.show(trace, View(head=0, query=pins[0], also=pins[1:]))
    own.choose(what="arithmetic", size="double")
    data = own.download("Download SVG")[1]
    in_its_place(page, data)
    svg = ET.fromstring(data)
    weights = weights_of(tensors, 0)[list(pins)]
    listed = np.argsort(-weights.mean(axis=0), kind="stable")[:5]
    assert [TOKENS[key] for key in listed] == column(svg, "key", "key")
    for pin, row in zip(pins, weights, strict=True):
        for key, text in zip(listed, column(svg, "key", f"row-{pin}"), strict=True):
            assert text == "masked" if key > pin else abs(number(text) - row[key]) <= 0.00051
    means = [number(text) for text in column(svg, "key", "weight")]
    assert np.abs(means - weights.mean(axis=0)[listed]).max() <= 0.00051
    assert "The weights of 3 tokens, and their mean" in texts(svg)
    assert not any(text.startswith("output") for text in texts(svg))


def test_columns_that_have_no_room_are_named_and_none_is_cut(own, page):
    names = [f"{'long' * 3}{i}" for i in range(12)]
    own.show(Trace.from_tensors(**qkv(12), causal=True, tokens=names), View(head=0, query=11, also=tuple(range(10))))
    own.choose(what="arithmetic", size="column", without=("title", "colours and captions"))
    data = own.download("Download SVG")[1]
    in_its_place(page, data)
    svg = ET.fromstring(data)
    shown = [name for pin, name in enumerate(names) if column(svg, "key", f"row-{pin}")]
    [gone] = re.findall(r"no room here for: (.*)", " ".join(texts(svg)))
    assert sorted([*shown, *gone.split(", ")]) == sorted([*names[:10], names[11]])
    assert shown
    assert len(column(svg, "key", "weight")) == 5


def test_a_sink_has_its_line_and_all_adds_up_to_one(own, page, tensors):
    row, sink = 4, torch.tensor([0.7, -0.3])
    own.show(Trace.from_tensors(**tensors, causal=True, tokens=TOKENS, sink=sink), View(head=0, query=row))
    own.choose(what="arithmetic", size="double")
    data = own.download("Download SVG")[1]
    in_its_place(page, data)
    svg = ET.fromstring(data)
    scaled = np.append(steps_of(tensors, 0, row)["scaled"], 0.7)
    exps = np.exp(scaled - scaled.max())
    assert column(svg, "sink", "scaled") == ["0.70"]
    assert column(svg, "sink", "exp") == [f"{exps[-1]:.3f}"]
    assert column(svg, "sink", "weight") == [f"{exps[-1] / exps.sum():.3f}"]
    assert column(svg, "total", "exp") == [f"{exps.sum():.3f}"]
    assert column(svg, "total", "weight") == ["1.000"]
    assert "and the sink" in " ".join(texts(svg))


@pytest.mark.parametrize(("size", "colours", "palette", "dark"), LOOKS)
def test_bars_by_dimension_are_as_long_as_q_k_and_their_products(own, trace, tensors, size, colours, palette, dark):
    row, key = 6, 3
    own.show(trace, View(head=1, query=row, key=key), dark=dark)
    svg = own.drawn(what="dimensions", size=size, colours=colours, called="q-k-by-dimension")
    q, k = (tensors[side][1].double().numpy()[at] for side, at in (("query", row), ("key", key)))
    for group, numbers, together in (("q", q, [*q, *k]), ("k", k, [*q, *k]), ("product", q * k, q * k)):
        bars = bars_in(svg, f"bars {group}")
        heights = np.array([float(bar.get("height", 0)) for bar in bars])
        assert np.allclose(heights / heights.max(), np.abs(numbers) / np.abs(numbers).max(), atol=2e-3)
        ends = [max(together), min(together)]
        assert texts(parent(svg, f"bars {group}"))[:2] == [f"{end:.3g}".replace("-", "−") for end in ends]
        zero = next(bar for bar, one in zip(bars, numbers, strict=True) if one < 0).get("y")
        up = [float(bar.get("y", 0)) < float(zero or 0) for bar in bars]
        assert up == [one > 0 for one in numbers]
        if group in ("q", "k"):
            assert {bar.get("fill") for bar in bars} == {palette.query if group == "q" else palette.key}
    line = parent(svg, "bars sum").find(f"{SVG}path")
    assert line is not None
    corners = [float(y) for _, y in re.findall(r"([-\d.]+) ([-\d.]+)", line.get("d") or "")]
    far = corners[0] - np.array(corners[2::2])
    sums = np.cumsum(q * k)
    assert np.allclose(far / np.abs(far).max(), sums / np.abs(sums).max(), atol=2e-3)
    score = float(q @ k)
    assert f"Σ q·k = {score:.2f}".replace("-", "−") in texts(svg)
    assert f"→ weight {weights_of(tensors, 1)[row, key]:.4f}" in texts(svg)
    assert texts(parent(svg, "dims")) == ["0", "1", "2", "3"]


def parent(svg: ET.Element, name: str) -> ET.Element:
    """The group of that class."""
    found = svg.find(f".//{SVG}g[@class='{name}']")
    assert found is not None
    return found


def test_bars_are_of_rotary_pairs_where_a_person_chose_those(own, page):
    text = "The cat sat on the mat because it was tired."
    view = View(model="storyteller", text=text, layer=2, head=5, query=8, key=2)
    run = attention.trace("storyteller", text)
    job = rotary_pairs.begin(view, run)
    assert job.done.wait(60)
    found = rotary_pairs.found_by(job)
    head = run.head(2, 5)
    own.show(run, view)
    own.choose(what="dimensions", size="column")
    assert len(bars_in(own.svg(), "bars q")) == head.query.shape[1]
    harness.add(page, "dimensions", rotary.payload(head, found))
    page.get_by_role("button", name="rotary pairs", exact=True).click()
    data = own.download("Download SVG")[1]
    in_its_place(page, data)
    svg = ET.fromstring(data)
    pairs = in_pairs(products(head.record, 5, 8, 2), found["decoder", 2].layout)
    lengths = np.linalg.norm(head.query[8][pairs.dimensions], axis=1)
    heights = np.array([float(bar.get("height", 0)) for bar in bars_in(svg, "bars q")])
    assert np.allclose(heights / heights.max(), lengths / lengths.max(), atol=2e-3)
    heights = np.array([float(bar.get("height", 0)) for bar in bars_in(svg, "bars product")])
    assert np.allclose(heights / heights.max(), np.abs(pairs.products) / np.abs(pairs.products).max(), atol=2e-3)
    assert len(bars_in(svg, "bars before")) == len(lengths)


def test_a_picture_that_cannot_be_made_says_what_the_page_says(own, page, words):
    tensors = qkv()
    only = Trace.from_tensors(weights=torch.softmax(tensors["query"] @ tensors["key"].mT, dim=-1), tokens=TOKENS)
    own.show(only, View(head=0, query=2))
    own.choose(what="dimensions", size="column")
    expect(page.get_by_role("status")).to_contain_text("The queries and keys of this head are not known")
    expect(page.locator(".frame img")).to_be_hidden()
    own.choose(what="arithmetic", size="column")
    assert len(column(own.svg(), "key", "weight")) == 5, "weights are known"
    away = words.page.evaluate("""async () => {
        const { arithmeticDrawing } = await import("/share/arithmetic.js");
        const shown = { look: { query: 9, also: [] }, head: { queries: 4 } };
        return arithmeticDrawing({}, shown, {}).catch((error) => error.message);
    }""")
    assert away == "This row has not travelled: click it to pin it."


def test_dark_as_on_screen(own, trace, tensors):
    own.show(trace, View(head=1, query=2), dark=True)
    own.choose(what="weights", size="double", colours="screen")
    picture, svg = own.picture(), own.svg()
    corner = np.asarray(picture.convert("RGB"), dtype=float)[0, 0]
    assert np.abs(corner - colour([(0, DARK.paper), (1, DARK.paper)], 0)).max() <= 1
    [[shown]] = at(picture, svg, cell(svg, "weights", 5, 0))
    assert np.abs(shown - colour(DARK.weights, weights_of(tensors, 1)[5, 0])).max() <= CLOSE
    own.choose(what="weights", size="double", colours="light")
    assert np.asarray(own.picture().convert("RGB"))[0, 0].tolist() == [255, 255, 255]


def test_what_was_changed_and_which_part_is_shown_is_said(own, trace, tensors):
    view = View(head=0, query=5, temperature=2.0, hide=("first",), rest="left", zoom=(3, 7, 0, 4))
    own.show(trace, view)
    own.choose(what="weights", size="double")
    svg = own.svg()
    said = " ".join(texts(svg))
    assert "temperature 2 · left out: the first token; the rest stays as it was" in said
    assert "queries 3–7 of 8, keys 0–4 of 8" in said
    assert "crossed out: left out" in said
    # Keys 0 to 4 and queries 3 to 7 are named: once as a key, once as a query, or both.
    assert [texts(svg).count(token) for token in TOKENS] == [1, 1, 1, 2, 2, 1, 1, 1]
    assert any(one.get("id") == "cross-weights" for one in svg.iter(f"{SVG}pattern"))
    tempered = dict(tensors, query=tensors["query"] / 2)
    expected = weights_of(tempered, 0)
    expected[:, 0] = 0
    names, *rows = own.table("CSV: weights")
    assert names[1:] == ["<b>x</b>", "$x$", "שלום", "'=1+1", "naïve"]
    assert [row[0] for row in rows] == ["'=1+1", "naïve", "Łódź", "&amp;", "the"]
    for query, row in zip(range(3, 8), rows, strict=True):
        numbers = [float(text) if text else np.nan for text in row[1:]]
        masked = np.arange(5) > query
        assert np.isnan(numbers).tolist() == masked.tolist()
        assert np.allclose(np.array(numbers)[~masked], expected[query, :5][~masked], atol=1e-6)


@pytest.mark.parametrize("what", ["scores", "weights", "output"])
def test_a_table_holds_the_numbers_of_the_trace(component, trace, tensors, what):
    names, *rows = component.table(f"CSV: {what}")
    head_view = trace.head(0, 0)
    known = {"scores": head_view.stage("masked"), "weights": weights_of(tensors, 0), "output": head_view.output}
    expected = known[what]
    closed = np.triu(np.ones((N, N), dtype=bool), 1) if what != "output" else np.zeros(expected.shape, dtype=bool)
    assert len(names) == expected.shape[1] + 1
    assert [row[0] for row in rows] == ["'=1+1" if token == "=1+1" else token for token in TOKENS]
    for row, numbers, shut in zip(rows, expected, closed, strict=True):
        assert [text == "" for text in row[1:]] == shut.tolist()
        shown = [float(text) for text in row[1:] if text]
        assert np.allclose(shown, numbers[~shut], rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def words(browser: Browser) -> Iterator[lab.Lab]:
    yield from lab.opened(browser, lab.Lab, """async () => {
        Object.assign(globalThis, await import("/share/csv.js"), await import("/share/words.js"));
    }""")


@pytest.mark.parametrize("model", ["../../etc/passwd", "org/na\nme<b>", "C:\\models\\a", "..", "-x", "模型", "a" * 500])
def test_names_of_files_are_safe(words, model):
    name = words.page.evaluate(
        "(model) => fileName({ model, kind: '' }, { head: { layer: 3, head: 11 } }, 'weights', 'png')", model
    )
    assert re.fullmatch(r"headlight-(\w[\w.-]*-)?layer-3-head-11-weights\.png", name), name
    assert ".." not in name
    assert len(name.encode()) < 250


def test_a_folders_place_is_nobody_elses_business(words):
    title = "(model) => titleOf({ model, kind: 'cross' }, { head: { layer: 1, head: 2 } })"
    assert words.page.evaluate(title, "/home/somebody/models/mine") == "mine · layer 1, head 2 (cross)"
    assert words.page.evaluate(title, "org/name") == "org/name · layer 1, head 2 (cross)"


def test_pooled_maps_keep_their_largest_cells(own):
    n = 512
    tensors = qkv(n, seed=3)
    long = Trace.from_tensors(**tensors, causal=True, tokens=[f"t{i}" for i in range(n)])
    own.show(long, View(head=0, query=2))
    own.choose(what="weights", size="double")
    picture, svg = own.picture(), own.svg()
    assert "each cell is the extreme of several" in " ".join(texts(svg))
    assert len(list(svg.iter(f"{SVG}image"))) == 1
    weights = weights_of(tensors, 0)
    # Of the first tokens each takes much; the picture's column of that cell must show it, in whatever point it is.
    for row, column in np.argwhere(weights > 0.95)[:6]:
        around = at(picture, svg, cell(svg, "weights", row, column, n), reach=3).reshape(-1, 3)
        assert np.abs(around - colour(LIGHT.weights, weights[row, column])).max(axis=1).min() <= CLOSE
    names, *rows = own.table("CSV: weights")
    assert names == ["query", "query place", "key", "key place", "number"]
    assert len(rows) > 50_000
    for query, place, key, other, number in rows[:: len(rows) // 500]:
        assert (query, key) == (f"t{place}", f"t{other}")
        assert float(number) == pytest.approx(weights[int(place), int(other)], abs=1e-6)


def test_a_picture_is_copied_to_the_clipboard(component):
    page = component.page
    component.choose()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy picture").click()
    expect(page.get_by_role("status")).to_have_text("Picture copied.")
    size = page.evaluate("""async () => {
        const [item] = await navigator.clipboard.read();
        const picture = await createImageBitmap(await item.getType("image/png"));
        return [picture.width, picture.height];
    }""")
    page.context.clear_permissions()
    assert size[0] == 1051
    assert size[1] > 400


def test_a_panel_that_is_not_known_says_why(own, page):
    tensors = qkv()
    only = Trace.from_tensors(weights=torch.softmax(tensors["query"] @ tensors["key"].mT, dim=-1), tokens=TOKENS)
    own.show(only, View(head=0, query=2))
    for name in ("CSV: scores", "CSV: output"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    expect(page.get_by_role("button", name="CSV: weights")).to_be_enabled()
    own.choose(what="beside", size="double")
    said = " ".join(texts(own.svg()))
    assert "The scores of this head are not known" in said
    assert "There is no output to draw" in said


def test_both_languages_write_cells_alike(words):
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    made = words.page.evaluate(
        "({ texts, numbers, tables }) => [texts, numbers].map((all) => all.map(([value]) => cell(value)))"
        ".concat([tables.map(([rows]) => csv(rows))])", cases
    )  # fmt: skip
    assert made == [[expected for _, expected in cases[kind]] for kind in ("texts", "numbers", "tables")]


@given(st.floats(width=32))
@settings(max_examples=200, deadline=None)
def test_numbers_have_nine_digits_as_in_python(words, number):
    shown = words.page.evaluate("(number) => cell(number)", number)
    if not np.isfinite(number):
        assert shown == ""
        return
    expected = format(number, ".9g")
    assert np.float32(shown) == np.float32(number), "float32 is told exactly"
    # An exact half in the tenth digit goes to the even digit there, and away from zero here.
    exact = Decimal(number)
    rest = abs(exact.scaleb(8 - exact.adjusted())) % 1 if number else 0
    assert shown == expected or rest == Decimal("0.5")


def test_title_colours_and_pin_can_be_left_out(component: Component) -> None:
    def parts(*without: str) -> tuple[str, int]:
        """All that is written, and how many outlines there are."""
        component.choose(what="weights", without=without)
        svg = component.svg()
        written = " ".join("".join(text.itertext()) for text in svg.iter(f"{SVG}text"))
        layers = [group for group in svg.iter(f"{SVG}g") if group.get("class") == "shapelayer"]
        return written, sum(len(list(layer.iter(f"{SVG}path"))) for layer in layers)

    whole, outlines = parts()
    assert "layer 0, head 0" in whole
    assert "share of each value" in whole
    assert outlines == 1
    bare, outlines = parts("title", "colours and captions", "pinned row")
    assert "layer 0" not in bare
    assert "share of each value" not in bare
    assert "Weights" in bare
    assert outlines == 0
