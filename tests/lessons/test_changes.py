"""Lists of edits in a lesson's file, their words, and what is made of the runs."""

from dataclasses import replace

import pytest

import attention
from attention.edits import edits_of
from attention.errors import InputError
from attention.lessons.changes import ablations, in_words, lists_of_edits
from attention.lessons.outcomes import outcomes_of

NAMES = ("<s>", "a", "cat", "sat")


def test_lists_of_edits_are_read_checked_and_written() -> None:
    sort = lists_of_edits()
    assert sort.read("off-1.1 | off-3.0, off-3.2 |cut-1.1-q3-k2") == ("off-1.1", "off-3.0,off-3.2", "cut-1.1-q3-k2")
    assert sort.write(("off-1.1", "hide-k2")) == "off-1.1 | hide-k2"
    assert sort.read(sort.write(("off-1.1", "hide-k2"))) == ("off-1.1", "hide-k2")


@pytest.mark.parametrize("raw", ["", "off-1.1 |", "of-1.1", "off-1.1 | off-1.1", "x" * 50, " | ".join(["off-0"] * 13)])
def test_what_is_no_list_of_edits_is_refused(raw: str) -> None:
    with pytest.raises(ValueError):
        lists_of_edits().read(raw)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("off-3.2", "head 3.2 off"), ("off-2", "layer 2 off"), ("off-3.0,off-3.2", "heads 3.0 and 3.2 off"),
        ("off-3.2-running", "head 3.2: its mean so far in its place"), ("off-1.0-q2", "head 1.0 off at “cat”"),
        ("off-3.2-first", "head 3.2: resting on the first token"), ("temper-3.2-t4", "head 3.2 at temperature 4"),
        ("cut-1.1-q3-k2", "head 1.1: “sat” may not see “cat”"), ("cut-q3-k2", "“sat” may not see “cat”"),
        ("hide-k2", "“cat” hidden"), ("even-0.1", "head 0.1 spread evenly"),
        ("off-1.0,temper-3.2-t0.5", "head 1.0 off; head 3.2 at temperature 0.5"),
        ("off-1.0-q9", "head 1.0 off at token 9"),
    ],
)  # fmt: skip
def test_edits_in_words(line: str, words: str) -> None:
    assert in_words(edits_of(line), NAMES) == words


def test_every_head_and_all_but_every_head() -> None:
    none, *rest = ablations(2, 3)
    assert none == frozenset()
    assert rest[:6] == [{(0, 0)}, {(0, 1)}, {(0, 2)}, {(1, 0)}, {(1, 1)}, {(1, 2)}]
    assert rest[6:9] == [{(0, 1), (0, 2)}, {(0, 0), (0, 2)}, {(0, 0), (0, 1)}]
    assert rest[12:] == [{(0, 0), (0, 1), (0, 2)}, {(1, 0), (1, 1), (1, 2)}]


def test_outcomes_are_those_of_the_whole_vocabulary() -> None:
    runs = [attention.predict("storyteller", "The cat sat", k=10**9, edits=line) for line in ("", "off-0.1")]
    made = outcomes_of(runs, "the")
    few = [attention.predict("storyteller", "The cat sat", k=3, edits=line).last for line in ("", "off-0.1")]
    for row, found in zip(made.chances, few, strict=True):
        for one in found.candidates:
            assert row[made.names.index(one.text.strip())] == pytest.approx(one.probability, abs=1e-6)
    assert "the" in made.names
    assert list(made.chances[0]) == sorted(made.chances[0], reverse=True)
    assert made.divergences[0] == 0.0 < made.divergences[1]
    assert made.tokens == ("<s>", "The", "cat", "sat")


def test_a_model_that_predicts_no_next_token_is_refused() -> None:
    found = attention.predict("storyteller", "The cat", k=3)
    with pytest.raises(InputError, match="next token"):
        outcomes_of([replace(found, task="fill")])
