"""What a head of a named kind should look at, as boolean maps; used to guide heads and to score them.

Query before key. A map is True where the kind says "look here"; a row without any is a query for which the kind has
nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

DETERMINERS = [
    "the", "a", "an", "his", "her", "its", "my", "your", "our", "their", "this", "that", "these", "those",
    "every", "some", "no",
]  # fmt: skip
SMALL = [
    *DETERMINERS, "i", "you", "he", "she", "it", "we", "they", "me", "him", "them", "us", "who", "which", "what", "and",
    "or", "but", "if", "because", "so", "as", "than", "when", "of", "to", "in", "on", "at", "by", "for", "with", "from",
    "into", "up", "out", "not", "is", "was", "are", "were", "be", "been", "had", "has", "have", "did", "do", "would",
    "could", "should", "will", "there",
]  # fmt: skip
ENDS = ".!?"


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """What the maps need to know of each token of the vocabulary, (vocabulary,) each.

    same: one number for all spellings of a word (" The", "the"). determiner, capital (" Zarb"), word (letters only,
    begins a word), stop (ends a sentence), punctuation, small ("of", "was"), big (other words).
    """

    same: Tensor
    determiner: Tensor
    capital: Tensor
    word: Tensor
    stop: Tensor
    punctuation: Tensor
    small: Tensor
    big: Tensor


def lexicon(tokenizer: Tokenizer) -> Lexicon:
    """The tables of a vocabulary."""
    texts = [tokenizer.decode([number], skip_special_tokens=False) for number in range(tokenizer.get_vocab_size())]
    folded = [text.strip().lower() or text for text in texts]
    numbers = {word: number for number, word in reversed(list(enumerate(folded)))}
    words = [text[:1] == " " and text[1:].isalpha() for text in texts]
    return Lexicon(
        same=torch.tensor([numbers[word] for word in folded]),
        determiner=torch.tensor([word in DETERMINERS for word in folded]),
        capital=torch.tensor([text[:1] == " " and text[1:2].isupper() and text != " I" for text in texts]),
        word=torch.tensor(words),
        stop=torch.tensor([any(end in text for end in ENDS) or text == "\n" for text in texts]),
        punctuation=torch.tensor([bool(text.strip()) and not any(c.isalnum() for c in text) for text in texts]),
        small=torch.tensor([word in SMALL for word in folded]),
        big=torch.tensor([word.isalpha() and word not in SMALL for word in folded]),
    )


def target(kind: str, ids: Tensor, rows: Tensor, tables: Lexicon, *, causal: bool = True) -> Tensor:
    """The map of a kind for chosen queries: ids (batch, n), rows (batch, r) → boolean (batch, r, n).

    causal: only keys that a decoder may look at, the query's own among them.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    keys = torch.arange(ids.shape[1])
    wanted = KINDS[kind](ids, rows, keys, tables)  # (batch, r, n), or (1, r, n) where only places count
    allowed = keys <= rows[:, :, None] if causal else torch.ones_like(wanted)
    return wanted & allowed


def _previous(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return keys == rows[:, :, None] - 1


def _next(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return keys == rows[:, :, None] + 1


def _two_back(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return keys == rows[:, :, None] - 2


def _itself(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return keys == rows[:, :, None]


def _first(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return (keys == 0) & (rows[:, :, None] >= 0)


def _same(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    words = tables.same[ids]
    return (words[:, None, :] == words.gather(1, rows)[:, :, None]) & (keys != rows[:, :, None])


def _induction(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    """Keys after an earlier place where this word and the one before it stood."""
    words = tables.same[ids]
    now, last = words.gather(1, rows), words.gather(1, (rows - 1).clamp(min=0))
    one, two = _shifted(words, 1), _shifted(words, 2)
    match = (one[:, None, :] == now[:, :, None]) & (two[:, None, :] == last[:, :, None])
    return match & (keys < rows[:, :, None])


def _entity(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    """Things and names said before, at most 40 tokens back: a word after "the", "a", "his" …, a name in a sentence."""
    after = tables.determiner[_shifted(ids, 1).clamp(min=0)] & tables.word[ids]
    named = tables.capital[ids] & ~tables.stop[_shifted(ids, 1).clamp(min=0)]
    near = (rows[:, :, None] - keys >= 1) & (rows[:, :, None] - keys <= 40)
    return (after | named)[:, None, :] & near


def _nearby(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    """The last four tokens, the query's own among them."""
    return (keys <= rows[:, :, None]) & (keys > rows[:, :, None] - 4)


def _start(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    """Tokens that begin a sentence: the one after `<s>` and those after a full stop."""
    return (tables.stop[_shifted(ids, 1).clamp(min=0)] | (keys == 1))[:, None, :] & (rows[:, :, None] > keys)


def _small(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return tables.small[ids][:, None, :] & (keys != rows[:, :, None])


def _big(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return tables.big[ids][:, None, :] & (keys != rows[:, :, None])


def _punctuation(ids: Tensor, rows: Tensor, keys: Tensor, tables: Lexicon) -> Tensor:
    return tables.punctuation[ids][:, None, :] & (keys != rows[:, :, None])


def _shifted(row: Tensor, by: int) -> Tensor:
    """The row moved right by `by` places, −1 where nothing stands: (batch, n) → (batch, n)."""
    return torch.cat([row.new_full((len(row), by), -1), row[:, :-by]], 1)


KINDS = {
    "previous": _previous,
    "next": _next,
    "two back": _two_back,
    "itself": _itself,
    "first": _first,
    "same word": _same,
    "induction": _induction,
    "things and names": _entity,
    "punctuation": _punctuation,
    "nearby": _nearby,
    "sentence start": _start,
    "small words": _small,
    "big words": _big,
}
