"""“Why there?” on the page: the pairs add up to the score on the panels, and the list is the analysis'."""

from dataclasses import replace

import numpy as np
import pytest

import attention
from attention import Trace
from attention.analysis.origins import score_origins
from attention.browser import codec
from attention.browser import why as given_why
from attention.capture import Address, Inputs
from attention.source import Source, inputs_of, load_source
from attention.ui import analysed, why
from attention.view import View
from tests.tiny import build, ids
from tests.ui.asking import opened, shown
from tests.ui.test_matters import judge

TEXT = "The old king came home. The old king came"
VIEW = View(text=TEXT, details="why", layer=2, head=1, query=10)

pytestmark = pytest.mark.usefixtures("warm", "fresh")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(why, "_shared", why.Splits(why._run))


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


@pytest.fixture(scope="module")
def source() -> Source:
    return load_source("storyteller", None, None)


def test_the_pairs_add_up_to_the_score_of_the_panels(story: Trace) -> None:
    head = story.head(2, 1)
    data = shown(opened(head, VIEW), "why")
    key = int(head.weights[10].argmax())
    assert (data["query"]["place"], data["key"]["place"], data["chosen"]) == (10, key, False)
    assert data["score"] == pytest.approx(float(head.scaled[10, key]), abs=1e-4)
    assert float(data["pairs"].sum()) == pytest.approx(data["score"], abs=1e-3)
    assert float(data["map"].sum()) == pytest.approx(data["score"], abs=1e-3)
    assert data["ok"]


def test_every_pair_is_that_of_the_analysis_and_lies_in_its_group(story: Trace, source: Source) -> None:
    data = shown(opened(story.head(2, 1), replace(VIEW, key=5)), "why")
    inputs = inputs_of(source, TEXT, None, None)[0]
    wanted = score_origins(source.model, inputs, Address("decoder", 2), 1, 10, 5)
    best = wanted.ranked(1)[0]
    at = np.unravel_index(np.abs(data["pairs"]).argmax(), data["pairs"].shape)
    assert float(data["pairs"][at]) == pytest.approx(best.value * wanted.scale, abs=1e-5)
    names = [data["sides"][side][number] for side, number in zip(("query", "key"), at, strict=True)]
    assert [(one["layer"], one["head"]) for one in names] == [(one.layer, one.head) for one in (best.query, best.key)]
    sums = np.zeros_like(data["map"])
    for row, query in enumerate(data["sides"]["query"]):
        for column, key in enumerate(data["sides"]["key"]):
            sums[query["group"], key["group"]] += data["pairs"][row, column]
    np.testing.assert_allclose(sums, data["map"], atol=1e-4)
    layers = [f"layer {layer} {part}" for layer in (0, 1) for part in ("attention", "MLP")]
    assert data["groups"]["query"] == ["embedding", *layers]


def test_parts_that_bring_nothing_are_left_out(story: Trace) -> None:
    data = shown(opened(story.head(2, 1), VIEW), "why")
    parts = [part["name"] for side in data["sides"].values() for part in side]
    assert not {"constant", "attention bias 0"} & set(parts)
    names = {part["name"] for part in data["sides"]["key"]}
    assert {"token embedding", "head 0.3", "MLP 1"} <= names


def test_a_key_that_may_not_be_seen_is_a_sentence_and_others_are_offered(story: Trace) -> None:
    data = shown(opened(story.head(2, 1), replace(VIEW, query=4, key=9)), "why")
    assert "may not see" in data["reason"]
    assert [one["place"] for one in data["keys"]] == [0, 1, 2, 3, 4]
    assert data["keys"][2]["weight"] == pytest.approx(float(story.head(2, 1).weights[4, 2]), abs=1e-6)


def test_of_too_many_pairs_the_largest_travel(story: Trace, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_why, "MOST_PAIRS", 10)
    data = shown(opened(story.head(2, 1), VIEW), "why")
    assert data["pairs"] is None
    assert len(data["ranked"]) > 100
    values = [abs(one["value"]) for one in data["ranked"]]
    assert values == sorted(values, reverse=True)
    first = data["ranked"][0]
    inputs = inputs_of(source, TEXT, None, None)[0]
    wanted = score_origins(source.model, inputs, Address("decoder", 2), 1, 10, data["key"]["place"]).ranked(1)[0]
    assert first["value"] == pytest.approx(wanted.value * 32**-0.5, rel=1e-4)
    assert data["sides"]["key"][first["key"]]["head"] == wanted.key.head


def test_a_position_bias_has_a_row_of_its_own() -> None:
    model, inputs = build("t5", "both"), Inputs(ids=tuple(ids(7)), pair_ids=tuple(ids(5)))
    head = attention.trace(model, list(inputs.ids), list(inputs.pair_ids)).head(1, 0, "encoder")
    made = score_origins(model, inputs, Address("encoder", 1), 0, 3, 2)
    data = codec.parse(given_why.payload(head, made, 2))
    assert data["ok"]
    assert data["score"] == pytest.approx(float(head.scaled[3, 2]), abs=1e-4)
    assert data["bias"] == pytest.approx(float(head.biased[3, 2] - head.scaled[3, 2]), abs=1e-4)
    assert abs(data["bias"]) > 0.01


def test_a_model_that_norms_its_stream_anew_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model, entering = judge()
    trace = attention.trace(model, list(entering.ids))
    given = Source(model=model, tokenizer=None), entering, trace.tokens, ()
    monkeypatch.setattr(analysed, "entering", lambda *_: given)
    data = shown(opened(trace.head(1, 0), View(model="judge", text="any", details="why", layer=1)), "why")
    assert data["reason"].startswith("Not defined: ")
    assert len(data["keys"]) == 7


def test_where_it_is_not_defined_it_says_why() -> None:
    local = attention.trace("local", "one two").head(0, 0)
    data = shown(opened(local, View(model="local", text="one two", details="why")), "why")
    assert data["reason"] == analysed.LOCAL_HAS_NO_STREAM
