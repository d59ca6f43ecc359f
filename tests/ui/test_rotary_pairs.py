"""What the products by dimension are told of how a model turns its dimensions."""

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention import derived
from attention.analysis.dimensions import Layout, Turns
from attention.browser import codec, store
from attention.browser.rotary import NO_LAYER, payload
from attention.record import Trace
from attention.ui import rotary_pairs
from attention.ui.rotary_pairs import LOCAL_ADDS, TOO_LONG, UNKNOWN, begin, found_by
from attention.view import View

TEXT = "The cat sat on the mat."


@pytest.fixture
def storyteller() -> Trace:
    return attention.trace("storyteller", TEXT)


def of(view: View, trace: Trace) -> Any:
    job = begin(view, trace)
    assert job.done.wait(60)
    return found_by(job)


def test_all_layers_of_the_storyteller_turn_alike(storyteller: Trace) -> None:
    found = of(View(text=TEXT), storyteller)
    tree = codec.parse(payload(storyteller.head(1, 2), found))
    assert tree["run"] == store.run_id(storyteller, "decoder")
    assert tree["awaited"] is False
    assert tree["layers"] == [{"layer": layer, "turn": 0, "why": ""} for layer in range(4)]
    (turns,) = tree["turns"]
    assert turns["arrangement"] == "halves"
    np.testing.assert_array_equal(turns["pairs"], np.stack([np.arange(16), np.arange(16, 32)], axis=1))
    assert turns["angles"].dtype == np.float32
    # The first pair turns by one radian a place, as Su et al. 2021 have it.
    np.testing.assert_allclose(np.cos(turns["angles"][:, 0]), np.cos(np.arange(len(turns["angles"]))), atol=1e-5)
    assert len(turns["angles"]) >= len(storyteller.tokens)


def test_it_is_found_once_for_all_texts_of_a_length_and_packed_once_a_trace(storyteller: Trace) -> None:
    view = View(text=TEXT)
    job = begin(view, storyteller)
    assert begin(View(text="Another cat sat on the mat."), storyteller) is job
    found = of(view, storyteller)
    assert payload(storyteller.head(0, 0), found) is payload(storyteller.head(3, 1), found)


def test_while_the_test_run_is_under_way_that_is_said(storyteller: Trace) -> None:
    before = payload(storyteller.head(0, 0), None)
    tree = codec.parse(before)
    assert tree["awaited"] is True
    assert {layer["turn"] for layer in tree["layers"]} == {-1}
    assert tree["turns"] == []
    after = payload(storyteller.head(0, 0), of(View(text=TEXT), storyteller))
    assert codec.parse(after)["awaited"] is False
    assert found_by(rotary_pairs.Job()) is None


def test_layers_of_their_own_and_layers_that_were_not_reached(storyteller: Trace) -> None:
    layout = Layout(arrangement="neighbours", start=0, width=4)
    one, other = Turns(layout=layout, angles=np.zeros((9, 2))), Turns(layout=layout, why="a reason")
    found = {("decoder", 0): one, ("decoder", 1): other, ("decoder", 2): one, ("cross", 3): one}
    tree = codec.parse(payload(storyteller.head(0, 0), found))
    assert [layer["turn"] for layer in tree["layers"]] == [0, 1, 0, -1]
    assert tree["layers"][3]["why"] == NO_LAYER
    assert tree["turns"][1]["angles"] is None
    assert tree["turns"][1]["why"] == "a reason"
    assert tree["turns"][1]["pairs"].tolist() == [[0, 1], [2, 3]]


def test_the_local_model_turns_nothing() -> None:
    trace = attention.trace("local", TEXT)
    found = of(View(model="local", text=TEXT), trace)
    assert found == LOCAL_ADDS
    assert codec.parse(payload(trace.head(0, 0), found))["layers"] == [{"layer": 0, "turn": -1, "why": LOCAL_ADDS}]


def test_all_kinds_of_a_model_with_two_sides() -> None:
    trace = attention.trace("dates", "the 3rd of May, 1998")
    found = of(View(model="dates", text="the 3rd of May, 1998"), trace)
    assert {kind for kind, _ in found} == set(trace.kinds)
    for kind in trace.kinds:
        layers = codec.parse(payload(trace.head(0, 0, kind), found))["layers"]
        assert all(layer["why"] or layer["turn"] >= 0 for layer in layers)


def test_a_model_that_is_not_there_is_a_reason(storyteller: Trace) -> None:
    found = of(View(model="/no/such/folder"), storyteller)
    assert isinstance(found, str)
    assert found
    assert not found.endswith(".")
    assert codec.parse(payload(storyteller.head(0, 0), found))["layers"][0]["why"] == found


def test_where_it_would_be_of_no_use_nothing_is_run() -> None:
    runs = len(rotary_pairs._shared)
    draw = torch.Generator().manual_seed(1)
    query, key = torch.randn(2, 1, 1100, 2, generator=draw)
    long = Trace.from_tensors(query=query, key=key)
    assert of(View(text="long"), long) == TOO_LONG
    weights = Trace.from_tensors(weights=torch.eye(3)[None])
    assert of(View(text="unknown"), weights) == UNKNOWN
    assert len(rotary_pairs._shared) == runs


def test_it_keeps_no_trace_alive() -> None:
    trace = attention.trace("storyteller", TEXT)
    there = weakref.ref(trace)
    payload(trace.head(0, 0), None)
    assert derived.size(trace) > 0
    del trace
    gc.collect()
    assert there() is None


def test_the_component_is_registered() -> None:
    from attention.ui.components import COMPONENTS, NAMES

    assert "dimensions" in NAMES
    assert {path.name for path in Path(COMPONENTS / "dimensions").iterdir()} == {"main.js", "style.css"}
