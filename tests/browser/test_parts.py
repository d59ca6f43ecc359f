import pytest

import attention
from attention.browser import codec, store
from attention.browser.parts import default_query
from attention.record import Token, Trace
from attention.view import View


def tokens(*texts: str, **own: dict[str, object]) -> tuple[Token, ...]:
    return tuple(Token(piece=text, text=text, **own.get(text, {})) for text in texts)  # type: ignore[arg-type]


def count(trace: Trace, limit: int) -> dict[str, int]:
    look = store.look(trace.head(0, 0), View(), 0, seen=0, limit=limit, undo=False)
    found: dict[str, int] = codec.parse(look)["count"]
    return found


def test_the_last_word_is_pinned_and_no_sign_after_it():
    assert default_query(tokens("a", "word", ".")) == 1
    assert default_query(tokens("it", "is", "it", "so"), "it") == 2
    assert default_query(tokens("—", "…")) == 1


def test_special_tokens_are_no_words():
    assert default_query(tokens("word", "SEP", SEP={"special": True})) == 0


def test_a_blank_that_was_typed_is_pinned_before_any_word():
    blank = {"special": True, "span": (0, 3)}
    assert default_query(tokens("CLS", "a", "MASK", "word", CLS={"special": True}, MASK=blank)) == 2
    assert default_query(tokens("a", "MASK", "word", MASK=blank), "a") == 0


def test_the_bytes_of_a_character_are_no_words():
    assert default_query(tokens("word", "⟨80⟩", "⟨A9⟩")) == 0
    inside = {"part": (1, 2)}
    assert default_query(tokens("字", "80", **{"字": {"part": (0, 2)}, "80": inside})) == 0
    assert default_query(tokens("⟨80⟩", "⟨A9⟩")) == 1, "nothing else is there"


@pytest.mark.parametrize(("limit", "most"), [(100, 100), (512, 256)])
def test_the_count_names_the_smaller_of_the_hosts_limit_and_the_models(limit: int, most: int):
    trace = attention.trace("storyteller", "one two")
    assert count(trace, limit) == {"tokens": 3, "pair": 0, "limit": most}


def test_a_model_without_an_end_has_the_hosts_limit():
    assert count(attention.trace("local", "one two"), 512)["limit"] == 512
