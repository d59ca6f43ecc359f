"""Pictures of all heads against pooling of whole maps by plain loops, and the norms and distances behind them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis import lengths as lengths_module
from attention.analysis.lengths import lengths
from attention.analysis.norms import norm_weighted
from attention.analysis.reach import reaches
from attention.analysis.summary import habit
from attention.analysis.thumbnails import NO_SCORES, thumbnails, to_bytes, why_not
from attention.record import Mask, Trace
from tests.figures.heads import N_HEADS, causal, cross, tensors
from tests.tiny import ids
from tests.traced import held, translator

N = 37


def patches(whole: np.ndarray, allowed: np.ndarray, side: int) -> np.ndarray:
    """Of each patch the allowed number of the largest size, NaN where there is none: one cell after the other."""
    rows, columns = (min(side, count) for count in whole.shape)
    made = np.full((rows, columns), np.nan)
    for i, j in np.ndindex(whole.shape):
        row = max(r for r in range(rows) if r * whole.shape[0] // rows <= i)
        column = max(c for c in range(columns) if c * whole.shape[1] // columns <= j)
        if allowed[i, j] and not abs(whole[i, j]) <= abs(made[row, column]):
            made[row, column] = whole[i, j]
    return made


def wide_trace(**extra: object) -> Trace:
    generator = torch.Generator().manual_seed(3)
    given = {name: 2 * torch.randn(2, 3, N, 5, generator=generator) for name in ("query", "key", "value")}
    return Trace.from_tensors(**given, **extra)


def allowed_in(trace: Trace, layer: int, head: int) -> np.ndarray:
    open_ = trace.record(layer).allowed(head)
    return np.ones((N, N), dtype=bool) if open_ is None else open_.numpy()


@pytest.mark.parametrize("causally", [True, False])
@pytest.mark.parametrize("what", ["weights", "scores"])
def test_pictures_equal_pooled_whole_maps(what: str, causally: bool) -> None:
    trace = wide_trace(causal=causally)
    layers, pictures = thumbnails(trace, side=8, what=what)
    assert (layers, pictures.shape) == ([0, 1], (2, 3, 8, 8))
    for layer, head in np.ndindex(2, 3):
        view = trace.head(layer, head)
        whole = view.weights if what == "weights" else view.masked
        expected = patches(whole, allowed_in(trace, layer, head), 8)
        np.testing.assert_allclose(pictures[layer, head], expected, atol=1e-6)
    assert np.isnan(pictures).any() == causally


@pytest.mark.parametrize("what", ["weights", "scores"])
def test_blocks_of_rows_make_the_same_pictures(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = wide_trace(causal=True)
    whole = thumbnails(trace, side=8, what=what)[1]
    blocks = [(0, 3), (3, 4), (4, 20), (20, N)]
    monkeypatch.setattr("attention.analysis.thumbnails.row_blocks", lambda n, k: blocks)
    np.testing.assert_allclose(thumbnails(trace, side=8, what=what)[1], whole, rtol=1e-5)


def test_scores_keep_their_sign() -> None:
    scores = torch.tensor([[1.0, -9.0, 2.0, 0.5], [3.0, 4.0, 1.0, -1.5]])
    trace = Trace.from_tensors(query=torch.eye(2)[None], key=scores.T[None], scale=1.0)
    pictures = thumbnails(trace, side=2, what="scores")[1]
    np.testing.assert_allclose(pictures[0, 0], [[-9, 2], [4, -1.5]])


def test_a_mask_of_each_head_closes_its_own_pixels() -> None:
    array = torch.ones(3, N, N, dtype=torch.bool).tril()
    array[1] = torch.ones(N, N, dtype=torch.bool).triu()
    trace = wide_trace(causal=True)
    trace = replace(trace, all_records=tuple(replace(r, mask=Mask(array=array)) for r in trace.all_records))
    pictures = thumbnails(trace, side=8)[1]
    for head in range(3):
        expected = patches(trace.head(1, head).weights, array[head].numpy(), 8)
        np.testing.assert_allclose(pictures[1, head], expected, atol=1e-6)


def test_a_small_map_stays_as_it_is() -> None:
    head = causal()
    layers, pictures = thumbnails(head.trace)
    assert layers == [0]
    assert pictures.shape == (1, N_HEADS, 7, 7)
    allowed = np.tril(np.ones((7, 7), dtype=bool))
    np.testing.assert_array_equal(pictures[0, 1], np.where(allowed, head.weights, np.nan))


def test_a_weight_that_got_past_the_mask_stays_in_sight() -> None:
    weights = torch.full((1, 4, 4), 0.25)
    pictures = thumbnails(Trace.from_tensors(weights=weights, causal=True))[1]
    np.testing.assert_array_equal(pictures[0, 0], weights[0])


def test_layers_with_fewer_heads_and_missing_layers() -> None:
    trace = wide_trace(causal=True)
    first, last = trace.all_records
    fewer = replace(last, layer=5, query=last.query[:1], key=last.key[:1], value=last.value[:1])
    layers, pictures = thumbnails(replace(trace, all_records=(first, fewer)), side=8)
    assert layers == [0, 5]
    assert np.isnan(pictures[1, 1:]).all()
    np.testing.assert_array_equal(pictures[1, 0], thumbnails(trace, side=8)[1][1, 0])


def test_a_large_map_is_pooled_by_its_largest_weights() -> None:
    weights = torch.zeros(37, 41)
    weights[36, 0] = 1
    weights[0, 40] = 0.5
    pooled = thumbnails(Trace.from_tensors(weights=weights[None]), side=16)[1][0, 0]
    assert pooled.shape == (16, 16)
    assert (pooled[15, 0], pooled[0, 15], pooled.sum()) == (1, 0.5, 1.5)


def test_a_thin_diagonal_survives() -> None:
    pooled = thumbnails(Trace.from_tensors(weights=torch.eye(512)[None]), side=16)[1]
    np.testing.assert_array_equal(pooled[0, 0], np.eye(16))


def test_bytes_span_the_whole_range_and_nothing_is_a_byte_of_its_own() -> None:
    assert list(to_bytes(np.array([0, 0.5, 1, 2, -1, np.nan]))) == [1, 128, 255, 255, 1, 0]
    assert list(to_bytes(np.array([-4.0, 0, 4, np.nan]), -4, 4)) == [1, 128, 255, 0]


# What keys bring


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_lengths_equal_those_of_each_head(family: str, n: int) -> None:
    record = attention.trace(held(family, "decoder"), ids(n)).record(1)
    found = lengths(record)
    for head in range(record.n_heads):
        np.testing.assert_allclose(found[head], norm_weighted(record, head).lengths, rtol=1e-4, atol=1e-6)


def test_lengths_of_a_projection_that_is_not_linear_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    record = attention.trace(held("gpt2", "decoder"), ids(40)).record(0)
    bent = Bent(record.projection)
    record = replace(record, projection=bent)
    found = lengths(record)
    for head in range(record.n_heads):
        np.testing.assert_allclose(found[head], norm_weighted(record, head).lengths, rtol=1e-4, atol=1e-6)
    monkeypatch.setattr(lengths_module, "LINEAR", 1e9)
    assert not torch.allclose(lengths(record), found, rtol=1e-2)


class Bent:
    """A projection that rounds what enters, as one with quantised activations does."""

    name, norm_follows = "bent", None

    def __init__(self, own: object) -> None:
        self.own = own

    def __call__(self, heads: torch.Tensor) -> torch.Tensor:
        return self.own(torch.round(heads * 2) / 2)


def test_norms_are_pooled_shares_of_each_row() -> None:
    trace = attention.trace(translator(), ids(N), ids(7, seed=4))
    for kind in ("encoder", "cross"):
        pictures = thumbnails(trace, kind, 8, "norms")[1]
        for index, (layer, record) in enumerate(trace.records(kind).items()):
            shares = norm_weighted(record, 1).rows().shares
            allowed = record.allowed(1)
            allowed = np.ones(shares.shape, dtype=bool) if allowed is None else allowed.numpy()
            np.testing.assert_allclose(pictures[index, 1], patches(shares, allowed, 8), rtol=1e-3, atol=1e-5)
            assert why_not(record, "norms") == "", layer


def test_what_cannot_be_drawn_says_why() -> None:
    weights = Trace.from_tensors(weights=torch.full((1, 4, 4), 0.25))
    assert why_not(weights.record(0), "scores") == NO_SCORES
    assert why_not(weights.record(0), "norms") == "no output projection was given"
    assert why_not(weights.record(0), "weights") == ""
    assert np.isnan(thumbnails(weights, what="scores")[1]).all()
    assert lengths(wide_trace().record(0)) == "no output projection was given"


# Distance


@pytest.mark.parametrize("causally", [True, False])
def test_reaches_equal_each_heads_habit(causally: bool) -> None:
    trace = wide_trace(causal=causally)
    found = reaches(trace)
    for layer, head in np.ndindex(2, 3):
        assert found[layer, head] == pytest.approx(habit(trace.head(layer, head)).reach, rel=1e-5)


def test_reach_by_hand_and_of_a_head_that_looks_at_nothing() -> None:
    weights = torch.zeros(3, 4, 4)
    weights[0] = torch.eye(4).roll(2, dims=0)
    weights[1, 3, 1] = 0.5  # a sink takes the rest: the row counts as a whole
    assert reaches(Trace.from_tensors(weights=weights)).tolist()[0][:2] == [2.0, 2.0]
    assert np.isnan(reaches(Trace.from_tensors(weights=weights))[0, 2])


def test_two_texts_have_no_distance() -> None:
    assert "two texts" in reaches(cross().trace)
    assert "two texts" in reaches(Trace.from_tensors(**tensors()))
