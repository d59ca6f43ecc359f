"""A prompt is all that decides a run: whatever joins it does so everywhere."""

from dataclasses import dataclass
from typing import Any

import pytest

from attention import table
from attention.errors import InputError
from attention.layer_settings import LocalSettings
from attention.prompt import Prompt
from attention.table import rows
from attention.view import View


@dataclass(frozen=True, kw_only=True)
class Deeper(Prompt):
    """A prompt with one field more."""

    seed: int = table.row(0, table.index(), "what chance begins with", decides_run=True, is_step=True)


def test_what_decides_a_run_does_so_everywhere() -> None:
    assert Deeper(seed=4).given() == {
        "model": "storyteller", "text": Prompt().text, "pair": None, "chat": False, "seed": 4,
    }  # fmt: skip
    assert Deeper(seed=4) != Deeper(seed=5)
    assert Deeper(seed=4).prompt == Prompt()


def test_a_prompt_is_what_decides_a_run_of_a_view() -> None:
    view = View(model="bert", text="a", pair="b", chat=True, layer=3, query=1, kind="encoder")
    assert view.prompt == Prompt(model="bert", text="a", pair="b", chat=True)
    assert type(view.prompt) is Prompt
    assert View(model="local", settings=LocalSettings(seed=1)).prompt.settings.seed == 1
    assert set(rows(Prompt)) == set(table.named(View, lambda one: one.decides_run))


@pytest.mark.parametrize("prompt", [
    Prompt(), Prompt(model="./folder", text="", pair="b"), Prompt(model="owner/name@main", text="Łódź 日本\n"),
    Prompt(chat=True), View(layer=3).prompt, Prompt(model="local", settings=LocalSettings(n_heads=2, causal=False)),
])  # fmt: skip
def test_a_prompt_is_known_again_by_what_it_gives(prompt: Prompt) -> None:
    assert Prompt.of(**prompt.given()) == prompt


@pytest.mark.parametrize("other", [
    {"model": object()}, {"model": " "}, {"model": "m" * 301}, {"text": [1, 2]}, {"text": ["two", "words"]},
    {"text": [{"role": "user", "content": "a"}], "chat": True}, {"text": b"a"}, {"text": "half \ud800"}, {"pair": [3]},
    {"pair": ""},
])  # fmt: skip
def test_what_no_prompt_gives_has_none(other: dict[str, Any]) -> None:
    assert Prompt.of(**Prompt(model="m", text="a").given() | other) is None


def test_only_the_local_model_has_settings() -> None:
    two = LocalSettings(n_heads=2)
    assert Prompt(model="storyteller", settings=two) == Prompt(model="storyteller")
    assert Prompt(model="local", settings=two) != Prompt(model="local")
    assert table.changed(View(model="local", settings=two), model="cloze").settings == LocalSettings()
    assert table.changed(View(model="local", settings=two, query=3), text="b") == View(
        model="local", settings=two, text="b"
    )
    with pytest.raises(InputError, match="settings must be some of d=32"):
        Prompt(model="local", settings="heads=2")  # type: ignore[arg-type]
