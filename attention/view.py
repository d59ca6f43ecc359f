"""View: everything that the inspect page shows, as one frozen value, and its form as a link.

`parse` reads a query string and never fails: a value that makes no sense falls back to its default, with a notice in
plain words. `to_query` writes what `parse` reads back unchanged. `fit` moves a view to a place that a trace really
has. Notices and labels are plain text, never markup: they may quote what a stranger put into a link, so they are
drawn literally. Keys that are not in PARAMETERS are ignored in silence: links collect campaign tags, and Streamlit
has keys of its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from attention.config import Limits
from attention.errors import InputError

Weights = Literal["weights", "norms", "difference"]
Values = Literal["output", "contribution"]

VERSION = "1"
DEFAULT_MODEL = "storyteller"
# The first sample of the catalogue; a test holds the two together.
DEFAULT_TEXT = "The cat sat on the mat because it was tired."
KINDS = ("encoder", "decoder", "cross")
STAGES = ("scores", "scaled", "softcapped", "biased", "masked")
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
VALUES: tuple[Values, ...] = get_args(Values)
STAGE_LABELS = {"scores": "Q·K", "scaled": "× scale", "softcapped": "softcap", "biased": "+ bias", "masked": "masked"}
WEIGHTS_LABELS = {"weights": "softmax", "norms": "‖a·f(x)‖", "difference": "difference"}
VALUES_LABELS = {"output": "output", "contribution": "after W_O"}
KIND_LABELS = {"encoder": "encoder", "decoder": "decoder", "cross": "cross-attention"}
MAX_MODEL = 300
# Far beyond any model, and small enough that no arithmetic on it surprises.
MAX_INDEX = 999_999_999
SHOWN = 40
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UNSENDABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the inspect page shows. Two equal views show the same picture.

    model: bundled name, hub id (`id@revision` pins one) or folder. pair: the second text, "" for none. kind: "" means
    the trace's own default. layer, head and query count from 0; query is the pinned token, None lets the page choose.
    stage: which of STAGES the scores panel shows. weights: the softmax's, what they bring as shares of each row, or the
    difference. values: the head's output, or its contribution after W_O. chat: whether the text enters as a message in
    the model's own chat template.
    NUL and lone surrogates, which no browser can carry, become U+FFFD. Raises InputError for values outside these.
    """

    model: str = DEFAULT_MODEL
    text: str = DEFAULT_TEXT
    pair: str = ""
    kind: str = ""
    layer: int = 0
    head: int = 0
    query: int | None = None
    stage: str = "masked"
    weights: Weights = "weights"
    values: Values = "output"
    ids: bool = False
    chat: bool = False

    def __post_init__(self) -> None:
        for name in ("model", "text", "pair"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        _demand(bool(self.model.strip()) and len(self.model) <= MAX_MODEL, "model", f"1 to {MAX_MODEL} characters")
        _demand(self.kind in ("", *KINDS), "kind", _or(KINDS))
        _demand(self.stage in STAGES, "stage", _or(STAGES))
        _demand(self.weights in WEIGHTS, "weights", _or(WEIGHTS))
        _demand(self.values in VALUES, "values", _or(VALUES))
        for name in ("layer", "head", "query"):
            number = getattr(self, name)
            absent = number is None and name == "query"
            fine = absent or (isinstance(number, int) and 0 <= number <= MAX_INDEX)
            _demand(fine, name, f"a whole number from 0 to {MAX_INDEX}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One attention operation of a trace, seen from outside: how far head, query and stage can go there."""

    kind: str
    layer: int
    n_heads: int
    n_queries: int
    stages: tuple[str, ...]


def clean(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD, so that it can stand in a link."""
    return UNSENDABLE.sub(REPLACEMENT, text)


def show(text: str, longest: int = SHOWN) -> str:
    """A stranger's text as part of a sentence: quoted, shortened, with invisible characters written out."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return "“" + "".join(_visible(character) for character in short) + "”"


def change(view: View, **changes: Any) -> View:
    """The view with some fields changed, and what no longer means anything reset.

    Another model starts at its first head and without a second text, which few models take; another text, pair or
    kind drops the pinned token.
    """
    different = {name for name, value in changes.items() if value != getattr(view, name)}
    resets: dict[str, Any] = {"query": None} if different & {"model", "text", "pair", "kind", "chat"} else {}
    if "model" in different:
        resets |= {"pair": "", "kind": "", "layer": 0, "head": 0, "chat": False}
    return replace(view, **resets | changes)


def label(view: View) -> str:
    """The head's name: “Layer 2, head 5”, with the kind where one is named."""
    kind = f", {KIND_LABELS[view.kind]}" if view.kind else ""
    return f"Layer {view.layer}, head {view.head}{kind}"


def step(view: View, *, layers: Sequence[int], n_heads: int, d_layer: int = 0, d_head: int = 0) -> View:
    """The neighbour that the arrow keys reach: layers skip what has no attention, and the edges hold.

    They don't wrap around: whoever holds a key down comes to rest at the last head, and knows where that is.
    """
    place = list(layers).index(nearest(view.layer, layers))
    layer = layers[_clamp(place + d_layer, len(layers))] if d_layer else view.layer
    head = _clamp(view.head + d_head, n_heads) if d_head else view.head
    return replace(view, layer=layer, head=head)


# Reading and writing links


@dataclass(frozen=True)
class Parameter:
    """One key of a link: what it means, what it accepts, and what stands in for a bad value (all in words).

    read: raw text → the field's value; raises ValueError.
    """

    name: str
    help: str
    accepts: str
    default: str
    read: Callable[[str], Any] = field(repr=False)


def _choice(options: Sequence[str]) -> Callable[[str], str]:
    def read(raw: str) -> str:
        if raw not in options:
            raise ValueError
        return raw

    return read


def _index(raw: str) -> int:
    # Only plain digits: int() also takes "1_0", " 1" and other alphabets, and refuses very long ones its own way.
    if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(MAX_INDEX))):
        raise ValueError
    return int(raw)


def _model(raw: str) -> str:
    if not raw.strip() or len(raw) > MAX_MODEL:
        raise ValueError
    return raw


def _switch(raw: str) -> bool:
    return {"1": True, "0": False}[_choice(("1", "0"))(raw)]


def _or(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


_NUMBER = "a whole number from 0"
_NAME = f"a name of 1 to {MAX_MODEL} characters"
PARAMETERS = (
    Parameter("v", "version of the link", VERSION, VERSION, _choice((VERSION,))),
    Parameter("model", "bundled name, hub id (id@revision pins one) or local folder", _NAME, DEFAULT_MODEL, _model),
    Parameter("text", "the sentence", "a text", "the first sample", str),
    Parameter("pair", "the second text: a decoder's own, or sentence B", "a text", "no second text", str),
    Parameter("kind", "which attention, where a model has several", _or(KINDS), "the usual one", _choice(("", *KINDS))),
    Parameter("layer", "the layer, counted from 0", _NUMBER, "0", _index),
    Parameter("head", "the head, counted from 0", _NUMBER, "0", _index),
    Parameter("query", "the pinned token, counted from 0", _NUMBER, "the page's choice", _index),
    Parameter("stage", "which step of the scores is shown", _or(STAGES), "masked", _choice(STAGES)),
    Parameter(
        "weights", "the softmax weights, the size of what they bring, or the difference", _or(WEIGHTS), "weights",
        _choice(WEIGHTS),
    ),
    Parameter("values", "the head's output, or its contribution after W_O", _or(VALUES), "output", _choice(VALUES)),
    Parameter("ids", "1 shows the tokens' ids", "0 or 1", "0", _switch),
    Parameter("chat", "1 puts the text into the model's chat template", "0 or 1", "0", _switch),
)
_ALWAYS = ("model", "text")


def parse(
    query: Mapping[str, str | list[str]], *, max_characters: int = Limits().max_characters
) -> tuple[View, tuple[str, ...]]:
    """A link's parameters → (view, notices). Total: whatever stands in the link, there is a view."""
    fields: dict[str, Any] = {}
    notices: list[str] = []
    for parameter in PARAMETERS:
        raw = _single(parameter, query.get(parameter.name, []), notices)
        if raw is not None:
            _read(parameter, raw, max_characters, fields, notices)
    fields.pop("v", None)
    return View(**fields), tuple(notices)


def to_query(view: View) -> dict[str, str]:
    """The view as link parameters: the version, model and text always, the rest where it differs from the default."""
    default = View()
    written = {
        name: str(int(value) if isinstance(value, bool) else value)
        for name, value in ((p.name, getattr(view, p.name)) for p in PARAMETERS if p.name != "v")
        if name in _ALWAYS or value != getattr(default, name)
    }
    return {"v": VERSION, **written}


def _single(parameter: Parameter, given: str | list[str], notices: list[str]) -> str | None:
    """The one value of a key; of several the last counts, as in Streamlit itself."""
    several = [given] if isinstance(given, str) else given
    if len(set(several)) > 1:
        notices.append(f"The link names {parameter.name} {len(several)} times; the last one counts.")
    return several[-1] if several else None


def _read(parameter: Parameter, raw: str, longest: int, fields: dict[str, Any], notices: list[str]) -> None:
    try:
        value = parameter.read(raw)
    except ValueError:
        notices.append(_refusal(parameter, raw))
        return
    if parameter.name in ("text", "pair") and len(value) > longest:
        notices.append(
            f"The link's {parameter.name} has {len(value):,} characters; at most {longest:,} are read here. "
            f"Shown instead: {parameter.default}."
        )
        return
    if UNSENDABLE.search(raw):
        notices.append(f"The link's {parameter.name} holds broken characters; each became “{REPLACEMENT}”.")
    fields[parameter.name] = value


def _refusal(parameter: Parameter, raw: str) -> str:
    if parameter.name == "v":
        return f"The link is of version {show(raw)}, this page reads version {VERSION}: what it knows of it is shown."
    return (
        f"The link's {parameter.name} is {show(raw)}; it must be {parameter.accepts}. "
        f"Shown instead: {parameter.default}."
    )


# Fitting a view to a trace


def fit(view: View, *, places: Sequence[Place], default_kind: str) -> tuple[View, tuple[str, ...]]:
    """The nearest view that a trace with these places has, and a notice for each thing that had to move.

    places: one for each kind and layer, at least one. A kind that the trace lacks becomes its default; a layer the
    nearest one that has attention; head and query the last one; a stage that is not computed there the last stage
    before it.
    """
    notices: list[str] = []
    kinds = list(dict.fromkeys(place.kind for place in places))
    kind = view.kind
    if kind and kind not in kinds:
        notices.append(f"This model has no {kind} attention, only {_list(kinds)}. Shown instead: {default_kind}.")
        kind = ""
    here = [place for place in places if place.kind == (kind or default_kind)]
    place = next(p for p in here if p.layer == nearest(view.layer, [p.layer for p in here]))
    if place.layer != view.layer:
        notices.append(f"This model has no layer {view.layer} with attention. Shown instead: layer {place.layer}.")
    head = _last(view.head, place.n_heads, "head", f"Layer {place.layer}", notices)
    query = None if view.query is None else _last(view.query, place.n_queries, "token", "This text", notices)
    stage = _stage(view.stage, place.stages, notices)
    return replace(view, kind=kind, layer=place.layer, head=head, query=query, stage=stage), tuple(notices)


def nearest(number: int, there: Sequence[int]) -> int:
    """The closest of the numbers that are there; of two equally close ones the lower."""
    return min(there, key=lambda one: (abs(one - number), one))


def _last(number: int, count: int, what: str, where: str, notices: list[str]) -> int:
    if number < count:
        return number
    has = f"{what}s 0 to {count - 1}" if count > 1 else f"only {what} 0"
    notices.append(f"{where} has {has}, not {what} {number}. Shown instead: {what} {count - 1}.")
    return count - 1


def _stage(wanted: str, stages: Sequence[str], notices: list[str]) -> str:
    known = [stage for stage in STAGES if stage in stages]
    if wanted in known or not known:
        # Where no stage is known at all, the panel itself says so.
        return wanted
    before = [stage for stage in known if STAGES.index(stage) < STAGES.index(wanted)]
    found = before[-1] if before else known[0]
    notices.append(f"This model's scores have no step {STAGE_LABELS[wanted]}. Shown instead: {STAGE_LABELS[found]}.")
    return found


def _visible(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"


def _clamp(number: int, count: int) -> int:
    return max(0, min(number, count - 1))


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _demand(holds: bool, name: str, allowed: str) -> None:
    if not holds:
        raise InputError(f"A view's {name} must be {allowed}.")
