"""Reference texts: those over which a head's mean output is taken when the mean stands in for the head.

The project ships no corpus. The texts that come with it were written by the storyteller (`tools/reference_texts.py`); a
person, or an installation by its setting `reference_texts`, can give a file of others: UTF-8, one text a line.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from attention.assets import ASSETS
from attention.config import Limits
from attention.errors import InputError

BUNDLED = ASSETS / "reference_texts.txt"
MOST_BYTES, MOST_TEXTS = 1_000_000, 256
WHAT = "a file of reference texts is UTF-8, one text a line"


@dataclass(frozen=True, kw_only=True)
class ReferenceTexts:
    """Texts over which means are taken. name: which they are, in words, such as "12 texts by the storyteller"."""

    texts: tuple[str, ...]
    name: str

    @property
    def digest(self) -> str:
        """8 hexadecimal digits that change with the texts."""
        return hashlib.sha256("\n".join(self.texts).encode()).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.name} ({self.digest})"


def reference_texts(path: str | Path | None = None, limits: Limits | None = None) -> ReferenceTexts:
    """The texts of a person's file, else those that the installation's settings name, else the bundled ones.

    limits: of the installation, read from its environment where they are left out. Raises InputError for a file that is
    not there, is too large, or holds no text.
    """
    setting = (limits or Limits.from_environment()).reference_texts
    file = Path(path).expanduser() if path is not None else Path(setting).expanduser() if setting else BUNDLED
    try:
        stat = file.stat()
    except OSError as err:
        raise InputError(f"{file.name!r} cannot be read; {WHAT}.") from err
    return _read(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(file: Path, size: int, changed: int) -> ReferenceTexts:
    """The texts of a file of this size, changed at this time."""
    if size > MOST_BYTES:
        raise InputError(f"{file.name!r} has {size:,} bytes; reference texts may have {MOST_BYTES:,}.")
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"{file.name!r} cannot be read; {WHAT}.") from err
    texts = tuple(filter(None, (line.strip() for line in lines)))
    if not 0 < len(texts) <= MOST_TEXTS:
        raise InputError(f"{file.name!r} has {len(texts):,} texts; it may have 1 to {MOST_TEXTS}, one a line.")
    longest, most = max(map(len, texts)), Limits().max_characters
    if longest > most:
        raise InputError(f"{file.name!r} has a text of {longest:,} characters; each may have {most:,}.")
    count = f"{len(texts)} text{'s' * (len(texts) > 1)}"
    return ReferenceTexts(texts=texts, name=f"{count} {'by the storyteller' if file == BUNDLED else f'of {file.name}'}")
