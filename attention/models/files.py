"""A stranger's folder, read with care: regular files alone, no longer than they may be, and JSON that stays a sentence.

A pipe in place of a file would hold its reader for ever, a device has no end, and a link may lead anywhere. JSON fails
in more ways than one: numbers of thousands of digits, nesting, bytes that are no text.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

# A number of a file that is shown or computed with; what is larger is no size of anything.
LARGEST = 1 << 63
# Folders inside a model's own that the library reads as well.
INNER = ("additional_chat_templates",)


class NotRegularError(OSError):
    """In place of a file lies something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(0, "it is no regular file", path.name)


def opened(path: Path) -> IO[bytes]:
    """The file, to be read; raises OSError, NotRegularError among it, and never waits for one that nobody writes."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotRegularError(path)
        return os.fdopen(number, "rb")
    except BaseException:
        with suppress(OSError):
            os.close(number)
        raise


def read(path: Path, longest: int) -> bytes:
    """All bytes of a file; raises OSError, and ValueError where it is longer than that."""
    with opened(path) as file:
        data = file.read(longest + 1)
    if len(data) > longest:
        raise ValueError(f"{path.name} is longer than {longest:,} bytes")
    return data


def parsed(data: bytes) -> Any:
    """What the JSON says; raises ValueError alone, whatever is wrong with it."""
    try:
        return json.loads(data)
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


def json_of(path: Path, longest: int) -> Any:
    """What a file of JSON says; raises OSError or ValueError."""
    return parsed(read(path, longest))


def strays(folder: Path, root: Path | None) -> Iterator[str]:
    """Names of what the library would find in a folder and that lies outside of `root`, by whatever link."""
    for path in reachable(folder):
        if root is None or not Path(os.path.realpath(path)).is_relative_to(root):  # it bears links in a circle
            yield path.relative_to(folder).as_posix()


def irregular(folder: Path) -> Iterator[str]:
    """Names of what lies in a folder and is neither a file nor a folder: pipes, sockets, devices."""
    for path in reachable(folder):
        if path.exists() and not path.is_file() and not path.is_dir():
            yield path.relative_to(folder).as_posix()


def reachable(folder: Path) -> Iterator[Path]:
    """What the library may find in a folder, by name: what lies in it, and in those of its folders that are read."""
    for path in sorted(folder.iterdir()):
        yield path
        if path.name in INNER and path.is_dir() and not path.is_symlink():
            yield from sorted(path.iterdir())
