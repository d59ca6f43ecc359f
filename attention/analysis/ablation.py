"""Which heads matter here: every head switched off in turn, and what that does to one prediction ("ablation").

What counts is the total effect, after later heads have repaired what they can: a small number is no proof that a head
does nothing. With later heads frozen it is the direct effect, along every path that leads through none of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from attention.analysis.effect import Metric, in_words
from attention.analysis.head_map import HeadMap, empty, filled
from attention.analysis.sweep import GiveWay, Report, asked, swept
from attention.capture import Inputs, Observer
from attention.capture.address import Address
from attention.capture.replaced import Frozen, Head, Mean, Replaced, Replacement, first, running, zero
from attention.errors import InputError
from attention.reference import ReferenceTexts, reference_texts
from attention.source import reference_means
from attention.source.editing import NO_MEAN

if TYPE_CHECKING:
    from attention.record import Kind
    from attention.source import Source

# What stands in the place of a head's output: nothing; its mean over reference texts; its mean over the queries so far;
# the value of the first key that each query may see.
Off = Literal["zero", "mean", "running", "first"]
OFF: dict[Off, str] = {
    "zero": "zero", "mean": "its mean over {}", "running": "its running mean over the text so far",
    "first": "resting on the first token",
}  # fmt: skip
FROZEN: dict[Frozen, str] = {
    "outputs": ", later heads' outputs frozen", "weights": ", the weights of all other heads frozen"
}  # fmt: skip
# Smaller gaps between two maps are not spoken of: of the largest number on either, and in the measure.
LEAST_SHARE, LEAST_GAP = 0.15, 0.05


@dataclass(frozen=True, kw_only=True)
class HeadsOff:
    """That every head is switched off in turn, and which prediction that is told of.

    how: what stands in a head's place, see `Off`. target, distractor: of the prediction, the two likeliest where none
    is given; position: where it is read, see `effect.position_of`. query: switch a head off at this query alone, which
    is one of the text that its kind of attention asks from. kinds: of attention, all where left out. frozen: hold other
    heads at what they put out, or at the weights that they had, in the run without a change. reference: the texts of a
    mean, the installation's where left out.
    """

    how: Off = "zero"
    target: int | None = None
    distractor: int | None = None
    position: int | None = None
    query: int | None = None
    kinds: Sequence[Kind] | None = None
    frozen: Frozen | None = None
    reference: ReferenceTexts | None = None


# Zero at every position, of the two likeliest.
USUAL = HeadsOff()


def all_off(
    source: Source, inputs: Inputs, *, on_progress: Report | None = None, give_way: GiveWay | None = None, **fields: Any
) -> HeadMap:
    """The map of `each_off` when every head was tried. fields: of `HeadsOff`."""
    each = each_off(source, inputs, HeadsOff(**fields), on_progress=on_progress, give_way=give_way)
    return deque(each, maxlen=1)[0]


def each_off(
    source: Source,
    inputs: Inputs,
    wanted: HeadsOff = USUAL,
    *,
    on_progress: Report | None = None,
    give_way: GiveWay | None = None,
) -> Iterator[HeadMap]:
    """Switch off every head in turn, and yield the map of changes of the metric, fuller each time.

    A value is metric(without the head) − metric(as it is): below 0 where the head speaks for the target.
    on_progress(done, total) counts heads; give_way is called between runs. Raises InputError where nothing is
    predicted, and what `observe` raises.
    """
    by, named = replacement(source, wanted)
    query, frozen = wanted.query, wanted.frozen
    one = asked(
        source, inputs, target=wanted.target, distractor=wanted.distractor, position=wanted.position,
        wants=() if frozen is None else (frozen,),
    )  # fmt: skip
    heads = asking_at(one.heads(wanted.kinds), one.kept.shapes, query)
    check_means(by, heads)

    def changing(rows: tuple[Head | None, ...]) -> Observer:
        return Replaced(rows, by, query, None if frozen is None else (frozen, one.kept))

    values = empty(heads)
    sentence = said(source, one.metric, named, wanted)
    for some, found, base in swept(one, heads, changing, on_progress=on_progress, give_way=give_way):
        values = filled(values, some, (found - base).tolist())
        yield HeadMap(values=values, metric=one.metric, base=float(one.base[0]), sentence=sentence)


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A head of which two ways to switch it off tell different things. first, second: the changes of the measure."""

    head: Head
    first: float
    second: float


def apart(first: HeadMap, second: HeadMap) -> tuple[Apart, ...]:
    """The heads on which two maps of one prediction differ much, such as zero and mean, the largest difference first.

    Either puts the model where it may never have been in training, so neither is to be believed alone where one number
    is twice the other, or of the other sign (heads that hardly matter either way are left out). Raises InputError for
    maps of two predictions.
    """
    if first.metric != second.metric:
        raise InputError("The two maps are of different predictions; switch heads off for the same one.")
    other = dict(second.ranked())
    both = [Apart(head=head, first=value, second=other[head]) for head, value in first.ranked() if head in other]
    largest = max((max(abs(one.first), abs(one.second)) for one in both), default=0.0)
    least = max(LEAST_SHARE * largest, LEAST_GAP)
    found = [one for one in both if abs(one.first - one.second) >= least and not _within_twice(one.first, one.second)]
    return tuple(sorted(found, key=lambda one: (-abs(one.first - one.second), one.head)))


def _within_twice(one: float, other: float) -> bool:
    """Whether two numbers have the same sign and neither is twice the other or more."""
    small, large = sorted((abs(one), abs(other)))
    return one * other > 0 and large < 2 * small


def replacement(source: Source, wanted: HeadsOff) -> tuple[Replacement, str]:
    """What stands in a head's place, and the same in words."""
    how = wanted.how
    if how not in OFF:
        raise InputError(f"A head is switched off by {', '.join(OFF)}, not {how!r}.")
    if how != "mean":
        return {"zero": zero, "running": running, "first": first}[how], OFF[how]
    texts = wanted.reference or reference_texts()
    return Mean(reference_means(source, texts)), OFF[how].format(texts)


def check_means(by: Replacement, heads: Iterable[Head]) -> None:
    """Raise InputError where a head has no mean: no reference text has a second token on its side."""
    missing = [one for one in heads if isinstance(by, Mean) and one.address not in by.means]
    if missing:
        raise InputError(NO_MEAN.format(missing[0].address))


def asking_at(heads: Iterable[Head], shapes: Mapping[Address, Any], query: int | None) -> tuple[Head, ...]:
    """The heads that have this query. Raises InputError where none has."""
    found = tuple(one for one in heads if query is None or 0 <= query < shapes[one.address][1])
    if not found:
        most = max((int(shape[1]) for shape in shapes.values()), default=0)
        raise InputError(f"There is no query {query}; queries are 0 to {most - 1}.")
    return found


def said(source: Source, metric: Metric, what: str, wanted: HeadsOff) -> str:
    """What was done to every head, in one sentence."""
    which = "" if wanted.kinds is None else f" of {' and '.join(sorted(wanted.kinds))} attention"
    where = "at every position" if wanted.query is None else f"at position {wanted.query}"
    rest = "" if wanted.frozen is None else FROZEN[wanted.frozen]
    return f"Every head{which} in turn, {what}, {where}{rest}, one prompt: change of {in_words(source, metric)}."
