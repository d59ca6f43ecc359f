"""“Patch” on the page: both maps are the analysis', unequal texts are refused, and of small gaps numbers are raw."""

from dataclasses import replace

import numpy as np
import pytest

import attention
from attention import Trace
from attention.analysis.patching import all_patched
from attention.browser import patch as given_patch
from attention.source import Source, inputs_of, load_source
from attention.ui import patch, sweeps
from attention.view import View
from tests.ui.asking import opened, shown

TEXT = "The old king came home. The old king came"
OTHER = "The old king came home. The old king went"
VIEW = View(text=TEXT, details="patch", patch_text=OTHER, query=10)

pytestmark = pytest.mark.usefixtures("warm", "fresh")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(patch, "_firsts", patch.Firsts(patch._first))
    monkeypatch.setattr(patch, "_sweeps", sweeps.Sweeps(patch._each))


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def source() -> Source:
    return load_source("storyteller", None, None)


def test_both_directions_are_those_of_the_analysis(story: Trace, source: Source) -> None:
    data = shown(opened(story.head(0, 0), VIEW), "patch", "done")
    clean, corrupted = (inputs_of(source, text, None, None)[0] for text in (TEXT, OTHER))
    for one in data["maps"]:
        wanted = all_patched(source, clean, corrupted, direction=one["name"], position=10)
        np.testing.assert_allclose(one["values"], wanted.grid("decoder")[1], atol=1e-4)
        assert (data["clean"], data["corrupted"]) == pytest.approx((wanted.clean, wanted.corrupted), abs=1e-4)
        assert (data["target"]["id"], data["distractor"]["id"]) == (wanted.metric.target, wanted.metric.distractor)
    assert [one["name"] for one in data["maps"]] == ["denoise", "noise"]
    assert data["raw"] == ""
    assert max(np.nanmax(one["values"]) for one in data["maps"]) > 1, "not clipped"
    assert data["alignment"]["stretches"][-1] == {"same": False, "first": [10, 11], "second": [10, 11]}


def test_texts_of_unequal_length_are_refused_with_their_alignment(story: Trace) -> None:
    data = shown(opened(story.head(0, 0), replace(VIEW, patch_text="The old king came")), "patch")
    assert "11 and 5 tokens" in data["reason"]
    assert "maps" not in data
    assert data["alignment"]["first"][5] == "·home"
    covered = [number for one in data["alignment"]["stretches"] for number in range(*one["first"])]
    assert covered == list(range(11))


def test_a_small_gap_gives_raw_numbers_and_says_why(story: Trace) -> None:
    data = shown(opened(story.head(0, 0), replace(VIEW, query=1)), "patch", "done")
    assert data["clean"] == pytest.approx(data["corrupted"], abs=1e-5), "what comes later changes nothing there"
    assert "a share of that would say nothing" in data["raw"]
    for one in data["maps"]:
        np.testing.assert_allclose(one["values"], 0, atol=1e-5)


def test_of_a_model_that_translates_the_prediction_is_after_a_token_that_it_wrote() -> None:
    text = "7 March 2024"
    view = View(model="dates", text=text, kind="cross", details="patch", patch_text="8 March 2024", query=9)
    head = attention.trace("dates", text).head(0, 0, "cross")
    data = shown(opened(head, view), "patch")
    assert data["place"] == str(head.query_tokens[9]) == "0"
    assert data["alignment"]["stretches"][0] == {"same": False, "first": [0, 1], "second": [0, 1]}


def test_a_text_with_itself_changes_nothing_at_all(story: Trace) -> None:
    data = shown(opened(story.head(0, 0), replace(VIEW, patch_text=TEXT)), "patch", "done")
    assert data["raw"] == given_patch.SAME_TEXT
    for one in data["maps"]:
        assert (one["values"] == 0).all()


def test_nothing_begins_without_a_text_nor_by_itself_on_a_large_model(
    story: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(opened(story.head(0, 0), replace(VIEW, patch_text="")), "patch")["reason"] == given_patch.ASK
    monkeypatch.setattr(sweeps, "QUICK", 0)
    data = shown(opened(story.head(0, 0), VIEW), "patch", "preview")
    assert len(patch._sweeps) == 0
    assert all(np.isnan(one["values"]).all() for one in data["maps"])
    assert data["cost"]["heads"] == 48


def test_the_second_text_is_a_part_of_the_view(story: Trace) -> None:
    app = opened(story.head(0, 0), VIEW)
    shown(app, "patch", "done")
    (box,) = [item for item in app.get("bidi_component") if item.proto.component_name == "headlight.prompt"]
    assert attention.browser.codec.parse(box.proto.bytes)["text"] == OTHER
