"""How a layer is checked."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import BUGS, SEED, WORDS
from attention.lessons.kinds.sorts import whole, yes
from attention.table import choice

KINDS: tuple[Kind, ...] = (
    Kind(
        name="cases",
        help="inputs whose answer is known without a computer",
        settings={
            "case": setting("equal", choice(("equal", "one", "copies")), "which case"),
            "copies": setting(3, whole(1, 8), "how many times a key stands there"),
            "causal": setting(False, yes(), "whether equal scores are causal"),
            "seed": SEED,
        },
        facts={
            "weight": "the weight of each key, or of all copies together",
            "n": "how many keys there are",
            "copies": "how many of them are copies",
            "difference": "the largest difference that the check found",
            "rule": "what makes one key weigh as all copies: 0 its score times their number, 1 plus its ln, 2 neither",
        },
    ),
    Kind(
        name="checks",
        help="the checks of a layer, run on it or on one with a bug",
        settings={
            "show": setting("list", choice(("list", "matrix")), "the checks of one, or all bugs by all checks"),
            "mistake": setting("none", choice(("none", *BUGS)), "the bug, or none"),
            "d_model": setting(16, whole(4, 64), "the width of a token"),
            "n_heads": setting(2, whole(1, 4), "how many heads"),
            "causal": setting(True, yes(), "whether the layer is causal"),
            "text": WORDS,
            "seed": SEED,
        },
        facts={
            "failed": "how many checks fail",
            "checks": "how many there are",
            "which": "those that fail, by name",
            "by": "0 where the row sums fail, 1 causality, 2 the order of the words, 3 none of these",
            "bugs": "how many bugs there are",
            "noticed": "how many of them some check notices",
            "by_reference": "how many the other implementation notices",
            "by_rows": "how many the row sums notice",
            "slipped": "how many pass shapes, row sums and causality",
        },
    ),
    Kind(
        name="gradient",
        help="a softmax’s derivative by its formula and by small steps",
        settings={
            "n": setting(4, whole(2, 6), "how many scores"),
            "seed": SEED,
        },
        facts={
            "best": "the step with the smallest difference",
            "turns": "0 where the smallest step is the best, 1 where the largest is, 2 where it lies between",
            "error": "the difference at the chosen step in float64",
            "in32": "the same in float32",
        },
    ),
)
