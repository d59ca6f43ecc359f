"""How a still picture is to be, and where each map stands in it: the sizes and measures of the page's own pictures.

Lengths are units of which 14 are the smallest letters: 7 pt on paper, 26 pixels on a slide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attention.errors import InputError
from attention.export.letters import brief, width_of, wrapped

if TYPE_CHECKING:
    from attention.export.panels import Panel

DPI, INCH_MM = 300, 25.4
PAPER = DPI * 7 / 72 / 14
# Of each width: pixels across and down (None: as many as it needs), millimetres, pixels to a unit.
WIDTHS: dict[str, tuple[int, int | None, int | None, float]] = {
    "89mm": (1051, None, 89, PAPER), "183mm": (2161, None, 183, PAPER), "slide": (1920, 1080, None, 26 / 14),
}  # fmt: skip
PANELS = ("scores", "weights", "values")
THEMES = ("light", "dark")

PAD, TITLE, LINE, COLOURS, GAP, NUMBERS, BARE = 8, 24, 18, 40, 16, 26, 3
CELL, NAMED, LEAST, ENOUGH, LABEL, TICK = 24, 15, 72, 320, 15, 9
WIDEST = 1.7
# Panels stand one under another where beside each other each would be narrower.
NARROW = 200
SLANT = 55
SIN, COS = math.sin(math.radians(SLANT)), math.cos(math.radians(SLANT))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is asked for. width: "89mm" or "183mm" (one column of a paper, both) or "slide". panel: one, or "all".
    title, legend, pin: whether there is a line with the name, colours with captions, an outline of the pinned row.
    """

    width: str = "183mm"
    panel: str = "all"
    theme: str = "light"
    title: bool = True
    legend: bool = True
    pin: bool = True

    def __post_init__(self) -> None:
        for name, allowed in (("width", tuple(WIDTHS)), ("panel", (*PANELS, "all")), ("theme", THEMES)):
            if getattr(self, name) not in allowed:
                known = ", ".join(map(repr, allowed[:-1])) + f" or {allowed[-1]!r}"
                raise InputError(f"{name} is {getattr(self, name)!r}; a picture's {name} is {known}.")
        for name in ("title", "legend", "pin"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is {getattr(self, name)!r}; it says whether there is one: True or False.")

    @property
    def panels(self) -> tuple[str, ...]:
        """The names of the panels that are drawn."""
        return PANELS if self.panel == "all" else (self.panel,)

    @property
    def units(self) -> tuple[int, float | None]:
        """Its size in units; None where the height follows from what it shows."""
        across, down, _, scale = WIDTHS[self.width]
        wide = math.floor(across / scale)
        return wide, None if down is None else wide * down / across


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a map lies, in units; `names`: the room above it; `labelled`: whether its rows are named; its captions."""

    left: float
    top: float
    width: float
    height: float
    names: float
    labelled: bool
    lines: tuple[str, ...] = ()


def place(panels: Sequence[Panel], rows: Sequence[str], picture: Picture, top: float) -> tuple[list[Box], float]:
    """The panels' boxes below `top`, and the height of the picture."""
    width, height = picture.units
    room = _room(panels, rows, width)
    stacked = height is None and len(panels) > 1 and room[1] < NARROW
    groups = [[panel] for panel in panels] if stacked else [list(panels)]
    boxes: list[Box] = []
    for group in groups:
        made, top = _line(group, rows, width, top, None if height is None else height - PAD)
        boxes += made
        top += PAD if stacked else 0
    return boxes, height or math.ceil(top + PAD)


def shown_columns(count: int, width: float, sink: bool) -> list[int]:
    """The columns whose names have room; a sink's always."""
    step = max(1, math.ceil(LABEL * count / width))
    last = count - 1
    return [i for i in range(count) if (i % step == 0 and (not sink or last - i >= step)) or (sink and i == last)]


def shown_rows(count: int, height: float, pins: Sequence[int]) -> list[int]:
    """The rows whose names have room; the pinned ones always."""
    step = max(1, math.ceil(LABEL * count / height))
    return [i for i in range(count) if i in pins or (i % step == 0 and all(abs(i - pin) >= step for pin in pins))]


def _line(
    group: Sequence[Panel], rows: Sequence[str], width: float, top: float, bottom: float | None
) -> tuple[list[Box], float]:
    """The boxes of panels beside each other, and where the next line begins."""
    left, each = _room(group, rows, width)
    names = max(_above(panel) for panel in group)
    if bottom is None:
        high = max(LEAST, min(CELL * len(rows), max(each, min(NAMED * len(rows), ENOUGH))))
    else:
        most = max(len(wrapped(panel.words, each)) for panel in group)
        high = max(LEAST, min(2 * CELL * len(rows), bottom - top - TITLE - names - COLOURS - LINE * most))
    wide = min(each, math.floor(WIDEST * high)) if bottom is not None and len(group) == 1 else each
    start = left + (each - wide) // 2
    first = next((i for i, panel in enumerate(group) if panel.z is not None), 0)
    boxes = [
        Box(
            left=start + i * (each + GAP + BARE), top=top + TITLE + names, width=wide, height=high, names=names,
            labelled=i == first, lines=tuple(wrapped(panel.words, wide)),
        )
        for i, panel in enumerate(group)
    ]  # fmt: skip
    return boxes, top + TITLE + names + high + COLOURS + LINE * max(len(box.lines) for box in boxes)


def _room(group: Sequence[Panel], rows: Sequence[str], width: float) -> tuple[float, float]:
    """Left of the maps of one line, and the width of each."""
    named = any(panel.z is not None for panel in group)
    left = (math.ceil(max(width_of(brief(name), True) for name in rows)) + TICK + 6 if named else 0) + PAD

    def each(right: float) -> float:
        return math.floor((width - left - right - PAD - (len(group) - 1) * (GAP + BARE)) / len(group))

    last = group[-1]
    return left, each(_beyond(last, each(PAD)) if last.z is not None and last.name != "values" else PAD)


def _beyond(panel: Panel, width: float) -> float:
    """How far the slanted names that have room reach beyond a map of that width, on its right."""
    count = len(panel.columns)
    reach = (
        width_of(brief(panel.columns[i])) * COS - (count - 0.5 - i) * width / count
        for i in shown_columns(count, width, panel.sink)
    )
    return max(0.0, *reach) + PAD


def _above(panel: Panel) -> float:
    """What stands above a map."""
    if panel.z is None or panel.name == "values":
        return NUMBERS
    return math.ceil(max(width_of(brief(name)) for name in panel.columns) * SIN) + TICK + 12
