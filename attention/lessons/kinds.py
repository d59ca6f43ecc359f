"""The kinds of live figures: what each is told, and which facts it knows, that a guess can ask for.

One row a kind, in the order of their names; `static/lesson/figures/<name>.js` draws it. The names of settings and facts
are those that a lesson's file uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attention.table import Sort, choice, defaults, free_text, keys, number, rows
from attention.view import View

SHOWN = ("sentence", "figures", "arithmetic", "heads", "links", "dimensions")
# Settings of a state's figure that are no field of a view.
OWN = ("own", "pin", "show")
MOST_LISTED = 16


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: what it may be, what it is where nothing is said, and what it is for."""

    sort: Sort
    default: Any
    help: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of figure. needs_run: whether a model is run for it, and its state is a link's."""

    name: str
    help: str
    settings: Mapping[str, Setting]
    facts: Mapping[str, str] = field(default_factory=dict)
    needs_run: bool = False


def setting(default: Any, sort: Sort, help: str) -> Setting:
    """A setting with its default first, as a row of the table of fields."""
    return Setting(sort=sort, default=default, help=help)


def whole(low: int, high: int) -> Sort:
    """A whole number between these."""

    def read(raw: str) -> int:
        value = int(raw) if raw.isascii() and raw.isdigit() else -1
        if not low <= value <= high:
            raise ValueError
        return value

    return Sort(f"a whole number from {low} to {high}", read, lambda value: low <= value <= high)


def numbers(low: float, high: float) -> Sort:
    """Some numbers with spaces between, each between these."""
    one = number(low, high)

    def read(raw: str) -> tuple[float, ...]:
        found = tuple(one.read(part) for part in raw.split())
        if not 1 <= len(found) <= MOST_LISTED:
            raise ValueError
        return found

    words = f"1 to {MOST_LISTED} numbers with spaces between, each {one.accepts}"
    return Sort(words, read, lambda value: all(map(one.allows, value)), lambda value: " ".join(map(one.write, value)))


def names(options: tuple[str, ...]) -> Sort:
    """Some of these, in the order in which they stand, with spaces between."""

    def read(raw: str) -> tuple[str, ...]:
        found = tuple(raw.split())
        if not set(found) <= set(options) or len(set(found)) != len(found):
            raise ValueError
        return found

    words = f"some of {', '.join(options)}, with spaces between"
    return Sort(words, read, lambda value: set(value) <= set(options), " ".join)


SEED = setting(1, whole(0, 999_999), "where its random numbers begin")
OF_A_HEAD = {
    "most": "the token that the pinned row weighs most",
    "most_weight": "its weight",
    "pinned": "the pinned token",
    "entropy": "the entropy of the pinned row, in nats",
    "self_weight": "what the pinned token gives itself",
    "first_weight": "what it gives the first token",
    "top_value": "the token with the largest weight × length of its value",
    "n": "how many tokens there are",
}


def _view_settings() -> dict[str, Setting]:
    """The keys of a link, with what is a figure's own beside them."""
    of = {
        keys(View)[name]: setting(defaults(View)[name], row.sort, row.help) for name, row in rows(View).items()
    }
    return of | {
        "own": setting(False, yes(), "yes: the person's own sentence takes the text's place"),
        "pin": setting("", free_text(), "the word that is pinned, its last occurrence"),
        "show": setting(("sentence", "figures"), names(SHOWN), "which parts of the page, in order"),
    }


def yes() -> Sort:
    """Yes or no."""
    among = choice(("yes", "no"))
    read = lambda raw: among.read(raw) == "yes"  # noqa: E731
    return Sort("yes or no", read, lambda value: isinstance(value, bool), lambda value: "yes" if value else "no")


# Settings of a figure that makes words of its own layer.
OF_A_TEXT = {
    "text": setting("The cat sat on the mat because it was tired.", free_text(), "the words"),
    "own": setting(False, yes(), "yes: the person's own sentence takes the text's place"),
}

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
        name="cache",
        help="bytes of a cache of keys and values, for sizes of known models",
        settings={
            "model": setting("gpt", choice(("gpt", "llama", "large")), "GPT-2, Llama 3 8B or Llama 2 70B at first"),
            "n": setting(1024, whole(1, 131072), "tokens: 1, 128, 1024, 4096, 8192, 32768 or 131072"),
        },
        facts={
            "model": "whose sizes are shown",
            "kib": "its cache for one token, in KiB",
            "said": "the same in words",
            "total": "its cache for all tokens, in words",
            "mha": "for one token, if every query head had keys and values of its own",
            "mqa": "for one token, if all query heads shared one",
            "saved": "query heads to a key-value head",
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
    Kind(
        name="cost",
        help="multiply-adds or numbers kept against the number of tokens, with each crossing named",
        settings={
            "of": setting("layer", choice(("layer", "recurrent", "memory", "token")), "what is compared"),
            "d_model": setting(768, whole(64, 4096), "64, 128, 256, 512, 768, 1024, 2048 or 4096"),
            "n": setting(1024, whole(16, 32768), "a power of two"),
            "heads": setting(12, whole(1, 64), "heads, whose maps are counted"),
            "window": setting(4096, whole(16, 32768), "keys that a sliding window keeps"),
        },
        facts={
            "d": "d_model",
            "n": "the number of tokens",
            "crossing": "at how many tokens attention's products equal those by weights",
            "projections": "multiply-adds of the four projections",
            "attention": "multiply-adds of q·k and A·V",
            "share": "attention's over the projections'",
            "rnn": "multiply-adds of a plain recurrent layer",
            "gru": "those of a GRU",
            "lstm": "those of an LSTM",
            "gru_crossing": "at how many tokens an attention layer equals a GRU",
            "lstm_crossing": "at how many it equals an LSTM",
            "fewer_than_rnn": "0 where the attention layer needs fewer than a plain recurrent one, else 1",
            "fewer_than_lstm": "0 where it needs fewer than an LSTM, else 1",
            "maps": "weights of all heads",
            "kept": "numbers of q, k, v and the output",
            "maps_times": "the first over the second",
            "cached": "multiply-adds of the next token with a cache",
            "again": "those without one",
            "saved": "the second over the first",
            "grows": "0 where the next token costs more with twice the tokens in the cache, else 1",
            "window_grows": "the same with a window",
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
        name="head",
        help="one head of a model's run, by the components of the inspect page",
        settings=_view_settings(),
        facts=OF_A_HEAD,
        needs_run=True,
    ),
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
        name="measured",
        help="this machine's own times for projections and attention, on a click, beside the closed forms",
        settings={
            "d_model": setting(64, whole(16, 128), "width of a word's vector"),
            "lengths": setting((32.0, 64.0, 128.0, 256.0, 512.0), numbers(8, 1024), "how many tokens, rising"),
        },
        facts={
            "measured": "0 where it was measured, else 1",
            "equal_counts": "at how many tokens the counts are equal",
            "equal_times": "at about how many the times are, 0 where not known",
            "crossed": "the same, unrounded",
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
        name="streaming",
        help="one row of attention in blocks of keys, beside the same row in one go",
        settings={
            "n": setting(64, whole(8, 256), "keys"),
            "block": setting(8, whole(1, 64), "keys a block: 1, 2, 4, 8, 16, 32 or 64"),
            "seed": SEED,
        },
        facts={
            "n": "how many keys there are",
            "held": "numbers that are held between two blocks",
            "gap": "the difference of both outputs, as a share",
            "exact": "0 where they are the same within rounding, else 1",
            "blocks": "how many blocks there are",
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


def kind(name: str) -> Kind | None:
    """The kind of that name, or None."""
    return next((one for one in KINDS if one.name == name), None)


def described() -> str:
    """The list of docs/lessons.md, which `make docs` writes there."""
    return "\n".join(_described(one) for one in KINDS)


def _described(one: Kind) -> str:
    settings = [
        f"  - `{name}`: {setting.help} ({setting.sort.accepts}; {_otherwise(setting)})"
        for name, setting in one.settings.items()
        if not one.needs_run or name in OWN
    ]
    facts = [f"`{name}` ({words})" for name, words in one.facts.items()]
    known = [f"  - facts: {', '.join(facts)}"] if facts else []
    return "\n".join((f"- **{one.name}**: {one.help}.", *settings, *known))


def _otherwise(setting: Setting) -> str:
    written = setting.sort.write(setting.default)
    return f"otherwise {written}" if written else "otherwise none"
