"""The effect of edits against predictions of the two runs, made by other code; and the causal cone against what
differs.
"""

import copy
import math

import numpy as np
import pytest
import torch
import transformers

import attention
from attention.analysis.cone import edits_of, first_query, reached
from attention.errors import InputError
from tests import small_models
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


@pytest.mark.parametrize(
    ("settings", "line", "measure"),
    [({"num_labels": 3}, "off-0.1", "logit difference"), ({"num_labels": 3}, "off-0.1-q2", "logit difference"),
     ({"num_labels": 2, "problem_type": "multi_label_classification"}, "off-0.1", "log-probability"),
     ({"num_labels": 1}, "off-0.1", "value")],
)  # fmt: skip
def test_of_a_classifiers_labels_by_a_hook_on_what_enters_the_projection(settings, line, measure):
    """A sentence and a second one, through a model of 3 heads that labels both as a whole."""
    model, tokenizer = classifier(**settings), small_models.tokenizer("bert")
    told = attention.effect(model, "the cat sat", "on the mat", edits=line, tokenizer=tokenizer)
    own = copy.deepcopy(model)
    own.set_attn_implementation("eager")

    def off(module, args):
        heads = args[0].reshape(*args[0].shape[:2], own.config.num_attention_heads, -1).clone()
        heads[:, slice(2, 3) if line.endswith("q2") else slice(None), 1] = 0
        return (heads.reshape(args[0].shape),)

    entering = tokenizer("the cat sat", "on the mat", return_tensors="pt")
    with torch.no_grad():
        before = own(**entering).logits[0].double()
        own.bert.encoder.layer[0].attention.output.dense.register_forward_pre_hook(off)
        after = own(**entering).logits[0].double()
    metric = told.effect.metric
    assert (told.position, metric.position, metric.name, told.task) == (None, None, measure, "classify")
    assert metric.target == int(before.argmax())
    assert {number: said.text for number, said in told.names.items()} == {
        number: f"kind {number}" for number in range(settings["num_labels"])
    }
    for found, logits in ((told.effect.before, before), (told.effect.after, after)):
        expected = {
            "logit difference": lambda one: one[metric.target] - one[metric.distractor or 0],
            "log-probability": lambda one: one.sigmoid().log()[metric.target], "value": lambda one: one[metric.target],
        }[measure](logits)  # fmt: skip
        assert found == pytest.approx(float(expected), abs=1e-5)
    assert abs(told.effect.change) > 1e-4
    kl = float((before.softmax(0) * (before.log_softmax(0) - after.log_softmax(0))).sum())
    assert told.effect.kl == (pytest.approx(kl, abs=1e-6) if measure == "logit difference" else None)
    standing = told.effect.target.after
    chance = {"logit difference": after.softmax(0), "log-probability": after.sigmoid(), "value": None}[measure]
    assert standing.probability == (None if chance is None else pytest.approx(float(chance[metric.target]), abs=1e-6))


def classifier(**settings):
    """A tiny random BERT that labels texts, with weights wide enough that a head tells."""
    config = small_models.model("bert").config.to_dict()
    named = {number: f"kind {number}" for number in range(settings["num_labels"])}
    torch.manual_seed(3)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(**config | settings | {"id2label": named})
    ).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    return model


def test_a_mean_is_over_the_texts_that_are_given(tmp_path):
    texts = tmp_path / "own.txt"
    texts.write_text("The dog ran home.\nA red ball.\n", encoding="utf-8")
    own, ours = (
        attention.effect("storyteller", TEXT, edits="off-2.5-mean", reference=reference) for reference in (texts, None)
    )
    assert own.effect.change != ours.effect.change
    assert "2 texts of own.txt" in own.notes[0]
    run = attention.predict("storyteller", TEXT, edits="off-2.5-mean", reference=texts, k=600).at(own.position)
    logit = next(one.logit for one in run.candidates if one.id == own.effect.target.id)
    assert own.effect.target.after.logit == pytest.approx(logit, abs=1e-4)


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
