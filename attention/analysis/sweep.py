"""One text in every row of a batch, another head changed in each row: every head of a model in a few runs.

Each batch is as large as the first, unchanged one, so that the same sums are made in the same order: a head that is
changed to what it was changes nothing, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from attention.analysis.effect import Metric, Untouched, metric_for, observe_at, position_of, rows_of
from attention.capture import Inputs, Observer
from attention.capture.decode import NO_NUMBER, NO_NUMBER_ADVICE
from attention.capture.inputs import can_keep_some
from attention.capture.observe import addresses_of
from attention.capture.replaced import Frozen, Head, Kept
from attention.errors import InputError
from attention.models.task import task_of

if TYPE_CHECKING:
    from attention.record import Kind
    from attention.source import Source

# Of one batch: tokens (larger ones gain nothing on a processor), weights of a layer, and logits (256 MB as float32).
MOST_TOKENS, MOST_WEIGHTS, MOST_LOGITS = 1024, 2**25, 2**26
# The unchanged batch comes on top, so that few large batches would cost more than some smaller ones.
LEAST_BATCHES = 4

Report = Callable[[int, int], None]
# Called between two runs; raises where nobody waits for the rest.
GiveWay = Callable[[], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What is asked of one text: its inputs and the metric at a position, with the runs that it takes.

    rows: how many rows a batch has. base: the metric in each row (rows,) of an unchanged batch, float64. kept: what was
    kept of that batch.
    """

    source: Source
    inputs: Inputs
    metric: Metric
    rows: int
    base: np.ndarray
    kept: Kept

    def heads(self, kinds: Iterable[Kind] | None) -> tuple[Head, ...]:
        """The heads of some kinds of attention, or all. Raises InputError for a kind that is not there."""
        return heads_of(self.kept, kinds)

    def run(self, observer: Observer) -> np.ndarray:
        """The metric in each row (rows,) of a batch with an observer at its seam."""
        return measured(self.source, [self.inputs] * self.rows, observer, self.metric)


def heads_of(kept: Kept, kinds: Iterable[Kind] | None) -> tuple[Head, ...]:
    """The heads of some kinds of attention, or all. Raises InputError for a kind that is not there."""
    wanted, there = None if kinds is None else set(kinds), {address.kind for address in kept.shapes}
    if wanted is not None and (strange := wanted - there):
        raise InputError(f"This model has no {sorted(strange)[0]} attention; it has {', '.join(sorted(there))}.")
    return kept.heads(wanted)


def asked(
    source: Source,
    inputs: Inputs,
    *,
    target: int | None = None,
    distractor: int | None = None,
    position: int | None = None,
    wants: Iterable[Frozen] = (),
    rows: int | None = None,
    metric: Metric | None = None,
) -> Asked:
    """An unchanged batch of the text, for what is asked of it. wants: what is kept of its heads. rows, metric: as they
    were asked of another text.

    Raises InputError where nothing is predicted there.
    """
    place = position_of(source, inputs, position if metric is None else metric.position)
    if metric is None:
        alone = rows_of(source, observe_at(source, [inputs], Untouched(), [place]), [place])[0, 0]
        metric = metric_for(source, alone, place, target, distractor)
        check_numbers(np.asarray([float(metric.of(alone))]))
    count = rows or row_count(source, inputs)
    kept = Kept(frozenset(wants))
    base = measured(source, [inputs] * count, kept, metric)
    check_numbers(base)
    return Asked(source=source, inputs=inputs, metric=metric, rows=count, base=base, kept=kept)


def measured(source: Source, texts: Sequence[Inputs], observer: Observer, metric: Metric) -> np.ndarray:
    """The metric of each text of one run, float64."""
    places = [metric.position]
    logits: Tensor = rows_of(source, observe_at(source, texts, observer, places), places)[:, 0]
    return np.asarray(metric.of(logits.detach().cpu()).numpy())


def check_numbers(values: np.ndarray) -> None:
    """Raise InputError where a model puts out what is no number."""
    if not np.isfinite(values).all():
        raise InputError(f"{NO_NUMBER}, so nothing can be told of its heads; {NO_NUMBER_ADVICE}")


def row_count(source: Source, inputs: Inputs) -> int:
    """How many rows a batch may have, so that it stays within bounds and the batches of all heads are alike."""
    model, longest = source.model, max(len(inputs.ids), len(inputs.pair_ids))
    config: Any = model.config.get_text_config()
    heads = int(getattr(config, "num_attention_heads", 0) or getattr(config, "num_heads", 0) or 1)
    words = int(getattr(config, "vocab_size", 0) or 1) if _words_everywhere(source) else 1
    bounds = MOST_TOKENS // longest, MOST_WEIGHTS // (heads * longest**2), MOST_LOGITS // (longest * words)
    total = heads * len(addresses_of(model, inputs))
    most = max(1, min(*bounds, math.ceil(total / LEAST_BATCHES))) if _takes_batches(source) else 1
    return math.ceil(total / math.ceil(total / most))


def _words_everywhere(source: Source) -> bool:
    """Whether each run makes logits over all words at every position."""
    words = task_of(source.model, source.missing) in ("next", "fill", "translate")
    return words and not can_keep_some(source.model)


def _takes_batches(source: Source) -> bool:
    """Whether several texts can run at once: a decoder that labels a text finds its end by the padding alone."""
    padding = getattr(source.model.config.get_text_config(), "pad_token_id", None)
    return padding is not None or task_of(source.model, source.missing) != "classify"


def swept(
    one: Asked,
    heads: Sequence[Head],
    changing: Callable[[tuple[Head | None, ...]], Observer],
    *,
    on_progress: Report | None = None,
    give_way: GiveWay | None = None,
) -> Iterator[tuple[Sequence[Head], np.ndarray, np.ndarray]]:
    """(some heads, the metric with each of them changed, the metric of the same rows without a change), until all were.

    changing: from the head of each row, None for a row that stays, to the observer that changes them.
    on_progress(done, total) counts heads; give_way is called before each run.
    """
    for at in range(0, len(heads), one.rows):
        if give_way is not None:
            give_way()
        some = tuple(heads[at : at + one.rows])
        spare: tuple[None, ...] = (None,) * (one.rows - len(some))
        found = one.run(changing((*some, *spare)))[: len(some)]
        check_numbers(found)
        yield some, found, one.base[: len(some)]
        if on_progress is not None:
            on_progress(at + len(some), len(heads))
