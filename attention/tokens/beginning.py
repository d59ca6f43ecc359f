"""How much of a text that is too long would be taken: its beginning, up to the end of a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from attention.errors import Beginning
from attention.record import Token

# Cut inside a word, its beginning may become more tokens than it was; then a little less is tried, so many times.
TRIES = 16


def beginning(
    text: str, tokens: Sequence[Token], most: int, again: Callable[[str], Sequence[Token]], of: str = "text"
) -> Beginning | None:
    """The longest beginning that ends with a token and makes at most `most` of them; None where there is none.

    tokens: all that enter, of which those of this text have spans in it (a second text's are segment 1). again: a
    shorter text → all that would enter. of: which text of a view it is.
    """
    segment = max((token.segment for token in tokens), default=0)
    own = [token for token in tokens if token.segment == segment and (token.span is not None or not token.special)]
    room = most - (len(tokens) - len(own))
    counts: dict[int, int] = {}
    for count, token in enumerate(own, 1):
        if token.span is not None:
            counts[token.span[1]] = count
    ends = sorted(counts)
    # Several tokens may share a character, and stand in another order than what they read.
    needed = accumulate((counts[end] for end in ends), max)
    fitting = [end for end, count in zip(ends, needed, strict=True) if end > 0 and count <= room]
    for end in fitting[: -TRIES - 1 : -1]:
        count = len(again(text[:end]))
        if count <= most:
            return Beginning(of=of, text=text[:end], size=f"{count:,} tokens")
    return None
