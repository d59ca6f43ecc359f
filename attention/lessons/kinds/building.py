"""An attention layer in code, and its common bugs."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import BUGS, SEED, WORDS
from attention.lessons.kinds.sorts import whole
from attention.table import choice, number

KINDS: tuple[Kind, ...] = (
    Kind(
        name="compare",
        help="an exercise: one’s own numbers, pasted and compared step by step",
        settings={
            "seed": SEED,
        },
        facts={
            "steps": "how many steps can be compared",
            "pasted": "how many were pasted",
            "agree": "how many of them agree",
        },
    ),
    Kind(
        name="dropout",
        help="a row of weights before and after dropout",
        settings={
            "p": setting(0.2, number(0, 0.9), "the share that is dropped"),
            "n": setting(6, whole(2, 12), "how many keys"),
            "seed": SEED,
        },
        facts={
            "sum": "what the row sums to in this draw",
            "low": "the lowest sum of many draws",
            "high": "their highest",
            "mean": "their mean",
            "p": "the share that is dropped",
            "varies": "0 where every sum is 1, 1 where all are equal, 2 where they differ",
        },
    ),
    Kind(
        name="mistakes",
        help="a common bug beside the right layer",
        settings={
            "mistake": setting("axis", choice(BUGS), "the bug to begin with"),
            "text": WORDS,
            "seed": SEED,
        },
        facts={
            "low": "the lowest sum of a row with the bug",
            "high": "the highest",
            "last": "the sum of the last row",
            "sums": "0 where all rows sum to 1, 1 where some sum to more, 2 where some sum to less and none to more",
            "difference": "the largest difference of the outputs",
            "caught": "the checks that notice, by name",
            "count": "how many these are",
            "bug": "the bug’s name",
        },
    ),
    Kind(
        name="precision",
        help="one sum in four orders and three precisions",
        settings={
            "n": setting(64, whole(8, 1024), "how many terms"),
            "seed": SEED,
        },
        facts={
            "in64": "the largest difference in float64",
            "in32": "in float32",
            "in16": "in float16",
            "n": "how many terms",
            "equal": "0 where all four float32 sums are equal, 1 where not",
        },
    ),
    Kind(
        name="reshape",
        help="a row split into heads, the right and the wrong way",
        settings={
            "n": setting(3, whole(2, 5), "how many tokens"),
            "heads": setting(2, whole(2, 4), "how many heads"),
            "width": setting(2, whole(1, 3), "the width of a head"),
        },
        facts={
            "n": "how many tokens",
            "heads": "how many heads",
            "strangers": "how many rows hold another token’s numbers in the wrong version",
            "rows": "how many rows there are in all",
            "row_of": "whose numbers stand in row 1 of head 0 in the wrong version",
        },
    ),
)
