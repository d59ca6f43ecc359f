"""What stands in attention's place: fixed weights, a recurrent network, and what each costs."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_SENTENCE, SEED
from attention.lessons.kinds.sorts import whole
from attention.table import free_text

KINDS: tuple[Kind, ...] = (
    Kind(
        name="fixed",
        help="one word is exchanged: fixed mixing weights beside those of attention",
        settings=OF_A_SENTENCE
        | {
            "place": setting("cat", free_text(), "the word that is exchanged"),
            "words": setting("dog king", free_text(), "what it may become, with spaces between"),
            "seed": SEED,
        },
        facts={
            "which": "which weights change: both (0), the fixed ones (1), attention's (2), none (3)",
            "fixed_change": "the largest change of a fixed weight",
            "attention_change": "the largest change of a weight of attention",
            "fixed_parameters": "how many numbers the fixed weights are",
            "attention_parameters": "how many numbers make attention's weights",
        },
    ),
    Kind(
        name="operations",
        help="operations of an attention layer and a recurrent one, and their steps in a row",
        settings={
            "n": setting(128, whole(16, 8192), "how many tokens: a power of 2"),
            "d": setting(512, whole(64, 4096), "the width: a power of 2"),
        },
        facts={
            "fewer": "which takes fewer operations: attention (0), the recurrent layer (1), neither (2)",
            "ratio": "attention's operations divided by the recurrent layer's",
            "attention": "attention's operations, n²d",
            "recurrent": "the recurrent layer's, nd²",
            "steps_rnn": "the recurrent layer's steps in a row",
        },
    ),
    Kind(
        name="path",
        help="how far one token's trace gets in a recurrent network, and in attention",
        settings={
            "n": setting(12, whole(3, 16), "how many tokens"),
            "step": setting(0, whole(0, 16), "how many steps are done at first"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "path_rnn": "steps from the first token to the last in a recurrent network",
            "path_attention": "the same in attention",
            "left": "what arrives of a change at the last place, by the chain",
            "left_attention": "the same by attention",
        },
    ),
)
