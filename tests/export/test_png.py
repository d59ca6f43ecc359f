"""A picture as PNG: read by another program, it has the size, the colours and the letters that it should have."""

import io
import struct
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import attention
from attention.errors import HeadlightWarning, InputError
from attention.export import endings, files, png
from attention.export.letters import UNPACKED, width_of
from attention.export.picture import WIDTHS, Picture
from attention.export.still import still
from attention.figures.palette import THEMES
from attention.record import HeadView
from attention.view import View
from tests.export.test_still import SVG, at, own

TEXT = "The cat sat on the mat because it was tired."


@cache
def head() -> HeadView:
    return attention.trace("storyteller", TEXT).head(1, 2)


def made(view: HeadView, **options) -> tuple[Image.Image, ET.Element]:
    """The picture as another program reads it, and the SVG that it is of."""
    picture = Picture(**options)
    svg = still(view, View(), picture, family=UNPACKED)
    image = Image.open(io.BytesIO(png.to_png(svg, picture)))
    image.load()
    return image, ET.fromstring(svg)


@cache
def usual() -> tuple[Image.Image, ET.Element]:
    """The same, as it comes; nobody changes it."""
    return made(head())


def pixels(image: Image.Image) -> np.ndarray:
    return np.array(image.convert("RGB")).astype(int)


def scale_of(image: Image.Image, root: ET.Element) -> float:
    """Points to a unit."""
    return image.width / float(root.get("viewBox", "").split()[2])


@pytest.mark.parametrize(("width", "across", "dpi"), [("89mm", 1051, 300), ("183mm", 2161, 300), ("slide", 1920, None)])
def test_it_has_the_points_that_were_asked_for_and_says_how_large_they_are(width, across, dpi):
    image, root = made(head(), width=width)
    units = [float(side) for side in root.get("viewBox", "").split()[2:]]
    assert image.width == across
    assert abs(image.height - across * units[1] / units[0]) <= 1
    assert WIDTHS[width][1] in (None, image.height)
    assert ("dpi" in image.info) == (dpi is not None)
    if dpi is not None:
        mm = image.width / image.info["dpi"][0] * 25.4
        assert mm == pytest.approx(float(width.removesuffix("mm")), abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("n", [5, 60])
def test_a_cells_points_have_the_colour_of_its_number(theme, n):
    """Few cells are shapes, many are an image."""
    view = own(n, causal=True)
    image, root = made(view, theme=theme, panel="weights", pin=False)
    scale, shown = scale_of(image, root), pixels(image)
    group = next(one for one in root.iter(f"{SVG}g") if one.get("class") == "cells")
    left, top = map(float, group.get("transform", "").removeprefix("translate(").removesuffix(")").split())
    wide, high = map(float, group[0].get("transform", "").removeprefix("scale(").removesuffix(")").split())
    for row, column in ((0, 0), (n - 1, 2), (n - 1, n - 1), (3, 1), (n // 2, n // 2 - 1)):
        x, y = (int(scale * place) for place in (left + (column + 0.4) * wide, top + (row + 0.4) * high))
        assert np.abs(shown[y, x] - at(THEMES[theme].weights, view.weights[row, column])).max() <= 3


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", THEMES["dark"].paper)])
def test_the_ground_is_the_themes_to_the_last_point(theme, ground):
    image, _ = made(head(), theme=theme)
    assert np.array(image)[..., 3].min() == 255
    for place in ((0, 0), (-1, -1), (-1, 0), (0, -1)):
        assert "#" + "".join(f"{part:02x}" for part in pixels(image)[place]) == ground


def ink(image: Image.Image, root: ET.Element, text: str) -> np.ndarray:
    """Where the line has ink, in the box that it should fill."""
    one = next(one for one in root.iter(f"{SVG}text") if one.text == text)
    size, scale = float(one.get("font-size", "14")), scale_of(image, root)
    left, base = float(one.get("x", "0")), float(one.get("y", "0"))
    right = left + width_of(text, one.get("font-weight") == "700", size)
    part = pixels(image)[int((base - 0.8 * size) * scale) : int((base + 0.3 * size) * scale)]
    return (part[:, int((left - 1) * scale) : int((right + 1) * scale)].sum(-1) < 384).any(0)


def test_the_title_is_written_from_end_to_end():
    image, root = usual()
    columns = ink(image, root, "Storyteller · layer 1, head 2")
    drawn = np.flatnonzero(columns)
    assert 0.4 < columns.mean() < 0.95
    assert drawn[0] < 8
    assert drawn[-1] > len(columns) - 10


def test_bold_is_bolder(monkeypatch):
    image, root = usual()
    bold = ink(image, root, "Weights").sum()
    monkeypatch.setattr(png, "FILES", {400: png.FILES[400]})
    thin, root = made(head())
    assert ink(thin, root, "Weights").sum() < bold


def test_it_carries_its_name_its_description_and_its_maker():
    image, root = usual()
    assert image.info["Title"] == root.findtext(f"{SVG}title") == "Storyteller · layer 1, head 2"
    assert image.info["Description"] == root.findtext(f"{SVG}desc")
    assert "Weights and output equal" in image.info["Description"]
    assert image.info["Software"] == f"Headlight {attention.__version__}"


def test_the_chunks_are_whole():
    data = png.to_png(still(head(), View(), family=UNPACKED), Picture())
    place, names = 8, []
    while place < len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        name, inside = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert data[place : place + 12 + size] == png.chunk(name, inside)
        names.append(name)
        place += 12 + size
    assert names[:5] == [b"IHDR", b"pHYs", b"iTXt", b"iTXt", b"iTXt"]
    assert names[-1] == b"IEND"


def test_with_letters_of_the_typeface_no_other_font_is_looked_at(monkeypatch):
    import resvg_py

    asked, draw = [], resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **given: asked.append(given) or draw(**given))
    made(own(3, tokens=["é", "Łódź", "−"]))
    made(own(3, tokens=["é", "‖", "b"]))
    assert [given["skip_system_fonts"] for given in asked] == [True, False]
    assert all("tspan" not in given["svg_string"] for given in asked[:1])


def test_neighbours_that_the_typeface_lacks_stay_together():
    text = ET.fromstring(f'<svg xmlns="{SVG[1:-1]}"><text>a‖Σb&lt;‖</text><text>plain</text></svg>')
    mixed, plain = png._with_others(text)
    assert mixed.text == "a"
    assert [(one.text, one.tail) for one in mixed] == [("‖Σ", "b<"), ("‖", None)]
    assert (plain.text, len(plain)) == ("plain", 0)
    assert png.OTHERS.endswith(UNPACKED)


def without_fonts(monkeypatch) -> None:
    """As on a computer that has no font but ours."""
    import resvg_py

    draw = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **given: draw(**given | {"skip_system_fonts": True}))


def test_a_letter_that_no_font_has_is_a_box_and_is_told(monkeypatch, tmp_path):
    without_fonts(monkeypatch)
    svg = still(own(3, tokens=["日本", "α", "é"]), View(), family=UNPACKED)
    assert png.boxed(svg) == "日本α"
    root = ET.fromstring(svg)
    image = Image.open(io.BytesIO(png.to_png(svg, Picture())))
    one = next(one for one in root.iter(f"{SVG}text") if one.text == "日本" and one.get("text-anchor") == "end")
    scale, right, middle = scale_of(image, root), float(one.get("x", "0")), float(one.get("y", "0"))
    rows, columns = ((place - by, place + 7 - by) for place, by in ((middle, 3), (right, 7)))
    beside = pixels(image)[slice(*(int(scale * y) for y in rows)), slice(*(int(scale * x) for x in columns))]
    assert (beside.sum(-1) < 600).sum() > 20
    for ending in ("png", "pdf"):
        with pytest.warns(HeadlightWarning, match=rf"No font .* has “日” \(U\+65E5\), “本” .* in x.{ending}\."):
            path = attention.save(own(3, tokens=["日本", "b", "é"]), tmp_path / f"x.{ending}")
        assert path.stat().st_size > 1000


def test_only_some_of_many_letters_are_named():
    said = files._of_boxes(Path("a/x.png"), "日本語漢字仮名交文")
    assert said.count("U+") == files.MOST_NAMED
    assert " and 1 more: boxes stand for them in x.png." in said


def test_a_letter_that_a_font_has_is_not_told(monkeypatch):
    """The shipped typeface, taken for one of the computer's."""
    monkeypatch.setattr(png, "foreign", lambda text: "".join(one for one in "éb‖" if one in text))
    without_fonts(monkeypatch)
    assert png.boxed(still(own(3, tokens=["é", "b", "‖"]), View(), family=UNPACKED)) == "‖"


@pytest.mark.parametrize("ending", ["png", "pdf"])
@pytest.mark.parametrize(
    ("lacking", "said"), [({"resvg_py"}, "resvg-py is"), ({"reportlab", "resvg_py"}, "resvg-py and reportlab are")]
)
def test_without_the_extra_one_sentence_says_what_to_do(ending, lacking, said, monkeypatch, tmp_path):
    found = endings.find_spec
    monkeypatch.setattr(endings, "find_spec", lambda name: None if name in lacking else found(name))
    with pytest.raises(InputError) as err:
        attention.save(head(), tmp_path / f"x.{ending}")
    assert str(err.value) == (
        f'For a .{ending} {said} missing here; install it with: pip install "headlight[figures]" or save an .svg, '
        "which needs nothing more."
    )
    assert list(tmp_path.iterdir()) == []
    assert attention.save(head(), tmp_path / "x.svg").is_file()


def test_options_and_endings(tmp_path):
    asked = {"width": "89mm", "panel": "weights"}
    whole = attention.save(head(), tmp_path / "x.PNG", **asked, theme="dark")
    bare = attention.save(head(), tmp_path / "y.png", **asked, title=False, legend=False, pin=False)
    sizes = [Image.open(io.BytesIO(path.read_bytes())).size for path in (whole, bare)]
    assert [across for across, _ in sizes] == [1051, 1051]
    assert sizes[0][1] > sizes[1][1]
    with pytest.raises(InputError, match="a picture's width is"):
        attention.save(head(), tmp_path / "z.png", width="90mm")


def test_the_same_picture_is_the_same_bytes(tmp_path):
    one, two = (attention.save(head(), tmp_path / f"{name}.png").read_bytes() for name in "ab")
    assert one == two
