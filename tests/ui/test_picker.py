"""The picker's lines: in groups, sorted, with the sort of model and its size; what is chosen or typed is an id."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from attention.catalogue import models, samples
from attention.config import MEGABYTE, Limits
from attention.models import store
from attention.models.inspect import inspect
from attention.models.reference import parse
from attention.ui import picker, prompt_bar, warmup
from attention.ui.picker import GROUPS, HERE, IN_THE_BOX, TO_FETCH
from tests.ui.test_inspect import given, one, opened
from tests.ui.test_opened import during

pytestmark = pytest.mark.usefixtures("warm")


def stored(id: str, state: store.State = "whole") -> store.Stored:
    return store.Stored(id=id, revisions=("a" * 40,), bytes=12_300_000, state=state, folder=Path("x"))


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


def said(choice: picker.Choice) -> tuple[str, str, str]:
    """What a line says."""
    return choice.title, choice.group, ", ".join(choice.facts)


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
    assert said(found["openai-community/gpt2"]) == ("GPT-2", "on this computer", "decoder, 12 MB")
    assert said(found["./mine"]) == ("./mine", "on this computer", "encoder, 4.6 MB")
    assert said(found["google-bert/bert-base-uncased"]) == ("BERT base", "to fetch", "encoder, 12 MB of it here")
    assert said(found["distilbert/distilgpt2"]) == ("DistilGPT-2", "to fetch", "decoder")
    assert said(found["local"]) == ("Local MHSA", "in the box", "one layer, not trained")
    path = next(entry.path for entry in models() if entry.id == "storyteller")
    assert path is not None
    size = sum(file.stat().st_size for file in path.iterdir())
    assert said(found["storyteller"]) == ("Storyteller", "in the box", f"decoder, {size / MEGABYTE:.1f} MB")


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


def test_the_page_gets_the_groups_and_what_may_be_typed() -> None:
    app = opened()
    found = given(app)["picker"]
    assert (found["chosen"], found["free"]) == ("Storyteller", True)
    assert [name for name, _ in found["groups"]] == list(GROUPS)
    listed = [(name, line["title"], line["id"], line["facts"]) for name, lines in found["groups"] for line in lines]
    assert listed == [(one.group, one.title, one.model, ", ".join(one.facts)) for one in picker.choices()]


def test_a_line_is_chosen_and_an_id_is_typed() -> None:
    app = opened()
    during(app, lambda: prompt_bar.pick("Cloze model"))
    assert one(app.query_params["model"]) == "cloze"
    during(app, lambda: prompt_bar.pick(" local "))
    assert one(app.query_params["model"]) == "local"
    assert given(app)["picker"]["chosen"] == "Local MHSA"
    during(app, lambda: prompt_bar.pick("  "))
    assert one(app.query_params["model"]) == "local"
    during(app, lambda: prompt_bar.pick("nobody/nothing"))
    found = given(app)["picker"]
    assert found["chosen"] == "nobody/nothing"
    assert found["groups"][0] == ["", [{"title": "nobody/nothing", "id": "nobody/nothing", "facts": ""}]]
    assert not app.exception


def test_a_sample_of_another_model_does_nothing() -> None:
    app = opened(model="dates")
    before = given(app)["prompt"]["text"]
    during(app, lambda: prompt_bar.take("coreference"))
    assert given(app)["prompt"]["text"] == before
    assert [one["name"] for one in given(app)["samples"]["samples"]] == [sample.name for sample in samples("dates")]
