"""Averages, their spread, and their words."""

import numpy as np
import pytest
import torch

import attention
from attention.analysis import blocks
from attention.analysis.averages import average, over_all, over_heads, over_layers
from attention.errors import InputError, NoSuchHeadError
from attention.record import Trace
from tests.analysis.planted import noise

N = 7
WEIGHTS = noise(15, True, N).view(5, 3, N, N)


def trace() -> Trace:
    return Trace.from_tensors(weights=WEIGHTS, causal=True)


@pytest.mark.parametrize(
    ("made", "part", "words"),
    [
        (over_heads(trace(), 2), WEIGHTS[2], "Average over the 3 heads of layer 2"),
        (over_layers(trace(), 1), WEIGHTS[:, 1], "Average over head 1 of 5 layers"),
        (over_all(trace()), WEIGHTS.flatten(0, 1), "Average over all 15 heads of 5 layers"),
        (average(trace(), [(0, 1), (4, 2)]), WEIGHTS[[0, 4], [1, 2]], "Average over 2 heads"),
    ],
)
def test_mean_and_spread(made, part: torch.Tensor, words: str) -> None:
    np.testing.assert_allclose(made.mean, part.numpy().mean(0), atol=1e-6)
    np.testing.assert_allclose(made.spread, part.numpy().std(0), atol=1e-6)
    np.testing.assert_allclose(made.mean.sum(1), 1, atol=1e-5)
    assert made.label == words
    assert made.hides.startswith("An average of heads is a head that the model does not have")
    assert made.mean.dtype == made.spread.dtype == np.float32
    assert not made.mean.flags.writeable


def test_heads_that_do_opposite_things_show_in_the_spread() -> None:
    back, ahead = torch.eye(N).roll(1, 1), torch.eye(N).roll(-1, 1)
    made = over_heads(Trace.from_tensors(weights=torch.stack([back, ahead])), 0)
    assert made.mean[3, 2] == made.mean[3, 4] == pytest.approx(0.5)
    assert made.spread[3, 2] == pytest.approx(0.5)
    assert average(trace(), [(1, 1)]).spread.max() == 0


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = over_all(trace())
    monkeypatch.setattr("attention.analysis.averages.row_blocks", lambda n, k: blocks.row_blocks(n, k, 2 * N))
    np.testing.assert_allclose(over_all(trace()).spread, whole.spread, atol=1e-7)


def test_what_cannot_be_averaged() -> None:
    with pytest.raises(InputError, match="at least one"):
        average(trace(), [])
    with pytest.raises(NoSuchHeadError, match="No layer has a head 9"):
        over_layers(trace(), 9)
    with pytest.raises(NoSuchHeadError):
        average(trace(), [(0, 9)])


def test_a_real_model_by_kind() -> None:
    made = over_all(attention.trace("dates", "the 3rd of May, 1998"), "cross")
    assert len(made.heads) == 8
    np.testing.assert_allclose(made.mean.sum(1), 1, atol=1e-5)
