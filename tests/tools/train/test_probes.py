"""The scores, on attention patterns made by hand: 1 where a head does the thing, and little where it does another."""

import pytest
import torch
from torch import Tensor

from tools.train import probes
from tools.train.figures_of_storyteller import names_of_heads
from tools.train.targets import KINDS, Lexicon, target

WORDS = ["<s>", " the", " cat", " saw", "The", ".", " Zarb", " dog"]


def tables() -> Lexicon:
    def marks(*numbers: int) -> Tensor:
        return torch.tensor([number in numbers for number in range(len(WORDS))])

    return Lexicon(
        same=torch.tensor([0, 1, 2, 3, 1, 5, 6, 7]),
        determiner=marks(1, 4),
        capital=marks(6),
        word=marks(1, 2, 3, 6, 7),
        stop=marks(5),
        punctuation=marks(5),
        small=marks(1, 4),
        big=marks(2, 3, 6, 7),
    )


def heads(*patterns: Tensor) -> Tensor:
    """(1, 1, heads, n, n) out of one (n, n) a head."""
    return torch.stack(patterns)[None, None]


def shifted(n: int, by: int) -> Tensor:
    """A head that looks `by` places back, and at the first token where there is none."""
    keys = (torch.arange(n) - by).clamp(min=0)
    return torch.eye(n)[keys]


def even(n: int) -> Tensor:
    return torch.tril(torch.ones(n, n)) / torch.arange(1, n + 1)[:, None]


def test_a_previous_token_head_scores_one_and_an_even_one_little():
    ids = torch.arange(7)[None]
    scores = probes.kind_scores(heads(shifted(7, 1), shifted(7, 2), even(7)), ids, "previous", tables())
    assert scores[0, :2].tolist() == [1.0, 0.0]
    assert scores[0, 2].item() == pytest.approx(sum(1 / n for n in range(3, 8)) / 5)


def test_prefix_matching_asks_for_the_token_after_the_earlier_occurrence():
    period, begin = 5, 1
    length = begin + 2 * period
    right, wrong = shifted(length, period - 1), shifted(length, period)
    scores = probes.twice_scores(heads(right, wrong), period, begin)
    assert scores.tolist() == [[1.0, 0.0]]


def test_the_second_saying_is_right_where_the_same_token_follows():
    ids = torch.tensor([[0, 3, 5, 7, 3, 5, 7]])
    logits = torch.zeros(1, 7, 11)
    logits[0, 4, 5] = logits[0, 5, 2] = 1  # after the second 3 comes 5, rightly; after 5 it says 2, not 7
    assert probes.twice_right(logits, ids, period=3, begin=1).tolist() == [[True, False]]


def test_spread_is_one_for_an_even_head_and_nothing_for_a_sharp_one():
    scores = probes.spread(heads(even(7), shifted(7, 1)))
    assert scores[0].tolist() == pytest.approx([1.0, 0.0], abs=1e-6)


def test_parked_heads_look_at_the_first_token():
    first = torch.zeros(7, 7)
    first[:, 0] = 1
    assert probes.parked(heads(first, shifted(7, 1))).tolist() == [[1.0, 0.0]]


def test_maps_of_each_kind_by_hand():
    ids = torch.tensor([[0, 4, 2, 3, 6, 5, 1, 2, 7]])  # <s>The cat saw Zarb. the cat dog
    row = torch.tensor([[7]])  # the second " cat"
    wanted = {kind: target(kind, ids, row, tables())[0, 0].nonzero()[:, 0].tolist() for kind in KINDS}
    assert wanted == {
        "previous": [6],
        "next": [],
        "two back": [5],
        "itself": [7],
        "first": [0],
        "same word": [2],
        "induction": [3],
        "things and names": [2, 4],
        "punctuation": [5],
        "nearby": [4, 5, 6, 7],
        "sentence start": [1, 6],
        "small words": [1, 6],
        "big words": [2, 3, 4],
    }


def test_an_encoder_may_look_ahead():
    ids = torch.tensor([[0, 2, 3, 2]])
    row = torch.tensor([[1]])
    assert target("same word", ids, row, tables(), causal=False)[0, 0].tolist() == [False, False, False, True]
    assert target("next", ids, row, tables(), causal=False)[0, 0].tolist() == [False, False, True, False]


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind is 'telepathy'; it must be one of previous, next"):
        target("telepathy", torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long), tables())


def test_heads_are_named_by_what_they_do_most_and_narrowly():
    ids = torch.tensor([[0, 4, 2, 3, 6, 5, 1, 2, 7]])
    first = torch.zeros(9, 9)
    first[:, 0] = 1
    weights = heads(shifted(9, 1), shifted(9, 2), torch.eye(9), first, even(9))
    scores = {kind: probes.kind_scores(weights, ids, kind, tables()) for kind in KINDS}
    named = names_of_heads({**scores, "even": probes.spread(weights)}, ids, tables())
    assert named == [["previous", "two back", "itself", "first", "even"]]
