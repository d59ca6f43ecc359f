"""How a file holds a record, said once: in the declaration of each of its fields.

A field of a frozen dataclass says it as its metadata: `scale: float = field(default=1.0, metadata=held.real())`. What
writes a record, what reads it back from a stranger's file and refuses what is wrong, to what the axes of its arrays are
held, and what of it the browser gets is made from this. A field that says nothing is in no file; one whose default is
None may be null there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

from attention.errors import InputError
from attention.record.arrays import FLOATS, MOST_NAME, ArrayReader, ArrayWriter
from attention.record.fields import Fields, refuse, to_json

# Far beyond any model, and small enough that no arithmetic on it surprises.
MOST, MOST_LAYER, MOST_PIECE = 10**15, 100_000, 20_000
STORED = "stored"
NO_ARRAYS = ArrayReader({})
T = TypeVar("T")
Axes = tuple[str, ...]
Read = Callable[[Fields, str, ArrayReader], Any]
Write = Callable[[Any, str, str, ArrayWriter], Any]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """How a file holds one field.

    read: (object of the file, name, arrays of the file) → the value; raises InputError for what no file of ours has.
    write: (value, place, name, arrays so far) → what JSON can carry; place: where its record is in the run. axes: of an
    array, or of one for each head, all that it may have, by their letters, numbers or "_" for any. key: its name in the
    file, where that is not the field's own. travels: whether the browser gets it to make a head. optional: whether a
    file leaves it out at its default.
    """

    read: Read
    write: Write
    axes: tuple[Axes, ...] = ()
    key: str = ""
    travels: bool = False
    optional: bool = False


Metadata = Mapping[str, Stored]


class Array(NamedTuple):
    """One array of a record: the name of its field, the head that it is of, where there is one a head, and its axes."""

    name: str
    head: int | None
    tensor: Tensor
    axes: tuple[Axes, ...]


# What a field may be


def text(most: int = MOST_NAME) -> Metadata:
    """A text of at most so many characters."""
    return _stored(lambda given, name, _: given.text(name, most))


def texts(most: int) -> Metadata:
    """Texts of at most so many characters each."""
    return _stored(lambda given, name, _: tuple(given.texts(name, most)), lambda value, *_: list(value))


def lines(write: Callable[[Any], str], read: Callable[[str], Any]) -> Metadata:
    """Values that are one line of text each, of at most MOST_NAME characters. read: raises InputError for others."""
    return _stored(
        lambda given, name, _: tuple(map(read, given.texts(name, MOST_NAME))),
        lambda value, *_: [write(one) for one in value],
    )


def hexadecimal(count: int) -> Metadata:
    """So many hex digits."""

    def digits(given: Fields, name: str, _: ArrayReader) -> str:
        value = given.text(name, count)
        if not re.fullmatch(f"[0-9a-f]{{{count}}}", value):
            refuse(f"{given.where}.{name}", f"{count} hex digits")
        return value

    return _stored(digits)


def choice(options: Sequence[str]) -> Metadata:
    """One of these."""
    return _stored(lambda given, name, _: given.choice(name, options))


def flag() -> Metadata:
    """True or false."""
    return _stored(lambda given, name, _: given.flag(name))


def whole(low: int = 0, high: int = MOST) -> Metadata:
    """A whole number between these."""
    return _stored(lambda given, name, _: given.whole(name, low, high))


def pair() -> Metadata:
    """Two whole numbers in order, from 0."""
    return _stored(lambda given, name, _: given.pair(name, MOST), lambda value, *_: list(value))


def real(low: float = -math.inf, *, above: float = -math.inf) -> Metadata:
    """A finite number of at least `low`, and more than `above`."""
    return _stored(lambda given, name, _: given.real(name, low, above=above), _finite)


def measured() -> Metadata:
    """A difference: at least 0, and perhaps infinite or not a number."""
    return _stored(lambda given, name, _: given.measured(name), lambda value, *_: to_json(value))


def array(*axes: str, types: Mapping[str, str] = FLOATS, called: str = "") -> Metadata:
    """An array of one of these types. axes: all that it may have, as in "h n_q d". called: its name in the file, behind
    the place of its record, where that is not the field's own.
    """
    return _stored(
        lambda given, name, arrays: arrays.tensor(given, name, types),
        lambda value, place, name, arrays: arrays.add(f"{place}.{called or name}", value),
        axes=_split(axes),
    )


def by_head(*axes: str, types: Mapping[str, str] = FLOATS) -> Metadata:
    """Arrays of single heads, by their numbers."""

    def tensors(given: Fields, name: str, arrays: ArrayReader) -> dict[int, Tensor]:
        part = given.part(name)
        if not all(re.fullmatch("0|[1-9][0-9]{0,5}", head) for head in part.names()):
            refuse(part.where, "arrays by the number of their head")
        return {int(head): arrays.tensor(part, head, types) for head in part.names()}

    def references(value: Mapping[int, Tensor], place: str, name: str, arrays: ArrayWriter) -> dict[str, Any]:
        return {str(head): arrays.add(f"{place}.{name}.{head}", one) for head, one in value.items()}

    return _stored(tensors, references, axes=_split(axes))


def part(of: type, *, brief: bool = False) -> Metadata:
    """A record of its own. brief: what is at its default is left out."""
    return _stored(
        lambda given, name, arrays: read(of, given.part(name), arrays, brief=brief),
        lambda value, place, _, arrays: written(value, place, arrays, brief=brief),
    )


def parts(of: type, *, brief: bool = False) -> Metadata:
    """Several records of one sort. brief: what is at its default is left out."""
    return _stored(
        lambda given, name, arrays: tuple(read(of, one, arrays, brief=brief) for one in given.parts(name)),
        lambda value, place, _, arrays: [written(one, place, arrays, brief=brief) for one in value],
    )


def by_name(of: type) -> Metadata:
    """A few records of one sort, by their names."""

    def records(given: Fields, name: str, arrays: ArrayReader) -> dict[str, Any]:
        part = given.part(name)
        return {one: read(of, part.part(one), arrays) for one in part.few()}

    return _stored(
        records, lambda value, place, _, arrays: {name: written(one, place, arrays) for name, one in value.items()}
    )


def under(key: str, metadata: Metadata) -> Metadata:
    """The same, under another name than the field's own."""
    return {STORED: replace(metadata[STORED], key=key)}


def travelling(metadata: Metadata) -> Metadata:
    """The same, and the browser gets it as well."""
    return {STORED: replace(metadata[STORED], travels=True)}


def optional(metadata: Metadata) -> Metadata:
    """The same, left out at its default: files from before there was such a field have none."""
    return {STORED: replace(metadata[STORED], optional=True)}


def _stored(read: Read, write: Write = lambda value, *_: value, axes: tuple[Axes, ...] = ()) -> Metadata:
    return {STORED: Stored(read=read, write=write, axes=axes)}


def _split(axes: Sequence[str]) -> tuple[Axes, ...]:
    return tuple(tuple(one.split()) for one in axes)


def _finite(value: float, place: str, name: str, _: ArrayWriter) -> float:
    if not math.isfinite(value):
        raise InputError(f"{place} has the {name} {value}, which no file can hold; it must be a finite number.")
    return float(value)


# What is made of it


def declared(of: type) -> Mapping[str, Stored]:
    """How a file holds each field of a record, by name."""
    return _facts(of).declared


def keys(of: type) -> Mapping[str, str]:
    """The name in a file of each field."""
    return _facts(of).keys


def travels(of: type) -> Mapping[str, Stored]:
    """The fields that the browser gets."""
    return {name: how for name, how in declared(of).items() if how.travels}


class _Facts(NamedTuple):
    """What is known of a record's fields, by name."""

    declared: Mapping[str, Stored]
    keys: Mapping[str, str]
    defaults: Mapping[str, Any]


@cache
def _facts(of: type) -> _Facts:
    found = {one.name: one.metadata[STORED] for one in fields(of) if STORED in one.metadata}
    return _Facts(
        declared=found,
        keys={name: how.key or name for name, how in found.items()},
        defaults={
            one.name: _default(one) for one in fields(of) if one.name in found and _default(one) is not MISSING
        },
    )


def _default(one: Field[Any]) -> Any:
    if one.metadata[STORED].optional and one.default_factory is not MISSING:
        return one.default_factory()
    return one.default


def written(
    record: Any, place: str = "", arrays: ArrayWriter | None = None, *, brief: bool = False
) -> dict[str, Any]:
    """The fields as JSON can carry them. place: the names of its arrays begin with it. brief: what is at its default is
    left out. Raises InputError for numbers that no file can hold.
    """
    of: type = type(record)
    arrays = ArrayWriter() if arrays is None else arrays
    left_out = _left_out(of, brief)
    found = {name: getattr(record, name) for name in declared(of)}
    return {
        keys(of)[name]: None if found[name] is None else how.write(found[name], place, name, arrays)
        for name, how in declared(of).items()
        if name not in left_out or not _is(found[name], left_out[name])
    }


def _left_out(of: type, brief: bool) -> dict[str, Any]:
    """The fields that a file leaves out at their defaults, and these."""
    return {name: usual for name, usual in _facts(of).defaults.items() if brief or declared(of)[name].optional}


def _is(value: Any, usual: Any) -> bool:
    return value is None if usual is None else bool(value == usual)


def demand(of: type, given: Fields, *, brief: bool = False, beside: Sequence[str] = ()) -> None:
    """Raise InputError unless all fields of the record are there, and nothing else but what may stand beside them."""
    left_out = [keys(of)[name] for name in _left_out(of, brief)]
    given.only(*(key for key in keys(of).values() if key not in left_out), *beside, optional=left_out)


def values(of: type, given: Fields, arrays: ArrayReader = NO_ARRAYS, *, brief: bool = False) -> dict[str, Any]:
    """The fields of a record that are there, each looked at. Raises InputError for the first that is wrong."""
    # What is left out at its default is never null.
    null = {name for name, usual in _facts(of).defaults.items() if usual is None and not brief}
    return {
        name: None if name in null and given.absent(key) else declared(of)[name].read(given, key, arrays)
        for name, key in keys(of).items()
        if given.has(key)
    }


def read(of: type[T], given: Fields, arrays: ArrayReader = NO_ARRAYS, *, brief: bool = False) -> T:
    """The record that was written; raises InputError for anything else."""
    demand(of, given, brief=brief)
    return of(**values(of, given, arrays, brief=brief))


def arrays_of(record: Any, within: str = "") -> Iterator[Array]:
    """All arrays of a record and of the records in it."""
    for name, how in declared(type(record)).items():
        value = getattr(record, name)
        if how.axes and isinstance(value, Mapping):
            yield from (Array(within + name, head, one, how.axes) for head, one in value.items())
        elif how.axes and value is not None:
            yield Array(within + name, None, value, how.axes)
        elif is_dataclass(value):
            yield from arrays_of(value, f"{within}{name}.")
