"""Tokens merged into words, for weights: a word asks as its tokens do on average, and is asked for as all of them.

Clark et al. 2019, section 4.1: weights to a split-up word are summed over its tokens, weights from it averaged, so that
every row still sums to 1. It is for weights alone: scores, values and contributions have no such rule.

Where a text came split into words, those are the words. Else what a word is, is decided by the characters
(`attention.tokens.words`): letters that touch, with the apostrophe inside; a number; each sign of punctuation by
itself. Text without spaces: of Chinese and Japanese each character is a word, and a token of several characters stays
whole; in Thai, Lao, Khmer and Burmese, where words cannot be told by their looks, each token stays as it is. Tokens
that are parts of one character are always merged. Special tokens stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import regex
import torch

from attention.analysis.blocks import fixed, weight_blocks
from attention.tokens import words as words_of

if TYPE_CHECKING:
    from attention.record import HeadView, Token

Span = tuple[int, int]
SPACELESS = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
CONTINUES, SPACE = "##", "·"


@dataclass(frozen=True, kw_only=True)
class Word:
    """Neighbouring tokens start..stop (stop left out) that make one word, and what they read as together."""

    start: int
    stop: int
    text: str
    special: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class WordMap:
    """One head's weights between words. weights (n_q, n_k) float32, of words and not of tokens; each row sums to what
    the rows of its tokens do on average.
    """

    queries: tuple[Word, ...]
    keys: tuple[Word, ...]
    weights: np.ndarray


def merged(view: HeadView) -> WordMap:
    """One head's weights by words, made in blocks of rows."""
    queries, keys = group(view.query_tokens), group(view.key_tokens)
    query_of, key_of = _index(queries), _index(keys)
    total = torch.zeros(len(queries), len(keys), dtype=torch.float64)
    for start, stop, weights in weight_blocks(view.record, view.head):
        summed = torch.zeros(stop - start, len(keys), dtype=torch.float64).index_add_(1, key_of, weights.double())
        total.index_add_(0, query_of[start:stop], summed)
    counts = torch.tensor([word.stop - word.start for word in queries])
    return WordMap(queries=queries, keys=keys, weights=fixed((total / counts[:, None]).float()))


def group(tokens: Sequence[Token]) -> tuple[Word, ...]:
    """The words that these tokens make, in order; every token is in exactly one."""
    found: list[Word] = []
    for _, part in groupby(enumerate(tokens), key=lambda one: one[1].segment):
        places = [place for place, _ in part]
        found += _segment(tokens, places[0], places[-1] + 1)
    return tuple(found)


def _index(words: Sequence[Word]) -> torch.Tensor:
    """The number of the word that each token is in, (n,)."""
    return torch.tensor([number for number, word in enumerate(words) for _ in range(word.start, word.stop)])


def _segment(tokens: Sequence[Token], start: int, stop: int) -> Iterator[Word]:
    """The words of one text, whose spans count its own characters."""
    own = tokens[start:stop]
    if any(token.word is not None for token in own):
        yield from _as_split(own, start)
        return
    spans = [None if token.special else token.span for token in own]
    if all(span is None for span in spans):
        spans = _by_marks(own)
    text = _text(own, spans)
    inside = _words_inside(text, spans)
    joins = [_joined(own[i], own[i + 1], inside[i], inside[i + 1], spans[i], spans[i + 1]) for i in range(len(own) - 1)]
    ends = [0, *(i + 1 for i, join in enumerate(joins) if not join), len(own)]
    for first, last in pairwise(ends):
        reads = _reads(own[first:last], spans[first:last], text)
        yield Word(start=start + first, stop=start + last, text=reads, special=own[first].special)


def _as_split(tokens: Sequence[Token], start: int) -> Iterator[Word]:
    """The words that the text came in; a token without one, such as a special one, stays apart."""
    text = _text(tokens, [None if token.special else token.span for token in tokens])
    numbers = [-1 - place if token.word is None else token.word for place, token in enumerate(tokens)]
    for _, part in groupby(range(len(tokens)), key=numbers.__getitem__):
        places = list(part)
        own = tokens[places[0] : places[-1] + 1]
        reads = _reads(own, [token.span for token in own], text).strip() or str(own[0])
        yield Word(start=start + places[0], stop=start + places[-1] + 1, text=reads, special=own[0].special)


def _by_marks(tokens: Sequence[Token]) -> list[Span | None]:
    """Spans in a text that is put together from the tokens' marks: a space where one is marked, or where no token of
    this vocabulary goes on.
    """
    spaced = any(SPACE in token.mark for token in tokens)
    spans: list[Span | None] = []
    at = 0
    for token in tokens:
        if _goes_on(token) and spans:
            spans.append(spans[-1])
            continue
        if token.special or not token.text:
            spans.append(None)
            at += 1
            continue
        at += SPACE in token.mark if spaced else token.mark != CONTINUES
        spans.append((at, at + len(token.text)))
        at += len(token.text)
    return spans


def _text(tokens: Sequence[Token], spans: Sequence[Span | None]) -> str:
    """The characters at their places, spaces between; what reads longer or shorter than its place is made to fit."""
    characters = [" "] * max((span[1] for span in spans if span), default=0)
    for token, span in zip(tokens, spans, strict=True):
        if span and token.text and not _goes_on(token):
            width = span[1] - span[0]
            characters[slice(*span)] = (token.text + token.text[-1] * width)[:width]
    return "".join(characters)


def _goes_on(token: Token) -> bool:
    """Whether the token is a later part of a character, whose first part reads as the whole of it."""
    return token.part is not None and token.part[0] > 0


def _words_inside(text: str, spans: Sequence[Span | None]) -> list[set[int]]:
    """The numbers of the words that each token has characters of; words that cannot be told have none."""
    owner: list[int | None] = [None] * len(text)
    for number, word in enumerate(words_of(text)):
        if word.span and not SPACELESS.search(word.text):
            owner[slice(*word.span)] = [number] * (word.span[1] - word.span[0])
    return [{one for one in owner[slice(*span)] if one is not None} if span else set() for span in spans]


def _joined(a: Token, b: Token, in_a: set[int], in_b: set[int], at_a: Span | None, at_b: Span | None) -> bool:
    if a.special or b.special:
        return False
    return bool(in_a & in_b) or (a.part is not None and at_a == at_b and _goes_on(b))


def _reads(tokens: Sequence[Token], spans: Sequence[Span | None], text: str) -> str:
    known = [span for span in spans if span]
    if len(tokens) == 1 or not known:
        return str(tokens[0])
    return text[min(start for start, _ in known) : max(stop for _, stop in known)]
