"""Sorts of settings that only lessons have: numbers in a person's own writing, some of a few names, yes and no."""

from __future__ import annotations

import re

from attention.table import Sort, choice

MOST_LISTED = 16
DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?")


def whole(low: int, high: int) -> Sort:
    """A whole number between these."""

    def read(raw: str) -> int:
        value = int(raw) if raw.isascii() and raw.isdigit() else -1
        if not low <= value <= high:
            raise ValueError
        return value

    return Sort(f"a whole number from {low} to {high}", read, lambda value: low <= value <= high)


def decimal(low: float, high: float) -> Sort:
    """A number between these, which may be below 0; a minus sign may be the true one."""

    def read(raw: str) -> float:
        plain = raw.replace("−", "-")
        if not DECIMAL.fullmatch(plain) or not low <= float(plain) <= high:
            raise ValueError
        return float(plain)

    return Sort(f"{low:g} to {high:g}", read, lambda value: low <= value <= high, lambda value: f"{value:g}")


def numbers(low: float, high: float) -> Sort:
    """Some numbers with spaces between, each between these."""
    one = decimal(low, high)

    def read(raw: str) -> tuple[float, ...]:
        found = tuple(one.read(part) for part in raw.split())
        if not 1 <= len(found) <= MOST_LISTED:
            raise ValueError
        return found

    words = f"1 to {MOST_LISTED} numbers with spaces between, each {one.accepts}"
    return Sort(words, read, lambda value: all(map(one.allows, value)), lambda value: " ".join(map(one.write, value)))


def several(count: int, low: int, high: int) -> Sort:
    """So many different whole numbers with spaces between, each between these."""
    one = whole(low, high)

    def read(raw: str) -> tuple[int, ...]:
        found = tuple(one.read(part) for part in raw.split())
        if len(found) != count or len(set(found)) != count:
            raise ValueError
        return found

    words = f"{count} different whole numbers from {low} to {high} with spaces between"
    allows = lambda value: len(set(value)) == count and all(map(one.allows, value))  # noqa: E731
    return Sort(words, read, allows, lambda value: " ".join(map(str, value)))


def names(options: tuple[str, ...]) -> Sort:
    """Some of these, in the order in which they stand, with spaces between."""

    def read(raw: str) -> tuple[str, ...]:
        found = tuple(raw.split())
        if not set(found) <= set(options) or len(set(found)) != len(found):
            raise ValueError
        return found

    words = f"some of {', '.join(options)}, with spaces between"
    return Sort(words, read, lambda value: set(value) <= set(options), " ".join)


def one_of(options: tuple[int, ...]) -> Sort:
    """One of these whole numbers."""
    among = choice(tuple(map(str, options)))
    return Sort(among.accepts, lambda raw: int(among.read(raw)), lambda value: value in options)


def some_of(options: tuple[int, ...]) -> Sort:
    """Some of these whole numbers, with spaces between."""
    among = names(tuple(map(str, options)))
    read = lambda raw: tuple(map(int, among.read(raw)))  # noqa: E731
    allows = lambda value: bool(value) and set(value) <= set(options)  # noqa: E731
    return Sort(among.accepts, read, allows, lambda value: " ".join(map(str, value)))


def yes() -> Sort:
    """Yes or no."""
    among = choice(("yes", "no"))
    read = lambda raw: among.read(raw) == "yes"  # noqa: E731
    return Sort("yes or no", read, lambda value: isinstance(value, bool), lambda value: "yes" if value else "no")
