"""What a person should know of a model and of what entered it, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attention.catalogue import doubt
from attention.source.entering import MOST_WRITTEN, is_judge

if TYPE_CHECKING:
    from attention.record import Token
    from attention.source.loading import Source


def notes_of(source: Source, text: Any, pair: Any, pair_tokens: tuple[Token, ...]) -> tuple[str, ...]:
    """What a person should know of this source and of what entered it, in sentences."""
    found = (*source.notes, *_doubts(source, text))
    if pair is not None or not pair_tokens or is_judge(source):
        return found
    if len(pair_tokens) == 1:
        return (*found, "The model wrote no second text of its own: its decoder has the start token alone.")
    cut = f" It stops after {MOST_WRITTEN} tokens." if len(pair_tokens) > MOST_WRITTEN else ""
    return (*found, f"The second text is the model's own greedy output.{cut}")


def _doubts(source: Source, text: Any) -> tuple[str, ...]:
    """What the catalogue says of a text that its model was not trained on; a folder may have the name of its model."""
    from attention.tokens.split import split_text

    split = None if isinstance(text, str) else split_text(text)
    read = text if split is None else split.text
    said = doubt(source.name, read) if source.trained and isinstance(read, str) else ""
    return (said,) if said else ()
