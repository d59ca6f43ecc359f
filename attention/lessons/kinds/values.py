"""The weighted mean of values."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_SENTENCE, SEED
from attention.lessons.kinds.sorts import decimal, whole, yes
from attention.table import free_text

KINDS: tuple[Kind, ...] = (
    Kind(
        name="alike",
        help="different rows of weights that give the same output",
        settings={
            "n": setting(6, whole(2, 9), "how many tokens"),
            "width": setting(2, whole(1, 6), "how many numbers a value has"),
            "amount": setting(0.6, decimal(-1, 1), "how far the second row has moved"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "width": "how many numbers a value has",
            "free": "in how many independent directions the weights can move",
            "change": "the largest difference of a weight",
            "output_change": "the largest difference of the output",
            "possible": "0 where another row gives the same output, 1 where none does",
        },
    ),
    Kind(
        name="hull",
        drawn_by="convexhull",
        help="four values on a plane, and where their weighted mean lies",
        settings={"seed": SEED},
        facts={
            "within": "0 where the mean lies inside the ground between the values, 1 where it does not",
            "longer": "0 where it is longer than every value, 1 where it is not",
            "length": "the length of the mean",
            "longest": "the length of the longest value",
        },
    ),
    Kind(
        name="mix",
        help="one row of a small head: weights, values and their weighted mean",
        settings=OF_A_SENTENCE
        | {
            "pin": setting("", free_text(), "the word whose row is shown first, its last occurrence"),
            "d": setting(4, whole(1, 8), "how many numbers a token has"),
            "causal": setting(False, yes(), "yes: no token sees a later one"),
            "mask_control": setting(False, yes(), "yes: the mask can be switched"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "query": "the token whose row is shown",
            "most": "the token that it weighs most",
            "most_weight": "its weight",
            "self_weight": "what the token gives itself",
            "sum": "what the row sums to",
            "seen": "how many tokens weigh something",
            "unseen": "how many weigh nothing",
            "first_out": "the first number that comes out",
        },
    ),
)
