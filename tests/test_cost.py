"""The closed forms against counted parameters, counted FLOPs and real tensors."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from attention import MultiHeadSelfAttention
from attention.cost import cost
from attention.errors import InputError

SIZES = [(7, 30, 5, 5), (11, 30, 6, 2), (13, 42, 7, 1)]


@pytest.mark.parametrize(("n", "d_model", "n_heads", "n_kv_heads"), SIZES)
@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_those_of_the_layer(n: int, d_model: int, n_heads: int, n_kv_heads: int, bias: bool) -> None:
    layer = MultiHeadSelfAttention(d_model, n_heads, n_kv_heads=n_kv_heads, bias=bias)
    counted = sum(weight.numel() for weight in layer.parameters())
    assert cost(n, d_model, n_heads, n_kv_heads, bias=bias).parameters == counted


@pytest.mark.parametrize(("n", "d_model", "n_heads", "n_kv_heads"), SIZES)
def test_flops_are_those_that_torch_counts(n: int, d_model: int, n_heads: int, n_kv_heads: int) -> None:
    layer = MultiHeadSelfAttention(d_model, n_heads, n_kv_heads=n_kv_heads, bias=False)
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, n, d_model))
    made = cost(n, d_model, n_heads, n_kv_heads, bias=False)
    assert made.projection_flops + made.score_flops + made.mix_flops == counter.get_total_flops()


@pytest.mark.parametrize(("n", "d_model", "n_heads", "n_kv_heads"), SIZES)
def test_bytes_are_those_of_the_tensors(n: int, d_model: int, n_heads: int, n_kv_heads: int) -> None:
    made = MultiHeadSelfAttention(d_model, n_heads, n_kv_heads=n_kv_heads).run(torch.zeros(1, n, d_model))
    closed = cost(n, d_model, n_heads, n_kv_heads)
    assert closed.map_bytes == made.stages.weights.nbytes
    assert closed.kept_bytes == sum(t.nbytes for t in (made.query, made.key, made.value, made.heads))
    assert closed.cache_bytes == made.key.nbytes + made.value.nbytes


def test_scores_and_mixing_overtake_the_projections_at_twice_the_width() -> None:
    at = cost(2 * 768, 768, 12)
    assert at.score_flops + at.mix_flops == at.projection_flops


def test_known_sizes() -> None:
    assert cost(1, 512, 8).parameters == 1_050_624
    assert cost(1, 768, 12).cache_bytes * 12 == 72 * 1024  # GPT-2 in float32


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="multiple of n_heads"):
        cost(3, 10, 4)
