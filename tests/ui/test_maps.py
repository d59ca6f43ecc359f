"""Averages, rollout and words as Streamlit runs them: what their component is given, what is said, what is refused."""

import dataclasses
import gc
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import attention
from attention import HeadView, Trace, derived
from attention.analysis.averages import HIDES, over_all, over_heads, over_layers
from attention.analysis.rollout import CROSS, DRIFT, LEAVES_OUT, rollout
from attention.analysis.words import merged
from attention.browser import codec, store
from attention.browser import maps as given_maps
from attention.errors import InputError
from attention.ui import maps
from attention.view import OVER

TEXT = "The cat sat on the mat because it was tired."
SPLIT = "Unbelievably, the storytellers’ dragonflies hummed."


def page() -> None:
    import streamlit as st

    from attention.ui import maps, state

    maps.show(st.session_state.head_view, state.current(), st.session_state.which)


def opened(head_view: HeadView, which: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["head_view"], app.session_state["which"] = head_view, which
    return app.run()


def given(app: AppTest) -> dict[str, Any]:
    assert not app.exception
    (item,) = app.get("bidi_component")
    assert item.proto.component_name == "headlight.map"
    return codec.parse(item.proto.bytes)


def zs(data: dict[str, Any]) -> list[np.ndarray]:
    return [panel["figure"]["data"][0]["z"] for panel in data["panels"] if panel["figure"]]


@pytest.fixture(scope="module")
def storyteller() -> Trace:
    return attention.trace("storyteller", TEXT)


class TestAverages:
    @pytest.mark.parametrize(
        ("over", "wanted", "label"),
        [
            ("heads", lambda trace: over_heads(trace, 2), "Average over the 6 heads of layer 2"),
            ("layers", lambda trace: over_layers(trace, 3), "Average over head 3 of 4 layers"),
            ("all", over_all, "Average over all 24 heads of 4 layers"),
        ],
    )
    def test_each_choice_shows_its_average_labelled_as_one(self, storyteller, over, wanted, label):
        app = opened(storyteller.head(2, 3), "averages")
        data = given(app.segmented_control(key=maps.OVER).set_value(over).run())
        made = wanted(storyteller)
        mean, spread = zs(data)
        open_ = np.isfinite(mean)
        np.testing.assert_array_equal(open_, np.tril(np.ones_like(open_)))
        np.testing.assert_array_equal(mean[open_], made.mean[open_])
        np.testing.assert_array_equal(spread[open_], made.spread[open_])
        assert [panel["title"] for panel in data["panels"]] == [label, "Spread"]
        assert data["hides"] == HIDES
        assert (given_maps.NUMBER_ONLY in data["notes"]) == (over == "layers")
        assert data["of"] == {"heads": {"layer": 2}, "layers": {"head": 3}, "all": {}}[over]

    def test_the_choice_is_a_part_of_the_view_and_can_be_linked(self, storyteller):
        app = AppTest.from_function(page, default_timeout=60)
        app.session_state["head_view"], app.session_state["which"] = storyteller.head(2, 3), "averages"
        app.query_params["over"] = "all"
        assert given(app.run())["panels"][0]["title"] == "Average over all 24 heads of 4 layers"
        assert app.segmented_control(key=maps.OVER).value == "all"

    def test_the_heads_of_the_layer_come_first(self, storyteller):
        assert given(opened(storyteller.head(1, 0), "averages"))["panels"][0]["title"].endswith("heads of layer 1")

    def test_a_sinks_share_is_said_to_be_missing(self):
        parts = {name: torch.randn(2, 5, 3) for name in ("query", "key", "value")}
        plain, sunk = (Trace.from_tensors(**parts, **more) for more in ({}, {"sink": torch.tensor([0.3, 0.7])}))
        for trace, said in ((plain, False), (sunk, True)):
            assert (given_maps.SINKS in given(opened(trace.head(0, 0), "averages"))["notes"]) == said

    def test_maps_of_different_sizes_give_a_sentence(self, storyteller):
        short = attention.trace("storyteller", "One two.").all_records[1]
        records = (storyteller.all_records[0], short)
        mixed = dataclasses.replace(storyteller, all_records=records)
        app = opened(mixed.head(0, 0), "averages")
        app.segmented_control(key=maps.OVER).set_value("all").run()
        assert not app.exception
        assert ["different numbers of keys" in text.value for text in app.text] == [True]
        assert not app.get("bidi_component")


class TestRollout:
    def test_the_difference_from_even_layers_stands_beside_it_with_the_warning(self, storyteller):
        data, made = given(opened(storyteller.head(2, 3), "rollout")), rollout(storyteller)
        mixed, beyond = zs(data)
        open_ = np.isfinite(mixed)
        np.testing.assert_array_equal(mixed[open_], made.mixed[open_])
        np.testing.assert_array_equal(beyond[open_], (made.mixed - made.even)[open_])
        numbers = {one["name"]: one["values"] for one in data["numbers"]}
        np.testing.assert_array_equal(numbers["by even layers"][open_], made.even[open_])
        np.testing.assert_array_equal(numbers["difference"], beyond)
        assert data["panels"][0]["title"] == "Rollout through 4 layers"
        assert (data["hides"], data["notes"]) == (LEAVES_OUT, [DRIFT])

    def test_without_a_causal_mask_it_says_why_nothing_is_compared(self):
        data = given(opened(attention.trace("cloze", TEXT).head(0, 0), "rollout"))
        assert len(zs(data)) == 1
        assert data["panels"][1]["reason"] == given_maps.NOT_COMPARED
        assert [one["name"] for one in data["numbers"]] == ["share"]
        assert DRIFT not in data["notes"]

    def test_a_missing_layer_is_named(self, storyteller):
        left = tuple(record for record in storyteller.all_records if record.layer != 1)
        app = opened(dataclasses.replace(storyteller, all_records=left).head(2, 3), "rollout")
        assert not app.exception
        assert ["there is none of layer 1," in text.value for text in app.text] == [True]
        assert not app.get("bidi_component")

    def test_a_decoder_that_reads_another_text_says_what_is_left_out_and_cross_attention_refuses(self):
        trace = attention.trace("dates", "3 May 98", "1998-05-03")
        assert CROSS in given(opened(trace.head(0, 0, "decoder"), "rollout"))["notes"]
        app = opened(trace.head(0, 0, "cross"), "rollout")
        assert ["choose self-attention" in text.value for text in app.text] == [True]


class TestWords:
    def test_tokens_are_merged_and_the_rule_is_said(self):
        head = attention.trace("storyteller", SPLIT).head(1, 2)
        data, made = given(opened(head, "words")), merged(head)
        (z,) = zs(data)
        assert z.shape == made.weights.shape
        np.testing.assert_array_equal(z[np.isfinite(z)], made.weights[np.isfinite(z)])
        assert "dragonflies" in data["keys"]
        assert {given_maps.WORD_RULE, given_maps.SPACELESS} <= set(data["notes"])
        assert given_maps.ALL_APART not in data["notes"]

    def test_each_word_knows_its_tokens(self):
        head = attention.trace("storyteller", SPLIT).head(1, 2)
        spans = given(opened(head, "words"))["spans"]
        for side, tokens in (("queries", head.query_tokens), ("keys", head.key_tokens)):
            covered = [place for start, stop in spans[side] for place in range(start, stop)]
            assert covered == list(range(len(tokens)))

    def test_a_text_that_stays_as_it_is_says_so(self, storyteller):
        assert given_maps.ALL_APART in given(opened(storyteller.head(1, 2), "words"))["notes"]

    def test_queries_and_keys_of_two_texts_are_merged_each_for_itself(self):
        data = given(opened(attention.trace("dates", "3 May 98", "1998-05-03").head(0, 0, "cross"), "words"))
        assert zs(data)[0].shape == (len(data["queries"]), len(data["keys"]))
        assert data["queries"] != data["keys"]


@pytest.mark.parametrize("which", ["averages", "rollout", "words"])
class TestEach:
    def test_every_panel_says_its_largest_cell(self, storyteller, which):
        data = given(opened(storyteller.head(2, 3), which))
        assert all("The largest cell: row “" in panel["alt"] for panel in data["panels"])

    def test_hostile_tokens_stay_text(self, which):
        text = "<script>alert(1)</script> <b>x</b> $\\LaTeX$ 😀 القطة"
        given(opened(attention.trace("storyteller", text).head(0, 0), which))

    def test_one_token_is_enough(self, which):
        data = given(opened(Trace.from_tensors(weights=torch.ones(2, 1, 1), tokens=["one"]).head(0, 1), which))
        assert zs(data)[0].tolist() == [[1.0]]

    def test_it_is_made_once(self, storyteller, which, monkeypatch):
        first = opened(storyteller.head(2, 3), which).get("bidi_component")[0].proto.bytes
        monkeypatch.setattr(maps, "_make", lambda *_: pytest.fail("made again"))
        assert opened(storyteller.head(2, 3), which).get("bidi_component")[0].proto.bytes == first


def test_what_is_of_one_head_or_layer_is_not_kept_for_another(storyteller):
    def made(layer: int, head: int, *which: str) -> bytes:
        return maps.payload(storyteller.head(layer, head), *which)  # type: ignore[arg-type]

    assert made(0, 0, "averages", "heads") != made(1, 0, "averages", "heads")
    assert made(0, 0, "averages", "heads") == made(0, 1, "averages", "heads")
    assert made(0, 0, "averages", "layers") != made(0, 1, "averages", "layers")
    assert made(0, 0, "averages", "layers") == made(1, 0, "averages", "layers")
    assert made(0, 0, "words") != made(0, 1, "words")
    assert made(0, 0, "rollout") == made(1, 1, "rollout")


def test_few_maps_are_kept_and_none_longer_than_their_trace(monkeypatch):
    trace = attention.trace("storyteller", "one two")
    monkeypatch.setattr(derived, "MOST_BYTES", 5 * len(maps.payload(trace.head(0, 0), "words")))
    for layer in range(4):
        for head in range(3):
            maps.payload(trace.head(layer, head), "words")
    kept = derived.total()
    assert derived.size(trace) <= 6 * len(maps.payload(trace.head(3, 2), "words"))
    del trace
    gc.collect()
    assert derived.total() < kept


class TestLongTexts:
    def test_all_heads_of_a_long_text_are_refused_with_what_would_fit(self, storyteller, monkeypatch):
        head = storyteller.head(0, 0)
        cells = 24 * len(storyteller.tokens) ** 2
        monkeypatch.setattr(maps, "MOST_CELLS", cells)
        for which, over in (("rollout", ""), ("averages", "all")):
            maps.refuse_long(head, which, over)
        monkeypatch.setattr(maps, "MOST_CELLS", cells - 1)
        for which, over in (("rollout", ""), ("averages", "all")):
            with pytest.raises(InputError, match=f"about {len(storyteller.tokens) - 1} tokens"):
                maps.refuse_long(head, which, over)
        for which, over in (("words", ""), ("averages", "heads"), ("averages", "layers")):
            maps.refuse_long(head, which, over)

    def test_the_refusal_is_on_the_page(self, monkeypatch):
        monkeypatch.setattr(maps, "MOST_CELLS", 100)
        app = opened(attention.trace("storyteller", "A text of its own.").head(0, 0), "rollout")
        assert ["This text is too long" in text.value for text in app.text] == [True]


def test_every_choice_of_the_view_has_words():
    assert tuple(given_maps.OVER) == OVER


def test_the_bytes_name_the_run_and_the_head_that_they_are_of(storyteller):
    data = codec.parse(maps.payload(storyteller.head(2, 3), "words"))
    assert (data["run"], data["of"]) == (store.run_id(storyteller, "decoder"), {"layer": 2, "head": 3})
    assert codec.parse(maps.payload(storyteller.head(2, 3), "rollout"))["of"] == {}


class TestStretched:
    def test_colours_end_above_most_cells(self):
        z = np.linspace(0, 0.31, 101, dtype=np.float32)
        assert given_maps.stretched(z) == pytest.approx(0.3)

    def test_there_is_nothing_to_stretch_where_they_end_at_1_anyway(self):
        assert given_maps.stretched(np.array([0.95, 0.97, np.nan], dtype=np.float32)) is None

    def test_closed_and_empty_maps_stay(self):
        assert given_maps.stretched(np.full(3, np.nan, dtype=np.float32)) is None
        assert given_maps.stretched(np.zeros(3, dtype=np.float32)) is None
