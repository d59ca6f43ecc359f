"""View, its form as a link and as a file, and its fitting to a trace."""

import base64
import contextlib
import json
import random
import string
import subprocess
import sys
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attention import catalogue
from attention.errors import InputError
from attention.layer_settings import LOCAL
from attention.table import keys
from attention.view import (
    COLDEST,
    COUNTED_ON,
    DEFAULT_MODEL,
    DEFAULT_TEXT,
    DETAILS,
    HIDE,
    HOTTEST,
    KINDS,
    LONGEST_QUERY,
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
    fits_address,
    from_file,
    label,
    most_bytes,
    parse,
    revised,
    show,
    to_address,
    to_file,
    to_query,
)
from attention.view.fitting import nearest
from attention.view.packing import CHECK, PIECE, Saved, pack, unpack
from attention.view.url import READABLE
from tests.test_layer_settings import some_settings

OLD_LINKS = json.loads((Path(__file__).parents[1] / "data" / "old_links.json").read_text(encoding="utf-8"))

any_text = st.text(st.integers(0, sys.maxunicode).map(chr), max_size=60)  # st.characters() leaves surrogates out
# A few characters many times over, and no text at all that repeats: both sides of each limit.
long_text = st.builds(lambda text, times: (text * times)[:19_000], any_text, st.integers(1, 400)) | st.builds(
    lambda start, count: "".join(map(chr, range(start, start + count))), st.integers(1, 40_000), st.integers(0, 4_000)
)
index = st.integers(0, MAX_INDEX)
views = st.builds(
    View,
    model=any_text.filter(str.strip) | st.just(LOCAL),
    text=any_text | long_text,
    pair=any_text | long_text,
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
    counted_on=st.sampled_from(COUNTED_ON),
    details=st.sampled_from(DETAILS),
    beside=st.lists(st.tuples(index, index), max_size=MAX_BESIDE, unique=True).map(tuple),
    least=st.floats(0, 1),
    top=index,
    over=st.sampled_from(OVER),
    ids=st.booleans(),
    chat=st.booleans(),
    settings=some_settings(),
)


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


# Short links


def test_a_text_is_packed_where_it_is_long_and_that_is_shorter() -> None:
    """Readable up to the limit, whatever packing would bring; above it the shorter of the two."""
    longest = "é" * ((READABLE - len("text=")) // len("%C3%A9")) + "a"
    assert to_query(View(text=longest))["text"] == longest
    assert "packed" in to_query(View(text=longest + "é"))
    assert "text" not in to_query(View(text=longest + "é", pair="x"))


def test_a_text_that_packing_makes_longer_stays_readable() -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters + string.digits + "-_", k=2_000))
    assert to_query(View(text=noise))["text"] == noise


def english() -> str:
    """The README of this project, as one line: English, and no text that was chosen for being easy to pack."""
    return " ".join((Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8").split())


def test_2900_characters_of_english_fit_into_an_address() -> None:
    view = View(model="openai-community/gpt2", text=english()[:2_900], layer=11, head=11, query=100, stage="scaled")
    assert fits_address(view)
    assert len(urlencode(to_address(view))) <= LONGEST_QUERY == 2_048
    assert parse(to_address(view)) == (view, ())
    assert len(urlencode({"text": view.text})) > 1.5 * len(urlencode(to_address(view)))


def test_an_address_leaves_out_what_is_too_long_and_says_so() -> None:
    view = View(text=english()[:6_000], pair="second", layer=3)
    assert not fits_address(view)
    address = to_address(view)
    assert len(urlencode(address)) < 200
    assert set(address) == {"v", "model", "layer", "packed"}
    assert address != to_address(replace(view, text=view.text + ".")), "two texts are two addresses"
    read, notices = parse(address)
    assert read == View(layer=3)
    assert notices == (
        "This link does not carry its text. Its text was too long for a link: ask whoever sent it for the file.",
    )
    assert parse(to_query(view)) == (view, ()), "a query itself is complete"


def test_a_short_text_is_left_out_too_where_the_rest_fills_the_address() -> None:
    view = View(model="模" * 300, text="short")
    assert not fits_address(view)
    assert parse(to_address(view))[1][0].startswith("This link does not carry its text.")
    assert parse(to_query(view)) == (view, ())


@given(views)
def test_an_address_is_the_query_where_that_fits_and_else_carries_no_text(view: View) -> None:
    """Against the plain rule; the texts' part is kept from one view to the next."""
    query, address = to_query(view), to_address(view)
    assert fits_address(view) == (len(urlencode(query)) <= LONGEST_QUERY)
    assert address == query if fits_address(view) else not {"text", "pair"} & set(address)
    assert fits_address(view) or address["packed"].startswith("file.")


def test_a_page_packs_a_long_paste_once() -> None:
    paste = View(text=english() * 20)
    with patch("attention.view.url.pack", wraps=pack) as packs:
        for layer in range(5):
            to_address(replace(paste, layer=layer))
            fits_address(replace(paste, layer=layer))
    assert packs.call_count == 1


def test_a_link_that_was_cut_gives_the_text_before_the_cut() -> None:
    text, pair = english()[:2_000], "The second text. " * 9
    packed = pack(text, pair)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    squeezed = squeezer.compress(f"{text}\0{pair}".encode()) + squeezer.flush()
    saved_all = 0
    for length in range(len(packed)):
        pieces = length * 3 // 4 // (PIECE + CHECK)
        there = zlib.decompressobj(-15).decompress(squeezed[: pieces * PIECE]).decode(errors="ignore")
        try:
            saved = unpack(packed[:length], 20_000)
        except ValueError:
            assert not there
            continue
        # All whole pieces; of the last one its checksum may be missing, and then it is not trusted.
        assert (saved.text, saved.pair, saved.whole) == (*f"{there}\0".split("\0")[:2], False)
        saved_all += 1
    assert saved_all > 0.9 * len(packed)
    assert unpack(packed, 20_000) == Saved(text, pair, whole=True)


@given(st.data())
def test_a_link_with_one_wrong_sign_gives_a_true_beginning_or_nothing(data: st.DataObject) -> None:
    text = english()[:1_500]
    packed = pack(text)
    place = data.draw(st.integers(0, len(packed) - 1))
    sign = data.draw(st.sampled_from("Az0_~ é%").filter(lambda one: one != packed[place]))
    view, notices = parse({"packed": packed[:place] + sign + packed[place + 1 :]})
    if view.text == text:
        # Bits of the last sign that fall into no byte.
        assert place == len(packed) - 1
        return
    assert len(notices) == 1
    assert text.startswith(view.text) or view.text == DEFAULT_TEXT
    assert ("were saved" in notices[0]) == (view.text != DEFAULT_TEXT)


def test_what_mail_programs_do_to_a_long_link_does_no_harm() -> None:
    text = english()[:1_500]
    packed = pack(text)
    assert parse({"packed": packed[:76] + "\r\n " + packed[76:] + "."})[0].text == text
    assert parse({"packed": packed + "=="}) == (View(text=text), ())


def test_both_kinds_of_text_in_one_link_are_told_apart() -> None:
    view, notices = parse({"packed": pack("packed " * 100), "text": "readable"})
    assert view == View(text="readable")
    assert notices == ("The link names its text twice; the readable one counts.",)


def bomb(size: int) -> str:
    """A packed link with right checksums whose text is `size` times the letter a."""
    return pack("a" * size)


def test_a_packed_text_is_never_longer_than_what_is_read() -> None:
    assert parse({"packed": bomb(20_000)}) == (View(text="a" * 20_000), ())
    for size in (20_001, 80_010, 50_000_000):
        view, notices = parse({"packed": bomb(size)})
        assert view == View()
        assert notices == (
            "The link's text has more than 20,000 characters, the most that are read here. "
            "Shown instead: the first sample.",
        )
    saved = unpack(bomb(50_000_000), 1_000)
    assert saved.too_long
    assert len(saved.text) <= 4 * (2 * 1_000 + 1)


def test_bytes_with_right_checksums_that_are_no_text_are_refused() -> None:
    def checked(data: bytes) -> str:
        made = data + (zlib.crc32(data) & 0xFFFF).to_bytes(2, "big")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    latin = squeezer.compress(b"caf\xe9 au lait") + squeezer.flush()
    assert parse({"packed": checked(latin)})[0].text == "caf"
    assert "first 3 characters" in parse({"packed": checked(latin)})[1][0]
    for nothing in (checked(b"\xff\xff\xff"), checked(b""), "", "A", "****", "é"):
        view, notices = parse({"packed": nothing})
        assert view == View()
        assert notices == (
            "The link's text is damaged, and nothing of it can be read. Shown instead: the first sample.",
        )


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


# Files


@given(views)
@example(View(text="a" * 20_000, pair="\N{GRINNING FACE}" * 20_000))
def test_a_file_holds_every_view(view: View) -> None:
    made = to_file(view)
    assert from_file(made) == view
    assert len(made) <= most_bytes(20_000)
    assert from_file(json.dumps(json.loads(made)).encode()) == view, "however its JSON is written"


def test_a_file_can_be_read_by_a_person() -> None:
    assert json.loads(to_file(View(text="é", layer=2))) == {
        "format": "headlight-view", "version": 1,
        "view": {"v": "1", "model": DEFAULT_MODEL, "text": "é", "layer": "2"},
    }  # fmt: skip
    assert "é".encode() in to_file(View(text="é"))


GOOD = {"format": "headlight-view", "version": 1, "view": {"v": "1", "text": "a"}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not valid JSON"), (b"{", "not valid JSON"), (b"\xff\xfe", "not valid JSON"), (b"[" * 100_000, "JSON"),
        (b'{"a": 1, "a": 2}', "not valid JSON"), (b"9" * 5_000, "JSON"), (b"NaN", "does not say so"),
        (b"[]", "does not say so"), (b"{}", "does not say so"), (b'{"format": "other"}', "does not say so"),
        *((GOOD | {"version": wrong}, "not of version 1") for wrong in (0, 2, True, 1.0, "1", None, [[]])),
        *((GOOD | {"view": wrong}, "damaged") for wrong in (None, [], "v=1", {"layer": 1}, {"text": None})),
        (GOOD | {"more": 1}, "damaged"),
        (GOOD | {"view": {"packed": "x"}}, "names “packed”"), (GOOD | {"view": {"colour": "x"}}, "names “colour”"),
        (GOOD | {"view": {"layer": "x"}}, "layer is “x”"), (GOOD | {"view": {"v": "2"}}, "version “2”"),
        (GOOD | {"view": {"text": "a" * 20_001}}, "at most 20,000"), (GOOD | {"view": {"text": "a\0"}}, "broken"),
        (b" " * 500_001, "at most 20,000 characters has fewer"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_a_sentence(data: bytes | dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        from_file(data if isinstance(data, bytes) else json.dumps(data).encode())
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(["format", "version", "view", "text"]), inner, max_size=4),
    max_leaves=8).map(lambda tree: json.dumps(tree).encode()))  # fmt: skip
def test_reading_a_file_gives_a_view_or_a_sentence(data: bytes) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(from_file(data), View)


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
