"""A view as a file, and back."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attention.errors import InputError
from attention.view import DEFAULT_MODEL, View, from_file, most_bytes, to_file
from tests.view.views import views


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
