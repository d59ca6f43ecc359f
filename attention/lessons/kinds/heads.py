"""Several heads: their sizes, what each reads, and why they differ."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_TEXT, SEED
from attention.lessons.kinds.sorts import one_of, some_of, whole, yes
from attention.table import choice, free_text

HEADS = (1, 2, 4, 8)
OF_A_TRAINING = {
    **{f"loss_{count}": f"the loss with {count} heads, the median of the seeds, in nats" for count in HEADS},
    **{f"accuracy_{count}": f"the share of right answers with {count} heads" for count in HEADS},
    "best": "which number of heads has the lowest loss: its place in the list",
    "gap": "the loss with the first number of heads less that with the last",
    "first_weight": "what the first model's head 0 gives to the marked place that it weighs most, the mean of examples",
    "second_weight": "what it gives to the one after that",
    "distinct": "how many different marks the last model's heads weigh most",
}

KINDS: tuple[Kind, ...] = (
    Kind(
        name="lowrank",
        help="singular values of one head's scores, or of its merged matrices",
        settings={
            "of": setting("scores", choice(("scores", "match", "carry")), "q·k of some words, W_Q·W_Kᵀ, or W_V·W_O"),
            "d_model": setting(32, whole(16, 64), "width of a word's vector, a multiple of 16"),
            "heads": setting(4, whole(1, 16), "1, 2, 4, 8 or 16"),
            "n": setting(24, whole(2, 48), "how many words there are"),
            "seed": SEED,
        },
        facts={
            "rank": "singular values larger than rounding",
            "width": "the width of a head",
            "size": "rows of the matrix",
            "heads": "how many heads there are",
            "two": "numbers of the two matrices of one head",
            "one": "numbers of the merged one",
            "times": "the second over the first",
        },
    ),
    Kind(
        name="perhead",
        help="one word's row of weights in each head of a layer with random weights",
        settings=OF_A_TEXT
        | {
            "pin": setting("", free_text(), "the word whose rows are shown, its last occurrence"),
            "d_model": setting(64, whole(8, 128), "width of a word's vector, a multiple of 8"),
            "heads": setting(4, whole(1, 8), "1, 2, 4 or 8"),
            "causal": setting(False, yes(), "yes: no word sees a later one"),
            "seed": SEED,
        },
        facts={
            "heads": "how many heads there are",
            "word": "the word whose rows are shown",
            "sums": "0 where each row sums to 1, 1 where all together do, 2 else",
            "total": "the sum of all its weights in all heads",
            "tops": "how many different words are weighed most",
        },
    ),
    Kind(
        name="projections",
        help="how far each head moves when one coordinate of all words' vectors is 0",
        settings=OF_A_TEXT
        | {
            "d_model": setting(16, whole(2, 64), "width of a word's vector, a multiple of heads"),
            "heads": setting(4, whole(1, 8), "how many heads"),
            "coordinate": setting(5, whole(0, 63), "which one is 0"),
            "reads": setting("all", choice(("all", "slice")), "what each head reads of x at first"),
            "seed": SEED,
        },
        facts={
            "heads": "how many heads there are",
            "moved": "how many of them move",
            "how": "0 none moves, 1 one, 2 all, 3 some",
            "coordinate": "the coordinate that is 0",
            "least": "the smallest move, as a share of the head's size",
        },
    ),
    Kind(
        name="sizes",
        help="what more heads change at the same d_model, and what they do not",
        settings={
            "heads": setting(8, whole(1, 32), "1, 2, 4, 8, 16 or 32"),
            "d_model": setting(512, whole(64, 1024), "64, 128, 256, 512, 768 or 1024"),
            "n": setting(128, whole(1, 4096), "tokens"),
        },
        facts={
            "heads": "how many heads there are",
            "d": "d_model",
            "width": "the width of a head",
            "parameters": "of the four projections, with biases",
            "maps": "weights in all maps",
            "grows": "0 where there are more parameters than with one head, 1 as many, 2 fewer",
        },
    ),
    Kind(
        name="training",
        help="look-ups of several symbols at once, learned here with different numbers of heads",
        settings={
            "heads": setting((1, 2, 4), some_of(HEADS), "the numbers of heads that are trained"),
            "lookups": setting(4, whole(1, 5), "how many places are marked, and how many symbols are asked for"),
            "d_model": setting(16, one_of((8, 16, 32, 64)), "the width that the heads share"),
            "seeds": setting(3, whole(1, 5), "how often each number of heads is trained, from another seed"),
            "steps": setting(800, whole(20, 4000), "steps of training"),
            "seed": SEED,
        },
        facts=OF_A_TRAINING,
    ),
    Kind(
        name="twins",
        help="two heads trained by the loss alone, from the same start or from two",
        settings={
            "start": setting("same", choice(("same", "apart")), "how they start at first"),
            "seed": SEED,
        },
        facts={
            "apart": "how far apart their weights are after training",
            "loss": "the loss after training",
            "copies": "0 where they are equal to the last bit, else 1",
        },
    ),
)
