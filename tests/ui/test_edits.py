"""Changes of the run on the inspect page: they come from the browser, stand in the link, are listed, told of and
lifted.
"""

import pytest

from attention.ui import edits, effects, prompt_bar, state
from attention.view import View, to_query
from tests.ui.test_inspect import during, given, one, opened, said, send, tell

pytestmark = pytest.mark.usefixtures("warm")
TWO = "off-2.5,cut-1.1-q8-k2"


def texts(app):
    """What Streamlit itself draws as text: notices, and what went wrong."""
    return [item.value for item in app.text]


class TestFromTheBrowser:
    def test_a_change_is_a_step_in_the_address_and_runs(self):
        app = opened()
        before = given(app)["run"]["id"]
        tell(app, {"edits": "off-2.5"})
        assert not app.exception
        assert one(app.query_params["edits"]) == "off-2.5"
        now = given(app)
        assert now["run"]["id"] != before
        assert now["run"]["layers"][2]["edits"] == ["off-decoder.2.5"]
        assert now["controls"]["look"]["edits"] == ["off-2.5"]
        assert now["controls"]["undo"]

    def test_what_was_pinned_meanwhile_stays(self):
        app = opened()
        base = given(app)["controls"]["base"]
        tell(app, {"edits": "off-2.5"})
        changes = {"query": "4", "layer": "2", "head": "1"}
        send(app, {"seq": 2, "changes": changes, "about": dict.fromkeys(changes, base)})
        look = given(app)["controls"]["look"]
        assert (look["query"], look["layer"], look["head"], look["edits"]) == (4, 2, 1, ["off-2.5"])

    def test_undo_and_redo_go_back_and_forth(self):
        app = opened()
        tell(app, {"edits": "off-2.5"})
        during(app, state.undo)
        assert given(app)["controls"]["look"]["edits"] == []
        assert "edits" not in given(app)
        during(app, state.redo)
        assert given(app)["controls"]["look"]["edits"] == ["off-2.5"]

    @pytest.mark.parametrize("lines", ["off", "nonsense", "off-2.5,<b>", "hide-2.5-k1", "," * 30])
    def test_what_is_no_change_changes_nothing(self, lines):
        app = opened()
        tell(app, {"edits": lines})
        assert not app.exception
        assert given(app)["controls"]["look"]["edits"] == []

    def test_one_that_is_meant_for_another_text_is_let_go(self):
        app = opened()
        base = given(app)["controls"]["base"]
        during(app, lambda: prompt_bar.change_to(text="Another text."))
        send(app, {"seq": 3, "changes": {"edits": "even-2.1-q8"}, "about": {"edits": base}})
        assert given(app)["controls"]["look"]["edits"] == []

    def test_a_patch_brings_its_text(self):
        app = opened()
        tell(app, {"edits": "patch-1.1", "patch_text": "The dog sat on the mat because it was tired."})
        assert not app.exception
        assert one(app.query_params["patch"]).startswith("The dog")
        layer = given(app)["run"]["layers"][1]
        assert layer["given"]["1"].shape == (12, 32)


class TestList:
    def test_it_is_not_there_without_changes(self):
        assert not {"edits", "effect"} & set(given(opened()))

    def test_it_names_each_and_says_all_in_a_sentence(self):
        told = given(opened(edits=TWO))["edits"]
        assert [item["line"] for item in told["items"]] == TWO.split(",")
        assert [item["words"] for item in told["items"]] == [
            "layer 2, head 5: off (zero)", "layer 1, head 1: “·it” may not see “·cat” (edge cut)",
        ]  # fmt: skip
        assert told["sentence"].endswith("Storyteller, one prompt.")
        assert "zero ablation" in told["sentence"]

    def test_it_stands_beside_a_failure_and_lifts_what_fails(self):
        app = opened(edits="off-2.5,cut-1.1-q0-k0")
        told = given(app)
        assert told["edits"]["failed"]
        assert any("query 0 could see no key at all" in line for line in texts(app))
        during(app, lambda: edits.lift("off-2.5"))
        assert given(app)["controls"]["look"]["edits"] == ["off-2.5"]
        assert not given(app)["edits"]["failed"]

    @pytest.mark.parametrize("lines", ["<b>", "x" * 5000])
    def test_it_takes_no_nonsense(self, lines):
        app = opened(edits="off-2.5")
        during(app, lambda: edits.lift(lines))
        assert given(app)["controls"]["look"]["edits"] == ["off-2.5"]

    def test_what_is_none_in_a_link_is_said(self):
        app = opened(edits="off-2.5,nonsense")
        assert any("edits" in line for line in texts(app))
        assert given(app)["controls"]["look"]["edits"] == []

    def test_a_layer_that_is_not_there_is_said_and_can_be_lifted(self):
        app = opened(edits="off-99.1")
        assert any("a layer that is not there" in line for line in texts(app))
        assert [item["line"] for item in given(app)["edits"]["items"]] == ["off-99.1"]


class TestEffect:
    def test_it_tells_the_two_likeliest_before_and_after(self):
        told = given(opened(edits="even-2.1-q8", query="8"))["effect"]
        assert told["where"] == "after “·it”"
        assert (told["target"]["text"], told["distractor"]["text"]) == ("was", "had")
        metric = told["metric"]
        assert metric["change"] == pytest.approx(metric["after"] - metric["before"])
        assert metric["change"] != 0
        assert told["kl"] > 0
        assert all(item["probability"] > 0 for item in told["rose"])
        assert all(item["probability"] < 0 for item in told["fell"])

    def test_target_and_distractor_are_the_links(self):
        told = given(opened(edits="even-2.1-q8", query="8"))["effect"]
        target, other = (told["likeliest"][place]["id"] for place in (2, 4))
        app = opened(edits="even-2.1-q8", query="8", target=str(target), distractor=str(other))
        again = given(app)["effect"]
        assert (again["target"]["id"], again["distractor"]["id"]) == (target, other)
        tell(app, {"target": str(other), "distractor": str(target)})
        assert given(app)["effect"]["metric"]["change"] == pytest.approx(-again["metric"]["change"], rel=1e-6)

    def test_a_target_alone_is_told_by_its_log_probability(self):
        told = given(opened(edits="even-2.1-q8", query="8", target="312"))["effect"]
        assert told["distractor"] is None
        assert told["metric"]["name"] == "log-probability"

    def test_a_target_that_is_none_is_said(self):
        assert "this model predicts numbers" in given(opened(edits="off-2.5", target="999999"))["effect"]["why"]

    def test_of_a_model_that_fills_blanks(self):
        told = given(opened(model="cloze", text="The cat sat on the mat.", edits="off-1.1", query="2"))["effect"]
        assert told["where"].startswith("at “")
        assert told["metric"]["change"] != 0

    def test_of_two_texts(self):
        told = given(opened(model="dates", text="3 May 1998", kind="cross", edits="off-cross.1.1"))["effect"]
        assert told["where"].startswith("after “")

    def test_it_is_made_once(self):
        app = opened(edits="off-2.4")
        begun = effects._effects.begun
        tell(app, {"stage": "scaled"})
        assert effects._effects.begun == begun


class TestMap:
    def test_what_changed_later_and_what_cannot_have(self):
        told = given(opened(edits="off-2.5", measure="changed"))["heads"]
        numbers = told["numbers"]
        assert not told["why"]
        assert all(value != value for value in numbers[:3].ravel()), "nothing before layer 3 can have changed"
        assert (numbers[3] > 0).all()
        assert told["hatched"] == "cannot have changed"

    def test_without_changes_there_is_nothing_to_compare(self):
        assert "nothing is changed" in given(opened(measure="changed"))["heads"]["why"]

    def test_the_tokens_that_changes_reach(self):
        assert given(opened(edits="even-2.1-q8"))["run"]["reached"] == 8
        assert given(opened(edits="hide-k3"))["run"]["reached"] == 4
        assert given(opened(edits="off-2.5"))["run"]["reached"] == 0
        assert given(opened())["run"]["reached"] is None


class TestRefusals:
    def test_the_local_layer_says_why(self):
        told = given(opened(model="local", edits="off-0.1"))
        assert "edits" not in told
        assert "stands alone" in told["controls"]["unedited"]

    def test_a_run_from_a_file_says_why(self):
        assert "without its model" in edits.refusal(View(model="opened:0123456789abcdef"))

    def test_a_change_of_such_a_run_is_refused(self):
        app = opened(model="local")
        tell(app, {"edits": "off-0.1"})
        assert any("stands alone" in line for line in texts(app))

    def test_a_trained_model_takes_them(self):
        assert given(opened())["controls"]["unedited"] == ""


def test_the_foot_names_the_second_run():
    foot = [line for line in said(opened(edits="off-2.5")) if "edited run" in line]
    assert foot
    assert "second run with the same edits" in foot[0]


def test_a_link_holds_all():
    view = View(edits=TWO, target=312, distractor=350)
    assert {"edits", "target", "distractor"} <= set(to_query(view))
