"""How much memory a model will need, and how much there is: known before any of its weights is fetched or read.

There are two bounds: what the machine and its container have left, and the ceiling that a host sets for this process.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from pathlib import Path

from attention.config import MEGABYTE
from attention.errors import ModelError, NotNowError
from attention.models.build import DTYPES
from attention.models.card import ModelCard
from attention.models.reference import ModelRef

BYTES = {"float32": 4, "bfloat16": 2, "float64": 8}
UNBOUNDED = 1 << 60  # a control group without a limit may say so with a huge number
PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def needed(card: ModelCard) -> int:
    """Bytes of the weights in the type that they are loaded in; of the files, where that is how they are kept."""
    dtype = DTYPES.get(card.dtype)
    return card.weight_bytes if dtype is None else card.parameters * BYTES[dtype]


def check(ref: ModelRef, card: ModelCard, freed: int = 0) -> None:
    """Raise ModelError where the memory is too small; `freed`: bytes that others give back before this is loaded."""
    free = available()
    if free is None or needed(card) <= free + freed:
        return
    dtype = DTYPES.get(card.dtype)
    raise NotNowError(
        f"There is not enough memory for {ref.id}: it needs {needed(card) / MEGABYTE:,.0f} MB"
        f"{f' as {dtype}' if dtype else ''}, and {(free + freed) / MEGABYTE:,.0f} MB are free; choose a smaller model, "
        "or close other programs and try again."
    )


def check_ceiling(ref: ModelRef, card: ModelCard, ceiling: int, freed: int = 0) -> None:
    """Raise ModelError where this process would pass its ceiling (bytes, 0: none) even after `freed` bytes were given
    back.
    """
    if not ceiling:
        return
    need, rest = needed(card), max(used() - freed, 0)
    if need + rest <= ceiling:
        return
    said = f"{ref.id} needs {need / MEGABYTE:,.0f} MB of memory, and this installation allows {ceiling / MEGABYTE:,.0f}"
    if need > ceiling:
        raise ModelError(f"{said}; choose a smaller model.")
    raise NotNowError(
        f"There is not enough memory for it here: {said} in all, of which {rest / MEGABYTE:,.0f} are taken; choose a "
        "smaller model, or try again in a while."
    )


def used() -> int:
    """Bytes of memory that this process takes now; 0 where nothing says so."""
    words = "".join(_lines(PROC / "self" / "statm")).split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if len(words) > 1 else 0


def give_back() -> None:
    """Return what was freed to the system: models are held in circles, and the C library keeps freed pages."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # glibc alone has it
        trim(0)


def available() -> int | None:
    """Bytes that this process may still take, by the machine and by its container; None where nothing says so."""
    found = [_machine(), *_groups()]
    return min((free for free in found if free is not None), default=None)


def _machine() -> int | None:
    for line in _lines(PROC / "meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:  # elsewhere all that the machine has: more than that can never be loaded
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no such table
        return None


def _groups() -> Iterator[int]:
    """What is left in each control group around this process."""
    for line in _lines(PROC / "self" / "cgroup"):
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            yield from _walk(GROUPS, name, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
            yield from _walk(GROUPS / "memory", name, limit, used, "total_inactive_file")


def _walk(root: Path, name: str, limit: str, used: str, cached: str) -> Iterator[int]:
    """From a group up to the root; in a container the path may be the host's, and then only the root is here."""
    inner = root / name.strip().lstrip("/")
    for group in (inner, *inner.parents):
        most, taken = _number(group / limit), _number(group / used)
        if most is not None and taken is not None and most < UNBOUNDED:
            yield max(most - max(taken - _stat(group, cached), 0), 0)
        if group == root:
            return


def _stat(group: Path, name: str) -> int:
    """Bytes of files that the system keeps in the memory and gives up when they are needed."""
    found = (line.split() for line in _lines(group / "memory.stat"))
    return next((int(words[1]) for words in found if words[0] == name), 0)


def _number(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
