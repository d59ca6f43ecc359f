"""Rollout against a product worked out by hand, and where it is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis import blocks
from attention.analysis.rollout import CROSS, DRIFT, LEAVES_OUT, SINKS, rollout
from attention.errors import InputError
from attention.record import Trace
from tests import small_models
from tests.analysis.planted import noise
from tests.tiny import ids

N = 7


def by_hand(weights: np.ndarray) -> np.ndarray:
    """weights (layers, h, n, n): ½ A + ½ I, multiplied, with loops."""
    n = weights.shape[-1]
    total = np.eye(n)
    for layer in weights:
        mixed = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                mixed[i, j] = 0.5 * sum(head[i, j] for head in layer) / len(layer) + 0.5 * (i == j)
        total = np.array([[sum(mixed[i, k] * total[k, j] for k in range(n)) for j in range(n)] for i in range(n)])
    return total


@pytest.mark.parametrize("causal", [True, False])
def test_it_is_the_product_of_the_layers(causal: bool) -> None:
    weights = noise(15, causal, N).view(5, 3, N, N)
    found = rollout(Trace.from_tensors(weights=weights, causal=causal))
    np.testing.assert_allclose(found.mixed, by_hand(weights.numpy()), atol=1e-6)
    np.testing.assert_allclose(found.mixed.sum(1), 1, atol=1e-6)
    assert found.layers == (0, 1, 2, 3, 4)
    assert (found.even is None) != causal
    assert (DRIFT in found.notes) == causal
    assert found.notes[0] == LEAVES_OUT


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = Trace.from_tensors(weights=noise(6, True, N).view(2, 3, N, N), causal=True)
    whole = rollout(trace)
    monkeypatch.setattr("attention.analysis.rollout.row_blocks", lambda n, k: blocks.row_blocks(n, k, 2 * N))
    np.testing.assert_allclose(rollout(trace).mixed, whole.mixed, atol=1e-7)
    np.testing.assert_allclose(rollout(trace).even, whole.even, atol=1e-7)


def test_heads_that_look_at_themselves_leave_all_in_place() -> None:
    found = rollout(Trace.from_tensors(weights=torch.eye(N).expand(3, 2, N, N)))
    np.testing.assert_allclose(found.mixed, np.eye(N), atol=1e-7)


def test_a_stack_of_even_causal_layers_drifts_to_the_first_token() -> None:
    even = torch.ones(N, N).tril() / torch.arange(1, N + 1)[:, None]
    shallow = rollout(Trace.from_tensors(weights=even.expand(1, 2, N, N), causal=True))
    deep = rollout(Trace.from_tensors(weights=even.expand(24, 2, N, N), causal=True))
    np.testing.assert_allclose(deep.mixed, deep.even, atol=1e-6)
    assert shallow.mixed[-1, 0] < 0.1
    assert deep.mixed[-1, 0] > 0.9


def test_through_some_layers_only() -> None:
    weights = noise(6, True, N).view(3, 2, N, N)
    found = rollout(Trace.from_tensors(weights=weights, causal=True), layers=2)
    np.testing.assert_allclose(found.mixed, by_hand(weights[:2].numpy()), atol=1e-6)
    with pytest.raises(InputError, match="this model has 1 to 3"):
        rollout(Trace.from_tensors(weights=weights, causal=True), layers=4)


def test_missing_layers_are_refused_by_number() -> None:
    trace = Trace.from_tensors(weights=noise(8, True, N).view(4, 2, N, N), causal=True)
    with pytest.raises(InputError, match="none of layer 1, 2"):
        rollout(replace(trace, all_records=(trace.record(0), trace.record(3))))
    with pytest.raises(InputError, match="none of layer 3"):
        rollout(replace(trace, all_records=trace.all_records[:3]))
    assert rollout(replace(trace, all_records=trace.all_records[:3]), layers=3).layers == (0, 1, 2)
    with pytest.raises(InputError, match="attends more than once"):
        rollout(replace(trace, all_records=(*trace.all_records, replace(trace.record(2), op=1))))


def test_a_sinks_share_is_left_out_and_said_to_be() -> None:
    query, key = torch.randn(2, 2, N, 3, generator=torch.Generator().manual_seed(3))
    found = rollout(Trace.from_tensors(query=query, key=key, causal=True, sink=torch.ones(2)))
    assert SINKS in found.notes
    np.testing.assert_allclose(found.mixed.sum(1), 1, atol=1e-6)


def test_a_query_that_sees_nothing_keeps_itself() -> None:
    weights = noise(2, False, N)
    weights[:, 4] = 0
    mixed = rollout(Trace.from_tensors(weights=weights)).mixed
    np.testing.assert_allclose(mixed[4], np.eye(N)[4], atol=1e-7)


def test_two_stacks() -> None:
    trace = attention.trace(small_models.model("t5"), ids(11), ids(7, seed=4))
    with pytest.raises(InputError, match="not cross-attention"):
        rollout(trace, "cross")
    assert rollout(trace, "encoder").layers == (0, 1)
    decoder = rollout(trace, "decoder")
    assert decoder.layers == (0, 1, 2)
    assert CROSS in decoder.notes
    assert decoder.even is not None
    assert CROSS not in rollout(trace, "encoder").notes
