"""Two views in one link: what is written is read back, and whatever stands in a link there is a comparison."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention.edits import edits_of
from attention.layer_settings import LocalSettings
from attention.table import keys, rows
from attention.view import (
    LONGEST_QUERY,
    Comparison,
    View,
    address_of,
    comparison_address,
    comparison_fits,
    comparison_query,
    is_of_second,
    parse,
    parse_comparison,
    to_query,
)

TEXTS = st.text(max_size=20) | st.text(min_size=200, max_size=900)
VIEWS = st.builds(
    View, model=st.sampled_from(["storyteller", "local", "a/b@c"]), text=TEXTS, pair=TEXTS, chat=st.booleans(),
    settings=st.sampled_from([LocalSettings(), LocalSettings(n_heads=2, causal=False)]),
    edits=st.sampled_from([(), edits_of("off-2.3"), edits_of("off-2,cut-1.0-q3-k1")]),
    kind=st.sampled_from(["", "decoder", "cross"]), layer=st.integers(0, 9), head=st.integers(0, 9),
    query=st.none() | st.integers(0, 9), also=st.sampled_from([(), (3, 5)]), key=st.none() | st.integers(0, 9),
    stage=st.sampled_from(["scores", "masked"]), temperature=st.sampled_from([1.0, 0.5]),
    hide=st.sampled_from([(), ("first", "sink")]), zoom=st.sampled_from([None, (0, 4, 1, 5)]), ids=st.booleans(),
    beside=st.sampled_from([(), ((0, 1), (2, 3))]), least=st.sampled_from([0.0, 0.25]), top=st.integers(0, 3),
)  # fmt: skip
# The first differs from the second here and there, as two sides do.
COMPARISONS = st.builds(
    lambda one, other, names: Comparison(
        first=one, second=replace(one, **{name: getattr(other, name) for name in names})
    ),
    VIEWS, VIEWS, st.sets(st.sampled_from(sorted(rows(View)))),
)  # fmt: skip
SOME = ["", "0", "-1", "1.5", "storyteller", "off-2.3", "file.abc", "\ud800"]
ANYTHING = st.text(max_size=12) | st.sampled_from(SOME)
ALL_KEYS = [prefix + key for prefix in ("", "b.") for key in (*keys(View).values(), "packed", "v", "utm")]


@given(COMPARISONS)
def test_a_link_gives_back_what_it_was_made_of(comparison: Comparison) -> None:
    query = comparison_query(comparison)
    assert parse_comparison(query) == (comparison, ())
    assert parse_comparison(comparison_query(comparison.swapped)) == (comparison.swapped, ())
    # As an address carries it: letters, digits and signs of percent.
    assert parse_comparison(parse_qs(urlencode(query), keep_blank_values=True)) == (comparison, ())


@given(COMPARISONS)
def test_the_plain_keys_are_the_first_side_and_others_say_where_the_second_differs(comparison: Comparison) -> None:
    query = comparison_query(comparison)
    plain = {key: value for key, value in query.items() if not key.startswith("b.")}
    assert plain == to_query(comparison.first)
    assert parse(query) == (comparison.first, ())
    named = {key.removeprefix("b.") for key in query.keys() - plain.keys()}
    differing = {keys(View)[name] for name in comparison.differing}
    assert named - {"packed"} <= differing
    assert differing - {"text", "pair"} <= named
    assert all(is_of_second(f"b.{key}") for key in named)


@given(st.dictionaries(st.sampled_from(ALL_KEYS), ANYTHING | st.lists(ANYTHING, max_size=3)))
def test_whatever_a_link_says_there_is_a_comparison(query: dict[str, Any]) -> None:
    comparison, notices = parse_comparison(query)
    assert isinstance(comparison, Comparison)
    assert comparison.first == parse(query)[0]
    assert all(isinstance(one, str) and one for one in notices)
    assert parse_comparison(comparison_query(comparison)) == (comparison, ())


@pytest.mark.parametrize("name", sorted(rows(View)))
def test_each_field_may_differ_and_a_bad_value_is_as_on_the_first_side(name: str) -> None:
    key = f"b.{keys(View)[name]}"
    assert is_of_second(key)
    first = View(layer=3, query=2, temperature=0.5)
    comparison, notices = parse_comparison(to_query(first) | {key: "\N{SNOWMAN}" * 400})
    if name in ("text", "pair", "patch_text"):
        assert getattr(comparison.second, name) == "\N{SNOWMAN}" * 400
        return
    assert comparison == Comparison(first=first, second=first)
    (notice,) = notices
    assert key in notice
    assert notice.endswith("Shown instead: as on the first side.")


def test_a_default_on_the_second_side_is_said_where_the_first_has_another_value() -> None:
    first = View(layer=3, head=2, query=4, zoom=(0, 3, 0, 3), hide=("first",), pair="more")
    query = comparison_query(Comparison(first=first, second=View()))
    own = {key: value for key, value in query.items() if key.startswith("b.")}
    assert own == {"b.pair": "", "b.layer": "0", "b.head": "0", "b.query": "", "b.zoom": "", "b.hide": ""}


def test_a_link_of_one_view_is_a_comparison_of_equal_sides() -> None:
    view = View(text="x", layer=2)
    assert parse_comparison(to_query(view)) == (Comparison(first=view, second=view), ())
    assert comparison_query(Comparison(first=view, second=view)) == to_query(view)
    assert address_of(view) == to_query(view)


def test_texts_that_are_too_long_for_an_address_are_left_out_and_it_says_so() -> None:
    # What does not deflate.
    long = "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(900))
    short = View(text="The cat sat.")
    one = Comparison(first=short, second=replace(short, text=long))
    assert not comparison_fits(one)
    address = comparison_address(one)
    assert len(urlencode(address)) <= LONGEST_QUERY
    read, notices = parse_comparison(address)
    assert read.first == read.second == short, "the first side's text is carried"
    assert "does not carry its text" in notices[0]
    both = Comparison(first=replace(short, text=long), second=replace(short, text=long[::-1]))
    address = comparison_address(both)
    assert len(urlencode(address)) <= LONGEST_QUERY
    assert address["packed"].startswith("file.")
    assert address["b.packed"].startswith("file.")
    assert address["packed"] != address["b.packed"]
    assert comparison_fits(Comparison(first=short, second=short))


def test_a_text_of_the_second_side_that_is_longer_than_what_is_read_is_refused() -> None:
    view = View(text="a")
    comparison, notices = parse_comparison(to_query(view) | {"b.text": "x" * 50}, max_characters=20)
    assert comparison.second == view
    assert "b.text has 50 characters" in notices[0]


def test_swapped_twice_is_the_same() -> None:
    comparison = Comparison(first=View(), second=View(layer=1, temperature=2.0))
    assert comparison.swapped.swapped == comparison
    assert comparison.swapped.first == comparison.second
    assert comparison.differing == ("layer", "temperature")
