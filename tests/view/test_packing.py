"""Short links: a long text packed, cut and damaged."""

import base64
import random
import string
import zlib
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from attention.view import DEFAULT_TEXT, LONGEST_QUERY, View, fits_address, parse, to_address, to_query
from attention.view.packing import CHECK, PIECE, Saved, pack, unpack
from attention.view.url import READABLE
from tests.view.views import views


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
    """What docs/architecture.md once said, as one line: English, and no text that was chosen for being easy to pack."""
    return " ".join((Path(__file__).parents[1] / "data" / "english.txt").read_text(encoding="utf-8").split())


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
