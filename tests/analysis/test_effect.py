"""How a prediction changed, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attention.analysis.effect import Metric, effect_of, in_words, logits_of, metric_for, name_of, position_of
from attention.capture import Inputs
from attention.errors import InputError
from attention.source import Source, inputs_of, load_source
from tests import small_models
from tests.analysis.by_hooks import eager, run, source_of, text_of

ROWS = st.lists(st.floats(-8, 8), min_size=5, max_size=5)


def chances(logits: list[float]) -> np.ndarray:
    exps = np.exp(np.asarray(logits) - max(logits))
    return exps / exps.sum()


@given(ROWS, ROWS)
def test_every_number_is_its_closed_form(before: list[float], after: list[float]) -> None:
    made = effect_of(torch.tensor(before), torch.tensor(after), Metric(target=1, distractor=3))
    before, after = np.float32(before).tolist(), np.float32(after).tolist()
    p, q = chances(before), chances(after)
    assert made.before == pytest.approx(math.log(p[1] / p[3]), abs=1e-9)
    assert made.change == pytest.approx((after[1] - after[3]) - (before[1] - before[3]), abs=1e-9)
    assert made.target.probability == pytest.approx(q[1] - p[1], abs=1e-12)
    assert made.target.log_probability == pytest.approx(math.log(q[1] / p[1]), abs=1e-9)
    assert made.target.before.rank == 1 + sum(one > before[1] for one in before)
    assert made.kl == pytest.approx(float((p * np.log(p / q)).sum()), abs=1e-9)
    changes, noise = q - p, 1e-12  # of a token that did not move, one way to add up says 0 and the other 1e-16
    rose = [one.probability for one in made.rose if one.probability > noise]
    fell = [one.probability for one in made.fell if one.probability < -noise]
    assert rose == pytest.approx(sorted(changes[changes > noise])[::-1], abs=noise)
    assert fell == pytest.approx(sorted(changes[changes < -noise]), abs=noise)


@given(ROWS, ROWS, st.floats(-50, 50))
def test_a_shift_of_all_logits_is_no_change(before: list[float], after: list[float], shift: float) -> None:
    rows = [torch.tensor(row, dtype=torch.float64) for row in (before, after)]
    for metric in (Metric(target=0), Metric(target=0, distractor=4)):
        one, other = effect_of(*rows, metric), effect_of(rows[0], rows[1] + shift, metric)
        assert one.change == pytest.approx(other.change, abs=1e-9)
        assert one.kl == pytest.approx(other.kl, abs=1e-9)


def test_nothing_changes_where_nothing_changed() -> None:
    row = torch.tensor([3.0, -1.0, 0.5])
    made = effect_of(row, row, Metric(target=2))
    assert (made.change, made.kl, made.rose, made.fell) == (0.0, 0.0, (), ())


def test_only_the_few_that_moved_most_are_told() -> None:
    made = effect_of(torch.zeros(9), torch.tensor([5.0, 4, 3, 2, 0, 0, 0, 0, 0]), Metric(target=8), k=2)
    assert [one.id for one in made.rose] == [0, 1]
    assert [one.id for one in made.fell] == [4, 5]
    assert made.target.after.rank == 5


def test_a_word_that_cannot_be_is_no_nan() -> None:
    row = torch.tensor([0.0, 1.0, -math.inf])
    assert effect_of(row, row, Metric(target=1)).kl == 0.0


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="not a finite number"):
        effect_of(torch.tensor([0.0, math.nan]), torch.zeros(2), Metric(target=0))


@pytest.mark.parametrize(
    ("scale", "before", "probability"), [("sigmoid", math.log(0.5), 0.5), ("none", 0.0, None)], ids=["labels", "number"]
)
def test_logits_that_are_no_chances_of_one_of_several(scale: str, before: float, probability: float | None) -> None:
    made = effect_of(torch.tensor([0.0, 9.0]), torch.tensor([1.0, 9.0]), Metric(target=0, scale=scale))  # type: ignore[arg-type]
    assert made.before == pytest.approx(before)
    assert made.target.before.probability == probability
    assert made.kl is None
    if scale == "none":
        assert made.change == 1.0
        assert made.target.log_probability is None


@pytest.mark.parametrize("family", ["gpt2", "bert", "t5"])
def test_the_logits_are_the_models_own(family: str) -> None:
    source, text = source_of(family), text_of(family)
    own = run(family, eager(source.model), text)[[2, 5]].float()
    assert (logits_of(source, text, [2, 5]) - own).abs().max() < 1e-5


def test_the_last_token_or_the_first_blank_is_where_a_prediction_is_read() -> None:
    source = source_of("gpt2")
    assert position_of(source, text_of("gpt2")) == 10
    padded = Inputs(ids=tuple(range(3, 9)), attention_mask=(1, 1, 1, 1, 0, 0))
    assert position_of(source, padded) == 3
    fills = Source(model=small_models.model("bert"), tokenizer=small_models.tokenizer("bert"), trained=True)
    blank = inputs_of(fills, "The ___ sat on the mat.", None, None)[0]
    assert position_of(fills, blank) == blank.ids.index(fills.tokenizer.mask_token_id)
    with pytest.raises(InputError, match="There is no blank"):
        position_of(fills, inputs_of(fills, "The cat sat on the mat.", None, None)[0])
    assert position_of(source_of("t5"), text_of("t5")) == 6


def test_tokens_are_named_as_they_read() -> None:
    source = load_source("storyteller", None, None)
    number = source.tokenizer.encode(" king", add_special_tokens=False)[-1]
    assert name_of(source, number) == "“ king”"
    metric = Metric(target=number, distractor=5, position=3)
    assert in_words(source, metric).startswith("the logit difference “ king” − “")
    assert in_words(source, metric).endswith("” at position 3")
    assert in_words(source, Metric(target=number)) == "the log-probability of “ king”"


def test_a_target_alone_has_no_distractor_and_a_distractor_alone_gets_a_target() -> None:
    source, row = source_of("gpt2"), torch.arange(101.0)
    assert (metric_for(source, row, 3).target, metric_for(source, row, 3).distractor) == (100, 99)
    assert metric_for(source, row, 3, target=4).distractor is None
    assert metric_for(source, row, 3, distractor=100).target == 99


def test_a_model_that_marks_answers_is_refused() -> None:
    import transformers

    config = transformers.BertConfig(
        vocab_size=50, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    source = Source(model=transformers.BertForQuestionAnswering(config).eval(), tokenizer=None, trained=True)
    with pytest.raises(InputError, match="no logits over words"):
        logits_of(source, Inputs(ids=(3, 4, 5)), [0])
