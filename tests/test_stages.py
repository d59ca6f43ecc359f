"""The stages against closed forms, torch's own functions and properties."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from attention.stages import apply_mask, attend, cap, softmax


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_two_tokens_by_hand() -> None:
    eye, value = torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    made = attend(eye, eye, value, scale=2**-0.5)
    e = math.exp(2**-0.5)
    own, other = e / (e + 1), 1 / (e + 1)  # 0.6698, 0.3302
    assert made.weights[0].tolist() == pytest.approx([own, other], abs=1e-7)
    assert own == pytest.approx(0.6698, abs=5e-5)
    assert made.mixed[0].tolist() == pytest.approx([own + 3 * other, 2 * own + 4 * other], abs=1e-6)
    assert made.mixed[0].tolist() == pytest.approx([1.6605, 2.6605], abs=5e-5)


def test_equal_scores_give_the_mean_of_the_values() -> None:
    value = draw(7, 3)
    made = attend(torch.zeros(5, 2), draw(7, 2), value, scale=1.0)
    assert torch.allclose(made.mixed, value.mean(0).expand(5, 3), atol=1e-6)


def test_equal_scores_under_a_causal_mask_give_the_running_mean() -> None:
    value = draw(7, 3)
    made = attend(torch.zeros(7, 2), draw(7, 2), value, scale=1.0, mask=torch.ones(7, 7, dtype=torch.bool).tril())
    running = value.cumsum(0) / torch.arange(1, 8)[:, None]
    assert torch.allclose(made.mixed, running, atol=1e-6)


def test_one_open_key_is_copied() -> None:
    value, mask = draw(5, 3), torch.zeros(2, 5, dtype=torch.bool)
    mask[0, 3] = mask[1, 0] = True
    made = attend(draw(2, 7), draw(5, 7, seed=1), value, scale=0.3, mask=mask)
    assert torch.equal(made.mixed, value[[3, 0]])


def test_a_fully_masked_row_is_zeros() -> None:
    made = attend(draw(3, 2), draw(5, 2), draw(5, 7), scale=1.0, mask=torch.zeros(3, 5, dtype=torch.bool))
    assert torch.equal(made.weights, torch.zeros(3, 5))
    assert torch.equal(made.mixed, torch.zeros(3, 7))


def test_stages_come_in_the_models_order_and_follow_from_each_other() -> None:
    query, key, bias = draw(3, 2), draw(5, 2, seed=1), draw(3, 5, seed=2)
    mask = torch.ones(3, 5, dtype=torch.bool).tril()
    made = attend(query, key, draw(5, 7), scale=0.7, softcap=1.3, bias=bias, mask=mask, temperature=2.0)
    names = [name for name, _ in made.steps]
    assert names == ["scores", "scaled", "softcapped", "biased", "tempered", "masked", "weights"]
    expected = (1.3 * torch.tanh(query @ key.T * 0.7 / 1.3) + bias) / 2.0
    assert torch.allclose(made["masked"], expected.masked_fill(~mask, -math.inf))
    assert torch.allclose(made.weights, functional.softmax(made["masked"], dim=-1))


def test_stages_that_a_model_lacks_are_absent() -> None:
    made = attend(draw(3, 2), draw(5, 2), None, scale=1.0)
    assert [name for name, _ in made.steps] == ["scores", "scaled", "masked", "weights"]
    assert made.output is None
    with pytest.raises(ValueError, match="without values"):
        _ = made.mixed


def test_the_softcap_bounds_and_keeps_small_scores() -> None:
    scores = torch.tensor([-1e6, -0.01, 0.0, 0.01, 1e6])
    assert cap(scores, 5.0).tolist() == pytest.approx([-5, -0.01, 0, 0.01, 5], abs=1e-6)


def test_a_sink_is_one_more_key_that_carries_nothing() -> None:
    scores, sink = draw(3, 5), torch.tensor(0.4)
    weights, share = softmax(scores, sink)
    longer = functional.softmax(torch.cat([scores, torch.full((3, 1), 0.4)], dim=1), dim=1)
    assert torch.allclose(weights, longer[:, :5], atol=1e-7)
    assert share is not None
    assert torch.allclose(share, longer[:, 5], atol=1e-7)


def test_a_sink_takes_all_of_a_fully_masked_row() -> None:
    weights, share = softmax(torch.full((2, 3), -math.inf), torch.tensor(-3.0))
    assert torch.equal(weights, torch.zeros(2, 3))
    assert share is not None
    assert torch.equal(share, torch.ones(2))


def test_a_sink_on_the_output_gives_the_same_output() -> None:
    query, key, value, sink = draw(3, 2), draw(5, 2, seed=1), draw(5, 7, seed=2), torch.tensor(0.9)
    inside = attend(query, key, value, scale=1.0, sink=sink)
    after = attend(query, key, value, scale=1.0, sink=sink, sink_scales=True)
    assert torch.allclose(inside.mixed, after.mixed, atol=1e-6)
    assert torch.allclose(after.weights.sum(-1), torch.ones(3), atol=1e-6)
    assert (inside.weights.sum(-1) < 0.95).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_softmax_of_half_precision_runs_in_float32(dtype: torch.dtype) -> None:
    weights, _ = softmax(draw(3, 997, dtype=torch.float32).to(dtype))
    assert weights.dtype == torch.float32
    assert torch.allclose(weights.sum(-1), torch.ones(3), atol=1e-6)


def test_the_softmax_of_double_precision_stays_double() -> None:
    assert softmax(draw(3, 5, dtype=torch.float64))[0].dtype == torch.float64


@given(seed=st.integers(0, 10**6), shift=st.floats(-50, 50), n=st.integers(1, 13))
def test_a_shift_changes_no_weight(seed: int, shift: float, n: int) -> None:
    scores = draw(3, n, seed=seed, dtype=torch.float64)
    assert torch.allclose(softmax(scores)[0], softmax(scores + shift)[0], atol=1e-12)


@given(seed=st.integers(0, 10**6), n_q=st.integers(1, 7), n_k=st.integers(1, 11), size=st.floats(0.01, 1e4))
def test_rows_sum_to_one_or_zero(seed: int, n_q: int, n_k: int, size: float) -> None:
    mask = draw(n_q, n_k, seed=seed + 1) > 0
    weights, _ = softmax(apply_mask(draw(n_q, n_k, seed=seed) * size, mask))
    assert torch.allclose(weights.sum(-1), mask.any(-1).float(), atol=1e-6)
    assert (weights[~mask] == 0).all()


@given(seed=st.integers(0, 10**6))
def test_output_lies_within_the_values(seed: int) -> None:
    value = draw(5, 3, seed=seed)
    made = attend(draw(4, 2, seed=seed + 1), draw(5, 2, seed=seed + 2), value, scale=1.0)
    assert (made.mixed <= value.amax(0) + 1e-5).all()
    assert (made.mixed >= value.amin(0) - 1e-5).all()
