"""What is known of the bundled models' heads, held against the models' own runs."""

from pathlib import Path

import pytest

import attention
from attention import bundled
from attention.bundled import notes, shine_of
from attention.catalogue import DEFAULT_MODEL, models
from attention.errors import InputError

SHINES = [(entry.id, shine) for entry in models() if entry.path for shine in notes(entry.id).shines]


def test_each_bundled_model_has_texts_that_make_heads_shine():
    assert {model for model, _ in SHINES} == {entry.id for entry in models() if entry.path}
    assert len({(model, shine.kind, shine.layer, shine.head) for model, shine in SHINES}) >= 15


@pytest.mark.parametrize(("model", "shine"), SHINES, ids=[f"{model}-{shine.name}" for model, shine in SHINES])
def test_the_head_is_there_and_was_given_a_good_score(model, shine):
    trace = attention.trace(model, shine.text, shine.pair or None)
    view = trace.head(shine.layer, shine.head, shine.kind or None)
    assert view.error.ok
    assert 0.5 <= shine.score <= 1
    told = notes(model).guided.get((shine.kind, shine.layer, shine.head))
    assert shine.guided == (told == shine.name)


@pytest.mark.parametrize("shine", [one for _, one in SHINES if one.name == "previous"], ids=lambda one: one.text[:9])
def test_a_previous_token_head_does_what_its_score_says(shine):
    model = next(model for model, one in SHINES if one is shine)
    weights = attention.trace(model, shine.text).head(shine.layer, shine.head).weights
    assert weights.diagonal(-1).mean() == pytest.approx(shine.score, abs=0.05)


def test_the_opening_head_looks_from_it_to_the_cat():
    from attention.view import DEFAULT_TEXT

    layer, head = notes(DEFAULT_MODEL).opening
    view = attention.trace(DEFAULT_MODEL, DEFAULT_TEXT).head(layer, head)
    words = [token.text for token in view.key_tokens]
    assert words[view.weights[words.index("it")].argmax()] == "cat"


def test_the_best_head_of_a_text_is_found():
    best = shine_of("dates", "the 3rd of May, 1998")
    assert best.score == max(shine.score for shine in notes("dates").shines)
    assert shine_of("dates", "tomorrow") is None
    assert shine_of("org/name", "the 3rd of May, 1998") is None


@pytest.mark.parametrize("model", ["local", "openai-community/gpt2", "nobody/nothing"])
def test_other_models_have_no_notes(model):
    assert notes(model) == bundled.Notes(guided={})


@pytest.mark.parametrize("text", ["", "[]", '{"guided": [], "texts": [{}]}', '{"texts": []}'])
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str):
    path = tmp_path / "headlight.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"headlight\.json cannot be read"):
        bundled._read(path)
