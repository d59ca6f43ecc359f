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


DETERMINERS = {"the", "a", "his"}
SMALL = {"the", "a", "an", "of", "and", "is", "it", "was", "on", "because", "to", "not", "in"}
# What a promise says of a row and a key, by the words that a person reads.
PROMISES = {
    "previous": lambda words, query, key: key == query - 1,
    "two back": lambda words, query, key: key == query - 2,
    "next": lambda words, query, key: key == query + 1,
    "same word": lambda words, query, key: key < query and words[key].lower() == words[query].lower(),
    "induction": lambda words, query, key: 0 < key <= query and words[key - 1] == words[query],
    "things and names": lambda words, query, key: key < query
    and (words[key - 1].lower() in DETERMINERS or words[key][:1].isupper()),
    "punctuation": lambda words, query, key: words[key] in (",", "."),
    "nearby": lambda words, query, key: query - 4 < key <= query,
    "sentence start": lambda words, query, key: key < query and (key == 1 or words[key - 1] == "."),
    "small words": lambda words, query, key: key != query and words[key].lower() in SMALL,
    "big words": lambda words, query, key: key != query and words[key].isalpha() and words[key].lower() not in SMALL,
}
SPANS = {"year": (16, 20), "month": (11, 14), "day": (4, 5)}  # in “the 3rd of May, 1998”
WRITTEN = {"year": range(0, 4), "month": range(5, 7), "day": range(8, 10)}  # in 1998-05-03


@pytest.mark.parametrize(("model", "shine"), SHINES, ids=[f"{model}-{shine.name}" for model, shine in SHINES])
def test_the_row_that_is_pinned_does_what_the_text_promises(model, shine):
    view = attention.trace(model, shine.text, shine.pair or None).head(shine.layer, shine.head, shine.kind or None)
    words = [token.text for token in view.key_tokens]
    row = view.weights[shine.query]
    if shine.name in SPANS:
        assert "rows that write" in shine.see
        first, last = SPANS[shine.name]
        assert row[first:last].sum() > 0.85
        # Row i writes character i of the pair.
        assert all(view.weights[i, first:last].sum() > 0.5 for i in WRITTEN[shine.name])
        assert shine.query in WRITTEN[shine.name]
    else:
        kept = [key for key in range(len(words)) if PROMISES[shine.name](words, shine.query, key)]
        assert row[kept].sum() > 0.7
        assert int(row.argmax()) in kept


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
