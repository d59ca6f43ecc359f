"""A trace, or one head of it, to a file of the kind that its name ends in, and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention.config import MEGABYTE, Limits
from attention.errors import HeadlightWarning, InputError
from attention.export.endings import ENDINGS, ONE_HEAD, PICTURES, ending_of, refuse_without_means
from attention.export.shown import on_show
from attention.prompt import MAX_MODEL, Prompt
from attention.record import HeadView, Trace
from attention.view import View

if TYPE_CHECKING:
    from attention.export.picture import Picture
    from attention.record import Token

BLANK = "___"
MOST_NAMED = 8


def write(
    trace_or_head: Trace | HeadView, path: Path, view: View | None, what: str, picture: Picture | None = None
) -> Path:
    """Write the file; see `attention.save`. Raises InputError; what is to be written is made before the file is."""
    ending = ending_of(path)
    refuse_without_means(path)
    if picture is not None and ending not in PICTURES:
        raise InputError(
            f"width, panel, theme, title, legend and pin are of a picture; {path.name!r} is {ENDINGS[ending]}."
        )
    if isinstance(trace_or_head, HeadView):
        trace, head = trace_or_head.trace, trace_or_head
    elif isinstance(trace_or_head, Trace):
        trace, head = trace_or_head, None
    else:
        raise InputError(f"save takes a Trace or a HeadView; got {type(trace_or_head).__name__}.")
    if head is None and view is None and ending in ONE_HEAD:
        raise InputError(f"{ending} is {ONE_HEAD[ending]} of one head: give trace.head(layer, head), or view=.")
    if view is None:
        view = view_of(trace, head)
    else:
        view = view if head is None else replace(view, **_place(head))
        named = on_show(trace, view)  # raises where the trace lacks what the view names
        head = head or named
    content, boxed = _content(trace, head or _first(trace), view, ending, what, picture)
    _put(path, content)
    if boxed:
        warnings.warn(_of_boxes(path, boxed), HeadlightWarning, stacklevel=3)  # where `attention.save` was called
    return path


def read(path: Path, limits: Limits | None) -> Trace:
    """The trace in a .npz file; see `attention.load`. Raises InputError."""
    from attention.export.archive import MOST_ABOUT, from_npz

    if path.suffix.lower() != ".npz":
        raise InputError(f"{path} does not end in .npz, the one kind of file that is read back.")
    try:
        most = (limits or Limits()).file_mb
        if path.stat().st_size > most * MEGABYTE:
            raise InputError(f"{path.name} is larger than the {most} MB that are read; give limits with more file_mb.")
        data = path.read_bytes()
    except OSError as err:
        raise InputError(f"{path} cannot be read: {err.strerror or err}.") from err
    # Characters are a limit of what is typed; here the file's size and its tokens count.
    return from_npz(data, limits and replace(limits, max_characters=MOST_ABOUT)).trace


def _of_boxes(path: Path, letters: str) -> str:
    """What is said where no font has some letters."""
    shown = ", ".join(f"“{letter}” (U+{ord(letter):04X})" for letter in letters[:MOST_NAMED])
    more = f" and {len(letters) - MOST_NAMED} more" if len(letters) > MOST_NAMED else ""
    return (
        f"No font on this computer has {shown}{more}: boxes stand for them in {path.name}. Install one that does, or "
        "save an .svg, which is drawn with the fonts of whoever opens it."
    )


def view_of(trace: Trace, head: HeadView | None) -> View:
    """The view that a file opens on where none is given: this head, or the trace's first."""
    return View(
        model=(trace.model.name.strip() or trace.model.architecture)[:MAX_MODEL],
        text=text_of(tuple(token for token in trace.tokens if token.segment == 0)),
        pair=text_of(trace.pair_tokens or tuple(token for token in trace.tokens if token.segment == 1)),
        settings=(trace.prompt or Prompt()).settings,
        **_place(_first(trace) if head is None else head),
    )


def _place(head: HeadView) -> dict[str, Any]:
    """Where a view finds this head; it names the first operation of a layer, whichever the head is of."""
    kind = "" if head.kind == head.trace.default_kind else head.kind
    return {"kind": kind, "layer": head.layer, "head": head.head}


def text_of(tokens: tuple[Token, ...]) -> str:
    """The text that tokens were cut from, as far as they tell: white space is a space; without places, words apart."""
    if any(token.span is None and not token.special for token in tokens):
        return " ".join(str(token) for token in tokens if not token.special)
    text = ""
    for token in tokens:
        if token.span is not None and (token.part is None or token.part[0] == 0):  # several may share one character
            start, stop = token.span
            text = text.ljust(start) + (BLANK if token.special else token.text).ljust(stop - start)
    return text


def _first(trace: Trace) -> HeadView:
    return trace.head(min(trace.records()), 0)


def _content(
    trace: Trace, head: HeadView, view: View, ending: str, what: str, picture: Picture | None
) -> tuple[bytes, str]:
    """What is written, and the letters in it that no font here has."""
    if ending in PICTURES:
        return _drawn(head, view, picture, ending)
    made = _MAKERS[ending](trace, head, view, what)
    return made.encode("utf-8") if isinstance(made, str) else made, ""


def _html(trace: Trace, head: HeadView, view: View, what: str) -> bytes:
    from attention.export.interactive import interactive

    return interactive(trace, view)


def _json(trace: Trace, head: HeadView, view: View, what: str) -> str:
    from attention.export.document import of_head

    return of_head(head, view)


def _npz(trace: Trace, head: HeadView, view: View, what: str) -> bytes:
    from attention.export.archive import to_npz

    return to_npz(trace, view)


def _drawn(head: HeadView, view: View, picture: Picture | None, ending: str) -> tuple[bytes, str]:
    from attention.export.picture import Picture
    from attention.export.still import still

    picture = picture or Picture()
    if ending == ".svg":
        return still(head, view, picture).encode("utf-8"), ""

    from attention.export.letters import UNPACKED
    from attention.export.pdf import to_pdf
    from attention.export.png import boxed, to_png

    svg = still(head, view, picture, family=UNPACKED)
    return to_png(svg, picture) if ending == ".png" else to_pdf(svg), boxed(svg)


def _csv(trace: Trace, head: HeadView, view: View, what: str) -> str:
    from attention.export.table import to_csv

    return to_csv(head, what)


_MAKERS: dict[str, Callable[[Trace, HeadView, View, str], bytes | str]] = {
    ".html": _html, ".json": _json, ".npz": _npz, ".csv": _csv,
}  # fmt: skip


def _put(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as err:
        raise InputError(f"{path} cannot be written: {err.strerror or err}.") from err
