"""Masks and biases become the plainest rule that gives exactly the same array."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from attention.capture.rules import Rules, add_biases, compress_bias, find_rule
from attention.record import Mask, PositionBias

sizes = st.integers(1, 11)
limits = st.one_of(st.none(), st.integers(0, 5))


def dense(rule: Mask, n_q: int, n_k: int) -> torch.Tensor:
    made = rule.rows(0, n_q, n_k)
    return torch.ones(n_q, n_k, dtype=torch.bool) if made is None else made


@given(n_q=sizes, n_k=sizes, before=limits, after=limits, seed=st.integers(0, 99))
def test_a_rule_that_exists_gives_the_same_array(n_q: int, n_k: int, before: int, after: int, seed: int) -> None:
    keys = torch.rand(n_k, generator=torch.Generator().manual_seed(seed)) > 0.3
    allowed = dense(Mask(before=before, after=after, keys=keys), n_q, n_k)
    found = find_rule(allowed)
    assert found is None or torch.equal(dense(found, n_q, n_k), allowed)
    if n_q == n_k and keys.all():
        assert found is not None


@given(n_q=sizes, n_k=sizes, seed=st.integers(0, 9_999))
def test_any_array_is_kept_exactly(n_q: int, n_k: int, seed: int) -> None:
    allowed = torch.rand(n_q, n_k, generator=torch.Generator().manual_seed(seed)) > 0.5
    rule, bias = Rules().mask(allowed[None, None], n_q, n_k)
    assert bias is None
    assert torch.equal(dense(rule, n_q, n_k), allowed)


def test_the_plainest_rule_is_taken() -> None:
    causal = torch.ones(7, 7, dtype=torch.bool).tril()
    rule = find_rule(causal)
    assert rule is not None
    assert (rule.before, rule.after, rule.keys, rule.array) == (None, 0, None, None)
    assert find_rule(torch.ones(5, 7, dtype=torch.bool)) == Mask() or find_rule(torch.ones(5, 7, dtype=torch.bool)).open
    padded = causal.clone()
    padded[:, :2] = False
    rule = find_rule(padded)
    assert rule is not None
    assert (rule.before, rule.after) == (None, 0)
    assert rule.keys is not None
    assert rule.keys.tolist() == [False, False, True, True, True, True, True]


def test_additive_masks_of_every_constant_are_read() -> None:
    causal = torch.ones(5, 5, dtype=torch.bool).tril()
    for lowest in (float("-inf"), torch.finfo(torch.float32).min, -1e9, -1e4):
        rule, bias = Rules().mask(torch.zeros(1, 1, 5, 5).masked_fill(~causal, lowest), 5, 5)
        assert rule.after == 0
        assert bias is None


def test_a_bias_inside_a_mask_is_kept_apart() -> None:
    distance = torch.arange(5) - torch.arange(5)[:, None]
    slopes = torch.tensor([0.5, 0.25, 0.125])[:, None, None]
    alibi = (slopes * distance).masked_fill(distance > 0, torch.finfo(torch.float32).min)
    rule, bias = Rules().mask(alibi[None], 5, 5)
    assert rule.after == 0
    assert bias is not None
    for head in range(3):
        assert torch.allclose(bias.rows(head, 0, 5).tril(), (slopes[head] * distance).tril())


@given(n_q=sizes, n_k=sizes, heads=st.integers(1, 3), seed=st.integers(0, 99))
def test_a_bias_by_distance_is_kept_as_a_line(n_q: int, n_k: int, heads: int, seed: int) -> None:
    line = torch.randn(heads, n_q + n_k - 1, generator=torch.Generator().manual_seed(seed))
    full = PositionBias(n_q=n_q, n_k=n_k, by_distance=line).all_rows(0, n_q)
    made = compress_bias(full)
    assert made.by_distance is not None
    assert torch.equal(made.by_distance, line)
    assert torch.equal(made.rows(heads - 1, n_q // 2, n_q), full[-1, n_q // 2 :])


def test_any_other_bias_is_kept_whole() -> None:
    full = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    made = compress_bias(full)
    assert made.by_distance is None
    assert torch.equal(made.all_rows(0, 5), full)
    line = PositionBias(n_q=5, n_k=7, by_distance=torch.ones(3, 11))
    both = add_biases(made, line)
    assert both is not None
    assert torch.allclose(both.all_rows(1, 4), full[:, 1:4] + 1)
    assert add_biases(None, PositionBias(n_q=2, n_k=2, by_distance=torch.zeros(1, 3))) is None


def test_one_tensor_shared_by_layers_is_read_once() -> None:
    rules = Rules()
    odd = (torch.rand(7, 7, generator=torch.Generator().manual_seed(1)) > 0.5)[None, None]
    first, second, equal = rules.mask(odd, 7, 7)[0], rules.mask(odd, 7, 7)[0], rules.mask(odd.clone(), 7, 7)[0]
    assert first is second
    assert first.array is not None
    assert equal.array is first.array
