"""Reading JSON that a stranger may have written: each value is asked for by name and looked at before it is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from attention.errors import InputError

# JSON has no NaN and no infinity; these words stand for them.
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
SHOWN = 60
MOST_LINES, LONGEST_KEY = 20, 40


def refuse(where: str, must: str) -> NoReturn:
    """Raise InputError: what is wrong and what would be right."""
    raise InputError(f"This file cannot be used: its {where[:SHOWN]} must be {must}.")


def to_json(number: float) -> float | str:
    """The number as JSON can carry it."""
    number = float(number)
    return number if math.isfinite(number) else str(number)


class Fields:
    """One JSON object. Each method gives one of its values, or raises InputError that names it."""

    def __init__(self, tree: Any, where: str) -> None:
        if not isinstance(tree, dict):
            refuse(where, "an object")
        self.tree: dict[str, Any] = tree
        self.where = where

    def called(self, where: str) -> Fields:
        """The same under another name."""
        return Fields(self.tree, where)

    def only(self, *names: str, optional: Sequence[str] = ()) -> None:
        """Demand exactly these names, and perhaps the optional ones."""
        if missing := [name for name in names if name not in self.tree]:
            refuse(f"{self.where}.{missing[0]}", "there")
        if unknown := sorted(self.tree.keys() - {*names, *optional}):
            raise InputError(f"This file cannot be used: it names {self.where}.{unknown[0][:SHOWN]!r}, unknown here.")

    def names(self) -> Iterator[str]:
        """All names, in the file's own order."""
        yield from self.tree

    def few(self) -> list[str]:
        """All names, where they are few and short, as those of a list in words are."""
        names = list(self.tree)
        if len(names) > MOST_LINES or any(len(name) > LONGEST_KEY for name in names):
            refuse(self.where, f"at most {MOST_LINES} lines with short names")
        return names

    def has(self, name: str) -> bool:
        return name in self.tree

    def absent(self, name: str) -> bool:
        """Whether it is null."""
        return self.tree[name] is None

    def text(self, name: str, most: int) -> str:
        value = self.tree[name]
        if not isinstance(value, str) or len(value) > most:
            refuse(f"{self.where}.{name}", f"a text of at most {most:,} characters")
        return value

    def texts(self, name: str, most: int) -> list[str]:
        values = self._list(name)
        if not all(isinstance(value, str) and len(value) <= most for value in values):
            refuse(f"{self.where}.{name}", f"texts of at most {most:,} characters")
        return values

    def choice(self, name: str, options: Sequence[str]) -> str:
        value = self.tree[name]
        if not isinstance(value, str) or value not in options:
            refuse(f"{self.where}.{name}", f"one of {', '.join(options)}")
        return value

    def flag(self, name: str) -> bool:
        value = self.tree[name]
        if not isinstance(value, bool):
            refuse(f"{self.where}.{name}", "true or false")
        return value

    def text_or_number(self, name: str, most: int) -> str | int | float:
        return self.text(name, most) if isinstance(self.tree[name], str) else self.real(name)

    def whole(self, name: str, low: int, high: int) -> int:
        value = self.tree[name]
        if type(value) is not int or not low <= value <= high:
            refuse(f"{self.where}.{name}", f"a whole number from {low} to {high}")
        return int(value)

    def pair(self, name: str, high: int) -> tuple[int, int]:
        """Two whole numbers in order, from 0."""
        value = self._list(name)
        right = len(value) == 2 and all(type(one) is int and 0 <= one <= high for one in value)
        if not right or value[0] > value[1]:
            refuse(f"{self.where}.{name}", "two whole numbers in order")
        return value[0], value[1]

    def real(self, name: str, low: float = -math.inf, *, above: float = -math.inf) -> float:
        """A finite number of at least `low`, and more than `above`."""
        value = self.tree[name]
        right = isinstance(value, int | float) and not isinstance(value, bool) and -1e300 <= value <= 1e300
        if not right or value < low or value <= above:
            refuse(f"{self.where}.{name}", "a finite number" + ("" if max(low, above) < 0 else " above 0"))
        return float(value)

    def measured(self, name: str) -> float:
        """A difference: at least 0, and perhaps infinite or not a number, in words."""
        value = self.tree[name]
        if isinstance(value, str) and value in NOT_FINITE:
            return NOT_FINITE[value]
        return self.real(name, 0)

    def part(self, name: str) -> Fields:
        """The object of that name."""
        return Fields(self.tree[name], f"{self.where}.{name}")

    def parts(self, name: str) -> list[Fields]:
        return [Fields(one, f"{self.where}.{name}[{i}]") for i, one in enumerate(self._list(name))]

    def _list(self, name: str) -> list[Any]:
        value = self.tree[name]
        if not isinstance(value, list):
            refuse(f"{self.where}.{name}", "a list")
        return value
