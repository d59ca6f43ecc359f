"""The Build page as Streamlit runs it, and what the server answers to what a browser tells it."""

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from attention import handmade
from attention.jobs.queue import BusyError, shared_queue
from attention.layer_settings import LocalSettings
from attention.ui import boundary, build, state, warmup
from tests.ui.test_inspect import given, opened

pytestmark = pytest.mark.usefixtures("warm")
ASK: dict[str, Any] = {
    "id": 3, "text": "The cat sat", "settings": {"d_model": 8, "n_heads": 2, "n_kv_heads": 1}, "preset": "", "tags": [],
    "edits": [],
}  # fmt: skip


def page() -> AppTest:
    return opened().switch_page("pages/build.py").run()


def test_the_page_gives_the_code_and_no_answer_to_nobody() -> None:
    app = page()
    assert not app.exception
    told = given(app)
    assert set(told) == {"bar", "build"}
    assert told["build"]["answer"] is None
    assert set(told["build"]["code"]) == set(build.excerpts())
    assert next(one for one in told["bar"]["pages"] if one["title"] == "Build")["here"]


def test_undo_is_not_offered_where_it_would_take_back_what_is_not_in_sight() -> None:
    with patch.object(state, "can_undo", return_value=True):
        app = opened()
        assert given(app)["bar"]["undo"]
        assert not given(app.switch_page("pages/build.py").run())["bar"]["undo"]


def test_what_a_browser_told_is_answered_on_the_page() -> None:
    said = boundary.said
    told = lambda key, event, kind: ASK if key == build.KEY else said(key, event, kind)  # noqa: E731
    with patch.object(boundary, "said", told):
        answer = given(page())["build"]["answer"]
    assert answer["id"] == 3
    assert answer["output"].shape == (1, 3, 8)


def test_the_answer_is_what_the_layer_makes() -> None:
    answer = build.answer(ASK)
    plan = handmade.Plan(text="The cat sat", settings=LocalSettings(d_model=8, n_heads=2, n_kv_heads=1))
    built = handmade.run(plan)
    assert answer is not None
    assert np.array_equal(answer["heads"], built.heads.numpy())
    assert np.array_equal(answer["output"], built.output.numpy())


def test_the_same_state_is_run_once_for_a_class() -> None:
    told = {**ASK, "text": "Once for a whole class"}
    build.answer(told)
    with patch.object(handmade, "run", side_effect=AssertionError):
        again = build.answer({**told, "id": 4})
    assert again is not None
    assert again["id"] == 4


@pytest.mark.parametrize("number", [None, -1, 1.5, True, "3", 2**60])
def test_a_message_without_a_number_is_not_answered(number: Any) -> None:
    assert build.answer({**ASK, "id": number}) is None


@pytest.mark.parametrize("change", [{"text": ""}, {"settings": {"d_model": 10**6}}, {"edits": [{"matrix": "x"}]}])
def test_what_cannot_be_run_is_answered_in_words(change: dict[str, Any]) -> None:
    answer = build.answer({**ASK, **change})
    assert answer is not None
    assert set(answer) == {"id", "problem"}
    assert answer["problem"].endswith(".")


def test_a_full_queue_is_said() -> None:
    told = {**ASK, "text": "Nobody has a turn for this"}
    with patch.object(build._checks, "_begin", side_effect=BusyError("Too many people are asking.")):
        answer = build.answer(told)
    assert answer == {"id": 3, "problem": "Too many people are asking."}


def test_while_torch_is_being_loaded_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "ready", lambda: False)
    answer = build.answer(ASK)
    assert answer is not None
    assert set(answer) == {"id", "waiting"}
    assert "oading" in answer["waiting"]


def test_nobody_waits_here_for_a_turn_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PATIENCE_SECONDS", 0.01)
    told = {**ASK, "text": "A text that nobody has told before"}
    with shared_queue().turn(), ExitStack() as others:
        for _ in range(shared_queue().at_once - 1):
            others.enter_context(shared_queue().turn())
        assert build.answer(told) == {"id": 3, "waiting": build.IN_LINE}
    monkeypatch.setattr(build, "PATIENCE_SECONDS", 60)
    answer = build.answer({**told, "id": 4})
    assert answer is not None
    assert answer["output"].shape == (1, 7, 8)


def test_what_is_kept_is_bounded() -> None:
    most, most_bytes = build._checks._bounds()
    made = handmade.Built(heads=torch.zeros(1, 2, 3, 4), output=torch.zeros(1, 3, 8))
    assert build._checks._size(made) == build.BYTES_A_NUMBER * (24 + 24)
    assert (most, most_bytes) == (build.MOST_KEPT, build.MOST_BYTES)
