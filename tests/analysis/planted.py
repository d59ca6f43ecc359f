"""Heads that were made to do one thing, and what each pattern wants, written again as plain loops over the tokens."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from attention.record import Token, Trace

# Words come again, also with another case; punctuation and separators; nothing twice in a row.
WORDS = (
    "<s>", "The", "cat", "saw", ",", "the", "dog", "and", "a", "bird", ".", "<sep>", "Then", "the", "cat", "ran", ";",
    "dog", "and", "fish", "hid", "<sep>", "below", "The", "cat", "saw", "nothing", "!", "end",
)  # fmt: skip
SPECIAL, MARKS = {"<s>", "<sep>"}, set(",.;!")
REACH = 3
IN_ENCODERS = (
    "previous token", "next token", "first token", "separator", "punctuation", "self", "duplicate token",
    "local window",
)  # fmt: skip
IN_DECODERS = tuple(name for name in (*IN_ENCODERS, "induction") if name != "next token")


def tokens(words: tuple[str, ...] = WORDS) -> tuple[Token, ...]:
    return tuple(Token(piece=w, text="" if w in SPECIAL else w, special=w in SPECIAL) for w in words)


def wanted(name: str, i: int, causal: bool, words: tuple[str, ...] = WORDS) -> list[int]:
    """The keys that query i would look at."""
    keys = range(i + 1) if causal else range(len(words))
    low = [w.lower() for w in words]
    plain = [w not in SPECIAL for w in words]
    found = {
        "previous token": [j for j in keys if j == i - 1],
        "next token": [j for j in keys if j == i + 1],
        "first token": [j for j in keys if j == 0],
        "separator": [j for j in keys if words[j] in SPECIAL and j not in (0, i)],
        "punctuation": [j for j in keys if words[j] in MARKS and j != i],
        "self": [j for j in keys if j == i],
        "duplicate token": [j for j in keys if plain[j] and low[j] == low[i] and j != i],
        "induction": [j for j in keys if 0 < j < i and plain[i] and low[j - 1] == low[i]],
        "local window": [j for j in keys if abs(i - j) <= REACH],
    }
    return found[name]


def head(name: str, causal: bool, words: tuple[str, ...] = WORDS, leak: float = 0.0) -> Tensor:
    """A head (n, n), even over what the pattern wants, but for `leak`, and over all where it wants nothing."""
    n = len(words)
    weights = torch.zeros(n, n)
    for i in range(n):
        seen = i + 1 if causal else n
        weights[i, :seen] = 1 / seen
        keys = [] if name == "uniform" else wanted(name, i, causal, words)
        if keys:
            weights[i] *= leak
            weights[i, keys] += (1 - leak) / len(keys)
    return weights


def noise(heads: int, causal: bool, n: int = len(WORDS), seed: int = 5, sharp: float = 1.0) -> Tensor:
    """Random heads (heads, n, n), softmax of N(0, sharp²)."""
    scores = sharp * torch.randn(heads, n, n, generator=torch.Generator().manual_seed(seed))
    if causal:
        scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), float("-inf"))
    return scores.softmax(-1)


def trace(weights: Tensor, causal: bool, words: tuple[str, ...] = WORDS) -> Trace:
    """weights (h, n, n) or (layers, h, n, n) as a trace with these tokens."""
    return replace(Trace.from_tensors(weights=weights, causal=causal), tokens=tokens(words))
