"""Norm-weighted attention against brute force, and what a sink's weight hides."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis.norms import KEYS, norm_weighted, writes
from attention.record import Trace
from tests.tiny import build, ids
from tests.traced import held, translator

N = 13


def brute(view: attention.HeadView) -> np.ndarray:
    """Every query's term of every key through the projection, one at a time."""
    record, made = view.record, np.zeros((view.record.n_q, view.record.n_k), dtype=np.float32)
    nothing = record.projection(torch.zeros_like(record.output[:1]).flatten(1))
    for i in range(record.n_q):
        terms = torch.from_numpy(view.value_terms(i)).to(record.output.dtype)
        for j in range(record.n_k):
            alone = torch.zeros_like(record.output[:1])
            alone[0, view.head] = terms[j]
            made[i, j] = float((record.projection(alone.flatten(1)) - nothing).norm())
    return made


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("llama", "decoder"), ("bert", "encoder")])
def test_norms_equal_brute_force(name: str, kind: str) -> None:
    view = attention.trace(held(name, kind), ids(N)).head(1, 3)
    found = norm_weighted(view.record, 3).rows()
    np.testing.assert_allclose(found.norms, brute(view), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.shares.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(found.difference, found.shares - view.weights, atol=1e-6)
    np.testing.assert_allclose(found.difference.sum(1), 0, atol=1e-5)


def test_cross_attention_and_a_sink_on_the_output() -> None:
    trace = attention.trace(translator(), ids(N), ids(7, seed=4))
    view = trace.head(2, 4, "cross")
    np.testing.assert_allclose(norm_weighted(view.record, 4).rows().norms, brute(view), rtol=1e-4, atol=1e-6)
    record = replace(attention.trace(held("gpt2", "decoder"), ids(N)).record(1), sink=torch.ones(4), sink_scales=True)
    sinking = attention.HeadView(trace=trace, record=record, head=2)
    np.testing.assert_allclose(norm_weighted(record, 2).rows().norms, brute(sinking), rtol=1e-4, atol=1e-6)


def test_the_writes_weighted_are_the_contribution() -> None:
    view = attention.trace(held("llama", "decoder"), ids(N)).head(0, 2)
    written = torch.cat(writes(view.record, 2)).numpy()
    np.testing.assert_allclose(view.weights @ written, view.contribution, atol=1e-5)


def test_blocks_and_rows_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attention.analysis.norms.row_blocks", lambda n, k: iter([(0, 4), (4, 9), (9, N)]))
    found = norm_weighted(attention.trace(held("gpt2", "decoder"), ids(N)).record(0), 1)
    whole, part = found.rows(), found.rows(5, 8)
    assert part.start == 5
    np.testing.assert_allclose(whole.norms[5:8], part.norms, rtol=1e-5, atol=1e-6)
    assert [one.start for one in found.blocks()] == [0, 4, 9]
    np.testing.assert_allclose(np.concatenate([one.shares for one in found.blocks()]), whole.shares, atol=1e-5)


def test_many_keys_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    record = attention.trace(held("gpt2", "decoder"), ids(N)).record(0)
    whole = norm_weighted(record, 1).lengths
    monkeypatch.setattr("attention.analysis.norms.KEYS", 5)
    assert KEYS == 256
    assert [len(part) for part in writes(record, 1)] == [5, 5, 3]
    np.testing.assert_allclose(norm_weighted(record, 1).lengths, whole, rtol=1e-5)


def test_a_sink_of_small_values_is_uncovered() -> None:
    """All weight on the first token, whose value is next to nothing: nearly all that arrives is from elsewhere."""
    record = attention.trace(held("gpt2", "decoder"), ids(N)).record(0)
    value, query, key = record.value.clone(), torch.zeros_like(record.query), torch.zeros_like(record.key)
    value[:, 0] *= 1e-4
    query[:, :, 0], key[:, 0, 0] = 1, 6
    sink = replace(record, value=value, query=query, key=key, scale=1.0)
    found = norm_weighted(sink, 2).rows()
    weights = sink.stages(2).weights
    assert (weights[2:, 0] > 0.9).all()
    assert (found.shares[2:, 0] < 0.1).all()
    assert (found.difference[2:, 0] < -0.8).all()


def test_where_it_cannot_be_told_the_reason_is() -> None:
    q, k, v = torch.randn(3, 2, 5, 3)
    given = Trace.from_tensors(query=q, key=k, value=v)
    assert norm_weighted(given.record(0), 0) == "no output projection was given"
    model = build("gpt2", "decoder")
    record = attention.trace(model, ids(N)).record(0)
    assert norm_weighted(replace(record, value=None), 0) == "the values are not known"
    del model
    assert norm_weighted(record, 0) == "the model is no longer loaded"


def test_a_norm_that_follows_is_named() -> None:
    model = build("gemma2", "decoder")
    found = norm_weighted(attention.trace(model, ids(N)).record(1), 0)
    assert found.norm_follows == "model.layers.1.post_attention_layernorm"
