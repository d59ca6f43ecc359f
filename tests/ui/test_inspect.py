"""The page as Streamlit runs it: no browser, so components are looked at by the bytes that they are given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import attention
from attention import sentences
from attention.browser import codec
from attention.catalogue import models, samples
from attention.errors import Beginning
from attention.local import trace_local
from attention.models import hub
from attention.models.reference import ModelRef
from attention.record import HeadView
from attention.ui import details, nav, predicted, prompt_bar, search, state, traces, warmup, workbench
from attention.view import DEFAULT_TEXT, View, change
from tests.ui.tracing import stacks

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
TOP = {"bar", "prompt", "picker", "samples"}
HEAD = {"run", "controls", "heads", "sentence", "figures", "arithmetic", "links", "details"}
COMPONENTS = TOP | HEAD | {"predicted", "words"}
HOSTILE = (
    "<script>alert(1)</script> word", r"$\LaTeX$ and $x^2$", "**bold** [link](http://x) :smile: # head",
    "😀 👩‍👩‍👧 👋🏽", "القطة جلست على السجادة", "a\nb\tc", "one", "&lt;b&gt; \\u003c </style>", "—" * 90,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("warm")


def opened(*, popovers: bool = True, **query: str) -> AppTest:
    """The page of an address; with `popovers` open, for what they hold is drawn only then."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=SECONDS)
    for key in (prompt_bar.SHINES, search.OPEN, predicted.CONTINUE):
        app.session_state[key] = popovers
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def given(app: AppTest) -> dict[str, Any]:
    """What each component on the page was given, by its name."""
    found = [item.proto for item in app.get("bidi_component") if item.proto.bytes]  # a style sheet is given nothing
    return {one.component_name.removeprefix("headlight."): codec.parse(one.bytes) for one in found}


def tell(app: AppTest, changes: dict[str, str], seq: int = 1) -> None:
    """What the browser's store sends after a change of its own."""
    send(app, {"seq": seq, "changes": changes, "about": dict.fromkeys(changes, given(app)["controls"]["base"])})


def send(app: AppTest, message: Any) -> None:
    """A component's message reaches its callback before the run; here it comes as the run begins."""
    waiting = [message]
    with patch.object(warmup, "start", lambda: workbench.hear(waiting.pop()) if waiting else None):
        app.run()


def weight_of(view: HeadView) -> np.ndarray:
    """The rows of W_O that read this head, (v, m), by running the projection on unit vectors."""
    record = view.record
    width = record.value.shape[-1]
    unit = torch.zeros(width, record.n_heads * width)
    unit[:, view.head * width : (view.head + 1) * width] = torch.eye(width)
    return (record.projection(unit) - record.projection(torch.zeros_like(unit))).detach().numpy()


def one(value: Any) -> str:
    """A query parameter's value; AppTest gives it bare or in a list."""
    return value if isinstance(value, str) else value[-1]


def payload(app: AppTest, name: str) -> bytes:
    """The very bytes that one component was given."""
    found = {item.proto.component_name: item.proto.bytes for item in app.get("bidi_component")}
    return found[f"headlight.{name}"]


def shown(app: AppTest) -> str:
    return "\n".join([item.value for item in app.text] + [item.proto.body for item in app.get("html")] + said(app))


def said(app: AppTest) -> list[str]:
    """The lines of words about the head and the run, as a person reads them."""
    told = [item.proto for item in app.get("bidi_component") if item.proto.component_name == "headlight.words"]
    return [" ".join(part["text"] for part in line) for one in told for line in codec.parse(one.bytes)["lines"]]


class TestDefault:
    def test_everything_is_there_and_nothing_failed(self):
        app = opened()
        assert not app.exception
        assert set(given(app)) == COMPONENTS
        assert given(app)["prompt"]["text"] == DEFAULT_TEXT

    def test_the_run_is_laid_on_the_desk_with_every_head_and_no_map(self):
        app = opened()
        run, trace = given(app)["run"], attention.trace("storyteller", DEFAULT_TEXT)
        assert run["level"] == "all"
        assert [layer["heads"] for layer in run["layers"]] == [list(range(6))] * 4
        assert np.array_equal(run["layers"][2]["query"], trace.record(2).query.numpy())
        assert all(layer["maps"] is None for layer in run["layers"])
        assert [key["text"] for key in run["tokens"]["keys"]] == [token.text or token.piece for token in trace.tokens]
        assert len(payload(app, "run")) < 2_000_000

    def test_another_head_travels_not_at_all(self):
        """The bytes of what has travelled stay, so Streamlit sends nothing of it again."""
        app = opened(layer="1", head="1")
        before = {name: payload(app, name) for name in ("run", "heads", "figures", "sentence", "arithmetic", "links")}
        tell(app, {"layer": "3", "head": "0", "query": "4", "stage": "scaled", "temperature": "0.5", "hide": "special"})
        assert given(app)["controls"]["look"]["layer"] == 3
        assert {name: payload(app, name) for name in before} == before

    def test_the_foot_says_what_ran_and_what_was_checked(self):
        said = shown(opened())
        assert "Storyteller" in said
        for part in ("d_model 192", "d_head 32", "2.56 M parameters", "12 tokens", "traced in", "float32 · trained"):
            assert part in said
        assert said.count("✓") == 2
        assert "within" in said

    def test_the_pin_is_the_words_that_the_sample_wants_looked_at(self):
        look = given(opened())["controls"]["look"]
        assert DEFAULT_TEXT.split()[look["query"] - 1] == "it"
        assert given(opened(query="5"))["controls"]["look"]["query"] == 5

    def test_the_address_reproduces_the_page(self):
        app = opened(
            head="3", query="2", also="4,5", together="sum", stage="scaled", values="contribution", temperature="0.5",
            hide="special,first", rest="shared", zoom="0-5,1-6", key="1", measure="distance", sort="1",
            beside="0.1,2.2", least="0.05", top="3",
        )  # fmt: skip
        again = opened(**{name: one(app.query_params[name]) for name in app.query_params})
        look = given(app)["controls"]["look"]
        assert given(again)["controls"]["look"] == look
        assert (look["also"], look["zoom"], look["beside"]) == ([4, 5], [0, 5, 1, 6], [[0, 1], [2, 2]])
        assert payload(app, "heads") == payload(again, "heads")

    @pytest.mark.parametrize("what", ["norms", "difference"])
    def test_what_each_key_brings_is_the_servers_to_tell(self, what):
        brought = given(opened(weights=what, layer="2", head="1"))["figures"]["brought"]
        assert (brought["layer"], brought["head"], brought["contribution"]) == (2, 1, None)
        view = attention.trace("storyteller", DEFAULT_TEXT).head(2, 1)
        reach = np.linalg.norm(view.value @ weight_of(view), axis=-1)
        assert brought["norms"]["lengths"] == pytest.approx(reach, rel=1e-4)


class TestDesk:
    """What the browser changes by itself, and tells afterwards."""

    def test_it_becomes_the_view_and_the_address(self):
        app = opened()
        tell(app, {"layer": "2", "head": "5", "also": "1,2", "hide": "first"}, seq=7)
        assert one(app.query_params["head"]) == "5"
        assert one(app.query_params["also"]) == "1,2"
        controls = given(app)["controls"]
        assert controls["seen"] == 7
        assert controls["look"]["hide"] == ["first"]
        assert controls["undo"], "another head is a step that can be taken back"

    def test_a_pin_alone_is_no_step(self):
        app = opened()
        tell(app, {"query": "3", "least": "0.1", "zoom": "0-3,0-3"})
        assert not given(app)["controls"]["undo"]

    @pytest.mark.parametrize(
        "message",
        [
            None, "x", [], {"seq": 1}, {"seq": "1", "changes": {"head": "2"}}, {"seq": -1, "changes": {"head": "2"}},
            {"seq": 1, "changes": [["head", "2"]]}, {"seq": 1, "changes": {"head": 2, "layer": "-1", "text": "hack"}},
            {"seq": 1, "changes": {"model": "nobody/nothing", "details": "<b>", "also": "1,1"}},
        ],
    )  # fmt: skip
    def test_what_no_page_would_send_changes_nothing(self, message):
        app = opened()
        before = given(app)["controls"]["look"]
        send(app, message)
        assert not app.exception
        assert given(app)["controls"]["look"] == before
        assert given(app)["prompt"]["text"] == DEFAULT_TEXT

    def test_what_was_meant_for_another_text_is_let_go(self):
        """A click 100 ms before the text changes arrives after it."""
        app = opened()
        about = given(app)["controls"]["base"]
        during(app, lambda: prompt_bar.take(samples()[2].name))
        changes = {"query": "3", "zoom": "0-3,0-3", "layer": "3", "temperature": "2"}
        send(app, {"seq": 5, "changes": changes, "about": dict.fromkeys(changes, about)})
        controls = given(app)["controls"]
        assert controls["seen"] == 5
        assert controls["look"]["temperature"] == 2, "that is about no text"
        assert "query" not in app.query_params
        assert controls["look"]["zoom"] is None

    @pytest.mark.parametrize("seq", [float("inf"), float("nan"), 1e308, True])
    def test_a_number_that_counts_nothing_is_not_heard(self, seq):
        app = opened()
        tell(app, {"temperature": "2"}, seq=seq)
        assert given(app)["controls"]["seen"] == 0

    def test_a_head_that_is_not_there_becomes_the_last_one(self):
        app = opened()
        tell(app, {"head": "99"})
        assert given(app)["controls"]["look"]["head"] == 5


class TestDetails:
    @pytest.mark.parametrize(
        ("chosen", "component"),
        [("links", "links"), ("dimensions", "dimensions"), ("averages", "map"), ("rollout", "map"), ("words", "map")],
    )
    def test_each_is_there(self, chosen, component):
        app = opened(lens=chosen)
        assert not app.exception
        assert set(given(app)) == COMPONENTS - {"links"} | {component}

    def test_a_choice_goes_into_the_address(self):
        app = opened()
        during(app, lambda: details.choose("rollout"))
        assert one(app.query_params["lens"]) == "rollout"
        assert given(app)["details"]["chosen"] == "rollout"
        during(app, lambda: details.choose("no such view"))
        assert one(app.query_params["lens"]) == "rollout"


class TestTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_ones_are_shown_and_kept(self, text):
        app = opened(text=text, model="local")
        assert not app.exception
        assert given(app)["prompt"]["text"] == text
        assert set(given(app)) == COMPONENTS
        assert text not in "\n".join(item.value for item in app.markdown)

    @pytest.mark.parametrize(
        ("text", "words"), [("", "no text yet"), (" \n\t ", "only spaces"), ("a " * 600, "limit here is 512")]
    )
    def test_what_cannot_be_traced_is_one_sentence_and_kept(self, text, words):
        app = opened(text=text, model="local")
        assert not app.exception
        assert words in shown(app)
        assert given(app)["prompt"]["text"] == text
        assert set(given(app)) == TOP

    def test_a_sample_is_one_click(self):
        app = opened()
        sample = samples()[2]
        during(app, lambda: prompt_bar.take(sample.name))
        assert given(app)["prompt"]["text"] == sample.text
        assert not app.exception

    @pytest.mark.parametrize(("model", "words"), [("local", "takes one text"), ("storyteller", "reads one text")])
    def test_a_second_text_that_the_model_does_not_take_says_so(self, model, words):
        assert words in shown(opened(pair="And this?", model=model))


class TestStacks:
    """Encoder-decoders, by a trace of one."""

    @pytest.fixture
    def given_target(self, monkeypatch):
        monkeypatch.setattr(traces, "_shared", traces.Traces(traces._run))

        def given_target(n_target: int) -> None:
            monkeypatch.setattr("attention.api.trace", lambda *given, **options: stacks(n_target))

        return given_target

    def test_without_a_second_text_the_encoder_is_shown(self, given_target):
        given_target(1)
        app = opened(model="t5")
        assert not app.exception
        assert given(app)["run"]["kind"] == "encoder"
        assert "encoder: the source looks at itself" in shown(app)
        assert workbench.ONLY_STARTED not in shown(app)

    @pytest.mark.parametrize("kind", ["decoder", "cross"])
    def test_a_decoder_with_one_token_says_what_to_type(self, given_target, kind):
        given_target(1)
        app = opened(model="t5", kind=kind)
        assert given(app)["run"]["kind"] == kind
        assert workbench.ONLY_STARTED in shown(app)
        assert f"{kind}: {workbench.KIND_WORDS[kind]}" in shown(app)

    def test_with_a_second_text_the_decoder_is_shown(self, given_target):
        given_target(2)
        app = opened(model="t5", pair="x x")
        assert given(app)["run"]["kind"] == "decoder"
        assert workbench.ONLY_STARTED not in shown(app)


class TestProblems:
    def test_a_bad_id_is_no_matter_of_trying_again_and_the_links_notices_stay(self):
        app = opened(model="a b c", layer="x")
        assert "is not the id of a model" in shown(app)
        assert "The link's layer is “x”" in shown(app)
        assert "retry" not in [button.key for button in app.button]

    def test_what_may_pass_can_be_tried_again(self, monkeypatch):
        monkeypatch.setattr(traces, "_shared", traces.Traces(traces._run))
        answers = [hub.not_complete(ModelRef(id="org/name"))]

        def run(*given, **options):
            if answers:
                raise answers.pop()
            return trace_local("one two")

        monkeypatch.setattr("attention.api.trace", run)
        app = opened(model="org/name")
        assert "connect once" in shown(app)
        app.button(key="retry").click().run()
        assert set(given(app)) == COMPONENTS


class TestPicker:
    def test_it_says_what_the_model_is_and_what_else_may_be_typed(self):
        assert f"{models()[0].about} Or type a hub id or a folder." in [item.value for item in opened().text]
        assert "Or type a hub id or a folder." in [item.value for item in opened(model="a b c").text]

    def test_the_line_under_the_name_is_never_without_a_line(self):
        app = opened(model="local")
        line = "not trained · 1 layer × 4 heads"
        assert line in shown(app)
        during(app, lambda: prompt_bar.take("code"))
        assert line in shown(app)
        app = opened(model="local", pair="a second")
        assert "takes one text" in shown(app)
        assert line not in shown(app)
        assert prompt_bar.BLANK in [item.value for item in app.text]

    def test_the_line_stays_while_the_next_text_is_traced(self, monkeypatch):
        monkeypatch.setattr(traces, "_shared", traces.Traces(traces._run))
        app = opened(model="local")
        line = "not trained · 1 layer × 4 heads"
        before = []
        real = prompt_bar.learn

        def learn(place, found):
            before.append(prompt_bar.known(state.current()))
            real(place, found)

        monkeypatch.setattr(prompt_bar, "learn", learn)
        during(app, lambda: prompt_bar.take(samples()[1].name))
        assert [one.line for one in before] == [line]
        monkeypatch.setattr("attention.api.trace", lambda *given, **options: trace_local("one two"))
        during(app, lambda: prompt_bar.pick("GPT-2"))
        assert [one.line for one in before] == [line, ""], "another model's line says nothing of this one"


class TestModels:
    @pytest.mark.parametrize("model", ["nobody/nothing-at-all", "../../etc/passwd", "<b>x</b>", "$x$ **y**"])
    def test_one_that_cannot_be_had_never_breaks_the_page(self, model):
        app = opened(model=model)
        assert not app.exception
        assert "⚠" in shown(app)
        assert given(app)["prompt"]["text"] == DEFAULT_TEXT

    def test_one_from_the_picker_is_taken_by_its_id(self, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        app = opened()
        during(app, lambda: prompt_bar.pick("GPT-2"))
        assert one(app.query_params["model"]) == "openai-community/gpt2"
        assert not app.exception

    def test_the_line_under_it_says_whether_it_is_trained(self):
        assert "not trained · 1 layer × 4 heads" in shown(opened(model="local"))
        assert "trained · 4 layers × 6 heads" in shown(opened())


class TestLinks:
    def test_bad_parameters_fall_back_with_a_notice(self):
        app = opened(layer="99", head="x", stage="nonsense")
        said = shown(app)
        assert "no layer 99" in said
        assert "“nonsense”" in said
        app.button(key="dismiss").click().run()
        assert "no layer 99" not in shown(app)

    def test_a_contribution_after_w_o_has_the_models_width(self):
        brought = given(opened(values="contribution"))["figures"]["brought"]
        assert brought["contribution"]["z"].shape == (12, 192)
        assert brought["norms"] is None


LONG = "The quick brown fox jumps over the lazy dog again and again."


def during(app: AppTest, act: Callable[[], object]) -> None:
    """Run the page once more, with something that a callback would do before it."""
    with patch.object(nav, "_enter", act):
        app.run()
    assert not app.exception


@pytest.mark.parametrize(("setting", "size"), [("MAX_TOKENS", "5 tokens"), ("MAX_CHARACTERS", "25 characters")])
def test_a_text_that_is_too_long_is_cut_on_request_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, setting: str, size: str
) -> None:
    app = opened(model="local", text="The cat sat.")
    monkeypatch.setenv(f"HEADLIGHT_{setting}", size.split()[0])
    during(app, lambda: prompt_bar.change_to(text=LONG))
    assert "figures" not in given(app)
    button = app.button(key="shorten")
    assert button.label == f"Read the first {size}"
    button.click().run()
    assert not app.exception
    assert given(app)["prompt"]["text"] == "The quick brown fox jumps"
    assert "figures" in given(app)
    assert not given(app)["bar"]["redo"]
    during(app, state.undo)
    assert given(app)["prompt"]["text"] == LONG, "the whole text is one step back"
    assert given(app)["bar"]["redo"]


def test_a_text_that_changes_below_its_box_changes_in_it_too(monkeypatch) -> None:
    """A part of the page that runs by itself draws no box: the whole page has to run again."""
    wanted = ["The cat sat."]

    def gate() -> bool:
        if wanted:
            prompt_bar.change_to(text=wanted.pop())
        return True

    monkeypatch.setattr(warmup, "gate", gate)
    app = opened(model="local", text="The quick brown fox.")
    assert given(app)["prompt"]["text"] == "The cat sat."
    assert [token["text"] for token in given(app)["run"]["tokens"]["keys"]][:2] == ["The", "cat"]


def test_whoever_typed_on_keeps_what_they_typed() -> None:
    refused, start = View(model="local", text=LONG), Beginning(of="text", text="The", size="1 tokens")
    for now, shortened in ((refused, True), (change(refused, text="Typed since."), False)):
        here = patch.object(state, "current", lambda now=now: now)
        with here, patch.object(state, "settle"), patch.object(prompt_bar, "change_to") as change_to:
            prompt_bar.shorten(refused, start)
        assert change_to.called is shortened


def lines_of(app: AppTest, place: str) -> list[str]:
    """The lines of words in that place, as they read."""
    found = [item.proto for item in app.get("bidi_component") if item.proto.component_name == "headlight.words"]
    trees = [codec.parse(one.bytes) for one in found]
    lines = [line for tree in trees if tree["place"] == place for line in tree["lines"]]
    return [" ".join(part["text"] for part in line) for line in lines]


@pytest.mark.parametrize("model", ["cloze", "storyteller"])
def test_the_sample_says_what_is_seen_of_the_words_that_are_said_to_belong_together(model: str) -> None:
    text = "The cat sat on the mat because it was tired."
    said = lines_of(opened(model=model, text=text, layer="1"), "said")[-1]
    assert said == sentences.related(attention.trace(model, text), ("cat", "mat"))
    assert "often said" not in " ".join(lines_of(opened(model=model, text="The cat sat."), "said"))
