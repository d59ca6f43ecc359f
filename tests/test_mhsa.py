"""Our multi-head self-attention against torch's own modules, and its properties."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from attention import MultiHeadSelfAttention
from attention.errors import InputError

M, H, B, Q, K = 30, 5, 2, 7, 11  # d_head 6


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def twins(**options: bool) -> tuple[MultiHeadSelfAttention, nn.MultiheadAttention]:
    torch.manual_seed(3)
    ours = MultiHeadSelfAttention(M, H, **options).eval()
    theirs = nn.MultiheadAttention(M, H, bias=options.get("bias", True), batch_first=True).eval()
    with torch.no_grad():
        for weight in ours.parameters():
            weight.normal_(std=0.5)
        theirs.in_proj_weight.copy_(torch.cat([ours.to_query.weight, ours.to_key.weight, ours.to_value.weight]))
        theirs.out_proj.weight.copy_(ours.to_output.weight)
        if theirs.in_proj_bias is not None:
            theirs.in_proj_bias.copy_(torch.cat([ours.to_query.bias, ours.to_key.bias, ours.to_value.bias]))
            theirs.out_proj.bias.copy_(ours.to_output.bias)
    return ours, theirs


def real_tokens(n: int) -> Tensor:
    real = torch.ones(B, n, dtype=torch.bool)
    real[0, -2:] = False  # padding on the right
    real[1, :3] = False  # and on the left
    return real


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("cross", [True, False])
def test_weights_and_output_equal_torchs_multihead_attention(
    bias: bool, causal: bool, padded: bool, cross: bool
) -> None:
    ours, theirs = twins(bias=bias, causal=causal)
    x, context = draw(B, Q, M), draw(B, K, M, seed=1) if cross else None
    source = x if context is None else context
    real = real_tokens(source.shape[1]) if padded else None
    blocked = torch.ones(Q, source.shape[1], dtype=torch.bool).triu(1) if causal else None
    with torch.no_grad():
        made = ours.run(x, context=context, padding=real)
        expected, weights = theirs(
            x,
            source,
            source,
            attn_mask=blocked,
            key_padding_mask=None if real is None else ~real,
            average_attn_weights=False,
        )
    live = torch.ones(B, Q, dtype=torch.bool) if weights is None else ~weights.isnan().any(-1).any(1)  # (b, q)
    assert live.sum() >= B * Q - 3  # only rows that see nothing, where torch gives NaN, are left out
    assert torch.allclose(made.stages.weights.transpose(1, 2)[live], weights.transpose(1, 2)[live], atol=1e-6)
    assert torch.allclose(made.output[live], expected[live], atol=1e-5)


def test_a_row_that_sees_nothing_gets_the_bias_alone() -> None:
    ours, _ = twins(causal=True)
    real = torch.ones(1, Q, dtype=torch.bool)
    real[0, 0] = False
    with torch.no_grad():
        made = ours.run(draw(1, Q, M), padding=real)
    assert torch.equal(made.stages.weights[0, :, 0], torch.zeros(H, Q))
    assert torch.allclose(made.output[0, 0], ours.to_output.bias)


@pytest.mark.parametrize("n_kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("causal", [True, False])
def test_grouped_queries_equal_torchs_fused_attention(n_kv_heads: int, causal: bool) -> None:
    torch.manual_seed(5)
    ours = MultiHeadSelfAttention(66, 6, n_kv_heads=n_kv_heads, causal=causal)
    with torch.no_grad():
        made = ours.run(draw(B, Q, 66))
        expected = functional.scaled_dot_product_attention(
            made.query, made.key, made.value, is_causal=causal, enable_gqa=True
        )
        projected = ours.to_output(expected.transpose(1, 2).flatten(2))
    assert made.key.shape == (B, n_kv_heads, Q, 11)
    assert torch.allclose(made.heads, expected.transpose(1, 2), atol=1e-6)
    assert torch.allclose(made.output, projected, atol=1e-6)


def test_temperature_divides_the_scores() -> None:
    cool, hot = MultiHeadSelfAttention(M, H), MultiHeadSelfAttention(M, H, temperature=3.0)
    hot.load_state_dict(cool.state_dict())
    x = draw(1, Q, M)
    expected = functional.softmax(cool.run(x).stages["scaled"] / 3, dim=-1)
    assert torch.allclose(hot.run(x).stages.weights, expected, atol=1e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(Q)))
def test_shuffling_tokens_shuffles_outputs(seed: int, order: list[int]) -> None:
    ours, _ = twins()
    x = draw(1, Q, M, seed=seed, dtype=torch.float64)
    ours = ours.double()
    assert torch.allclose(ours(x[:, order]), ours(x)[:, order], atol=1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), changed=st.integers(1, Q - 1))
def test_causal_rows_before_a_change_are_bit_identical(seed: int, changed: int) -> None:
    ours, _ = twins(causal=True)
    x = draw(1, Q, M, seed=seed)
    other = x.clone()
    other[0, changed] += 1.7
    with torch.no_grad():
        before, after = ours.run(x), ours.run(other)
    assert torch.equal(before.output[0, :changed], after.output[0, :changed])
    assert torch.equal(before.stages.weights[0, :, :changed], after.stages.weights[0, :, :changed])
    assert not torch.equal(before.output[0, changed:], after.output[0, changed:])


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_key_bias_changes_nothing(seed: int) -> None:
    ours, _ = twins()
    ours = ours.double()
    x = draw(1, Q, M, seed=seed, dtype=torch.float64)
    with torch.no_grad():
        before = ours(x)
        ours.to_key.bias += draw(M, seed=seed + 1, dtype=torch.float64)
        assert torch.allclose(ours(x), before, atol=1e-9)
        ours.to_query.bias += draw(M, seed=seed + 2, dtype=torch.float64)
        assert not torch.allclose(ours(x), before, atol=1e-3)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_heads_contributions_sum_to_the_output(seed: int) -> None:
    ours, _ = twins()
    with torch.no_grad():
        made = ours.run(draw(B, Q, M, seed=seed))
        shares = [made.heads[:, :, head] @ ours.to_output.weight[:, head * 6 : (head + 1) * 6].T for head in range(H)]
    assert torch.allclose(sum(shares) + ours.to_output.bias, made.output, atol=1e-5)


def test_padding_changes_no_real_row() -> None:
    ours, _ = twins()
    x = draw(1, Q, M)
    longer = torch.cat([x, draw(1, 3, M, seed=9)], dim=1)
    real = torch.tensor([[True] * Q + [False] * 3])
    assert torch.allclose(ours(longer, padding=real)[:, :Q], ours(x), atol=1e-6)


@pytest.mark.parametrize("n_kv_heads", [1, 3])
def test_gradients_are_right(n_kv_heads: int) -> None:
    torch.manual_seed(7)
    ours = MultiHeadSelfAttention(6, 3, n_kv_heads=n_kv_heads, causal=True).double()
    x = draw(1, 5, 6, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: ours(x, padding=torch.tensor([[False, True, True, True, True]])), (x,))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((30, 4, None, 1.0), "multiple of n_heads; got 30 and 4"),
        ((30, 5, 2, 1.0), "multiple of n_kv_heads; got 5 and 2"),
        ((30, 0, None, 1.0), "at least 1; got 30, 0"),
        ((30, 5, None, 0.0), "greater than 0; got 0.0"),
        ((30, 5, None, float("nan")), "greater than 0; got nan"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: tuple[int, int, int | None, float], message: str) -> None:
    d_model, n_heads, n_kv_heads, temperature = sizes
    with pytest.raises(InputError, match=message):
        MultiHeadSelfAttention(d_model, n_heads, n_kv_heads=n_kv_heads, temperature=temperature)


def test_the_file_can_be_read_in_five_minutes() -> None:
    import inspect

    import attention.mhsa as module

    source = inspect.getsource(module)
    assert source.count("\n") <= 200
    code = source.split('"""', 2)[2]
    for borrowed in ("MultiheadAttention(", "scaled_dot_product_attention", "functional."):
        assert borrowed not in code.replace("class MultiHeadSelfAttention(", "")
