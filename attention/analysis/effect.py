"""How a prediction changed: two rows of logits, of a run as it was and of one that was changed.

The measure is the logit difference of a target and a distractor, log(p_target / p_distractor), or without a distractor
the log-probability of the target: a shift of all logits is nothing that anybody would see. A bare probability hides
what opposes a prediction, and saturates (Zhang and Nanda 2024), so it stands beside them.

Shape letters: p positions, V what can be predicted: tokens or labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attention.capture import Call, Inputs, Observer, Product, observe
from attention.capture.decode import NO_NUMBER, NO_NUMBER_ADVICE
from attention.capture.inputs import can_keep_some
from attention.capture.outputs import Result
from attention.errors import InputError
from attention.models.task import task_of
from attention.prediction import refusal
from attention.prediction.likely import NO_BLANK, labels_of, scale_of
from attention.prediction.results import Scale
from attention.prediction.texts import read
from attention.source import Source
from attention.tokens.pieces import Vocabulary

ANSWERS = "This model marks where an answer begins and ends, which has no logits over words; choose another model."
NOT_THERE = "There is no prediction at position {}; this text has positions 0 to {}."


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is measured of one prediction.

    position: of the token after which, or at which, it is made, on the side that is predicted; None for a label of the
    whole text. target, distractor: ids of tokens or numbers of labels. scale: how the logits become chances.
    """

    target: int
    distractor: int | None = None
    position: int | None = None
    scale: Scale = "softmax"

    def of(self, logits: Tensor) -> Tensor:
        """From logits (…, V) the measure (…), float64: a logit difference, else a log-probability; differentiable.

        A lone logit, which is no chance, is itself.
        """
        own = logits.double()
        if self.distractor is not None:
            return own[..., self.target] - own[..., self.distractor]
        return _log_chances(own, self.scale)[..., self.target]

    @property
    def name(self) -> str:
        """The measure in words."""
        if self.distractor is not None:
            return "logit difference"
        return "value" if self.scale == "none" else "log-probability"

    def check(self, size: int) -> None:
        """Raise InputError for numbers that no token or label of `size` has."""
        for what, number in (("target", self.target), ("distractor", self.distractor)):
            if number is not None and not 0 <= number < size:
                raise InputError(f"The {what} is {number}; this model predicts numbers 0 to {size - 1}.")
        if self.target == self.distractor:
            raise InputError("Target and distractor are the same; choose two different ones, or leave the second out.")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one candidate stands in one run. rank: 1 is the likeliest. log_probability (nats), probability: None where
    the logits are no chances.
    """

    logit: float
    rank: int
    log_probability: float | None
    probability: float | None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How one candidate moved, by its id."""

    id: int
    before: Standing
    after: Standing

    @property
    def log_probability(self) -> float | None:
        """The change of its log-probability, in nats."""
        return _change(self.before.log_probability, self.after.log_probability)

    @property
    def probability(self) -> float | None:
        """The change of its probability."""
        return _change(self.before.probability, self.after.probability)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a change of the run did to one prediction. All changes are after − before, with their sign.

    metric: what is asked. target, distractor: how they moved. before, after: the metric in both runs. kl: the
    divergence KL(before ‖ after) in nats; None where the logits are not the chances of one of several. rose, fell:
    those whose probability changed most, the largest change first.
    """

    metric: Metric
    target: Moved
    distractor: Moved | None
    before: float
    after: float
    kl: float | None
    rose: tuple[Moved, ...]
    fell: tuple[Moved, ...]

    @property
    def change(self) -> float:
        """Of the metric."""
        return self.after - self.before


def effect_of(base: Tensor, edited: Tensor, metric: Metric, k: int = 5) -> Effect:
    """How a prediction changed from the logits (V,) of one run to those of another. k: how many rose and fell at most.

    Raises InputError for a target that is not there, and for logits that are no numbers.
    """
    if base.shape != edited.shape or base.dim() != 1:
        raise InputError("The two rows of logits must be as long as each other.")
    metric.check(len(base))
    before, after = (one.detach().to("cpu", torch.float64) for one in (base, edited))
    for one in (before, after):
        if not bool(one.logsumexp(0).isfinite()):
            raise InputError(f"{NO_NUMBER}, so no change can be told; {NO_NUMBER_ADVICE}")
    logs = [_log_chances(one, metric.scale) for one in (before, after)]
    moved = _Moves((before, after), (logs[0], logs[1]), metric.scale)
    return Effect(
        metric=metric,
        target=moved.of(metric.target),
        distractor=None if metric.distractor is None else moved.of(metric.distractor),
        before=float(metric.of(before)),
        after=float(metric.of(after)),
        kl=_divergence(*logs) if metric.scale == "softmax" else None,
        rose=moved.most(k, 1),
        fell=moved.most(k, -1),
    )


@dataclass(frozen=True, eq=False)
class _Moves:
    """Two rows of logits (V,) and their log-chances, before and after."""

    logits: tuple[Tensor, Tensor]
    logs: tuple[Tensor, Tensor]
    scale: Scale

    def of(self, number: int) -> Moved:
        return Moved(id=number, before=self._standing(0, number), after=self._standing(1, number))

    def _standing(self, run: int, number: int) -> Standing:
        logits, log = self.logits[run], float(self.logs[run][number])
        none = self.scale == "none"
        return Standing(
            logit=float(logits[number]),
            rank=int((logits > logits[number]).sum()) + 1,
            log_probability=None if none else log,
            probability=None if none else math.exp(min(log, 0.0)),
        )

    def most(self, k: int, sign: int) -> tuple[Moved, ...]:
        """Those whose probability changed most in one direction; of equals the lower id first."""
        if self.scale == "none":
            return ()
        change = sign * (self.logs[1].exp() - self.logs[0].exp())
        order = change.sort(descending=True, stable=True).indices[:k].tolist()
        return tuple(self.of(number) for number in order if change[number] > 0)


def _log_chances(logits: Tensor, scale: Scale) -> Tensor:
    """The log of each chance (…, V); logits as they are where they are none."""
    if scale == "none":
        return logits
    return logits.log_softmax(-1) if scale == "softmax" else torch.nn.functional.logsigmoid(logits)


def _divergence(before: Tensor, after: Tensor) -> float:
    """Σ p · (log p − log q) over what p gives any chance, of log-chances (V,); rounding cannot take it below 0."""
    likely = before.exp() > 0
    return max(0.0, float((before[likely].exp() * (before[likely] - after[likely])).sum()))


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def logits_of(
    source: Source, inputs: Inputs, positions: Sequence[int | None], observer: Observer | None = None
) -> Tensor:
    """The logits (p, V) that the model gives at positions, float32, of one run with an observer at its seam.

    positions: tokens of the side that is predicted, or (None,) for a model that labels the whole text. Raises
    InputError where nothing is predicted, and what `observe` raises.
    """
    check_predicts(source)
    return rows_of(source, observe_at(source, [inputs], observer or Untouched(), positions), positions)[0].float()


class Untouched:
    """An observer that changes and keeps nothing."""

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        return product(call)


def observe_at(
    source: Source, texts: Sequence[Inputs], observer: Observer, positions: Sequence[int | None],
    *, differentiable: bool = False,
) -> Result:  # fmt: skip
    """One run of texts of equal length, with no more logits than are wanted."""
    kept = [one for one in positions if one is not None]
    return observe(source.model, texts, observer, positions=kept or None, differentiable=differentiable)


def rows_of(source: Source, result: Result, positions: Sequence[int | None]) -> Tensor:
    """The logits (b, p, V) at positions in what `observe_at` gave; of any type, part of its graph."""
    logits = result.tensor
    if positions == (None,) or list(positions) == [None]:
        return logits.reshape(len(logits), 1, -1)
    if can_keep_some(source.model) and logits.shape[1] == len(positions):
        return logits
    return logits[:, list(positions)]


def check_predicts(source: Source) -> None:
    """Raise InputError for a model without a prediction that can be measured."""
    why = refusal(source)
    if why:
        raise InputError(why)
    if task_of(source.model, source.missing) == "answer":
        raise InputError(ANSWERS)


def position_of(source: Source, inputs: Inputs, position: int | None = None) -> int | None:
    """Where a prediction is measured: the given position, else the last one, or the first blank of a model that fills
    blanks; None for a model that labels the whole text. A token that is no blank is read as it stands, and not hidden.
    Raises InputError for a position that is not there.
    """
    check_predicts(source)
    task = task_of(source.model, source.missing)
    if task == "classify":
        return None
    ids = inputs.pair_ids if task == "translate" else inputs.ids
    mask = inputs.attention_mask if task != "translate" else None
    if position is not None:
        if not 0 <= position < len(ids):
            raise InputError(NOT_THERE.format(position, len(ids) - 1))
        return position
    if task == "fill":
        blank = blank_of(source)
        if blank not in ids:
            raise InputError(NO_BLANK)
        return ids.index(blank)
    return max(at for at in range(len(ids)) if mask is None or mask[at])


def blank_of(source: Source) -> int | None:
    """The id of the blank that the model fills."""
    own = getattr(source.tokenizer, "mask_token_id", None)
    return getattr(source.model.config, "mask_token_id", None) if own is None else own


def scale_for(source: Source, size: int) -> Scale:
    """How this model's logits over `size` tokens or labels become chances."""
    task = task_of(source.model, source.missing)
    if task == "classify":
        return scale_of(source.model.config, labels_of(source.model.config, size))
    return "none" if size == 1 else "softmax"


def metric_for(
    source: Source, logits: Tensor, position: int | None, target: int | None = None, distractor: int | None = None
) -> Metric:
    """The metric at a position, filled from the two likeliest of its logits (V,) where no target is given.

    A target that is given stands alone unless a distractor is given too. A lone label has no other to be against.
    """
    scale = scale_for(source, len(logits))
    if target is None:
        order = logits.float().sort(descending=True, stable=True).indices.tolist()
        left = [one for one in order if one != distractor]
        target = left[0]
        if distractor is None and scale == "softmax" and len(left) > 1:
            distractor = left[1]
    metric = Metric(target=target, distractor=distractor, position=position, scale=scale)
    metric.check(len(logits))
    return metric


def name_of(source: Source, number: int) -> str:
    """A token's text, its space included, or a label's name, between quotes."""
    task = task_of(source.model, source.missing)
    if task in ("classify", "tag"):
        return f"“{labels_of(source.model.config, number + 1)[number]}”"
    return f"“{texts_of(source, [number])[0]}”"


def texts_of(source: Source, ids: Sequence[int]) -> tuple[str, ...]:
    """What each token adds to a text, its space included; the name of a control token."""
    vocabulary = None if source.tokenizer is None else Vocabulary.of(source.tokenizer)
    found = [read(vocabulary, number) for number in ids]
    return tuple(text or token.piece for token, text in found)


def in_words(source: Source, metric: Metric) -> str:
    """The metric in a sentence: of which tokens, and where."""
    where = "" if metric.position is None else f" at position {metric.position}"
    if metric.distractor is None:
        return f"the {metric.name} of {name_of(source, metric.target)}{where}"
    return f"the {metric.name} {name_of(source, metric.target)} − {name_of(source, metric.distractor)}{where}"
