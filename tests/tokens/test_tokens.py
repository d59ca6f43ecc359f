"""Tokens as people read them: marks, spans, shared characters, special and unknown pieces, hidden characters."""

import logging
import subprocess
import sys
import unicodedata
from itertools import pairwise

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from attention.errors import InputError
from attention.tokens import Token, beginning, encode, from_ids, label, visible, words
from attention.tokens.visible import cut
from tests import small_models

TEXT = "The cat 🙂 was singing déjà  日本\n½."
KINDS = {"wordpiece": "bert", "bytes": "gpt2", "bytes and ends": "roberta", "unigram": "t5"}
VISIBLE = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


def kind_of(kind: str):
    return small_models.tokenizer(KINDS[kind])


def rows(tokens: tuple[Token, ...]) -> list[tuple]:
    return [(token.mark, token.text, token.span) for token in tokens]


def llama_bpe() -> transformers.PreTrainedTokenizerFast:
    """Llama 2's way: BPE over "▁" with byte fallback and no pre-tokenizer."""
    names = [
        "<unk>",
        "<s>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "▁",
        "a",
        "t",
        "#",
        "##",
        "▁##",
        "▁a",
        "▁at",
        "###",
    ]
    merges = [("▁", "a"), ("▁a", "t"), ("#", "#"), ("▁", "##"), ("##", "#")]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="<unk>")


def cross_boundary_bpe() -> transformers.PreTrainedTokenizerFast:
    """Byte-level BPE with one merge across the border of two characters: the end of 日 with the start of 本."""
    alphabet = {character: number for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(alphabet | {"¥æ": 256}, [("¥", "æ")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_wordpiece_marks_and_specials():
    tokens = encode(kind_of("wordpiece"), "The cat is").tokens
    assert rows(tokens[1:3]) == [("", "the", (0, 3)), ("", "cat", (4, 7))]
    assert rows(tokens[3:5]) == [("", "i", (8, 9)), ("##", "s", (9, 10))]
    assert [token.special for token in tokens] == [True, False, False, False, False, True]
    assert [label(token) for token in tokens] == ["[CLS]", "the", "cat", "i", "##s", "[SEP]"]


def test_the_inside_of_a_word_carries_its_mark():
    tokens = encode(kind_of("wordpiece"), "Singing").tokens[1:-1]
    assert rows(tokens) == [("", "sing", (0, 4)), ("##", "ing", (4, 7))]


def test_an_unknown_piece_shows_what_it_stands_for_and_that_it_is_unknown():
    (unknown,) = (token for token in encode(kind_of("wordpiece"), TEXT).tokens if token.span == (8, 9))
    assert (unknown.piece, unknown.mark, unknown.text, unknown.special) == ("[UNK]", "[UNK]", "🙂", False)
    assert label(unknown) == "[UNK]🙂"
    (alone,) = from_ids(kind_of("wordpiece"), [unknown.id])
    assert (alone.text, label(alone), alone.special) == ("", "[UNK]", False)


@pytest.mark.parametrize("kind", ["bytes", "bytes and ends", "unigram"])
def test_a_leading_space_is_a_mark_and_not_text(kind: str):
    tokens = encode(kind_of(kind), "cats sat").tokens
    (second,) = (token for token in tokens if token.span and token.span[0] == 5)
    assert second.mark == "·"
    assert label(second).startswith("·s")
    assert second.text[0] == "s"


@pytest.mark.parametrize("kind", ["bytes", "bytes and ends", "unigram"])
def test_a_character_over_several_tokens_has_one_span_and_counted_parts(kind: str):
    shared = [token for token in encode(kind_of(kind), TEXT).tokens if token.span == (8, 9)]
    assert [token.text for token in shared] == ["🙂", "⟨9F⟩", "⟨99⟩", "⟨82⟩"]
    assert [token.part for token in shared] == [(0, 4), (1, 4), (2, 4), (3, 4)]


@pytest.mark.parametrize("kind", ["bytes", "bytes and ends", "unigram"])
def test_neighbouring_characters_are_not_one_group(kind: str):
    tokens = encode(kind_of(kind), TEXT).tokens
    for place, character in ((28, "日"), (29, "本")):
        shared = [token for token in tokens if token.span == (place, place + 1)]
        assert [token.part for token in shared] == [(0, 3), (1, 3), (2, 3)]
        assert shared[0].text == character


def test_tokens_that_cross_a_characters_border_share_both():
    tokens = encode(cross_boundary_bpe(), "x日本").tokens
    assert [token.piece for token in tokens] == ["x", "æ", "Ĺ", "¥æ", "ľ", "¬"]
    assert [token.span for token in tokens] == [(0, 1)] + [(1, 3)] * 5
    assert [token.text for token in tokens] == ["x", "日本", "⟨97⟩", "⟨A5 E6⟩", "⟨9C⟩", "⟨AC⟩"]
    assert [token.part for token in tokens] == [None] + [(k, 5) for k in range(5)]


def test_llama_style_byte_fallback_and_literal_hashes():
    tokens = encode(llama_bpe(), "at ## é###").tokens
    assert [(token.mark, token.text, token.span) for token in tokens] == [
        ("·", "at", (0, 2)),
        ("·", "##", (3, 5)),
        ("", " ", (5, 6)),
        ("", "é", (6, 7)),
        ("", "⟨A9⟩", (6, 7)),
        ("", "###", (7, 10)),
    ]


def test_one_character_that_a_normaliser_makes_many_is_shared():
    shared = [token for token in encode(kind_of("unigram"), "at ½.").tokens if token.span == (3, 4)]
    assert shared[0].text == "1"
    assert shared[-1].text == "2"
    assert [token.part for token in shared] == [(k, len(shared)) for k in range(len(shared))]
    assert len(shared) > 2


@pytest.mark.parametrize("kind", KINDS)
def test_spans_cover_every_character_that_is_not_a_space(kind: str):
    tokens = encode(kind_of(kind), TEXT).tokens
    covered = {place for token in tokens if token.span for place in range(*token.span)}
    assert covered >= {place for place, character in enumerate(TEXT) if not character.isspace()}


def test_spaces_alone_show_as_a_dot():
    blank = [token for token in encode(kind_of("bytes"), "a   b").tokens if token.text.isspace()]
    assert blank
    assert all(set(label(token)) == {"·"} and token.mark == "" for token in blank)


def test_a_newline_is_seen():
    assert "⏎" in [label(token) for token in encode(kind_of("bytes"), "a\nb").tokens]


@pytest.mark.parametrize("kind", KINDS)
@given(text=VISIBLE)
@settings(max_examples=40, deadline=None)
def test_any_text_gives_consistent_tokens(kind: str, text: str):
    encoded = encode(kind_of(kind), text)
    assert len(encoded.ids) == len(encoded.tokens)
    starts = [token.span[0] for token in encoded.tokens if token.span and not token.special]
    assert starts == sorted(starts)
    for token, number in zip(encoded.tokens, encoded.ids, strict=True):
        assert token.id == number
        assert token.span is None or 0 <= token.span[0] < token.span[1] <= len(text)
        assert not [each for each in label(token) if unicodedata.category(each) in ("Cc", "Cs", "Co", "Zl", "Zp")]


@given(text=VISIBLE)
@settings(max_examples=60, deadline=None)
def test_byte_level_tokens_read_back_as_the_text(text: str):
    tokens = encode(kind_of("bytes"), text).tokens
    firsts = [token for token in tokens if token.part is None or token.part[0] == 0]
    assert "".join(token.mark.replace("·", " ") + token.text for token in firsts if not token.special) == text.replace(
        "<|endoftext|>", ""
    )


@pytest.mark.parametrize("kind", KINDS)
def test_ids_alone_give_the_same_reading(kind: str):
    encoded = encode(kind_of(kind), "The cat 🙂 déjà")
    alone = from_ids(kind_of(kind), encoded.ids)
    known = [token for token in encoded.tokens if not token.mark.startswith("[")]
    assert [(each.mark, each.text, each.part) for each in alone if each.piece != "[UNK]"] == [
        (each.mark, each.text, each.part) for each in known
    ]
    assert all(token.span is None for token in alone)


def test_bytes_that_make_no_character_read_as_bytes():
    tokenizer = kind_of("bytes")
    lone = tokenizer.convert_tokens_to_ids(["Ł", "ð", "T"])
    assert [(token.text, token.part) for token in from_ids(tokenizer, lone)] == [
        ("⟨9F⟩", None),
        ("⟨F0⟩", None),
        ("T", None),
    ]


def test_ids_without_a_tokenizer_or_beyond_it_read_as_numbers():
    assert [label(token) for token in from_ids(None, [3, 99])] == ["#3", "#99"]
    (beyond,) = from_ids(kind_of("bytes"), [123456])
    assert (beyond.piece, beyond.id, beyond.special) == ("#123456", 123456, False)


@pytest.mark.parametrize("bad", [-1, 1.5, "3", True, None])
def test_what_is_no_id_is_refused(bad: object):
    with pytest.raises(InputError, match=r"is not a token id; ids are whole numbers of at least 0"):
        from_ids(kind_of("bytes"), [1, bad])


def test_a_pair_is_two_segments_with_spans_of_their_own():
    encoded = encode(kind_of("wordpiece"), "the cat", "cat sat")
    assert [token.segment for token in encoded.tokens] == [0, 0, 0, 0, 1, 1, 1]
    assert encoded.extra == {"token_type_ids": (0, 0, 0, 0, 1, 1, 1)}
    assert [token.span for token in encoded.tokens if token.text == "cat"] == [(4, 7), (0, 3)]


def test_a_model_without_segments_has_no_extra_input():
    assert encode(kind_of("bytes and ends"), "the cat", "sat").extra == {}


def test_a_control_token_typed_by_a_person_is_flagged():
    tokens = encode(kind_of("bytes"), "a<|endoftext|>b").tokens
    assert [(label(token), token.special, token.span) for token in tokens] == [
        ("a", False, (0, 1)),
        ("<|endoftext|>", True, (1, 14)),
        ("b", False, (14, 15)),
    ]


def test_a_long_text_is_neither_cut_nor_warned_of():
    backend = kind_of("bytes").backend_tokenizer
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=5)
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append
    logging.getLogger("transformers").addHandler(handler)
    try:
        tokens = encode(tokenizer, "a b c d e f g").tokens
        assert not heard
        tokenizer("a b c d e f g")
        assert "longer than" in heard[0].getMessage()
    finally:
        logging.getLogger("transformers").removeHandler(handler)
    assert len(tokens) > 5
    assert tokens[-1].span == (12, 13)


def test_a_token_added_later_is_written_as_it_is_and_not_in_bytes():
    tokenizer = small_models.byte_level()
    tokenizer.add_tokens(["né!"])
    (added,) = (token for token in encode(tokenizer, "a né! b").tokens if "!" in token.text)
    assert (added.text, added.span, added.special) == ("né!", (2, 5), False)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(InputError, match="Character 2 of the text is half of a surrogate pair"):
        encode(kind_of("bytes"), "ab\ud83d")


def test_a_text_that_is_no_string_is_refused():
    with pytest.raises(InputError, match="of type bytes; give a string"):
        encode(kind_of("bytes"), b"ab")


def test_a_slow_tokenizer_of_bytes_is_aligned():
    tokens = encode(transformers.ByT5Tokenizer(), "é 🙂", "ü b").tokens
    assert [token.text for token in tokens[:7]] == ["é", "⟨A9⟩", " ", "🙂", "⟨9F⟩", "⟨99⟩", "⟨82⟩"]
    assert [token.span for token in tokens[:7]] == [(0, 1)] * 2 + [(1, 2)] + [(2, 3)] * 4
    assert [(token.text, token.span, token.segment) for token in tokens[8:12]] == [
        ("ü", (0, 1), 1),
        ("⟨BC⟩", (0, 1), 1),
        (" ", (1, 2), 1),
        ("b", (2, 3), 1),
    ]
    assert [token.special for token in tokens] == [False] * 7 + [True] + [False] * 4 + [True]


def test_a_slow_tokenizer_of_merges_is_aligned_around_what_it_does_not_know(tmp_path):
    (tmp_path / "vocab.json").write_text(
        '{"<unk>": 0, "ca@@": 1, "t": 2, "sat": 3, "c@@": 4, "a@@": 5}', encoding="utf-8"
    )
    (tmp_path / "merges.txt").write_text("#version: 0.2\nc a\ns a\nsa t</w>\n", encoding="utf-8")
    tokenizer = transformers.CTRLTokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    assert not tokenizer.is_fast
    tokens = encode(tokenizer, "cat 日 sat").tokens
    assert [(token.mark, token.text, token.span) for token in tokens] == [
        ("", "ca", (0, 2)),
        ("", "t", (2, 3)),
        ("<unk>", "日", (4, 5)),
        ("", "sat", (6, 9)),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop—it's 3.14!", ["Don't", "stop", "—", "it's", "3.14", "!"]),
        ("日本語 naïve", ["日", "本", "語", "naïve"]),
        ("👨‍👩‍👧 🇫🇷👍🏽", ["👨‍👩‍👧", "🇫🇷", "👍🏽"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("a\nb\r\nc", ["a", "\n", "b", "\r\n", "c"]),
        ("a_b(c, d)", ["a_b", "(", "c", ",", "d", ")"]),
        ("x\u202ey", ["x", "\u202e", "y"]),
        ("  \n\t ", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]):
    assert [token.text for token in words(text)] == expected


@given(text=VISIBLE)
@settings(max_examples=100, deadline=None)
def test_words_lose_nothing_but_spaces(text: str):
    found = words(text)
    assert all(text[slice(*token.span)] == token.text == token.piece for token in found)
    spans = [token.span for token in found]
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
    left = set(range(len(text))) - {place for span in spans for place in range(*span)}
    assert all(text[place].isspace() for place in left)


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("a b", "a·b"),
        ("a\n\tb\r", "a⏎⇥b␍"),
        ("\x00\x1b\x7f\x85", "␀␛␡U+0085"),
        ("a\u202eb", "aU+202Eb"),
        ("a\u200bb\ufeff", "aU+200BbU+FEFF"),
        ("\xa0", "⍽"),
        ("\u3000\u2028", "U+3000U+2028"),
        ("x\U000e0041", "xU+E0041"),
        ("\u3164\u2800", "U+3164U+2800"),
        ("\ud83d", "U+D83D"),
        ("\u0301", "◌\u0301"),
        ("👨‍👩‍👧❤️", "👨‍👩‍👧❤️"),
        ("a\u200db\ufe0f", "aU+200DbU+FE0F"),
        ("שלום é 日<b>$x$", "שלום·é·日<b>$x$"),
    ],
)
def test_visible(hidden: str, shown: str):
    assert visible(hidden) == shown


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("👨‍👩‍👧👍🏽xy", 3, "👨‍👩‍👧👍🏽…"), ("abc", 1, "…")],
)
def test_long_labels_are_cut_between_whole_characters(text: str, most: int, shown: str):
    assert cut(text, most) == shown
    assert label(Token(piece=text, text=text), max_chars=most) == shown


def test_importing_it_does_not_import_transformers():
    code = "import sys, attention.tokens; print('transformers' in sys.modules, 'regex' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.split() == ["False", "True"]


# The beginning of what is too long


@pytest.mark.parametrize("kind", KINDS)
@given(text=VISIBLE, most=st.integers(0, 40))
def test_a_beginning_fits_and_the_next_token_would_not(kind: str, text: str, most: int) -> None:
    """Against trying every beginning; a longer one is missed only where it makes fewer tokens alone."""
    tokenizer = kind_of(kind)
    tokens = encode(tokenizer, text).tokens
    again = lambda shorter: encode(tokenizer, shorter).tokens  # noqa: E731
    found = beginning(text, tokens, most, again)
    ends = sorted({token.span[1] for token in tokens if token.span})
    fitting = [text[:end] for end in ends if len(again(text[:end])) <= most]
    assert found is None or (found.text in fitting and found.size == f"{len(again(found.text))} tokens")
    own = [token for token in tokens if token.span or not token.special]
    for longer in fitting[fitting.index(found.text) + 1 :] if found else fitting:
        in_the_text = max(i for i, token in enumerate(own, 1) if token.span and token.span[1] <= len(longer))
        assert in_the_text + len(tokens) - len(own) > most


def test_of_two_texts_the_second_gives_way() -> None:
    bert, first, second = kind_of("wordpiece"), "The cat sat.", "The cat was singing."
    tokens = encode(bert, first, second).tokens
    again = lambda shorter: encode(bert, first, shorter).tokens  # noqa: E731
    found = beginning(second, tokens, len(tokens) - 2, again, "pair")
    assert found is not None
    assert (found.of, found.size) == ("pair", f"{len(tokens) - 2} tokens")
    assert second.startswith(found.text)
    assert len(again(found.text)) == len(tokens) - 2
    assert beginning(second, tokens, 3, again, "pair") is None, "the first alone is too long"
