"""One kind of figure, and one setting of it, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attention.table import Sort


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: what it may be, what it is where nothing is said, and what it is for."""

    sort: Sort
    default: Any
    help: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of figure. needs_run: whether a model is run for it, and its state is a link's. drawn_by: the module
    that draws it, where it is not called as the kind is in lessons.
    """

    name: str
    help: str
    settings: Mapping[str, Setting]
    facts: Mapping[str, str] = field(default_factory=dict)
    needs_run: bool = False
    drawn_by: str = ""

    @property
    def module(self) -> str:
        """The module in `static/lesson/figures/` that draws it."""
        return self.drawn_by or self.name


def setting(default: Any, sort: Sort, help: str) -> Setting:
    """A setting with its default first, as a row of the table of fields."""
    return Setting(sort=sort, default=default, help=help)
