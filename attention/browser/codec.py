"""Bytes for the browser: one JSON header and the arrays it points to, packed and parsed, range-checked.

    <u32 length of the header, little-endian> <header, UTF-8 JSON> <padding to 8> <array> <padding to 8> <array> …
    <name of a store, UTF-8> <u8 its length>

The header is {"tree": …, "arrays": [{"dtype", "shape", "start"}, …]}; `start` counts bytes from the first array. In the
tree an array stands as {"$array": i}. Equal arrays travel once. JSON knows no NaN and no Infinity, so neither may occur
outside an array. The last line is there once a component is mounted with the payload; who parses it reads only what is
before.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from attention.errors import InputError

DTYPES = {"float32": 4, "float64": 8, "uint8": 1, "int32": 4}
MARK = "$array"
PLAIN = frozenset({str, int, bool, type(None)})
ALIGN = 8
# More than this is never sent; it also keeps a damaged length from asking for memory.
MOST_BYTES = 256_000_000


def pack(tree: Any) -> bytes:
    """The bytes of a tree of dicts, lists, text, numbers and arrays (float32, float64, uint8, int32)."""
    arrays = _Arrays()
    body = _swap(tree, arrays, ("tree",))
    header = json.dumps({"tree": body, "arrays": arrays.entries}, allow_nan=False, separators=(",", ":")).encode(
        "ascii"
    )
    front = struct.pack("<I", len(header)) + header
    return b"".join([front, _padding(len(front)), *arrays.chunks])


def with_store(data: bytes, store: str) -> bytes:
    """A payload on its way to a component, with the name of the store that it lives on; "" for none.

    The name stands behind the payload, which is the same for all stores: one of megabytes is made once and kept.
    """
    name = store.encode()
    return b"".join((data, name, bytes([len(name)])))


def parse(data: bytes) -> Any:
    """The tree that was packed, with read-only arrays; raises InputError for bytes that `pack` did not make."""
    header, start = _header(data)
    if not isinstance(header, dict) or set(header) != {"tree", "arrays"} or not isinstance(header["arrays"], list):
        raise InputError("This is no Headlight payload: its header must have `tree` and `arrays`.")
    arrays = [_read(data, start, entry) for entry in header["arrays"]]
    return _restore(header["tree"], arrays)


class _Arrays:
    """The arrays met so far, each distinct one once."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.chunks: list[bytes] = []
        self._seen: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._size = 0

    def add(self, array: np.ndarray, where: "Where") -> int:
        name = array.dtype.name
        if name not in DTYPES:
            raise InputError(f"{_said(where)} is an array of {name}; it must be one of {', '.join(DTYPES)}.")
        raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        key = (name, array.shape, raw)
        if key not in self._seen:
            self._seen[key] = len(self.entries)
            self.entries.append({"dtype": name, "shape": list(array.shape), "start": self._size})
            self.chunks += [raw, _padding(len(raw))]
            self._size += len(raw) + len(self.chunks[-1])
        return self._seen[key]


def _padding(length: int) -> bytes:
    return bytes(-length % ALIGN)


# A node's place in the tree: its parent's place, and its key or index there. It becomes words only in an error.
Where = tuple[Any, ...]


def _said(where: Where) -> str:
    if len(where) == 1:
        return str(where[0])
    parent, own = where
    return _said(parent) + (f"[{own}]" if isinstance(own, int) else f".{own}")


def _swap(node: Any, arrays: _Arrays, where: Where) -> Any:
    """The node as JSON has it. Most of a tree is text and whole numbers, which are passed over where they stand."""
    if isinstance(node, np.ndarray):
        return {MARK: arrays.add(node, where)}
    if isinstance(node, dict | Mapping):
        return {
            _name(key, where): item if type(item) in PLAIN else _swap(item, arrays, (where, key))
            for key, item in node.items()
        }
    if isinstance(node, list | tuple):
        return [
            item if type(item) in PLAIN else _swap(item, arrays, (where, index)) for index, item in enumerate(node)
        ]
    return node if type(node) in PLAIN else _number(node, where)


def _number(node: Any, where: Where) -> Any:
    if isinstance(node, np.generic):
        node = node.item()
    if isinstance(node, float) and not math.isfinite(node):
        raise InputError(f"{_said(where)} is {node}; JSON has no such number, so put it into an array.")
    if isinstance(node, str | bool | int | float):
        return node
    what = type(node).__name__
    raise InputError(f"{_said(where)} is a {what}; only dicts, lists, text, numbers and arrays travel.")


def _name(key: object, where: Where) -> str:
    if not isinstance(key, str) or key == MARK:
        raise InputError(f"{_said(where)} has the key {key!r}; keys must be text other than {MARK!r}.")
    return key


def _header(data: bytes) -> tuple[Any, int]:
    if len(data) < 4 or len(data) > MOST_BYTES:
        raise InputError(f"A payload has 4 to {MOST_BYTES} bytes; got {len(data)}.")
    (length,) = struct.unpack_from("<I", data)
    if length > len(data) - 4:
        raise InputError(f"The header would have {length} bytes, but only {len(data) - 4} follow.")
    try:
        header = json.loads(data[4 : 4 + length], parse_constant=_refuse)
    except (ValueError, RecursionError) as err:
        raise InputError(f"The header is not valid JSON: {err}.") from err
    return header, 4 + length + len(_padding(4 + length))


def _refuse(name: str) -> None:
    raise InputError(f"The header holds {name}, which is not JSON.")


def _read(data: bytes, base: int, entry: Any) -> np.ndarray:
    name, shape, start = _checked(entry)
    count = math.prod(shape)
    stop = base + start + count * DTYPES[name]
    if stop > len(data):
        raise InputError(f"An array ends at byte {stop}, but the payload has {len(data)}.")
    kind = np.dtype(name).newbyteorder("<")
    return np.frombuffer(data, kind, count, base + start).reshape(shape)


def _checked(entry: Any) -> tuple[str, tuple[int, ...], int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "start"}:
        raise InputError("An array's entry must have `dtype`, `shape` and `start`.")
    name, shape, start = entry["dtype"], entry["shape"], entry["start"]
    if not isinstance(name, str) or name not in DTYPES:
        raise InputError(f"An array's dtype is {name!r}; it must be one of {', '.join(DTYPES)}.")
    numbers = [*shape, start] if isinstance(shape, list) else [None]
    if any(type(number) is not int or not 0 <= number <= MOST_BYTES for number in numbers):
        raise InputError(f"An array's shape {shape!r} or start {start!r} is not made of whole numbers in range.")
    return name, tuple(shape), start


def _restore(node: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(node, dict):
        if MARK not in node:
            return {key: _restore(item, arrays) for key, item in node.items()}
        index = node[MARK]
        if len(node) != 1 or type(index) is not int or not 0 <= index < len(arrays):
            raise InputError(f"{node!r} names no array; there are {len(arrays)}.")
        return arrays[index]
    if isinstance(node, list):
        return [_restore(item, arrays) for item in node]
    return node
