"""The page as Streamlit runs it: no browser, so components are looked at by the bytes that they are given."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from attention import wire
from attention.catalogue import models, samples
from attention.local import trace_local
from attention.models import hub
from attention.models.reference import ModelRef
from attention.ui import ask, head, state, traces, warmup
from attention.view import DEFAULT_TEXT
from tests.app.test_traces import stacks

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
COMPONENTS = {"bar", "prompt", "heads", "predicted", "sentence", "figures", "arithmetic"}
HOSTILE = (
    "<script>alert(1)</script> word", r"$\LaTeX$ and $x^2$", "**bold** [link](http://x) :smile: # head",
    "😀 👩‍👩‍👧 👋🏽", "القطة جلست على السجادة", "a\nb\tc", "one", "&lt;b&gt; \\u003c </style>", "—" * 90,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    warmup.start()
    assert warmup._shared.wait(120)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=SECONDS)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def given(app: AppTest) -> dict[str, Any]:
    """What each component on the page was given, by its name."""
    found = app.get("bidi_component")
    return {item.proto.component_name.removeprefix("headlight."): wire.parse(item.proto.bytes) for item in found}


def one(value: Any) -> str:
    """A query parameter's value; AppTest gives it bare or in a list."""
    return value if isinstance(value, str) else value[-1]


def payload(app: AppTest, name: str) -> bytes:
    """The very bytes that one component was given."""
    found = {item.proto.component_name: item.proto.bytes for item in app.get("bidi_component")}
    return found[f"headlight.{name}"]


def shown(app: AppTest) -> str:
    return "\n".join([item.value for item in app.text] + [item.proto.body for item in app.get("html")])


class TestDefault:
    def test_everything_is_there_and_nothing_failed(self):
        app = opened()
        assert not app.exception
        assert set(given(app)) == COMPONENTS
        assert given(app)["prompt"]["text"] == DEFAULT_TEXT

    def test_the_three_panels_in_their_order(self):
        panels = given(opened())["figures"]["panels"]
        assert [panel["name"] for panel in panels] == ["scores", "weights", "values"]
        assert panels[0]["current"] == "masked"
        assert [option["value"] for option in panels[0]["options"]] == ["scores", "scaled", "masked"]
        assert all(panel["figure"] for panel in panels)

    def test_the_foot_says_what_ran_and_what_was_checked(self):
        said = shown(opened())
        assert "Storyteller" in said
        for part in ("d_model 192", "d_head 32", "2.56 M parameters", "12 tokens", "traced in", "float32 · trained"):
            assert part in said
        assert said.count("✓") == 2
        assert "within" in said

    def test_the_pin_is_one_and_the_same_everywhere(self):
        parts = given(opened(query="8"))
        assert parts["sentence"]["pin"] == parts["arithmetic"]["query"] == 8
        assert parts["arithmetic"]["name"] == "·it"

    def test_the_address_reproduces_the_page(self):
        app = opened(head="3", query="2", stage="scaled", values="contribution")
        again = opened(**{name: one(app.query_params[name]) for name in app.query_params})
        for name in ("figures", "arithmetic", "sentence"):
            assert payload(app, name) == payload(again, name)


    @pytest.mark.parametrize("what", ["norms", "difference"])
    def test_the_weights_panel_can_show_what_each_key_brings(self, what):
        parts = given(opened(weights=what, values="contribution"))
        panel = parts["figures"]["panels"][1]
        assert panel["current"] == what
        assert [option["value"] for option in panel["options"]] == ["weights", "norms", "difference"]
        assert panel["figure"]["data"][0]["z"].shape == (12, 12)
        assert "is brought most by" in parts["arithmetic"]["alts"]["weights"]


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
        assert set(given(app)) == {"bar", "prompt"}

    def test_a_sample_is_one_click(self):
        app = opened()
        sample = samples()[2]
        app.button(key=f"sample-{sample.name}").click().run()
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
        assert given(app)["figures"]["kind"] == "encoder"
        assert "encoder: the source looks at itself" in shown(app)
        assert head.ONLY_STARTED not in shown(app)

    @pytest.mark.parametrize("kind", ["decoder", "cross"])
    def test_a_decoder_with_one_token_says_what_to_type(self, given_target, kind):
        given_target(1)
        app = opened(model="t5", kind=kind)
        assert given(app)["figures"]["kind"] == kind
        assert head.ONLY_STARTED in shown(app)
        assert f"{kind}: {head.KIND_WORDS[kind]}" in shown(app)

    def test_with_a_second_text_the_decoder_is_shown(self, given_target):
        given_target(2)
        app = opened(model="t5", pair="x x")
        assert given(app)["figures"]["kind"] == "decoder"
        assert head.ONLY_STARTED not in shown(app)


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
        assert opened().caption[0].value == f"{ask.HINT} {models()[0].about}"
        assert opened(model="a b c").caption[0].value == ask.HINT

    def test_the_line_under_the_name_is_never_without_a_line(self):
        app = opened(model="local")
        line = "not trained · 1 layer × 4 heads"
        assert line in shown(app)
        app.button(key="sample-code").click().run()
        assert line in shown(app)
        app = opened(model="local", pair="a second")
        assert "takes one text" in shown(app)
        assert line not in shown(app)
        assert ask.BLANK in [item.value for item in app.text]

    def test_the_line_stays_while_the_next_text_is_traced(self, monkeypatch):
        monkeypatch.setattr(traces, "_shared", traces.Traces(traces._run))
        app = opened(model="local")
        line = "not trained · 1 layer × 4 heads"
        before = []
        real = ask.learn

        def learn(place, found):
            before.append(ask.known(state.current()))
            real(place, found)

        monkeypatch.setattr(ask, "learn", learn)
        app.button(key=f"sample-{samples()[1].name}").click().run()
        assert [one.line for one in before] == [line]
        monkeypatch.setattr("attention.api.trace", lambda *given, **options: trace_local("one two"))
        app.selectbox(key="model").set_value("GPT-2").run()
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
        app.selectbox(key="model").set_value("GPT-2").run()
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
        panel = given(opened(values="contribution"))["figures"]["panels"][2]
        assert panel["figure"]["data"][0]["z"].shape == (12, 192)
