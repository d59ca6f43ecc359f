"""How wide text is in the shipped typeface, so that a picture that is made without a browser has room for all of it."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from functools import cache

from attention.assets import EXPORT, STATIC

SIZE = 14
FAMILY = "'Source Sans 3', sans-serif"
# The same typeface as files for programs that read no packed fonts; made by tools/letters.py.
UNPACKED = "Headlight Sans"
FILES = {weight: EXPORT / "fonts" / f"headlight-sans-{weight}.ttf" for weight in (400, 700)}
LABEL_CHARS, LABEL_WIDEST = 14, 116
BEYOND_LATIN = re.compile("[\u0100-\u02ff\u1d00-\u1eff\u20a0-\u20cf\u2c60-\u2c7f\ua722-\ua7ff]")
RANGE = " unicode-range: U+0100-02FF, U+1D00-1EFF, U+20A0-20CF, U+2C60-2C7F, U+A722-A7FF;"


def width_of(text: str, bold: bool = False, size: float = SIZE) -> float:
    """The width of a line of text; of letters that the typeface lacks as much as they may take in another."""
    known = _widths()["700" if bold else "400"]
    return sum(known.get(letter, elsewhere(letter)) for letter in text) * size / 1000


def is_known(text: str) -> bool:
    """Whether the typeface has every letter of it."""
    return not foreign(text)


def foreign(text: str) -> str:
    """The letters of it that the typeface lacks, each once, in their order."""
    known = _widths()["400"]
    return "".join(dict.fromkeys(letter for letter in text if letter not in known))


def brief(name: str) -> str:
    """A token's name, cut where it would be too long for a label."""
    count = len(name)
    while count > 1 and (count > LABEL_CHARS or width_of(name[:count], True) > LABEL_WIDEST):
        count -= 1
    return name if count == len(name) else f"{name[: max(1, count - 1)]}…"


def wrapped(text: str, width: float, bold: bool = False, size: float = SIZE) -> list[str]:
    """Lines that are at most so wide; a word that has no room in a line goes on in the next."""
    lines, line = [], ""
    for word in (piece for one in text.split() for piece in _broken(one, width, bold, size)):
        longer = f"{line} {word}" if line else word
        if line and width_of(longer, bold, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def face(text: str) -> str:
    """The typeface as CSS that brings it along, as much of it as the text needs."""
    parts = [("latin", "")] + ([("latin-ext", RANGE)] if BEYOND_LATIN.search(text) else [])
    return "\n".join(
        f'@font-face {{ font-family: "Source Sans 3"; font-weight: 200 900; src: url({_data(name)}) format("woff2");'
        f"{only} }}"
        for name, only in parts
    )


def _broken(word: str, width: float, bold: bool, size: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width_of(pieces[-1] + letter, bold, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def elsewhere(letter: str) -> int:
    """How wide a letter that the typeface lacks may be in another, in thousandths of the letters' size."""
    if unicodedata.combining(letter):
        return 0
    return 1000 if unicodedata.east_asian_width(letter) in "WF" else 750


@cache
def _widths() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads((EXPORT / "letters.json").read_text(encoding="utf-8"))
    return found


@cache
def _data(name: str) -> str:
    data = (STATIC / "fonts" / f"source-sans-3-{name}-wght-normal.woff2").read_bytes()
    return f"data:font/woff2;base64,{base64.b64encode(data).decode()}"
