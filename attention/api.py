"""Where the parts meet: `trace` and `figure`, the public API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attention.config import Limits
from attention.errors import InputError, TooLongError
from attention.local import NAME as LOCAL
from attention.local import trace_local
from attention.record import HeadView, Token, Trace
from attention.source import Report, inputs_of, load_source, loaded_source

if TYPE_CHECKING:
    from torch import Tensor

    from attention.capture import PreTrainedModel
    from attention.figures import Figure


def trace(
    model: str | os.PathLike[str] | PreTrainedModel,
    text: str | Sequence[int] | Tensor,
    pair: str | Sequence[int] | Tensor | None = None,
    *,
    tokenizer: Any | None = None,
    attention_mask: Sequence[int] | Tensor | None = None,
    limits: Limits | None = None,
    on_progress: Report | None = None,
) -> Trace:
    """Run a model once on a text and keep every attention operation in it.

    model: "local" (our own, from scratch), a Hugging Face id ("org/name", "org/name@revision"), a folder, or a loaded
    `PreTrainedModel`, which comes back as it came. text: a string, or the ids (n,) that enter the model as they are.
    pair: an encoder-decoder's target (a string gets the start token before it, ids enter its decoder as they are;
    without it the decoder gets its start token alone), or sentence B of an encoder. The tokenizer's own special tokens
    are used. attention_mask (n,): 0 for padding, where ids hold any. limits: of a page that strangers use; without
    them any folder may be read and only the model's own length counts.

    Raises TooLongError (nothing is ever cut), InputError, ModelError or UnsupportedModelError, with what to do.
    """
    if isinstance(model, os.PathLike):
        model = os.fspath(model)
    if isinstance(model, str) and model.strip() == LOCAL:
        return _trace_local(text, pair, limits)
    source = load_source(model, limits, on_progress) if isinstance(model, str) else loaded_source(model)
    if tokenizer is not None:
        source = replace(source, tokenizer=tokenizer)
    inputs, tokens, pair_tokens = inputs_of(source, text, pair, attention_mask)
    _check_length(limits, tokens, pair_tokens)
    if on_progress is not None:
        on_progress(f"Running {source.name or type(source.model).__name__}", None)

    from attention.capture import trace_model

    return trace_model(
        source.model,
        inputs,
        tokens=tokens,
        pair_tokens=pair_tokens,
        name=source.name,
        revision=source.revision,
        trained=source.trained,
    )


def figure(view: HeadView, *, dark: bool = False) -> Figure:
    """One head's three panels side by side: masked scores, softmax weights, weighted values."""
    from attention.figures import panels

    return panels(view, dark=dark)


def _trace_local(text: Any, pair: Any, limits: Limits | None) -> Trace:
    if not isinstance(text, str):
        raise InputError("The local model reads words, not ids: give a string.")
    if pair is not None:
        raise InputError("The local model takes one text; leave the second one out.")
    return trace_local(text, max_tokens=None if limits is None else limits.max_tokens)


def _check_length(limits: Limits | None, *sides: tuple[Token, ...]) -> None:
    longest = max(len(side) for side in sides)
    if limits is not None and longest > limits.max_tokens:
        raise TooLongError(f"This text has {longest} tokens; the limit here is {limits.max_tokens}. Shorten it.")
