"""A still picture as a PNG: the SVG drawn by resvg, with its size on paper, its name and its description.

The typeface is ours, so that a picture is the same on every computer. Letters that it lacks are taken from the fonts of
this one.
"""

from __future__ import annotations

import io
import struct
import xml.etree.ElementTree as ET  # read here is only what `still` made
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from attention.export.cells import chunk
from attention.export.letters import FILES, SIZE, UNPACKED, foreign
from attention.export.picture import DPI, WIDTHS
from attention.export.provenance import versions
from attention.export.still import background

if TYPE_CHECKING:
    from attention.export.picture import Picture

SVG = "{http://www.w3.org/2000/svg}"
HEADER = 33  # the signature and the first chunk, behind which others may stand
# For letters that the typeface lacks: what looks most like it, and then whatever there is. The last is always there.
OTHERS = f"Noto Sans, DejaVu Sans, Segoe UI, Helvetica Neue, Arial, {UNPACKED}"
# The sheet on which letters are tried, in points; and one that no font has, for it is reserved for private use.
CELL, INSIDE = 48, 24
NOBODY_S = "\U0010fffd"


def to_png(svg: str, picture: Picture) -> bytes:
    """The picture in the points that its width asks for. svg: of `still`, with UNPACKED as its family."""
    root = ET.fromstring(svg)  # noqa: S314
    drawn = rendered(root, dpi=DPI, background=background(picture))
    about = {"Title": root.findtext(f"{SVG}title"), "Description": root.findtext(f"{SVG}desc"), "Software": maker()}
    said = (chunk(b"iTXt", name.encode() + bytes(5) + (text or "").encode()) for name, text in about.items())
    return drawn[:HEADER] + _density(drawn, picture) + b"".join(said) + drawn[HEADER:]


def rendered(root: ET.Element, *, dpi: float = 0, background: str | None = None) -> bytes:
    """An SVG as PNG. Other fonts are looked at only where the typeface lacks a letter, which takes its time."""
    import resvg_py

    lacking = bool(foreign(written(root)))
    text = ET.tostring(_with_others(root) if lacking else root, encoding="unicode")
    return resvg_py.svg_to_bytes(
        svg_string=text, dpi=dpi, background=background, skip_system_fonts=not lacking,
        font_files=[str(path) for path in FILES.values()],
    )  # fmt: skip


def boxed(svg: str) -> str:
    """The letters in a picture that no font of this computer has: a box stands for each."""
    letters = foreign(written(ET.fromstring(svg)))  # noqa: S314
    if not letters:
        return ""
    tried = NOBODY_S + letters
    cells = "".join(f'<text x="{INSIDE}" y="{CELL * i + INSIDE}">{escape(one)}</text>' for i, one in enumerate(tried))
    size = f'width="{2 * CELL}" height="{CELL * len(tried)}" font-family="{UNPACKED}" font-size="{SIZE}"'
    sheet = ET.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{cells}</svg>')  # noqa: S314
    box, *pieces = _pieces(rendered(sheet, background="#ffffff"), len(tried))
    return "".join(letter for letter, piece in zip(letters, pieces, strict=True) if piece == box)


def written(root: ET.Element) -> str:
    """All that is written in a picture."""
    return "".join(one.text or "" for one in root.iter(f"{SVG}text"))


def maker() -> str:
    """The program that makes a file."""
    return f"Headlight {versions()['headlight']}"


def _with_others(root: ET.Element) -> ET.Element:
    """A copy in which the letters that the typeface lacks name the fonts to look for them."""
    copy = ET.fromstring(ET.tostring(root))  # noqa: S314
    for one in copy.iter(f"{SVG}text"):
        text, one.text = one.text or "", ""
        for letter in text:
            _append(one, letter)
    return copy


def _append(element: ET.Element, letter: str) -> None:
    """One more letter, with those before it where it is of their sort: shapes depend on what stands beside."""
    last = element[-1] if len(element) else None
    if foreign(letter) and (last is None or last.tail):
        ET.SubElement(element, f"{SVG}tspan", {"font-family": OTHERS}).text = letter
    elif last is None:
        element.text = (element.text or "") + letter
    elif foreign(letter):
        last.text = (last.text or "") + letter
    else:
        last.tail = (last.tail or "") + letter


def _density(png: bytes, picture: Picture) -> bytes:
    """Its points a metre, without which a typesetter takes 72 or 96 for an inch; a slide has no size on paper."""
    mm = WIDTHS[picture.width][2]
    if mm is None:
        return b""
    (across,) = struct.unpack(">I", png[16:20])
    per_metre = round(across / (mm / 1000))
    return chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))


def _pieces(png: bytes, count: int) -> list[bytes]:
    """The picture cut across into so many pieces of the same height, as their colours."""
    from reportlab.lib.utils import ImageReader

    data = ImageReader(io.BytesIO(png)).getRGBData()
    size = len(data) // count
    return [data[i * size : (i + 1) * size] for i in range(count)]
