"""The still picture: valid XML, true colours, hatching where the mask forbids, and words for who does not see it."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

import attention
from attention.errors import InputError
from attention.export.letters import width_of
from attention.export.picture import Picture
from attention.export.still import still
from attention.figures.palette import DARK, LIGHT
from attention.record import HeadView, Trace
from attention.view import View

SVG = "{http://www.w3.org/2000/svg}"
TEXT = "The cat sat on the mat because it was tired."


@cache
def head() -> HeadView:
    return attention.trace("storyteller", TEXT).head(1, 2)


def own(n: int = 5, layers: int | None = None, **more) -> HeadView:
    torch.manual_seed(1)
    query, key, value = torch.randn(3, 2, n, 8)
    return Trace.from_tensors(query=query, key=key, value=value, **more).head(0, 1)


def drawn(picture: str) -> ET.Element:
    return ET.fromstring(picture)


def maps(root: ET.Element) -> list[ET.Element]:
    """Scores, weights and values."""
    return [group for group in root.findall(f"{SVG}g") if group.get("class") == "cells"]


def colours(group: ET.Element) -> dict[tuple[int, int], str]:
    """The colour of each cell (row, column)."""
    return {
        (int(y), int(x)): path.get("fill", "")
        for path in group.findall(f"{SVG}g/{SVG}path[@fill]")
        for x, y in re.findall(r"M(\d+) (\d+)h", path.get("d", ""))
    }


def hatches(group: ET.Element) -> int:
    return sum(path.get("d", "").count("M") for path in group.findall(f"{SVG}path[@stroke]"))


def texts(root: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def at(scale, share: float) -> np.ndarray:
    """The colour at a share of a scale, worked out here from its stops."""
    stops = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in scale]
    place = share * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    return np.array(stops[low]) + (place - low) * (np.array(stops[low + 1]) - np.array(stops[low]))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_each_cell_has_the_colour_of_its_number(palette):
    found = colours(maps(drawn(still(head(), View(), Picture(theme=palette.name))))[1])
    weights = head().weights
    assert len(found) == 12 * 13 // 2
    for (row, column), colour in found.items():
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(rgb - at(palette.weights, weights[row, column])).max() <= 2


def test_what_is_masked_is_hatched_and_has_no_colour():
    scores, weights, values = maps(drawn(still(head(), View())))
    assert [hatches(one) for one in (scores, weights, values)] == [66, 66, 0]
    assert all(row >= column for row, column in colours(weights))
    assert hatches(maps(drawn(still(head(), View(stage="scores"))))[0]) == 0


def test_a_long_text_is_one_image_with_a_pixel_a_cell():
    view = own(60, causal=True)
    group = maps(drawn(still(view, View())))[1]
    source = group.find(f"{SVG}g/{SVG}image").get("href", "")
    image = np.array(Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))))
    assert image.shape == (60, 60, 4)
    assert np.array_equal(image[..., 3] == 255, np.tri(60, dtype=bool))
    for row, column in ((0, 0), (59, 3), (20, 19)):
        assert np.abs(image[row, column, :3] - at(LIGHT.weights, view.weights[row, column])).max() <= 2
    assert len(still(own(400, causal=True), View())) < 400_000


def test_tokens_title_and_words_are_there():
    root = drawn(still(head(), View(text=TEXT)))
    said = texts(root)
    assert said.count("·cat") == 3  # the rows once, the columns of two maps
    assert "Storyteller · layer 1, head 2" in said
    assert "Weights and output equal" in root.find(f"{SVG}desc").text
    assert not any("equal" in line for line in said)
    assert root.get("role") == "img"
    assert re.search(r"the largest weight for “The”\W+0\.23", root.get("aria-label", ""))
    assert root.find(f"{SVG}desc").text == root.get("aria-label")


def test_the_pinned_row_is_framed_and_bold():
    root = drawn(still(head(), View(query=3)))
    bold = ["".join(one.itertext()) for one in root.iter(f"{SVG}text") if one.get("font-weight") == "700"]
    assert "·sat" in bold
    frames = [one for one in root.iter(f"{SVG}rect") if one.get("fill") == "none"]
    assert len({one.get("y") for one in frames}) == 1
    assert len(frames) == 3


HOSTILE = "</text><script>alert(1)</script>&\x00\x0b\ud800\ufffe ]]> “é”"


def test_hostile_text_is_text():
    view = own(3, tokens=[HOSTILE, "b", "c"], name=HOSTILE)
    root = drawn(still(view, View(text=HOSTILE)))
    assert {one.tag for one in root.iter()} <= {f"{SVG}{tag}" for tag in (
        "svg", "title", "desc", "rect", "text", "tspan", "g", "path", "linearGradient", "stop", "image", "style",
    )}  # fmt: skip
    assert any("<script>" in line for line in texts(root))


def test_what_is_not_known_is_a_sentence():
    weights = torch.softmax(torch.randn(2, 4, 4), -1)
    root = drawn(still(Trace.from_tensors(weights=weights).head(0, 0), View(values="contribution", weights="norms")))
    assert not maps(root)
    said = " ".join(texts(root))
    assert "The scores of this head are not known" in said
    assert "cannot be told" in said
    assert "no contribution to draw" in said


def test_a_sink_has_its_column():
    view = own(4, sink=torch.zeros(2))
    root = drawn(still(view, View()))
    assert texts(root).count("sink") == 1
    found = colours(maps(root)[1])
    assert {column for _, column in found} == {0, 1, 2, 3, 4}


def boxes(root: ET.Element) -> list[tuple[str, float, float, float]]:
    """Each upright text with its left, right and baseline, by the typeface's own widths."""
    found = []
    for one in root.iter(f"{SVG}text"):
        if one.get("transform"):
            continue
        text, x = "".join(one.itertext()), float(one.get("x", "0"))
        wide = width_of(text, one.get("font-weight") == "700", float(one.get("font-size", "14")))
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[one.get("text-anchor", "start")]
        found.append((text, left, left + wide, float(one.get("y", "0"))))
    return found


@pytest.mark.parametrize("panel", ["scores", "weights", "values", "all"])
@pytest.mark.parametrize("width", ["89mm", "183mm", "slide"])
@pytest.mark.parametrize("known", [True, False])
def test_no_text_leaves_the_picture_or_meets_another(width, panel, known):
    view = head() if known else Trace.from_tensors(weights=torch.softmax(torch.randn(2, 4, 4), -1)).head(0, 0)
    root = drawn(still(view, View(weights="norms", values="contribution", query=3), Picture(width=width, panel=panel)))
    _, _, wide, high = map(float, root.get("viewBox", "").split())
    placed = boxes(root)
    assert placed
    for text, left, right, y in placed:
        assert left >= 0, text
        assert right <= wide, text
        assert 0 < y <= high, text
    for i, (one, left, right, y) in enumerate(placed):
        for other, left_2, right_2, y_2 in placed[i + 1 :]:
            assert abs(y - y_2) >= 10 or left_2 >= right or left >= right_2, (one, other)


@pytest.mark.parametrize(("width", "size"), [("89mm", "89mm"), ("183mm", "183mm"), ("slide", "1920")])
def test_the_width_is_kept_and_the_height_follows(width, size):
    small, large = (drawn(still(own(n, causal=True), View(), Picture(width=width))) for n in (4, 30))
    assert small.get("width") == large.get("width") == size
    heights = [float(root.get("height", "0").removesuffix("mm")) for root in (small, large)]
    assert heights == [1080, 1080] if width == "slide" else heights[0] < heights[1]


def test_the_ground_is_white_and_the_typeface_comes_along():
    root = drawn(still(head(), View()))
    assert next(root.iter(f"{SVG}rect")).get("fill") == "#ffffff"
    assert "font/woff2;base64," in root.find(f"{SVG}style").text
    assert root.get("font-family", "").startswith("'Source Sans 3'")


def test_panels_title_legend_and_pin_are_chosen():
    whole = drawn(still(head(), View(query=3)))
    bare = drawn(still(head(), View(query=3), Picture(panel="weights", title=False, legend=False, pin=False)))
    assert len(maps(whole)) == 3
    assert len(maps(bare)) == 1
    assert "Scores" not in texts(bare)
    assert not any("head 2" in line or "softmax" in line for line in texts(bare))
    assert list(whole.iter(f"{SVG}linearGradient"))
    assert not list(bare.iter(f"{SVG}linearGradient"))
    assert not [one for one in bare.iter() if one.get("class") == "pin"]


def test_a_check_that_fails_is_said_in_the_picture(monkeypatch):
    from attention import sentences

    monkeypatch.setattr(sentences, "head_check", lambda error: (False, "weights differ from the model’s own"))
    assert "⚠ weights differ from the model’s own" in texts(drawn(still(head(), View(), Picture(title=False))))


@pytest.mark.parametrize("wrong", [{"width": "90mm"}, {"panel": "keys"}, {"theme": "sepia"}, {"title": "no"}])
def test_an_option_that_is_not_there_is_told_with_those_that_are(wrong, tmp_path):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name} is {value!r}.* or "):
        attention.save(head(), tmp_path / "x.svg", **wrong)
    assert not list(tmp_path.iterdir())


def test_options_of_a_picture_are_of_pictures_alone(tmp_path):
    with pytest.raises(InputError, match=r"are of a picture; 'x.csv' is a table"):
        attention.save(head(), tmp_path / "x.csv", width="89mm")
    path = attention.save(head(), tmp_path / "x.svg", width="89mm", panel="values")
    expected = still(head(), attention_view(head()), Picture(width="89mm", panel="values"))
    assert path.read_text(encoding="utf-8") == expected


def attention_view(view: HeadView) -> View:
    from attention.export.files import view_of

    return view_of(view.trace, view)


def test_the_table_of_widths_is_the_typeface_s_own():
    from tools.letters import TABLE, WEIGHTS, widths

    assert json.loads(TABLE.read_text(encoding="utf-8")) == {str(weight): widths(weight) for weight in WEIGHTS}
