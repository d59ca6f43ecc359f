"""Two texts laid side by side: every token once, in order, and paired where both have one."""

import time

from hypothesis import given
from hypothesis import strategies as st

from attention.analysis.alignment import align, align_tokens
from attention.record import Token

WORDS = st.lists(st.sampled_from("abcde"), max_size=30)


def drawn(first: str, second: str) -> str:
    """The steps as a person would write them: = same, ~ replaced, - in the first alone, + in the second alone."""
    steps = align(first.split(), second.split()).steps
    return "".join("=" if s.same else "-" if s.second is None else "+" if s.first is None else "~" for s in steps)


def test_by_hand() -> None:
    assert drawn("the cat sat", "the cat sat") == "==="
    assert drawn("the cat sat", "the dog sat") == "=~="
    assert drawn("the cat sat", "the big cat sat") == "=+=="
    assert drawn("the big cat sat", "the cat sat") == "=-=="
    assert drawn("the cat sat", "the big dog sat") == "=-++="
    assert drawn("a b", "c d") == "~~"
    assert drawn("", "a b") == "++"
    assert drawn("", "") == ""


@given(WORDS, WORDS)
def test_each_token_stands_once_in_order_and_same_means_equal(first: list[str], second: list[str]) -> None:
    found = align(first, second)
    assert [s.first for s in found.steps if s.first is not None] == list(range(len(first)))
    assert [s.second for s in found.steps if s.second is not None] == list(range(len(second)))
    assert all(s.first is not None or s.second is not None for s in found.steps)
    for step in found.steps:
        if step.first is not None and step.second is not None:
            assert step.same == (first[step.first] == second[step.second])
        else:
            assert not step.same
    assert list(found.pairs) == sorted(found.pairs)
    assert len(found.pairs) <= min(len(first), len(second))
    assert max(len(first), len(second)) <= len(found.steps) <= len(first) + len(second)


@given(WORDS)
def test_a_text_beside_itself_is_the_same_all_along(words: list[str]) -> None:
    found = align(words, list(words))
    assert found.n_same == len(found.steps)
    assert found.pairs == tuple((i, i) for i in range(len(words)))


# Of words that come twice the longest stretch is aligned, which is not always the most words.
@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=5),
    st.integers(0, 30),
)
def test_what_is_put_in_between_is_all_that_has_no_partner(words: list[str], more: list[str], place: int) -> None:
    at = min(place, len(words))
    found = align(words, [*words[:at], *more, *words[at:]])
    assert found.n_same == len(words)
    assert [s.second for s in found.steps if s.first is None] == list(range(at, at + len(more)))


def test_tokens_are_the_same_where_they_read_alike_and_begin_a_word_alike() -> None:
    def token(text: str, mark: str = "", **more: object) -> Token:
        return Token(piece=mark + text, text=text, mark=mark, **more)  # type: ignore[arg-type]

    first = (token("a", id=1), token("cat", "·", id=2), token("s", id=3))
    second = (token("a", id=9), token("cat", id=2), token("s", special=True, id=3))
    assert [step.same for step in align_tokens(first, second).steps] == [True, False, False]


def test_a_hostile_text_of_the_longest_length_takes_seconds_at_most() -> None:
    begin = time.perf_counter()
    align([0, 1] * 256, [0, 0, 1] * 170)
    align([0, 1] * 1024, [0, 0, 1] * 700)
    assert time.perf_counter() - begin < 30
