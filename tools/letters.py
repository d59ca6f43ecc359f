"""The shipped typeface for pictures that are made without a browser: its letters' widths, and a file for each weight.

`python -m tools.letters` writes assets/export/letters.json (by weight, the advance of each letter in thousandths of the
letters' size) and assets/export/fonts/. It needs fontTools, which is pinned in requirements-dev.txt.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
FONTS = sorted((ROOT / "static" / "fonts").glob("*.woff2"))
TABLE = ROOT / "assets" / "export" / "letters.json"
MADE = ROOT / "assets" / "export" / "fonts"
WEIGHTS = (400, 700)
# The licence keeps the name "Source" for the original, so what is made from it has a name of its own.
FAMILY = "Headlight Sans"
STYLES = {400: "Regular", 700: "Bold"}
FEATURES = ["ccmp", "kern", "mark", "mkmk"]
# Of the names: the copyright, the version, the licence and its address stay as they are.
KEPT_NAMES = (0, 5, 13, 14)
BOLD, REGULAR = 1 << 5, 1 << 6


def widths(weight: int) -> dict[str, int]:
    """Each letter's advance in that weight; both files together."""
    found: dict[str, int] = {}
    for path in FONTS:
        font = _at(path, weight, without=("GPOS", "GSUB", "GDEF"))  # most of the time, and nothing of an advance
        scale = 1000 / font["head"].unitsPerEm
        found |= {chr(code): round(font["hmtx"][name][0] * scale) for code, name in font.getBestCmap().items()}
    return dict(sorted(found.items()))


def file_of(weight: int) -> Path:
    """Where the typeface of that weight is written."""
    return MADE / f"headlight-sans-{weight}.ttf"


def typeface(weight: int) -> bytes:
    """A TrueType file of that weight alone, with the letters of both files. The same bytes each time."""
    from fontTools.merge import Merger

    font = Merger().merge([_loose(path, weight) for path in FONTS])
    _thin(font)
    _name(font, weight)
    # Neither drawing program reads these: hints for old screens, and places in a family.
    for table in ("prep", "gasp", "BASE", "STAT"):
        if table in font:
            del font[table]
    font.recalcTimestamp = False
    with io.BytesIO() as file:
        font.save(file)
        return file.getvalue()


def _at(path: Path, weight: int, without: Sequence[str] = ()) -> TTFont:
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = TTFont(path, recalcTimestamp=False)
    for table in without:
        del font[table]
    return instantiateVariableFont(font, {"wght": weight})


def _loose(path: Path, weight: int) -> io.BytesIO:
    """The file at that weight, unpacked: the merger reads files."""
    font, file = _at(path, weight), io.BytesIO()
    font.flavor = None
    font.save(file)
    file.seek(0)
    return file


def _thin(font: TTFont) -> None:
    """Leave out the features that no picture asks for."""
    from fontTools.subset import Options, Subsetter

    options = Options(layout_features=FEATURES, name_IDs=["*"], notdef_outline=True, harfbuzz_repacker=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=font.getBestCmap())
    subsetter.subset(font)


def _name(font: TTFont, weight: int) -> None:
    style = STYLES[weight]
    whole, short = f"{FAMILY} {style}", f"{FAMILY.replace(' ', '')}-{style}"
    table = font["name"]
    table.names = [record for record in table.names if record.nameID in KEPT_NAMES]
    for number, text in ((1, FAMILY), (2, style), (3, whole), (4, whole), (6, short)):
        table.setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight
    font["OS/2"].fsSelection = BOLD if style == "Bold" else REGULAR
    font["head"].macStyle = 1 if style == "Bold" else 0
    font["head"].created = font["head"].modified = 0


if __name__ == "__main__":
    TABLE.write_text(json.dumps({str(weight): widths(weight) for weight in WEIGHTS}, ensure_ascii=True) + "\n")
    MADE.mkdir(exist_ok=True)
    for weight in WEIGHTS:
        file_of(weight).write_bytes(typeface(weight))
    (MADE / "OFL.txt").write_bytes((FONTS[0].parent / "OFL.txt").read_bytes())
