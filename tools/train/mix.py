"""Windows of tokens to learn from: prose, prose whose names or sentences come back, and repeated random sequences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding, Tokenizer

from tools.train.names import Piece, rename, sentences, story
from tools.train.tokenizer import BEGIN_ID, SPECIALS

LENGTH = 256  # tokens that a model sees at once
KINDS = ("prose", "renamed", "again", "story", "repeated")
AGAIN_WEIGHT = 3.0  # of the loss on a sentence that stands for the second time

Window = tuple[np.ndarray, np.ndarray]  # ids (LENGTH + 1,), weights (LENGTH,) of the loss on ids[1:]


@dataclass
class Mixture:
    """Draws windows. ids: the corpus as one row."""

    tokenizer: Tokenizer
    ids: np.ndarray
    length: int = LENGTH

    def __post_init__(self) -> None:
        (line_break,) = self.tokenizer.encode("\n", add_special_tokens=False).ids
        self._starts = np.flatnonzero(self.ids[:-1] == line_break) + 1
        counts = np.bincount(self.ids, minlength=self.tokenizer.get_vocab_size())
        self._common = np.argsort(-counts)[:700]
        self._words = [t for t in map(self._text, np.argsort(-counts)[100:2500]) if re.fullmatch(r" [a-z]{3,}", t)]

    def batch(self, size: int, shares: Mapping[str, float], rng: np.random.Generator) -> Window:
        """(ids (size, length + 1), weights (size, length))."""
        windows = [self.window(rng, shares) for _ in range(size)]
        return np.stack([ids for ids, _ in windows]), np.stack([weights for _, weights in windows])

    def window(self, rng: np.random.Generator, shares: Mapping[str, float]) -> Window:
        """One window of a kind (`KINDS`) that is drawn by its share."""
        parts = np.array(list(shares.values()))
        kind = str(rng.choice(list(shares), p=parts / parts.sum()))
        return getattr(self, f"_{kind}")(rng)  # type: ignore[no-any-return]

    def _prose(self, rng: np.random.Generator) -> Window:
        begin = rng.random() < 0.93
        body = self._passage(rng, self.length + 1 - begin)
        return np.concatenate([[BEGIN_ID][: int(begin)], body]).astype(np.int64), np.ones(self.length, np.float32)

    def _renamed(self, rng: np.random.Generator) -> Window:
        text, spans = rename(self._passage_text(rng), rng)
        return self._encoded(text, spans)

    def _again(self, rng: np.random.Generator) -> Window:
        """A passage of which some sentences stand twice: at once, or after some others. The second time weighs more."""
        parts = [(part, False) for part in sentences(self._passage_text(rng))]
        for _ in range(int(rng.integers(2, 6))):
            fit = [number for number, (part, _) in enumerate(parts[:10]) if 3 <= len(part.split()) <= 25]
            if fit:
                chosen = int(rng.choice(fit))
                later = chosen + 1 + (0 if rng.random() < 0.6 else int(rng.integers(1, 4)))
                parts.insert(later, (parts[chosen][0], True))
        text, spans = "", []
        for part, again in parts:
            spans += [(len(text), len(text) + len(part))] if again else []
            text += part + " "
        ids, weights = self._encoded(text, [])
        repeated = _within(self.tokenizer.encode(text, add_special_tokens=False), spans)
        weights[: len(repeated)][repeated[: self.length]] = AGAIN_WEIGHT
        return ids, weights

    def _story(self, rng: np.random.Generator) -> Window:
        """A passage with small stories between its sentences, now and then at its beginning."""
        parts = [[Piece(part, True)] for part in sentences(self._passage_text(rng))]
        for _ in range(int(rng.integers(1, 4))):
            at = 0 if rng.random() < 0.4 else int(rng.integers(0, 1 + len(parts) // 2))
            parts.insert(at, story(rng))
        text, spans = "", []
        for piece in [piece for part in parts for piece in [*part, Piece(" ", True)]]:
            spans += [] if piece.foreseen else [(len(text), len(text) + len(piece.text))]
            text += piece.text
        return self._encoded(text, spans)

    def _repeated(self, rng: np.random.Generator) -> Window:
        """Random segments said twice or more; there is no loss on what cannot be foreseen."""
        row, weights = [BEGIN_ID], [0.0]
        while len(row) <= self.length:
            segment, times = self._segment(rng), 2 + int(rng.random() < 0.2)
            row += segment * times
            weights += [0.0] * (len(segment) + 1) + [1.0] * (len(segment) * (times - 1) - 1)
        return np.array(row[: self.length + 1], np.int64), np.array(weights[1 : self.length + 1], np.float32)

    def _segment(self, rng: np.random.Generator) -> list[int]:
        size = int(np.exp(rng.uniform(np.log(4), np.log(self.length * 0.43))))
        way = rng.random()
        if way < 0.45:
            return [int(one) for one in rng.choice(self._common, size)]
        if way < 0.8 or not self._words:
            return [int(one) for one in rng.integers(len(SPECIALS), self.tokenizer.get_vocab_size(), size)]
        mark = str(rng.choice([",", ",", " and", ";", ""]))
        listed = mark.join(str(word) for word in rng.choice(self._words, 3 + size // 4))
        return self._ids(listed + str(rng.choice([".", ",", ";"])))

    def _passage(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """`count` ids of the corpus, 7 times of 10 from the start of a paragraph."""
        last = len(self.ids) - count
        start = int(rng.choice(self._starts)) if rng.random() < 0.7 and len(self._starts) else int(rng.integers(last))
        return self.ids[min(start, last) :][:count]

    def _passage_text(self, rng: np.random.Generator) -> str:
        last = max(1, len(self.ids) - self.length - 60)
        start = min(int(rng.choice(self._starts)), last)
        return self.tokenizer.decode([int(one) for one in self.ids[start : start + self.length + 60]])

    def _encoded(self, text: str, unforeseen: list[tuple[int, int]]) -> Window:
        """A text as a window behind `<s>`; no loss on tokens that begin inside one of the spans."""
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        ids = np.array([BEGIN_ID, *encoded.ids][: self.length + 1], np.int64)
        weights = np.ones(len(ids) - 1, np.float32)
        weights[_within(encoded, unforeseen)[: self.length]] = 0
        missing = self.length + 1 - len(ids)
        return np.pad(ids, (0, missing), constant_values=BEGIN_ID), np.pad(weights, (0, missing))

    def _text(self, number: int) -> str:
        return self.tokenizer.decode([int(number)])

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)


def _within(encoded: Encoding, spans: list[tuple[int, int]]) -> np.ndarray:
    """Which tokens have their last character inside one of the spans of characters: boolean (tokens,)."""
    last = np.array([end - 1 for _, end in encoded.offsets])
    inside = np.zeros(len(last), bool)
    for start, end in spans:
        inside |= (last >= start) & (last < end)
    return inside
