"""What is made of a run and kept beside it: one store with one bound for everything, so that all of it can be counted.

Packed bytes, pictures, scores, maps and lengths are kept under their owner, a trace or one of its records, and go with
it. Of each owner the least recently used goes first. Whoever bounds the runs counts `size` of each beside it.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from attention.config import MEGABYTE

# Bytes that lie beside one owner; what was made last stays, however large it is.
MOST_BYTES = 12 * MEGABYTE
# What an entry takes besides its numbers and texts, about.
ENTRY = 200
T = TypeVar("T")


@dataclass(eq=False)
class _Cache:
    """What is kept of one owner: (value, bytes) by key, the least recently used first."""

    entries: OrderedDict[Hashable, tuple[Any, int]] = field(default_factory=OrderedDict)
    size: int = 0

    def put(self, key: Hashable, value: Any, size: int) -> None:
        self.drop(key)
        self.entries[key] = value, size
        self.size += size
        while self.size > MOST_BYTES and len(self.entries) > 1:
            self.drop(next(iter(self.entries)))

    def drop(self, key: Hashable) -> None:
        self.size -= self.entries.pop(key, (None, 0))[1]


_lock = threading.Lock()
_caches: weakref.WeakKeyDictionary[Any, _Cache] = weakref.WeakKeyDictionary()


def kept(owner: Any, key: Hashable, make: Callable[[], T], *, holds: Callable[[T], bool] | None = None) -> T:
    """What is kept of this owner under the key; made now where nothing is, or where it no longer `holds`.

    Two threads may make the same at once: one of the two results is kept. What is made must not refer to its owner.
    """
    with _lock:
        cache = _caches.get(owner)
        if cache is not None and key in cache.entries:
            cache.entries.move_to_end(key)
            found: T = cache.entries[key][0]
            if holds is None or holds(found):
                return found
    made = make()
    size = size_of(made) + ENTRY
    with _lock:
        _caches.setdefault(owner, _Cache()).put(key, made, size)
    return made


def has(owner: Any, key: Hashable) -> bool:
    """Whether something is kept under the key."""
    with _lock:
        cache = _caches.get(owner)
        return cache is not None and key in cache.entries


def find(owner: Any, key: Hashable) -> Any | None:
    """What is kept of this owner under the key, or None."""
    with _lock:
        cache = _caches.get(owner)
        if cache is None or key not in cache.entries:
            return None
        cache.entries.move_to_end(key)
        return cache.entries[key][0]


def size(*owners: Any) -> int:
    """Bytes of all that is kept of these owners."""
    with _lock:
        return sum(cache.size for owner in owners if (cache := _caches.get(owner)) is not None)


def total() -> int:
    """Bytes of all that is kept in this process."""
    with _lock:
        return sum(cache.size for cache in list(_caches.values()))


def size_of(value: Any) -> int:
    """Bytes of a value's arrays and texts, however they are nested."""
    if isinstance(value, bytes | str):
        return len(value)
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if isinstance(value, dict):
        return size_of(list(value)) + size_of(list(value.values()))
    if isinstance(value, Iterable):
        return sum(map(size_of, value))
    return size_of(vars(value)) if hasattr(value, "__dict__") and not callable(value) else 8
