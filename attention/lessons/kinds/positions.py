"""Where a token stands: none, added, turned, or taken from the scores."""

from __future__ import annotations

from attention.lessons.kinds.record import Kind, setting
from attention.lessons.kinds.shared import OF_A_TEXT, SEED
from attention.lessons.kinds.sorts import whole, yes
from attention.table import choice

KINDS: tuple[Kind, ...] = (
    Kind(
        name="bydistance",
        help="biases by distance: ALiBi's slopes, or T5's buckets",
        settings={
            "of": setting("alibi", choice(("alibi", "t5")), "which of the two"),
            "heads": setting(8, whole(2, 16), "heads, each with a slope: 2, 4, 8 or 16"),
            "distance": setting(8, whole(0, 200), "the distance that is marked"),
        },
        facts={
            "heads": "how many heads there are",
            "distance": "the marked distance",
            "first": "the first head's slope",
            "last": "the last head's slope",
            "first_takes": "what the first head's score loses at the distance",
            "last_takes": "what the last head's score loses at the distance",
            "bucket": "the bucket of a key so far before its query",
            "next": "the bucket of the key one place farther",
            "shared": "0 where both are in one bucket, else 1",
            "used": "how many buckets distances up to 200 use",
        },
    ),
    Kind(
        name="shuffle",
        help="a layer's output rows before and after the words are shuffled",
        settings=OF_A_TEXT
        | {
            "d_model": setting(16, whole(8, 64), "width of a word's vector, a multiple of heads"),
            "heads": setting(2, whole(1, 8), "how many heads"),
            "causal": setting(False, yes(), "whether there is a causal mask at first"),
            "positions": setting(False, yes(), "whether positions are added at first"),
            "seed": SEED,
        },
        facts={
            "n": "how many words there are",
            "kept": "how many have the row that they had",
            "moved": "the largest change of a word's own row, as a share",
            "how": "0 where all rows are the old ones in the new order, else 1",
            "twice": "how far the rows of a word that stands twice are apart, −1 where none does",
            "twins": "0 where they are equal, 1 where not, 2 where there are none",
        },
    ),
    Kind(
        name="sinusoids",
        help="sinusoidal positions: the waves, and the product of two places by their distance",
        settings={
            "d_model": setting(32, whole(4, 64), "dimensions, an even number"),
            "place": setting(3, whole(0, 100), "the first place"),
            "distance": setting(5, whole(0, 40), "how far the second lies from it"),
        },
        facts={
            "place": "the first place",
            "distance": "how far the second lies from it",
            "value": "the product of both encodings",
            "closed": "Σ cos(frequency × distance)",
            "spread": "how far the product differs between all first places",
            "stays": "0 where it is the same for all of them, else 1",
        },
    ),
    Kind(
        name="turning",
        help="rotary positions in one pair of dimensions: a query and a key turned by their places",
        settings={
            "query": setting(3, whole(0, 25), "the query's place"),
            "key": setting(8, whole(0, 25), "the key's place"),
            "seed": SEED,
        },
        facts={
            "score": "q·k after the turns",
            "moved": "the same with both five places on",
            "alone": "the same with only the key five places on",
            "distance": "the key's place less the query's",
            "gap": "the largest gap between both sides of the rule, in 32 dimensions",
            "stays": "0 where moving both leaves q·k as it is, else 1",
            "lengths": "the lengths of query and key",
        },
    ),
)
