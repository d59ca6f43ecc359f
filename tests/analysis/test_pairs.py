"""The heads between two tokens, ranked by weight and by what it brings."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention.analysis.pairs import between
from attention.errors import InputError
from attention.record import AttentionRecord, Mask, Trace
from tests.tiny import ids
from tests.traced import held, translator

N = 13


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("llama", "decoder"), ("bert", "encoder")])
def test_weights_and_sizes_against_the_heads_own_terms(name: str, kind: str) -> None:
    trace = attention.trace(held(name, kind), ids(N))
    found = between(trace, 9, 4)
    assert len(found.links) == 12
    assert not found.why
    for link in found.links:
        view = trace.head(link.layer, link.head)
        assert link.weight == pytest.approx(float(view.weights[9, 4]), abs=1e-6)
        record = view.record
        alone = torch.zeros_like(record.output[:1])
        alone[0, link.head] = torch.from_numpy(view.value_terms(9)[4])
        nothing = record.projection(torch.zeros_like(alone).flatten(1))
        size = float((record.projection(alone.flatten(1)) - nothing).norm())
        assert link.size == pytest.approx(size, rel=1e-4, abs=1e-5)


def test_what_all_keys_bring_sums_to_the_heads_contribution() -> None:
    """The parts, not their lengths, sum: with one key to look at, its size is the contribution's length."""
    trace = attention.trace(held("gpt2", "decoder"), ids(N))
    for link in between(trace, 0, 0).links:
        own = trace.head(link.layer, link.head).contribution[0]
        assert link.weight == pytest.approx(1)
        assert link.size == pytest.approx(float(np.linalg.norm(own)), rel=1e-4)


def test_the_planted_head_comes_first_and_size_differs_from_weight() -> None:
    weights = torch.full((12, 12, N, N), 1 / N)
    weights[7, 5, 8] = torch.eye(N)[3]
    found = between(Trace.from_tensors(weights=weights), 8, 3)
    first, second = found.by("weight")[:2]
    assert (first.layer, first.head, first.weight) == (7, 5, 1)
    assert second.weight == pytest.approx(1 / N)
    assert first.even == pytest.approx(1 / N)
    assert found.by("size") == ()
    assert found.why[7] == "no output projection was given"


def test_order_by_size_is_by_size() -> None:
    found = between(attention.trace("storyteller", "The cat sat on the mat because it was tired."), 8, 2)
    sizes = [link.size for link in found.by("size")]
    assert sizes == sorted(sizes, reverse=True)
    assert found.by("size") != found.by("weight")


def test_a_hidden_key_is_said_to_be_hidden() -> None:
    found = between(attention.trace(held("gpt2", "decoder"), ids(N)), 3, 9)
    assert not any(link.allowed for link in found.links)
    assert found.by("weight") == ()


def test_a_sinks_share_of_the_output_is_taken_off() -> None:
    trace = attention.trace(held("gpt2", "decoder"), ids(N))
    record = replace(trace.record(1), sink=torch.full((4,), 6.0), sink_scales=True)
    with_sink = between(replace(trace, all_records=(record,)), 9, 4).links[2]
    without = next(one for one in between(trace, 9, 4).links if (one.layer, one.head) == (1, 2))
    share = float(record.stages(2, 9, 10).sink_weight[0])
    assert 0.05 < share < 0.95
    assert with_sink.size == pytest.approx(without.size * (1 - share), rel=1e-4)


def test_only_the_asked_row_is_made() -> None:
    n = 4096
    query, key = torch.randn(2, 3, n, 5, generator=torch.Generator().manual_seed(1))
    record = AttentionRecord(layer=0, kind="decoder", query=query, key=key, mask=Mask(after=0), scale=0.4)
    trace = replace(Trace.from_tensors(weights=torch.ones(1, 1, 1)), all_records=(record,))
    link = between(trace, 700, 7, "decoder").links[2]
    row = (query[2, 700] @ key[2, :701].T * 0.4).softmax(-1)
    assert link.weight == pytest.approx(float(row[7]), rel=1e-4)
    assert link.even == pytest.approx(1 / 701)


def test_places_outside_the_text_are_refused() -> None:
    trace = attention.trace(held("gpt2", "decoder"), ids(N))
    with pytest.raises(InputError, match="query token 13; layer 0 has 0 to 12"):
        between(trace, N, 0)
    with pytest.raises(InputError, match="key token -1"):
        between(trace, 0, -1)


def test_cross_attention_of_t5() -> None:
    trace = attention.trace(translator(), ids(N), ids(7, seed=4))
    found = between(trace, 6, 11, "cross")
    assert len(found.links) == 15
    assert all(link.size is not None and math.isfinite(link.size) for link in found.links)


def test_the_storytellers_it_looks_at_the_cat() -> None:
    trace = attention.trace("storyteller", "The cat sat on the mat because it was tired.")
    words = [token.text for token in trace.tokens]
    first = between(trace, words.index("it"), words.index("cat")).by("weight")[0]
    assert first.weight > 0.3


def test_without_sizes_the_weights_are_the_same_and_it_says_why() -> None:
    trace = attention.trace(held("gpt2", "decoder"), ids(N))
    whole, bare = between(trace, 9, 4), between(trace, 9, 4, sized=False)
    assert [replace(link, size=None) for link in whole.links] == list(bare.links)
    assert bare.by("size") == ()
    assert set(bare.why.values()) == {"it was not asked for"}
