"""Which keys a query may see, and what a mask is made of."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_SENTENCE, SEED
from attention.lessons.kinds.sorts import decimal, names, whole, yes
from attention.table import choice, free_text

KINDS: tuple[Kind, ...] = (
    Kind(
        name="fill",
        drawn_by="maskfill",
        help="what stands in for a closed key before the softmax, in two types of numbers",
        settings={
            "fill": setting("billion", choice(("inf", "billion", "thousands")), "−∞, −1e9 or −10,000"),
            "type": setting("float32", choice(("float32", "float16")), "the type of the numbers"),
            "open": setting("none", choice(("one", "none")), "whether the row may see one key or none"),
            "score": setting(1.0, decimal(-20_000, 1), "the score of the key that may be seen"),
        },
        facts={
            "forbidden": "what closed keys weigh together",
            "second": "the weight of the second key, which is closed",
            "verdict": "0 where closed keys weigh nothing, 1 where they weigh something, 2 where there is NaN",
        },
    ),
    Kind(
        name="flags",
        drawn_by="boolmask",
        help="one mask of True and False, read by three libraries",
        settings={
            "library": setting("module", choice(("module", "function", "transformers")), "who reads it"),
        },
        facts={
            "open": "how many of the 16 cells are open",
            "first": "how many keys the first query sees",
            "last": "how many keys the last query sees",
            "sees": "0 where no query sees a later key, 1 where some does",
            "empty": "how many queries see nothing",
        },
    ),
    Kind(
        name="frozen",
        help="one word is exchanged: which rows of the output change",
        settings=OF_A_SENTENCE
        | {
            "words": setting("dog river", free_text(), "what the word may become, with spaces between"),
            "causal": setting(True, yes(), "yes: no token sees a later one"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "changed": "how many rows changed in any bit",
            "same": "how many are the same to the last bit",
            "which": "0 where no row before the word changed, 1 where some did, 2 where nothing changed at all",
        },
    ),
    Kind(
        name="maps",
        help="scores and weights of a sentence in a small head, under rules that can be changed",
        settings=OF_A_SENTENCE
        | {
            "most": setting(7, whole(2, 10), "how many tokens at most"),
            "d": setting(8, whole(1, 32), "how many numbers a token has"),
            "tie": setting(False, yes(), "yes: X itself in place of Q and K"),
            "causal": setting(False, yes(), "yes: no token sees a later one"),
            "after": setting(False, yes(), "yes: the mask is applied to the weights, after the softmax"),
            "keep_self": setting(True, yes(), "no: a token may not see itself"),
            "padding": setting(0, whole(0, 4), "how many empty places follow the sentence"),
            "axis": setting("keys", choice(("keys", "queries")), "what the softmax runs over"),
            "controls": setting(
                (), names(("axis", "tie", "causal", "after", "keep_self", "padding")), "what can be changed"
            ),
            "says": setting("sums", choice(("sums", "mirror", "open")), "what the sentence below is about"),
            "cell": setting(38, whole(20, 60), "the size of a cell"),
            "seed": SEED,
        },
        facts={
            "n": "how many places",
            "score_asymmetry": "the largest difference between a score and its mirror image",
            "weight_asymmetry": "the same of weights",
            "symmetric": "0 where the weights are their own mirror image, 1 where they are not",
            "own_tops": "in how many rows a token's largest score is its own",
            "mostly_own": "0 where those are more than half of the rows, 1 where they are not",
            "row_low": "the lowest sum of a row",
            "row_high": "the highest sum of a row",
            "column_low": "the lowest sum of a column",
            "column_high": "the highest sum of a column",
            "rows_even": "0 where all rows sum to 1, 1 where not",
            "columns_even": "0 where all columns sum to 1, 1 where not",
            "nan_rows": "how many rows are NaN",
            "first_self": "what the first token gives itself",
            "first_row": "0 where the first row sums to 1, 1 where to something else, 2 where it is NaN",
            "open": "how many cells are open",
            "cells": "how many cells there are",
            "last_seen": "how many tokens the last word sees",
        },
    ),
)
