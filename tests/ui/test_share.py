"""The share panel: what it offers, what it makes, and what it says where it cannot."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import PropertyMock, patch
from urllib.parse import urlencode

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

import attention
from attention.browser import codec, qr
from attention.config import Limits
from attention.errors import InputError
from attention.export.archive import from_npz
from attention.record import Trace
from attention.ui import boundary, opened, prompt_bar, share, state
from attention.ui.share import File
from attention.view import View, from_file, to_address
from tests.logged import Logged
from tests.ui.test_opened import during, page, payloads, shown

ROOT = Path(__file__).resolve().parents[2]
SHORT = View(text="The cat sat on the mat.", layer=1, head=2)
# No two of its characters are alike, so no link can carry it.
LONG = View(text="".join(map(chr, range(0x4E00, 0x4E00 + 2_000))), model="local")
BUTTONS = {"share-html", "share-npz", "share-json", "share-view"}


@pytest.fixture(scope="module", autouse=True)
def _store(warm: None) -> Iterator[None]:
    yield
    opened._store.clear()


@pytest.fixture(scope="module")
def trace() -> Trace:
    return attention.trace("storyteller", SHORT.text)


def panel(view: View) -> AppTest:
    return during(page(view), share.ask)


def told(app: AppTest) -> dict[str, dict[str, str]]:
    """What the browser is told of the files that were made, by the key of the button that made them."""
    protos = [item.proto for item in app.get("bidi_component")]
    found = [proto for proto in protos if proto.component_name == "headlight.file"]
    return {re.search(r"share-\w+", proto.id).group(): codec.parse(proto.bytes) for proto in found}  # type: ignore[union-attr]


def makers(app: AppTest) -> set[str]:
    """The keys of the buttons that make a file."""
    return {str(button.key) for button in app.button if str(button.key).startswith("share-")}


def test_the_panel_is_shut_until_it_is_asked_for_and_then_stays() -> None:
    app = page(SHORT)
    assert "share" not in payloads(app)
    assert not makers(app)
    during(app, share.ask)
    given = {"complete": True, "title": "Headlight", "scannable": qr.LONGEST, "code": None}
    assert codec.parse(payloads(app)["share"]) == given
    assert payloads(app)["pictures"] == payloads(app)["figures"], "the very panels that are on screen"
    assert makers(app) == BUTTONS
    assert not app.get("download_button"), "its file may be gone when the browser asks for it"
    assert "share" in payloads(app.run())
    assert "share" not in payloads(during(app, share._close))


def test_the_code_is_of_the_link_that_the_browser_shows_until_the_panel_is_shut() -> None:
    """It may be ahead of what was heard here, so it is not made of the view."""
    link = "http://127.0.0.1:8501/?text=two+heads+further&head=3"
    with patch.object(boundary, "said", lambda key, *_: link if key == share.LINK else None):
        app = during(panel(SHORT), share._ask_code)
    code = codec.parse(payloads(app)["share"])["code"]
    assert code["link"] == link
    assert code["modules"].tolist() == [list(row) for row in segno.make(link, error="l", micro=False).matrix]
    with patch.object(boundary, "said", lambda *_: None):
        during(app, share._ask_code)
    assert codec.parse(payloads(app)["share"])["code"]["link"] == link, "what is no text changes nothing"
    during(app, share._close)
    assert codec.parse(payloads(during(app, share.ask))["share"])["code"] is None


def test_a_text_too_long_for_a_link_comes_as_a_file() -> None:
    app = panel(SHORT)
    during(app, lambda: state.go(LONG))
    assert codec.parse(payloads(app)["share"])["complete"] is False
    assert makers(app) == {"share-long"}
    app.button(key="share-long").click().run()
    assert told(app)["share-long"]["name"] == "headlight-local-layer-0-head-0.view.json"
    assert len(urlencode(to_address(LONG))) < 200


def test_where_nothing_is_shown_the_panel_still_has_the_link_and_opens_files() -> None:
    app = panel(View(text="   ", model="local"))
    assert "share" in payloads(app)
    assert shown(app).count("⚠ This text has only spaces or invisible characters: type a word.") == 3
    assert not makers(app)
    assert app.file_uploader(key=share.FILE).allowed_type == [".json", ".npz"]


def test_files_are_made_of_the_view_when_they_are_asked_for(trace: Trace) -> None:
    view = SHORT
    assert b"<!doctype html>" in share._page(trace, view)[:200].lower()
    again = from_npz(share._npz(trace, view))
    assert (again.view, again.trace.id) == (view, trace.id)
    assert json.loads(share._json(trace, view))["head"]["layer"] == 1
    file = File(lambda: "é")
    assert file.made is None
    file.prepare()
    assert file.made == "é".encode()


def test_a_file_whose_run_was_ended_by_the_next_click_is_made_in_that_one() -> None:
    app = panel(SHORT)
    _, files = app.session_state[share.FILES]
    files[share.JSON].ask()
    app.button(key=share.NPZ.key).click().run()
    assert not app.exception
    assert set(told(app)) == {"share-npz", "share-json"}
    assert not any(file.asked for file in files.values())


def test_a_file_that_cannot_be_made_says_why_until_it_can() -> None:
    problems = ["There is too much of it.", ""]

    def make() -> bytes:
        if problem := problems.pop(0):
            raise InputError(problem)
        return b"made"

    file = File(make)
    file.prepare()
    assert (file.made, file.problem) == (None, "There is too much of it.")
    file.prepare()
    assert (file.made, file.problem) == (b"made", "")


def test_what_nobody_foresaw_is_a_sentence_too(logged: Logged) -> None:
    """A dialog stands outside the page's own net, and would show a traceback."""

    problems: list[Exception] = [MemoryError(), ZeroDivisionError("secret")]

    def fail() -> bytes:
        raise problems.pop()

    file = File(fail)
    file.prepare()
    assert file.problem == "Something went wrong in Headlight itself (ZeroDivisionError); its log says where."
    file.prepare()
    assert file.problem.startswith("There is not enough memory for this here")
    with patch.object(opened, "from_file", side_effect=ZeroDivisionError("secret")):
        app = panel(SHORT)
        app.file_uploader(key=share.FILE).upload("view.json", b"{}").run()
    assert not app.exception
    assert "⚠ Something went wrong in Headlight itself (ZeroDivisionError)" in shown(app)
    assert "secret" not in shown(app)
    assert "unexpected problem" in logged.text


def test_a_click_makes_the_file_and_offers_it() -> None:
    app = panel(SHORT)
    app.button(key="share-json").click().run()
    assert not app.exception
    made = app.session_state[share.FILES][1][share.JSON].made
    assert json.loads(made)["view"]["text"] == SHORT.text
    first = told(app)["share-json"]
    assert first["name"] == "headlight-storyteller-layer-1-head-2.json"
    assert re.fullmatch(r"0\.\d MB|\d\d KB", first["size"])
    assert told(app.run())["share-json"]["turn"] == first["turn"], "another run of the page makes nothing anew"
    app.button(key="share-json").click().run()
    assert told(app)["share-json"]["turn"] != first["turn"], "another click does"


@pytest.mark.parametrize(("view", "key"), [(SHORT, "share-view"), (LONG, "share-long")], ids=["short", "long"])
def test_a_views_file_is_the_whole_view(view: View, key: str) -> None:
    app = panel(SHORT)
    during(app, lambda: state.go(view))
    app.button(key=key).click().run()
    files = app.session_state[share.FILES if view is SHORT else share.LONG_FILE][1]
    assert from_file(next(file.made for kind, file in files.items() if kind.key == key)) == view
    assert told(app)[key]["name"].endswith(".view.json")


def test_the_panel_says_why_there_is_no_file() -> None:
    def refuse(*_: object) -> bytes:
        raise InputError("No file today.")

    with patch.object(share, "_page", refuse):
        app = panel(SHORT)
        app.button(key="share-html").click().run()
    assert not app.exception
    assert "⚠ No file today." in shown(app)
    assert set(told(app)) == set()


def test_another_view_has_other_files() -> None:
    app = panel(SHORT)
    before = app.session_state[share.FILES]
    during(app, lambda: prompt_bar.change_to(head=5))
    key, files = app.session_state[share.FILES]
    assert key != before[0]
    files[share.JSON].prepare()
    assert json.loads(files[share.JSON].made)["head"]["head"] == 5


def test_streamlits_server_takes_no_larger_file_than_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] == Limits().file_mb
    monkeypatch.setenv("HEADLIGHT_FILE_MB", "3")
    assert panel(SHORT).file_uploader(key=share.FILE).proto.max_upload_size_mb == 3


def test_a_file_of_all_heads_is_not_named_after_one() -> None:
    kinds, view = (share.PAGE, share.NPZ, share.JSON, share.VIEW), View(layer=2, head=3)
    assert [share.file_name(view, kind).removeprefix("headlight-storyteller-") for kind in kinds] == [
        "all-heads.html", "all-heads.npz", "layer-2-head-3.json", "layer-2-head-3.view.json",
    ]  # fmt: skip


@given(st.text(max_size=80), st.integers(0, 10**6))
def test_a_files_name_is_safe_everywhere(model: str, layer: int) -> None:
    name = share.file_name(View(model=model if model.strip() else "x", layer=layer), share.NPZ)
    assert re.fullmatch(r"headlight-[A-Za-z0-9.-]+\.npz", name)
    assert not name.startswith((".", "-"))
    assert len(name) < 80


@pytest.mark.parametrize("embedded", [False, True])
def test_inside_another_page_the_bar_has_only_the_way_out(embedded: bool) -> None:
    with patch.object(ContextProxy, "is_embedded", PropertyMock(return_value=embedded)):
        app = page(SHORT)
        bar = codec.parse(payloads(app)["bar"])
        assert (bar["embedded"], bar["shares"]) == (embedded, True)
