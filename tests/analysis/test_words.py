"""Tokens merged into words, and weights with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import attention
from attention.analysis import blocks
from attention.analysis.words import group, merged
from attention.errors import InputError
from attention.record import HeadView, Token, Trace
from attention.tokens import encode
from attention.tokens.split import SplitText
from tests import small_models
from tests.analysis.planted import noise

TEXT = "singing and walked, wasn't 3.5 don't"
WORDS = ["singing", "and", "walked", ",", "wasn't", "3.5", "don't"]


@pytest.fixture(scope="module")
def twin_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small_models")
    for family in ("bert", "gpt2", "roberta", "t5"):
        small_models.save(family, root / family)
    return root


def read(tokens: tuple[Token, ...]) -> list[str]:
    return [word.text for word in group(tokens) if not word.special and word.text.strip()]


@pytest.mark.parametrize("family", ["bert", "gpt2", "roberta", "t5"])
def test_subwords_become_the_words_of_the_text(family: str) -> None:
    encoded = encode(small_models.tokenizer(family), TEXT)
    assert len(encoded.tokens) > len(WORDS)
    assert read(encoded.tokens) == WORDS


@pytest.mark.parametrize("family", ["gpt2", "roberta", "t5"])
def test_without_places_in_a_text_the_marks_tell(family: str) -> None:
    encoded = encode(small_models.tokenizer(family), TEXT)
    assert read(tuple(replace(token, span=None) for token in encoded.tokens)) == WORDS


def test_wordpiece_marks_tell_what_goes_on() -> None:
    pieces = [("", "walk"), ("##", "ed"), ("", "walk"), ("", ".")]
    made = tuple(Token(piece=mark + text, text=text, mark=mark) for mark, text in pieces)
    assert read(made) == ["walked", "walk", "."]


def test_plain_words_stay_as_they_are() -> None:
    assert read(Trace.from_tensors(weights=noise(1, False, 3), tokens=["a", "b", "c"]).tokens) == ["a", "b", "c"]


@pytest.mark.parametrize("family", ["gpt2", "t5"])
def test_text_without_spaces(family: str) -> None:
    """Each Chinese or Japanese character is a word; of Thai each token, whose bytes are put together, stays."""
    encoded = encode(small_models.tokenizer(family), "猫が座る ภาษา")
    assert read(encoded.tokens) == ["猫", "が", "座", "る", "ภ", "า", "ษ", "า"]
    assert len(encoded.tokens) > 8


def test_a_token_of_several_characters_stays_whole() -> None:
    made = tuple(Token(piece=t, text=t, span=span) for t, span in [("東京", (0, 2)), ("に", (2, 3)), ("ภาษา", (3, 7))])
    assert read(made) == ["東京", "に", "ภาษา"]


def test_special_tokens_and_two_texts_stay_apart() -> None:
    encoded = encode(small_models.tokenizer("bert"), "walked", "walked")
    words = group(encoded.tokens)
    assert [(word.text, word.special) for word in words] == [
        ("[CLS]", True), ("walked", False), ("[SEP]", True), ("walked", False), ("[SEP]", True),
    ]  # fmt: skip
    assert [word.start for word in words] == [0, *(word.stop for word in words[:-1])]


def test_places_in_two_texts_are_not_mixed_up() -> None:
    first, second = Token(piece="walk", text="walk", span=(0, 4)), Token(piece="ed", text="ed", span=(4, 6), segment=1)
    assert read((first, second)) == ["walk", "ed"]
    assert read((first, replace(second, segment=0))) == ["walked"]


def test_an_emoji_of_many_bytes_is_one_word() -> None:
    tokens = encode(small_models.tokenizer("gpt2"), "a 🐈 b").tokens
    assert read(tokens) == ["a", "🐈", "b"]


def by_hand(view: HeadView) -> np.ndarray:
    queries, keys = group(view.query_tokens), group(view.key_tokens)
    return np.array([
        [
            np.mean([sum(view.weights[i, j] for j in range(b.start, b.stop)) for i in range(a.start, a.stop)])
            for b in keys
        ]
        for a in queries
    ])  # fmt: skip


@pytest.mark.parametrize("head", [(1, 0), (3, 2)])
def test_queries_are_averaged_and_keys_summed(head: tuple[int, int]) -> None:
    view = attention.trace("storyteller", "Mr. Quibbleton wasn't a tailor. Everyone loved Mr. Quibbleton.").head(*head)
    found = merged(view)
    assert [word.text for word in found.queries][:5] == ["<s>", "Mr", ".", "Quibbleton", "wasn't"]
    np.testing.assert_allclose(found.weights, by_hand(view), atol=1e-6)
    np.testing.assert_allclose(found.weights.sum(1), 1, atol=1e-5)


def test_cross_attention_has_words_of_two_texts() -> None:
    view = attention.trace("dates", "the 3rd of May, 1998").head(0, 1, "cross")
    found = merged(view)
    assert len(found.queries) != len(found.keys)
    np.testing.assert_allclose(found.weights.sum(1), 1, atol=1e-5)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    view = attention.trace("storyteller", "Mr. Quibbleton wasn't a tailor.").head(2, 1)
    whole = merged(view).weights
    monkeypatch.setattr(blocks, "row_blocks", lambda n, k: iter([(0, 4), (4, 5), (5, n)]))
    np.testing.assert_allclose(merged(view).weights, whole, atol=1e-7)


PIECES = st.sampled_from([("", "walk"), ("##", "ed"), ("##", "ing"), ("", ","), ("", "the"), ("", "猫")])


@given(pieces=st.lists(PIECES, min_size=1, max_size=13), seed=st.integers(0, 99))
def test_every_token_is_in_one_word_and_rows_keep_their_sum(pieces: list[tuple[str, str]], seed: int) -> None:
    tokens = tuple(Token(piece=mark + text, text=text, mark=mark) for mark, text in pieces)
    trace = replace(Trace.from_tensors(weights=noise(1, False, len(tokens), seed)), tokens=tokens)
    words = group(tokens)
    assert [place for word in words for place in range(word.start, word.stop)] == list(range(len(tokens)))
    np.testing.assert_allclose(merged(trace.head(0, 0)).weights.sum(1), 1, atol=1e-5)


def test_an_identity_stays_one() -> None:
    tokens = tuple(Token(piece=t, text=t.strip("#"), mark="##" if t[0] == "#" else "") for t in ("walk", "##ed", "so"))
    trace = replace(Trace.from_tensors(weights=torch.eye(3)[None]), tokens=tokens)
    np.testing.assert_allclose(merged(trace.head(0, 0)).weights, np.eye(2))


SPLIT = ["New York", "isn't", "unhappily", "3.5", "far"]


@pytest.mark.parametrize("family", ["bert", "gpt2", "roberta", "t5"])
def test_words_that_a_text_came_in_are_kept_and_weights_merged_by_them(family: str, twin_root: Path) -> None:
    trace = attention.trace(twin_root / family, SPLIT, *(["a"] if family == "t5" else []))
    head = trace.head(1, 2, "encoder" if family == "t5" else None)
    numbers = [token.word for token in head.query_tokens]
    assert [number for number in numbers if number is not None] == sorted(filter(lambda n: n is not None, numbers))
    assert set(numbers) - {None} == set(range(len(SPLIT)))
    assert [None if token.special else 0 for token in head.query_tokens] == [n and 0 for n in numbers]
    found = attention.words(head)
    shown = [word.text for word in found.queries if not word.special]
    assert shown == [word.lower() if family == "bert" else word for word in SPLIT]
    # By hand: a special token is a word by itself.
    keyed = [f"special {place}" if number is None else number for place, number in enumerate(numbers)]
    order = list(dict.fromkeys(keyed))
    for row, query in enumerate(order):
        asking = [place for place, one in enumerate(keyed) if one == query]
        for column, key in enumerate(order):
            asked = [place for place, one in enumerate(keyed) if one == key]
            by_hand = sum(float(head.weights[q, k]) for q in asking for k in asked) / len(asking)
            assert found.weights[row, column] == pytest.approx(by_hand, abs=1e-6)


def test_the_words_of_the_tokens_are_those_that_the_tokenizer_itself_tells() -> None:
    tokenizer = small_models.tokenizer("bert")
    own = tokenizer(SPLIT, is_split_into_words=True)
    text = SplitText(tuple(SPLIT))
    encoded = encode(tokenizer, text.text)
    assert list(encoded.ids) == own["input_ids"]
    assert [token.word for token in text.number(encoded.tokens)] == own.word_ids()


def test_a_second_text_can_come_in_words_too_and_both_outlive_a_file(twin_root: Path, tmp_path: Path) -> None:
    trace = attention.trace(twin_root / "bert", ["ice cream", "melts"], ["in the", "sun"])
    back = attention.load(attention.save(trace, tmp_path / "trace.npz"))
    for one in (trace, back):
        words = [word.text for word in attention.words(one.head(0, 0)).keys if not word.special]
        assert words == ["ice cream", "melts", "in the", "sun"]


def test_a_text_in_words_has_the_numbers_of_the_text(twin_root: Path) -> None:
    split, whole = (attention.trace(twin_root / "gpt2", text) for text in (SPLIT, " ".join(SPLIT)))
    assert np.array_equal(split.head(1, 1).weights, whole.head(1, 1).weights)
    assert all(token.word is None for token in whole.tokens)


def test_words_that_are_none_and_what_is_no_head_are_refused(twin_root: Path) -> None:
    with pytest.raises(InputError, match="Word 1 of the text is empty"):
        attention.trace(twin_root / "gpt2", ["a", " ", "b"])
    with pytest.raises(InputError, match="words takes one head"):
        attention.words(attention.trace("local", "a b"))  # type: ignore[arg-type]
