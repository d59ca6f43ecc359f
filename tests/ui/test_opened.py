"""Traces from files on the page: the same page, byte for byte, without the model behind it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

import attention
from attention.browser import codec, store
from attention.config import Limits
from attention.errors import HeadlightError, InputError, ModelError
from attention.export.archive import to_npz
from attention.record import Trace
from attention.ui import nav, opened, prompt_bar, share, traces
from attention.ui.opened import Kept, Store
from attention.view import View, change, to_address, to_file
from tests.ui.test_inspect import said, shown

ROOT = Path(__file__).resolve().parents[2]
VIEW = View(text="The old man sat down because the old man was tired.", layer=2, head=3, query=5, stage="scaled")
LIMITS = Limits()


@pytest.fixture(scope="module", autouse=True)
def _store(warm: None) -> Iterator[None]:
    yield
    opened._store.clear()


@pytest.fixture(scope="module")
def trace() -> Trace:
    return traces.get_trace(VIEW)


@pytest.fixture(scope="module")
def file(trace: Trace) -> bytes:
    return to_npz(trace, VIEW)


@pytest.fixture
def view(file: bytes) -> View:
    return opened.read(file, LIMITS)


def page(view: View) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    for name, value in to_address(view).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def during(app: AppTest, act: Callable[[], object]) -> AppTest:
    """Run the page once more, with something that a callback would do before it."""
    real = nav._enter
    with patch.object(nav, "_enter", lambda: (act(), real())):
        app.run()
    assert not app.exception
    return app


def payloads(app: AppTest) -> dict[str, bytes]:
    found = app.get("bidi_component")
    return {item.proto.component_name.removeprefix("headlight."): item.proto.bytes for item in found}


def test_the_page_of_a_file_is_the_page_that_it_came_from(view: View) -> None:
    """Run, look and panels are equal bytes; what differs is what needs the model."""
    assert view == replace(VIEW, model=view.model)
    before, after = page(VIEW), page(view)
    own, found = payloads(before), payloads(after)
    assert set(own) == set(found)
    # The address names the file, and what it came from did not; and only a model runs on with a change.
    for one in (own, found):
        one["controls"] = codec.pack(codec.parse(one["controls"]) | {"address": None, "unedited": None})
    same = {name for name in own if own[name] == found[name]}
    assert {"run", "controls", "figures", "sentence", "arithmetic", "links", "prompt", "bar"} <= same
    look = codec.parse(found["controls"])["look"]
    assert (look["layer"], look["head"], look["query"], look["stage"]) == (2, 3, 5, "scaled")
    # No file lets its model continue; of run and head the page says otherwise only when and from where the run came.
    assert set(own) - same <= {"heads", "predicted", "picker", "words", "opener"}
    assert said(before)[:2] == said(after)[:2]
    pictures, others = codec.parse(own["heads"]), codec.parse(found["heads"])
    assert codec.pack(pictures | {"counted_on": None}) == codec.pack(others | {"counted_on": None})
    assert codec.parse(found["predicted"])["note"].startswith("This trace was opened from a file")
    assert codec.parse(found["picker"])["chosen"] == "File: storyteller"


def test_what_needs_the_model_says_why_it_is_not_there(view: View) -> None:
    app = page(replace(view, measure="induction", counted_on="stored", details="dimensions"))
    counted_on = codec.parse(payloads(app)["heads"])["counted_on"]
    assert "a score on stored texts needs the model itself" in json.dumps(counted_on, default=str)
    why = json.dumps(codec.parse(payloads(app)["dimensions"]), default=str)
    assert opened.NO_MODEL.partition(",")[0].lower()[5:] in why
    assert "without the model that could be tried" in why


def test_another_text_leaves_the_file_and_says_who_reads_it(view: View) -> None:
    after, said = opened.left(view, change(view, text="Another text."))
    assert after == change(view, text="Another text.", model="storyteller", layer=2, head=3)
    assert said == ("The file holds the numbers of its own text alone: “storyteller” reads this one.",)
    after, said = opened.left(view, change(view, model="cloze"))
    assert after.model == "cloze"
    assert said == ("The file was left; Undo goes back to it.",)
    assert opened.left(view, replace(view, head=5)) == (replace(view, head=5), ())
    assert opened.left(VIEW, change(VIEW, text="x")) == (change(VIEW, text="x"), ())


@pytest.mark.parametrize("name", ["own tensors", "/home/somebody/model", "../x", ""])
def test_a_trace_of_no_model_that_can_be_asked_for_gives_way_to_the_usual_one(trace: Trace, name: str) -> None:
    other = replace(trace, model=replace(trace.model, name=name))
    view = replace(VIEW, model="opened:0123456789abcdef")
    opened._store.put(view.model, Kept(other, 1), most=8, most_bytes=10**9)
    after, _ = opened.left(view, change(view, text="x"))
    assert (after.model, after.text, after.layer) == ("storyteller", "x", 0)


def test_a_host_that_does_not_offer_the_model_gets_one_that_it_offers(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADLIGHT_MODELS", "cloze,dates")
    assert opened.left(view, change(view, text="x"))[0].model == "cloze"


def test_typing_goes_through_the_page(view: View) -> None:
    app = page(view)
    during(app, lambda: prompt_bar.change_to(text="One two three."))
    assert codec.parse(payloads(app)["picker"])["chosen"] == "Storyteller"
    assert "“storyteller” reads this one" in shown(app)
    assert codec.parse(payloads(app)["prompt"])["text"] == "One two three."
    assert codec.parse(payloads(app)["bar"])["undo"], "the file can be gone back to"


def test_a_link_to_a_file_that_is_not_here_asks_for_it() -> None:
    app = page(View(model="opened:00000000000000ff", text="x"))
    assert f"⚠ {opened.GONE}" in shown(app)
    assert codec.parse(payloads(app)["picker"])["chosen"] == "File that is not here"
    for name in ("opened:", "opened:../../etc/passwd", "opened:<b>"):
        with pytest.raises(ModelError, match="does not have"):
            opened.find(View(model=name))


def test_a_link_with_another_text_is_refused(view: View) -> None:
    with pytest.raises(InputError, match="numbers of another text"):
        opened.find(replace(view, text="x"))
    with pytest.raises(InputError, match="numbers of another text"):
        opened.find(replace(view, pair="x"))
    assert opened.find(VIEW) is None
    assert opened.find(view).prompt == view.prompt  # type: ignore[union-attr]
    assert opened.find(replace(view, layer=0, details="rollout")) is not None


def test_a_view_file_opens_as_its_view() -> None:
    assert opened.read(to_file(VIEW), LIMITS) == VIEW


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04 no zip", b"\x93NUMPY", b"{}", b"\x80\x04K\x01."])
def test_what_is_no_such_file_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^This .*\.$"):
        opened.read(data, LIMITS)


def test_a_file_is_never_larger_than_the_host_allows(file: bytes) -> None:
    small = Limits(file_mb=1)
    with pytest.raises(InputError, match="at most 1 MB are opened here"):
        opened.read(file + bytes(1_000_001), small)


def test_a_cut_or_changed_archive_never_opens_as_something_else(file: bytes, trace: Trace) -> None:
    for place in range(len(file) // 10, len(file), len(file) // 4):
        for broken in (file[:place], file[:place] + b"\xff" + file[place + 1 :]):
            if broken == file:
                continue
            try:
                view = opened.read(broken, LIMITS)
            except HeadlightError:
                continue
            # Bytes that stand for nothing, such as a date: then the trace is the same.
            assert opened.find(view).id == trace.id  # type: ignore[union-attr]


# The store


def kept(size: int) -> Kept:
    return Kept(attention.trace("local", "one"), size)


def test_the_store_lets_go_of_what_was_not_asked_for_longest() -> None:
    store = Store()
    for name in "abc":
        store.put(name, kept(1), most=3, most_bytes=100)
    assert store.get("a")
    store.put("d", kept(1), most=3, most_bytes=100)
    assert [name for name in "abcd" if store.get(name)] == ["a", "c", "d"]


def test_the_store_is_bounded_in_bytes_and_keeps_the_newest() -> None:
    store = Store()
    store.put("a", kept(60), most=9, most_bytes=100)
    store.put("b", kept(60), most=9, most_bytes=100)
    assert (store.get("a"), bool(store.get("b"))) == (None, True)
    store.put("c", kept(500), most=9, most_bytes=100)
    assert (store.get("b"), bool(store.get("c"))) == (None, True)


def test_what_was_packed_for_browsers_counts_too() -> None:
    files, first = Store(), kept(1)
    files.put("a", first, most=9, most_bytes=1_000)
    files.put("b", kept(1), most=9, most_bytes=1_000)
    assert files.get("a")
    store.run(first.trace.head(0, 0), View())
    files.put("c", kept(1), most=9, most_bytes=1_000)
    assert store.kept_bytes(first.trace) > 1_000
    assert [name for name in "abc" if files.get(name)] == ["c"]


def test_a_file_that_is_opened_again_is_the_one_that_is_here() -> None:
    store, first = Store(), kept(60)
    store.put("a", first, most=9, most_bytes=100)
    store.put("a", kept(60), most=9, most_bytes=100)
    assert store.get("a") is first


def test_several_people_open_files_at_once() -> None:
    store, one = Store(), kept(1)

    def put(person: int) -> None:
        for number in range(50):
            store.put(f"{person}-{number}", one, most=5, most_bytes=100)
            store.get(f"{person}-{number - 1}")

    people = [threading.Thread(target=put, args=(person,)) for person in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sum(bool(store.get(f"{person}-{number}")) for person in range(8) for number in range(50)) == 5


# The panel


def test_a_chosen_file_is_shown_and_the_panel_closes(file: bytes) -> None:
    app = during(page(View(model="local", text="one two")), share.ask)
    assert "share" in payloads(app)
    app.file_uploader(key=share.FILE).upload("trace.npz", file).run()
    assert not app.exception
    assert "share" not in payloads(app)
    assert codec.parse(payloads(app)["picker"])["chosen"] == "File: storyteller"
    assert codec.parse(payloads(app)["prompt"])["text"] == VIEW.text
    assert codec.parse(payloads(app)["bar"])["undo"]


def test_a_file_that_is_refused_leaves_the_page_as_it_was_and_says_why() -> None:
    app = during(page(View(model="local", text="one two")), share.ask)
    app.file_uploader(key=share.FILE).upload("view.json", b"nothing").run()
    assert not app.exception
    assert "share" in payloads(app)
    assert f"⚠ {opened.NO_FILE}" in shown(app)
    assert codec.parse(payloads(app)["prompt"])["text"] == "one two"
