"""The payload of a long text: always below its limit, exact where it says so, and the same after its journey."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import attention
from attention.analysis.norms import norm_weighted
from attention.analysis.tiles import Box, edges, values_tile
from attention.browser import codec
from attention.browser.tiles import LIMIT, tiles_tree
from attention.errors import InputError, NoSuchHeadError
from attention.record import AttentionRecord, HeadView, Mask, ModelFacts, Token, Trace
from tests.oracles.tiles import tile
from tests.tiny import ids
from tests.traced import held

H, D = 2, 3
STAGES = ("scores", "scaled", "softcapped", "masked", "weights")


def random(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def view_of(n_q: int, n_k: int, v: int = 4, **rules: Any) -> HeadView:
    fields = {"query": random(H, n_q, D), "key": random(1, n_k, D), "value": random(1, n_k, v)} | rules
    made = AttentionRecord(layer=3, kind="decoder", **fields)
    token = (Token(piece="t", text="t"),)
    facts = ModelFacts(name="made", architecture="none", capture_mode="tensors")
    trace = Trace(model=facts, tokens=token * n_k, pair_tokens=token * n_q, all_records=(made,))
    return trace.head(3, 1)


def same(one: Any, other: Any) -> None:
    """Two trees with the same names, numbers and arrays."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            same(one[name], other[name])
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other, equal_nan=True)
    else:
        assert one == other


def places(offsets: np.ndarray, first: int, last: int) -> np.ndarray:
    """What a reader makes of offsets (parts, …)."""
    return edges(first, last, len(offsets))[:-1, None] + offsets


@pytest.mark.parametrize("box", [None, (100, 700, 3, 400), (600, 650, 610, 640)])
def test_the_tiles_and_rows_are_those_of_the_head(box: Box | None) -> None:
    view = view_of(700, 700, mask=Mask(after=0), softcap=2.0)
    stages = ("softcapped", "masked", "weights")
    tree = tiles_tree(view, stages=stages, box=box, pins=(640, 5))
    top, bottom, left, right = box or (0, 700, 0, 700)
    assert (tree["layer"], tree["head"], tree["queries"], tree["keys"], tree["width"]) == (3, 1, 700, 700, 4)
    assert tree["names"] == ["scores", "scaled", "softcapped", "masked", "weights"]
    assert tree["box"] == [top, bottom, left, right]
    assert tree["pooled"] is (bottom - top > 192 or right - left > 192)
    assert (tree["sink"], tree["sinks"], tree["sinkScales"]) == (None, {}, False)
    for stage in stages:
        one, sent = tile(view.record, 1, stage, box), tree["tiles"][stage]
        assert np.array_equal(sent["values"], one.values, equal_nan=True)
        assert np.array_equal(places(sent["query"], top, bottom), one.query)
        assert np.array_equal(places(sent["key"].T, left, right).T, one.key)
        assert sent["query"].dtype == sent["key"].dtype == np.uint8
    output, sent = values_tile(view.record, 1, "output", (top, bottom)), tree["values"]["output"]
    assert np.array_equal(sent["values"], output.values)
    assert np.array_equal(places(sent["query"], top, bottom), output.query)
    assert (sent["box"], sent["pooled"]) == ([top, bottom], output.pooled)
    assert tree["pins"].tolist() == [640, 5]
    for query in (640, 5):
        row = tree["rows"][str(query)]
        assert list(row) == tree["names"]
        shut = np.arange(700) > query
        for stage in tree["names"]:
            closes = stage in ("masked", "weights")
            assert np.array_equal(np.isnan(row[stage]), shut & closes)
            np.testing.assert_allclose(row[stage][~shut], view.stage(stage)[query][~shut], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(tree["outputs"][str(query)], view.output[query], rtol=1e-5, atol=1e-6)


def test_it_comes_out_as_it_went_in() -> None:
    view = view_of(300, 2000, v=7, sink=random(H))
    tree = tiles_tree(view, stages=("scaled", "weights"), pins=(299, 0, 299))
    assert tree["pins"].tolist() == [299, 0]
    same(codec.parse(codec.pack(tree)), tree)


def test_a_learned_sink_travels() -> None:
    view = view_of(400, 300, sink=random(H, 400))
    tree = tiles_tree(view, stages=("weights",), pins=(7,))
    np.testing.assert_allclose(tree["sinks"]["7"], view.sink_weight[7:8], rtol=1e-5)
    starts = edges(0, 400, 192)
    largest = [view.sink_weight[a:b].max() for a, b in pairwise(starts)]
    np.testing.assert_allclose(tree["sink"], largest, rtol=1e-5)


def test_what_each_key_brings_and_the_contribution() -> None:
    view = attention.trace(held("gpt2", "decoder"), ids(23)).head(1, 2)
    tree = tiles_tree(view, stages=("norms", "difference"), pins=(20,), values=("output", "contribution"))
    rows = norm_weighted(view.record, 2).rows()
    sent = tree["tiles"]["norms"]["values"]
    seen = np.tri(23, dtype=bool)
    np.testing.assert_allclose(sent[seen], rows.shares[seen], rtol=1e-5, atol=1e-7)
    assert np.isnan(sent[~seen]).all()
    np.testing.assert_allclose(tree["rows"]["20"]["difference"][:21], rows.difference[20, :21], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(tree["values"]["contribution"]["values"], view.contribution, rtol=1e-4, atol=1e-6)
    assert list(tree["rows"]["20"]) == [*tree["names"], "norms", "difference"]


def test_a_head_whose_q_and_k_are_unknown() -> None:
    scores = random(H, 600, 600)
    weights = scores.softmax(-1)
    view = view_of(600, 600, query=None, key=None, maps=lambda: (scores, weights), output=random(600, H, 4))
    tree = tiles_tree(view, stages=("masked", "weights"), pins=(3,))
    assert (tree["names"], tree["unknown"]) == (["masked", "weights"], ["query", "key"])
    assert tree["rule"] == {"before": None, "after": None}
    r, c = np.unravel_index(int(tree["tiles"]["weights"]["values"].argmax()), (192, 192))
    assert tree["tiles"]["weights"]["values"][r, c] == weights[1].max()
    np.testing.assert_array_equal(tree["rows"]["3"]["masked"], scores[1, 3])
    only = Trace.from_tensors(weights=weights).head(0, 0)
    tree = tiles_tree(only, stages=("weights",), pins=(3,))
    assert (tree["names"], tree["values"], tree["outputs"], tree["width"]) == (["weights"], {}, {}, 0)
    np.testing.assert_array_equal(tree["rows"]["3"]["weights"], weights[0, 3])


@given(
    n_q=st.integers(1, 900), n_k=st.integers(1, 900), v=st.sampled_from([1, 64, 700]),
    stages=st.sampled_from([("weights",), ("masked", "weights"), STAGES]),
    pins=st.integers(0, 32), limit=st.sampled_from([12_000, 30_000, 200_000, LIMIT]), sink=st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_it_is_always_below_the_limit(
    n_q: int, n_k: int, v: int, stages: tuple[str, ...], pins: int, limit: int, sink: bool
) -> None:
    view = view_of(n_q, n_k, v, softcap=3.0, sink=random(H) if sink else None)
    wanted = [(7 * i) % n_q for i in range(pins)]
    tree = tiles_tree(view, stages=stages, pins=wanted, limit_bytes=limit)
    assert len(codec.pack(tree)) < limit
    kept = tree["pins"].tolist()
    assert kept == list(dict.fromkeys(wanted))[: len(kept)]
    assert set(tree["rows"]) == set(tree["outputs"]) == {str(query) for query in kept}


@pytest.mark.parametrize(("n_q", "n_k", "v"), [(4096, 4096, 16), (4096, 4096, 64), (1000, 20_000, 128)])
def test_a_long_text_with_many_pins(n_q: int, n_k: int, v: int) -> None:
    view = view_of(n_q, n_k, v, mask=Mask(after=n_k - n_q))
    tree = tiles_tree(view, stages=("masked", "weights"), pins=range(0, 960, 30))
    assert len(codec.pack(tree)) < LIMIT
    assert tree["tiles"]["weights"]["values"].shape == (192, 192)
    assert tree["values"]["output"]["values"].shape[0] >= 100
    assert len(tree["pins"]) >= 1


def test_places_in_large_patches_need_more_than_a_byte() -> None:
    view = view_of(3, 60_000, 2)
    tree = tiles_tree(view, stages=("weights",), limit_bytes=30_000)
    sent = tree["tiles"]["weights"]
    assert (sent["query"].dtype, sent["key"].dtype) == (np.uint8, np.int32)
    assert sent["key"].max() > 255
    keys = places(sent["key"].T, 0, 60_000).T
    np.testing.assert_allclose(view.weights[[0, 1, 2]][np.arange(3)[:, None], keys], sent["values"], rtol=1e-5)


def test_what_cannot_be_sent_says_why() -> None:
    view = view_of(50, 40)
    with pytest.raises(InputError, match="Too few bytes"):
        tiles_tree(view, stages=("weights",), limit_bytes=1_000)
    with pytest.raises(InputError, match="Query 50 is not here; there are 50"):
        tiles_tree(view, stages=("weights",), pins=(0, 50))
    for box in ((0, 51, 0, 40), (3, 3, 0, 40), (0, 50, 7, 7)):
        with pytest.raises(InputError, match="a tile cannot cover"):
            tiles_tree(view, stages=("weights",), box=box)
    with pytest.raises(NoSuchHeadError, match="no stage 'biased'"):
        tiles_tree(view, stages=("biased",))
    with pytest.raises(InputError, match="no contribution"):
        tiles_tree(view, stages=("weights",), values=("contribution",))


def test_numbers_that_are_none_travel_too() -> None:
    view = view_of(300, 300, sink=random(H))
    view.record.query[1, 7] = torch.nan
    tree = tiles_tree(view, stages=("scores", "weights"), pins=(7,))
    same(codec.parse(codec.pack(tree)), tree)
    assert np.isnan(tree["rows"]["7"]["scores"]).all()


def test_a_long_texts_maps_are_never_whole_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_of(4096, 4096, mask=Mask(after=0))
    asked: list[int] = []
    own = AttentionRecord.stages

    def spy(self: AttentionRecord, head: int, start: int = 0, stop: int | None = None) -> Any:
        asked.append((self.n_q if stop is None else stop) - start)
        return own(self, head, start, stop)

    monkeypatch.setattr(AttentionRecord, "stages", spy)
    tiles_tree(view, stages=("masked", "weights"), pins=(4000,))
    assert sum(asked) >= 2 * 4096
    assert max(asked) <= 64
