"""Files from strangers: each is refused with one InputError sentence, or is the run that was saved. Nothing else."""

import io
import json
import pickle
import random
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import attention
from attention.browser import overview, parts, store
from attention.config import Limits
from attention.errors import HeadlightError, InputError
from attention.export import from_npz, to_npz
from attention.export import members as npz
from attention.record import Trace
from attention.view import View
from tests.export.made import SORTS

Members = dict[str, bytes]
LIMITS = Limits(max_tokens=64)


def saved(sort: str, **view: Any) -> bytes:
    trace = SORTS[sort]()
    kind = trace.kinds[-1]
    return to_npz(trace, View(kind=kind, **view))


@pytest.fixture(scope="module")
def good() -> bytes:
    return to_npz(attention.trace("local", "The cat sat on it."), View(head=1, query=2, values="contribution"))


@pytest.fixture(scope="module")
def rich() -> bytes:
    """A file with a mask, a bias, a sink and shared arrays."""
    return saved("tensors without rules", layer=1)


def unzipped(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def zipped(
    members: Members | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, level: int | None = None
) -> bytes:
    """level: how hard they are packed, 1 for the quickest."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=level) as file:
        for name, content in members.items() if isinstance(members, dict) else members:
            file.writestr(name, content)
    return out.getvalue()


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=True)
    return out.getvalue()


def about_of(data: bytes) -> dict[str, Any]:
    return dict(json.loads(np.load(io.BytesIO(unzipped(data)["about.npy"])).tobytes()))


def with_text(data: bytes, text: bytes) -> bytes:
    return zipped(unzipped(data) | {"about.npy": npy(np.frombuffer(text, np.uint8))})


def with_about(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    about = about_of(data)
    change(about)
    return with_text(data, json.dumps(about).encode())


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(InputError) as caught:
        from_npz(data, limits)
    words = str(caught.value)
    assert 20 < len(words) < 500
    assert "\n" not in words
    assert "Traceback" not in words
    return words


def test_a_file_that_numpy_wrote_again_is_read(good: bytes) -> None:
    arrays = dict(np.load(io.BytesIO(good)))
    for write in (np.savez, np.savez_compressed):
        out = io.BytesIO()
        write(out, **arrays)
        assert from_npz(out.getvalue(), LIMITS).view.head == 1


# The container


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"hello" * 100, bytes(100), pickle.dumps([1])])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    refused(data)


def test_a_truncated_file_is_refused_wherever_it_ends(good: bytes) -> None:
    for end in range(0, len(good), 97):
        refused(good[:end])


def test_a_file_with_something_before_or_behind_it_is_refused(good: bytes) -> None:
    for data in (good + b"x", b"x" + good, good + good):
        refused(data)


def test_a_bomb_is_refused_before_it_is_unpacked(good: bytes) -> None:
    bomb = zipped(unzipped(good) | {"bomb.npy": npy(np.zeros(30_000_000, np.float32))})
    assert len(bomb) < 500_000
    tracemalloc.start()
    assert "120 MB" in refused(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_many_small_members_add_up(good: bytes) -> None:
    bomb = zipped(unzipped(good) | {f"a{i}.npy": npy(np.zeros(2**18, np.float32)) for i in range(20)})
    assert "Unpacked" in refused(bomb)


def test_a_size_that_lies_is_found_out(good: bytes) -> None:
    """The list of members says little, the packed bytes hold much: no more than what was said is unpacked."""
    name = b"decoder.0.query.npy"
    raw = npy(np.zeros(20_000_000, np.float32))
    data = bytearray(zipped({**unzipped(good), name.decode(): raw}))
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(name))
    struct.pack_into("<I", data, place + 24, 200)  # its unpacked size
    tracemalloc.start()
    refused(bytes(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_long_list_of_members_is_refused_before_it_is_read() -> None:
    data = bytearray(zipped({"a.npy": b"x"}))
    struct.pack_into("<H", data, len(data) - 12, 30_000)
    assert "list of members" in refused(bytes(data))
    big = zipped([(f"{i:040d}.npy", b"") for i in range(50_000)], zipfile.ZIP_STORED)
    tracemalloc.start()
    assert "list of members" in refused(big)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", [
    "../evil.npy", "/etc/evil.npy", "..\\evil.npy", "C:evil.npy", "a/b.npy", "a.txt", "evil", ".npy", "a b.npy",
    "ä.npy", "a\n.npy", "a" * 300 + ".npy", "folder/",
])  # fmt: skip
def test_names_that_are_no_arrays_are_refused(good: bytes, name: str) -> None:
    assert "not the name of an array" in refused(zipped(unzipped(good) | {name: npy([1.0])}))


def test_a_name_that_stands_twice_is_refused(good: bytes) -> None:
    members = list(unzipped(good).items())
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped([*members, members[3]])
    assert "two members" in refused(twice)
    assert "two members" in refused(zipped([*members, ("ABOUT.npy", members[0][1])]))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(good: bytes, method: int) -> None:
    assert "packed in a way" in refused(zipped(unzipped(good), method))


def test_encrypted_members_are_refused(good: bytes) -> None:
    data = bytearray(good)
    place = data.index(b"PK\x01\x02")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\x01\x02", place + 1)
    refused(bytes(data))


# The arrays


class Evil:
    """Would run on unpickling."""

    ran = False

    def __reduce__(self) -> Any:
        return (setattr, (Evil, "ran", True))


@pytest.mark.parametrize("member", ["decoder.0.query.npy", "about.npy", "weights.npy"])
def test_a_pickle_is_never_opened(good: bytes, member: str) -> None:
    evil = np.empty(1, dtype=object)
    evil[0] = Evil()
    assert "never pickles" in refused(zipped(unzipped(good) | {member: npy(evil)}))
    refused(zipped(unzipped(good) | {member: pickle.dumps(Evil())}))
    assert not Evil.ran


HEADERS = {
    "larger than its bytes": b"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999999999999, 9), }",
    "smaller than its bytes": b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
    "no numbers": b"{'descr': '|O', 'fortran_order': False, 'shape': (4, 7, 16), }",
    "text": b"{'descr': '<U4', 'fortran_order': False, 'shape': (4, 7, 16), }",
    "fields": b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4, 7, 16), }",
    "negative": b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -7, 16), }",
    "other order": b"{'descr': '<f4', 'fortran_order': True, 'shape': (4, 7, 16), }",
    "big-endian": b"{'descr': '>f4', 'fortran_order': False, 'shape': (4, 7, 16), }",
    "code": b"{'descr': __import__('os').abort(), 'fortran_order': False, 'shape': (4,), }",
    "deep": b"(" * 400,
    "missing": b"{}",
    "not text": bytes(range(128, 228)),
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_not_plain_is_refused(good: bytes, header: bytes) -> None:
    line = header.ljust(117) + b"\n"
    body = np.load(io.BytesIO(unzipped(good)["decoder.0.query.npy"])).tobytes()
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + body
    refused(zipped(unzipped(good) | {"decoder.0.query.npy": member}))


CHANGES: dict[str, Callable[[np.ndarray], Any]] = {
    "a column too few": lambda a: a[..., :-1],
    "an axis too many": lambda a: a[None],
    "none": lambda a: a[:0],
    "one number": lambda a: np.float32(1),
    "wider": lambda a: a.astype(np.float64),
    "whole numbers": lambda a: a.astype(np.int32),
    "bits": lambda a: a.view(np.int32),
}
ARRAYS = ("query", "key", "value", "output", "lengths", "projection", "projected", "norms.1", "contributions.1")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("what", ARRAYS)
def test_an_array_that_does_not_fit_the_others_is_refused(good: bytes, what: str, change: Callable[..., Any]) -> None:
    members = unzipped(good)
    name = f"decoder.0.{what}.npy"
    refused(zipped(members | {name: npy(change(np.load(io.BytesIO(members[name]))))}))


@pytest.mark.parametrize("name", ["decoder.0.query", "decoder.0.projection", "weights", "contribution", "about"])
def test_a_missing_member_is_refused(good: bytes, name: str) -> None:
    members = unzipped(good)
    del members[f"{name}.npy"]
    refused(zipped(members))


def test_an_unknown_member_is_refused(good: bytes) -> None:
    assert "nothing in it refers" in refused(zipped(unzipped(good) | {"more.npy": npy([1.0])}))


def test_a_bit_that_is_neither_yes_nor_no_is_refused(rich: bytes) -> None:
    members = unzipped(rich)
    name = next(name for name in members if name.endswith(".mask.npy"))
    members[name] = members[name][:-1] + b"\x07"
    assert "0 and 1" in refused(zipped(members))


# What it says of itself


def at(tree: Any, *path: Any) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def put(value: Any, *path: Any) -> Callable[[Any], None]:
    return lambda about: at(about, *path[:-1]).__setitem__(path[-1], value)


RECORD = ("trace", "records", 0)
HEAD = ("provenance", "checks", "heads", 0)
LIES: dict[str, Callable[[Any], object]] = {
    "another format": put("else", "format"),
    "a later version": put(2, "version"),
    "a version that is a word": put("1", "version"),
    "no trace": lambda about: about.pop("trace"),
    "something more": put(1, "more"),
    "an endless id": put("a" * 10**6, "trace", "id"),
    "an id of other signs": put("<script>abcd", "trace", "id"),
    "no tokens": put([], "trace", "tokens"),
    "a token too few": lambda about: about["trace"]["tokens"].pop(),
    "tokens that are no list": put({}, "trace", "tokens"),
    "a token of megabytes": put("x" * 3_000_000, "trace", "tokens", 0, "text"),
    "a token that is a number": put(3, "trace", "tokens", 0, "piece"),
    "a span backwards": put([3, 1], "trace", "tokens", 0, "span"),
    "a span of one": put([3], "trace", "tokens", 0, "span"),
    "an id below 0": put(-1, "trace", "tokens", 0, "id"),
    "a huge id": put(10**40, "trace", "tokens", 0, "id"),
    "a segment of 2": put(2, "trace", "tokens", 0, "segment"),
    "an attribute of its own": put(1, "trace", "tokens", 0, "__class__"),
    "no records": put([], "trace", "records"),
    "the same record twice": lambda about: about["trace"]["records"].append(about["trace"]["records"][0]),
    "a layer below 0": put(-1, *RECORD, "layer"),
    "a layer far away": put(10**9, *RECORD, "layer"),
    "a layer that is true": put(True, *RECORD, "layer"),
    "an unknown kind": put("sideways", *RECORD, "kind"),
    "a kind that is a list": put(["decoder"], *RECORD, "kind"),
    "a scale that is none": put(None, *RECORD, "scale"),
    "a scale in words": put("inf", *RECORD, "scale"),
    "a scale beyond numbers": put(10**400, *RECORD, "scale"),
    "a softcap of 0": put(0, *RECORD, "softcap"),
    "a temperature of 0": put(0, *RECORD, "temperature"),
    "a temperature below 0": put(-1, *RECORD, "temperature"),
    "a switch that is 1": put(1, *RECORD, "sink_scales"),
    "no query": put(None, *RECORD, "query"),
    "a query that is elsewhere": put({"array": "nowhere", "type": "float32"}, *RECORD, "query"),
    "a query that is what people read": put({"array": "weights", "type": "float32"}, *RECORD, "query"),
    "a query that is the description": put({"array": "about", "type": "uint8"}, *RECORD, "query"),
    "a query of another type": put("float64", *RECORD, "query", "type"),
    "a query of objects": put("object", *RECORD, "query", "type"),
    "a query in two types": put("bfloat16", *RECORD, "query", "type"),
    "a query for a key": put({"array": "decoder.0.output", "type": "float32"}, *RECORD, "key"),
    "a window below 0": put(-5, *RECORD, "mask", "before"),
    "a mask of numbers": put({"array": "decoder.0.lengths", "type": "float32"}, *RECORD, "mask", "keys"),
    "a bias without a form": put({"n_q": 6, "n_k": 6}, *RECORD, "position_bias"),
    "maps without weights": put({"scores": None, "weights": None}, *RECORD, "maps"),
    "a projection without a reason": put(None, *RECORD, "projection", "weight"),
    "a projection and a reason": put("gone", *RECORD, "projection", "absent"),
    "a projection turned": put("yes", *RECORD, "projection", "turned"),
    "lengths of a head that is not there": put(
        {"9": {"array": "decoder.0.norms.1", "type": "float32"}}, *RECORD, "kept", "norms",
    ),
    "lengths of no head": put({"a": {"array": "decoder.0.norms.1", "type": "float32"}}, *RECORD, "kept", "norms"),
    "seconds below 0": put(-1, "trace", "seconds"),
    "a name of megabytes": put("x" * 10**6, "trace", "model", "name"),
    "no name": put(None, "trace", "model", "name"),
    "heads below 0": put(-1, "trace", "model", "n_heads"),
    "half a character": put("\ud800", "trace", "model", "name"),
    "another model in the provenance": put("other", "provenance", "model", "name"),
    "another run in the provenance": put("0" * 12, "provenance", "trace"),
    "a moment that is none": put("yesterday at ten", "provenance", "made"),
    "a moment on the 31st of February": put("2026-02-31T00:00:00Z", "provenance", "checks", "measured"),
    "a thousand versions": put({str(i): "1" for i in range(1000)}, "provenance", "versions"),
    "a check too few": lambda about: about["provenance"]["checks"]["heads"].pop(),
    "a check twice": lambda about: about["provenance"]["checks"]["heads"].append(at(about, *HEAD)),
    "a check of another head": put(77, *HEAD, "head"),
    "a difference below 0": put(-1.0, *HEAD, "parts", "weights", "absolute"),
    "nothing allowed": put(0, *HEAD, "parts", "weights", "allowed"),
    "a difference in other words": put("tiny", *HEAD, "parts", "weights", "relative"),
    "a run's check without numbers": lambda about: about["provenance"]["checks"]["run"].pop("relative"),
    "a view that is no link": put("View()", "view"),
    "a view in numbers": put(3, "view", "layer"),
    "a view of a layer that is not there": put("7", "view", "layer"),
    "a view of a head that is not there": put("77", "view", "head"),
    "a view of a token that is not there": put("600", "view", "query"),
    "a view beside heads that are not there": put("0.1,5.5", "view", "beside"),
    "a view with something more": put("1", "view", "evil"),
    "a view too long": put("x" * 30_000, "view", "text"),
    "something else on show": put(0, "shown", "head"),
    "nothing on show": put({}, "shown", "arrays"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_refused(good: bytes, lie: Callable[[Any], object]) -> None:
    refused(with_about(good, lie))


@pytest.mark.parametrize("text", [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 50_000,
    b"1" * 5_000, b'{"format": NaN}', b'{"format": Infinity}', b'{"format": 1e999}', b'{"a": 1, "a": 2}',
])  # fmt: skip
def test_json_that_is_none_or_too_deep_is_refused(good: bytes, text: bytes) -> None:
    refused(with_text(good, text))


def test_nan_in_its_numbers_is_refused(good: bytes) -> None:
    text = json.dumps(about_of(good))
    for bad in ("NaN", "Infinity", "-Infinity", "1e999"):
        assert "not valid JSON" in refused(with_text(good, text.replace('"scale": 0.25', f'"scale": {bad}').encode()))


def test_a_description_of_many_megabytes_is_refused_before_it_is_read(good: bytes) -> None:
    members = unzipped(good) | {"about.npy": npy(np.random.default_rng(1).integers(0, 9, 9_000_000, np.uint8))}
    tracemalloc.start()
    data = zipped(members, level=1)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert "at most 8,000,000" in refused(data)
    assert tracemalloc.get_traced_memory()[1] - before < 8_000_000
    tracemalloc.stop()


def test_weights_that_are_none_are_refused() -> None:
    data = saved("weights alone")
    members = unzipped(data)
    name = next(name for name in members if name.endswith(".weights.npy"))
    array = np.load(io.BytesIO(members[name]))
    assert "sum to no more than 1" in refused(zipped(members | {name: npy(array * 2)}))


def test_bfloat16_numbers_that_are_none_are_refused() -> None:
    data = saved("llama in bfloat16")
    members = unzipped(data)
    name = "decoder.0.query.npy"
    array = np.load(io.BytesIO(members[name]))
    assert from_npz(data).trace.all_records[0].query.dtype is torch.bfloat16
    assert "bfloat16" in refused(zipped(members | {name: npy(array + np.float32(1e-6))}))


# Whatever is done to a file


def outcome(data: bytes) -> Trace | str:
    """The trace, or the sentence; any other exception is a fault. What opens can be shown."""
    try:
        opened = from_npz(data, LIMITS)
    except InputError as err:
        return str(err)
    try:
        view = opened.view
        head = opened.trace.head(view.layer, view.head, view.kind or None)
        store.run(head, view)
        parts.panels(head, view)
        overview.payload(opened.trace, head.kind, view)
        repr(head.error)
    except HeadlightError as err:
        return str(err)
    return opened.trace


def test_flipped_bytes_are_found_out_or_change_nothing_that_counts(good: bytes) -> None:
    draw = random.Random(1)
    known = from_npz(good).trace.all_records[0]
    for _ in range(250):
        data = bytearray(good)
        for _ in range(draw.choice((1, 1, 1, 3))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        found = outcome(bytes(data))
        if isinstance(found, Trace):
            assert found.all_records[0].query.equal(known.query)
            assert found.all_records[0].value.equal(known.value)


def repaired(name: str, content: bytes, data: bytes) -> bytes:
    return zipped(unzipped(data) | {name: content})


def test_flipped_bytes_behind_a_right_checksum_end_in_a_sentence_or_a_page(good: bytes, rich: bytes) -> None:
    """Whoever means it makes the checksums fit."""
    draw = random.Random(2)
    for data in (good, rich):
        members = unzipped(data)
        for name in members:
            for _ in range(4):
                content = bytearray(members[name])
                place = draw.randrange(min(len(content), 200) if draw.random() < 0.7 else len(content))
                content[place] = draw.randrange(256)
                outcome(repaired(name, bytes(content), data))


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [found for key, one in inner for found in [(*path, key), *places(one, (*path, key))]]


STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 20), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8), st.sampled_from(["decoder", "float32", "decoder.0.query", "9" * 300]),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)  # fmt: skip


@settings(max_examples=100)
@given(st.data())
def test_any_value_in_any_place_ends_in_a_sentence_or_a_page(good: bytes, rich: bytes, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([good, rich]))
    about = about_of(file)
    path = data.draw(st.sampled_from(places(about)))
    parent = at(about, *path[:-1])
    if data.draw(st.integers(0, 4)) == 0:
        del parent[path[-1]]
    else:
        parent[path[-1]] = data.draw(STRANGE)
    outcome(with_text(file, json.dumps(about).encode("utf-8", "surrogatepass")))


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(data)
    refused(zipped({"about.npy": npy(np.frombuffer(data, np.uint8))}))


def test_the_checksum_is_compared(good: bytes) -> None:
    """Else a flipped number would be shown as the model's."""
    members = npz.Members(good, 10**7)
    assert len(members["decoder.0.query"].ravel()) > 100
    data = bytearray(zipped(unzipped(good), zipfile.ZIP_STORED))
    place = data.index(b"decoder.0.query.npy") + 300
    data[place] ^= 1
    assert zlib.crc32(bytes(data)) != zlib.crc32(good)
    assert "cannot be unpacked" in refused(bytes(data))


def test_what_a_file_says_of_itself_hides_nothing(good: bytes) -> None:
    """Its model and notes stand in the foot, the picker and other files; the text and its tokens stay exact."""
    hidden = "Nice\u202emodel\u2028\u200b"

    def lie(about: dict[str, Any]) -> None:
        about["trace"]["model"] |= {"name": hidden, "architecture": hidden}
        about["trace"]["notes"] = [hidden]
        about["provenance"]["model"] = about["trace"]["model"]
        about["provenance"]["notes"] = [hidden]
        about["view"]["text"] = about["view"].get("text", "") + "\u202e"

    opened = from_npz(with_about(good, lie), LIMITS)
    shown = "NiceU+202EmodelU+2028U+200B"
    assert (opened.trace.model.name, opened.trace.model.architecture) == (shown, shown)
    assert opened.trace.notes[0] == shown
    assert opened.provenance.model.name == shown
    assert opened.view.text.endswith("\u202e")


def test_a_file_with_more_heads_than_any_model_is_refused_on_the_page() -> None:
    def of(heads: int) -> bytes:
        query, key = torch.zeros(2, 3, heads, 2, 1)
        return to_npz(Trace.from_tensors(query=query, key=key), View(kind="encoder"))

    large = of(3_400)
    assert refused(large) == "This file has 10,200 heads; at most 10,000 are opened here."
    assert from_npz(large).trace.all_records[0].n_heads == 3_400  # one's own, in Python
