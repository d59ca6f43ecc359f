"""The models page as Streamlit runs it, over a hub's cache and a folder that the tests make."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from attention.catalogue import models
from attention.models import store
from attention.ui import library
from attention.view import DEFAULT_MODEL, DEFAULT_TEXT
from tests.ui.test_inspect import given, one, opened, shown

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture(autouse=True)
def _nothing_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "downloaded", tuple)


def stored(id: str = "org/<b>name</b>", state: store.State = "whole") -> store.Stored:
    return store.Stored(id=id, revisions=("a" * 40,), bytes=12_300_000, state=state, folder=Path("x"))


def page() -> AppTest:
    app = opened()
    return app.switch_page("pages/models.py").run()


def test_all_that_the_catalogue_has_is_there():
    app = page()
    assert not app.exception
    said = shown(app)
    for entry in models():
        assert entry.title in said
    sizes = ("4 layers × 6 heads", "2 + 2 layers × 4 heads", "1 layer × 4 heads")
    assert all(part in said for part in (*sizes, "Apache-2.0", "not downloaded yet"))


def test_the_card_of_a_bundled_model_is_its_own_without_the_keys_before_it():
    cards = [item.value for item in page().markdown if item.value.lstrip().startswith("# ")]
    assert len(cards) == 3
    assert not any("license:" in card for card in cards)


def test_one_click_opens_a_model_in_the_inspector():
    app = page()
    number = [entry.id for entry in models()].index("dates")
    app.button(key=f"open-in-the-box-{number}").click().run()
    assert not app.exception
    assert one(app.query_params["model"]) == "dates"


def test_what_a_person_typed_is_opened_as_it_is():
    app = page()
    app.text_input(key=library.OWN).set_value("org/name@v1")
    app.button(key="FormSubmitter:bring-Open in the inspector").click().run()
    assert one(app.query_params["model"]) == "org/name@v1"


def test_an_empty_box_stays_where_it_is():
    app = page()
    app.button(key="FormSubmitter:bring-Open in the inspector").click().run()
    assert one(app.query_params["model"]) == DEFAULT_MODEL
    assert "In the box" in shown(app)


@pytest.mark.parametrize("state", ["whole", "part", "other"])
def test_what_was_downloaded_is_listed_with_its_size_and_drawn_literally(monkeypatch, state):
    monkeypatch.setattr(store, "downloaded", lambda: (stored(state=state),))
    app = page()
    said = shown(app)
    assert f"12 MB, {library.STATES[state]}" in said
    assert "org/&lt;b&gt;name&lt;/b&gt;" in said
    opens = [button for button in app.button if button.key == "open-downloaded-as-well-0"]
    assert bool(opens) == (state != "other")


def test_one_of_the_catalogue_is_listed_once(monkeypatch):
    monkeypatch.setattr(store, "downloaded", lambda: (stored("openai-community/gpt2"),))
    said = shown(page())
    assert "12 MB, on this computer" in said
    assert "Downloaded as well" not in said


def test_removing_says_what_it_freed_and_a_refusal_says_why(monkeypatch):
    monkeypatch.setattr(store, "downloaded", lambda: (stored("org/name"),))
    monkeypatch.setattr(store, "remove", lambda *_: 12_300_000)
    app = page()
    app.button(key="remove-downloaded-as-well-0").click().run()
    assert "org/name was removed; 12 MB are free again." in shown(app)
    monkeypatch.undo()
    monkeypatch.setattr(store, "downloaded", lambda: (stored("org/name"),))
    app = page()
    app.button(key="remove-downloaded-as-well-0").click().run()
    assert "⚠ org/name is not among the downloaded models" in shown(app)


def test_a_host_that_forbids_it_shows_no_way_to_remove(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MAY_REMOVE", "0")
    monkeypatch.setattr(store, "downloaded", lambda: (stored("org/name"),))
    assert not [button for button in page().button if str(button.key).startswith("remove-")]


def test_ones_own_folder_is_listed_with_what_cannot_be_opened(monkeypatch, tmp_path):
    assert "HEADLIGHT_MODEL_FOLDER=folder" in shown(page())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(tmp_path))
    said = shown(page())
    assert "./mine" in said
    assert "cannot be opened" in said


def test_names_of_models_hide_nothing(monkeypatch, tmp_path):
    """A folder's name may turn what stands after it around, or end its line."""
    for name, kind in (("evil\u202egpj", "{}"), ("two\u2028lines", '{"model_type": "gpt2"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(kind)
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(tmp_path))
    monkeypatch.setattr(store, "downloaded", lambda: (stored("org/a\u202eb"),))
    app = page()
    said = shown(app)
    assert "./evilU+202Egpj" in said
    assert "./twoU+2028lines" in said
    assert "org/aU+202Eb is deleted" in said
    app.button(key="remove-downloaded-as-well-0").click().run()
    said += shown(app)
    assert "⚠ org/aU+202Eb is not among the downloaded models" in said
    assert not re.search("[\u202e\u2028]", said)


def test_the_text_that_was_typed_is_still_there_on_the_way_back():
    app = opened(text="My own words.", model="local")
    app.switch_page("pages/models.py").run()
    app.switch_page("pages/inspect.py").run()
    assert given(app)["prompt"]["text"] == "My own words." != DEFAULT_TEXT
