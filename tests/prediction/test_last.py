"""The whole distribution at one place, against the model's own logits; how far two are apart, against closed forms."""

import math

import numpy as np
import pytest
import torch

import attention
from attention.errors import InputError
from attention.prediction import Distribution, distribution
from attention.source import Source, load_source
from tests.prediction.test_prediction import NAMES, TEXT, judge


def of(*shares: float, **more: object) -> Distribution:
    with np.errstate(divide="ignore"):
        return Distribution(task="next", log_probabilities=np.log(np.array(shares)), **more)  # type: ignore[arg-type]


def test_divergence_by_hand() -> None:
    assert of(0.5, 0.5).divergence(of(0.25, 0.75)) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert of(0.5, 0.5).divergence(of(0.5, 0.5)) == 0
    assert of(1.0, 0.0).divergence(of(0.5, 0.5)) == pytest.approx(math.log(2))
    assert of(0.5, 0.5).divergence(of(1.0, 0.0)) == math.inf
    assert of(0.2, 0.8).divergence(of(0.8, 0.2)) != pytest.approx(of(0.3, 0.7).divergence(of(0.7, 0.3)))


def test_distributions_of_other_words_are_not_compared() -> None:
    with pytest.raises(InputError, match="different words or labels"):
        of(1.0).divergence(of(0.5, 0.5))
    with pytest.raises(InputError, match="different words or labels"):
        of(0.5, 0.5, names=("good", "bad")).divergence(of(0.5, 0.5, names=("bad", "good")))
    with pytest.raises(InputError, match="predicts next tokens, the other labels"):
        of(1.0).divergence(Distribution(task="classify", log_probabilities=np.zeros(1)))
    one, other = load_source("storyteller", None, None), load_source("dates", None, None)
    same = [of(0.5, 0.5, tokenizer=source.tokenizer) for source in (one, other)]
    with pytest.raises(InputError, match="different words or labels"):
        same[0].divergence(same[1])


def test_it_is_the_models_own_after_the_last_token() -> None:
    source, text = load_source("storyteller", None, None), "The cat sat on the"
    found = distribution(source, text)
    ids = torch.tensor([[token.id for token in attention.trace("storyteller", text).tokens]])
    with torch.no_grad():
        logits = source.model(input_ids=ids).logits[0, -1]
    np.testing.assert_allclose(found.log_probabilities, torch.log_softmax(logits.double(), -1), atol=1e-5)
    assert found.position == ids.shape[1] - 1
    words, probability = found.likeliest
    best = attention.predict("storyteller", text).at(found.position).candidates[0]
    assert words == best.text
    assert probability == pytest.approx(best.probability, abs=1e-6)


def test_of_a_blank_it_is_what_fills_the_first_one() -> None:
    source, text = load_source("cloze", None, None), "The ___ sat on the ___."
    found = distribution(source, text)
    predictions = attention.predict("cloze", text)
    assert found.position == predictions.positions[0]
    best = predictions.at(found.position).candidates[0]
    assert found.log_probabilities[best.id] == pytest.approx(math.log(best.probability or 0), abs=1e-5)
    with pytest.raises(InputError, match="no blank"):
        distribution(source, "The cat sat.")


def test_of_a_judge_it_is_over_its_labels() -> None:
    model, tokenizer = judge("SequenceClassification", id2label=NAMES)
    found = distribution(Source(model=model, tokenizer=tokenizer), TEXT)
    with torch.no_grad():
        own = model(**tokenizer(TEXT, return_tensors="pt")).logits[0].double().log_softmax(-1)
    assert found.position is None
    assert found.names == tuple(NAMES.values())
    np.testing.assert_allclose(found.log_probabilities, own, atol=1e-5)
    assert found.likeliest[0] == NAMES[int(own.argmax())]
    several, tokenizer = judge("SequenceClassification", id2label=NAMES, problem_type="multi_label_classification")
    with pytest.raises(InputError, match="no distribution at one place"):
        distribution(Source(model=several, tokenizer=tokenizer), TEXT)


def test_an_encoder_decoder_is_asked_after_its_last_written_token() -> None:
    source = load_source("dates", None, None)
    found = distribution(source, "3 May 1998", "1998-")
    predictions = attention.predict("dates", "3 May 1998", "1998-")
    assert found.position == predictions.positions[-1]
    best = predictions.at(found.position).candidates[0]
    assert found.log_probabilities.argmax() == best.id
