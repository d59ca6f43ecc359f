"""What a trained storyteller is measured on: random tokens said twice, sentences said twice, names that come back.

The sentences come from held-out text or from here; the patterns here are none of those in `names.STORIES`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from tools.train.names import PEOPLE, THINGS, made_up, rename, sentences
from tools.train.tokenizer import BEGIN_ID, SPECIALS

DEFAULT = "The cat sat on the mat because it was tired."
PROMPTS = (
    DEFAULT,
    "Once upon a time there was",
    "The little girl opened the door and",
    "The king said to the queen,",
    "In the middle of the forest there lived",
    "The old man looked at the boy and said,",
    "It was a cold winter night, and the snow",
    "The children ran down to the river to",
    "She put on her hat and",
    '"Where are you going?" asked',
    "The fox looked at the bird and",
    "There was a great noise in the kitchen, for",
    "My dear child, you must never",
    "The ship sailed away over the sea, and the sailors",
    "He was so tired that he",
    "The dog ran home. The dog ran",
    "The queen of Zarb met the king of Plok. The queen of",
    "When Mary and John went to the shop, John gave a drink to",
    "Red, blue, green, yellow. Red, blue,",
    "Mr. Quibbleton was a tailor. Everyone loved Mr. Qu",
)
SAID_TWICE = (
    "The dog ran home.",
    "The small bird sang a song in the old tree.",
    "My brother found a silver key under the bed.",
    "A red fox sat by the river and looked at the moon.",
    "The baker gave warm bread to the hungry children.",
    "In the morning the farmer took his horse to the village.",
)
COMES_BACK = (
    "The P of N wrote to the Q of M. The next day the P of N",
    "The P of N and the Q of M were friends. One day the Q of M",
    "N K sold a T to M L. Afterwards N K",
    "A letter came for N K. Nobody had seen M L or N K",
    "Long ago a Q named N K lived by the sea. The T belonged to N K",
)


@dataclass(frozen=True, kw_only=True)
class Recall:
    """A text in which something comes back. ids (n,); queries, and for each the keys that followed before.

    wanted (queries, n): True at the tokens after the earlier occurrences. answers: the ids that should come next.
    """

    ids: Tensor
    queries: tuple[int, ...]
    wanted: Tensor
    answers: tuple[int, ...]


def random_twice(vocabulary: int, count: int, period: int, seed: int) -> Tensor:
    """(count, 1 + 2 · period) ids: `<s>`, random tokens, the same again."""
    rng = np.random.default_rng(seed)
    half = rng.integers(len(SPECIALS), vocabulary, (count, period))
    return torch.from_numpy(np.concatenate([np.full((count, 1), BEGIN_ID), half, half], 1))


def said_twice(tokenizer: Tokenizer, texts: list[str]) -> list[Recall]:
    """Each sentence twice in a row; left out where its tokens differ behind a space."""
    found = []
    for text in texts:
        once, again = _ids(tokenizer, text), _ids(tokenizer, f" {text}")
        if len(once) == len(again) and once[1:] == again[1:]:
            pairs = [(1 + len(once) + at, [2 + at]) for at in range(len(once) - 1)]
            found.append(_recall([BEGIN_ID, *once, *again], pairs))
    return found


def held_sentences(text: str, count: int) -> list[str]:
    """Some sentences of 6 to 20 words, evenly out of a text."""
    every = [one for line in text.splitlines() for one in sentences(line)]
    fit = [one for one in every if 6 <= len(one.split()) <= 20 and one[0].isupper() and one[-1] in ".!?"]
    return fit[:: max(1, len(fit) // count)][:count]


def names_in_prose(tokenizer: Tokenizer, text: str, count: int, seed: int) -> list[Recall]:
    """Passages of held-out prose whose names were made up; asked inside each later mention of a name."""
    rng = np.random.default_rng(seed)
    lines = text.splitlines()
    found: list[Recall] = []
    for at in range(0, len(lines), 4):
        passage, spans = rename(" ".join(lines[at : at + 4])[:900], rng)
        names = [passage[start:end] for start, end in spans]
        recall = _mentions(tokenizer, passage, names)
        if recall is not None and len(recall.ids) <= 256:
            found.append(recall)
    return found[:count]


def phrases(tokenizer: Tokenizer, count: int, seed: int) -> list[Recall]:
    """Small stories of new patterns; asked inside each later mention of a phrase, its name's first token included."""
    rng = np.random.default_rng(seed)
    found: list[Recall] = []
    while len(found) < count:
        text, names = _story(rng)
        recall = _mentions(tokenizer, text, names)
        if recall is not None:
            found.append(recall)
    return found


def _story(rng: np.random.Generator) -> tuple[str, list[str]]:
    people = rng.choice(PEOPLE, 2, replace=False)
    names = {key: made_up(rng) for key in "NMKL"}
    filling = names | {"P": str(people[0]), "Q": str(people[1]), "T": str(rng.choice(THINGS))}
    words = str(rng.choice(COMES_BACK)).replace(".", " .").split()
    text = " ".join(filling.get(word, word) for word in words).replace(" .", ".")
    first = [f"{filling['N']} {filling['K']}", f"{filling['M']} {filling['L']}"]
    whole = [f"{p} of {n}" for p in people for n in (names["N"], names["M"])]
    return text, [one for one in (*first, *whole) if text.count(one) > 1]


def _mentions(tokenizer: Tokenizer, text: str, names: list[str]) -> Recall | None:
    """Queries inside every later mention of the names: each wants what followed at the same place of earlier ones."""
    ids = [BEGIN_ID, *_ids(tokenizer, text)]
    pairs: list[tuple[int, list[int]]] = []
    for name in names:
        spelled = _ids(tokenizer, f" {name}")
        places = [at for at in range(len(ids)) if ids[at : at + len(spelled)] == spelled]
        for number, place in enumerate(places[1:], 1):
            for step in range(len(spelled) - 1):
                pairs.append((place + step, [earlier + step + 1 for earlier in places[:number]]))
    return _recall(ids, sorted({(q, tuple(k)) for q, k in pairs})) if pairs else None


def _recall(ids: list[int], pairs: list[tuple[int, list[int]]] | list[tuple[int, tuple[int, ...]]]) -> Recall:
    wanted = torch.zeros(len(pairs), len(ids), dtype=torch.bool)
    for row, (_, keys) in enumerate(pairs):
        wanted[row, list(keys)] = True
    queries = tuple(query for query, _ in pairs)
    return Recall(
        ids=torch.tensor(ids), queries=queries, wanted=wanted, answers=tuple(ids[query + 1] for query in queries)
    )


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False).ids)
