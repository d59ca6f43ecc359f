"""The effect of edits against predictions of the two runs, made by other code; and the causal cone against what
differs.
"""

import math

import numpy as np
import pytest

import attention
from attention.analysis.cone import edits_of, first_query, reached
from attention.errors import InputError
from tests.small_models import save

TEXT = "The cat sat on the mat because it was tired."


@pytest.mark.parametrize(
    "line", ["off-2.5", "even-2.1-q8", "hide-k2", "cut-1.1-q8-k2", "temper-1.1-t3", "off-1.1-running"]
)
def test_both_runs_are_those_of_predict(line):
    told = attention.effect("storyteller", TEXT, edits=line, position=8).effect
    runs = [attention.predict("storyteller", TEXT, edits=edits, k=600).at(8) for edits in ("", line)]
    for moved in (told.target, told.distractor):
        for standing, run in ((moved.before, runs[0]), (moved.after, runs[1])):
            own = next(one for one in run.candidates if one.id == moved.id)
            assert standing.logit == pytest.approx(own.logit, abs=1e-4)
            assert standing.probability == pytest.approx(own.probability, abs=1e-5)
    target, other = ([one.before, one.after] for one in (told.target, told.distractor))
    assert told.before == pytest.approx(target[0].logit - other[0].logit, abs=1e-4)
    assert told.after == pytest.approx(math.log(target[1].probability / other[1].probability), abs=1e-4)


def test_a_change_behind_the_position_does_nothing():
    told = attention.effect("storyteller", TEXT, edits="even-2.1-q9", position=8).effect
    assert (told.change, told.kl) == (0, 0)
    assert not told.rose
    assert not told.fell


def test_of_a_blank_that_is_hidden_for_it():
    told = attention.effect("cloze", "The cat sat on the mat.", edits="off-1.1", position=2)
    base, edited = (
        attention.predict("cloze", "The cat sat on the mat.", positions=[2], edits=edits, k=300).at(2)
        for edits in ("", "off-1.1")
    )
    assert told.position == 2
    for run, standing in ((base, told.effect.target.before), (edited, told.effect.target.after)):
        own = next(one for one in run.candidates if one.id == told.effect.target.id)
        assert own.logit == pytest.approx(standing.logit, abs=1e-4)


def test_nothing_changed_is_refused():
    with pytest.raises(InputError, match="Nothing is changed"):
        attention.effect("storyteller", TEXT, edits="")


def test_a_model_without_a_head_says_so(tmp_path):
    with pytest.raises(InputError):
        attention.effect(str(save("minilm", tmp_path)), "the cat", edits="off-0.1")


@pytest.mark.parametrize(
    "lines", ["off-1.2", "even-1.2-q8", "cut-2.1-q8-k3", "hide-k4", "temper-0.3-t2", "off-0",
     "even-2.1-q9,cut-3.0-q7-k1", "cut-1.4-k5"]
)  # fmt: skip
def test_nothing_outside_the_cone_differs_and_it_is_no_wider(lines):
    base, edited = attention.trace("storyteller", TEXT), attention.trace("storyteller", TEXT, edits=lines)
    cone, first = reached(edited, "decoder"), first_query(edited, "decoder")
    assert first is not None
    for row, layer in enumerate(base.records("decoder")):
        for head in range(cone.shape[1]):
            ours, theirs = (run.head(layer, head).weights for run in (base, edited))
            assert np.array_equal(ours[:first], theirs[:first])
            assert bool((ours != theirs).any()) == cone[row, head], (layer, head)


def test_the_cone_of_two_texts():
    base, edited = (attention.trace("dates", "3 May 1998", edits=edits) for edits in ("", "off-cross.1.2"))
    for kind in base.kinds:
        cone = reached(edited, kind)
        for row, layer in enumerate(base.records(kind)):
            for head in range(cone.shape[1]):
                same = np.array_equal(base.head(layer, head, kind).weights, edited.head(layer, head, kind).weights)
                assert same or cone[row, head], (kind, layer, head)
    assert not reached(edited, "encoder").any()
    assert [str(edit) for edit in edits_of(edited)] == ["off-cross.1.2"]
    assert first_query(base, "decoder") is None
