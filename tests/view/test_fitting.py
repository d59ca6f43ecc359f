"""A view moved to a place that a trace has."""

from hypothesis import given
from hypothesis import strategies as st

from attention.view import KINDS, Place, View, fit
from attention.view.fitting import nearest
from tests.view.views import views


def place(layer: int, kind: str = "decoder", **changes: object) -> Place:
    given = {"n_heads": 3, "n_queries": 5, "n_keys": 6, "stages": ("scores", "scaled", "masked")} | changes
    return Place(kind=kind, layer=layer, **given)  # type: ignore[arg-type]


def fitted(view: View, *places: Place, default: str = "decoder") -> tuple[View, tuple[str, ...]]:
    return fit(view, places=places, default_kind=default)


def test_what_fits_stays_without_a_word() -> None:
    view = View(layer=3, head=2, query=4, stage="scaled")
    assert fitted(view, place(0), place(3)) == (view, ())
    assert fitted(View(kind="cross"), place(0), place(0, "cross")) == (View(kind="cross"), ())


def test_a_missing_layer_becomes_the_nearest_one() -> None:
    view, notices = fitted(View(layer=999), place(1), place(11))
    assert view.layer == 11
    assert notices == ("This model has no layer 999 with attention. Shown instead: layer 11.",)
    assert nearest(6, [1, 11]) == 1
    assert nearest(7, [1, 11]) == 11


def test_head_and_token_become_the_last_one() -> None:
    view, notices = fitted(View(head=9, query=5), place(0))
    assert (view.head, view.query) == (2, 4)
    assert notices == (
        "Layer 0 has heads 0 to 2, not head 9. Shown instead: head 2.",
        "This text has tokens 0 to 4, not token 5. Shown instead: token 4.",
    )
    assert fitted(View(head=1), place(0, n_heads=1))[1] == (
        "Layer 0 has only head 0, not head 1. Shown instead: head 0.",
    )


def test_heads_and_tokens_are_counted_in_the_layer_and_kind_that_is_shown() -> None:
    places = (place(0, n_heads=8), place(1, n_heads=2), place(0, "encoder", n_queries=50))
    assert fitted(View(layer=1, head=7), *places)[0].head == 1
    assert fitted(View(kind="encoder", query=40), *places) == (View(kind="encoder", query=40), ())
    assert fitted(View(query=40), *places)[0].query == 4


def test_a_missing_kind_becomes_the_default_one() -> None:
    view, notices = fitted(View(kind="cross"), place(0), place(0, "encoder"))
    assert view.kind == ""
    assert notices == ("This model has no cross attention, only decoder and encoder. Shown instead: decoder.",)


def test_a_missing_stage_becomes_the_one_before_it() -> None:
    view, notices = fitted(View(stage="softcapped"), place(0))
    assert view.stage == "scaled"
    assert notices == ("This model's scores have no step softcap. Shown instead: × scale.",)
    assert fitted(View(stage="scores"), place(0, stages=("masked",)))[0].stage == "masked"
    assert fitted(View(stage="biased"), place(0, stages=())) == (View(stage="biased"), ())


def test_what_is_chosen_beside_is_left_out_where_it_is_not_there() -> None:
    asked = View(query=1, also=(4, 1, 5), key=6, beside=((0, 2), (0, 3), (1, 0)), zoom=(0, 4, 0, 6))
    view, notices = fitted(asked, place(0))
    assert view == View(query=1, also=(4,), beside=((0, 2),))
    assert notices == ("The link names tokens or heads that are not here; they are left out.",)
    fine = View(query=1, also=(4,), key=5, beside=((0, 2),), zoom=(0, 4, 0, 5))
    assert fitted(fine, place(0)) == (fine, ())


@given(views, st.lists(st.builds(place, st.integers(0, 40), st.sampled_from(KINDS)), min_size=1))
def test_what_was_fitted_fits(view: View, places: list[Place]) -> None:
    once, _ = fit(view, places=places, default_kind=places[0].kind)
    assert fit(once, places=places, default_kind=places[0].kind) == (once, ())
