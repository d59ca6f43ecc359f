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
        name="head",
        help="one head of a model's run, by the components of the inspect page",
        settings=_view_settings(),
        facts=OF_A_HEAD,
        needs_run=True,
    ),
    Kind(
        name="local",
        help="one head of the local layer, made in the browser",
        settings=_local_settings(),
        facts=OF_A_HEAD,
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
