"""Made-up names and small stories about them: what a model can only continue by looking back."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

ONSETS = [
    "B", "Br", "C", "Ch", "D", "Dr", "F", "Fl", "G", "Gr", "H", "J", "K", "Kl", "L", "M", "N", "P", "Pl", "Qu",
    "R", "S", "Sh", "Sk", "St", "T", "Th", "Tr", "V", "W", "Y", "Z",
]  # fmt: skip
VOWELS = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ee", "oo", "ai"]
MIDDLES = ["b", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "z", "ll", "nd", "rt", "mb"]
CODAS = ["", "", "b", "d", "g", "k", "l", "m", "n", "p", "r", "rk", "s", "sh", "t", "x", "nt", "lm"]
PEOPLE = [
    "king", "queen", "prince", "princess", "captain", "doctor", "teacher", "farmer", "baker", "sailor", "nurse",
    "cook", "miller", "tailor", "giant", "witch", "fairy", "boy", "girl", "man", "woman", "lady", "lord", "duke",
    "master", "soldier", "hunter", "merchant", "prisoner", "stranger", "brother", "sister", "daughter", "son",
    "uncle", "aunt", "dog", "cat", "horse", "fox", "wolf", "bear", "lion", "mouse", "bird", "dragon",
]  # fmt: skip
PLACES = [
    "city", "house", "garden", "castle", "forest", "river", "island", "valley", "school", "shop", "farm", "tower",
    "mountain", "village", "kitchen",
]  # fmt: skip
THINGS = [
    "ring", "book", "cake", "sword", "letter", "key", "lamp", "coat", "box", "apple", "ball", "crown", "bag",
    "hat", "basket", "rose", "cup", "knife", "map", "coin",
]  # fmt: skip
MET = [
    "met", "saw", "loved", "found", "heard", "helped", "called", "watched", "followed", "feared", "visited",
    "remembered",
]  # fmt: skip
DID = [
    "smiled", "laughed", "cried", "slept", "ran away", "went home", "came back", "said nothing", "sat down",
]  # fmt: skip
# N, M: names, the same each time. P, Q: two people. L: a place. T: a thing. V, W: what they do.
STORIES = (
    "The P of N V the Q of M. The P of N W, but the Q of M did not.",
    "The P of N V the Q of M. The Q of M W, and the P of N W too.",
    "N and M went to the L. N gave a T to M, and M gave the T back to N.",
    "There was once a P called N, who had a T. One day N lost the T and N W.",
    '"Who are you?" asked the P. "I am N," said N. "And I am M," said M.',
    "N lived in the L of M. Everyone in the L of M knew N well.",
    "N was a P and M was a Q. So the P was N and the Q was M.",
    "My friend N has a T. The T of N is older than the T of M, but M loves the T of N.",
    "In the L lived N the P and M the Q. N the P V M the Q.",
    "N N2 V M M2. Then N N2 W. M M2 W.",
    "Old N N2 had a T. The T of old N N2 lay in the L. Old N N2 V it.",
)


@dataclass(frozen=True)
class Piece:
    """Some text, and whether its tokens can be foreseen (so that a loss on them teaches something)."""

    text: str
    foreseen: bool


def made_up(rng: np.random.Generator) -> str:
    """A name of one to three syllables that no book has."""
    name = str(rng.choice(ONSETS)) + str(rng.choice(VOWELS))
    for _ in range(int(rng.integers(0, 3))):
        name += str(rng.choice(MIDDLES)) + str(rng.choice(VOWELS))
    return name + str(rng.choice(CODAS))


def story(rng: np.random.Generator) -> list[Piece]:
    """A small story of one of the patterns; a name said for the first time cannot be foreseen."""
    pattern = str(rng.choice(STORIES))
    filled = _filling(rng)
    pieces: list[Piece] = []
    known: set[str] = set()
    for part in re.split(r"\b(N2|M2|N|M|P|Q|L|T|V|W)\b", pattern):
        text = filled.get(part, part)
        foreseen = part not in filled or part in known
        known.add(part)
        if part == "W":
            filled["W"] = _some(rng, DID)
        pieces.append(Piece(text, foreseen))
    return pieces


def rename(text: str, rng: np.random.Generator, most: int = 4) -> tuple[str, list[tuple[int, int]]]:
    """Names that come back in a text → made-up ones, each the same everywhere.

    Returns the text and the character spans where a new name stands for the first time.
    """
    inside = re.findall(r"(?<=[a-z,;] )[A-Z][a-z]{2,}\b", text)
    often = [name for name in dict.fromkeys(inside) if len(re.findall(rf"\b{name}\b", text)) > 1][:most]
    if not often:
        return text, []
    new = {name: _full_name(rng) for name in often}
    parts = re.split(rf"\b({'|'.join(often)})\b", text)
    at, spans, seen = 0, [], set()
    for number, part in enumerate(parts):
        parts[number] = new.get(part, part)
        if part in new and part not in seen:
            spans.append((at, at + len(new[part])))
            seen.add(part)
        at += len(parts[number])
    return "".join(parts), spans


def sentences(text: str) -> list[str]:
    """A text cut after its sentences; joined with a space they give it back."""
    return re.split(r'(?<=[.!?"]) (?=["A-Z])', text)


def _full_name(rng: np.random.Generator) -> str:
    return made_up(rng) if rng.random() < 0.7 else f"{made_up(rng)} {made_up(rng)}"


def _filling(rng: np.random.Generator) -> dict[str, str]:
    people = rng.choice(PEOPLE, 2, replace=False)
    names = {key: made_up(rng) for key in ("N", "M", "N2", "M2")}
    words = {"P": str(people[0]), "Q": str(people[1]), "L": _some(rng, PLACES), "T": _some(rng, THINGS)}
    return names | words | {"V": _some(rng, MET), "W": _some(rng, DID)}


def _some(rng: np.random.Generator, words: list[str]) -> str:
    return str(rng.choice(words))
