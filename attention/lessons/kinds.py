"""The kinds of live figures: what each is told, and which facts it knows, that a guess can ask for.

One row a kind, in the order of their names; `static/lesson/figures/<name>.js` draws it. The names of settings and facts
are those that a lesson's file uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attention.lessons.changes import lists_of_edits
from attention.table import Sort, choice, defaults, free_text, keys, number, rows
from attention.view import View

SHOWN = ("sentence", "figures", "arithmetic", "heads", "links", "dimensions")
# What needs no more than a run that was made in the browser.
SHOWN_LOCAL = ("sentence", "figures", "arithmetic", "links")
# Settings of a state's figure that are no field of a view.
OWN = ("own", "pin", "show", "heads", "of", "each", "follow", "side")
MOST_LISTED = 16
DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?")


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


def decimal(low: float, high: float) -> Sort:
    """A number between these, which may be below 0; a minus sign may be the true one."""

    def read(raw: str) -> float:
        plain = raw.replace("−", "-")
        if not DECIMAL.fullmatch(plain) or not low <= float(plain) <= high:
            raise ValueError
        return float(plain)

    return Sort(f"{low:g} to {high:g}", read, lambda value: low <= value <= high, lambda value: f"{value:g}")


def numbers(low: float, high: float) -> Sort:
    """Some numbers with spaces between, each between these."""
    one = decimal(low, high)

    def read(raw: str) -> tuple[float, ...]:
        found = tuple(one.read(part) for part in raw.split())
        if not 1 <= len(found) <= MOST_LISTED:
            raise ValueError
        return found

    words = f"1 to {MOST_LISTED} numbers with spaces between, each {one.accepts}"
    return Sort(words, read, lambda value: all(map(one.allows, value)), lambda value: " ".join(map(one.write, value)))


def several(count: int, low: int, high: int) -> Sort:
    """So many different whole numbers with spaces between, each between these."""
    one = whole(low, high)

    def read(raw: str) -> tuple[int, ...]:
        found = tuple(one.read(part) for part in raw.split())
        if len(found) != count or len(set(found)) != count:
            raise ValueError
        return found

    words = f"{count} different whole numbers from {low} to {high} with spaces between"
    allows = lambda value: len(set(value)) == count and all(map(one.allows, value))  # noqa: E731
    return Sort(words, read, allows, lambda value: " ".join(map(str, value)))


def names(options: tuple[str, ...]) -> Sort:
    """Some of these, in the order in which they stand, with spaces between."""

    def read(raw: str) -> tuple[str, ...]:
        found = tuple(raw.split())
        if not set(found) <= set(options) or len(set(found)) != len(found):
            raise ValueError
        return found

    words = f"some of {', '.join(options)}, with spaces between"
    return Sort(words, read, lambda value: set(value) <= set(options), " ".join)


def one_of(options: tuple[int, ...]) -> Sort:
    """One of these whole numbers."""
    among = choice(tuple(map(str, options)))
    return Sort(among.accepts, lambda raw: int(among.read(raw)), lambda value: value in options)


def some_of(options: tuple[int, ...]) -> Sort:
    """Some of these whole numbers, with spaces between."""
    among = names(tuple(map(str, options)))
    read = lambda raw: tuple(map(int, among.read(raw)))  # noqa: E731
    allows = lambda value: bool(value) and set(value) <= set(options)  # noqa: E731
    return Sort(among.accepts, read, allows, lambda value: " ".join(map(str, value)))


CAT = "The cat sat on the mat because it was tired."
BUGS = ("transpose", "axis", "unscaled", "width", "late", "diagonal", "split", "merge", "average")
PARTS = ("vectors", "weights", "values", "heads")
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


# A loss that grows by less than this, in nats a token, and a probability or weight that moves by less than that, have
# hardly moved; `static/lesson/figures/ablations.js` and `change.js` have them too.
CHEAP, SMALL = 0.2, 0.1
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


def _local_settings() -> dict[str, Setting]:
    """What a figure of the local layer is told: the layer's own settings, as `static/local/layer.js` has them."""
    layer = {
        "d_model": setting(64, whole(1, 256), "the width of a token's vector"),
        "n_heads": setting(4, whole(1, 16), "how many heads, which divide d_model"),
        "n_kv_heads": setting(0, whole(0, 16), "how many of them have keys and values of their own; 0: all"),
        "causal": setting(True, yes(), "whether a token sees none that comes after it"),
        "scaled": setting(True, yes(), "whether scores are divided by √d_head"),
        "temperature": setting(1.0, number(0.05, 20), "what the scores are divided by, beyond that"),
        "positions": setting(True, yes(), "whether sinusoids are added to the words"),
        "seed": setting(2017, whole(0, 999_999), "where the random weights begin"),
    }
    return layer | {
        "controls": setting((), names(tuple(layer)), "which of these the person may change"),
        "head": setting(0, whole(0, 15), "the head that is shown first"),
        "own": setting(False, yes(), "yes: the person's own sentence takes the text's place"),
        "pin": setting("", free_text(), "the word that is pinned, its last occurrence"),
        "show": setting(("sentence", "figures"), names(SHOWN_LOCAL), "which parts of the page, in order"),
        "text": setting("The cat sat on the mat.", free_text(), "the sentence"),
    }


def yes() -> Sort:
    """Yes or no."""
    among = choice(("yes", "no"))
    read = lambda raw: among.read(raw) == "yes"  # noqa: E731
    return Sort("yes or no", read, lambda value: isinstance(value, bool), lambda value: "yes" if value else "no")


OWN_TEXT = setting(False, yes(), "yes: the person's own sentence takes the text's place")

# Settings of a figure that makes words of its own layer.
OF_A_TEXT = {
    "text": setting("The cat sat on the mat because it was tired.", free_text(), "the words"),
    "own": setting(False, yes(), "yes: the person's own sentence takes the text's place"),
}

KINDS: tuple[Kind, ...] = (
    Kind(
        name="ablations",
        help="how much worse a text is foreseen with each head off in turn, or with all others of its layer off",
        settings=_view_settings()
        | {
            "of": setting("one", choice(("one", "others")), "which heads are off at first"),
            "show": setting((), names(SHOWN), "which parts of the page, in order"),
        },
        facts={
            "base": "the loss with every head on: the mean of −ln p of the text’s tokens, in nats",
            "heads": "how many heads there are",
            "cheap": f"how many can be off alone while the loss grows by less than {CHEAP:g}",
            "worst": "the head whose loss costs most",
            "worst_change": "by how much the loss grows without it",
            "layers": "how many layers there are",
            "cheap_layers": f"in how many of them one head can stay alone while the loss grows by less than {CHEAP:g}",
            "alone": "the head that costs least when it alone stays on in its layer",
            "alone_change": "by how much the loss grows then",
            "whole": "the most that the loss grows when a whole layer’s heads are off",
        },
        needs_run=True,
    ),
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
        name="alike",
        help="different rows of weights that give the same output",
        settings={
            "n": setting(6, whole(2, 9), "how many tokens"),
            "width": setting(2, whole(1, 6), "how many numbers a value has"),
            "amount": setting(0.6, decimal(-1, 1), "how far the second row has moved"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "width": "how many numbers a value has",
            "free": "in how many independent directions the weights can move",
            "change": "the largest difference of a weight",
            "output_change": "the largest difference of the output",
            "possible": "0 where another row gives the same output, 1 where none does",
        },
    ),
    Kind(
        name="angle",
        help="a query and two keys on a plane, and their scores",
        settings={
            "first_length": setting(1.0, number(0, 3), "length of the first key"),
            "first_angle": setting(0.0, decimal(-180, 180), "its angle to the query, in degrees"),
            "second_length": setting(3.0, number(0, 3), "length of the second key"),
            "second_angle": setting(60.0, decimal(-180, 180), "its angle to the query, in degrees"),
        },
        facts={
            "first": "the score of the first key",
            "second": "the score of the second key",
            "first_cosine": "the cosine of the first angle",
            "second_cosine": "the cosine of the second angle",
            "winner": "0 where the first key scores higher, 1 where the second does, 2 where both are equal",
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
        name="averages",
        help="two heads of a model’s run and the average of several",
        settings=_view_settings() | {
            "heads": setting((0, 1), several(2, 0, 999), "the two heads, counted from 0"),
            "of": setting("two", choice(("two", "layer")), "which heads are averaged"),
        },
        facts={
            "most": "the token that the pinned row of the average weighs most",
            "most_weight": "its weight",
            "one_most": "the same of the first head",
            "one_weight": "its weight",
            "other_most": "the same of the second head",
            "other_weight": "its weight",
            "one_left": "what the average leaves of the first head’s largest weight",
            "heads": "how many heads the layer has",
        },
        needs_run=True,
    ),
    Kind(
        name="bias",
        help="a bias on the query, the key or the value of a small head, and what it changes",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
        name="byhand",
        help="two tokens by hand, every number changeable",
        settings={},
        facts={
            "weight": "the first weight of the first row",
            "other": "its second weight",
            "output": "the first number of the first output",
            "second": "its second number",
            "weights": "both weights of the first row",
            "outputs": "both numbers of the first output",
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
        name="change",
        help="a model’s prediction, or the pinned row of a head, without and with changes of the run",
        settings=_view_settings()
        | {
            "of": setting("prediction", choice(("prediction", "row")), "what is compared"),
            "each": setting(("off-0.0",), lists_of_edits(), "the changes to choose from, the first at first"),
            "follow": setting("", free_text(), "the token that facts tell of; none: the likeliest before"),
            "show": setting(("sentence",), names(SHOWN), "which parts of the page, in order, seen before a guess"),
        },
        facts={
            "token": "the token that is followed: a prediction, or a key of the row",
            "before": "its probability, or its weight, as the model runs",
            "after": "the same with the change",
            "change": "by how much it rises, below 0 where it falls",
            "how": f"0 where it moves by less than {SMALL:g}, 1 where it falls by more, 2 where it rises by more",
            "log_change": "the change of its log, in nats",
            "kl": "of a prediction: how far the whole distribution moved, KL(before ‖ after), in nats",
            "top_after": "what has most with the change",
            "top_after_value": "how much it has",
            "what": "the change in words",
            "all": "its numbers with each change to choose from, in words",
            "moves_most": "which change of one edit moves it most, of heads off only those set to 0: its place, from 0",
        },
        needs_run=True,
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
            "text": setting(CAT, free_text(), "the words, where the person has none of their own"),
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
        name="dilution",
        help="one key ahead of all others, among more and more of them",
        settings={
            "gap": setting(5.0, number(0, 12), "by how much it is ahead"),
            "n": setting(10, whole(2, 100_000), "how many tokens"),
        },
        facts={
            "weight": "what it weighs",
            "at_ten": "what it weighs among 10",
            "at_hundred": "among 100",
            "at_thousand": "among 1,000",
            "at_ten_thousand": "among 10,000",
            "needed": "by how much it would have to be ahead to hold half of the row",
        },
    ),
    Kind(
        name="divisors",
        help="the spread of scores after each of four divisions",
        settings={
            "d": setting(512, whole(64, 1024), "d_model"),
            "heads": setting(8, whole(1, 16), "how many heads"),
            "seed": SEED,
        },
        facts={
            "width": "the head's width, d_k",
            "nothing": "the spread without a division",
            "root": "after ÷ √d_k",
            "model_root": "after ÷ √d_model",
            "closest": "which is closest to 1: ÷ 1, √d_k, d_k or √d_model, from 0",
            "error": "how far dividing the query first is from dividing the score",
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
        name="fill",
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
        name="fixed",
        help="one word is exchanged: fixed mixing weights beside those of attention",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
        name="flags",
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
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
    Kind(
        name="head",
        help="one head of a model's run, by the components of the inspect page",
        settings=_view_settings(),
        facts=OF_A_HEAD,
        needs_run=True,
    ),
    Kind(
        name="hull",
        help="four values on a plane, and where their weighted mean lies",
        settings={"seed": SEED},
        facts={
            "within": "0 where the mean lies inside the ground between the values, 1 where it does not",
            "longer": "0 where it is longer than every value, 1 where it is not",
            "length": "the length of the mean",
            "longest": "the length of the longest value",
        },
    ),
    Kind(
        name="interview",
        help="the sixty questions with time to think, answers and marks of one’s own",
        settings={
            "seed": SEED,
        },
        facts={
            "asked": "how many questions there are",
            "known": "how many are marked as known",
        },
    ),
    Kind(
        name="local",
        help="one head of the local layer, made in the browser",
        settings=_local_settings(),
        facts=OF_A_HEAD,
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
        name="maps",
        help="scores and weights of a sentence in a small head, under rules that can be changed",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
            "equal_times": "at about how many the times are, 0 where nowhere; known once measured, as those below",
            "crossed": "the same, unrounded",
            "order": "0 where the times are equal at fewer tokens than the counts, 1 at about as many, 2 at more",
            "said": "both in words",
        },
    ),
    Kind(
        name="minute",
        help="one of four figures for an explanation in a minute, with a clock",
        settings={
            "part": setting("vectors", choice(PARTS), "which of the four"),
            "text": setting(CAT, free_text(), "the words, where the person has none of their own"),
            "seed": SEED,
        },
        facts={
            "top": "the word that the last one weighs most in head 0",
            "top_weight": "its weight",
            "word": "the last word",
            "n": "how many words there are",
        },
    ),
    Kind(
        name="mistakes",
        help="a common bug beside the right layer",
        settings={
            "mistake": setting("axis", choice(BUGS), "the bug to begin with"),
            "text": setting(CAT, free_text(), "the words, where the person has none of their own"),
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
        name="mix",
        help="one row of a small head: weights, values and their weighted mean",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
            "pin": setting("", free_text(), "the word whose row is shown first, its last occurrence"),
            "d": setting(4, whole(1, 8), "how many numbers a token has"),
            "causal": setting(False, yes(), "yes: no token sees a later one"),
            "mask_control": setting(False, yes(), "yes: the mask can be switched"),
            "seed": SEED,
        },
        facts={
            "n": "how many tokens",
            "query": "the token whose row is shown",
            "most": "the token that it weighs most",
            "most_weight": "its weight",
            "self_weight": "what the token gives itself",
            "sum": "what the row sums to",
            "seen": "how many tokens weigh something",
            "unseen": "how many weigh nothing",
            "first_out": "the first number that comes out",
        },
    ),
    Kind(
        name="mixing",
        help="which rows of a deeper layer change when a word is changed",
        settings={
            "layers": setting(1, whole(0, 6), "how many layers"),
            "causal": setting(True, yes(), "whether they are causal"),
            "text": setting(CAT, free_text(), "the words, where the person has none of their own"),
            "seed": SEED,
        },
        facts={
            "n": "how many words there are",
            "reached": "how many rows change with the first word",
            "layers": "how many layers",
            "own": "how much of the last row’s change comes from its own word",
            "first": "the first word",
            "last": "the last word",
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
        name="origins",
        help="one score of a head, of the pinned query and a key, by the parts of the stream that they were made of",
        settings=_view_settings()
        | {
            "side": setting("key", choice(("key", "query")), "whose parts are shown at first"),
            "show": setting(("sentence",), names(SHOWN), "which parts of the page, in order, seen before a guess"),
        },
        facts={
            "score": "the score, after its scale",
            "top": "the part that brings most to it, up or down",
            "top_value": "what it brings",
            "second": "the next",
            "second_value": "what that brings",
            "parts": "how many parts there are",
            "sum": "what all parts bring together",
        },
        needs_run=True,
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
        name="removed",
        help="a token’s weight beside what its removal changes",
        settings={
            "text": setting(CAT, free_text(), "the words, where the person has none of their own"),
            "seed": SEED,
        },
        facts={
            "weight_top": "the token with the largest weight",
            "top_weight": "its weight",
            "effect_top": "the token whose removal changes most",
            "agree": "0 where these are the same, 1 where not",
            "agreeing": "in how many layers of other seeds they are the same",
            "layers": "how many layers were made",
            "often": "0 where they agree nearly always, 1 where in part, 2 where hardly ever",
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
        name="rules",
        help="what the paper, T5 and Gemma 2 make of one q·k, in a head of width 128",
        settings={"product": setting(600.0, number(-1500, 1500), "q·k")},
        facts={
            "product": "q·k",
            "root": "what the paper's rule makes of it, ÷ √128",
            "plain": "T5's, which does not divide",
            "divided": "Gemma 2 27B's before its cap, ÷ √144",
            "capped": "Gemma 2 27B's, capped at 50",
        },
    ),
    Kind(
        name="saturation",
        help="the softmax over random keys as they grow longer, with and without the scale",
        settings={
            "d": setting(64, whole(4, 1024), "d_k: 4, 16, 64, 256 or 1024"),
            "measure": setting("top", choice(("top", "entropy", "slope")), "what is shown"),
            "seed": SEED,
        },
        facts={
            "top": "the mean largest weight without the scale",
            "scaled_top": "the same with it",
            "entropy": "the mean entropy without the scale, in nats",
            "scaled_entropy": "the same with it",
            "slope": "the mean answer to a change of the scores without the scale",
            "scaled_slope": "the same with it",
            "first_top": "the mean largest weight at d_k = 4, without the scale",
            "last_top": "the same at d_k = 1024",
            "last_scaled_top": "the same with the scale",
            "trend": "whether the largest weight grows (0), shrinks (1) or stays (2) as d_k grows, without the scale",
            "scaled_trend": "the same with it",
            "uniform": "the entropy of even weights",
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
        name="slope",
        help="how much weights move when a score does",
        settings={"score": setting(0.5, decimal(-8, 8), "the first score")},
        facts={
            "weight": "the first weight",
            "own": "how much it moves with its own score",
            "cross": "how much it moves with the second score",
            "steepest": "at which of the weights 0.1, 0.5 and 0.9 the slope is largest, from 0",
            "at_tenth": "the slope at 0.1",
            "at_half": "the slope at 0.5",
        },
    ),
    Kind(
        name="softmax",
        help="scores that can be typed, and every step to their weights",
        settings={
            "scores": setting((2.0, 1.0, -1.0), numbers(-1_000_000, 1_000_000), "the scores at first"),
            "temperature": setting(1.0, number(0.1, 10), "what they are divided by"),
            "shift": setting(0, whole(0, 10_000), "what is added to every score: 0 or a power of 10"),
            "sink": setting(False, yes(), "yes: one more score of 0 takes its share"),
            "controls": setting((), names(("temperature", "shift", "sink")), "what can be changed beside the scores"),
            "rows": setting(
                ("score", "lowered", "exp", "weight"),
                names(("score", "tempered", "lowered", "exp", "plain", "naive", "weight")),
                "which steps are shown",
            ),
            "says": setting("steps", choice(("steps", "temperature", "shift", "sink")), "what the sentence is about"),
        },
        facts={
            "top": "the largest weight",
            "top_name": "whose it is",
            "gap": "by how much its score is ahead of the next",
            "ratio": "how many times the next weight it is",
            "total": "what the tokens' weights sum to",
            "nothing": "what goes to the score of 0",
            "entropy": "the entropy, in nats",
            "top_at_one": "the largest weight at a temperature of 1",
            "against_one": "whether the row is flatter (0) than at a temperature of 1, sharper (1), or the same (2)",
            "first": "the first weight",
            "plain_first": "the first score divided by the sum of all",
            "plain_fits": "0 where scores divided by their sum lie between 0 and 1, 1 where they do not",
            "naive_fails": "0 where float32 gives numbers without taking the largest away, 1 where it gives NaN",
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
        name="strips",
        help="the tokens of a sentence as vectors",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
    Kind(
        name="variance",
        help="the spread of scores of random queries and keys as they grow longer",
        settings={
            "d": setting(64, whole(4, 1024), "d_k: 4, 16, 64, 256 or 1024"),
            "mean": setting(0.0, decimal(-2, 2), "the mean of every number"),
            "mean_control": setting(False, yes(), "yes: the mean can be changed"),
            "seed": SEED,
        },
        facts={
            "d": "d_k",
            "std": "the measured standard deviation of q·k",
            "expected": "the expected one",
            "scaled": "the measured one after ÷ √d_k",
            "root": "√d_k",
            "mean": "the measured mean of q·k",
            "expected_mean": "the expected mean",
            "ends": "the spread at d_k = 1024 divided by that at 4",
        },
    ),
    Kind(
        name="views",
        help="one token's vector and its query, key and value",
        settings={
            "text": setting("The cat sat on the mat", free_text(), "the sentence"),
            "own": OWN_TEXT,
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
