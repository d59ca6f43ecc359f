"""View, its form as a link, and its fitting to a trace."""

import subprocess
import sys
from dataclasses import fields, replace
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attention import catalogue
from attention.errors import InputError
from attention.view import (
    COLDEST,
    DEFAULT_MODEL,
    DEFAULT_TEXT,
    GROUNDS,
    HIDE,
    HOTTEST,
    KINDS,
    LENSES,
    MAX_BESIDE,
    MAX_INDEX,
    MAX_PINS,
    MEASURES,
    OVER,
    PARAMETERS,
    REST,
    STAGES,
    TOGETHER,
    VALUES,
    Place,
    View,
    change,
    clean,
    fit,
    label,
    nearest,
    parse,
    revised,
    show,
    step,
    to_query,
)

any_text = st.text(st.integers(0, sys.maxunicode).map(chr), max_size=60)  # st.characters() leaves surrogates out
index = st.integers(0, MAX_INDEX)
views = st.builds(
    View,
    model=any_text.filter(str.strip),
    text=any_text,
    pair=any_text,
    kind=st.sampled_from(["", *KINDS]),
    layer=index,
    head=index,
    query=st.none() | index,
    stage=st.sampled_from(STAGES),
    values=st.sampled_from(VALUES),
    also=st.lists(index, max_size=MAX_PINS, unique=True).map(tuple),
    together=st.sampled_from(TOGETHER),
    key=st.none() | index,
    temperature=st.floats(COLDEST, HOTTEST),
    hide=st.sets(st.sampled_from(HIDE)).map(lambda some: tuple(one for one in HIDE if one in some)),
    rest=st.sampled_from(REST),
    zoom=st.none() | st.tuples(index, index, index, index).map(lambda b: (*sorted(b[:2]), *sorted(b[2:]))),
    measure=st.sampled_from(MEASURES),
    sort=st.booleans(),
    ground=st.sampled_from(GROUNDS),
    lens=st.sampled_from(LENSES),
    beside=st.lists(st.tuples(index, index), max_size=MAX_BESIDE, unique=True).map(tuple),
    least=st.floats(0, 1),
    top=index,
    over=st.sampled_from(OVER),
    ids=st.booleans(),
    chat=st.booleans(),
)


def test_the_parameters_are_the_version_and_every_field_in_order() -> None:
    assert [parameter.name for parameter in PARAMETERS] == ["v", *(field.name for field in fields(View))]
    assert all(parameter.help and parameter.accepts and parameter.default for parameter in PARAMETERS)


def test_defaults_in_words_are_the_defaults() -> None:
    for parameter in PARAMETERS:
        if parameter.name in ("layer", "head", "stage", "values", "model", "ids"):
            assert parameter.read(parameter.default) == getattr(View(), parameter.name)


def test_the_defaults_are_those_of_the_catalogue() -> None:
    assert catalogue.samples()[0].text == DEFAULT_TEXT
    assert catalogue.DEFAULT_MODEL == DEFAULT_MODEL


@given(views)
@example(View(text="\0 \ud800 \r\n\u2028 مرحبا 👩‍👩‍👧 a\u0301 +&=%20 <script>", pair="$x$ **b** :smile:"))
@example(View(text=""))
def test_parse_reads_what_to_query_writes(view: View) -> None:
    assert parse(to_query(view)) == (view, ())


@given(views)
def test_and_so_through_a_real_query_string(view: View) -> None:
    sent = urlencode(to_query(view))
    assert parse(parse_qs(sent, keep_blank_values=True, strict_parsing=True)) == (view, ())


def test_a_link_always_names_version_model_and_text_and_else_only_what_differs() -> None:
    assert to_query(View()) == {"v": "1", "model": DEFAULT_MODEL, "text": DEFAULT_TEXT}
    assert to_query(View(query=0, ids=True, layer=3)) == {
        "v": "1", "model": DEFAULT_MODEL, "text": DEFAULT_TEXT, "layer": "3", "query": "0", "ids": "1",
    }  # fmt: skip


def test_an_empty_link_is_the_default_without_a_word() -> None:
    assert parse({}) == (View(), ())
    assert parse({"model": [], "layer": []}) == (View(), ())


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        *(("layer", raw) for raw in ["1e9", "-1", "NaN", "", " 1", "1_0", "٣", "2.0", "9" * 5000, "0x1", "²"]),
        ("head", "NaN"),
        ("head", "-0"),
        ("query", "last"),
        ("query", ""),
        ("stage", "<script>alert(1)</script>"),
        ("stage", "weights"),
        ("stage", "Masked"),
        ("values", "outputs"),
        ("kind", "self"),
        ("ids", "yes"),
        ("ids", ""),
        *(("also", raw) for raw in ["", "1,", "1,1", "-1", "1;2", ",".join(map(str, range(MAX_PINS + 1)))]),
        *(("beside", raw) for raw in ["", "1", "1.", "0.1,0.1", "0.1.2"]),
        ("beside", ",".join(f"0.{i}" for i in range(MAX_BESIDE + 1))),
        *(("zoom", raw) for raw in ["", "1-2", "2-1,0-3", "0-1,0-1,0-1", "a-b,c-d"]),
        *(("temperature", raw) for raw in ["", "0", "0.01", "21", "nan", "inf", "-1", "1_0", "9" * 400, "1e5"]),
        *(("hide", raw) for raw in ["", "all", "first,", "first second"]),
        ("least", "1.5"),
        ("least", "-0"),
        ("top", "-1"),
        ("lens", "loupe"),
        ("model", ""),
        ("model", "   "),
        ("model", "m" * 1_000_000),
        ("text", "a" * 1_000_000),
        ("pair", "a" * 20_001),
    ],
)
def test_a_bad_value_becomes_the_default_with_one_notice_that_names_it(name: str, raw: str) -> None:
    view, notices = parse({"v": "1", name: raw, "ids" if name != "ids" else "layer": "1"})
    assert getattr(view, name) == getattr(View(), name)
    assert view.ids or view.layer == 1, "what was fine must survive"
    assert len(notices) == 1
    assert notices[0].startswith(f"The link's {name} ")
    assert len(notices[0]) < 300


def test_a_notice_says_what_was_wrong_what_is_allowed_and_what_is_shown() -> None:
    assert parse({"layer": "1e9"})[1] == (
        "The link's layer is “1e9”; it must be a whole number from 0. Shown instead: 0.",
    )
    assert parse({"stage": "soft"})[1] == (
        "The link's stage is “soft”; it must be scores, scaled, softcapped, biased or masked. Shown instead: masked.",
    )
    assert parse({"text": "a" * 20_001})[1] == (
        "The link's text has 20,001 characters; at most 20,000 are read here. Shown instead: the first sample.",
    )


def test_the_longest_text_is_read_and_the_limit_can_be_set() -> None:
    assert parse({"text": "é" * 20_000}) == (View(text="é" * 20_000), ())
    assert parse({"text": "abcd"}, max_characters=3)[0].text == DEFAULT_TEXT
    assert parse({"text": "abc"}, max_characters=3) == (View(text="abc"), ())


def test_the_largest_index_is_read_and_no_larger() -> None:
    assert parse({"layer": str(MAX_INDEX), "head": "007"}) == (View(layer=MAX_INDEX, head=7), ())
    assert parse({"layer": str(MAX_INDEX + 1)})[0].layer == 0


def test_a_model_that_is_a_path_is_for_the_models_to_refuse() -> None:
    assert parse({"model": "../../etc/passwd"}) == (View(model="../../etc/passwd"), ())
    assert parse({"model": "org/name@main"}) == (View(model="org/name@main"), ())


def test_of_a_repeated_key_the_last_counts_and_it_is_said() -> None:
    view, notices = parse({"layer": ["1", "2", "3"]})
    assert view.layer == 3
    assert notices == ("The link names layer 3 times; the last one counts.",)
    assert parse({"layer": ["2", "2"]}) == (View(layer=2), ())


def test_another_version_is_noticed_and_what_is_known_of_it_is_shown() -> None:
    view, notices = parse({"v": "2", "layer": "4"})
    assert view == View(layer=4)
    assert notices == ("The link is of version “2”, this page reads version 1: what it knows of it is shown.",)


@pytest.mark.parametrize("key", ["utm_source", "embed", "embed_options", "Layer", "__class__"])
def test_foreign_keys_are_ignored_in_silence(key: str) -> None:
    assert parse({key: "true"}) == (View(), ())


def test_broken_characters_become_visible_and_are_noticed() -> None:
    view, notices = parse({"text": "a\0b\ud800c"})
    assert view.text == "a\ufffdb\ufffdc"
    assert notices == ("The link's text holds broken characters; each became “\ufffd”.",)
    assert clean("plain\n\tمرحبا👩‍👧") == "plain\n\tمرحبا👩‍👧"


@given(st.dictionaries(st.sampled_from([p.name for p in PARAMETERS]), any_text | st.lists(any_text, max_size=3)))
def test_parse_is_total_and_what_it_gives_is_a_link_again(query: dict[str, str | list[str]]) -> None:
    view, notices = parse(query)
    assert parse(to_query(view)) == (view, ())
    assert all(notice.isprintable() for notice in notices)


def test_a_strangers_text_is_shortened_and_its_hidden_characters_written_out() -> None:
    assert show("a\nb\u202ec\0") == "“aU+000AbU+202EcU+0000”"
    assert show("\u2028\ud800") == "“U+2028U+D800”"
    assert show("x" * 41) == "“" + "x" * 39 + "…”"
    assert show("x" * 40) == "“" + "x" * 40 + "”"


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""}, {"model": "m" * 301}, {"kind": "self"}, {"stage": "weights"}, {"values": "both"},
        {"layer": -1}, {"head": MAX_INDEX + 1}, {"query": -1}, {"layer": 1.5}, {"head": float("nan")}, {"head": None},
    ],
)  # fmt: skip
def test_a_view_refuses_what_no_page_can_show(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"A view's {next(iter(wrong))} must be "):
        View(**wrong)  # type: ignore[arg-type]


# revised


@given(views, views)
def test_a_view_takes_what_another_one_would_write(view: View, other: View) -> None:
    """The browser never sends what would need another run; "" stands for the default."""
    same = {name: getattr(view, name) for name in ("model", "text", "pair", "kind", "chat")}
    wanted = replace(other, **same)
    everything = {name: "" for name in (p.name for p in PARAMETERS) if name not in ("v", *same)}
    assert revised(view, everything | {k: v for k, v in to_query(wanted).items() if k not in same}) == wanted


def test_a_change_that_cannot_be_read_changes_nothing() -> None:
    view = View(layer=2, also=(3,), temperature=0.5)
    wrong = {"layer": "-1", "head": 3, "also": "1,1", "temperature": "nan", "zoom": "5-1,0-2", "unknown": "1", "v": "9"}
    assert revised(view, wrong) == view
    assert revised(view, {"also": "", "temperature": "", "head": "4"}) == View(layer=2, head=4)
    assert revised(view, {"head": "1" * 5000}) == view


# change, step, label


def test_another_text_drops_the_pin_and_another_model_starts_at_its_first_head() -> None:
    view = View(layer=5, head=3, query=7, kind="cross", stage="scaled")
    assert change(view, text="new") == View(layer=5, head=3, kind="cross", stage="scaled", text="new")
    assert change(view, model="other") == View(model="other", stage="scaled")
    assert change(view, model="other", layer=2) == View(model="other", stage="scaled", layer=2)
    assert change(view, kind="encoder").query is None
    paired = View(pair="second", layer=1)
    assert change(paired, model="other") == View(model="other"), "few models take a second text"
    assert change(paired, model="other", pair="own") == View(model="other", pair="own")
    assert change(paired, model=paired.model, text="new").pair == "second"
    assert change(view, head=4, text=view.text, model=view.model).query == 7


def test_steps_skip_missing_layers_and_hold_at_the_edges() -> None:
    hybrid = [3, 7, 11]
    here = View(layer=7, head=1, query=2)
    assert step(here, layers=hybrid, n_heads=2, d_layer=1) == View(layer=11, head=1, query=2)
    assert step(here, layers=hybrid, n_heads=2, d_layer=-5).layer == 3
    assert step(View(layer=11), layers=hybrid, n_heads=2, d_layer=1).layer == 11
    assert step(here, layers=hybrid, n_heads=2, d_head=1).head == 1
    assert step(here, layers=hybrid, n_heads=2, d_head=-1).head == 0
    assert step(View(head=0), layers=[0], n_heads=2, d_head=-1).head == 0
    assert step(View(layer=8), layers=hybrid, n_heads=2, d_layer=1).layer == 11, "from the nearest one"
    assert step(here, layers=hybrid, n_heads=2) == here


def test_a_head_has_a_name() -> None:
    assert label(View(layer=2, head=5)) == "Layer 2, head 5"
    assert label(View(layer=2, head=5, kind="cross")) == "Layer 2, head 5, cross-attention"


# fit


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


def test_view_knows_neither_streamlit_nor_torch() -> None:
    code = "import sys, attention.view; print([m for m in ('streamlit', 'torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
