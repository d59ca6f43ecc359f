"""Why a run failed, found out by running the model again: no memory, too long a text, or a model that takes no text."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from attention.capture.inputs import Inputs, forward, too_long
from attention.capture.lengths import remember
from attention.capture.notes import does_not_run
from attention.capture.switch import switch_of
from attention.errors import HeadlightError, MemoryFullError, UnsupportedModelError, is_out_of_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# What a model raises that does not run on such input; anything else is a fault and is passed on.
REFUSALS = (ValueError, TypeError, LookupError, AttributeError, AssertionError, NotImplementedError, RuntimeError)
_SHORT = 2  # tokens that any model takes that reads text at all


def refusal(model: PreTrainedModel, inputs: Inputs, err: Exception) -> Exception:
    """What to raise in place of what a run raised; the error itself where the model runs when nobody watches it.

    A length that no configuration tells is found by halving, once a model, and kept.
    """
    if isinstance(err, HeadlightError):
        return err
    if is_out_of_memory(err):
        return MemoryFullError()
    if _runs(model, inputs):
        return err
    for second in (False, True):
        limit = _limit(model, inputs, second)
        if limit is not None:
            remember(model, limit, second=second)
            return too_long(len(_side(inputs, second)), limit)
    return UnsupportedModelError(does_not_run(model, err, _part(model, inputs)))


def _part(model: PreTrainedModel, inputs: Inputs) -> str:
    """Where in a model made of several there is one that runs on this text alone, the outermost one; "" for none."""
    from transformers import PreTrainedModel as Whole

    alone = replace(inputs, extra={})
    parts = ((name, part) for name, part in model.named_modules() if name and isinstance(part, Whole))
    reading = ((name, part) for name, part in parts if "input_ids" in inspect.signature(part.forward).parameters)
    return next((name for name, part in reading if _runs(part, alone)), "")


def _limit(model: PreTrainedModel, inputs: Inputs, second: bool) -> int | None:
    """The most tokens of one side with which the model runs, the other side being short; None where all do, or none."""
    count = len(_side(inputs, second))
    short = _cut(_cut(inputs, _SHORT, not second), count, second)
    if count <= _SHORT or _runs(model, short) or not _runs(model, _cut(short, _SHORT, second)):
        return None
    return _last(lambda n: _runs(model, _cut(short, n, second)), _SHORT, count)


def _last(holds: Callable[[int], bool], good: int, bad: int) -> int:
    """The largest number that holds, between one that does and one that does not."""
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def _side(inputs: Inputs, second: bool) -> tuple[int, ...]:
    return inputs.pair_ids if second else inputs.ids


def _cut(inputs: Inputs, count: int, second: bool) -> Inputs:
    """The inputs with the first tokens of one side alone."""
    if second:
        return replace(inputs, pair_ids=inputs.pair_ids[:count])
    mask = inputs.attention_mask
    return replace(
        inputs,
        ids=inputs.ids[:count],
        extra={name: row[:count] for name, row in inputs.extra.items()},
        attention_mask=None if mask is None else mask[:count],
    )


def _runs(model: PreTrainedModel, inputs: Inputs) -> bool:
    """Whether the model runs when nobody watches. Raises MemoryFullError where that is all that stands in the way."""
    try:
        with switch_of(model).untouched(model):
            forward(model, inputs, whole=True)
    except HeadlightError:
        return False
    except REFUSALS as err:
        if is_out_of_memory(err):
            raise MemoryFullError from err
        return False
    return True
