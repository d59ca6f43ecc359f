"""Edits as values and as lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention.edits import HOWS, MOST_EDITS, VERBS, Edit, edit_of, edits_of, without_tokens, written
from attention.errors import InputError
from attention.view import View, change, parse, to_query

numbers = st.none() | st.integers(0, 999_999)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """Any edit: fields are drawn freely, and those that do not fit are drawn again."""
    verb = draw(st.sampled_from(VERBS))
    fields: dict[str, Any] = {
        "verb": verb, "kind": draw(st.sampled_from(("", "encoder", "decoder", "cross"))),
        "layer": None if verb == "hide" else draw(st.integers(0, 99)) if verb != "cut" else draw(numbers),
        "query": draw(numbers) if verb in ("off", "cut", "even", "patch") else None,
        "key": draw(st.integers(0, 999)) if verb in ("cut", "hide") else None,
        "how": draw(st.sampled_from(HOWS.get(verb, ("",)))),
    }  # fmt: skip
    fields["head"] = None if fields["layer"] is None else draw(numbers)
    if verb == "temper":
        fields["temperature"] = draw(st.floats(0.05, 20))
    return Edit(**fields)


@given(edits())
def test_a_line_means_the_edit_that_wrote_it(edit: Edit) -> None:
    assert edit_of(str(edit)) == edit
    assert "," not in str(edit)


@given(st.lists(edits(), max_size=6))
def test_edits_travel_in_a_link(several: list[Edit]) -> None:
    view = View(edits=tuple(dict.fromkeys(several)))
    assert parse(to_query(view)) == (view, ())
    assert edits_of(written(view.edits)) == view.edits


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no edit"), ("off", "needs a layer"), ("off-", "no edit"), ("off-02.5", "no edit"),
        ("explode-3", "no edit"),
        ("off-2.5-zero", "no edit"), ("cut-2.5-q7", "needs a key"), ("temper-2.5", "no edit"), ("off-2.5-k3", "no key"),
        ("temper-2.5-t99", "0.05 to 20"), ("hide-2-k3", "every layer"), ("even-2.5-mean", "no edit"),
        ("off-2.5-mean-mean", "no edit"), ("off-2.5-output", "no edit"), ("off-9999999.1", "no edit"),
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused_with_a_reason(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        edit_of(line)


@pytest.mark.parametrize(
    "fields",
    [
        {"verb": "off"}, {"verb": "off", "head": 1}, {"verb": "off", "layer": -1}, {"verb": "off", "layer": True},
        {"verb": "melt", "layer": 1}, {"verb": "off", "layer": 1, "kind": "both"}, {"verb": "hide"},
        {"verb": "off", "layer": 1, "how": "output"}, {"verb": "off", "layer": 1, "temperature": 2.0},
        {"verb": "temper", "layer": 1, "temperature": float("nan")}, {"verb": "temper", "layer": 1, "query": 2},
    ],
)  # fmt: skip
def test_values_that_fit_no_verb_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Edit(**fields)


def test_equal_edits_count_once_and_there_is_a_most() -> None:
    assert edits_of("off-0.1,off-0.1") == (Edit(verb="off", layer=0, head=1),)
    assert len(edits_of([f"off-0.{head}" for head in range(MOST_EDITS)])) == MOST_EDITS
    with pytest.raises(InputError, match="At most 64"):
        edits_of([f"off-0.{head}" for head in range(MOST_EDITS + 1)])
    for many in (MOST_EDITS + 1, MOST_EDITS + 2, 5_000):
        with pytest.raises(InputError, match="At most 64"):
            edits_of(",".join(f"off-0.{head}" for head in range(many)))
    assert edits_of("") == edits_of([]) == ()


def test_another_text_keeps_edits_that_name_no_token_and_the_pin_stays_with_an_edit() -> None:
    view = View(edits=edits_of("off-2.5,cut-0.1-q3-k2,hide-k1,patch-0.1"), query=4, layer=2, head=3)
    assert change(view, text="Another one").edits == edits_of("off-2.5") == without_tokens(view.edits)
    assert change(view, model="cloze").edits == ()
    after = change(view, edits=())
    assert (after.query, after.layer, after.head) == (4, 2, 3)


def test_what_a_patch_takes_from_decides_a_run_only_where_there_is_a_patch() -> None:
    plain, patched = View(patch_text="x"), View(patch_text="x", edits=edits_of("patch-0.1"))
    assert plain.prompt == View().prompt
    assert patched.prompt != View(patch_text="y", edits=patched.edits).prompt
    assert patched.unedited == View().prompt
    assert View(model="local", edits=patched.edits).edits == ()
