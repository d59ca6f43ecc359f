"""Trace, HeadView and the tensors that people bring."""

import dataclasses

import numpy as np
import pytest
import torch

from attention import Trace
from attention.errors import InputError, NoSuchHeadError

L, H, G, Q, K, D, V = 2, 6, 3, 5, 7, 11, 13


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def a_trace(**options: object) -> Trace:
    parts = {"query": draw(L, H, Q, D), "key": draw(L, G, K, D, seed=1), "value": draw(L, G, K, V, seed=2)}
    return Trace.from_tensors(**{**parts, **options})


def test_shapes_and_sizes() -> None:
    trace = a_trace()
    view = trace.head(1, 4)
    assert trace.kinds == ("cross",)
    assert view.scores.shape == view.masked.shape == view.weights.shape == (Q, K)
    assert view.output.shape == (Q, V)
    assert view.value_terms(3).shape == (K, V)
    assert (view.record.n_heads, view.record.n_kv_heads, view.record.d_head) == (H, G, D)
    assert len(view.query_tokens) == Q
    assert len(view.key_tokens) == K


def test_grouped_heads_read_their_own_keys() -> None:
    query, key = draw(L, H, Q, D), draw(L, G, K, D, seed=1)
    view = a_trace().head(1, 5)
    assert np.allclose(view.scores, query[1, 5] @ key[1, 2].T, atol=1e-5)
    assert np.allclose(view.scaled, view.scores * D**-0.5, atol=1e-6)


def test_value_terms_sum_to_the_output() -> None:
    for options in ({}, {"sink": torch.linspace(-1, 1, H)}):
        view = a_trace(**options).head(0, 2)
        assert np.allclose(view.value_terms(4).sum(0), view.output[4], atol=1e-6)


def test_rows_alone_equal_the_whole() -> None:
    record = a_trace(causal=False, softcap=2.0).record(1)
    whole, part = record.stages(3), record.stages(3, 2, 4)
    for (name, full), (_, rows) in zip(whole.steps, part.steps, strict=True):
        assert torch.allclose(full[2:4], rows, atol=1e-6), name


def test_arrays_are_read_only_float32_and_records_frozen() -> None:
    parts = {"query": draw(L, H, Q, D), "key": draw(L, G, K, D), "value": draw(L, G, K, V)}
    view = a_trace(**{name: tensor.double() for name, tensor in parts.items()}).head(0, 0)
    for array in (view.weights, view.output, view.query, view.key, view.value, *(array for _, array in view.stages)):
        assert array.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.record.scale = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.head = 1


def test_a_mask_may_be_numpys_or_a_list() -> None:
    for mask in (np.ones((Q, K), dtype=bool), [[True] * K] * Q):
        assert np.allclose(a_trace(mask=mask).head(0, 0).weights.sum(-1), 1, atol=1e-6)


def test_causal_tensors_are_a_decoder() -> None:
    trace = Trace.from_tensors(query=draw(H, Q, D), key=draw(H, Q, D, seed=1), causal=True, tokens=list("abcde"))
    assert trace.kinds == ("decoder",)
    assert np.triu(trace.head(0, 0).weights, 1).sum() == 0
    assert [str(token) for token in trace.tokens] == list("abcde")
    assert trace.head(0, 0).output is None
    assert trace.head(0, 0).unknown == ("value",)


def test_weights_alone() -> None:
    weights = torch.softmax(draw(H, Q, Q), dim=-1)
    view = Trace.from_tensors(weights=weights, value=draw(H, Q, V)).head(0, 2)
    assert [name for name, _ in view.stages] == ["weights"]
    assert np.allclose(view.output, weights[2] @ draw(H, Q, V)[2], atol=1e-6)
    assert view.unknown == ("query", "key")
    with pytest.raises(NoSuchHeadError, match="no stage 'scores'; it has: weights"):
        _ = view.scores


def test_the_output_that_came_along_is_checked() -> None:
    good = torch.stack([torch.from_numpy(a_trace().head(0, h).output.copy()) for h in range(H)], dim=1)
    both = torch.stack([good, good])
    assert a_trace(output=both).head(0, 3).error.ok
    wrong = both.clone()
    wrong[0, 2, 3, 1] += 0.01
    error = a_trace(output=wrong).head(0, 3).error
    assert not error.ok
    assert error.worst == "own output"
    assert a_trace(output=wrong).head(0, 2).error.ok
    assert not a_trace().head(0, 0).error.ok  # nothing compared is no pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": None}, "Give query and key, or weights"),
        ({"key": draw(L, 4, K, D)}, "number of heads that divides 6; got shape"),
        ({"key": draw(L, G, K, D + 1)}, "differ in width: 11 and 12"),
        ({"value": draw(L, G, K + 1, V)}, "differ in length: 7 and 8"),
        ({"query": draw(Q, D)}, "3 or 4 axes; got torch.float32"),
        ({"query": torch.ones(H, Q, D, dtype=torch.int64)}, "floating point"),
        ({"mask": torch.ones(Q, K)}, "mask must be boolean"),
        ({"mask": torch.ones(Q, Q, dtype=torch.bool)}, "mask must be boolean"),
        ({"position_bias": draw(H, Q, Q)}, r"position_bias must be \(h or 1, 5, 7\)"),
        ({"position_bias": draw(L, H, Q, K)}, "position_bias must be"),
        ({"sink": torch.zeros(3)}, r"one number a head, \(6,\); got \(3,\)"),
        ({"output": draw(L, H, Q, V)}, "output must be"),
        ({"key": draw(L, G, K, D).double()}, "one type; got torch.float32, torch.float64"),
        ({"weights": draw(L, H, Q, K)}, "not both"),
        ({"query": None, "key": None, "value": None, "weights": draw(H, Q, K)}, "must not be negative"),
        ({"tokens": ["a"]}, "1 tokens were named, but the tensors have 7"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        a_trace(**options)


def test_what_does_not_exist_says_what_does() -> None:
    trace = a_trace()
    with pytest.raises(NoSuchHeadError, match="has heads 0 to 5; got 6"):
        trace.head(0, 6)
    with pytest.raises(NoSuchHeadError, match="has heads 0 to 5; got -1"):
        trace.head(0, -1)
    with pytest.raises(NoSuchHeadError, match="Layer 2 has no cross attention; layers with it: 0, 1"):
        trace.head(2, 0)
    with pytest.raises(NoSuchHeadError, match="no 'decoder' attention; it has: cross"):
        trace.head(0, 0, "decoder")
