"""The lines of the real code that do a step of attention, taken from the source, so that they cannot drift from it.

A step's lines are named by the file, the function and how each statement begins; what is not found raises LookupError,
in a test before anywhere else. No module is imported for it.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from attention.assets import PACKAGE


@dataclass(frozen=True)
class Place:
    """Statements of one function that follow each other: how each begins. function: dotted where it is a method."""

    file: str
    function: str
    begins: tuple[str, ...]


@dataclass(frozen=True)
class Excerpt:
    """Lines of a file, without the indentation that they share. line: the number of the first."""

    file: str
    line: int
    text: str


LAYER = "MultiHeadSelfAttention"
PLACES: dict[str, tuple[Place, ...]] = {
    "embed": (Place("local.py", "embed", ("found = ", "vectors = ", "return ")),),
    "project": (Place("mhsa.py", f"{LAYER}.run", ("query = ", "key = ", "value = ")),),
    "split": (Place("mhsa.py", f"{LAYER}._split", ("return ",)), Place("mhsa.py", f"{LAYER}._share", ("return ",))),
    "scores": (Place("stages.py", "attend", ("scores = ",)),),
    "scale": (
        Place("mhsa.py", f"{LAYER}.__init__", ("self.causal, self.temperature, self.scale = ",)),
        Place("stages.py", "attend", ("steps = ",)),
        Place("stages.py", "attend", ("if temperature != 1.0:",)),
    ),
    "mask": (
        Place("mhsa.py", f"{LAYER}._mask", ("if self.causal:",)),
        Place("stages.py", "apply_mask", ("return ",)),
    ),
    "softmax": (
        Place("stages.py", "softmax", ("parts = ", "total = parts.sum")),
        Place("stages.py", "softmax", ("return parts / torch.where",)),
    ),
    "mix": (Place("stages.py", "mix", ("return ",)),),
    "concat": (Place("mhsa.py", f"{LAYER}.run", ("heads = ", "output = ")),),
    "output": (Place("mhsa.py", f"{LAYER}.run", ("output = ",)),),
}
# Where a head is made by hand, other lines make what enters a layer: in the first one, and in one that follows.
BY_HAND: dict[str, tuple[Place, ...]] = {
    "embed.hand": (Place("handmade.py", "Room.vectors", ("x = torch.zeros", "for token, word in ")),),
    "embed.later": (Place("handmade.py", "run", ("x = x + output",)),),
}


@cache
def excerpts() -> dict[str, tuple[Excerpt, ...]]:
    """The lines of each step, by its name. Raises LookupError for what the source no longer has."""
    return {step: tuple(map(taken, places)) for step, places in (PLACES | BY_HAND).items()}


def taken(place: Place) -> Excerpt:
    """The lines of one place. Raises LookupError where a statement is not there, or there twice."""
    source = (PACKAGE / place.file).read_text(encoding="utf-8")
    lines = source.splitlines()
    body = _function(ast.parse(source), place)
    found = [_statement(body, lines, begin, place) for begin in place.begins]
    first, last = found[0].lineno, found[-1].end_lineno or found[-1].lineno
    return Excerpt(f"attention/{place.file}", first, textwrap.dedent("\n".join(lines[first - 1 : last])))


def _function(tree: ast.AST, place: Place) -> ast.AST:
    for name in place.function.split("."):
        named = (one for one in ast.iter_child_nodes(tree) if getattr(one, "name", None) == name)
        found = next(named, None)
        if found is None:
            raise LookupError(f"attention/{place.file} has no {place.function}.")
        tree = found
    return tree


def _statement(body: ast.AST, lines: list[str], begin: str, place: Place) -> ast.stmt:
    found = [one for one in _statements(body) if lines[one.lineno - 1].strip().startswith(begin)]
    if len(found) != 1:
        what = "no statement" if not found else f"{len(found)} statements"
        raise LookupError(f"{place.function} of attention/{place.file} has {what} that begin with {begin!r}.")
    return found[0]


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for one in ast.walk(node):
        if isinstance(one, ast.stmt) and one is not node:
            yield one
