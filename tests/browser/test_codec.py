import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from attention.browser.codec import DTYPES, pack, parse, with_store
from attention.errors import InputError

arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | numbers | st.text()
keys = st.text().filter(lambda key: key != "$array")
trees = st.recursive(
    plain | arrays,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def same(one, other) -> bool:
    if isinstance(one, np.ndarray):
        equal = np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.shape == other.shape and equal
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(trees)
def test_what_is_packed_comes_back(tree):
    assert same(tree, parse(pack(tree)))


@given(trees, st.sampled_from(["", "inspect", "eine Übung"]))
def test_the_name_of_a_store_stands_behind_a_payload_and_changes_nothing_in_it(tree, store):
    data = pack(tree)
    sent = with_store(data, store)
    assert sent.startswith(data)
    assert sent[-1 - sent[-1] : -1].decode() == store
    assert same(tree, parse(sent))


@given(trees)
def test_every_array_begins_at_a_multiple_of_8(tree):
    data = pack(tree)
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length], parse_constant=pytest.fail)
    assert all(entry["start"] % 8 == 0 for entry in header["arrays"])
    assert len(data) % 8 == 0


def test_numbers_that_json_lacks_travel_in_arrays_only():
    back = parse(pack({"a": np.array([np.nan, -np.inf], dtype=np.float32)}))
    assert np.isnan(back["a"][0])
    assert back["a"][1] == -np.inf
    for number in (float("nan"), float("inf"), np.float32("-inf")):
        with pytest.raises(InputError, match=r"tree\.a is .*put it into an array"):
            pack({"a": number})


def test_equal_arrays_travel_once():
    big = np.arange(1000, dtype=np.float32)
    assert len(pack([big, big.copy()])) < 1.2 * len(pack([big]))


def test_arrays_that_come_back_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        parse(pack(np.zeros(3, dtype=np.uint8)))[0] = 1


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a": {1, 2}}, "tree.a is a set"),
        ({1: "a"}, "keys must be text"),
        ({"$array": 0}, "keys must be text other than"),
        ([np.zeros(2, dtype=np.int64)], r"tree\[0\] is an array of int64"),
    ],
)
def test_what_cannot_travel_is_named(tree, words):
    with pytest.raises(InputError, match=words):
        pack(tree)


def broken(tree: object, entries: object) -> bytes:
    header = json.dumps({"tree": tree, "arrays": entries}).encode()
    return struct.pack("<I", len(header)) + header + bytes(-(4 + len(header)) % 8)


ENTRY = {"dtype": "float32", "shape": [2], "start": 0}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0\0", struct.pack("<I", 99) + b"{}", struct.pack("<I", 2) + b"[]", struct.pack("<I", 3) + b"NaN",
        broken({"$array": 0}, []), broken({"$array": True}, [ENTRY]), broken({"$array": -1}, [ENTRY]),
        broken(None, [ENTRY]), broken(None, [{**ENTRY, "dtype": "object"}]), broken(None, [{**ENTRY, "shape": [-1]}]),
        broken(None, [{**ENTRY, "start": 1e99}]), broken(None, [{**ENTRY, "shape": "2"}]), broken(None, [7]),
        broken(None, [{**ENTRY, "shape": [2**40]}]), broken(None, {}),
    ],
)  # fmt: skip
def test_damaged_bytes_raise_and_never_ask_for_memory(data):
    with pytest.raises(InputError):
        parse(data)


@given(st.binary(max_size=200))
def test_any_bytes_either_parse_or_raise_our_error(data):
    with contextlib.suppress(InputError):
        parse(data)
