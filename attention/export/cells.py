"""Cells as a drawing: a path a colour where they are few, one image with a pixel a cell where they are many, so that a
long text's picture stays small; what is masked is hatched.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from attention.export.panels import Panel
    from attention.export.picture import Box
    from attention.figures.palette import Palette

# Rows or columns up to which each cell is a shape of its own, with thin gaps around it.
SHAPES = 48
STEPS = 256
HATCH = "#8a857b"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def cells(panel: Panel, z: np.ndarray, box: Box, palette: Palette) -> str:
    """The map: a path a colour where cells are few, else one image; hatching where the mask forbids."""
    rows, columns = z.shape
    share = np.clip((z - panel.low) / (panel.high - panel.low or 1), 0, 1)
    masked = np.isnan(z)
    numbers = np.where(masked, 0, np.rint(np.nan_to_num(share) * (STEPS - 1))).astype(np.uint8)
    colours = _ramp(palette, panel.scale)
    at, size = f"translate({box.left:g} {box.top:g})", f"scale({box.width / columns:.6g} {box.height / rows:.6g})"
    if max(rows, columns) > SHAPES:
        data = base64.b64encode(_png(numbers, masked, colours)).decode()
        drawn = (
            f'<image width="{columns}" height="{rows}" preserveAspectRatio="none" image-rendering="pixelated" '
            f'style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
        )
    else:
        drawn = "".join(_shapes(numbers, masked, colours, box))
    return f'<g class="cells" transform="{at}"><g transform="{size}">{drawn}</g>{_hatching(masked, box)}</g>'


def _shapes(numbers: np.ndarray, masked: np.ndarray, colours: Sequence[str], box: Box) -> Iterator[str]:
    rows, columns = numbers.shape
    gap = min(1, 0.08 * min(box.width / columns, box.height / rows))
    wide, high = 1 - gap * columns / box.width, 1 - gap * rows / box.height
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
    wide, high = box.width / columns, box.height / rows
    reach = 0.22 * step * min(wide, high)
    path = "".join(
        f"M{(x + step / 2) * wide - reach:.2f} {(y + step / 2) * high + reach:.2f}l{2 * reach:.2f} -{2 * reach:.2f}"
        for y in range(0, rows, step)
        for x in range(0, columns, step)
        if masked[y : y + step, x : x + step].all()
    )
    return f'<path d="{path}" stroke="{HATCH}" stroke-width=".8" fill="none"/>'


def _ramp(palette: Palette, scale: str) -> list[str]:
    """256 colours of a scale, even between its stops."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in palette.scale(scale)])
    at = np.linspace(0, len(stops) - 1, STEPS)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)], axis=1)
    return ["#" + "".join(f"{round(channel):02x}" for channel in colour) for colour in mixed]


def _png(numbers: np.ndarray, masked: np.ndarray, colours: Sequence[str]) -> bytes:
    """(rows, columns) colour numbers as a picture of one pixel each; masked ones are transparent."""
    table = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours], dtype=np.uint8)
    return packed(np.concatenate([table[numbers], np.where(masked, 0, 255).astype(np.uint8)[..., None]], axis=-1))


def packed(pixels: np.ndarray) -> bytes:
    """uint8 (rows, columns, 4), with how solid each is last, as a PNG."""
    rows, columns = pixels.shape[:2]
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(name, data) for name, data in chunks)


def unpacked(png: bytes) -> np.ndarray:
    """The pixels of what `packed` made; of no other PNG."""
    start = len(SIGNATURE) + 8
    columns, rows = struct.unpack(">II", png[start : start + 8])
    data = zlib.decompressobj().decompress(png[png.index(b"IDAT") + 4 :])
    return np.frombuffer(data, np.uint8).reshape(rows, 1 + 4 * columns)[:, 1:].reshape(rows, columns, 4)


def chunk(name: bytes, data: bytes) -> bytes:
    """One piece of a PNG, with its length and its sum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
