import numpy as np
import pytest
import torch

from attention.analysis.summary import Habit, habit, in_words
from attention.analysis.thumbnails import pool, thumbnails, to_bytes
from attention.record import Trace
from tests.figures.heads import N_HEADS, causal, tensors


def test_a_small_map_stays_as_it_is():
    head = causal()
    layers, pictures = thumbnails(head.trace)
    assert layers == [0]
    assert pictures.shape == (1, N_HEADS, 7, 7)
    np.testing.assert_array_equal(pictures[0, 1], to_bytes(head.weights))


def test_a_large_map_is_pooled_by_its_largest_weights():
    weights = np.zeros((37, 41), dtype=np.float32)
    weights[36, 0] = 1
    weights[0, 40] = 0.5
    pooled = pool(weights, 16, 16)
    assert pooled.shape == (16, 16)
    assert (pooled[15, 0], pooled[0, 15], pooled.sum()) == (1, 0.5, 1.5)


def test_a_thin_diagonal_survives():
    pooled = pool(np.eye(512, dtype=np.float32), 16, 16)
    np.testing.assert_array_equal(pooled, np.eye(16))


def test_bytes_span_the_whole_range():
    assert list(to_bytes(np.array([0, 0.5, 1, np.nan]))) == [0, 128, 255, 0]


def habit_of(weights: torch.Tensor) -> Habit | None:
    return habit(Trace.from_tensors(weights=weights[None]).head(0, 0))


def test_previous_token_head_looks_one_back_at_one():
    weights = torch.roll(torch.eye(6), 1, dims=0)
    weights[0] = 0
    found = habit_of(weights)
    assert found == Habit(distance=1.0, reach=1.0, spread=1.0)
    assert in_words(found) == "Looks 1.0 token back on average, spread over 1.0 token."


def test_even_weights_are_spread_over_all():
    found = habit_of(torch.full((4, 4), 0.25))
    assert found.spread == pytest.approx(4)
    assert "to both sides" in in_words(found)


def test_a_head_that_attends_to_nothing_says_so():
    assert in_words(habit_of(torch.zeros(3, 3))) == "Attends to nothing here."


def test_cross_attention_has_no_distance():
    trace = Trace.from_tensors(**tensors())
    assert habit(trace.head(0, 0)).distance is None
    assert "source" in in_words(habit(trace.head(0, 0)))
