"""Runs of a model, and the local layer, by the components of the inspect page."""

from __future__ import annotations

from attention.lessons.changes import lists_of_edits
from attention.lessons.kinds.record import Kind, Setting, setting
from attention.lessons.kinds.shared import OWN_TEXT
from attention.lessons.kinds.sorts import names, several, whole, yes
from attention.table import choice, defaults, free_text, keys, number, rows
from attention.view import View

SHOWN = ("sentence", "figures", "arithmetic", "heads", "links", "dimensions")
# What needs no more than a run that was made in the browser.
SHOWN_LOCAL = ("sentence", "figures", "arithmetic", "links")
# Settings of a state's figure that are no field of a view.
OWN = ("own", "pin", "show", "heads", "of", "each", "follow", "side")
# A loss that grows by less than this, in nats a token, and a probability or weight that moves by less than that, have
# hardly moved; `static/lesson/figures/ablations.js` and `change.js` have them too.
CHEAP, SMALL = 0.2, 0.1
PIN = setting("", free_text(), "the word that is pinned, its last occurrence")
# Of a figure whose result is no part of the page.
BEFORE_A_GUESS = setting(("sentence",), names(SHOWN), "which parts of the page, in order, seen before a guess")
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


def view_settings() -> dict[str, Setting]:
    """The keys of a link, with what is a figure's own beside them."""
    of = {
        keys(View)[name]: setting(defaults(View)[name], row.sort, row.help) for name, row in rows(View).items()
    }
    return of | {
        "own": OWN_TEXT,
        "pin": PIN,
        "show": setting(("sentence", "figures"), names(SHOWN), "which parts of the page, in order"),
    }


def local_settings() -> dict[str, Setting]:
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
        "own": OWN_TEXT,
        "pin": PIN,
        "show": setting(("sentence", "figures"), names(SHOWN_LOCAL), "which parts of the page, in order"),
        "text": setting("The cat sat on the mat.", free_text(), "the sentence"),
    }


KINDS: tuple[Kind, ...] = (
    Kind(
        name="ablations",
        help="how much worse a text is foreseen with each head off in turn, or with all others of its layer off",
        settings=view_settings()
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
        name="averages",
        help="two heads of a model’s run and the average of several",
        settings=view_settings()
        | {
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
        name="change",
        help="a model’s prediction, or the pinned row of a head, without and with changes of the run",
        settings=view_settings()
        | {
            "of": setting("prediction", choice(("prediction", "row")), "what is compared"),
            "each": setting(("off-0.0",), lists_of_edits(), "the changes to choose from, the first at first"),
            "follow": setting("", free_text(), "the token that facts tell of; none: the likeliest before"),
            "show": BEFORE_A_GUESS,
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
        name="head",
        help="one head of a model's run, by the components of the inspect page",
        settings=view_settings(),
        facts=OF_A_HEAD,
        needs_run=True,
    ),
    Kind(
        name="local",
        help="one head of the local layer, made in the browser",
        settings=local_settings(),
        facts=OF_A_HEAD,
    ),
    Kind(
        name="origins",
        help="one score of a head, of the pinned query and a key, by the parts of the stream that they were made of",
        settings=view_settings()
        | {
            "side": setting("key", choice(("key", "query")), "whose parts are shown at first"),
            "show": BEFORE_A_GUESS,
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
)
