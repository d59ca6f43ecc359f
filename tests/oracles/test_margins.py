"""What keys receive and queries spread over."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attention.analysis import blocks
from attention.record import Trace
from tests.analysis.planted import noise
from tests.oracles.margins import effective, margins

N = 11


def test_by_hand() -> None:
    weights = noise(2, True, N)
    found = margins(Trace.from_tensors(weights=weights, causal=True).record(0), 1)
    rows = weights[1].double().numpy()
    for j in range(N):
        assert found.received[j] == pytest.approx(sum(rows[i, j] for i in range(N)), abs=1e-5)
        assert found.asked[j] == N - j
        assert found.mean[j] == pytest.approx(found.received[j] / (N - j), abs=1e-6)
    for i in range(N):
        entropy = -sum(w * math.log(w) for w in rows[i] if w > 0)
        assert found.spread[i] == pytest.approx(math.exp(entropy), rel=1e-5)
        assert found.open[i] == i + 1
    assert found.received.sum() == pytest.approx(N, abs=1e-4)
    assert found.first == pytest.approx(rows[:, 0].sum() / N)
    assert found.sink is None


def test_an_even_row_spreads_over_all_and_a_sharp_one_over_one() -> None:
    assert effective(torch.full((3, 5), 0.2)).tolist() == pytest.approx([5, 5, 5])
    assert effective(torch.eye(3)).tolist() == pytest.approx([1, 1, 1])
    assert effective(torch.zeros(2, 3)).tolist() == [0, 0]
    assert float(effective(torch.full((5,), 0.02))) == pytest.approx(5)  # a sink's share is no key


@given(seed=st.integers(0, 10**6), sharp=st.floats(0, 20))
def test_spread_lies_between_one_and_all(seed: int, sharp: float) -> None:
    found = margins(Trace.from_tensors(weights=noise(1, True, N, seed, sharp), causal=True).record(0), 0)
    assert (found.spread >= 1 - 1e-5).all()
    assert (found.spread <= found.open * (1 + 1e-5)).all()
    assert ((found.mean >= 0) & (found.mean <= 1 + 1e-6)).all()


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Trace.from_tensors(weights=noise(1, True, N), causal=True).record(0)
    whole = margins(record, 0)
    monkeypatch.setattr(blocks, "row_blocks", lambda n, k: iter([(0, 3), (3, 10), (10, N)]))
    parts = margins(record, 0)
    np.testing.assert_allclose(parts.received, whole.received, atol=1e-6)
    np.testing.assert_allclose(parts.spread, whole.spread, atol=1e-6)


def test_a_learned_sinks_share() -> None:
    query, key = torch.randn(2, 2, N, 3, generator=torch.Generator().manual_seed(3))
    trace = Trace.from_tensors(query=query, key=key, causal=True, sink=torch.tensor([1.0, -1.0]))
    found = margins(trace.record(0), 0)
    np.testing.assert_allclose(found.sink, trace.head(0, 0).sink_weight, atol=1e-6)
    assert found.received.sum() + found.sink.sum() == pytest.approx(N, abs=1e-4)
