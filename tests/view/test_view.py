"""View, and its form as a link."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attention import catalogue
from attention.errors import InputError
from attention.table import keys
from attention.view import (
    DEFAULT_MODEL,
    DEFAULT_TEXT,
    MAX_BESIDE,
    MAX_INDEX,
    MAX_PINS,
    PARAMETERS,
    View,
    change,
    clean,
    label,
    parse,
    revised,
    show,
    to_query,
)
from tests.view.views import any_text, views

OLD_LINKS = json.loads((Path(__file__).parents[1] / "data" / "old_links.json").read_text(encoding="utf-8"))


def test_the_parameters_are_the_version_and_every_field_in_order() -> None:
    assert [p.name for p in PARAMETERS if p.name != "packed"] == ["v", *keys(View).values()]
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
    [of] = [parameter.of for parameter in PARAMETERS if parameter.name == name]
    assert getattr(view, of) == getattr(View(), of)
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


@pytest.mark.parametrize("old", OLD_LINKS["links"], ids=lambda old: old["link"][:60])
def test_old_links_mean_what_they_meant(old: dict[str, object]) -> None:
    """Each as an earlier state of Headlight wrote it. Never change what stands there; a new field of the view joins
    `otherwise` under its key in a link, with the value that pages had before it.
    """
    view, notices = parse(parse_qs(str(old["link"]), keep_blank_values=True))
    by_key = {keys(View)[name]: value for name, value in asdict(view).items()}
    assert json.loads(json.dumps(by_key)) == OLD_LINKS["otherwise"] | old["view"]
    assert len(notices) == old["notices"]


def test_old_links_name_every_key_there_is() -> None:
    named = {name for old in OLD_LINKS["links"] for name in parse_qs(old["link"], keep_blank_values=True)}
    assert {parameter.name for parameter in PARAMETERS} <= named


# revised


@given(views, views)
def test_a_view_takes_what_another_one_would_write(view: View, other: View) -> None:
    """The browser never sends what would need another run; "" stands for the default."""
    same = {name: getattr(view, name) for name in ("model", "text", "pair", "kind", "chat", "settings")}
    wanted = replace(other, **same)
    written = to_query(wanted)
    told = {name: written.get(key, "") for name, key in keys(View).items() if name not in same}
    assert revised(view, told) == wanted


def test_a_change_that_cannot_be_read_changes_nothing() -> None:
    view = View(layer=2, also=(3,), temperature=0.5)
    wrong = {"layer": "-1", "head": 3, "also": "1,1", "temperature": "nan", "zoom": "5-1,0-2", "unknown": "1", "v": "9"}
    assert revised(view, wrong) == view
    assert revised(view, {"also": "", "temperature": "", "head": "4"}) == View(layer=2, head=4)
    assert revised(view, {"head": "1" * 5000}) == view


# change, label


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


def test_a_head_has_a_name() -> None:
    assert label(View(layer=2, head=5)) == "Layer 2, head 5"
    assert label(View(layer=2, head=5, kind="cross")) == "Layer 2, head 5, cross-attention"


def test_view_knows_neither_streamlit_nor_torch() -> None:
    code = "import sys, attention.view; print([m for m in ('streamlit', 'torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
