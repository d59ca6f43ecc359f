"""One head's panels as a picture that stands still, made without a browser: an SVG that looks as the page's own does.

`panels` has the numbers, `picture` the options and places, `cells` the maps, `letters` the room that text needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from attention import sentences
from attention.browser import parts
from attention.browser.edits import of_run
from attention.export.cells import cells
from attention.export.letters import FAMILY, SIZE, brief, face, is_known, width_of, wrapped
from attention.export.panels import NAMES, Panel, labels, panel_of, stage_of
from attention.export.picture import (
    COLOURS,
    LINE,
    PAD,
    SLANT,
    TITLE,
    WIDTHS,
    Box,
    Picture,
    place,
    shown_columns,
    shown_rows,
)  # fmt: skip
from attention.figures import alt, axes
from attention.figures.palette import THEMES, Palette
from attention.view import View

if TYPE_CHECKING:
    from attention.record import HeadView

WHITE = "#ffffff"
HEADING, HEAD_LINE, BETWEEN = 15, 20, 6
# What is no Char of XML 1.0 (production 2).
NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
BASELINE = 0.78  # of the letters' size, from the top of a line
BAR, LONGEST, THIN = 8, 160, 8
CHANGED = "as the model ran it, without the page’s temperature or what is left out"


def still(head_view: HeadView, view: View, picture: Picture | None = None, *, family: str = "") -> str:
    """The picture as an XML document: the view's stage, weights and values of this head, and the pinned tokens' rows.

    Text that a person typed is escaped, and what XML cannot hold is replaced. What is not known of this head is a
    sentence in its panel's place. A check that fails is said in the picture, and both are in its description. family:
    a typeface that whoever reads it has; without it the shipped one comes along.
    """
    picture = picture or Picture()
    palette = THEMES[picture.theme]
    pinned = _pinned(head_view, view)
    panels = [panel_of(head_view, view, name) for name in picture.panels]
    rows = labels(head_view.query_tokens)
    wide = picture.units[0]
    lines = list(_head(head_view, view, picture, wide))
    top = PAD + len(lines) * HEAD_LINE + BETWEEN
    placed = panels if picture.legend else [_bare(panel) for panel in panels]
    boxes, height = place(placed, rows, picture, top)
    pieces = [
        _line(text, PAD, PAD + i * HEAD_LINE, palette, bold=bold) for i, (text, bold) in enumerate(lines)
    ]  # fmt: skip
    for panel, box in zip(placed, boxes, strict=True):
        pieces += _panel(head_view, panel, box, rows, pinned, picture, palette)
    name, said = _name(head_view), _said(head_view, view, pinned[0], picture)
    body = "\n".join(pieces)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {_size(picture, wide, height)} viewBox="0 0 {wide} {height:g}" '
        f'role="img" aria-label={quoteattr(_xml(said))} font-family={quoteattr(family or FAMILY)} font-size="{SIZE}" '
        f'fill="{palette.ink}">\n<title>{_text(name)}</title>\n<desc>{_text(said)}</desc>\n'
        + ("" if family else f"<style>{face(_xml(body))}</style>\n")
        + f'<rect width="100%" height="100%" fill="{background(picture)}"/>\n'
        f"{body}\n</svg>\n"
    )


def background(picture: Picture) -> str:
    """The colour behind everything: white on paper, the page's own in the dark."""
    return WHITE if picture.theme == "light" else THEMES[picture.theme].paper


def _size(picture: Picture, wide: float, height: float) -> str:
    """Its size on paper in millimetres, or on a screen in pixels."""
    across, down, mm, _ = WIDTHS[picture.width]
    if mm is None:
        return f'width="{across}" height="{down}"'
    return f'width="{mm}mm" height="{mm * height / wide:.3f}mm"'


def _bare(panel: Panel) -> Panel:
    """Without what it says below its map; why there is no map is always said."""
    from dataclasses import replace

    return panel if panel.z is None else replace(panel, words="")


def _pinned(head_view: HeadView, view: View) -> tuple[int, ...]:
    n_q = head_view.record.n_q
    if view.query is None or view.query >= n_q:
        return (parts.first_query(head_view),)
    return (view.query, *(query for query in view.also if query < n_q))


def _name(head_view: HeadView) -> str:
    kind = f" ({head_view.kind})" if len(head_view.trace.kinds) > 1 else ""
    return f"{sentences.title(head_view.trace.model)} · layer {head_view.layer}, head {head_view.head}{kind}"


def _checks(head_view: HeadView) -> list[tuple[bool | None, str]]:
    return [sentences.head_check(head_view.error), sentences.run_check(head_view.trace.fidelity)]


def _head(head_view: HeadView, view: View, picture: Picture, width: float) -> Iterator[tuple[str, bool]]:
    """The lines above the maps, and which are bold. What was changed, and a check that fails, are always said."""
    if picture.title:
        yield from ((line, True) for line in wrapped(_xml(_name(head_view)), width - 2 * PAD, True, HEADING))
    notes = [CHANGED] if view.temperature != 1 or view.hide else []
    notes += [_xml(changed)] if (changed := of_run(head_view)) else []
    notes += [f"⚠ {sentence}" for holds, sentence in _checks(head_view) if holds is False]
    for note in notes:
        yield from ((line, False) for line in wrapped(note, width - 2 * PAD))


def _said(head_view: HeadView, view: View, pinned: int, picture: Picture) -> str:
    """The picture in words: each panel's sentence, and both checks."""
    stage = stage_of(head_view, view)
    lengths = view.weights != "weights"
    said = {
        "scores": alt.scores(head_view, pinned, stage=stage) if stage else "",
        "weights": alt.norms(head_view, pinned, what=view.weights) if lengths else alt.weights(head_view, pinned),
        "values": alt.values(head_view, pinned, what=view.values),
    }
    checks = (f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}." for _, sentence in _checks(head_view))
    return " ".join(filter(None, (f"{_name(head_view)}.", *(said[name] for name in picture.panels), *checks)))


def _panel(
    head_view: HeadView, panel: Panel, box: Box, rows: Sequence[str], pinned: Sequence[int], picture: Picture,
    palette: Palette,
) -> Iterator[str]:  # fmt: skip
    yield _line(NAMES[panel.name], box.left, box.top - box.names - TITLE, palette, bold=True)
    below = box.top + (0 if panel.z is None else box.height + COLOURS)
    yield from (_line(line, box.left, below + i * LINE, palette) for i, line in enumerate(box.lines))
    if panel.z is None:
        return
    pins = pinned if picture.pin else ()
    yield from _columns(panel, box, palette)
    yield from _rows(rows, box, pins, palette) if box.labelled else ()
    yield cells(panel, panel.z, box, palette)
    yield from _borders(head_view, panel, box, palette)
    yield from chain.from_iterable(_pin(pin, box, len(rows), palette) for pin in pins)
    yield from _colours(panel, box, palette) if picture.legend else ()


def _rows(names: Sequence[str], box: Box, pins: Sequence[int], palette: Palette) -> Iterator[str]:
    high = box.height / len(names)
    for i in shown_rows(len(names), box.height, pins):
        y = box.top + (i + 0.5) * high
        yield _words(brief(_xml(names[i])), box.left - 5, y, palette, anchor="end", bold=i in pins)


def _columns(panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    count = len(panel.columns)
    wide = box.width / count
    if panel.name == "values":
        for i in sorted({0, count - 1}):
            yield _words(panel.columns[i], box.left + (i + 0.5) * wide, box.top - 10, palette, anchor="middle")
        return
    for i in shown_columns(count, box.width, panel.sink):
        x = box.left + (i + 0.5) * wide
        yield _words(brief(_xml(panel.columns[i])), x, box.top - 9, palette, turned=True)


def _pin(pin: int, box: Box, count: int, palette: Palette) -> Iterator[str]:
    """An outline of a row; a wedge at each side of a thin one, which leaves it in sight."""
    high = box.height / count
    y = box.top + pin * high
    if high >= THIN:
        yield (
            f'<rect class="pin" x="{box.left:g}" y="{y:.2f}" width="{box.width:g}" height="{high:.2f}" fill="none" '
            f'stroke="{palette.ink}" stroke-width="2"/>'
        )
        return
    sides = ((box.left - 1, -7), (box.left + box.width + 1, 7))
    path = "".join(f"M{x:g} {y + high / 2:.2f}l{by} -4v8z" for x, by in sides)
    yield f'<path class="pin" d="{path}" fill="{palette.ink}"/>'


def _colours(panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    """The scale below the map, with the numbers at its ends, and 0 between them."""
    numbers = [panel.low, 0, panel.high] if panel.low < 0 else [panel.low, panel.high]
    texts = [f"{number:.3g}".replace("-", "−") for number in numbers]
    before, after = width_of(texts[0]) / 2, width_of(texts[-1]) / 2
    long = min(box.width, LONGEST) - before - after
    left, top = box.left + before, box.top + box.height + 8
    name = f"hl-{palette.name}-{panel.scale}-{panel.name}"
    stops = "".join(f'<stop offset="{at:g}" stop-color="{colour}"/>' for at, colour in palette.scale(panel.scale))
    yield f'<linearGradient id="{name}">{stops}</linearGradient>'
    yield f'<rect x="{left:.2f}" y="{top:g}" width="{long:.2f}" height="{BAR}" fill="url(#{name})"/>'
    for i, text in enumerate(texts):
        yield _words(text, left + long * i / (len(texts) - 1), top + BAR + 10, palette, anchor="middle")


def _borders(head_view: HeadView, panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    """A dotted line between two texts, on each axis of tokens."""
    rows, columns = panel.z.shape if panel.z is not None else (1, 1)
    style = f'stroke="{palette.ink}" stroke-width="1.5" stroke-dasharray="1.5 3"'
    for at in axes.borders(head_view.query_tokens):
        y = box.top + (at + 0.5) * box.height / rows
        yield f'<path d="M{box.left:g} {y:.1f}h{box.width:.1f}" {style}/>'
    for at in axes.borders(head_view.key_tokens) if panel.name != "values" else ():
        x = box.left + (at + 0.5) * box.width / columns
        yield f'<path d="M{x:.1f} {box.top:g}v{box.height:.1f}" {style}/>'


# Text


def _line(text: str, left: float, top: float, palette: Palette, *, bold: bool = False) -> str:
    """A line of text with its top left corner there."""
    size = HEADING if bold else SIZE
    fill = f' font-weight="700" font-size="{size}"' if bold else f' fill="{palette.muted}"'
    return f'<text x="{left:g}" y="{top + BASELINE * size + 2:g}"{_length(text, bold, size)}{fill}>{_text(text)}</text>'


def _words(
    text: str, x: float, y: float, palette: Palette, *, anchor: str = "start", bold: bool = False, turned: bool = False
) -> str:
    """A label whose middle is at that height; `turned`: slanted upward from there."""
    at = f'transform="translate({x:.1f} {y:g}) rotate(-{SLANT})"' if turned else f'x="{x:.1f}" y="{y:.1f}"'
    more = ' font-weight="700"' if bold else ""
    return (
        f'<text {at} dy=".35em" text-anchor="{anchor}" fill="{palette.muted}"{_length(text, bold, SIZE)}{more}>'
        f"{_text(text)}</text>"
    )


def _length(text: str, bold: bool, size: float) -> str:
    """The width that the layout reckons with: in another typeface the letters are fitted to it, and nothing is cut."""
    if len(text) < 2 or not is_known(text):
        return ""
    return f' textLength="{width_of(text, bold, size):.1f}" lengthAdjust="spacingAndGlyphs"'


def _text(text: str) -> str:
    return escape(_xml(text))


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold, control characters and lone surrogates, which become U+FFFD."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
