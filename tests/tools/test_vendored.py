"""What others made and we ship: it is the version that it should be, and its licence lies beside it."""

import re
from pathlib import Path

import plotly.offline
import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
FONTS = sorted((STATIC / "fonts").glob("*.woff2"))
FONT_BYTES = 200_000


def header_version(script: str) -> str:
    """The version that plotly.js names in its header; raises ValueError where there is none."""
    found = re.search(r"^\* plotly\.js \(cartesian - minified\) v(\d+\.\d+\.\d+)$", script[:500], re.MULTILINE)
    if found is None:
        raise ValueError("this is not plotly's cartesian bundle")
    return found[1]


def test_plotly_js_is_the_python_packages_own_version() -> None:
    script = (STATIC / "plotly-cartesian.min.js").read_text(encoding="utf-8")
    assert header_version(script) == plotly.offline.get_plotlyjs_version()


def test_the_version_is_read_not_guessed() -> None:
    assert header_version("/**\n* plotly.js (cartesian - minified) v1.2.3\n") == "1.2.3"
    with pytest.raises(ValueError, match="not plotly's cartesian bundle"):
        header_version("/**\n* plotly.js v1.2.3\n")


def test_fonts_are_woff2_and_small() -> None:
    assert len(FONTS) == 2
    assert all(font.read_bytes()[:4] == b"wOF2" for font in FONTS)
    assert sum(font.stat().st_size for font in FONTS) <= FONT_BYTES


@pytest.mark.parametrize(
    ("path", "words"),
    [("plotly.LICENSE", "MIT License"), ("fonts/OFL.txt", "SIL OPEN FONT LICENSE Version 1.1")],
)
def test_licences_lie_beside(path: str, words: str) -> None:
    assert words in (STATIC / path).read_text(encoding="utf-8")
