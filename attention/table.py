"""One row a field: what a field of a prompt or a view may be, how a link writes it, and what its change means.

A field is declared once, as an attribute of a frozen dataclass with `row(…)` as its value. Everything else that is
known of fields, resets, steps to undo, a link's parameters, what a browser owns, is made from the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, TypeVar

from attention.errors import InputError

# Far beyond any model, and small enough that no arithmetic on it surprises.
MAX_INDEX = 999_999_999
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UNSENDABLE = re.compile("[\0\ud800-\udfff]")
DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,25})?(e-[0-9]{1,3})?", re.ASCII)
# What a change of a field leaves behind: everything about the run, about one kind of attention, about one model.
Within = Literal["run", "kind", "model", ""]
Box = tuple[int, int, int, int]
T = TypeVar("T")


@dataclass(frozen=True)
class Sort:
    """What a field may be: in words, as read from a link (raises ValueError), as a value, and as a link writes it.

    settle: what becomes of a value before it is kept.
    """

    accepts: str
    read: Callable[[str], Any]
    allows: Callable[[Any], bool]
    write: Callable[[Any], str] = str
    settle: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True, kw_only=True)
class Row:
    """One field. help: what it says; otherwise: what stands in for a value that is left out or bad; both in words.

    key: its key in a link, where that is not its name. decides_run: another value is another run of the model.
    is_step: a change is worth a step back. by_browser: the browser changes it, and tells the server afterwards.
    within: when it goes back to its default: with another run, another kind of attention, another model.
    about_run: it names a token, a head or a layer, and means nothing for another run. in_tiles: of a long text, another
    value needs other tiles. same_tokens: another value is another run, of the same tokens and heads: what names them
    keeps its meaning.
    """

    sort: Sort
    help: str
    otherwise: str
    key: str = ""
    decides_run: bool = False
    is_step: bool = False
    by_browser: bool = False
    within: Within = ""
    about_run: bool = False
    in_tiles: bool = False
    same_tokens: bool = False


def row(default: Any, sort: Sort, help: str, otherwise: str = "", **facts: Any) -> Any:
    """A field with its row. otherwise: "" for the default as a link writes it."""
    made = Row(sort=sort, help=help, otherwise=otherwise or sort.write(default), **facts)
    return field(default=default, metadata={"row": made})


def rows(of: type) -> dict[str, Row]:
    """The rows of a dataclass by the names of its fields, in their order."""
    return _facts(of)[0]


def defaults(of: type) -> dict[str, Any]:
    """The default of each field."""
    return _facts(of)[1]


def keys(of: type) -> dict[str, str]:
    """The key of each field in a link."""
    return _facts(of)[2]


@cache
def _facts(of: type) -> tuple[dict[str, Row], dict[str, Any], dict[str, str]]:
    found = {one.name: one.metadata["row"] for one in fields(of)}
    return found, {one.name: one.default for one in fields(of)}, {name: one.key or name for name, one in found.items()}


def named(of: type, holds: Callable[[Row], bool]) -> tuple[str, ...]:
    """The names of the fields whose rows are so."""
    return tuple(name for name, one in rows(of).items() if holds(one))


def steps(of: type) -> tuple[str, ...]:
    """The fields whose change is worth a step back."""
    return named(of, lambda one: one.is_step)


def by_browser(of: type) -> tuple[str, ...]:
    """The fields that the browser changes by itself."""
    return named(of, lambda one: one.by_browser)


def about_run(of: type) -> tuple[str, ...]:
    """The fields that name a token, a head or a layer of one run."""
    return named(of, lambda one: one.about_run)


def in_tiles(of: type) -> tuple[str, ...]:
    """The fields on which the tiles of a long text depend."""
    return named(of, lambda one: one.in_tiles)


def settle(made: Any) -> None:
    """For `__post_init__`: bring every field into its form. Raises InputError where one is not what it may be."""
    for name, one in rows(type(made)).items():
        value = one.sort.settle(getattr(made, name))
        object.__setattr__(made, name, value)
        if not one.sort.allows(value):
            raise InputError(f"A {type(made).__name__.lower()}'s {name} must be {one.sort.accepts}.")


def changed(made: T, **changes: Any) -> T:
    """The same with some fields changed, and what no longer means anything back at its default."""
    of = type(made)
    different = {name for name, value in changes.items() if value != getattr(made, name)}
    gone: set[str] = set()
    if different & {"kind", *named(of, lambda one: one.decides_run and not one.same_tokens)}:
        gone |= {"run"}
    if different & {"kind", "model"}:
        gone |= {"kind"}
    if "model" in different:
        gone |= {"model"}
    resets = {name: defaults(of)[name] for name, one in rows(of).items() if one.within in gone}
    return replace(made, **resets | changes)  # type: ignore[type-var]


def clean(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD, so that it can stand in a link."""
    return UNSENDABLE.sub(REPLACEMENT, text)


def listed(options: Sequence[str]) -> str:
    """“a, b or c”: what a field may be, in words."""
    return f"{', '.join(options[:-1])} or {options[-1]}"


# Sorts


def free_text() -> Sort:
    """Any text."""
    return Sort("a text", str, lambda value: isinstance(value, str), settle=clean)


def short_text(most: int) -> Sort:
    """A text of at most so many characters that is not blank."""
    holds = lambda value: bool(value.strip()) and len(value) <= most  # noqa: E731
    return Sort(f"a name of 1 to {most} characters", _checked(str, holds), holds, settle=clean)


def choice(options: Sequence[str], *, absent: bool = False) -> Sort:
    """One of these; with `absent` also "", which a link leaves out."""
    among = ("", *options) if absent else tuple(options)
    holds = lambda value: value in among  # noqa: E731
    return Sort(listed(options), _checked(str, holds), holds)


def switch() -> Sort:
    """On or off."""
    read = _checked(str, lambda raw: raw in ("0", "1"))
    holds = lambda value: isinstance(value, bool)  # noqa: E731
    return Sort("0 or 1", lambda raw: read(raw) == "1", holds, lambda value: str(int(value)))


def index(*, absent: bool = False) -> Sort:
    """A number of tokens, heads or layers, from 0; with `absent` also None."""
    return Sort("a whole number from 0", _index, lambda value: (absent and value is None) or is_index(value), _plain)


def number(low: float, high: float) -> Sort:
    """A number between these."""
    return Sort(f"{low:g} to {high:g}", _decimal(low, high), lambda value: low <= value <= high, _decimally)


def some(options: Sequence[str]) -> Sort:
    """Some of these, in their order."""

    def in_order(found: Sequence[str]) -> tuple[str, ...]:
        return tuple(option for option in options if option in found)

    def read(raw: str) -> tuple[str, ...]:
        found = raw.split(",")
        if not set(found) <= set(options):
            raise ValueError
        return in_order(found)

    return Sort(f"some of {', '.join(options)}", read, lambda value: tuple(value) == in_order(value), ",".join)


def indices(most: int, what: str, example: str) -> Sort:
    """Different numbers of tokens, at most so many."""
    holds = lambda value: are_different(value, most) and all(map(is_index, value))  # noqa: E731
    read = _checked(lambda raw: tuple(map(_index, _parts(raw, ",", most))), holds)
    words = f"at most {most} different {what}, as in {example}"
    return Sort(words, read, holds, lambda value: ",".join(map(str, value)))


def places(most: int, what: str, example: str) -> Sort:
    """Different (layer, head), at most so many."""
    holds = lambda value: are_different(value, most) and all(map(_is_place, value))  # noqa: E731
    read = _checked(lambda raw: tuple(_pair(part, ".") for part in _parts(raw, ",", most)), holds)
    write = lambda value: ",".join(f"{layer}.{head}" for layer, head in value)  # noqa: E731
    return Sort(f"at most {most} different {what}, as layer.head: {example}", read, holds, write)


def box() -> Sort:
    """(first query, last, first key, last), or None."""

    def read(raw: str) -> Box:
        queries, keys = _two(raw, ",")
        return *_pair(queries, "-"), *_pair(keys, "-")

    def write(value: Box | None) -> str:
        return "" if value is None else f"{value[0]}-{value[1]},{value[2]}-{value[3]}"

    words = "first to last query, first to last key: 0-63,0-63"
    return Sort(words, _checked(read, _is_box), lambda value: value is None or _is_box(value), write)


def is_index(value: object) -> bool:
    """Whether it can count tokens, heads or layers."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INDEX


def are_different(found: Sequence[object], most: int) -> bool:
    """Whether there are at most so many, and none twice."""
    return len(found) <= most and len(set(found)) == len(found)


def _is_place(value: Sequence[object]) -> bool:
    return len(value) == 2 and all(map(is_index, value))


def _is_box(value: Sequence[Any]) -> bool:
    return len(value) == 4 and all(map(is_index, value)) and value[0] <= value[1] and value[2] <= value[3]


def _checked(read: Callable[[str], T], holds: Callable[[T], bool]) -> Callable[[str], T]:
    def checked(raw: str) -> T:
        value = read(raw)
        if not holds(value):
            raise ValueError
        return value

    return checked


def _index(raw: str) -> int:
    # Only plain digits: int() also takes "1_0", " 1" and other alphabets, and refuses very long ones its own way.
    if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(MAX_INDEX))):
        raise ValueError
    return int(raw)


def _decimal(low: float, high: float) -> Callable[[str], float]:
    def read(raw: str) -> float:
        if not DECIMAL.fullmatch(raw) or not low <= float(raw) <= high:
            raise ValueError
        return float(raw)

    return read


def _decimally(value: float) -> str:
    return f"{value:.6g}" if float(f"{value:.6g}") == value else repr(value)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _pair(raw: str, sign: str) -> tuple[int, int]:
    first, second = _two(raw, sign)
    return _index(first), _index(second)


def _two(raw: str, sign: str) -> tuple[str, str]:
    first, found, second = raw.partition(sign)
    if not found:
        raise ValueError
    return first, second


def _parts(raw: str, sign: str, most: int) -> list[str]:
    # A few more than are allowed are enough to refuse them.
    return raw.split(sign, most + 1)
