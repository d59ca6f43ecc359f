"""Addresses of every wrong kind: each key of a link × each wrong value, one by one and all at once.

`parse` is total (tests/view/test_view.py has its sentences); here it is held against everything a stranger may write,
then the page is opened with some of it. Addresses as bytes on the wire are in `test_server.py`.
"""

from __future__ import annotations

import base64
import zlib
from itertools import islice
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from attention.config import Limits
from attention.ui import warmup
from attention.view import PARAMETERS, View, parse, to_query
from attention.view.packing import PIECE, pack, unpack
from tests.hostile.test_texts import OURS, is_clear, no_markup
from tests.hostile.texts import KNOWN, texts
from tests.ui.test_inspect import opened, shown

NAMES = tuple(parameter.name for parameter in PARAMETERS)
HUGE = "9" * 65_536
WRONG = (
    "", " ", "-1", "+1", "1.5", "1e3", "1e999", "nan", "NaN", "inf", "-inf", "0x10", "1_0", "007", "٣", "１", "²",
    "Ⅷ", "一", "null", "None", "undefined", "true", "[]", "[1,2]", "{}", '{"a":{"b":[1]}}', "[object Object]",
    ",", ",,,,", "0,0,0", "1,2,3,-4", "0-1", "0-1,", "5-1,9-2", "-,-", "0.0.0", ".", "..", "0.1,0.1",
    "weights\0", "weights ", "WEIGHTS", "\0", "\ud800", "\u202e1", "1\u200b", "1\n", "\r\nSet-Cookie: a=b",
    "%00", "%2e%2e%2f", "%", "%zz", "%u0041",
    "a&b=c", "<script>window.__owned=1</script>", "$x$", ":red[x]", "../../etc/passwd", "' OR 1=1",
    "${7*7}", "__class__", "9" * 20, "9" * 5_000, "-" * 5_000, "1," * 5_000, "0.0," * 5_000,
    "x" * 65_536, "\u0301" * 3_000, HUGE,
)  # fmt: skip


def is_told(notice: str) -> bool:
    """A notice that can be shown as it stands: printable, and not as long as what it is about."""
    return notice.isprintable() and len(notice) < 300 and notice.endswith((".", "”"))


class TestParse:
    @pytest.mark.parametrize("name", NAMES)
    def test_each_key_with_each_wrong_value(self, name: str) -> None:
        for raw in (*WRONG, *KNOWN):
            view, notices = parse({name: raw})
            assert all(map(is_told, notices)), notices
            assert len(notices) <= 2
            again, _ = parse(to_query(view))
            assert again == view

    @pytest.mark.parametrize("name", NAMES)
    def test_each_key_many_times_over(self, name: str) -> None:
        for several in ([], [""], list(WRONG), ["1"] * 5_000, [HUGE, "1"]):
            view, notices = parse({name: several})
            assert isinstance(view, View)
            assert all(map(is_told, notices)), notices

    def test_all_keys_wrong_at_once(self) -> None:
        for raw in WRONG:
            view, notices = parse(dict.fromkeys((*NAMES, "embed", "__proto__", raw[:50]), raw))
            assert isinstance(view, View)
            assert len(notices) <= len(NAMES) + 1
            assert all(map(is_told, notices)), notices

    @settings(max_examples=60)
    @given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WRONG) | st.text() | st.lists(st.text())))
    def test_any_mixture(self, query: dict[str, str | list[str]]) -> None:
        view, notices = parse(query)
        assert all(map(is_told, notices)), notices
        assert parse(dict(parse_qsl(urlencode(to_query(view)), keep_blank_values=True)))[0] == view

    def test_every_nasty_text_comes_back_through_a_link(self) -> None:
        for text in islice(texts(5, 10_000), 400):
            if 0 < len(text) <= Limits().max_characters:
                view = View(text=text, pair=text[::-1])
                query = dict(parse_qsl(urlencode(to_query(view)), keep_blank_values=True))
                assert parse(query)[0] == view


class TestPackedTexts:
    """The one value of a link that is unpacked, and so the one that could be a bomb."""

    @pytest.mark.parametrize("letter", ["a", "\0", "😀", "\u0301"])
    def test_a_bomb_is_unpacked_no_further_than_what_is_read(self, letter: str) -> None:
        bomb = pack(letter * 5_000_000)
        assert len(bomb) < 7_000 * len(letter.encode())
        saved = unpack(bomb, 1_000)
        assert saved.too_long or not saved.text
        assert len(saved.text) + len(saved.pair) <= 4 * (2 * 1_000 + 1)
        view, notices = parse({"packed": bomb})
        assert view == View()
        assert len(notices) == 1
        assert is_told(notices[0])

    def test_endless_empty_blocks_end(self) -> None:
        """Deflate allows blocks that hold nothing: a link of them alone gives no text, and soon."""
        raw = b"\x00\x00\x00\xff\xff" * 20_000
        made, so_far = bytearray(), 0
        for start in range(0, len(raw), PIECE):
            piece = raw[start : start + PIECE]
            so_far = zlib.crc32(piece, so_far)
            made += piece + (so_far & 0xFFFF).to_bytes(2, "big")
        view, notices = parse({"packed": base64.urlsafe_b64encode(made).decode()})
        assert view == View()
        assert is_told(notices[0])

    def test_damage_anywhere_gives_a_beginning_or_a_sentence(self) -> None:
        whole = pack("The cat sat on the mat because it was tired. " * 40)
        for place in range(0, len(whole), 7):
            before, after = whole[:place], whole[place + 1 :]
            for damaged in (before, f"{before}A{after}", f"{before}é{after}", after):
                view, notices = parse({"packed": damaged})
                assert isinstance(view, View)
                assert all(map(is_told, notices)), notices


@pytest.fixture(scope="module")
def app() -> AppTest:
    """One session for all of them."""
    warmup.start()
    assert warmup._shared.wait(120)
    return opened(model="local")


class TestThePage:
    @pytest.mark.parametrize("raw", [raw for raw in WRONG if 0 < len(raw) < 5_001 and "\ud800" not in raw])
    def test_wrong_everywhere_is_a_page_with_notices(self, app: AppTest, raw: str) -> None:
        for name in NAMES:
            app.query_params[name] = raw
        app.query_params["model"] = "local"
        app.run()
        assert not app.exception, app.exception[0].value
        assert OURS not in shown(app)
        no_markup(app, raw)
        for line in "\n".join(item.value for item in app.text).splitlines():
            assert line.isprintable() or line == "\u200b", line
            assert not line.startswith("⚠") or is_clear(line)

    @pytest.mark.parametrize("raw", ["../../etc/passwd", "<b>x</b>", "a\u202eb", "x" * 300, "LOCAL", "./", "~", "$x$"])
    def test_models_that_are_none(self, app: AppTest, raw: str) -> None:
        app.query_params["model"] = raw
        app.run()
        assert not app.exception
        said = [item.value.removeprefix("⚠ ") for item in app.text if item.value.startswith("⚠")]
        assert [is_clear(one) for one in said] == [True], said
