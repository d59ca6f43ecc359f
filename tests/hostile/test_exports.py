"""What leaves Headlight with a nasty text in it: tables, pictures, pages and notebooks' outputs.

Each is read by a parser that is not ours. `SURFACES` makes them; a new kind of file belongs into it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import attention
from attention.errors import HeadlightError
from attention.export.interactive import interactive
from attention.export.still import still
from attention.export.table import to_csv
from attention.record import HeadView, Trace
from attention.view import View
from tests.hostile.test_texts import LIMITS
from tests.hostile.texts import FORMULAS, MARKUP, PLOTLY, texts

SEED, SOME, FEW = 77, 60, 6
# What a spreadsheet takes for a formula, also behind white space; a number may begin with a sign.
FORMULA = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"-?[\d.]+(e[+-]?\d+)?")


def traced(text: str) -> tuple[Trace, View] | None:
    view = View(model="local", text=text)
    try:
        return attention.trace("local", view.text, limits=LIMITS), view
    except HeadlightError:  # nothing leaves of what is not shown
        return None


@cache
def some(count: int) -> list[tuple[Trace, View]]:
    """Runs of the worst, and of some from a seed."""
    wanted = (*MARKUP[:3], *PLOTLY[:2], *FORMULAS[:6], *texts(SEED, 10 * count))
    return [made for text in wanted[: 2 * count] if (made := traced(text))][:count]


class Elements(HTMLParser):
    """Names of elements; which of their attributes lead somewhere or run something; what scripts are."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.bad: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            if name.startswith("on") or re.match(r"\s*(javascript:|https?://elsewhere)", value or "", re.IGNORECASE):
                self.bad.append(f"<{tag} {name}={value}>")


def check_csv(head: HeadView, view: View) -> None:
    for what in ("weights", "pairs", "output"):
        rows = list(csv.reader(io.StringIO(to_csv(head, what).removeprefix("\ufeff")), strict=True))
        assert len({len(row) for row in rows}) == 1, "no text breaks out of its cell"
        for one in (one for row in rows for one in row):
            assert NUMBER.fullmatch(one) or not FORMULA.match(one), (one, view.text[:200])


def check_svg(head: HeadView, view: View) -> None:
    root = ElementTree.fromstring(still(head, view))
    for one in root.iter():
        assert one.tag.rpartition("}")[2] not in ("script", "foreignObject", "a", "iframe", "use"), view.text[:200]
        for name, value in one.attrib.items():
            assert not name.startswith("on"), view.text[:200]
            assert "href" not in name or value.startswith(("data:image/png", "#")), (name, value[:80])


def check_page(head: HeadView, view: View) -> None:
    page = interactive(head.trace, view).decode()
    benign = interactive(head.trace, View(model="local", text="one two")).decode()
    found = Elements(page)
    assert found.names <= Elements(benign).names | {"bdi"}, (found.names, view.text[:200])
    assert found.bad == []


def check_notebook(head: HeadView, view: View) -> None:
    for name, body in head._repr_mimebundle_().items():
        if "html" in name or "svg" in name:
            found = Elements(body)
            assert not found.names & {"object", "embed", "base", "form", "math", "x-y", "meta"}, view.text[:200]
            assert found.bad == [], (found.bad, view.text[:200])


SURFACES: dict[str, tuple[Callable[[HeadView, View], None], int]] = {
    "table": (check_csv, SOME), "picture": (check_svg, SOME), "page": (check_page, FEW),
    "notebook": (check_notebook, FEW),
}  # fmt: skip


@pytest.mark.parametrize("surface", SURFACES)
def test_each_surface(surface: str) -> None:
    check, count = SURFACES[surface]
    made = some(count)
    assert len(made) == count
    for trace, view in made:
        check(trace.head(0, 0), view)


def test_the_checks_find_what_they_look_for() -> None:
    assert Elements(MARKUP[2]).bad
    assert Elements(MARKUP[9]).bad
    assert all(FORMULA.match(one) for one in FORMULAS[:6])
