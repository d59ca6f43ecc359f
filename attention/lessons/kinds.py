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
# What needs no more than a run that was made in the browser.
SHOWN_LOCAL = ("sentence", "figures", "arithmetic", "links")
# Settings of a state's figure that are no field of a view.
OWN = ("own", "pin", "show", "heads", "of")
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


KINDS: tuple[Kind, ...] = (
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
        name="byhand",
        help="two tokens by hand, every number changeable",
        settings={},
        facts={
            "weight": "the first weight of the first row",
            "other": "its second weight",
            "output": "the first number of the first output",
            "second": "its second number",
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
