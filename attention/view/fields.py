"""View: the frozen value, what each of its fields may be, and how one view becomes another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from attention.errors import InputError

Weights = Literal["weights", "norms", "difference"]
Values = Literal["output", "contribution"]
Together = Literal["mean", "sum"]
Rest = Literal["left", "shared"]
Ground = Literal["text", "stored"]
Lens = Literal["links", "dimensions", "averages", "rollout", "words"]
Over = Literal["heads", "layers", "all"]
Box = tuple[int, int, int, int]

VERSION = "1"
DEFAULT_MODEL = "storyteller"
# The first sample of the catalogue; a test holds the two together.
DEFAULT_TEXT = "The cat sat on the mat because it was tired."
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
    "uniform", "distance", "previous token", "next token", "first token", "separator", "punctuation", "self",
    "duplicate token", "induction", "copying", "local window",
)  # fmt: skip
MEASURES = (*PICTURES, *NUMBERS)
GROUNDS: tuple[Ground, ...] = get_args(Ground)
LENSES: tuple[Lens, ...] = get_args(Lens)
OVER: tuple[Over, ...] = get_args(Over)
STAGE_LABELS = {"scores": "Q·K", "scaled": "× scale", "softcapped": "softcap", "biased": "+ bias", "masked": "masked"}
WEIGHTS_LABELS = {"weights": "softmax", "norms": "‖a·f(x)‖", "difference": "difference"}
VALUES_LABELS = {"output": "output", "contribution": "after W_O"}
KIND_LABELS = {"encoder": "encoder", "decoder": "decoder", "cross": "cross-attention"}
MAX_MODEL = 300
# Far beyond any model, and small enough that no arithmetic on it surprises.
MAX_INDEX = 999_999_999
# More pinned tokens, or heads in one drawing of links, than a person can tell apart.
MAX_PINS, MAX_BESIDE = 32, 7
COLDEST, HOTTEST = 0.05, 20.0
PINS_IN_WORDS = f"at most {MAX_PINS} different tokens, as in 3,5"
BESIDE_IN_WORDS = f"at most {MAX_BESIDE} different heads, as layer.head: 0.1,2.3"
BOX_IN_WORDS = "first to last query, first to last key: 0-63,0-63"
CHOICES: dict[str, Sequence[str]] = {
    "kind": ("", *KINDS), "stage": STAGES, "weights": WEIGHTS, "values": VALUES, "together": TOGETHER, "rest": REST,
    "measure": MEASURES, "ground": GROUNDS, "lens": LENSES, "over": OVER,
}  # fmt: skip
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UNSENDABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the inspect page shows. Two equal views show the same picture.

    model: bundled name, hub id (`id@revision` pins one) or folder. text: the sentence. pair: the second text, "" for
    none. kind: "" means the trace's own default. layer and head: from 0. query: the pinned token, from 0; None lets the
    page choose. also: further pinned tokens, whose rows are averaged or summed. together: which of the two. key: the
    token looked at in the products by dimension. stage: which of STAGES the scores panel shows. weights: the softmax's,
    what they bring as shares of each row, or the difference. values: the head's output, or its contribution after W_O.

    temperature: what the scores are divided by, beyond what the model itself does. hide: which keys are left out, any
    of HIDE; rest: whether the others keep their weights or share the row. zoom: (first query, last, first key, last) of
    the part that the maps show, or None for all of it.

    measure: what the map of all heads shows, one of MEASURES. sort: whether in falling order. ground: whether a pattern
    was counted on this text or on stored ones. lens: the view below. beside: more (layer, head) in the links. least:
    the smallest weight that is drawn there. top: the most lines a token, 0 for no limit. over: what is averaged.

    ids: whether the tokens' ids are shown. chat: whether the text enters as a message in the model's own chat template.

    NUL and lone surrogates, which no browser can carry, become U+FFFD. Raises InputError for values outside these.
    """

    model: str = DEFAULT_MODEL
    text: str = DEFAULT_TEXT
    pair: str = ""
    kind: str = ""
    layer: int = 0
    head: int = 0
    query: int | None = None
    also: tuple[int, ...] = ()
    together: Together = "mean"
    key: int | None = None
    stage: str = "masked"
    weights: Weights = "weights"
    values: Values = "output"
    temperature: float = 1.0
    hide: tuple[str, ...] = ()
    rest: Rest = "left"
    zoom: Box | None = None
    measure: str = "weights"
    sort: bool = False
    ground: Ground = "text"
    lens: Lens = "links"
    beside: tuple[tuple[int, int], ...] = ()
    least: float = 0.0
    top: int = 0
    over: Over = "heads"
    ids: bool = False
    chat: bool = False

    def __post_init__(self) -> None:
        for name in ("model", "text", "pair"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        _demand(bool(self.model.strip()) and len(self.model) <= MAX_MODEL, "model", f"1 to {MAX_MODEL} characters")
        for name, options in CHOICES.items():
            _demand(getattr(self, name) in options, name, listed(options))
        for name in ("layer", "head", "query", "key", "top"):
            number = getattr(self, name)
            absent = number is None and name in ("query", "key")
            _demand(absent or is_index(number), name, f"a whole number from 0 to {MAX_INDEX}")
        _demand(_in_order(self.hide, HIDE), "hide", f"some of {', '.join(HIDE)}, in this order")
        _demand(COLDEST <= self.temperature <= HOTTEST, "temperature", f"{COLDEST} to {HOTTEST:g}")
        _demand(0 <= self.least <= 1, "least", "0 to 1")
        _demand(are_different(self.also, MAX_PINS) and all(map(is_index, self.also)), "also", PINS_IN_WORDS)
        pairs = all(len(place) == 2 and all(map(is_index, place)) for place in self.beside)
        _demand(pairs and are_different(self.beside, MAX_BESIDE), "beside", BESIDE_IN_WORDS)
        _demand(self.zoom is None or is_box(self.zoom), "zoom", BOX_IN_WORDS)


def clean(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD, so that it can stand in a link."""
    return UNSENDABLE.sub(REPLACEMENT, text)


def change(view: View, **changes: Any) -> View:
    """The view with some fields changed, and what no longer means anything reset.

    Another model starts at its first head, as it runs by itself, and without a second text, which few models take;
    another text, pair or kind drops the pinned token.
    """
    different = {name for name, value in changes.items() if value != getattr(view, name)}
    tokens: dict[str, Any] = {"query": None, "also": (), "key": None, "zoom": None}
    resets = dict(tokens) if different & {"model", "text", "pair", "kind", "chat"} else {}
    if different & {"model", "kind"}:
        resets |= {"beside": ()}
    if "model" in different:
        resets |= {"pair": "", "kind": "", "layer": 0, "head": 0, "chat": False, "temperature": 1.0, "hide": ()}
    return replace(view, **resets | changes)


def label(view: View) -> str:
    """The head's name: “Layer 2, head 5”, with the kind where one is named."""
    kind = f", {KIND_LABELS[view.kind]}" if view.kind else ""
    return f"Layer {view.layer}, head {view.head}{kind}"


def listed(options: Sequence[str]) -> str:
    """“a, b or c”: what a field may be, in words."""
    return f"{', '.join(options[:-1])} or {options[-1]}"


def is_index(number: object) -> bool:
    """Whether it can count tokens, heads or layers."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_INDEX


def is_box(box: Sequence[object]) -> bool:
    """Whether it is (first query, last, first key, last)."""
    return len(box) == 4 and all(map(is_index, box)) and box[0] <= box[1] and box[2] <= box[3]  # type: ignore[operator]


def _in_order(some: Sequence[str], options: Sequence[str]) -> bool:
    return tuple(some) == tuple(option for option in options if option in some)


def are_different(found: Sequence[object], most: int) -> bool:
    """Whether there are at most so many, and none twice."""
    return len(found) <= most and len(set(found)) == len(found)


def _demand(holds: bool, name: str, allowed: str) -> None:
    if not holds:
        raise InputError(f"A view's {name} must be {allowed}.")
