"""Heads by pattern: made heads, decoys, one among 144, and a second implementation in plain loops."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

import attention
from attention.analysis import tally
from attention.analysis.patterns import NAMES, PATTERNS, name_of, pattern_of, rank, score_trace, score_traces
from attention.errors import InputError
from attention.record import AttentionRecord, Mask, Token, Trace
from tests.analysis.planted import IN_DECODERS, IN_ENCODERS, REACH, WORDS, head, noise, tokens, trace, wanted

N = len(WORDS)
CASES = [(name, True) for name in IN_DECODERS] + [(name, False) for name in IN_ENCODERS]
IDS = [f"{name}, {'decoder' if causal else 'encoder'}" for name, causal in CASES]


def by_hand(weights: np.ndarray, name: str, causal: bool) -> tuple[float, float, int]:
    """Score, base and number of queries of one head, one number at a time."""
    scores, bases = [], []
    places, even_places = dict.fromkeys(range(-REACH, REACH + 1), 0.0), dict.fromkeys(range(-REACH, REACH + 1), 0.0)
    for i in range(N):
        seen = i + 1 if causal else N
        keys = wanted(name, i, causal)
        if seen < 3 or not keys or len(keys) == seen:
            continue
        scores.append(sum(float(weights[i, j]) for j in keys))
        bases.append(len(keys) / seen)
        if name == "local window":
            for j in keys:
                places[j - i] += float(weights[i, j])
                even_places[j - i] += 1 / seen
    if not scores:
        return math.nan, math.nan, 0
    score, base = sum(scores) / len(scores), sum(bases) / len(bases)
    if name == "local window":
        score, base = score * evenness(places, causal), base * evenness(even_places, causal)
    return score, base, len(scores)


def evenness(places: dict[int, float], causal: bool) -> float:
    total = sum(places.values())
    entropy = -sum(one / total * math.log(one / total) for one in places.values() if one > 0)
    return entropy / math.log(REACH + 1 if causal else 2 * REACH + 1)


@pytest.mark.parametrize(("name", "causal"), CASES, ids=IDS)
def test_scores_against_plain_loops(name: str, causal: bool) -> None:
    weights = torch.cat([noise(3, causal), head(name, causal)[None]])
    found = score_trace(trace(weights, causal))[name]
    for index in range(4):
        score, base, rows = by_hand(weights[index].numpy(), name, causal)
        assert found.score[0, index] == pytest.approx(score, abs=1e-6)
        assert found.base[0, index] == pytest.approx(base, abs=1e-6)
        assert found.rows[0, index] == rows > 0
        assert found.way[0, index] == pytest.approx((score - base) / (1 - base), abs=1e-5)


@pytest.mark.parametrize("block", [N, 5 * N])
def test_scores_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    made = trace(noise(3, True), True)
    whole = score_trace(made)
    monkeypatch.setattr(tally, "WANTED_BLOCK", block)
    parts = score_trace(made)
    for name in NAMES:
        if whole[name] is not None:
            np.testing.assert_allclose(whole[name].score, parts[name].score, atol=1e-6)
            np.testing.assert_allclose(whole[name].base, parts[name].base, atol=1e-6)


@pytest.mark.parametrize(("name", "causal"), [*CASES, ("uniform", True), ("uniform", False)])
def test_a_made_head_is_named_and_nothing_is_lost(name: str, causal: bool) -> None:
    scores = score_trace(trace(head(name, causal)[None], causal))
    assert scores[name].score[0, 0] == pytest.approx(1, abs=0.01)
    assert scores[name].way[0, 0] == pytest.approx(1, abs=0.01)
    assert name_of(scores, 0, 0) == name


@pytest.mark.parametrize(("name", "causal"), [*CASES, ("uniform", True), ("uniform", False)])
def test_one_planted_head_among_144_comes_first(name: str, causal: bool) -> None:
    weights = noise(144, causal, sharp=2.0).view(12, 12, N, N)
    weights[7, 5] = head(name, causal, leak=0.2)
    scores = score_trace(trace(weights, causal))
    first, second = rank(scores, name)[:2]
    assert (first.layer, first.head) == (7, 5)
    assert first.way > second.way + 0.1
    assert name_of(scores, 7, 5) == name


@pytest.mark.parametrize("n", [5, N])
def test_a_flat_causal_head_is_no_head_for_the_first_token(n: int) -> None:
    even = torch.ones(n, n).tril() / torch.arange(1, n + 1)[:, None]
    scores = score_trace(trace(even[None], True, WORDS[:n]))
    found = scores["first token"]
    assert found.score[0, 0] == pytest.approx(sum(1 / (i + 1) for i in range(2, n)) / (n - 2))
    assert found.score[0, 0] == pytest.approx(found.base[0, 0])
    for pattern in PATTERNS:
        if scores[pattern.name] is not None and pattern.name != "uniform":
            assert scores[pattern.name].way[0, 0] == pytest.approx(0, abs=1e-6), pattern.name
    assert name_of(scores, 0, 0) == "uniform"


DECOYS = [
    ("previous token", "local window"), ("self", "local window"), ("self", "duplicate token"),
    ("previous token", "induction"), ("duplicate token", "induction"), ("first token", "separator"),
    ("separator", "punctuation"), ("punctuation", "separator"), ("local window", "previous token"),
    ("first token", "uniform"),
]  # fmt: skip


@pytest.mark.parametrize(("decoy", "name"), DECOYS)
def test_a_decoy_comes_behind_the_real_one(decoy: str, name: str) -> None:
    scores = score_trace(trace(torch.stack([head(decoy, True), head(name, True, leak=0.3)]), True))
    assert rank(scores, name)[0].head == 1
    assert name_of(scores, 0, 0) == decoy


def test_a_previous_token_head_is_no_local_window_at_all() -> None:
    scores = score_trace(trace(head("previous token", True)[None], True))
    assert scores["local window"].score[0, 0] == pytest.approx(0, abs=1e-6)


@given(seed=st.integers(0, 10**6), causal=st.booleans(), sharp=st.floats(0, 30))
def test_scores_are_shares_and_follow_their_heads(seed: int, causal: bool, sharp: float) -> None:
    weights = noise(5, causal, seed=seed, sharp=sharp)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    one, other = score_trace(trace(weights, causal)), score_trace(trace(weights[order], causal))
    for name in NAMES:
        if one[name] is not None:
            assert ((one[name].score >= 0) & (one[name].score <= 1)).all()
            assert (one[name].way <= 1 + 1e-9).all()
            np.testing.assert_allclose(one[name].score[0, order], other[name].score[0], atol=1e-9)


def test_what_makes_no_sense_is_none_with_its_reason() -> None:
    decoder, encoder = score_trace(trace(noise(1, True), True)), score_trace(trace(noise(1, False), False))
    assert decoder["next token"] is None
    assert "may look ahead" in decoder.why["next token"]
    assert encoder["induction"] is None
    assert "read forwards" in encoder.why["induction"]
    assert decoder["copying"] is None
    assert "random sequences" in decoder.why["copying"]
    plain = score_trace(Trace.from_tensors(weights=noise(1, True, 7), causal=True))
    assert plain["duplicate token"] is None
    assert plain.why["duplicate token"] == "no token comes twice"
    assert rank(plain, "duplicate token") == ()
    for scores in (decoder, encoder, plain):
        assert {name for name in NAMES if scores[name] is None} == set(scores.why)


def test_cross_attention_has_no_places_in_common() -> None:
    weights = torch.rand(2, 5, 7).softmax(-1)
    made = Trace.from_tensors(weights=weights, tokens=list("a,b.cde"), pair_tokens=list("vwxyz"))
    scores = score_trace(made)
    assert scores.kind == "cross"
    assert {name for name in NAMES if scores[name] is not None} == {"first token", "punctuation", "uniform"}
    assert scores["punctuation"].rows[0, 0] == 5
    assert scores["punctuation"].score[0, 1] == pytest.approx(float(weights[1][:, [1, 3]].sum(-1).mean()), abs=1e-6)
    assert "two texts" in scores.why["previous token"]


def test_a_token_said_twice_in_a_row_does_not_match_itself() -> None:
    scores = score_trace(trace(noise(1, True, 5), True, ("a", "b", "b", "c", "b")))
    assert scores["induction"].rows[0, 0] == 1  # the last one; the second "b" has only itself behind the first
    assert scores["induction"].base[0, 0] == pytest.approx(2 / 5)


def test_of_two_names_that_fit_the_rarer_is_given() -> None:
    """In "a b a b …" the token before is also one that followed the last time, and of those there are many."""
    words = ("a", "b") * 8
    weights = head("previous token", True, words)
    for i in range(4, len(words)):
        weights[i, i - 1], weights[i, i - 3] = 0.98, 0.02
    scores = score_trace(trace(weights[None], True, words))
    assert scores["induction"].way[0, 0] > scores["previous token"].way[0, 0]
    assert name_of(scores, 0, 0) == "previous token"


def test_padding_neither_counts_nor_is_counted() -> None:
    n, real = 11, 7
    keys = torch.arange(n) < real
    record = AttentionRecord(layer=0, kind="encoder", query=torch.zeros(1, n, 3), key=torch.zeros(1, n, 3),
                             mask=Mask(keys=keys))  # fmt: skip
    made = Trace.from_tensors(weights=torch.full((1, n, n), 1 / n))
    scores = score_trace(replace(made, all_records=(record,)))
    assert scores["self"].rows[0, 0] == real
    assert scores["self"].score[0, 0] == pytest.approx(1 / real)
    assert scores["self"].way[0, 0] == pytest.approx(0, abs=1e-6)
    assert scores["first token"].rows[0, 0] == real  # a padding query has keys, but is nobody's question


def test_a_sliding_window_leaves_out_queries_that_do_not_see_the_first_token() -> None:
    n = 13
    record = AttentionRecord(layer=0, kind="decoder", query=torch.zeros(1, n, 3), key=torch.zeros(1, n, 3),
                             mask=Mask(after=0, before=4))  # fmt: skip
    made = replace(Trace.from_tensors(weights=noise(1, True, n), causal=True), all_records=(record,))
    found = score_trace(made)["first token"]
    assert found.rows[0, 0] == 3  # queries 2, 3 and 4
    assert found.way[0, 0] == pytest.approx(0, abs=1e-6)


def test_masks_that_differ_by_head_have_bases_of_their_own() -> None:
    n = 7
    array = torch.ones(2, n, n).tril().bool()
    array[1] &= ~torch.ones(n, n).tril(-4).bool()
    record = AttentionRecord(layer=0, kind="decoder", query=torch.zeros(2, n, 3), key=torch.zeros(2, n, 3),
                             mask=Mask(array=array))  # fmt: skip
    made = replace(Trace.from_tensors(weights=noise(2, True, n), causal=True), all_records=(record,))
    found = score_trace(made)["self"]
    assert found.base[0, 1] > found.base[0, 0]
    np.testing.assert_allclose(found.way, 0, atol=1e-6)


def test_a_learned_sinks_share_is_weight_on_nothing() -> None:
    even = torch.ones(N, N).tril() / torch.arange(1, N + 1)[:, None]
    scores = score_trace(trace(torch.stack([even, even / 10]), True))
    assert scores["uniform"].score[0, 1] == pytest.approx(0.1, abs=1e-4)
    assert name_of(scores, 0, 1) == "mixed"


def test_several_texts_are_one_long_one_to_the_mean() -> None:
    one, two = trace(noise(2, True), True), trace(noise(2, True, seed=8), True)
    both = score_traces([one, two], on="two texts")
    parts = [score_trace(each)["self"] for each in (one, two)]
    np.testing.assert_allclose(both["self"].score, np.mean([part.score for part in parts], axis=0), atol=1e-9)
    assert both["self"].rows[0, 0] == 2 * parts[0].rows[0, 0]
    assert both.on == "two texts"
    assert score_trace(one).on == "this text"


def test_layers_with_fewer_heads_have_nothing_there() -> None:
    wide, narrow = trace(noise(3, True), True).record(0), trace(noise(2, True), True).record(0)
    made = replace(trace(noise(3, True), True), all_records=(wide, replace(narrow, layer=4)))
    scores = score_trace(made)
    assert scores.layers == (0, 4)
    assert np.isnan(scores["self"].score[1, 2])
    assert len(rank(scores, "self")) == 5
    assert name_of(scores, 4, 1) == "mixed"


def test_wrong_questions_are_answered_with_the_names() -> None:
    scores = score_trace(trace(noise(1, True), True))
    with pytest.raises(InputError, match="previous token, next token"):
        rank(scores, "sideways")
    with pytest.raises(InputError, match="these were: 0"):
        name_of(scores, 3, 0)
    with pytest.raises(InputError, match="at least one"):
        score_traces([], on="nothing")


def test_every_pattern_says_what_it_counts_and_whose_it_is() -> None:
    for pattern in PATTERNS:
        assert pattern.says.endswith(".")
        assert pattern.source
        assert pattern_of(pattern.name) is pattern


def test_a_mark_of_a_space_or_a_capital_makes_no_other_word() -> None:
    words = [Token(piece="Cat", text="Cat"), Token(piece="x", text="x"), Token(piece="y", text="y"),
             Token(piece="Ġcat", text="cat", mark="·")]  # fmt: skip
    made = replace(Trace.from_tensors(weights=noise(1, True, 4), causal=True), tokens=tuple(words))
    assert score_trace(made)["duplicate token"].rows[0, 0] == 1


class Largest(TorchDispatchMode):
    """Notes the largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(one, torch.Tensor) and not one._is_view():
                self.numbers = max(self.numbers, one.numel())
        return made


def test_a_long_text_is_scored_in_blocks() -> None:
    n, heads, width = 1024, 5, 7
    query, key = torch.randn(2, 2, heads, n, width, generator=torch.Generator().manual_seed(2))
    made = Trace.from_tensors(query=query, key=key, causal=True)
    with Largest() as largest:
        scores = score_trace(made)
    assert 0 < largest.numbers < n * n  # not one whole map of one head
    assert scores["uniform"].rows[1, 4] == n - 2


def test_the_storytellers_heads_are_found() -> None:
    scores = score_trace(attention.trace("storyteller", "Mr. Quibbleton was a tailor. Everyone loved Mr. Quibbleton."))
    assert {(hit.layer, hit.head) for hit in rank(scores, "previous token")[:2]} == {(0, 0), (1, 0)}
    assert {(hit.layer, hit.head) for hit in rank(scores, "induction")[:3]} == {(2, 0), (3, 0), (3, 2)}
    assert rank(scores, "induction")[3].way < 0.3
    assert name_of(scores, 1, 0) == "previous token"
    assert name_of(scores, 3, 2) == "induction"


def test_cross_attention_of_a_real_model() -> None:
    made = attention.trace("dates", "the 3rd of May, 1998")
    scores = score_trace(made, "cross")
    assert scores["previous token"] is None
    view = made.head(1, 2, "cross")
    commas = [i for i, token in enumerate(made.tokens) if token.text == ","]
    assert scores["punctuation"].score[1, 2] == pytest.approx(view.weights[:, commas].sum(1).mean(), abs=1e-5)
    assert score_trace(made, "encoder")["next token"] is not None


def test_tokens_of_the_made_text_are_what_they_should_be() -> None:
    assert sum(token.special for token in tokens()) == 3
