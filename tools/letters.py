"""The widths of the shipped typeface's letters, for pictures that are made without a browser.

`python -m tools.letters` writes assets/export/letters.json: by weight, the advance of each letter in thousandths of the
letters' size. It needs fontTools, which is pinned in requirements-dev.txt.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FONTS = sorted((ROOT / "static" / "fonts").glob("*.woff2"))
TABLE = ROOT / "assets" / "export" / "letters.json"
WEIGHTS = (400, 700)


def widths(weight: int) -> dict[str, int]:
    """Each letter's advance in that weight; both files together."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    found: dict[str, int] = {}
    for path in FONTS:
        font = instantiateVariableFont(TTFont(path), {"wght": weight})
        scale = 1000 / font["head"].unitsPerEm
        found |= {chr(code): round(font["hmtx"][name][0] * scale) for code, name in font.getBestCmap().items()}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    TABLE.write_text(json.dumps({str(weight): widths(weight) for weight in WEIGHTS}, ensure_ascii=True) + "\n")
