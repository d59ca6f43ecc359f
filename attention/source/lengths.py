"""How long a text may be: in characters before anything reads it, in tokens before a model does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attention.config import Limits
from attention.errors import TooLongError

if TYPE_CHECKING:
    from attention.record import Token
    from attention.source.loading import Source


@dataclass(frozen=True)
class Shortened:
    """A text that may be cut short. of: "text" or "pair"; again: a shorter one → all tokens that would enter then."""

    of: str
    text: str
    again: Callable[[str], tuple[Token, ...]]


def check_characters(limits: Limits | None, text: Any, pair: Any = None) -> None:
    """Raise TooLongError for a text, words, messages or a second text of more characters than an installation allows.

    Before anything reads them: a tokenizer takes its time, and a chat template takes more.
    """
    if limits is None:
        return
    for what, given in (("This text has", text), ("This second text has", pair)):
        if (count := _characters(given)) > limits.max_characters:
            what = what if isinstance(given, str) else "These words or messages have"
            raise TooLongError(
                f"{what} {count:,} characters; the limit here is {limits.max_characters:,}. Shorten it, or give "
                "limits with more max_characters."
            )


def _characters(given: Any) -> int:
    """How many characters this brings; 0 for ids."""
    from attention.tokens import are_messages, characters_of
    from attention.tokens.split import split_text

    if isinstance(given, str):
        return len(given)
    if are_messages(given):
        return characters_of(given)
    split = split_text(given)
    return 0 if split is None else len(split.text)


def check_length(
    source: Source, limits: Limits | None, tokens: tuple[Token, ...], text: Shortened | None = None
) -> None:
    """Raise TooLongError for more tokens than an installation allows, or its model, whichever is less.

    text: what the error offers the beginning of.
    """
    from attention.capture.lengths import longest
    from attention.tokens import beginning

    if limits is None:
        return  # what the model cannot take is refused where it runs
    most = min(limits.max_tokens, longest(source.model) or limits.max_tokens)
    if len(tokens) <= most:
        return
    bound = f"this model takes at most {most}" if most < limits.max_tokens else f"the limit here is {most}"
    start = None if text is None else beginning(text.text, tokens, most, text.again, text.of)
    raise TooLongError(f"This text has {len(tokens)} tokens; {bound}. Shorten it.", start)
