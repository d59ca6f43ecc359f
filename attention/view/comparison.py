"""Comparison: two views side by side, as one frozen value, and its form as a link.

A link holds one side or two. The plain keys are the first side; a key that begins with `b.` says where the second side
differs from it, and what no such key names is as on the first side. Which keys there are follows from the rows of a
view (`attention.table`). Reading is total, as that of a view is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from attention.config import Limits
from attention.table import defaults, keys, rows
from attention.view.fields import View
from attention.view.packing import left_out
from attention.view.parameters import PACKED, PARAMETERS, VERSION_KEY, Parameter
from attention.view.url import LONGEST_QUERY, TEXTS, Query, carried_as, fields_of, parse, to_query, without_texts
from attention.view.url import to_address as address_of_view

SECOND = "b."
AS_ON_FIRST = "as on the first side"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the page “Compare” shows: two views. first is side A, second side B."""

    first: View
    second: View

    @property
    def swapped(self) -> Comparison:
        """The same with its sides exchanged."""
        return Comparison(first=self.second, second=self.first)

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of the fields in which the sides differ, in the order of a view's rows."""
        return tuple(name for name in rows(View) if getattr(self.first, name) != getattr(self.second, name))


def parse_comparison(
    query: Query, *, max_characters: int = Limits().max_characters
) -> tuple[Comparison, tuple[str, ...]]:
    """A link's parameters → (comparison, notices). Total: whatever stands in the link, there is a comparison."""
    first, notices = parse(query, max_characters=max_characters)
    second, more = second_of(first, query, max_characters=max_characters)
    return Comparison(first=first, second=second), (*notices, *more)


def second_of(
    first: View, query: Query, *, max_characters: int = Limits().max_characters
) -> tuple[View, tuple[str, ...]]:
    """The second side of a link whose first side is that, and notices. Total."""
    fields, notices = fields_of(SECOND_PARAMETERS, query, max_characters, AS_ON_FIRST)
    return replace(first, **fields), notices


def comparison_query(comparison: Comparison) -> dict[str, str]:
    """The comparison as link parameters: the first side's, and where the second differs. Complete, however long."""
    return to_query(comparison.first) | _second(comparison)


def comparison_address(comparison: Comparison) -> dict[str, str]:
    """The comparison as an address carries it: texts that are too long for a link are left out, with a mark."""
    query = comparison_query(comparison)
    if _fits(query):
        return query
    second = _second(comparison)
    if _TEXT_KEYS & set(second):
        second = {key: value for key, value in second.items() if key not in _TEXT_KEYS}
        second[SECOND + PACKED] = left_out(comparison.second.text, comparison.second.pair)
    whole = to_query(comparison.first) | second
    if _fits(whole):
        return whole
    first = without_texts({key: value for key, value in to_query(comparison.first).items() if key != PACKED})
    return first | {PACKED: left_out(comparison.first.text, comparison.first.pair)} | second


def comparison_fits(comparison: Comparison) -> bool:
    """Whether a link can carry the whole comparison."""
    return _fits(comparison_query(comparison))


def is_of_second(key: str) -> bool:
    """Whether a key of an address speaks of the second side."""
    return key in _SECOND_NAMES


def address_of(shown: View | Comparison) -> dict[str, str]:
    """What stands in the address for one view or two."""
    return address_of_view(shown) if isinstance(shown, View) else comparison_address(shown)


def _fits(query: Mapping[str, str]) -> bool:
    return len(urlencode(query)) <= LONGEST_QUERY


def _second(comparison: Comparison) -> dict[str, str]:
    """The keys that begin with `b.`; its texts packed into one value where a link would pack them."""
    second, differing = comparison.second, comparison.differing
    written = {SECOND + keys(View)[name]: rows(View)[name].sort.write(getattr(second, name)) for name in differing}
    packed = carried_as(second.text, second.pair)
    if not packed or not set(TEXTS) & set(differing):
        return written
    return {key: value for key, value in written.items() if key not in _TEXT_KEYS} | {SECOND + PACKED: packed}


def _or_default(parameter: Parameter) -> Callable[[str], Any]:
    """Read what a link says of the second side: nothing at all is the default, where that is written so.

    On one side a default is left out; here it has to be said where the first side has something else.
    """
    if not parameter.of:
        return parameter.read
    default = defaults(View)[parameter.of]
    is_blank = rows(View)[parameter.of].sort.write(default) == ""
    return lambda raw: default if is_blank and raw == "" else parameter.read(raw)


SECOND_PARAMETERS = tuple(
    replace(one, name=SECOND + one.name, default=AS_ON_FIRST, read=_or_default(one))
    for one in PARAMETERS if one.name != VERSION_KEY
)  # fmt: skip
_SECOND_NAMES = frozenset(one.name for one in SECOND_PARAMETERS)
_TEXT_KEYS = frozenset(SECOND + name for name in (*TEXTS, PACKED))
