"""What each head does, by name: how much of its weight falls on what a head of that name would look at.

A score alone misleads: on a short text a head that looks everywhere evenly also puts much weight on, say, the first
token. So each score stands beside the one that an even head would have under the same mask on the same text (`base`),
and heads are named and ranked by the `way` from there to 1. Heads are scored on a text (`score_trace`), or on stored
texts (`attention.analysis.probe`); `PatternScores.on` says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.analysis.blocks import fixed
from attention.analysis.named import (
    COUNTED,
    FORWARDS,
    NAMED,
    NAMES,
    OTHER_KEYS,
    PATTERNS,
    TWO_TEXTS,
    Pattern,
    pattern_of,
)
from attention.analysis.places import Places, places_of
from attention.analysis.tally import LayerSums, Wanted, sums_of
from attention.errors import InputError

if TYPE_CHECKING:
    from attention.record import Kind, Token, Trace

__all__ = [
    "NAMES",
    "PATTERNS",
    "Hit",
    "Pattern",
    "PatternScores",
    "Scored",
    "name_of",
    "pattern_of",
    "rank",
    "score_trace",
    "score_traces",
]

# On how many queries at least a head that is given a name must go so far.
LEAST_ROWS = 3
# From which score on a head that does nothing nameable is called even.
EVEN = 0.9
TEXT = "this text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """One pattern's numbers for all heads, each (layers, heads), NaN where a layer has fewer heads.

    score: mean over the queries that count, 0 to 1 (logits for copying). base: the score of an even head under the same
    mask on the same text. way: (score − base) / (1 − base), 0 for an even head, below it for one that avoids the
    pattern; for `uniform` and copying, which have no such base, the score itself. rows: how many queries counted.
    """

    score: np.ndarray
    base: np.ndarray
    way: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class PatternScores:
    """All patterns of all heads of one kind. on: what they were scored on, in words. layers: the model's own numbers.

    found: by pattern name, None where the pattern makes no sense or nothing asks for it; why: the reason then.
    """

    kind: Kind
    on: str
    layers: tuple[int, ...]
    found: Mapping[str, Scored | None]
    why: Mapping[str, str]

    def __getitem__(self, name: str) -> Scored | None:
        return self.found[pattern_of(name).name]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One head and its numbers in a ranking; see Scored."""

    layer: int
    head: int
    score: float
    base: float
    way: float
    rows: int


def score_trace(trace: Trace, kind: Kind | None = None, *, on: str = TEXT) -> PatternScores:
    """Every pattern's score for every head of a kind on the trace's own text. Maps are made in blocks of rows."""
    return score_traces([trace], kind, on=on)


def score_traces(traces: Iterable[Trace], kind: Kind | None = None, *, on: str) -> PatternScores:
    """The same over several texts of one model, each query weighing the same; traces are taken one at a time."""
    tally = _Tally()
    for trace in traces:
        kind = trace.default_kind if kind is None else kind
        tally.add(trace, kind)
    if kind is None:
        raise InputError("There is no trace to score; give at least one.")
    return tally.scores(kind, on)


def rank(scores: PatternScores, pattern: str, *, least: float = -np.inf) -> tuple[Hit, ...]:
    """The heads by falling way to the pattern, those of at least `least`; () where the pattern was not scored."""
    found = scores[pattern]
    if found is None:
        return ()
    hits = [
        Hit(
            layer=layer,
            head=head,
            score=float(found.score[index, head]),
            base=float(found.base[index, head]),
            way=float(found.way[index, head]),
            rows=int(found.rows[index, head]),
        )
        for index, layer in enumerate(scores.layers)
        for head in range(found.way.shape[1])
        if found.rows[index, head] > 0 and found.way[index, head] >= least
    ]
    return tuple(sorted(hits, key=lambda hit: (-hit.way, hit.layer, hit.head)))


def name_of(scores: PatternScores, layer: int, head: int) -> str:
    """The pattern that the head goes furthest to from an even spread; "uniform", or "mixed" for none.

    Of two that are nearly as good the one of which an even head has less: a head that looks at the token before in a
    text of two sentences is no head for the first token. Raises InputError for a layer that was not scored.
    """
    if layer not in scores.layers:
        raise InputError(f"Layer {layer} was not scored; these were: {', '.join(map(str, scores.layers))}.")
    index, best, name = scores.layers.index(layer), -np.inf, ""
    for pattern in PATTERNS:
        found = scores[pattern.name]
        if found is None or pattern.measure in ("spread", "logit") or found.rows[index, head] < LEAST_ROWS:
            continue
        way, base = found.way[index, head], found.base[index, head]
        if way >= NAMED and way + 0.1 * (1 - base) > best:
            best, name = way + 0.1 * (1 - base), pattern.name
    even = scores["uniform"]
    if not name and even is not None and even.score[index, head] > EVEN:
        return "uniform"
    return name or "mixed"


class _Tally:
    """Layers' sums over one text after the other, and what they come to."""

    def __init__(self) -> None:
        self._sums: dict[int, LayerSums] = {}
        self._foreign = False

    def add(self, trace: Trace, kind: Kind) -> None:
        known: dict[Any, Wanted] = {}
        # By the tokens' ids, which stay theirs as long as they are kept here.
        read: dict[tuple[int, int], tuple[Sequence[Token], Sequence[Token], Places]] = {}
        for layer, record in trace.records(kind).items():
            view = trace.head(layer, 0, kind)
            queries, keys = view.query_tokens, view.key_tokens
            if (id(queries), id(keys)) not in read:
                found = places_of(queries, keys, two_texts=kind == "cross")
                read[id(queries), id(keys)] = queries, keys, found
            places = read[id(queries), id(keys)][2]
            self._foreign = self._foreign or (kind != "cross" and not places.own)
            sums = sums_of(record, places, [one if _fits(one, kind, places) else None for one in COUNTED], known)
            before = self._sums.get(layer)
            if before is not None and before.score.shape != sums.score.shape:
                raise InputError("These traces are of different models: their layers differ in the number of heads.")
            self._sums[layer] = sums if before is None else before + sums

    def scores(self, kind: Kind, on: str) -> PatternScores:
        layers = tuple(sorted(self._sums))
        found: dict[str, Scored | None] = {pattern.name: None for pattern in PATTERNS}
        grids = self._grids(layers)
        for index, pattern in enumerate(COUNTED):
            found[pattern.name] = _scored(pattern, *grids[:, index])
        why = {name: self._why(pattern_of(name), kind) for name, scored in found.items() if scored is None}
        return PatternScores(kind=kind, on=on, layers=layers, found=found, why=why)

    def _grids(self, layers: tuple[int, ...]) -> np.ndarray:
        """(3, patterns, layers, heads) of the layers' means; layers may have fewer heads than others, NaN there."""
        means = [self._sums[layer].means().numpy() for layer in layers]
        grids = np.full((3, len(COUNTED), len(layers), max((own.shape[2] for own in means), default=0)), np.nan)
        for index, own in enumerate(means):
            grids[:, :, index, : own.shape[2]] = own
        return grids

    def _why(self, pattern: Pattern, kind: Kind) -> str:
        if kind not in pattern.kinds:
            return TWO_TEXTS if kind == "cross" else FORWARDS
        return OTHER_KEYS if self._foreign and "cross" not in pattern.kinds else pattern.nothing


def _fits(pattern: Pattern, kind: Kind, places: Places) -> bool:
    return kind in pattern.kinds and (places.own or "cross" in pattern.kinds)


def _scored(pattern: Pattern, score: np.ndarray, base: np.ndarray, rows: np.ndarray) -> Scored | None:
    """One pattern's numbers, each (layers, heads); None where no query counts."""
    if not np.nansum(rows):
        return None
    way = score
    if pattern.measure != "spread":
        with np.errstate(invalid="ignore"):
            way = (score - base) / (1 - base)
    whole = np.nan_to_num(rows).astype(np.int64)
    return Scored(score=fixed(score), base=fixed(base), way=fixed(way), rows=fixed(whole))
