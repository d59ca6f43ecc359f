"""Heads by how far their weights moved, against the same in plain numpy over whole maps."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import attention
from attention import Trace
from attention.analysis import blocks, changed
from attention.analysis.alignment import align_tokens
from attention.errors import InputError

CAT, DOG = "The cat sat on the mat because it was tired.", "The big dog sat on the mat because it was sad."
H, N, D = 11, 13, 5  # heads, tokens, width


def by_hand(first: Trace, second: Trace, layer: int, head: int) -> float:
    """Mean over aligned rows of ½ Σ |p − q|, with one bin for all that has no partner."""
    a, b = (run.head(layer, head).weights.astype(np.float64) for run in (first, second))
    pairs = align_tokens(first.tokens, second.tokens).pairs
    distances = []
    for i, j in pairs:
        p, q = np.array([a[i, k] for k, _ in pairs]), np.array([b[j, k] for _, k in pairs])
        distances.append((np.abs(p - q).sum() + abs(q.sum() - p.sum())) / 2)
    return float(np.mean(distances))


def made(seed: int, words: list[str], **more: Any) -> Trace:
    made_by = torch.Generator().manual_seed(seed)
    n = len(words)
    query, key, value = (torch.randn(H, n, D, generator=made_by) for _ in range(3))
    return Trace.from_tensors(query=query, key=key, value=value, causal=True, tokens=words, **more)


@pytest.fixture(scope="module")
def runs() -> tuple[Trace, Trace]:
    return attention.trace("storyteller", CAT), attention.trace("storyteller", DOG)


def test_every_head_is_as_far_as_its_maps_say_and_they_fall(runs: tuple[Trace, Trace]) -> None:
    found = changed.changed(*runs)
    assert {(one.layer, one.head) for one in found} == {(layer, head) for layer in range(4) for head in range(6)}
    for one in found:
        assert one.distance == pytest.approx(by_hand(*runs, one.layer, one.head), abs=1e-6)
        assert 0 <= one.distance <= 1
    assert [one.distance for one in found] == sorted((one.distance for one in found), reverse=True)
    assert found[0].distance > 0.05


def test_a_run_beside_itself_has_not_moved_at_all(runs: tuple[Trace, Trace]) -> None:
    assert all(one.total == 0 for one in changed.changed(runs[0], runs[0]))


def test_it_is_symmetric(runs: tuple[Trace, Trace]) -> None:
    there = {(one.layer, one.head): one.distance for one in changed.changed(*runs)}
    back = {(one.layer, one.head): one.distance for one in changed.changed(*reversed(runs))}
    assert there == pytest.approx(back, abs=1e-12)


@given(st.integers(0, 40), st.lists(st.sampled_from("abcd"), min_size=1, max_size=N), st.integers(1, 60))
def test_blocks_of_rows_give_what_whole_maps_give(seed: int, words: list[str], most: int) -> None:
    first, second = made(seed, list("abcdabcdabcda")), made(seed + 1, words)
    if not align_tokens(first.tokens, second.tokens).pairs:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changed, "BLOCK", most * changed.TOGETHER)
        found = changed.changed(first, second)
    for one in found:
        assert one.distance == pytest.approx(by_hand(first, second, 0, one.head), abs=1e-6)


def test_no_more_rows_are_made_at_once_than_a_block_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = blocks.step_of_heads

    def seen(*given: Any) -> Any:
        sizes.append(len(given[2]) * (given[4] - given[3]))
        return real(*given)

    monkeypatch.setattr(changed, "step_of_heads", seen)
    monkeypatch.setattr(changed, "BLOCK", 3 * changed.TOGETHER * N)
    changed.changed(made(1, list("abcdabcdabcda")), made(2, list("abcdabcdabcda")))
    assert max(sizes) <= 3 * changed.TOGETHER
    assert sum(sizes) == 2 * H * N


def test_what_a_sink_takes_is_part_of_the_bin_for_all_else() -> None:
    words = list("abc")
    plain = made(3, words)
    sunk = made(3, words, sink=torch.full((H,), 40.0))
    found = changed.changed(plain, sunk)
    # All weight goes to the sink, none to what the plain head looks at.
    assert [one.distance for one in found] == pytest.approx([1.0] * H, abs=1e-6)


def test_heads_of_another_shape_and_texts_without_a_common_token_are_refused() -> None:
    first = made(1, list("abc"))
    other = Trace.from_tensors(weights=torch.full((2, 3, 3), 1 / 3), tokens=list("abc"))
    with pytest.raises(InputError, match=r"A has 1 layer of 11 heads, B 1 layer of 2 heads"):
        changed.changed(first, other)
    with pytest.raises(InputError, match="No token of one text has a partner"):
        changed.changed(first, made(2, list("xy")))


def test_several_pairs_are_a_ratio_of_sums_in_which_each_row_counts_once() -> None:
    short = [changed.Changed(layer=0, head=0, total=1.0, rows=1)]
    long = [changed.Changed(layer=0, head=0, total=0.0, rows=9)]
    (both,) = changed.together([short, long])
    assert both.distance == 0.1
    assert both.rows == 10
    with pytest.raises(InputError, match="not the same heads"):
        changed.together([short, [changed.Changed(layer=0, head=1, total=0.0, rows=9)]])
