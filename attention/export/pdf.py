"""A still picture as a PDF: the shapes of the SVG as shapes, its text as text that can be searched and copied.

A line with letters that the typeface lacks is a fine picture of it, drawn as in a PNG with the fonts of this computer,
and the text itself lies under it unseen.
"""

from __future__ import annotations

import base64
import codecs
import io
import re
import xml.etree.ElementTree as ET  # read here is only what `still` made
from functools import cache
from typing import TYPE_CHECKING, Any

from attention.export.cells import packed, unpacked
from attention.export.letters import FILES, SIZE, UNPACKED, elsewhere, foreign, is_known, width_of
from attention.export.picture import INCH_MM
from attention.export.png import SVG, maker, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportlab.pdfgen.canvas import Canvas

POINTS, PX_INCH = 72, 96
# Points an inch of a picture of text, as fine as journals ask of lines; and the most across, for a slide is wide.
FINE, FINEST = 600, 4400
# Points along the longer side of a map that is a picture, so that readers that smooth pictures have little to smooth.
SMOOTHED = 1200
UNSEEN, BOLD = 3, 700
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
STEP = re.compile(r"([Mlhvz])([^Mlhvz]*)")
MOVE = re.compile(r"(translate|scale|rotate)\(([^)]*)\)")
IGNORED = ("title", "desc")


def to_pdf(svg: str) -> bytes:
    """One page as large as the picture, 96 px being an inch. svg: of `still`, with UNPACKED as its family."""
    from reportlab.pdfgen.canvas import Canvas

    root = ET.fromstring(svg)  # noqa: S314
    width, height = (_points(root.get(side, "")) for side in ("width", "height"))
    _, _, across, down = _numbers(root.get("viewBox", ""))
    file = io.BytesIO()
    # A page begins in some typeface, and one of the program's own would not be in the file, which journals refuse.
    first = _typeface_for("", min(FILES))
    canvas = Canvas(file, pagesize=(width, height), lang="en", initialFontName=first)
    _describe(canvas, root)
    # As in the SVG from here on: its units, downward.
    canvas.translate(0, height)
    canvas.scale(width / across, -height / down)
    _Drawing(canvas, root, (across, down)).all()
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def _describe(canvas: Canvas, root: ET.Element) -> None:
    canvas.setTitle(root.findtext(f"{SVG}title") or "")
    canvas.setSubject(root.findtext(f"{SVG}desc") or "")
    canvas.setCreator(maker())
    canvas.setAuthor("")
    canvas.setViewerPreference("DisplayDocTitle", "true")


@cache
def _typeface(weight: int) -> Any:
    """The shipped typeface, known to the program that writes PDFs."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    font = TTFont(f"{UNPACKED} {weight}", str(FILES[weight]))
    registerFont(font)
    return font


def _typeface_for(text: str, weight: int) -> str:
    """The typeface's name. It gets some shape for letters that it lacks, so that what is unseen is found and copied;
    the program that writes PDFs knows none beyond 16 bits.
    """
    font = _typeface(weight)
    for letter in foreign(text):
        if ord(letter) < 0x10000:
            font.face.charToGlyph[ord(letter)] = font.face.charToGlyph[ord("x")]
            font.face.charWidths[ord(letter)] = elsewhere(letter)
    return str(font.fontName)


class _Drawing:
    """Puts the elements that `still` makes on a page; raises KeyError for one that it does not make."""

    def __init__(self, canvas: Canvas, root: ET.Element, size: tuple[float, float]) -> None:
        self.canvas, self.root, self.size = canvas, root, size
        self.ink = root.get("fill", "")
        self.background = next(root.iter(f"{SVG}rect")).get("fill", "")
        self.scales: dict[str, list[tuple[float, Any]]] = {}
        self.draws = {
            "g": self._group, "rect": self._rect, "path": self._path, "image": self._image, "text": self._text,
            "linearGradient": self._scale,
        }  # fmt: skip

    def all(self) -> None:
        """Everything, and last the lines that are pictures."""
        for one in self.root:
            self._put(one)
        self._put_pictures_of_text()

    def _put(self, one: ET.Element) -> None:
        name = one.tag.removeprefix(SVG)
        if name not in IGNORED:
            self.canvas.saveState()
            _move(self.canvas, one)
            self.draws[name](one)
            self.canvas.restoreState()

    def _group(self, one: ET.Element) -> None:
        for inner in one:
            self._put(inner)

    def _rect(self, one: ET.Element) -> None:
        x, y = float(one.get("x", 0)), float(one.get("y", 0))
        width, height = (
            whole if one.get(side) == "100%" else float(one.get(side, 0))
            for side, whole in zip(("width", "height"), self.size, strict=True)
        )
        path = self.canvas.beginPath()
        path.rect(x, y, width, height)
        fill = one.get("fill", "")
        if fill.startswith("url(#"):
            stops = self.scales[fill[5:-1]]
            self.canvas.clipPath(path, stroke=0, fill=0)
            self.canvas.linearGradient(x, y, x + width, y, [colour for _, colour in stops], [at for at, _ in stops])
        else:
            self._paint(path, one)

    def _scale(self, one: ET.Element) -> None:
        stops = [(float(stop.get("offset", 0)), _colour(stop.get("stop-color", ""))) for stop in one]
        self.scales[one.get("id", "")] = stops

    def _path(self, one: ET.Element) -> None:
        path = self.canvas.beginPath()
        x = y = 0.0
        start = (x, y)
        for step, given in STEP.findall(one.get("d", "")):
            if step == "z":
                path.close()
                x, y = start
                continue
            x, y = _reached(step, _numbers(given), x, y)
            if step == "M":
                start = (x, y)
                path.moveTo(x, y)
            else:
                path.lineTo(x, y)
        self._paint(path, one)

    def _paint(self, path: Any, one: ET.Element) -> None:
        """Fill and stroke a path, as its element says."""
        fill, stroke = one.get("fill", self.ink), one.get("stroke", "none")
        if fill != "none":
            self.canvas.setFillColor(_colour(fill))
        if stroke != "none":
            self.canvas.setStrokeColor(_colour(stroke))
            self.canvas.setLineWidth(float(one.get("stroke-width", 1)))
            self.canvas.setDash(_numbers(one.get("stroke-dasharray", "")))
        self.canvas.drawPath(path, fill=int(fill != "none"), stroke=int(stroke != "none"))

    def _image(self, one: ET.Element) -> None:
        """A map with a point a cell, enlarged by a whole number so that cells keep their edges."""
        pixels = unpacked(base64.b64decode(one.get("href", "").partition("base64,")[2])).copy()
        # Where nothing is, the background: readers that smooth pictures would draw an edge of the unseen colour.
        pixels[pixels[..., 3] == 0] = (*bytes.fromhex(self.background[1:]), 255)
        times = max(1, SMOOTHED // max(pixels.shape[:2]))
        large = packed(pixels.repeat(times, 0).repeat(times, 1))
        self._picture(large, float(one.get("width", 0)), float(one.get("height", 0)))

    def _picture(self, png: bytes, width: float, height: float) -> None:
        from reportlab.lib.utils import ImageReader

        self.canvas.translate(0, height)
        self.canvas.scale(1, -1)
        self.canvas.drawImage(ImageReader(io.BytesIO(png)), 0, 0, width, height, mask="auto")

    def _text(self, one: ET.Element) -> None:
        """A line of text; one with letters of other typefaces is unseen, for there is a picture of it."""
        text, weight, size = one.text or "", int(one.get("font-weight", 400)), float(one.get("font-size", SIZE))
        wide = width_of(text, weight == BOLD, size)
        left = {"start": 0.0, "middle": wide / 2, "end": wide}[one.get("text-anchor", "start")]
        down = float(one.get("dy", "0em").removesuffix("em")) * size
        self.canvas.translate(float(one.get("x", 0)), float(one.get("y", 0)))
        self.canvas.scale(1, -1)
        line = self.canvas.beginText(-left, -down)
        line.setFont(_typeface_for(text, weight), size)
        line.setFillColor(_colour(one.get("fill", self.ink)))
        if not is_known(text):
            line.setTextRenderMode(UNSEEN)
        line.textOut(text)
        self._say(line, "" if is_known(text) else text)

    def _say(self, line: Any, meant: str) -> None:
        """Put a line on the page, and with it the text that is meant, where the line itself may not have all of it."""
        if meant:
            coded = codecs.BOM_UTF16_BE + meant.encode("utf-16-be")
            self.canvas.addLiteral(f"/Span <</ActualText <{coded.hex()}>>> BDC")
        self.canvas.drawText(line)
        if meant:
            self.canvas.addLiteral("EMC")

    def _put_pictures_of_text(self) -> None:
        """All lines with letters that the typeface lacks as one picture of the page, clear between them."""
        lines = [one for one in self.root.iter(f"{SVG}text") if not is_known(one.text or "")]
        if not lines:
            return
        across = round(min(FINEST, _points(self.root.get("width", "")) / POINTS * FINE))
        down = round(across * self.size[1] / self.size[0])
        size = {"width": str(across), "height": str(down), "preserveAspectRatio": "none"}
        page = ET.Element(self.root.tag, self.root.attrib | size)
        page.extend(lines)
        self.canvas.saveState()
        self._picture(rendered(page), *self.size)
        self.canvas.restoreState()


def _reached(step: str, given: Sequence[float], x: float, y: float) -> tuple[float, float]:
    """Where a step of a path ends."""
    if step == "h":
        return x + given[0], y
    if step == "v":
        return x, y + given[0]
    return (given[0], given[1]) if step == "M" else (x + given[0], y + given[1])


def _move(canvas: Canvas, one: ET.Element) -> None:
    for name, given in MOVE.findall(one.get("transform", "")):
        getattr(canvas, name)(*_numbers(given))


def _points(length: str) -> float:
    """A length in millimetres or pixels, in points."""
    if length.endswith("mm"):
        return float(length.removesuffix("mm")) / INCH_MM * POINTS
    return float(length) / PX_INCH * POINTS


def _numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


def _colour(text: str) -> Any:
    from reportlab.lib.colors import HexColor

    return HexColor(text)
