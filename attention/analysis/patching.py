"""Activation patching: one head of a run takes what it was in the run of another text, for every head in turn.

Clean and corrupted texts have as many tokens as each other, and the same roles at the same places. The metric is

    (patched − corrupted) / (clean − corrupted)

in both directions (Zhang and Nanda 2024; Heimersheim and Nanda 2024): denoising patches the corrupted run with a clean
head, and tells what suffices, 0 nothing and 1 everything restored; noising patches the clean run with a corrupted head,
and tells what is needed, 1 no harm and 0 everything lost. Neither is the other turned round, and neither is clipped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from attention.analysis.ablation import asking_at
from attention.analysis.alignment import opcodes
from attention.analysis.effect import (
    Metric,
    Untouched,
    in_words,
    metric_for,
    observe_at,
    position_of,
    rows_of,
    texts_of,
)
from attention.analysis.head_map import HeadMap, empty, filled
from attention.analysis.sweep import Asked, GiveWay, Report, asked, swept
from attention.capture import Inputs, Observer
from attention.capture.replaced import Frozen, Head, Replaced, Reweighed, Taken
from attention.errors import InputError

if TYPE_CHECKING:
    from attention.record import Kind
    from attention.source import Source

Direction = Literal["denoise", "noise"]
What = Literal["output", "weights"]
# Below this difference of the metric between clean and corrupted, a ratio of it explodes.
LEAST_GAP = 0.5
MOST_SHOWN = 6
SMALL_GAP = "clean and corrupted differ by only {:.2f}, less than {}, so a share of that would say nothing"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of two texts' tokens: those that are the same, or those that differ. first, second: start and stop."""

    same: bool
    first: tuple[int, int]
    second: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class AlignedTexts:
    """Which tokens of two texts go together: pieces of both, and the stretches of which they are made, in order."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    stretches: tuple[Stretch, ...]

    def __str__(self) -> str:
        """The stretches that differ, in words."""
        different = [one for one in self.stretches if not one.same]
        shown = [
            f"{_joined(self.first[slice(*one.first)])} ↔ {_joined(self.second[slice(*one.second)])} at {one.first[0]}"
            for one in different[:MOST_SHOWN]
        ]
        return "; ".join(shown) + (f"; and {len(different) - MOST_SHOWN} more" if len(different) > MOST_SHOWN else "")


class UnequalTextsError(InputError):
    """Two texts that cannot be patched into each other. alignment: where they differ."""

    def __init__(self, message: str, alignment: AlignedTexts) -> None:
        super().__init__(message)
        self.alignment = alignment


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchMap(HeadMap):
    """A map of patched heads. base: the metric of the run that is patched.

    values: shares of clean − corrupted, or, where `why_raw` says why, changes of the metric itself. clean, corrupted:
    the metric in both runs. direction, what: what was patched.
    """

    clean: float
    corrupted: float
    direction: Direction
    what: What
    why_raw: str = ""


def aligned_texts(first: Sequence[str], second: Sequence[str]) -> AlignedTexts:
    """Align two rows of pieces by their longest common stretches (difflib)."""
    stretches = tuple(
        Stretch(same=tag == "equal", first=(a, b), second=(c, d)) for tag, a, b, c, d in opcodes(first, second)
    )
    return AlignedTexts(first=tuple(first), second=tuple(second), stretches=stretches)


def all_patched(source: Source, clean: Inputs, corrupted: Inputs, **how: Any) -> PatchMap:
    """The map of `each_patched` when every head was tried; takes the same arguments."""
    return deque(each_patched(source, clean, corrupted, **how), maxlen=1)[0]


def each_patched(
    source: Source,
    clean: Inputs,
    corrupted: Inputs,
    *,
    direction: Direction = "denoise",
    what: What = "output",
    target: int | None = None,
    distractor: int | None = None,
    position: int | None = None,
    query: int | None = None,
    kinds: Iterable[Kind] | None = None,
    on_progress: Report | None = None,
    give_way: GiveWay | None = None,
) -> Iterator[PatchMap]:
    """Patch every head in turn, and yield the map, fuller each time.

    direction: whether the corrupted run takes a clean head or the clean run a corrupted one. what: its output, or its
    weights on the values of the run that is patched, which tells whether it is about where the head looks. target,
    distractor: of the metric; where no target is given, what is likeliest in the clean and in the corrupted run, and
    the clean run's two likeliest where that is the same. position, query, kinds, on_progress, give_way: as of
    `ablation.each_off`.

    Raises UnequalTextsError, an InputError, for texts of unequal length; else as `each_off` does.
    """
    if direction not in ("denoise", "noise") or what not in ("output", "weights"):
        raise InputError("A patch denoises or noises, and takes a head's output or its weights.")
    check_alike(source, clean, corrupted)
    metric = metric_of(source, clean, corrupted, position, target, distractor)
    wants: tuple[Frozen, ...] = ("outputs",) if what == "output" else ("weights",)
    is_giving = direction == "denoise"
    one = asked(source, clean, metric=metric, wants=wants if is_giving else ())
    other = asked(source, corrupted, metric=metric, rows=one.rows, wants=() if is_giving else wants)
    giver, taker = (one, other) if is_giving else (other, one)
    heads = asking_at(taker.heads(kinds), taker.kept.shapes, query)
    kept = giver.kept

    def changing(rows: tuple[Head | None, ...]) -> Observer:
        return Replaced(rows, Taken(kept), query) if what == "output" else Reweighed(rows, kept, query)

    gap = float(one.base[0] - other.base[0])
    why = SMALL_GAP.format(abs(gap), LEAST_GAP) if abs(gap) < LEAST_GAP else ""
    values, sentence = empty(heads), _said(taker, direction, what, query, kinds, why)
    for some, found, base in swept(taker, heads, changing, on_progress=on_progress, give_way=give_way):
        clean_rows, corrupted_rows = one.base[: len(some)], other.base[: len(some)]
        shares = (found - base) if why else (found - corrupted_rows) / (clean_rows - corrupted_rows)
        values = filled(values, some, np.asarray(shares).tolist())
        yield PatchMap(
            values=values, metric=metric, base=float(taker.base[0]), sentence=sentence, clean=float(one.base[0]),
            corrupted=float(other.base[0]), direction=direction, what=what, why_raw=why,
        )  # fmt: skip


def check_alike(source: Source, clean: Inputs, corrupted: Inputs) -> None:
    """Raise UnequalTextsError where the texts, or their pairs, have not as many tokens as each other."""
    for side, first, second in (("", clean.ids, corrupted.ids), ("second ", clean.pair_ids, corrupted.pair_ids)):
        if len(first) != len(second):
            alignment = aligned_texts(texts_of(source, first), texts_of(source, second))
            raise UnequalTextsError(
                f"The {side}texts have {len(first)} and {len(second)} tokens, and a patch needs as many in both, the "
                f"same roles at the same places; they differ in {alignment}. Change one of them.",
                alignment,
            )


def metric_of(
    source: Source, clean: Inputs, corrupted: Inputs, position: int | None, target: int | None, distractor: int | None
) -> Metric:
    """The metric at one place of both texts; see `each_patched`."""
    place = position_of(source, clean, position)
    runs = (observe_at(source, [inputs], Untouched(), [place]) for inputs in (clean, corrupted))
    rows = [rows_of(source, run, [place])[0, 0] for run in runs]
    if target is None and distractor is None:
        best = [int(row.float().argmax()) for row in rows]
        if best[0] != best[1]:
            return metric_for(source, rows[0], place, *best)
    return metric_for(source, rows[0], place, target, distractor)


def _said(
    taker: Asked, direction: Direction, what: What, query: int | None, kinds: Iterable[Kind] | None, why: str
) -> str:
    """What was done to every head, in one sentence."""
    which = "" if kinds is None else f" of {' and '.join(sorted(kinds))} attention"
    where = "at every position" if query is None else f"at position {query}"
    runs = "corrupted run from the clean one" if direction == "denoise" else "clean run from the corrupted one"
    told = "share of clean − corrupted in" if not why else "change of"
    behind = f" ({why})" if why else ""
    done = f"The {what} of every head{which} in turn, {where}, patched into the {runs}, one pair"
    return f"{done}: {told} {in_words(taker.source, taker.metric)}{behind}."


def _joined(pieces: Sequence[str]) -> str:
    return f"“{''.join(pieces)}”" if pieces else "nothing"

