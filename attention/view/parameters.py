"""The parameters of a link: one for each row of the table, and the two that are no field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from attention.table import keys, rows
from attention.view.fields import View

VERSION = "1"
# Keys of a link that are no field of a view. The packed texts stand where the second of them would.
VERSION_KEY, PACKED, AFTER = "v", "packed", "pair"


@dataclass(frozen=True)
class Parameter:
    """One key of a link: what it means, what it accepts, and what stands in for a bad value (all in words).

    of: the field of a view that it says, "" where it is none. read: raw text → the field's value; raises ValueError.
    """

    name: str
    of: str
    help: str
    accepts: str
    default: str
    read: Callable[[str], Any] = field(repr=False)


def parameters(of: type) -> tuple[Parameter, ...]:
    """Those of a view, in the order in which a link names them."""
    return tuple(_all(of))


def described(of: type) -> str:
    """The table of docs/links.md, which `make docs` writes there."""
    lines = [f"| `{one.name}` | {one.help} | {one.accepts} | {one.default} |" for one in parameters(of)]
    return "\n".join(("| name | what it says | what it accepts | otherwise |", "|---|---|---|---|", *lines))


def _all(of: type) -> Iterator[Parameter]:
    yield Parameter(VERSION_KEY, "", "version of the link", VERSION, VERSION, _version)
    for name, row in rows(of).items():
        yield Parameter(keys(of)[name], name, row.help, row.sort.accepts, row.otherwise, row.sort.read)
        if name == AFTER:
            yield Parameter(
                PACKED, "", "both texts in few characters, in place of text and pair", "what the page itself wrote",
                "the first sample", str,
            )  # fmt: skip


def _version(raw: str) -> str:
    if raw != VERSION:
        raise ValueError
    return raw


PARAMETERS = parameters(View)
