"""The page “Compare” as Streamlit runs it: both sides, what lies between them, and its link."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import attention
from attention.analysis.changed import changed
from attention.browser import codec, store
from attention.edits import edits_of
from attention.ui import compare, edits, state, warmup, work
from attention.view import Comparison, View, comparison_query
from tests.ui.test_inspect import opened

pytestmark = pytest.mark.usefixtures("warm")
CAT, DOG = "The cat sat on the mat.", "The big dog sat on the mat."
BOTH = {"v": "1", "text": CAT, "layer": "2", "head": "3", "b.text": DOG, "b.head": "4", "b.query": "2"}
A, B = compare.SIDES


def page(**query: str) -> AppTest:
    app = opened(popovers=False, **{key.replace("b_", "b."): value for key, value in query.items()})
    return app.switch_page("pages/compare.py").run()


def given(app: AppTest) -> dict[str, Any]:
    """What each component was given, by the name of its component, and of its side where it has one."""
    found = {}
    for item in app.get("bidi_component"):
        if item.proto.bytes:
            side = next((f".{one.name}" for one in (A, B) if item.proto.id.endswith(f"-{one.name.lower()}")), "")
            found[item.proto.component_name.removeprefix("headlight.") + side] = codec.parse(item.proto.bytes)
    return found


def act(app: AppTest, do: Callable[[], None]) -> None:
    """What a callback does comes as the run begins."""
    waiting = [do]
    with patch.object(warmup, "start", lambda: waiting.pop()() if waiting else None):
        app.run()


def shown(app: AppTest) -> Comparison:
    return Comparison(first=app.session_state[state.Key.VIEW], second=app.session_state[state.Key.SECOND])


def test_each_side_shows_its_own_run_in_a_store_of_its_own() -> None:
    app = page(**BOTH)
    assert not app.exception
    told = given(app)
    runs = {name: attention.trace("storyteller", text) for name, text in (("A", CAT), ("B", DOG))}
    for name, run in runs.items():
        tokens = [token["text"] for token in told[f"run.{name}"]["tokens"]["queries"]]
        assert tokens == [str(token) for token in run.tokens]
        assert told[f"prompt.{name}"]["text"] == run.prompt.text  # type: ignore[union-attr]
    looks = [told[f"controls.{name}"]["look"] for name in "AB"]
    assert [(look["layer"], look["head"]) for look in looks] == [(2, 3), (2, 4)]
    assert looks[1]["query"] == 2
    assert all(told[f"controls.{name}"]["address"] is None for name in "AB"), "the server writes this page's address"
    assert {key: app.query_params[key] for key in BOTH} == BOTH


def test_what_lies_between_is_of_both_runs() -> None:
    told = given(page(**BOTH))
    between, ranking = told["difference"], told["changed"]
    assert between["runs"] == ranking["runs"] == [told["run.A"]["id"], told["run.B"]["id"]]
    assert between["stores"] == list(store.COMPARED)
    assert between["keys"] is None
    steps = between["queries"]
    assert steps.shape[1] == 3
    assert [one for one in steps[:, 0] if one >= 0] == list(range(len(told["run.A"]["tokens"]["queries"])))
    assert between["differing"] == ["text", "head"]
    found = changed(attention.trace("storyteller", CAT), attention.trace("storyteller", DOG))
    assert ranking["why"] == ""
    assert list(zip(ranking["layers"], ranking["heads"], strict=True)) == [(one.layer, one.head) for one in found]
    np.testing.assert_allclose(ranking["distances"], [one.distance for one in found], atol=1e-6)


def test_models_of_another_shape_are_shown_and_why_they_are_not_ranked() -> None:
    told = given(page(text=CAT, model="storyteller", b_model="local"))
    assert "A has 4 layers of 6 heads, B 1 layer of 4 heads." in told["changed"]["why"]
    assert told["changed"]["layers"] is None
    assert told["difference"]["differing"][0] == "model"


def test_equal_sides_say_so_and_without_b_keys_both_are_the_first() -> None:
    app = page(text=CAT, layer="1")
    told = given(app)
    assert told["difference"]["differing"] == []
    assert (told["changed"]["distances"] == 0).all()
    assert shown(app).first == shown(app).second
    assert not any(key.startswith("b.") for key in app.query_params)


def test_a_change_of_one_side_leaves_the_other_and_stands_in_the_address() -> None:
    app = page(**BOTH)
    base = given(app)["controls.A"]["base"]
    before = shown(app)
    message = {"seq": 5, "changes": {"head": "1", "layer": "0"}, "about": {"head": base, "layer": base}}
    act(app, lambda: compare.hear(A, message))
    assert shown(app).second == before.second
    assert (shown(app).first.layer, shown(app).first.head) == (0, 1)
    told = given(app)
    assert (told["controls.A"]["seen"], told["controls.B"]["seen"]) == (5, 0)
    assert app.query_params["b.layer"] == "2"
    act(app, lambda: compare.hear(B, message))
    assert shown(app).second == before.second, "it was said of the other side's run"


def test_swap_undo_and_redo_take_both_sides() -> None:
    app = page(**BOTH)
    before = shown(app)
    act(app, lambda: state.compare(state.compared().swapped))
    assert shown(app) == before.swapped
    assert app.query_params["text"] == DOG
    assert app.query_params["b.text"] == CAT
    act(app, state.undo)
    assert shown(app) == before
    act(app, state.redo)
    assert shown(app) == before.swapped


def test_the_browsers_back_goes_to_both_sides_as_they_were() -> None:
    app = page(**BOTH)
    before, query = shown(app), dict(app.query_params)
    act(app, lambda: state.compare(Comparison(first=before.first, second=View(text="One more."))))
    assert app.query_params["b.text"] == "One more."
    for key in list(app.query_params):
        del app.query_params[key]
    app.query_params.update(query)
    app.run()
    assert shown(app) == before


def test_the_inspect_page_shows_the_first_side_and_knows_nothing_of_the_second() -> None:
    app = page(**BOTH)
    before = shown(app)
    app.switch_page("pages/inspect.py").run()
    assert not app.exception
    assert shown(app) == before, "the second side is kept"
    assert app.session_state[state.Key.VIEW] == before.first


def test_compare_anew_makes_both_sides_alike() -> None:
    app = page(**BOTH)
    act(app, state.compare_anew)
    assert shown(app).second == shown(app).first == View(text=CAT, layer=2, head=3)


def test_what_a_link_asks_for_and_is_not_there_is_said_with_its_side() -> None:
    app = page(text=CAT, b_layer="40", b_query="x", b_model="")
    said = "\n".join(text.value for text in app.text)
    assert "Side B: This model has no layer 40 with attention. Shown instead: layer 3." in said
    assert "b.query is “x”" in said
    assert "b.model is “”" in said
    assert shown(app).second.layer == 3


def test_where_one_side_cannot_be_shown_the_other_stands() -> None:
    app = page(text=CAT, b_text=" ")
    told = given(app)
    assert "run.A" in told
    assert "run.B" not in told
    assert "difference" not in told
    assert any("type a word" in text.value for text in app.text)


def test_the_examples_can_be_shown_as_they_say() -> None:
    for one in compare.examples():
        app = page(**{key.replace("b.", "b_"): value for key, value in comparison_query(one.comparison).items()})
        assert not app.exception
        told = given(app)
        assert told["difference"]["differing"], one.name
        assert shown(app) == one.comparison, one.name


def test_edits_of_one_side_are_part_of_its_run_and_are_said() -> None:
    app = page(text=CAT, b_edits="off-0.1")
    told = given(app)
    assert told["run.A"]["id"] != told["run.B"]["id"]
    assert "edits.A" not in told
    assert [item["words"] for item in told["edits.B"]["items"]] == ["layer 0, head 1: off (zero)"]
    assert told["difference"]["differing"] == ["changes of the run"]
    assert told["changed"]["distances"][0] > 0


def test_work_that_was_left_can_be_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def left(*_: Any) -> Any:
        raise work.LeftError(work.WORDS)

    monkeypatch.setattr(work, "through", left)
    app = page(**BOTH)
    assert "changed" not in given(app)
    assert any(button.label == "Rank all heads" for button in app.button)


def test_one_side_is_changed_and_its_changes_are_lifted() -> None:
    app = page(**BOTH)
    controls = given(app)["controls.A"]
    assert controls["unedited"] == ""
    message = {"seq": 7, "changes": {"edits": "off-0.1,off-0.2"}, "about": {"edits": controls["base"]}}
    act(app, lambda: compare.hear(A, message))
    assert ",".join(map(str, shown(app).first.edits)) == app.query_params["edits"] == "off-0.1,off-0.2"
    assert shown(app).second.edits == ()
    act(app, lambda: compare.lifted(A, edits_of("off-0.2")))
    assert given(app)["controls.A"]["look"]["edits"] == ["off-0.2"]
    act(app, state.undo)
    assert [item["line"] for item in given(app)["edits.A"]["items"]] == ["off-0.1", "off-0.2"]


def test_a_change_that_cannot_be_made_is_listed_beside_its_sentence() -> None:
    app = page(text=CAT, b_edits="off-99.1")
    assert any("a layer that is not there" in text.value for text in app.text)
    failed = [one.proto for one in app.get("bidi_component") if one.proto.id.endswith("compare-edits-b-failed")]
    assert [item["line"] for item in codec.parse(failed[0].bytes)["items"]] == ["off-99.1"]
    act(app, lambda: compare.lifted(B, ()))
    assert shown(app).second.edits == ()
    assert "difference" in given(app)


def test_the_local_layer_has_no_run_to_change() -> None:
    app = page(model="local", text=CAT)
    controls = given(app)["controls.B"]
    assert controls["unedited"] == edits.LOCAL_RUNS_ALONE
    message = {"seq": 7, "changes": {"edits": "off-0.1"}, "about": {"edits": controls["base"]}}
    act(app, lambda: compare.hear(B, message))
    assert shown(app).second.edits == ()
    assert edits.LOCAL_RUNS_ALONE in [text.value for text in app.text]
