"""A picture as PDF: read by another program, it has the size, the text and the shapes that it should have."""

import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import numpy as np
import pytest
from pypdf import PageObject, PdfReader

import attention
from attention.export import pdf
from attention.export.letters import UNPACKED
from attention.export.picture import Picture
from attention.export.still import still
from attention.figures.palette import THEMES
from attention.record import HeadView
from attention.view import View
from tests.export.test_png import head, without_fonts
from tests.export.test_still import SVG, at, own

COLOUR = re.compile(r"([\d.]+) ([\d.]+) ([\d.]+) rg")


def made(view: HeadView, shown: View | None = None, **options) -> tuple[PdfReader, ET.Element]:
    """The picture as another program reads it, and the SVG that it is of."""
    svg = still(view, shown or View(), Picture(**options), family=UNPACKED)
    return PdfReader(io.BytesIO(pdf.to_pdf(svg))), ET.fromstring(svg)


def drawn(page: PageObject) -> str:
    return page.get_contents().get_data().decode("latin-1")


def lines(reader: PdfReader) -> list[str]:
    return [line.strip() for line in reader.pages[0].extract_text().splitlines()]


@pytest.mark.parametrize(("width", "mm"), [("89mm", 89), ("183mm", 183), ("slide", 508)])
def test_the_page_is_as_large_as_the_picture(width, mm):
    reader, root = made(head(), width=width)
    (page,) = reader.pages
    across, down = (float(side) / 72 * 25.4 for side in page.mediabox[2:])
    units = [float(side) for side in root.get("viewBox", "").split()[2:]]
    assert across == pytest.approx(mm, abs=0.001)
    assert down == pytest.approx(mm * units[1] / units[0], abs=0.01)


def test_its_text_is_text():
    reader, root = made(head(), width="89mm")
    found = lines(reader)
    for text in ("Storyteller · layer 1, head 2", "Scores", "Weights", "Weighted values", "·because", "<s>"):
        assert text in found
    assert any("softmax: share of each value; rows sum to 1" in line for line in found)
    assert any("−6.62" in line for line in found)
    words = sorted("".join((one.text or "").split()) for one in root.iter(f"{SVG}text"))
    assert sorted("".join(words)) == sorted("".join("".join(found).split()))


def test_the_shipped_typeface_is_in_it_in_both_weights_and_no_other():
    reader, _ = made(head())
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert {font["/BaseFont"].partition("+")[2] for font in fonts} == {"HeadlightSans-Regular", "HeadlightSans-Bold"}
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in fonts)


def test_it_says_what_it_is():
    reader, root = made(head())
    about = reader.metadata
    assert about.title == root.findtext(f"{SVG}title")
    assert about.subject == root.findtext(f"{SVG}desc")
    assert "Weights and output equal" in about.subject
    assert about.creator == f"Headlight {attention.__version__}"
    assert abs((about.creation_date - datetime.now(UTC)).total_seconds()) < 600


def test_with_a_time_that_is_given_the_same_picture_is_the_same_bytes(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    svg = still(head(), View(), family=UNPACKED)
    assert pdf.to_pdf(svg) == pdf.to_pdf(svg)
    assert PdfReader(io.BytesIO(pdf.to_pdf(svg))).metadata.creation_date.year == 2001


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_number_has_its_colour(theme):
    view = own(5, causal=True)
    reader, _ = made(view, theme=theme, panel="weights")
    found = np.array([[float(part) * 255 for part in rgb] for rgb in COLOUR.findall(drawn(reader.pages[0]))])
    for number in view.weights[np.tril_indices(5)]:
        assert np.abs(found - at(THEMES[theme].weights, number)).max(1).min() <= 2
    ground = "#ffffff" if theme == "light" else THEMES["dark"].paper
    assert ["#" + "".join(f"{round(part):02x}" for part in found[0])] == [ground]


def test_a_cell_lies_where_the_svg_has_it():
    reader, root = made(own(5, causal=True), panel="weights")
    group = next(one for one in root.iter(f"{SVG}g") if one.get("class") == "cells")
    moves = [float(number) for one in (group, group[0]) for number in re.findall(r"[\d.]+", one.get("transform", ""))]
    text = drawn(reader.pages[0])
    found = re.search(r"1 0 0 1 ([\d.]+) ([\d.]+) cm\s+q\s+([\d.]+) 0 0 ([\d.]+) 0 0 cm", text)
    assert found is not None
    assert [float(number) for number in found.groups()] == pytest.approx(moves, abs=0.01)
    height, scale = float(reader.pages[0].mediabox[3]), 72 * 183 / 25.4 / float(root.get("viewBox", "").split()[2])
    first = re.search(r"([\d.]+) 0 0 (-[\d.]+) 0 ([\d.]+) cm", text)
    assert first is not None
    assert [float(number) for number in first.groups()] == pytest.approx([scale, -scale, height], abs=0.001)


def test_the_scale_is_a_shading_with_the_palettes_colours():
    reader, _ = made(own(5), panel="weights")
    ((_, shading),) = reader.pages[0]["/Resources"]["/Shading"].items()
    parts = shading.get_object()["/Function"]["/Functions"]
    ends = [parts[0].get_object()["/C0"], *(part.get_object()["/C1"] for part in parts)]
    scale = THEMES["light"].scale("weights")
    stops = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in scale]
    assert np.abs(np.array(ends, dtype=float) * 255 - np.array(stops)).max() < 1


def test_a_long_text_is_an_image_whose_cells_keep_their_edges():
    view = own(60, causal=True)
    reader, _ = made(view, theme="dark", panel="weights")
    (image,) = reader.pages[0].images
    pixels = np.array(image.image.convert("RGB")).astype(int)
    assert pixels.shape == (1200, 1200, 3)
    paper = [int(THEMES["dark"].paper[i : i + 2], 16) for i in (1, 3, 5)]
    for row, column in ((0, 0), (59, 3), (20, 19)):
        cell = pixels[20 * row : 20 * row + 20, 20 * column : 20 * column + 20]
        assert np.abs(cell - at(THEMES["dark"].weights, view.weights[row, column])).max() <= 2
    assert (pixels[:20, 20:] == paper).all()


def test_letters_of_other_typefaces_are_a_picture_with_the_text_below(monkeypatch):
    without_fonts(monkeypatch)
    reader, _ = made(own(3, tokens=["日本‖", "😀", "é"]))
    page = reader.pages[0]
    assert page.extract_text().count("日本‖") == 3
    assert "é" in lines(reader)
    text = drawn(page).lower()
    assert f"feff{'😀'.encode('utf-16-be').hex()}" in text
    assert text.count("3 tr") == text.count("actualtext") == 6
    (image,) = page.images
    shown = np.array(image.image.convert("RGBA"))
    assert shown.shape[1] == pytest.approx(183 / 25.4 * 600, abs=1)
    assert 0 < (shown[..., 3] > 0).mean() < 0.02


def test_hostile_text_is_text():
    token = "</g>) Tj\\(%&é"
    reader, _ = made(own(3, tokens=[token, "b", "c"], name="(\\"), panel="weights")
    assert reader.metadata.title == "(\\ · layer 0, head 1"
    assert reader.pages[0].extract_text().count("</g>)·Tj\\(%&é") == 2


def test_what_the_svg_does_not_make_is_refused():
    svg = still(own(3), View(), family=UNPACKED)
    with pytest.raises(KeyError, match="circle"):
        pdf.to_pdf(svg.replace("</svg>", "<circle/></svg>"))


@pytest.mark.parametrize("width", ["89mm", "183mm", "slide"])
@pytest.mark.parametrize("n", [2, 13, 50])
def test_every_sort_of_picture_is_drawn(width, n):
    reader, _ = made(own(n, causal=True), View(query=1, weights="norms", values="contribution"), width=width)
    assert len(reader.pages) == 1
