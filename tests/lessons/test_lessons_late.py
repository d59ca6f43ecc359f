"""What the words of lessons 7 to 10 and 14 promise of the bundled models, held against runs of these models."""

from pathlib import Path

import numpy as np
import pytest

import attention
from attention.analysis.named import NAMED
from attention.bundled import notes
from attention.lessons import kinds
from attention.lessons.parse import parse
from attention.lessons.records import Figure
from attention.lessons.state import view_of
from attention.record import HeadView, Trace, checked_rows

LESSONS = Path(__file__).resolve().parents[2] / "assets" / "lessons"
NAMES = ("07-heads", "08-output", "14-stack")


def figures() -> dict[str, Figure]:
    """The states of models that these lessons show, by lesson#step."""
    found = {}
    for name in NAMES:
        lesson, _ = parse((LESSONS / f"{name}.md").read_text("utf-8"), name)
        for step in lesson.steps:
            kind = step.figure and kinds.kind(step.figure.kind)
            if step.figure and kind and kind.needs_run:
                found[f"{name}#{step.anchor}"] = step.figure
    return found


FIGURES = figures()


def shown(where: str) -> HeadView:
    """The head of the state, with its whole trace."""
    view = view_of(FIGURES[where])
    trace = attention.trace(view.model, view.text, view.pair or None)
    return trace.head(view.layer, view.head, view.kind or "decoder")  # type: ignore[arg-type]


def row_of(where: str) -> tuple[list[str], np.ndarray, int]:
    """The keys' texts, the pinned row of weights, and the place of the pin."""
    figure, head = FIGURES[where], shown(where)
    queries = [str(token).strip() for token in head.query_tokens]
    pin = figure.settings["pin"]
    at = len(queries) - 1 - queries[::-1].index(pin) if pin else figure.settings["query"]
    return [str(token).strip() for token in head.key_tokens], head.weights[at], at


def heads_that(trace: Trace, name: str) -> set[tuple[int, int]]:
    """The heads that are named after a pattern, or go as far towards it as would name them."""
    return {(one.layer, one.head) for one in attention.patterns(trace, least=NAMED) if one.pattern == name}


def is_guided(where: str) -> bool:
    view = view_of(FIGURES[where])
    return (view.kind, view.layer, view.head) in notes(view.model).guided


# Many heads


def test_a_trained_head_looks_one_word_back_and_one_other_does() -> None:
    keys, row, at = row_of("07-heads#trained")
    assert int(row.argmax()) == at - 1
    assert keys[at - 1] == "because"
    trace = shown("07-heads#trained").trace
    assert heads_that(trace, "previous token") == {(0, 0), (1, 0)}
    assert {("", 0, 0), ("", 1, 0)} <= notes("storyteller").guided.keys()
    assert heads_that(trace, "duplicate token")


def test_an_induction_head_that_nobody_guided_finds_what_followed() -> None:
    keys, row, at = row_of("07-heads#induction")
    first = keys.index("door")
    assert keys[at] == "door"
    assert at > first
    assert int(row.argmax()) == first + 1
    assert keys[first + 1] == "open"
    assert not is_guided("07-heads#induction")


def test_another_head_of_that_layer_does_the_same() -> None:
    (keys, row, _), (_, other, _) = row_of("07-heads#induction"), row_of("07-heads#pruning")
    assert int(row.argmax()) == int(other.argmax()) == keys.index("door") + 1
    assert FIGURES["07-heads#induction"].settings["head"] != FIGURES["07-heads#pruning"].settings["head"]
    assert len(heads_that(shown("07-heads#pruning").trace, "induction")) >= 3


# W_O


def test_the_heads_of_the_storyteller_add_up_and_are_as_wide_as_is_said() -> None:
    head = shown("08-output#model")
    heads = [head.trace.head(head.layer, number).contribution for number in range(6)]
    assert all(one is not None and one.shape[1] == 192 for one in heads)
    assert head.value is not None
    assert head.value.shape[1] == 32
    made = head.record.projected
    assert made is not None
    total = np.sum(heads, axis=0)[checked_rows(len(head.query_tokens))]  # type: ignore[arg-type]
    assert np.abs(total - made.numpy()).max() < 1e-4 * np.abs(total).max()


# The stack


@pytest.mark.parametrize(("step", "shape"), [("encoder", "square"), ("decoder", "square"), ("cross", "wide")])
def test_the_kinds_of_the_date_translator(step: str, shape: str) -> None:
    head = shown(f"14-stack#{step}")
    assert head.kind == step
    assert (head.weights.shape[0] == head.weights.shape[1]) == (shape == "square")
    closed = np.isneginf(head.masked)
    assert closed.any() == (step == "decoder")
    if step == "decoder":
        assert (closed == np.triu(np.ones_like(closed), 1)).all()


def test_the_rows_of_the_stack_are_those_that_the_words_name() -> None:
    kinds_of = ("encoder", "decoder", "cross")
    queries = {step: [str(one) for one in shown(f"14-stack#{step}").query_tokens] for step in kinds_of}
    at = {step: FIGURES[f"14-stack#{step}"].settings["query"] for step in kinds_of}
    assert "".join(queries["encoder"][at["encoder"] - 2 : at["encoder"] + 2]) == "of M"
    assert queries["encoder"][int(row_of("14-stack#encoder")[1].argmax())] == "M"
    assert "".join(queries["decoder"][at["decoder"] - 3 : at["decoder"] + 1]) == "1998"
    assert "".join(queries["cross"][at["cross"] - 1 : at["cross"] + 1]) == "-0"
    keys, row, _ = row_of("14-stack#cross")
    assert keys[int(row.argmax())] == "3"
