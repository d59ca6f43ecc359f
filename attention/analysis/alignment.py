"""Which tokens of two texts correspond: the same ones, and those that stand in place of as many others. Pure.

Equal runs are found by `difflib.SequenceMatcher` (Ratcliff and Obershelp 1988: the longest run that both have, then the
same on either side of it). Where some tokens stand in place of equally many, the first is paired with the first and so
on: “cat” with “dog” in two sentences that differ in that word alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attention.record import Token

# Beyond so many pairs of places, frequent tokens no longer begin a run, or a hostile text would take minutes.
EXACT_CELLS = 300_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One place of both texts laid side by side. first, second: the number of the token, None where that text has none.

    same: whether both have the same token there.
    """

    first: int | None
    second: int | None
    same: bool = False


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Two texts side by side. The numbers of either text's tokens stand in `steps` from 0 on, each once, in order."""

    steps: tuple[Step, ...]

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(token of the first, token of the second) wherever both have one, rising in both."""
        return tuple(
            (step.first, step.second) for step in self.steps if step.first is not None and step.second is not None
        )

    @property
    def n_same(self) -> int:
        """How many tokens are the same."""
        return sum(step.same for step in self.steps)


def align(first: Sequence[Hashable], second: Sequence[Hashable]) -> Alignment:
    """Lay two sequences of n and m items side by side; max(n, m) ≤ steps ≤ n + m.

    Equal sequences give equal steps alone. The result for (second, first) need not be the mirror of this one where
    several runs are equally long.
    """
    return Alignment(steps=tuple(step for code in opcodes(first, second) for step in _steps(*code)))


def opcodes(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[tuple[str, int, int, int, int]]:
    """difflib's stretches of both, ("equal" or another name, start and stop of the first, of the second), in order."""
    matcher = SequenceMatcher(None, first, second, autojunk=len(first) * len(second) > EXACT_CELLS)
    return list(matcher.get_opcodes())


def align_tokens(first: Sequence[Token], second: Sequence[Token]) -> Alignment:
    """The same of tokens, which are the same where they read the same and begin or go on a word alike."""
    return align([_read(token) for token in first], [_read(token) for token in second])


def _read(token: Token) -> tuple[str, str, bool]:
    return token.mark, token.text or token.piece, token.special


def _steps(code: str, a: int, a_end: int, b: int, b_end: int) -> Iterator[Step]:
    if a_end - a == b_end - b:
        yield from (Step(first=a + i, second=b + i, same=code == "equal") for i in range(a_end - a))
        return
    yield from (Step(first=i, second=None) for i in range(a, a_end))
    yield from (Step(first=None, second=i) for i in range(b, b_end))
