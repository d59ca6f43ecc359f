"""Attention in a whole model: encoder and decoder, and the residual stream."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import SEED
from attention.lessons.kinds.sorts import whole
from attention.table import choice

KINDS: tuple[Kind, ...] = (
    Kind(
        name="attentions",
        help="the masks of an encoder-decoder's three attentions, for two lengths",
        settings={
            "source": setting(6, whole(4, 10), "tokens that are read"),
            "target": setting(4, whole(4, 10), "tokens that are written"),
        },
        facts={
            "source": "tokens that are read",
            "target": "tokens that are written",
            "encoder": "open cells of the encoder's self-attention",
            "decoder": "open cells of the decoder's self-attention",
            "cross": "open cells of the cross-attention",
            "square": "1 where the cross-attention's map is square, else 0",
        },
    ),
    Kind(
        name="decoding",
        help="keys of what was read and of what is written, as a decoder writes token by token",
        settings={
            "source": setting(5, whole(2, 8), "tokens that are read"),
            "target": setting(6, whole(2, 8), "tokens that are written in the end"),
            "step": setting(3, whole(1, 8), "tokens that are written at first"),
            "seed": SEED,
        },
        facts={
            "step": "tokens that are written",
            "source": "tokens that are read",
            "changed": "1 if the next step changed a key of what was read, else 0",
            "kept": "rows of keys that were made where all are kept",
            "again": "rows that were made where each step makes all anew",
            "own_rows": "keys of what is written",
            "read_rows": "keys of what was read",
        },
    ),
    Kind(
        name="norms",
        help="residual blocks with the norm before or after: size of the stream, and the gradient that comes back",
        settings={
            "blocks": setting(16, whole(2, 32), "2, 4, 8, 16 or 32"),
            "shows": setting("sizes", choice(("sizes", "gradients")), "what is drawn at first"),
            "seed": SEED,
        },
        facts={
            "blocks": "how many blocks there are",
            "pre_size": "the stream's size after them, norm before",
            "post_size": "the same, norm after",
            "pre_gradient": "the gradient at the last block, norm before",
            "post_gradient": "the same, norm after",
            "larger": "0 where the stream is larger with the norm before, 1 after, 2 about equal",
            "steeper": "1 where the gradient at the last block is larger with the norm after, else 0",
        },
    ),
)
