"""Where a person is taken: what another model, a sample and a head that is worth a look change."""

from dataclasses import replace

import pytest

from attention.bundled import notes
from attention.catalogue import samples
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


@pytest.mark.parametrize("model", ["storyteller", "cloze", "dates"])
def test_a_head_worth_a_look_is_shown_with_its_text(model):
    for shine in notes(model).shines:
        view = change(View(model=model), **start.to_shine(shine))
        assert (view.text, view.pair, view.layer, view.head) == (shine.text, shine.pair, shine.layer, shine.head)


def test_a_sample_takes_its_second_text_along_and_drops_the_last_ones():
    view = View(model="dates", pair="1998-05-03")
    assert change(view, **start.to_sample("dates", DATES[1])).pair == ""
