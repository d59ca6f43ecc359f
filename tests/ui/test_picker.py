"""The picker's lines: in groups, sorted, with the sort of model and its size; what is chosen or typed is an id."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from attention.catalogue import models
from attention.config import MEGABYTE, Limits
from attention.models import store
from attention.models.inspect import inspect
from attention.models.reference import parse
from attention.ui import ask, picker, warmup
from attention.ui.picker import GROUPS, HERE, IN_THE_BOX, TO_FETCH
from tests.ui.test_inspect import one, opened
from tests.ui.test_opened import during

pytestmark = pytest.mark.usefixtures("warm")


def stored(id: str, state: store.State = "whole") -> store.Stored:
    return store.Stored(id=id, revisions=("a" * 40,), bytes=12_300_000, state=state, last_used=0.0, folder=Path("x"))


@pytest.fixture(autouse=True)
def _disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two whole models of the hub, half of one, and one that cannot be opened; and a folder of one's own."""
    hub = (
        stored("openai-community/gpt2"), stored("org/x\u202e<b>"), stored("org/half", "part"),
        stored("org/bin", "other"), stored("google-bert/bert-base-uncased", "part"),
    )  # fmt: skip
    folder = next(entry.path for entry in models() if entry.id == "cloze")
    own = store.Own(id="./mine", folder=folder, bytes=4_560_000, card=inspect(parse("cloze", Limits()), Limits()))
    broken = store.Own(id="./broken", folder=folder, bytes=1, card=None, problem="It is empty.")
    monkeypatch.setattr(store, "downloaded", lambda: hub)
    monkeypatch.setattr(store, "own", lambda limits: (own, broken))
    picker.forget()
    yield
    picker.forget()


def by_id() -> dict[str, picker.Choice]:
    return {choice.model: choice for choice in picker.choices()}


def test_the_lines_stand_in_groups_each_sorted_by_its_titles() -> None:
    found = picker.choices()
    assert [GROUPS.index(one.group) for one in found] == sorted(GROUPS.index(one.group) for one in found)
    for group in GROUPS:
        titles = [one.title.casefold() for one in found if one.group == group]
        assert titles == sorted(titles)
    assert {one.model for one in found if one.group == IN_THE_BOX} == {"storyteller", "cloze", "dates", "local"}
    assert {one.model for one in found if one.group == HERE} == {"openai-community/gpt2", "org/x\u202e<b>", "./mine"}
    listed = {one.id for one in models()} - {"storyteller", "cloze", "dates", "local", "openai-community/gpt2"}
    assert {one.model for one in found if one.group == TO_FETCH} == listed | {"org/half"}


def test_sort_and_size_stand_beside_each_where_they_are_known() -> None:
    found = by_id()
    assert found["openai-community/gpt2"].label == "GPT-2 · on this computer · decoder, 12 MB"
    assert found["./mine"].label == "./mine · on this computer · encoder, 4.6 MB"
    assert found["google-bert/bert-base-uncased"].label == "BERT base · to fetch · encoder, 12 MB of it here"
    assert found["distilbert/distilgpt2"].label == "DistilGPT-2 · to fetch · decoder"
    assert found["local"].label == "Local MHSA · in the box · encoder"
    path = next(entry.path for entry in models() if entry.id == "storyteller")
    assert path is not None
    size = sum(file.stat().st_size for file in path.iterdir())
    assert found["storyteller"].label == f"Storyteller · in the box · decoder, {size / MEGABYTE:.1f} MB"


def test_what_hides_in_a_strangers_name_is_shown() -> None:
    assert "\u202e" not in by_id()["org/x\u202e<b>"].title


def test_a_host_with_a_list_offers_nothing_of_the_hub_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_MODELS", "dates,openai-community/gpt2")
    assert [one.model for one in picker.choices()] == ["dates", "./mine", "openai-community/gpt2"]


def test_before_all_is_loaded_nobody_looks_at_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "ready", lambda: False)
    monkeypatch.setattr(picker, "on_disk", lambda limits: pytest.fail("it was looked at"))
    assert {one.group for one in picker.choices()} == {IN_THE_BOX, TO_FETCH}


def test_the_disk_is_looked_at_once_a_while_and_after_a_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(store, "downloaded", lambda: looks.append(1) or ())
    picker.choices()
    picker.choices()
    assert len(looks) == 1
    picker.forget()
    assert by_id()["openai-community/gpt2"].group == TO_FETCH
    assert len(looks) == 2


def test_a_line_is_chosen_and_an_id_is_typed() -> None:
    app = opened()
    box = app.selectbox(key="model")
    assert box.value == "Storyteller"
    assert box.options == [one.label if one.title != "Storyteller" else "Storyteller" for one in picker.choices()]
    app = box.set_value("Cloze model").run()
    assert one(app.query_params["model"]) == "cloze"

    def typed() -> None:
        st.session_state[ask.MODEL] = " local "
        ask._picked()

    during(app, typed)
    assert one(app.query_params["model"]) == "local"
    assert app.selectbox(key="model").value == "Local MHSA"

    def late() -> None:
        """A browser says what it last had for the one that is chosen."""
        st.session_state[ask.MODEL] = next(one.label for one in picker.choices() if one.model == "storyteller")
        ask._picked()

    during(app, late)
    assert one(app.query_params.get("model", ["storyteller"])) == "storyteller"
    assert app.selectbox(key="model").value == "Storyteller"
    assert not app.exception
