"""The whole distribution at the one place where a prediction is judged, and how far two of them are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from attention.capture.decode import NO_NUMBER, NO_NUMBER_ADVICE, run_untouched
from attention.capture.inputs import can_keep_some
from attention.edits import Edit
from attention.errors import InputError
from attention.models.task import Task, task_of
from attention.prediction.likely import labels_of, refusal, run_with, scale_of, words_of
from attention.source import Source, inputs_of
from attention.source.editing import editing_of

IN_WORDS = {
    "next": "next tokens", "fill": "fillers of a blank", "translate": "tokens of a translation", "classify": "labels",
    "tag": "a label for each token", "answer": "answers", "none": "nothing",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """What a model expects at one place. log_probabilities (v,): float64, natural logarithms, of tokens or labels.

    task: what the model predicts. position: the token after or at which it is expected, None for the text as a whole.
    names: the labels, () for tokens. tokenizer: by which an id becomes a token.
    """

    task: Task
    log_probabilities: np.ndarray
    position: int | None = None
    names: tuple[str, ...] = ()
    tokenizer: Any = None

    @property
    def likeliest(self) -> tuple[str, float]:
        """What is likeliest, in words, and its probability."""
        best = int(self.log_probabilities.argmax())
        probability = float(np.exp(self.log_probabilities[best]))
        if self.names:
            return self.names[best], probability
        return (str(best) if self.tokenizer is None else str(self.tokenizer.decode([best]))), probability

    def divergence(self, other: Distribution) -> float:
        """KL(self ‖ other) = Σ p · ln(p / q) in nats, from 0 (the same) on (Kullback and Leibler 1951, eq. 2.2).

        Raises InputError where they are of different words.
        """
        if self.task != other.task:
            words = f"{IN_WORDS[self.task]}, the other {IN_WORDS[other.task]}"
            raise InputError(f"One model predicts {words}: such predictions cannot be compared.")
        if not self._has_the_words_of(other):
            raise InputError("The two models choose from different words or labels: compare models of one vocabulary.")
        p = np.exp(self.log_probabilities)
        with np.errstate(invalid="ignore"):
            parts = np.where(p > 0, p * (self.log_probabilities - other.log_probabilities), 0.0)
        return max(0.0, float(parts.sum()))

    def _has_the_words_of(self, other: Distribution) -> bool:
        """Whether each number of both is of the same word or label."""
        if len(self.log_probabilities) != len(other.log_probabilities) or self.names != other.names:
            return False
        ours, theirs = self.tokenizer, other.tokenizer
        if self.names or ours is theirs or ours is None or theirs is None:
            return True
        same: bool = ours.get_vocab() == theirs.get_vocab()
        return same


def distribution(
    source: Source, text: str, pair: str | None = None, *, chat: bool = False, edits: Sequence[Edit] = (),
    patch_text: str = "",
) -> Distribution:  # fmt: skip
    """What the model expects after the last token, in its first blank, or of the text as a whole; an untouched run, or
    one with edits. patch_text: from which patches among them take.

    Raises InputError where it predicts nothing there, with the reason.
    """
    if why := refusal(source):
        raise InputError(why)
    task, model = task_of(source.model), source.model
    inputs, tokens, pair_tokens = inputs_of(source, text, pair, None, chat, None)
    run = run_with(editing_of(source, inputs, edits, patch_text, pair, chat)) if edits else run_untouched
    if task in ("next", "translate"):
        last = len(pair_tokens if task == "translate" else tokens) - 1
        keep = (last, last + 1) if can_keep_some(model) else None
        return _of(task, words_of(model, run(model, inputs, keep=keep))[-1], last, source)
    if task == "fill":
        blank = getattr(source.tokenizer, "mask_token_id", None)
        if blank not in inputs.ids:
            raise InputError("There is no blank to fill: write ___ where a word is wanted.")
        place = inputs.ids.index(blank)
        return _of(task, words_of(model, run(model, inputs))[place], place, source)
    if task == "classify":
        logits = run(model, inputs).logits[0]
        labels = labels_of(model.config, logits.shape[-1])
        if scale_of(model.config, labels) == "softmax":
            return _of(task, logits, None, source, labels)
    raise InputError("This model puts out no distribution at one place: its prediction is not compared.")


def _of(
    task: Task, logits: torch.Tensor, position: int | None, source: Source, names: tuple[str, ...] = ()
) -> Distribution:
    """(v,) logits → their distribution."""
    found = torch.log_softmax(logits.detach().double().cpu(), -1).numpy()
    if np.isnan(found).any():
        raise InputError(f"{NO_NUMBER}; {NO_NUMBER_ADVICE}.")
    return Distribution(task=task, log_probabilities=found, position=position, names=names, tokenizer=source.tokenizer)
