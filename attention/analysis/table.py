"""Heads by pattern as a plain table: one row a head and pattern, for a data frame, a file or a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attention.analysis.patterns import PATTERNS, PatternScores, name_of, rank

if TYPE_CHECKING:
    from attention.record import Kind


@dataclass(frozen=True, kw_only=True)
class HeadPattern:
    """How far one head does one nameable thing.

    layer, head: counted from 0. pattern: its name. score: mean weight on what the pattern asks for, 0 to 1 (logits for
    copying). even: the score of a head that looks evenly at all that it may, on the same text. way: how far the head
    goes from there (0) to nothing else (1); heads are ranked by it. rows: how many queries counted. named: whether this
    is the pattern that the head goes by on this text, for there it goes furthest. kind: of attention.
    """

    layer: int
    head: int
    pattern: str
    score: float
    even: float
    way: float
    rows: int
    named: bool
    kind: Kind


def table(scores: PatternScores, *, least: float = -np.inf) -> list[HeadPattern]:
    """The heads of each pattern in turn, by falling way to it; those of at least `least`."""
    return [
        HeadPattern(
            layer=hit.layer,
            head=hit.head,
            pattern=pattern.name,
            score=hit.score,
            even=hit.base,
            way=hit.way,
            rows=hit.rows,
            named=name_of(scores, hit.layer, hit.head) == pattern.name,
            kind=scores.kind,
        )
        for pattern in PATTERNS
        for hit in rank(scores, pattern.name, least=least)
    ]
