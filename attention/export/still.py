"""One head's three panels as a picture that stands still: an SVG of scores, weights and values, made without a browser.

Numbers and colours are those of `figures`; cells are drawn one by one where they are few, and as one image with a pixel
a cell where they are many, so that a long text's picture stays small.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from attention.errors import HeadlightError
from attention.export.shown import cut, text_of
from attention.figures import alt, axes
from attention.figures.palette import DARK, LIGHT, Palette
from attention.payloads import parts, words
from attention.view import STAGE_LABELS, VALUES_LABELS, WEIGHTS_LABELS, View

if TYPE_CHECKING:
    from attention.record import HeadView, Token

WIDTH = 1080
LEAST_WIDTH = 480
PAD, GAP = 20, 22
TITLE, HEADING, FOOT, CHECKS, LINE = 52, 26, 30, 44, 18
CELL, TALLEST = 24, 460
# Rows or columns up to which each cell is a shape of its own, with thin gaps around it.
SHAPES = 32
# Pixels that a label needs for itself, along its axis.
LABEL = 15
STEPS = 256
HATCH = "#8a857b"
FONT = "'Source Sans 3', 'Source Sans Pro', system-ui, -apple-system, 'Segoe UI', sans-serif"
NAMES = {"scores": "Scores", "weights": "Weights", "values": "Weighted values"}
CHANGED = "as the model ran it, without the page’s temperature or what is left out"
LONGEST = 110


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One map. z (rows, columns) float32, NaN where masked, None where `reason` says why there is none."""

    name: str
    step: str
    caption: str
    z: np.ndarray | None = None
    low: float = 0.0
    high: float = 1.0
    scale: str = "weights"
    columns: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a map lies, in the picture's units."""

    left: float
    top: float
    width: float
    height: float


def still(head_view: HeadView, view: View, *, dark: bool = False, width: int = WIDTH) -> str:
    """The picture as an XML document: the view's stage, weights and values of this head, and the pinned token's row.

    width: in CSS pixels, at least 480; the height follows from the number of tokens. Text that a person typed is
    escaped, and what XML cannot hold is replaced. What is not known of this head is a sentence in its panel's place.
    """
    palette = DARK if dark else LIGHT
    pinned = _pinned(head_view, view)
    panels = [_scores(head_view, view), _weights(head_view, view), _values(head_view, view)]
    body, height = _drawn(head_view, view, panels, pinned, palette, max(LEAST_WIDTH, width))
    name, said = _name(head_view), _said(head_view, view, pinned)
    wide = max(LEAST_WIDTH, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{height:g}" viewBox="0 0 {wide} {height:g}" '
        f'role="img" aria-label={quoteattr(_xml(said))} font-family={quoteattr(FONT)} font-size="14" '
        f'fill="{palette.ink}">\n<title>{_text(name)}</title>\n<desc>{_text(said)}</desc>\n'
        f'<rect width="100%" height="100%" fill="{palette.paper}"/>\n{body}</svg>\n'
    )


def _pinned(head_view: HeadView, view: View) -> int:
    n_q = head_view.record.n_q
    return view.query if view.query is not None and view.query < n_q else parts.first_query(head_view)


def _name(head_view: HeadView) -> str:
    kind = f", {head_view.kind}" if len(head_view.trace.kinds) > 1 else ""
    return f"{words.title(head_view.trace.model)}: layer {head_view.layer}, head {head_view.head}{kind}"


def _said(head_view: HeadView, view: View, pinned: int) -> str:
    """The picture in words: each panel's sentence."""
    stage = _stage(head_view, view)
    sentences = [
        f"{_name(head_view)}.",
        alt.scores(head_view, pinned, stage=stage) if stage else "",
        alt.weights(head_view, pinned)
        if view.weights == "weights"
        else alt.norms(head_view, pinned, what=view.weights),
        alt.values(head_view, pinned, what=view.values),
    ]
    return " ".join(filter(None, sentences))


# The numbers


def _stage(head_view: HeadView, view: View) -> str:
    """The stage that is shown, or where this head lacks it its last one before the weights; or ""."""
    known = [name for name, _ in head_view.stages if name in STAGE_LABELS]
    return view.stage if view.stage in known else (known[-1] if known else "")


def _scores(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    stage = _stage(head_view, view)
    if not stage:
        reason = "The scores of this head are not known: only its weights were given."
        return Panel(name="scores", step="", caption="", reason=reason)
    z = head_view.stage(stage)
    z = np.where(np.isneginf(z), np.float32(np.nan), z)
    limit, note = heatmaps.symmetric(z)
    return Panel(
        name="scores", step=STAGE_LABELS[stage], caption=note or parts.CAPTIONS["scores"], z=z, low=-limit, high=limit,
        scale="scores", columns=_labels(head_view.key_tokens),
    )  # fmt: skip


def _weights(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    names, step, caption = _labels(head_view.key_tokens), WEIGHTS_LABELS[view.weights], parts.CAPTIONS[view.weights]
    if view.weights == "weights":
        z = heatmaps.shown_weights(head_view)
        names = (*names, heatmaps.SINK) if z.shape[1] > len(names) else names
        return Panel(name="weights", step=step, caption=caption, z=z, columns=names)
    try:
        trace = heatmaps.norms(head_view, what=view.weights).data[0]
    except HeadlightError as err:
        return Panel(name="weights", step=step, caption=caption, reason=str(err))
    return Panel(
        name="weights", step=step, caption=caption, z=trace.z, low=trace.zmin, high=trace.zmax,
        scale=trace.meta["scale"], columns=names,
    )  # fmt: skip


def _values(head_view: HeadView, view: View) -> Panel:
    from attention.figures import heatmaps

    step, caption = VALUES_LABELS[view.values], parts.CAPTIONS[view.values]
    try:
        trace = heatmaps.values(head_view, what=view.values).data[0]
    except HeadlightError as err:
        return Panel(name="values", step=step, caption=caption, reason=str(err))
    last = trace.z.shape[1] - 1
    columns = tuple(str(i) if i in (0, last) else "" for i in range(last + 1))
    return Panel(
        name="values", step=step, caption=caption, z=trace.z, low=trace.zmin, high=trace.zmax, scale="values",
        columns=columns,
    )  # fmt: skip


def _labels(tokens: Sequence[Token]) -> tuple[str, ...]:
    from attention.tokens import label

    return tuple(label(token, axes.LABEL_CHARS) for token in tokens)


# The drawing


def _drawn(
    head_view: HeadView, view: View, panels: list[Panel], pinned: int, palette: Palette, width: int
) -> tuple[str, float]:
    rows = _labels(head_view.query_tokens)
    slanted = [panel.columns for panel in panels if panel.name != "values"]
    left = PAD + axes.label_width(rows)
    beside = max((axes.label_overhang(names) for names in slanted if names), default=4)
    each = (width - left - PAD - 2 * max(GAP, beside)) / 3
    top = TITLE + HEADING + max(axes.label_height(names) for names in slanted)
    height = min(CELL * len(rows), TALLEST, max(3 * CELL, each))
    boxes = [
        Box(left=left + place * (each + max(GAP, beside)), top=top, width=each, height=height) for place in range(3)
    ]
    pieces = [*_title(head_view, view, palette, width), *_rows(rows, boxes[0], pinned, palette)]
    for panel, box in zip(panels, boxes, strict=True):
        pieces += _panel(panel, box, pinned, palette)
        pieces += _borders(head_view, panel, box, palette)
    below = top + height + FOOT
    pieces += _checks(head_view, palette, below + LINE)
    return "\n".join(pieces) + "\n", below + CHECKS + PAD / 2


def _title(head_view: HeadView, view: View, palette: Palette, width: int) -> Iterator[str]:
    most = max(20, int((width - 2 * PAD) / 8))
    yield f'<text x="{PAD}" y="26" font-size="17" font-weight="700">{_text(_name(head_view))}</text>'
    text = text_of(head_view.trace, view)
    note = f" ({CHANGED})" if view.temperature != 1 or view.hide else ""
    yield f'<text x="{PAD}" y="45" fill="{palette.muted}">{_text(cut(" ".join(text.split()), most) + note)}</text>'


def _rows(names: Sequence[str], box: Box, pinned: int, palette: Palette) -> Iterator[str]:
    step = max(1, -(-LABEL * len(names) // max(1, int(box.height))))
    high = box.height / len(names)
    for place, name in enumerate(names):
        if place != pinned and (place % step or abs(place - pinned) < step):
            continue
        y = box.top + (place + 0.5) * high
        bold = ' font-weight="700"' if place == pinned else ""
        yield (
            f'<text x="{box.left - 8:g}" y="{y:.1f}" dy=".35em" text-anchor="end" fill="{palette.muted}"{bold}>'
            f"{_text(name)}</text>"
        )


def _panel(panel: Panel, box: Box, pinned: int, palette: Palette) -> Iterator[str]:
    y = TITLE + HEADING - 8
    yield (
        f'<text x="{box.left:g}" y="{y}" font-size="16" font-weight="700">{NAMES[panel.name]}'
        f'<tspan font-size="13" font-weight="400" dx="8" fill="{palette.muted}">{_text(panel.step)}</tspan></text>'
    )
    if panel.z is None:
        yield from _wrapped(panel.reason, box, palette)
        return
    yield from _columns(panel, box, palette)
    yield _cells(panel, panel.z, box, palette)
    high = box.height / panel.z.shape[0]
    yield (
        f'<rect x="{box.left - 1:g}" y="{box.top + pinned * high - 1:.2f}" width="{box.width + 2:.2f}" '
        f'height="{max(high, 2) + 2:.2f}" fill="none" stroke="{palette.ink}" stroke-width="2"/>'
    )
    yield from _legend(panel, box, palette)


def _columns(panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    wide = box.width / len(panel.columns)
    if panel.name == "values":
        for place, name in enumerate(panel.columns):
            if name:
                x = box.left + (place + 0.5) * wide
                yield f'<text x="{x:.1f}" y="{box.top - 8:g}" text-anchor="middle" fill="{palette.muted}">{name}</text>'
        return
    step = max(1, -(-LABEL * len(panel.columns) // max(1, int(box.width))))
    for place in range(0, len(panel.columns), step):
        x = box.left + (place + 0.5) * wide
        yield (
            f'<text transform="translate({x:.1f} {box.top - 8:g}) rotate(-{axes.SLANT})" dy=".35em" '
            f'fill="{palette.muted}">{_text(panel.columns[place])}</text>'
        )


def _cells(panel: Panel, z: np.ndarray, box: Box, palette: Palette) -> str:
    """The map: a path a colour where cells are few, else one image; hatching where the mask forbids."""
    rows, columns = z.shape
    share = np.clip((z - panel.low) / (panel.high - panel.low or 1), 0, 1)
    masked = np.isnan(z)
    numbers = np.where(masked, 0, np.rint(np.nan_to_num(share) * (STEPS - 1))).astype(np.uint8)
    colours = _ramp(palette, panel.scale)
    frame = f'transform="translate({box.left:g} {box.top:g}) scale({box.width / columns:.6g} {box.height / rows:.6g})"'
    if max(rows, columns) > SHAPES:
        data = base64.b64encode(_png(numbers, masked, colours)).decode()
        drawn = (
            f'<image width="{columns}" height="{rows}" preserveAspectRatio="none" image-rendering="pixelated" '
            f'style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
        )
    else:
        drawn = "".join(_shapes(numbers, masked, colours, box))
    return f"<g {frame}>{drawn}{_hatching(masked, box)}</g>"


def _shapes(numbers: np.ndarray, masked: np.ndarray, colours: Sequence[str], box: Box) -> Iterator[str]:
    rows, columns = numbers.shape
    wide, high = 1 - columns / box.width, 1 - rows / box.height
    for number in np.unique(numbers[~masked]):
        places = np.argwhere((numbers == number) & ~masked)
        path = "".join(f"M{x} {y}h{wide:.3g}v{high:.3g}h-{wide:.3g}z" for y, x in places)
        yield f'<path fill="{colours[number]}" d="{path}"/>'


def _hatching(masked: np.ndarray, box: Box) -> str:
    """A short stroke in each masked cell, or one a patch of them where cells are small."""
    if not masked.any():
        return ""
    rows, columns = masked.shape
    step = max(1, -(-max(rows, columns) // SHAPES))
    reach = 0.22 * step
    path = "".join(
        f"M{x + step / 2 - reach:.4g} {y + step / 2 + reach:.4g}l{2 * reach:.3g} -{2 * reach:.3g}"
        for y in range(0, rows, step)
        for x in range(0, columns, step)
        if masked[y : y + step, x : x + step].all()
    )
    return (
        f'<path d="{path}" stroke="{HATCH}" stroke-opacity=".6" fill="none" vector-effect="non-scaling-stroke" '
        'stroke-width="1"/>'
    )


def _legend(panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    y = box.top + box.height + 18
    low, high = (f"{end:.3g}".replace("-", "−") for end in (panel.low, panel.high))
    name = f"hl-{palette.name}-{panel.scale}"
    stops = "".join(f'<stop offset="{at:g}" stop-color="{colour}"/>' for at, colour in palette.scale(panel.scale))
    room = box.width - 8 * (len(low) + len(high)) - 66
    yield f'<linearGradient id="{name}">{stops}</linearGradient>'
    yield (
        f'<text x="{box.left:g}" y="{y:g}" font-size="13" fill="{palette.muted}">'
        f"{_text(cut(panel.caption, max(8, int(room / 7.2))))}</text>"
    )
    right = box.left + box.width
    yield f'<text x="{right:g}" y="{y:g}" font-size="13" text-anchor="end" fill="{palette.muted}">{_text(high)}</text>'
    bar = right - 8 * len(high) - 44
    yield f'<rect x="{bar:g}" y="{y - 9:g}" width="40" height="8" rx="2" fill="url(#{name})"/>'
    yield f'<text x="{bar - 5:g}" y="{y:g}" font-size="13" text-anchor="end" fill="{palette.muted}">{_text(low)}</text>'


def _borders(head_view: HeadView, panel: Panel, box: Box, palette: Palette) -> Iterator[str]:
    """A dotted line between two texts, on each axis of tokens."""
    if panel.z is None:
        return
    rows, columns = panel.z.shape
    style = f'stroke="{palette.ink}" stroke-width="1.5" stroke-dasharray="1.5 3"'
    for at in axes.borders(head_view.query_tokens):
        y = box.top + (at + 0.5) * box.height / rows
        yield f'<path d="M{box.left:g} {y:.1f}h{box.width:.1f}" {style}/>'
    for at in axes.borders(head_view.key_tokens) if panel.name != "values" else ():
        x = box.left + (at + 0.5) * box.width / columns
        yield f'<path d="M{x:.1f} {box.top:g}v{box.height:.1f}" {style}/>'


def _wrapped(reason: str, box: Box, palette: Palette) -> Iterator[str]:
    """A sentence in the place of a map, in lines that fit."""
    import textwrap

    for place, line in enumerate(textwrap.wrap(reason, max(16, int(box.width / 7)))):
        yield f'<text x="{box.left:g}" y="{box.top + 16 + 19 * place:g}" fill="{palette.muted}">{_text(line)}</text>'


def _checks(head_view: HeadView, palette: Palette, y: float) -> Iterator[str]:
    """Both checks in words, each with its sign."""
    signs = {True: ("✓", palette.good), False: ("⚠", palette.bad), None: ("–", palette.muted)}
    checks = (words.head_check(head_view.error), words.run_check(head_view.trace.fidelity))
    for place, (holds, sentence) in enumerate(checks):
        sign, colour = signs[holds]
        yield (
            f'<text x="{PAD}" y="{y + LINE * place:g}" font-size="13" font-weight="600" fill="{colour}">'
            f"{sign} {_text(sentence)}</text>"
        )


def _ramp(palette: Palette, scale: str) -> list[str]:
    """256 colours of a scale, even between its stops."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in palette.scale(scale)])
    at = np.linspace(0, len(stops) - 1, STEPS)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)], axis=1)
    return ["#" + "".join(f"{round(channel):02x}" for channel in colour) for colour in mixed]


def _png(numbers: np.ndarray, masked: np.ndarray, colours: Sequence[str]) -> bytes:
    """(rows, columns) colour numbers as a picture of one pixel each; masked ones are transparent."""
    table = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours], dtype=np.uint8)
    pixels = np.concatenate([table[numbers], np.where(masked, 0, 255).astype(np.uint8)[..., None]], axis=-1)
    rows, columns = numbers.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _text(text: str) -> str:
    return escape(_xml(text))


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold, control characters and lone surrogates, which become U+FFFD."""
    return "".join(letter if _holds(ord(letter)) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _holds(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
