"""Where a person is taken: what another model, a sample and a head that is worth a look change."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import attention
from attention.browser.parts import first_query
from attention.bundled import notes
from attention.catalogue import samples
from attention.record import Token
from attention.ui import start
from attention.view import View, change

DATES = samples("dates")


def test_a_first_visit_begins_at_the_opening_head_and_keeps_the_rest():
    view = View()
    layer, head = notes(view.model).opening
    assert start.opening(view) == replace(view, layer=layer, head=head)
    assert start.opening(View(model="local")) == View(model="local")


def test_a_text_of_ones_own_stays_with_another_model():
    view = View(text="My own words.", layer=3, head=2)
    assert change(view, **start.to_model(view, "dates")) == View(model="dates", text="My own words.")


def test_a_text_that_was_offered_gives_way_to_the_new_models_own():
    view = change(View(), **start.to_model(View(), "dates"))
    assert view.text == DATES[0].text
    assert view.kind == "cross"
    back = change(view, **start.to_model(view, "storyteller"))
    assert back == start.opening(View())


def test_a_text_that_both_offer_stays():
    view = View()
    assert view.text in {sample.text for sample in samples("cloze")}
    assert change(view, **start.to_model(view, "cloze")).text == view.text


@pytest.mark.parametrize("view", [
    View(), View(text="My own words."), View(model="dates", text=DATES[0].text, kind="cross"),
    View(text=notes("storyteller").shines[0].text),
])  # fmt: skip
def test_the_local_layer_takes_the_text_as_it_is(view):
    there = change(view, **start.to_model(view, "local"))
    assert there == View(model="local", text=view.text)


@pytest.mark.parametrize("model", ["storyteller", "cloze", "dates"])
def test_a_head_worth_a_look_is_shown_with_its_text(model):
    for shine in notes(model).shines:
        view = change(View(model=model), **start.to_shine(shine))
        assert (view.text, view.pair, view.layer, view.head) == (shine.text, shine.pair, shine.layer, shine.head)


# Where each sample's row looks most in the head that it opens: (model, sample) → the place that is looked at.
LOOKED_AT = {
    ("storyteller", "repetition"): "open",
    ("storyteller", "coreference"): "cat",
    ("cloze", "no-blank"): ".",
    ("dates", "date-ordinal"): "3",
    ("dates", "date-short"): "9",
    ("dates", "date-weekday"): "3",
    ("dates", "date-leap"): "a",
}


@pytest.mark.parametrize(("model", "name"), LOOKED_AT)
def test_a_sample_opens_at_a_head_and_a_row_that_show_what_it_tells(model, name):
    sample = next(one for one in samples(model) if one.name == name)
    view = change(View(model=model), **start.to_sample(model, sample))
    trace = attention.trace(model, view.text, view.pair or None)
    head = trace.head(view.layer, view.head, view.kind or None)
    row = head.weights[first_query(head, sample.pin) if view.query is None else view.query]
    assert head.key_tokens[row.argmax()].text == LOOKED_AT[model, name]
    assert row.max() > 0.8


def test_all_rows_of_the_dates_first_sample_look_where_their_character_was_made_from():
    view = change(View(model="dates"), **start.to_sample("dates", DATES[0]))
    head = attention.trace("dates", view.text).head(view.layer, view.head, "cross")
    source = [token.text for token in head.key_tokens]
    written = [token.text for token in head.query_tokens][1:]
    for row in (0, 1, 2, 3, 8, 9):  # the month's letters are not in the answer
        looked = head.weights[row].argmax()
        assert source[looked] == written[row] or (row, source[looked]) in {(0, "9"), (8, "3")}


def test_some_heads_look_from_it_to_the_cat_and_some_to_the_mat():
    trace = attention.trace("storyteller", View().text)
    row = [token.text for token in trace.tokens].index("it")
    heads = [trace.head(layer, head) for layer in range(4) for head in range(6)]
    assert {"cat", "mat"} <= {trace.tokens[head.weights[row].argmax()].text for head in heads}


@pytest.mark.parametrize(("architecture", "kinds", "place"), [
    ("BertForSequenceClassification", ("encoder",), 0), ("GPT2ForSequenceClassification", ("decoder",), 3),
    ("BertForMaskedLM", ("encoder",), 2),
])  # fmt: skip
def test_a_classifier_opens_at_the_token_that_its_head_reads(architecture, kinds, place):
    texts = ("CLS", "so", "good", "SEP")
    tokens = tuple(Token(piece=text, text=text, special=text.isupper()) for text in texts)
    trace = SimpleNamespace(model=SimpleNamespace(architecture=architecture), kinds=kinds)
    assert first_query(SimpleNamespace(query_tokens=tokens, trace=trace, kind=kinds[0])) == place


def test_the_date_that_somebody_types_opens_at_a_row_that_writes_its_last_character():
    head = attention.trace("dates", "29 February 2024").head(1, 2, "cross")
    row = head.weights[first_query(head)]
    assert head.key_tokens[row.argmax()].text == "9"
    assert row.max() > 0.9


def test_a_sample_takes_its_second_text_along_and_drops_the_last_ones():
    view = View(model="dates", pair="1998-05-03")
    assert change(view, **start.to_sample("dates", DATES[1])).pair == ""
