"""“What it writes” on the page: the lists and shares are the analysis', of the head on show at the pinned token."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import attention
from attention import Trace
from attention.analysis.writing import head_writing
from attention.capture import Address, Inputs
from attention.source import Source, inputs_of, load_source
from attention.ui import analysed, model_runs, runs, writes
from attention.view import View
from tests.tiny import build, ids
from tests.ui.asking import opened, shown
from tests.ui.test_matters import judge

TEXT = "The old king came home. The old king came"
VIEW = View(text=TEXT, details="writes", layer=3, head=2, query=10)

pytestmark = pytest.mark.usefixtures("warm", "fresh")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(writes, "_shared", writes.Writes(writes._run))


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def source() -> Source:
    return load_source("storyteller", None, None)


def test_the_lists_are_those_of_the_head_at_the_pinned_token(story: Trace, source: Source) -> None:
    data = shown(opened(story.head(3, 2), VIEW), "writes")
    inputs = inputs_of(source, TEXT, None, None)[0]
    wanted = head_writing(
        source.model, inputs, Address("decoder", 3), 2, 10, tokenizer=source.tokenizer, target=data["target"]["id"],
        distractor=data["distractor"]["id"],
    )  # fmt: skip
    for name, tokens in (("promoted", wanted.promoted), ("suppressed", wanted.suppressed)):
        assert [(one["name"], one["rank"]) for one in data[name]] == [(one.text, one.rank) for one in tokens]
        assert [one["value"] for one in data[name]] == pytest.approx([one.value for one in tokens], abs=1e-5)
    assert data["promoted"][0]["value"] > 0 > data["suppressed"][0]["value"]
    assert (data["layer"], data["head"], data["place"]) == (3, 2, "·came")
    assert data["attended"]["place"] == int(story.head(3, 2).weights[10].argmax())
    assert data["value"] == pytest.approx(wanted.value, abs=1e-5)


def test_the_keys_add_up_to_the_heads_share(story: Trace) -> None:
    head = story.head(3, 2)
    data = shown(opened(head, VIEW), "writes")
    assert sum(one["value"] for one in data["keys"]) == pytest.approx(data["value"], abs=1e-4)
    assert [one["weight"] for one in data["keys"]] == pytest.approx(head.weights[10].tolist(), abs=1e-5)
    assert data["ok"]
    assert data["keys"][5]["name"] == "·home"


def test_the_target_of_the_view_is_the_one_that_is_split(story: Trace) -> None:
    data = shown(opened(story.head(3, 2), replace(VIEW, target=608)), "writes")
    assert (data["target"]["id"], data["distractor"], data["measure"]) == (608, None, "logit")


def test_another_token_or_head_is_another_request(story: Trace) -> None:
    one = shown(opened(story.head(3, 2), VIEW), "writes")
    other = shown(opened(story.head(3, 2), replace(VIEW, query=4)), "writes")
    assert other["promoted"] != one["promoted"]
    assert shown(opened(story.head(0, 0), replace(VIEW, layer=0, head=0)), "writes")["promoted"] != one["promoted"]


def test_where_it_is_not_defined_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    model, entering = judge()
    trace = attention.trace(model, list(entering.ids))
    given = Source(model=model, tokenizer=None), entering, trace.tokens, ()
    monkeypatch.setattr(analysed, "entering", lambda *_: given)
    data = shown(opened(trace.head(0, 0), View(model="judge", text="any", details="writes")), "writes")
    assert data["reason"] == writes.NO_PLACE
    local = attention.trace("local", "one two").head(0, 0)
    data = shown(opened(local, View(model="local", text="one two", details="writes")), "writes")
    assert data["reason"] == analysed.LOCAL_PREDICTS_NOTHING


def test_a_head_of_the_encoder_reaches_no_logit_by_itself() -> None:
    trace = attention.trace("dates", "3 May 98")
    view = View(model="dates", text="3 May 98", kind="encoder", details="writes")
    data = shown(opened(trace.head(0, 0, "encoder"), view), "writes")
    assert "reaches no logit by itself" in data["reason"]


def test_cross_attention_is_split_over_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    model, entering = build("t5", "both"), Inputs(ids=tuple(ids(7)), pair_ids=tuple(ids(5)))
    trace = attention.trace(model, list(entering.ids), list(entering.pair_ids))
    given = Source(model=model, tokenizer=None), entering, trace.tokens, trace.pair_tokens
    monkeypatch.setattr(analysed, "entering", lambda *_: given)
    view = View(model="small", text="any", kind="cross", query=2, details="writes")
    data = shown(opened(trace.head(0, 0, "cross"), view), "writes")
    assert data["ok"]
    assert [one["place"] for one in data["keys"]] == list(range(7))


def behind(door: threading.Event) -> Callable[..., writes.Written]:
    """The analysis, which begins when the door is open."""
    quick = writes._run

    def run(asked: writes.Request, job: runs.Job[writes.Written]) -> writes.Written:
        assert door.wait(60)
        return quick(asked, job)

    return run


def test_while_the_next_is_made_the_last_stays_and_is_drawn_once(story: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    def count(app: AppTest) -> int:
        assert not app.exception
        return len(app.get("bidi_component"))

    app = opened(story.head(3, 2), VIEW)
    first = shown(app, "writes")
    door = threading.Event()
    monkeypatch.setattr(writes, "_shared", writes.Writes(behind(door)))
    app.session_state["head_view"], app.query_params["layer"] = story.head(1, 2), "1"
    app.run()
    assert count(app) == 1
    assert shown(app, "writes")["promoted"] == first["promoted"]
    assert [button.label for button in app.button] == ["Stop"]
    door.set()
    until = time.monotonic() + 60
    while app.button and time.monotonic() < until:
        time.sleep(0.1)
        app.run()
    assert count(app) == 1
    assert shown(app, "writes")["layer"] == 1
    monkeypatch.setattr(model_runs, "PATIENCE_SECONDS", 60)
    app.session_state["head_view"], app.query_params["layer"] = story.head(0, 2), "0"
    app.run()
    assert (count(app), shown(app, "writes")["layer"]) == (1, 0)


def test_a_person_who_leaves_it_can_begin_again(story: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    door = threading.Event()
    monkeypatch.setattr(writes, "_shared", writes.Writes(behind(door)))
    app = opened(story.head(3, 2), VIEW)
    app.button(key="writes-leave").click().run()
    assert [text.value for text in app.text] == [analysed.STOPPED]
    door.set()
    app.button(key="writes-again").click().run()
    assert shown(app, "writes")["layer"] == 3


def test_who_stops_what_others_wait_for_waits_no_longer(story: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    door = threading.Event()
    monkeypatch.setattr(writes, "_shared", writes.Writes(behind(door)))
    app = opened(story.head(3, 2), VIEW)
    (job,) = writes._shared._jobs.values()
    job.watch("ben")
    app.button[0].click().run()
    assert not job.done.is_set()
    assert analysed.STOPPED in [text.value for text in app.text]
    assert [button.label for button in app.button] == ["Begin again"]
    app.button[0].click().run()
    assert [button.label for button in app.button] == ["Stop"]
    door.set()
    assert shown(app, "writes")["promoted"]
