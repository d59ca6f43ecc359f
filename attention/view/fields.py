"""View: the frozen value, what each of its fields may be, and how one view becomes another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from attention.edits import without_tokens
from attention.layer_settings import COLDEST, HOTTEST
from attention.prompt import Prompt
from attention.table import Box, box, changed, choice, index, indices, number, places, row, some, switch

Weights = Literal["weights", "norms", "difference"]
Values = Literal["output", "contribution"]
Together = Literal["mean", "sum"]
Rest = Literal["left", "shared"]
CountedOn = Literal["text", "stored"]
Details = Literal["links", "dimensions", "averages", "rollout", "words", "matters", "writes", "why", "patch"]
Over = Literal["heads", "layers", "all"]
SwitchedOff = Literal["zero", "mean", "running", "first"]

KINDS = ("encoder", "decoder", "cross")
STAGES = ("scores", "scaled", "softcapped", "biased", "masked")
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
VALUES: tuple[Values, ...] = get_args(Values)
TOGETHER: tuple[Together, ...] = get_args(Together)
HIDE = ("special", "first", "sink")
REST: tuple[Rest, ...] = get_args(Rest)
PICTURES = ("weights", "scores", "norms")
# Those of the numbers that are patterns bear the names of `analysis.named`; a test holds the two together.
NUMBERS = (
    "changed", "uniform", "distance", "previous token", "next token", "first token", "separator", "punctuation", "self",
    "duplicate token", "induction", "copying", "local window",
)  # fmt: skip
MEASURES = (*PICTURES, *NUMBERS)
COUNTED_ON: tuple[CountedOn, ...] = get_args(CountedOn)
DETAILS: tuple[Details, ...] = get_args(Details)
OVER: tuple[Over, ...] = get_args(Over)
SWITCHED_OFF: tuple[SwitchedOff, ...] = get_args(SwitchedOff)
STAGE_LABELS = {"scores": "Q·K", "scaled": "× scale", "softcapped": "softcap", "biased": "+ bias", "masked": "masked"}
WEIGHTS_LABELS = {"weights": "softmax", "norms": "‖a·f(x)‖", "difference": "difference"}
VALUES_LABELS = {"output": "output", "contribution": "after W_O"}
KIND_LABELS = {"encoder": "encoder", "decoder": "decoder", "cross": "cross-attention"}
# More pinned tokens, or heads in one drawing of links, than a person can tell apart.
MAX_PINS, MAX_BESIDE = 32, 7


@dataclass(frozen=True, kw_only=True)
class View(Prompt):
    """What the inspect page shows: a prompt, and what of its run is looked at. Two equal views show the same picture.

    model: bundled name, hub id (`id@revision` pins one) or folder. text: the sentence. pair: the second text, "" for
    none. chat: whether the text enters as a message in the model's own chat template.

    kind: "" means the trace's own default. layer and head: from 0. query: the pinned token, from 0; None lets the
    page choose. also: further pinned tokens, whose rows are averaged or summed. together: which of the two. key: the
    token looked at in the products by dimension. stage: which of STAGES the scores panel shows. weights: the softmax's,
    what they bring as shares of each row, or the difference. values: the head's output, or its contribution after W_O.

    temperature: what the scores are divided by, beyond what the model itself does. hide: which keys are left out, any
    of HIDE; rest: whether the others keep their weights or share the row. zoom: (first query, last, first key, last) of
    the part that the maps show, or None for all of it.

    measure: what the map of all heads shows, one of MEASURES. sort: whether in falling order. counted_on: whether a
    pattern was counted on this text or on stored ones. details: which view stands below the panels. beside: more
    (layer, head) in the links. least: the smallest weight that is drawn there. top: the most lines a token, 0 for no
    limit. over: what is averaged.

    ids: whether the tokens' ids are shown. target, distractor: ids of the predicted token that a change is told of, and
    of one that it is compared with; None for the likeliest, and for none. switched_off: how each head is switched off
    in turn; frozen: whether later heads then keep what they put out.

    NUL and lone surrogates, which no browser can carry, become U+FFFD. Raises InputError for values outside these.
    """

    kind: str = row(
        "", choice(KINDS, absent=True), "which attention, where a model has several", "the usual one",
        is_step=True, within="model",
    )  # fmt: skip
    layer: int = row(
        0, index(), "the layer, counted from 0", is_step=True, by_browser=True, within="model", about_run=True
    )
    head: int = row(
        0, index(), "the head, counted from 0", is_step=True, by_browser=True, within="model", about_run=True
    )
    query: int | None = row(
        None, index(absent=True), "the pinned token, counted from 0", "the page's choice",
        by_browser=True, within="run", about_run=True, in_tiles=True,
    )  # fmt: skip
    also: tuple[int, ...] = row(
        (), indices(MAX_PINS, "tokens", "3,5"), "further pinned tokens", "none",
        by_browser=True, within="run", about_run=True, in_tiles=True,
    )  # fmt: skip
    together: Together = row("mean", choice(TOGETHER), "whether their rows are averaged or summed", by_browser=True)
    key: int | None = row(
        None, index(absent=True), "the token looked at, in the products by dimension", "the largest weight's",
        by_browser=True, within="run", about_run=True,
    )  # fmt: skip
    stage: str = row("masked", choice(STAGES), "which step of the scores is shown", by_browser=True, in_tiles=True)
    weights: Weights = row(
        "weights", choice(WEIGHTS), "the softmax weights, the size of what they bring, or the difference",
        by_browser=True, in_tiles=True,
    )  # fmt: skip
    values: Values = row(
        "output", choice(VALUES), "the head's output, or its contribution after W_O", by_browser=True, in_tiles=True
    )
    temperature: float = row(
        1.0, number(COLDEST, HOTTEST), "what the scores are divided by, beyond the model's own",
        by_browser=True, within="model",
    )  # fmt: skip
    hide: tuple[str, ...] = row(
        (), some(HIDE), "which tokens are left out of the weights", "none", by_browser=True, within="model"
    )
    rest: Rest = row("left", choice(REST), "the others keep their weights, or share the row", by_browser=True)
    zoom: Box | None = row(
        None, box(), "the part that the maps show", "all of it",
        by_browser=True, within="run", about_run=True, in_tiles=True,
    )  # fmt: skip
    measure: str = row("weights", choice(MEASURES), "what the map of all heads shows", by_browser=True)
    sort: bool = row(False, switch(), "1 puts the heads in falling order", by_browser=True)
    counted_on: CountedOn = row(
        "text", choice(COUNTED_ON), "where a pattern was counted", key="ground", by_browser=True
    )
    details: Details = row("links", choice(DETAILS), "the view below", key="lens")
    beside: tuple[tuple[int, int], ...] = row(
        (), places(MAX_BESIDE, "heads", "0.1,2.3"), "more heads in the links", "none",
        by_browser=True, within="kind", about_run=True,
    )  # fmt: skip
    least: float = row(0.0, number(0, 1), "the smallest weight that gets a line", by_browser=True)
    top: int = row(0, index(), "the most lines a token, 0 for all", by_browser=True)
    over: Over = row("heads", choice(OVER), "what is averaged")
    ids: bool = row(False, switch(), "1 shows the tokens' ids", by_browser=True)
    target: int | None = row(
        None, index(absent=True), "the id of the predicted token that changes are told of", "the likeliest",
        by_browser=True, within="run", about_run=True,
    )  # fmt: skip
    distractor: int | None = row(
        None, index(absent=True), "the id of the token that it is compared with", "the next likeliest, or none",
        by_browser=True, within="run", about_run=True,
    )  # fmt: skip
    switched_off: SwitchedOff = row("zero", choice(SWITCHED_OFF), "how each head is switched off in turn", key="off")
    frozen: bool = row(False, switch(), "1 keeps what later heads put out")


def change(view: View, **changes: Any) -> View:
    """The view with some fields changed, and what no longer means anything reset, as the rows of the table say.

    Another model starts at its first head, as it runs by itself, and without a second text, which few models take;
    another text, pair or kind drops the pinned token, and edits that name tokens.
    """
    made = changed(view, **changes)
    same = all(getattr(made, name) == getattr(view, name) for name in ("text", "pair", "chat"))
    return made if same or "edits" in changes else replace(made, edits=without_tokens(made.edits))


def label(view: View) -> str:
    """The head's name: “Layer 2, head 5”, with the kind where one is named."""
    kind = f", {KIND_LABELS[view.kind]}" if view.kind else ""
    return f"Layer {view.layer}, head {view.head}{kind}"
