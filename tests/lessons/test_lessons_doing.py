"""What the lessons on building, testing and the interview promise of models' heads, held against their runs."""

from typing import Any

import numpy as np
import pytest

import attention
from attention.lessons import folder
from attention.lessons.folder import OURS, find
from attention.lessons.records import Step
from attention.lessons.state import view_of


def step_of(lesson: str, anchor: str) -> Step:
    found = find(folder.read(OURS)[0], lesson)
    assert found is not None
    return next(step for step in found.steps if step.anchor == anchor)


def maps_of(step: Step) -> tuple[Any, list[str], int]:
    """All maps of the figure's layer (heads, queries, keys), the tokens, and the pinned row."""
    assert step.figure is not None
    view = view_of(step.figure)
    trace = attention.trace(view.model, view.text)
    heads = [trace.head(view.layer, head) for head in range(trace.model.n_heads or 0)]
    words = [token.text for token in heads[0].key_tokens]
    row = max(place for place, word in enumerate(words) if word == step.figure.settings["pin"])
    return np.stack([head.weights for head in heads]), words, row


def test_the_head_with_nothing_to_find_parks_on_the_first_token() -> None:
    step = step_of("13-interview", "sink")
    assert step.figure is not None
    head = step.figure.settings["head"]
    maps, words, row = maps_of(step)
    assert len(set(words)) == len(words), "nothing is repeated in the sentence"
    assert maps[head, row, 0] > 0.9
    again = "The cat sat on the mat. The cat sat on the mat."
    view = view_of(step.figure)
    found = attention.trace(view.model, again).head(view.layer, head)
    names = [token.text for token in found.key_tokens]
    second = max(place for place, word in enumerate(names) if word == "cat")
    weights = found.weights[second]
    assert names[int(weights.argmax())] == "sat"
    assert weights.max() > 0.9 > 0.1 > weights[0]


def test_a_closed_first_token_hands_its_weight_to_one_other_whose_value_is_long() -> None:
    step = step_of("13-interview", "closed")
    assert step.figure is not None
    assert step.figure.settings["each"][0] == "cut-3.0-k0"
    view = view_of(step.figure)
    before, after = (
        attention.trace(view.model, view.text, edits=edits).head(view.layer, view.head) for edits in ("", "cut-3.0-k0")
    )
    names = [token.text.strip() for token in before.key_tokens]
    row = names.index("it")
    assert row == 8, "eight tokens are left of the nine that it sees"
    assert before.value is not None
    lengths = np.linalg.norm(before.value[: row + 1], axis=1)
    assert int(lengths.argmin()) == 0
    assert after.weights[row].sum() == pytest.approx(1, abs=1e-5)
    taken = int(after.weights[row].argmax())
    assert (names[taken], round(float(after.weights[row, taken]), 2)) == ("sat", 0.79)
    assert lengths[taken] > 3 * lengths[0]


def test_two_heads_look_at_opposite_sides_and_their_average_at_both() -> None:
    step = step_of("13-interview", "average")
    assert step.figure is not None
    one, other = step.figure.settings["heads"]
    maps, words, row = maps_of(step)
    assert (maps[one, row].argmax(), maps[other, row].argmax()) == (row - 1, row + 1), words
    assert min(maps[one, row].max(), maps[other, row].max()) > 0.95
    assert maps[[one, other]].mean(0)[row].max() == pytest.approx(0.5, abs=0.02)


def test_one_pointed_head_is_hardly_to_be_seen_in_the_average_of_its_layer() -> None:
    step = step_of("11-building", "averaged")
    assert step.figure is not None
    head, _ = step.figure.settings["heads"]
    maps, _, row = maps_of(step)
    place = maps[head, row].argmax()
    assert maps[head, row, place] > 0.95, "nearly all of its weight lies on one token"
    assert maps[head, row, place] / len(maps) <= maps.mean(0)[row, place] < 0.25
