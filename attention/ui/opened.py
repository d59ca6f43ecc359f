"""Traces that people opened from files: kept for this process, named in a view by what the file holds.

The model of such a view is `opened:<digits>`, the first digits of the file's SHA-256. There is no model behind it: what
only a model can tell is not there, and another text leaves the file.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from attention import catalogue
from attention.browser import store
from attention.browser.heads import held
from attention.config import MEGABYTE, Limits
from attention.errors import InputError, ModelError
from attention.view import View, change, from_file, show

if TYPE_CHECKING:
    from attention.record import Trace

PREFIX, DIGITS = "opened:", 16
ARCHIVE = b"PK"  # how every zip file begins, and no JSON
TREE = b"{"  # how a view file begins, but for blanks and a byte order mark
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?", re.ASCII)
NO_MODEL = "This trace was opened from a file, without its model: {} needs the model itself."
GONE = (
    "This link shows a trace from a file that this server does not have in its memory. "
    "Ask whoever sent it for the file, and open it with Share."
)
NO_FILE = "This is neither a view (.json) nor the numbers of a trace (.npz). Choose a file that Headlight saved."
ANOTHER_TEXT = (
    "The file behind this link holds the numbers of another text. Open the file again, or choose a model for this text."
)


@dataclass(frozen=True)
class Kept:
    """One opened file: its trace, which knows what it is asked for by, and the bytes that its tensors take."""

    trace: Trace
    size: int


class Store:
    """The opened traces; those that nobody asked for longest go first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, name: str, kept: Kept, *, most: int, most_bytes: int) -> None:
        """Keep one more, within these bounds; the newest always stays."""
        with self._lock:
            self._kept[name] = self._kept.pop(name, kept)
        self.trim(most=most, most_bytes=most_bytes)

    def trim(self, *, most: int, most_bytes: int) -> None:
        """Within these bounds again, which a trace can leave as people look at it; the newest always stays."""
        with self._lock:
            while len(self._kept) > 1 and (len(self._kept) > most or self._bytes() > most_bytes):
                self._kept.popitem(last=False)

    def get(self, name: str) -> Kept | None:
        """The trace of that name, which is now the one that was used last."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def _bytes(self) -> int:
        return sum(kept.size + store.kept_bytes(kept.trace) for kept in self._kept.values())


_store = Store()


def is_opened(view: View) -> bool:
    """Whether the view is of a file."""
    return view.model.startswith(PREFIX)


def find(view: View) -> Trace | None:
    """The trace of a view of a file, None for any other view; raises where the file is not here."""
    if not is_opened(view):
        return None
    kept = _store.get(view.model)
    if kept is None:
        raise ModelError(GONE)
    if kept.trace.prompt != view.prompt:
        raise InputError(ANOTHER_TEXT)
    return kept.trace


def read(data: bytes, limits: Limits) -> View:
    """The view that a file holds or asks for; the trace of an archive is kept. Raises HeadlightErrors.

    data: a view file, or an NPZ archive of a trace.
    """
    if len(data) > limits.file_mb * MEGABYTE:
        raise InputError(f"This file has {len(data):,} bytes; at most {limits.file_mb} MB are opened here.")
    if not data.startswith(ARCHIVE):
        if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(TREE):
            raise InputError(NO_FILE)
        return from_file(data, max_characters=limits.max_characters)
    from attention.export.archive import from_npz

    opened = from_npz(data, limits)
    name = PREFIX + hashlib.sha256(data).hexdigest()[:DIGITS]
    view = replace(opened.view, model=name)
    kept = Kept(replace(opened.trace, prompt=view.prompt), held(opened.trace))
    _store.put(name, kept, most=limits.traces_in_memory, most_bytes=limits.traces_mb * MEGABYTE)
    return view


def trim(limits: Limits) -> None:
    """Let the files that nobody asked for longest go where what was made of all of them takes too much memory."""
    _store.trim(most=limits.traces_in_memory, most_bytes=limits.traces_mb * MEGABYTE)


def left(before: View, after: View) -> tuple[View, tuple[str, ...]]:
    """A change of a view, and what to say: another text leaves the file, for the model that its trace is of."""
    if not is_opened(before) or before.prompt == after.prompt:
        return after, ()
    if after.model != before.model:
        return after, ("The file was left; Undo goes back to it.",)
    model = _reader(before)
    view = replace(after, model=model) if model else change(after, model=_default(), text=after.text, pair=after.pair)
    return view, (f"The file holds the numbers of its own text alone: {show(view.model)} reads this one.",)


def refusal(view: View, what: str) -> str:
    """Why something that needs the model is not there, or "" where the view has a model."""
    return NO_MODEL.format(what) if is_opened(view) else ""


def title(view: View) -> str:
    """What the picker shows for a view of a file: the model that its trace is of."""
    kept = _store.get(view.model)
    return f"File: {kept.trace.model.name}" if kept else "File that is not here"


def _reader(view: View) -> str:
    """The model that a file's trace is of, where it may be asked for here; else ""."""
    kept, limits = _store.get(view.model), Limits.from_environment()
    name = kept.trace.model.name if kept else ""
    known = catalogue.find(name) is not None or HUB_ID.fullmatch(name) is not None
    return name if known and catalogue.is_offered(name.partition("@")[0], limits) else ""


def _default() -> str:
    return catalogue.default_model(Limits.from_environment())
