"""The reference texts as they enter a model, and what its heads put out on average over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attention.errors import TooLongError
from attention.reference import ReferenceTexts
from attention.source.entering import inputs_of
from attention.source.loading import Source

if TYPE_CHECKING:
    from attention.capture import Address, Inputs


def reference_inputs(source: Source, reference: ReferenceTexts) -> tuple[Inputs, ...]:
    """The texts that the model can read, encoded as any text of a person's; those that are too long are left out.

    An encoder-decoder has its own writing as the second text. Raises InputError where the model has no tokenizer.
    """
    from attention.capture.inputs import check_inputs

    found = []
    for text in reference.texts:
        try:
            inputs = inputs_of(source, text, None, None)[0]
            check_inputs(source.model, inputs)
        except TooLongError:
            continue
        found.append(inputs)
    return tuple(found)


def reference_means(
    source: Source, reference: ReferenceTexts, *, on_progress: Callable[[int, int], None] | None = None
) -> Mapping[Address, Any]:
    """The mean output of every head over the texts, a tensor (h, v) by address, made once for a model; see
    `attention.capture.means`.
    """
    from attention.capture.means import means_of, remembered

    known = remembered(source.model, reference.digest)
    if known is not None:
        return known
    return means_of(source.model, reference_inputs(source, reference), reference.digest, on_progress=on_progress)
