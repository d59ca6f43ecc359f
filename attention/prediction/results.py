"""Predictions, as a page reads them: per place the likeliest candidates, with the model's own probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from attention.errors import InputError
from attention.models.task import Task
from attention.prediction.texts import appended, filled, read
from attention.record import Token
from attention.tokens.pieces import Vocabulary

# What a token with its texts takes, about.
TOKEN_BYTES = 700
Scale = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One thing that a model may say at a place.

    id: of a token, or the number of a label. text: what it adds to the text, its leading space included ("" for a
    control token), or the label's name. token: how to show it (`attention.tokens.label`), None for a label.
    probability: 0 to 1, of the model's own logits; None where the model gives a bare number (a regression).
    logit: as the model put it out.
    """

    id: int
    text: str
    token: Token | None = None
    probability: float | None
    logit: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model expects at one place.

    position: the token after which ("next", "translate") or at which ("fill", "tag") it is expected, from 0; None for
    the whole text ("classify"). candidates: likeliest first. rest: the probability of all others together. entropy: of
    the whole distribution, in bits; rest and entropy are None where the candidates are no distribution. actual: what
    stands there in the text, None where nothing does. rank: of `actual`, 1 is the likeliest.
    """

    position: int | None
    candidates: tuple[Candidate, ...]
    rest: float | None
    entropy: float | None
    actual: Candidate | None = None
    rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A span of the context that may answer the question: its tokens start..stop (stop not included), its text, the
    sum of its two logits, and the softmax of that sum over all spans that were allowed.
    """

    start: int
    stop: int
    text: str
    probability: float
    logit: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """The likeliest k of each of p places, and no more: ids (p, k) int64, logits (p, k) float32, best first.

    log_sum (p,): the log-sum-exp of all logits of the place; entropy (p,) in bits; both float64. actual (p,): the id
    that stands there, −1 for none; actual_logit (p,), actual_rank (p,) from 1, 0 for none.
    """

    ids: np.ndarray
    logits: np.ndarray
    log_sum: np.ndarray
    entropy: np.ndarray
    actual: np.ndarray
    actual_logit: np.ndarray
    actual_rank: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What one model predicts for one text.

    task: "next" (a decoder's next tokens), "fill" (fillers of each blank), "translate" (an encoder-decoder's next
    token after each token of its output so far), "classify", "tag" (a label for each token) or "answer" (spans).
    tokens, pair_tokens: as in a trace of the same text. positions: the places that have a prediction, in tokens of
    the side that is predicted (`side`). answers: of "answer" only, best first. notes: what a person should know.
    """

    task: Task
    tokens: tuple[Token, ...]
    pair_tokens: tuple[Token, ...] = ()
    positions: tuple[int | None, ...] = ()
    rows: Rows | None = None
    scale: Scale = "softmax"
    labels: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()
    tokenizer: Any = field(default=None, repr=False)
    texts: tuple[str, str] = field(default=("", ""), repr=False)

    @property
    def side(self) -> tuple[Token, ...]:
        """The tokens that `positions` count: those of the decoder's side in an encoder-decoder that writes."""
        return self.pair_tokens if self.task == "translate" else self.tokens

    @property
    def nbytes(self) -> int:
        """What this takes in memory, about."""
        arrays = () if self.rows is None else vars(self.rows).values()
        return sum(array.nbytes for array in arrays) + TOKEN_BYTES * (len(self.tokens) + len(self.pair_tokens))

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Prediction]:
        return (self._made(row) for row in range(len(self)))

    def at(self, position: int | None = None) -> Prediction:
        """The prediction at a position; without one, the last. Raises InputError that says which positions have one."""
        if not self.positions:
            raise InputError(f"Nothing is predicted here. {' '.join(self.notes)}".strip())
        if position is None:
            return self._made(len(self) - 1)
        if position not in self.positions:
            raise InputError(f"There is no prediction at position {position}; there is at {_listed(self.positions)}.")
        return self._made(self.positions.index(position))

    @property
    def last(self) -> Prediction:
        """The prediction at the last place: what comes next, or the whole text's labels."""
        return self.at()

    def text_with(self, candidate: Candidate, position: int | None = None) -> str:
        """The text after a click on `candidate`: for "next" what stands up to `position` and the candidate, for
        "fill" the text with the blank filled (of two texts the one that it stands in: the token's segment), for
        "translate" the output so far and the candidate (the new `pair`).

        position: of the prediction that it is a candidate of; the last where it is left out.
        """
        place = self.at(position).position
        if place is None or self.task not in ("next", "fill", "translate"):
            raise InputError("A label is not part of the text; only a predicted token can be put into it.")
        write = filled if self.task == "fill" else appended
        return write(self, candidate, place)

    @cached_property
    def _vocabulary(self) -> Vocabulary | None:
        return None if self.tokenizer is None else Vocabulary.of(self.tokenizer)

    def _made(self, row: int) -> Prediction:
        rows = self.rows
        assert rows is not None  # noqa: S101 - rows stand beside positions, always
        candidates = tuple(
            self._candidate(int(number), float(logit), float(rows.log_sum[row]))
            for number, logit in zip(rows.ids[row], rows.logits[row], strict=True)
        )
        actual, rank = None, None
        if rows.actual[row] >= 0:
            actual = self._candidate(int(rows.actual[row]), float(rows.actual_logit[row]), float(rows.log_sum[row]))
            rank = int(rows.actual_rank[row])
        whole = self.scale == "softmax"
        return Prediction(
            position=self.positions[row],
            candidates=candidates,
            rest=max(0.0, 1.0 - sum(one.probability or 0.0 for one in candidates)) if whole else None,
            entropy=float(rows.entropy[row]) if whole else None,
            actual=actual,
            rank=rank,
        )

    def _candidate(self, number: int, logit: float, log_sum: float) -> Candidate:
        probability: float | None = None
        if self.scale == "softmax":
            probability = math.exp(logit - log_sum)
        elif self.scale == "sigmoid":
            probability = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
        if self.labels:
            return Candidate(id=number, text=self.labels[number], probability=probability, logit=logit)
        token, text = read(self._vocabulary, number)
        return Candidate(id=number, text=text, token=token, probability=probability, logit=logit)


def _listed(positions: tuple[int | None, ...]) -> str:
    numbers = [str(one) for one in positions]
    return ", ".join(numbers) if len(numbers) <= 8 else f"{numbers[0]} to {numbers[-1]}"
