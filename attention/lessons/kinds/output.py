"""What heads become together: concat, W_O, and what each adds."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_TEXT, SEED
from attention.lessons.kinds.sorts import whole, yes

KINDS: tuple[Kind, ...] = (
    Kind(
        name="addends",
        help="what each head adds to a word's output, and whether the sum is the output",
        settings=OF_A_TEXT
        | {
            "d_model": setting(16, whole(2, 32), "width of a word's vector, a multiple of heads"),
            "heads": setting(4, whole(1, 8), "how many heads"),
            "coordinate": setting(0, whole(0, 31), "the output coordinate whose bars are drawn"),
            "mixes": setting(True, yes(), "no: W_O is the identity at first"),
            "seed": SEED,
        },
        facts={
            "heads": "how many heads there are",
            "from": "how many heads add anything to the coordinate",
            "sum": "what the counted heads add up to there",
            "output": "the layer's own output there",
            "remainder": "the largest remainder, as a share of the largest number",
            "equal": "0 where the sum is the output, else 1",
        },
    ),
    Kind(
        name="concat",
        help="concat, W_O and output of one word, with two heads and their rows of W_O to swap",
        settings=OF_A_TEXT
        | {
            "d_model": setting(8, whole(2, 16), "width of a word's vector, a multiple of heads"),
            "heads": setting(4, whole(2, 8), "how many heads"),
            "seed": SEED,
        },
        facts={
            "heads": "how many heads there are",
            "one": "how far the output moves if only the pieces are swapped, as a share",
            "both": "how far it moves if both are swapped",
            "same": "0 where the output stays with both swapped, else 1",
            "same_of_one": "0 where it stays with only the pieces swapped, else 1",
        },
    ),
)
