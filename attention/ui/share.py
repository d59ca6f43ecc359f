"""The share panel: the link, pictures of what is on screen, files of what is shown, and files to open.

It stays open over reruns of the page until it is closed, or a file was opened. Links, pictures and tables are made in
the browser, from what it shows; files with numbers are made here, when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from attention.browser import codec, parts, qr, store
from attention.config import Limits
from attention.errors import HeadlightError
from attention.jobs import shared_queue
from attention.ui import boundary, components, opened, rotary_pairs, sizes, state, traces, uploads
from attention.ui.runs import person, sit
from attention.view import View, fits_address, to_file

if TYPE_CHECKING:
    from attention.record import HeadView, Trace

OPEN, PROBLEM = "headlight.share", "headlight.share.problem"
FILES, LONG_FILE = "headlight.share.files", "headlight.share.long"
FILE = "share-file"
LINK, CODE = "share-link", "headlight.share.code"
NAME_CHARS = 40
Make = Callable[[], bytes | str]


@dataclass(eq=False)
class File:
    """One file that can be made of what is shown. asked: whether it is still to be made; made: its bytes; turn: a name
    for this making of it, which the browser saves once; problem: why there are none. That it was asked for outlives a
    run: the next click may end the one that would have made it.

    Streamlit's own download buttons are not used: what one offers is thrown away when any session's run ends before the
    browser has fetched it, and the browser asks whether it is still there as soon as the button is drawn.
    """

    make: Make
    asked: bool = False
    made: bytes | None = None
    turn: str = ""
    problem: str = ""

    def ask(self) -> None:
        """Have it made when its line is drawn; for a callback."""
        self.asked = True

    def prepare(self) -> None:
        """Make the bytes, or say why they cannot be made."""
        try:
            made = self.make()
        except Exception as err:  # a dialog has no other place for what goes wrong than its own line
            self.made, self.problem, self.asked = None, traces.describe_problem(err), False
            return
        self.made, self.problem, self.asked = made.encode() if isinstance(made, str) else made, "", False
        self.turn = uuid4().hex
        uploads.keep(self, person())


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of file: its label, what it is for, how its name ends."""

    key: str
    label: str
    about: str
    ending: str
    mime: str


PAGE = Kind(
    key="share-html", label="Interactive page (HTML)", ending="html", mime="text/html",
    about="All heads in one file that opens in any browser, without a network.",
)  # fmt: skip
NPZ = Kind(
    key="share-npz", label="Numbers (NPZ)", ending="npz", mime="application/zip",
    about="All heads’ queries, keys, values and results, for Python. Opened here again, it shows this very page.",
)  # fmt: skip
JSON = Kind(
    key="share-json", label="This head (JSON)", ending="json", mime="application/json",
    about="Every step of this head as text, with where it comes from.",
)  # fmt: skip
VIEW = Kind(
    key="share-view", label="This view (JSON)", ending="view.json", mime="application/json",
    about="What a link says, in a small file, for texts of any length.",
)  # fmt: skip
# The same file, where no link can say it.
LONG = replace(VIEW, key="share-long", label="Save this view as a file")


def ask() -> None:
    """Open the panel; for a callback."""
    st.session_state[OPEN] = True
    st.session_state[PROBLEM] = ""


def follow() -> None:
    """Show the panel where it is open."""
    if st.session_state.get(OPEN):
        _panel()


def _close() -> None:
    st.session_state[OPEN] = False
    for name in (FILES, LONG_FILE, CODE):
        st.session_state.pop(name, None)
    uploads.withdraw(person())


@st.dialog("Share", width="medium", on_dismiss=_close)
def _panel() -> None:
    if not st.session_state.get(OPEN):  # a file was opened: the whole page changes
        st.rerun()
    view = state.current()
    with st.container(key="share"):
        link, picture, file, other = st.tabs(["Link", "Picture", "Files", "Open a file"])
        with link:
            _link(view)
        with picture:
            _with_head(view, _picture)
        with file:
            _with_head(view, _files)
        with other:
            _open(Limits.from_environment())


def _link(view: View) -> None:
    complete = fits_address(view)
    data = {
        "complete": complete, "title": "Headlight", "scannable": qr.LONGEST,
        "code": qr.payload(st.session_state.get(CODE)),
    }  # fmt: skip
    components.mount("share", codec.pack(data), key=LINK, store=store.INSPECT, on_code_change=_ask_code)
    if not complete:
        _lines(_kept(LONG_FILE, view, {LONG: partial(to_file, view)}), view)


def _ask_code() -> None:
    """The panel shows a link, which may be ahead of what was heard here, and wants the QR code of that one."""
    if (link := boundary.said(LINK, "code", str)) is not None:
        st.session_state[CODE] = link


def _with_head(view: View, draw: Callable[[HeadView, View], None]) -> None:
    """Draw what is made of the head in view; a sentence where there is none."""
    try:
        trace = traces.get_trace(view)
        fitted, _ = traces.fit_to(view, trace)
        kind = fitted.kind or traces.default_kind(trace)
        draw(trace.head(fitted.layer, fitted.head, kind), fitted)  # type: ignore[arg-type]
    except HeadlightError as err:
        st.text(f"⚠ {traces.describe_problem(err)}")


def _picture(head_view: HeadView, view: View) -> None:
    components.mount("pictures", parts.panels(head_view, view), key="pictures", store=store.INSPECT)


def _files(head_view: HeadView, view: View) -> None:
    trace = head_view.trace
    makers: dict[Kind, Make] = {
        PAGE: partial(_page, trace, view), NPZ: partial(_npz, trace, view), JSON: partial(_json, trace, view),
        VIEW: partial(to_file, view),
    }  # fmt: skip
    _lines(_kept(FILES, (trace.id, view), makers), view)


def _lines(files: dict[Kind, File], view: View) -> None:
    for kind, file in files.items():
        with st.container(key=f"line-{kind.key}", horizontal=True, gap="small"):
            _line(kind, file, view)


def _line(kind: Kind, file: File, view: View) -> None:
    """A button that makes the file, which the browser saves as soon as it is there; and a link that saves it again."""
    st.button(kind.label, key=kind.key, on_click=file.ask)
    if file.asked:
        with st.spinner("Making the file"):
            file.prepare()
    if file.problem:
        st.text(f"⚠ {file.problem}")
    elif file.made is not None:
        components.mount("file", _told(kind, file, file.made, view), key=f"save-{kind.key}")
    else:
        st.caption(kind.about)


def _told(kind: Kind, file: File, made: bytes, view: View) -> bytes:
    """{turn, url, name, size}: where the browser fetches a file; its bytes do not travel with the page."""
    name = file_name(view, kind)
    url = uploads.address(made, name, kind.mime, where=kind.key)
    return codec.pack({"turn": file.turn, "url": url, "name": name, "size": sizes.said(len(made))})


def _kept(name: str, of: object, makers: Mapping[Kind, Make]) -> dict[Kind, File]:
    """The files that are made so of what is shown, the same ones over reruns of the panel."""
    if st.session_state.get(name, (None, None))[0] != of:
        st.session_state[name] = (of, {kind: File(make) for kind, make in makers.items()})
    found: dict[Kind, File] = st.session_state[name][1]
    return found


def _turn() -> AbstractContextManager[None]:
    """A turn among all who ask for work: files take as long as runs."""
    return shared_queue().turn(person())


def _page(trace: Trace, view: View) -> bytes:
    from attention.export.interactive import interactive

    turning = rotary_pairs.begin(view, trace)
    sit(turning)  # before the turn, for it needs one of its own
    with _turn():
        return interactive(trace, view, turns=rotary_pairs.found_by(turning))


def _npz(trace: Trace, view: View) -> bytes:
    from attention.export.archive import to_npz

    with _turn():
        return to_npz(trace, view, Limits.from_environment())


def _json(trace: Trace, view: View) -> str:
    from attention.export.document import to_json

    with _turn():
        return to_json(trace, view)


def file_name(view: View, kind: Kind) -> str:
    """A name for a file, of the model and what is in it; only letters, digits, dots and hyphens."""
    model = re.sub(r"[^A-Za-z0-9.]+", "-", view.model).strip("-.")[:NAME_CHARS] or "view"
    # A file of all heads is not named after one of them.
    head = "all-heads" if kind in (PAGE, NPZ) else f"layer-{view.layer}-head-{view.head}"
    return f"headlight-{model}-{head}.{kind.ending}"


def _open(limits: Limits) -> None:
    uploads.offer(person())
    # Streamlit's server refuses what is larger than its own limit, whatever the page allows.
    most = min(limits.file_mb, int(st.get_option("server.maxUploadSize")))
    st.file_uploader(
        f"A view (.json) or the numbers of a trace (.npz), as Headlight saved them; at most {most} MB",
        type=["json", "npz"], key=FILE, max_upload_size=most, on_change=_read,
    )  # fmt: skip
    st.caption("The file goes to this Headlight's server, which keeps opened numbers in its memory, for links to them.")
    if problem := st.session_state.get(PROBLEM):
        st.text(f"⚠ {problem}")


def _read() -> None:
    """A file was chosen: go to what it shows, or say what is wrong with it."""
    given = st.session_state.get(FILE)
    st.session_state[PROBLEM] = ""
    if given is None:
        return
    try:
        with _turn():
            view = opened.read(given.getvalue(), Limits.from_environment())
    except Exception as err:  # a stranger's file: whatever it brings about is a sentence here
        st.session_state[PROBLEM] = traces.describe_problem(err)
        return
    state.go(view)
    _close()
