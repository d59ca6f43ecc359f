import pytest
import torch

from attention.analysis.summary import Habit, habit, in_words
from attention.record import Trace
from tests.figures.heads import tensors


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
