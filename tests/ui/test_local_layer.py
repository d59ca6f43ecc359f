"""What can be turned at the local layer: it is drawn for that model alone, and what it changes is in the link."""

from types import SimpleNamespace

import pytest

from attention.config import Limits
from attention.errors import InputError
from attention.layer_settings import LocalSettings, from_line
from attention.ui import local_layer, predicted, state
from attention.view import View
from tests.ui.test_inspect import given, opened

TEXT = "The cat sat on the mat."

pytestmark = pytest.mark.usefixtures("warm")


def test_other_models_have_no_such_controls():
    app = opened(popovers=False, model="storyteller", text=TEXT)
    assert not app.exception
    assert {local_layer.BOTH, local_layer.HEADS}.isdisjoint({one.key for one in (*app.checkbox, *app.selectbox)})


def test_a_person_looks_both_ways_and_back():
    app = opened(popovers=False, model="local", text=TEXT, query="2", head="1")
    assert given(app)["run"]["layers"][0]["mask"]["after"] == 0
    app.checkbox(local_layer.BOTH).check().run()
    assert not app.exception
    view = app.session_state[state.Key.VIEW]
    assert view == View(model="local", text=TEXT, settings=LocalSettings(causal=False), query=2, head=1)
    run = given(app)["run"]
    assert run["layers"][0]["mask"]["after"] is None
    assert run["kind"] == "encoder"
    assert "both" in app.query_params["local"]
    app.checkbox(local_layer.BOTH).uncheck().run()
    assert "local" not in app.query_params
    assert app.session_state[state.Key.VIEW].settings == LocalSettings()


def test_a_layer_that_was_set_predicts_nothing_either():
    prompt = View(model="local", text=TEXT, settings=LocalSettings(causal=False)).prompt
    asked = SimpleNamespace(request=SimpleNamespace(prompt=prompt, limits=Limits()), hidden=None)
    with pytest.raises(InputError, match="The local model predicts nothing"):
        predicted._answer(asked, SimpleNamespace(report=None, follow=None))


def test_a_person_sets_the_number_of_heads():
    app = opened(popovers=False, model="local", text=TEXT, head="3")
    app.selectbox(local_layer.HEADS).set_value(2).run()
    assert not app.exception
    assert "heads=2" in app.query_params["local"]
    assert given(app)["run"]["grid"]["counts"] == [2]
    assert app.session_state[state.Key.VIEW].head == 1, "the last one that there is"


def test_a_link_opens_the_layer_that_it_names_and_says_what_no_control_does():
    app = opened(popovers=False, model="local", text=TEXT, local="d=30,heads=5,both,unscaled,unplaced,seed=7")
    assert not app.exception
    assert app.checkbox(local_layer.BOTH).value is True
    assert app.selectbox(local_layer.HEADS).value == 5
    said = "width 30, scores not scaled, no positions, seed 7"
    assert said in [one.value for one in app.get("text")]


@pytest.mark.parametrize(("line", "count", "due"), [
    ("", 8, "heads=8"), ("heads=8,kv=2", 4, "kv=2"), ("heads=8,kv=4", 2, "heads=2"), ("heads=8,kv=1", 4, "kv=1"),
    ("both,seed=7", 1, "heads=1,both,seed=7"),
])  # fmt: skip
def test_other_heads_keep_what_can_be_kept(line, count, due):
    assert str(local_layer.with_heads(from_line(line), count)) == due


@pytest.mark.parametrize(("width", "due"), [(64, [1, 2, 4, 8, 16]), (30, [1, 2, 3, 5, 6, 10, 15]), (1, [1])])
def test_only_numbers_that_divide_the_width_are_offered(width, due):
    assert local_layer.heads_for(width) == due
    for count in due:
        assert local_layer.with_heads(LocalSettings(d_model=width, n_heads=1), count).n_heads == count


def test_the_words_say_what_is_not_as_usual():
    assert local_layer.in_words(LocalSettings(causal=False, n_heads=2)) == ""
    assert local_layer.in_words(from_line("kv=1,temperature=2")) == "1 key-value head, temperature 2"
    assert local_layer.in_words(from_line("kv=2,d=32")) == "width 32, 2 key-value heads"
