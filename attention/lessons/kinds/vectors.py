"""Tokens as vectors, and the query, key and value that are made of one."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_SENTENCE, SEED
from attention.lessons.kinds.sorts import whole, yes
from attention.table import choice, number

KINDS: tuple[Kind, ...] = (
    Kind(
        name="bias",
        help="a bias on the query, the key or the value of a small head, and what it changes",
        settings=OF_A_SENTENCE
        | {
            "d": setting(4, whole(2, 16), "how many numbers a token has"),
            "which": setting("key", choice(("query", "key", "value")), "what the bias is added to"),
            "size": setting(2.0, number(0, 4), "its size"),
            "seed": SEED,
        },
        facts={
            "query_change": "the largest change of a weight by the query bias",
            "key_change": "the same by the key bias",
            "value_change": "the same by the value bias",
            "value_out": "the largest change of the output by the value bias",
            "value_spread": "by how much that change differs from row to row",
            "moves": "which of query, key and value moves the weights most: 0, 1 or 2",
        },
    ),
    Kind(
        name="rank",
        help="W_Q and W_K as one matrix, and its singular values",
        settings={
            "d": setting(8, whole(2, 8), "d_model"),
            "width": setting(3, whole(1, 8), "the head's width, d_k"),
            "seed": SEED,
        },
        facts={
            "d": "d_model",
            "width": "d_k",
            "rank": "how many singular values are above 0",
            "two": "how many numbers two matrices hold",
            "one": "how many numbers one matrix holds",
            "fewer": "0 where two matrices hold fewer, 1 where one does, 2 where both are equal",
            "asymmetry": "how far the matrix is from its mirror image",
        },
    ),
    Kind(
        name="rotation",
        help="a query and keys on a plane that are turned",
        settings={
            "angle": setting(60, whole(0, 360), "by how many degrees"),
            "what": setting("both", choice(("both", "query")), "what is turned"),
            "seed": SEED,
        },
        facts={
            "products": "whether the products grew (0), shrank (1) or stayed (2)",
            "change": "the largest change of a product",
            "moved": "the largest change of a coordinate",
        },
    ),
    Kind(
        name="strips",
        help="the tokens of a sentence as vectors",
        settings=OF_A_SENTENCE
        | {
            "d": setting(6, whole(1, 12), "how many numbers a token has"),
            "positions": setting(False, yes(), "yes: a token's place is added"),
            "positions_control": setting(False, yes(), "yes: that can be switched"),
        },
        facts={
            "n": "how many tokens",
            "d": "how many numbers each has",
            "numbers": "how many numbers in all",
            "word": "the first word that stands twice",
            "first": "where it stands first",
            "second": "where it stands next",
            "apart": "the largest difference between its two vectors",
            "twins": "0 where they are equal, 1 where they are not",
        },
    ),
    Kind(
        name="views",
        help="one token's vector and its query, key and value",
        settings=OF_A_SENTENCE
        | {
            "d": setting(6, whole(2, 8), "how many numbers a token has: a multiple of the heads"),
            "heads": setting(2, whole(1, 4), "how many heads"),
            "entry": setting(3, whole(0, 7), "which number of the vector is chosen at first, below d"),
            "seed": SEED,
        },
        facts={
            "d": "how many numbers a token has",
            "width": "how many a query has",
            "moves": "what moves with the chosen number: the query (0), the key (1), the value (2), all three (3)",
            "moved": "how many of the three move with it",
            "parameters": "how many numbers the three matrices hold",
        },
    ),
)
