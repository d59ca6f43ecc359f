"""Attention explained to somebody: questions, an answer by hand, and what an answer must not claim."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import SEED, WORDS
from attention.lessons.kinds.sorts import whole, yes
from attention.table import choice

PARTS = ("vectors", "weights", "values", "heads")

KINDS: tuple[Kind, ...] = (
    Kind(
        name="byhand",
        help="two tokens by hand, every number changeable",
        settings={},
        facts={
            "weight": "the first weight of the first row",
            "other": "its second weight",
            "output": "the first number of the first output",
            "second": "its second number",
            "weights": "both weights of the first row",
            "outputs": "both numbers of the first output",
        },
    ),
    Kind(
        name="interview",
        help="the sixty questions with time to think, answers and marks of one’s own",
        settings={
            "seed": SEED,
        },
        facts={
            "asked": "how many questions there are",
            "known": "how many are marked as known",
        },
    ),
    Kind(
        name="minute",
        help="one of four figures for an explanation in a minute, with a clock",
        settings={
            "part": setting("vectors", choice(PARTS), "which of the four"),
            "text": WORDS,
            "seed": SEED,
        },
        facts={
            "top": "the word that the last one weighs most in head 0",
            "top_weight": "its weight",
            "word": "the last word",
            "n": "how many words there are",
        },
    ),
    Kind(
        name="mixing",
        help="which rows of a deeper layer change when a word is changed",
        settings={
            "layers": setting(1, whole(0, 6), "how many layers"),
            "causal": setting(True, yes(), "whether they are causal"),
            "text": WORDS,
            "seed": SEED,
        },
        facts={
            "n": "how many words there are",
            "reached": "how many rows change with the first word",
            "layers": "how many layers",
            "own": "how much of the last row’s change comes from its own word",
            "first": "the first word",
            "last": "the last word",
        },
    ),
    Kind(
        name="removed",
        help="a token’s weight beside what its removal changes",
        settings={
            "text": WORDS,
            "seed": SEED,
        },
        facts={
            "weight_top": "the token with the largest weight",
            "top_weight": "its weight",
            "effect_top": "the token whose removal changes most",
            "agree": "0 where these are the same, 1 where not",
            "agreeing": "in how many layers of other seeds they are the same",
            "layers": "how many layers were made",
            "often": "0 where they agree nearly always, 1 where in part, 2 where hardly ever",
        },
    ),
)
