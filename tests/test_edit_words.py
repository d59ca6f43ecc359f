"""Changes of a run in words."""

import pytest

import attention
from attention import edit_words
from attention.edits import edit_of


@pytest.mark.parametrize(
    ("line", "short", "long"),
    [
        ("off-2.5", "layer 2, head 5: off (zero)", "layer 2, head 5 switched off (zero ablation)"),
        ("off-2", "layer 2: off (zero)", "layer 2 switched off (zero ablation)"),
        (
            "off-2.5-mean-q3", "layer 2, head 5: off (its mean over the reference texts) at token 3",
            "layer 2, head 5 switched off (mean ablation, over the reference texts) at token 3",
        ),
        (
            "cut-1.1-q8-k2", "layer 1, head 1: token 8 may not see token 2 (edge cut)",
            "in layer 1, head 1, token 8 may not see token 2 (edge cut)",
        ),
        (
            "cut-k2", "every head: no other token may see token 2 (edge cut)",
            "in every head, no other token may see token 2 (edge cut)",
        ),
        ("hide-k2", *["token 2 hidden from every other token, in every layer"] * 2),
        ("even-0.3", "layer 0, head 3: every row spread evenly", "in layer 0, head 3, every row spread evenly"),
        ("temper-0.3-t0.5", "layer 0, head 3: temperature 0.5", "layer 0, head 3 at temperature 0.5"),
        (
            "patch-0.3-weights", "layer 0, head 3: weights from the second text (patched)",
            "layer 0, head 3 with its weights from the second text (patched)",
        ),
    ],
)
def test_an_edit_in_few_words_and_in_a_sentence(line: str, short: str, long: str) -> None:
    assert edit_words.words(edit_of(line)) == short
    assert edit_words.said(edit_of(line)) == long


def test_tokens_have_their_names_and_a_place_where_two_are_alike() -> None:
    name = edit_words.names(attention.trace("local", "the cat and the dog").tokens)
    assert (name(1), name(0), name(9)) == ("“cat”", "“the” (token 0)", "token 9")
    cut = edit_of("cut-0.1-q4-k1")
    assert edit_words.words(cut, name, name) == "layer 0, head 1: “dog” may not see “cat” (edge cut)"


def test_a_kind_is_named_where_there_are_several_and_a_quotation_begins_with_a_capital() -> None:
    cross = edit_of("off-cross.1.2")
    assert edit_words.where(cross) == "layer 1, head 2"
    assert edit_words.where(cross, kinds=3) == "cross-attention, layer 1, head 2"
    whole = edit_words.quoted([edit_words.said(edit_of("off-2.5")), edit_words.said(edit_of("hide-k1"))], "Storyteller")
    assert whole == (
        "Layer 2, head 5 switched off (zero ablation); token 1 hidden from every other token, in every layer. "
        "Storyteller, one prompt."
    )
