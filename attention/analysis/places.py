"""Where a head of a named pattern would look: for each query, which keys, from the tokens and their places alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import Token

NOTHING_BEFORE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """What the maps need to know of the tokens.

    own: whether the first keys are the queries themselves. query_words (n_q,), words (n_k,): one number for all
    spellings of a word that differ in case alone; a special token is no word and equals no other. special, punctuation:
    (n_k,) boolean.
    """

    own: bool
    query_words: Tensor
    words: Tensor
    special: Tensor
    punctuation: Tensor

    def wanted(self, name: str, rows: Tensor, reach: int) -> Tensor:
        """Boolean (r, n_k) of a pattern by name, for the queries `rows` (r, 1); what a mask hides is not left out."""
        keys = torch.arange(len(self.words))
        if name == "local window":
            return (rows - keys).abs() <= reach
        return _MAPS[name](self, rows, keys).expand(len(rows), len(keys))


def places_of(queries: Sequence[Token], keys: Sequence[Token], *, two_texts: bool) -> Places:
    """The facts of these tokens. two_texts: queries and keys are of two texts, however alike they look."""
    numbers: dict[str, int] = {}
    own = not two_texts and tuple(keys[: len(queries)]) == tuple(queries)
    words = _words(keys, numbers)
    return Places(
        own=own,
        query_words=words[: len(queries)] if own else _words(queries, numbers),
        words=words,
        special=torch.tensor([token.special for token in keys], dtype=torch.bool),
        punctuation=torch.tensor([is_punctuation(token) for token in keys], dtype=torch.bool),
    )


def is_punctuation(token: Token) -> bool:
    """Whether the token reads as punctuation alone: not special, not blank, no letter and no digit."""
    text = token.text.strip()
    return bool(text) and not token.special and token.part is None and not any(one.isalnum() for one in text)


def _words(tokens: Sequence[Token], numbers: dict[str, int]) -> Tensor:
    """A number for each token's word (n,); special tokens get numbers below NOTHING_BEFORE that nobody shares."""
    found = [
        -2 - place if token.special else numbers.setdefault(_folded(token), len(numbers))
        for place, token in enumerate(tokens)
    ]
    return torch.tensor(found, dtype=torch.long)


def _folded(token: Token) -> str:
    """The word as it counts; the later parts of a character have no text, and a piece is all that tells them apart."""
    return token.text.strip().lower() or token.text or token.piece


def _duplicate(at: Places, rows: Tensor, keys: Tensor) -> Tensor:
    return (at.query_words[rows] == at.words) & (keys != rows)


def _induction(at: Places, rows: Tensor, keys: Tensor) -> Tensor:
    """Keys behind an earlier place of the query's word. The query itself is none, as in "the the"."""
    before = torch.cat([at.words.new_full((1,), NOTHING_BEFORE), at.words[:-1]])
    return (at.query_words[rows] == before) & (keys < rows)


def _other(at: Places, rows: Tensor, keys: Tensor) -> Tensor:
    """All keys but the query's own place, where that is one of them."""
    return keys != rows if at.own else torch.ones(len(rows), len(keys), dtype=torch.bool)


_MAPS: dict[str, Callable[[Places, Tensor, Tensor], Tensor]] = {
    "previous token": lambda at, rows, keys: keys == rows - 1,
    "next token": lambda at, rows, keys: keys == rows + 1,
    "first token": lambda at, rows, keys: (keys == 0) & (rows >= 0),
    "separator": lambda at, rows, keys: at.special & (keys > 0) & _other(at, rows, keys),
    "punctuation": lambda at, rows, keys: at.punctuation & _other(at, rows, keys),
    "self": lambda at, rows, keys: keys == rows,
    "duplicate token": _duplicate,
    "induction": _induction,
}
