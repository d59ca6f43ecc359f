"""The terms of the inspect page, each in a sentence with its lesson: reads `assets/terms.toml`, refuses a wrong file.

The browser has the same list as a module, `static/terms/list.js`, which `tools/terms.py` makes of this one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from attention.assets import ASSETS
from attention.catalogue import read
from attention.errors import InputError

KEY = re.compile(r"[a-z]+(\.[a-z]+( [a-z]+)*)?")
LESSON = re.compile(r"(?P<lesson>[0-9]{2}-[a-z]+)(#(?P<step>[a-z0-9]+(-[a-z0-9]+)*))?")
# What ends a sentence within a text; an abbreviation's full stop is followed by a small letter or a number.
ENDS = re.compile(r"[.?!] (?=[A-Z“])")
LONGEST = 160
HEAD = "/** The page’s terms by their keys; tools/terms.py makes this of assets/terms.toml, as a test demands. */\n"


@dataclass(frozen=True, kw_only=True)
class Term:
    """One term. key: how the page's code names it. title: as it is written. says: one sentence of at most 160 letters.

    lesson: a lesson's name, and after # one of its steps.
    """

    key: str
    title: str
    says: str
    lesson: str

    def __post_init__(self) -> None:
        if not KEY.fullmatch(self.key):
            raise InputError(f"key is {self.key!r}; it must be small letters, in one or two parts with a dot between")
        if not LESSON.fullmatch(self.lesson):
            raise InputError(f"lesson is {self.lesson!r}; it must be like 03-scores or 03-scores#dot")
        if not self.says.endswith(".") or ENDS.search(self.says):
            raise InputError(f"says is {self.says!r}; it must be one sentence that ends with a full stop")
        if len(self.says) > LONGEST:
            raise InputError(f"says has {len(self.says)} letters; at most {LONGEST} are read while one points")

    @property
    def place(self) -> tuple[str, str]:
        """The lesson's name and the step in it, "" for its first."""
        found = LESSON.fullmatch(self.lesson)
        return ("", "") if found is None else (found["lesson"], found["step"] or "")


@cache
def terms() -> tuple[Term, ...]:
    """All terms in the file's order; raises InputError that names what is wrong with the file."""
    return read(ASSETS / "terms.toml", "term", Term, key="key")


def module() -> str:
    """The browser's list of them as a module: TERMS, {key: {title, says, lesson, step}}."""
    lines = []
    for term in terms():
        lesson, step = term.place
        told = {"title": term.title, "says": term.says, "lesson": lesson, "step": step}
        lines.append(f"  {json.dumps(term.key)}: {json.dumps(told, ensure_ascii=False)},\n")
    return f"{HEAD}export const TERMS = {{\n{''.join(lines)}}};\n"
