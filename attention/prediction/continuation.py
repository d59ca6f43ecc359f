"""The model goes on by itself: greedily, or at random with a temperature, a nucleus and a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from attention.capture import Inputs
from attention.capture.decode import Chooser, Written, most_likely, room, write
from attention.config import Limits
from attention.errors import InputError
from attention.models.task import task_of
from attention.prediction.likely import refusal
from attention.prediction.results import TOKEN_BYTES
from attention.prediction.texts import decoded
from attention.record import Token
from attention.source import START_ALONE, Source, inputs_of
from attention.tokens import from_ids

# end: the model ended. count: all that were asked for. length: the model or the installation takes no more. asked: the
# callback said so.
Stopped = Literal["end", "count", "length", "asked"]
OnToken = Callable[[str], bool | None]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One token that the model wrote. probability: what the model itself gave it there, before temperature and
    nucleus, among the tokens that its own rules allow.
    """

    token: Token
    probability: float
    logit: float


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """What a model wrote after a text, or as an encoder-decoder's second text.

    text: what to trace now, whole: the text and its continuation, or the new `pair` of an encoder-decoder. new_text:
    the new part. ids: all that now enters the decoder, which traces every token exactly (`attention.trace(model, ids)`,
    or as `pair`). steps: one for each new id. exact: whether `text` becomes these same ids; where it does not, trace
    the ids. end: the token with which the model ended, which is no part of the ids. stopped: why it wrote no more, and
    `reason` in words.
    """

    text: str
    new_text: str
    ids: tuple[int, ...]
    steps: tuple[Step, ...]
    exact: bool
    stopped: Stopped
    reason: str
    end: Step | None = None

    @property
    def nbytes(self) -> int:
        """What this takes in memory, about."""
        return TOKEN_BYTES * len(self.ids)


def generate(
    source: Source,
    text: Any,
    pair: Any = None,
    n_tokens: int = 20,
    *,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    chat: bool = False,
    limits: Limits | None = None,
    on_token: OnToken | None = None,
) -> Continuation:
    """Let the model continue by up to n_tokens; see `attention.generate`. Raises InputError where it cannot write."""
    _check(n_tokens, temperature, top_p, seed)
    task = task_of(source.model, source.missing)
    if task not in ("next", "translate") or not source.model.can_generate():
        raise InputError(refusal(source) or "This model judges a text and writes none; choose a decoder to continue.")
    apart = task == "translate"
    inputs, _, _ = inputs_of(source, text, START_ALONE if apart and pair is None else pair, None, chat, limits)
    if apart and isinstance(pair, str):
        inputs = replace(inputs, pair_ids=_open(source, inputs.pair_ids))
    before = inputs.pair_ids if apart else inputs.ids
    most, bound = _most(source, inputs, n_tokens, limits)
    typed = pair if apart else "" if chat else text
    told = None if on_token is None else _telling(source.tokenizer, before, on_token)
    written = write(source.model, inputs, most=most, choose=chooser(temperature, top_p, seed), on_ids=told)
    return _made(source, before, written, typed if isinstance(typed, str) else "", bound, apart=apart)


def _open(source: Source, ids: tuple[int, ...]) -> tuple[int, ...]:
    """A target without the end that some models have enter their decoder: after it there is nothing to go on with."""
    return ids[:-1] if len(ids) > 1 and ids[-1] == source.model.config.eos_token_id else ids


def chooser(temperature: float, top_p: float, seed: int) -> Chooser:
    """How each token is chosen: the likeliest at temperature 0, else at random, the same for the same seed."""
    if temperature == 0:
        return most_likely
    generator = torch.Generator().manual_seed(seed)

    def draw(scores: Tensor) -> int:
        return int(torch.multinomial(nucleus(scores.cpu(), temperature, top_p), 1, generator=generator))

    return draw


def nucleus(scores: Tensor, temperature: float, top_p: float) -> Tensor:
    """Probabilities (vocabulary,) to draw from: softmax of scores over the temperature, then only the smallest set of
    likeliest tokens whose sum reaches top_p (Holtzman et al. 2020), made to sum to 1. The likeliest always stays.
    """
    chances = (scores.double() / temperature).softmax(0)
    ordered, places = chances.sort(descending=True, stable=True)
    before = ordered.cumsum(0) - ordered
    ordered = ordered.masked_fill((before >= top_p) & (torch.arange(len(ordered)) > 0), 0.0)
    kept = torch.zeros_like(chances).scatter(0, places, ordered)
    return kept / kept.sum()


def _check(n_tokens: int, temperature: float, top_p: float, seed: int) -> None:
    if isinstance(n_tokens, bool) or not isinstance(n_tokens, int) or n_tokens < 1:
        raise InputError(f"n_tokens is {n_tokens!r}; it must be a whole number of at least 1.")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"temperature is {temperature!r}; it must be a number of at least 0 (0 takes the likeliest).")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p is {top_p!r}; it must be above 0 and at most 1 (1 leaves every token in).")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed!r}; it must be a whole number from 0 to 2⁶³ − 1.")


def _most(source: Source, inputs: Inputs, n_tokens: int, limits: Limits | None) -> tuple[int, str]:
    """How many tokens may be written, and what bounds them if it is not the wish: a sentence, "" for the wish."""
    bounds = [(n_tokens, "")]
    space = room(source.model, inputs)
    if space is not None:
        bounds.append((space, "The text is now as long as this model's positions allow."))
    if limits is not None:
        left = max(0, limits.max_tokens - len(inputs.pair_ids or inputs.ids))
        bounds.append((left, f"The text is now as long as is allowed here: {limits.max_tokens} tokens."))
    return min(bounds, key=lambda bound: bound[0])


def _telling(tokenizer: Any, before: tuple[int, ...], on_token: OnToken) -> Callable[[tuple[int, ...]], bool | None]:
    def tell(ids: tuple[int, ...]) -> bool | None:
        return on_token(_new_text(tokenizer, before, ids))

    return tell


def _new_text(tokenizer: Any, before: tuple[int, ...], ids: tuple[int, ...]) -> str:
    """What the new ids add to the text of those before; a space between them included."""
    whole, old = decoded(tokenizer, before + ids), decoded(tokenizer, before)
    return whole[len(old) :] if whole.startswith(old) else decoded(tokenizer, ids)


def _made(
    source: Source, before: tuple[int, ...], written: Written, typed: str, bound: str, *, apart: bool
) -> Continuation:
    new_text = _new_text(source.tokenizer, before, written.ids)
    text = (typed or decoded(source.tokenizer, before)) + new_text
    steps = _steps(source.tokenizer, written)
    stopped, reason = _why(written, bound)
    return Continuation(
        text=text,
        new_text=new_text,
        ids=before + written.ids,
        steps=steps[: len(written.ids)],
        exact=_comes_back(source, text, before + written.ids, apart=apart),
        stopped=stopped,
        reason=reason,
        end=steps[-1] if written.ended else None,
    )


def _steps(tokenizer: Any, written: Written) -> tuple[Step, ...]:
    ids = written.ids if written.end is None else (*written.ids, written.end)
    return tuple(
        Step(token=token, logit=logit, probability=math.exp(min(0.0, logit - log_sum)))
        for token, logit, log_sum in zip(from_ids(tokenizer, ids), written.logits, written.log_sums, strict=True)
    )


def _why(written: Written, bound: str) -> tuple[Stopped, str]:
    if written.ended:
        return "end", "The model ended the text here."
    if written.stopped:
        return "asked", "Stopped as asked."
    return ("length", bound) if bound else ("count", f"These are the {len(written.ids)} tokens that were asked for.")


def _comes_back(source: Source, text: str, ids: tuple[int, ...], *, apart: bool) -> bool:
    """Whether a trace of the text has these very ids: a tokenizer may cut the same text otherwise than it was made."""
    if source.tokenizer is None or not text:
        return False
    if apart:
        return inputs_of(source, ids[:1], text, None)[0].pair_ids == ids
    return inputs_of(source, text, None, None)[0].ids == ids
