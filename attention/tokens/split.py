"""Texts that come split into words: the text that a model reads of them, and the word that each token is in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from attention.errors import InputError
from attention.record import Token

BETWEEN = " "


@dataclass(frozen=True)
class SplitText:
    """Words, as they came. text: them with a space between, which is what a tokenizer is given."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The text, in whose characters the tokens' spans count."""
        return BETWEEN.join(self.words)

    def number(self, tokens: Sequence[Token], segment: int = 0) -> tuple[Token, ...]:
        """The tokens, those of this text with their word.

        A token that holds parts of two words belongs to the first, the space between two to the second.
        """
        starts = list(accumulate((len(word) + len(BETWEEN) for word in self.words[:-1]), initial=0))

        def numbered(token: Token) -> Token:
            if token.segment != segment or token.special or token.span is None:
                return token
            word = bisect_right(starts, token.span[0]) - 1
            between = token.span[0] >= starts[word] + len(self.words[word])
            return replace(token, word=min(word + between, len(starts) - 1))

        found = list(map(numbered, tokens))
        for place in range(len(found) - 2, -1, -1):
            here, following = found[place], found[place + 1]
            if here.word is None and here.span is None and not here.special and here.segment == segment:
                found[place] = replace(here, word=following.word)
        return tuple(found)


def split_text(given: object) -> SplitText | None:
    """The words of a sequence of strings, None for anything else; raises InputError for words that are none."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        return None
    if not all(isinstance(one, str) for one in given):
        return None  # ids, or a mixture that whoever reads ids refuses
    for place, word in enumerate(given):
        if not word.strip():
            raise InputError(f"Word {place} of the text is empty; leave it out, for no token would be in it.")
    return SplitText(tuple(given))
