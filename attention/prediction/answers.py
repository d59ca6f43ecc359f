"""Where in its context a question is answered: the best spans of a model that reads start and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attention.capture.decode import NO_NUMBER, NO_NUMBER_ADVICE
from attention.errors import InputError
from attention.prediction.results import Answer, Predictions
from attention.prediction.texts import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 30  # tokens of an answer, as in the library's own question answering with room to spare


def best_answers(output: Any, asked: Predictions, mask: Sequence[int] | None, k: int) -> tuple[Answer, ...]:
    """The k likeliest spans inside the context, with the softmax over all spans there of at most LONGEST tokens."""
    if getattr(output, "start_logits", None) is None or getattr(output, "end_logits", None) is None:
        raise InputError("This model answers in a way of its own, without a start and an end; choose another model.")
    allowed = _context(asked, mask)
    if not allowed:
        raise InputError("There is no context to answer from: give the question as text and the context as pair.")
    places = torch.tensor(allowed)
    start, end = (one[0].detach().to("cpu", torch.float32)[places] for one in (output.start_logits, output.end_logits))
    sums = _sums(start, end)
    chances = sums.flatten().softmax(0)
    if not bool(chances.isfinite().all()):
        raise InputError(f"{NO_NUMBER}, so no answer is likelier than another; {NO_NUMBER_ADVICE}")
    best = chances.argsort(descending=True, stable=True)[:k].tolist()
    spans = [(index // len(allowed), index % len(allowed)) for index in best if chances[index] > 0]
    return tuple(
        Answer(
            start=allowed[first],
            stop=allowed[last] + 1,
            text=_text(asked, allowed[first], allowed[last]),
            probability=float(chances[first * len(allowed) + last]),
            logit=float(sums[first, last]),
        )
        for first, last in spans
    )


def _sums(start: Tensor, end: Tensor) -> Tensor:
    """Start plus end of every span (n, n), −inf where the end comes first or the span is too long."""
    steps = torch.arange(len(start))
    length = steps[None, :] - steps[:, None]
    sums = start[:, None] + end[None, :]
    return sums.masked_fill((length < 0) | (length >= LONGEST), -torch.inf)


def _context(asked: Predictions, mask: Sequence[int] | None) -> list[int]:
    """The tokens in which an answer may lie: those of the second text, or all where both came as ids."""
    real = [at for at, token in enumerate(asked.tokens) if not token.special and (mask is None or mask[at])]
    return real if not asked.texts[0] else [at for at in real if asked.tokens[at].segment == 1]


def _text(asked: Predictions, first: int, last: int) -> str:
    """The answer as it stands in the context, else as its tokens read."""
    opening, closing = asked.tokens[first].span, asked.tokens[last].span
    if asked.texts[1] and opening and closing:
        return asked.texts[1][opening[0] : closing[1]]
    ids = tuple(token.id for token in asked.tokens[first : last + 1] if token.id is not None)
    return decoded(asked.tokenizer, ids).strip()
