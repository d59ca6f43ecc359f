"""A host's settings as the page follows them: what is offered, what is refused, and what stands in the log."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from attention import config
from attention.catalogue import models, samples
from attention.config import Limits
from attention.models import store
from attention.ui import library, settings, start
from attention.view import View
from tests.ui.test_inspect import given, one, opened, shown

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_told", [])
    monkeypatch.setattr(store, "downloaded", tuple)


def test_they_are_written_to_the_log_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_PUBLIC", "1")
    assert settings.start() == settings.start() == ""
    said = capsys.readouterr().err
    assert said.count("Headlight's settings:") == 1
    assert [line.split() for line in said.splitlines() if line.startswith("any_model")] == [
        ["any_model", "false", "public"]
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HEADLIGHT_MAX_TOKENS", "many", "HEADLIGHT_MAX_TOKENS is 'many'"),
        ("HEADLIGHT_MODELS", "<b>x</b>", "'<b>x</b>', which is not in the catalogue"),
        ("HEADLIGHT_FILE_MB", "999", "HEADLIGHT_FILE_MB is 999, and Streamlit's server.maxUploadSize lets"),
    ],
)
def test_wrong_ones_are_one_sentence_on_the_page_and_in_the_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    app = opened()
    assert not app.exception
    assert [text.value for text in app.text] == [settings.start()]
    assert message in settings.start()
    assert settings.start() in capsys.readouterr().err
    assert [item.key for item in app.get("bidi_component")] == ["style"]


def titles(found: dict[str, Any]) -> list[str]:
    """What the picker lists."""
    return [model["title"] for _, models in found["groups"] for model in models]


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_PUBLIC", "1")
    monkeypatch.setenv("HEADLIGHT_MODELS", "dates,cloze")


@pytest.mark.usefixtures("_few")
class TestFewModels:
    def test_a_first_visit_is_to_the_first_that_is_offered_on_a_text_of_its_own(self) -> None:
        app = opened()
        assert not app.exception
        assert one(app.query_params["model"]) == "cloze"
        assert given(app)["prompt"]["text"] in {sample.text for sample in samples("cloze")}
        found = given(app)["picker"]
        assert titles(found) == ["Cloze model", "Date translator"]
        assert not found["free"]
        assert "Or type" not in shown(app)

    def test_a_model_with_other_texts_than_the_storyteller_opens_on_the_first_of_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HEADLIGHT_MODELS", "dates")
        app = opened()
        assert not app.exception
        assert one(app.query_params["model"]) == "dates"
        assert one(app.query_params["text"]) == samples("dates")[0].text != View().text

    def test_an_address_without_a_model_means_what_is_offered_here(self) -> None:
        app = opened(text="The cat sat.")
        assert (one(app.query_params["model"]), given(app)["prompt"]["text"]) == ("cloze", "The cat sat.")

    @pytest.mark.parametrize("model", ["storyteller", "local", "org/name", "./folder"])
    def test_a_link_to_another_model_is_refused_in_one_sentence(self, model: str) -> None:
        app = opened(model=model, text="The cat sat.")
        assert not app.exception
        said = shown(app)
        refused = "Local folders are switched off here" if model == "./folder" else "choose one of these: cloze, dates."
        assert refused in said
        found = given(app)["picker"]
        assert found["chosen"] == model or "Storyteller" not in titles(found)

    def test_the_library_holds_nothing_else_and_no_box_for_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        there = store.Stored(
            id="org/name", revisions=("a" * 40,), bytes=1, state="whole", folder=Path("x")
        )
        monkeypatch.setattr(store, "downloaded", lambda: (there,))
        app = opened().switch_page("pages/models.py").run()
        assert not app.exception
        said = shown(app)
        assert {entry.title for entry in models() if f"<strong>{entry.title}</strong>" in said} == {
            "Cloze model", "Date translator",
        }  # fmt: skip
        assert "org/name" not in said
        assert config.variable("model_folder") not in said
        assert library.OWN not in [box.key for box in app.text_input]


def test_strangers_see_the_catalogue_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADLIGHT_PUBLIC", "1")
    app: AppTest = opened().switch_page("pages/models.py").run()
    assert library.OWN not in [box.key for box in app.text_input]
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(tmp_path))
    app = opened().switch_page("pages/models.py").run()
    assert app.text_input(key=library.OWN).placeholder == "./folder"
    assert library._example(Limits()) == "organisation/name or ./folder"


def test_at_home_an_address_without_a_model_is_the_storytellers() -> None:
    assert start.arrival(View(layer=1), ["layer"]) == View(layer=1)
    assert start.arrival(View(), []) == start.opening(View())
