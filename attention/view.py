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
MAX_WRITTEN = 2_000
DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,25})?(e-[0-9]{1,3})?", re.ASCII)
SHOWN = 40
CHOICES: dict[str, Sequence[str]] = {
    "kind": ("", *KINDS), "stage": STAGES, "weights": WEIGHTS, "values": VALUES, "together": TOGETHER, "rest": REST,
    "measure": MEASURES, "ground": GROUNDS, "lens": LENSES, "over": OVER,
}  # fmt: skip
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UNSENDABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the inspect page shows. Two equal views show the same picture.

    model: bundled name, hub id (`id@revision` pins one) or folder. pair: the second text, "" for none. kind: "" means
    the trace's own default. layer, head and query count from 0; query is the pinned token, None lets the page choose.
    also: further pinned tokens, whose rows are averaged or summed (`together`) with the first. key: the token looked at
    in the products by dimension. stage: which of STAGES the scores panel shows. weights: the softmax's, what they bring
    as shares of each row, or the difference. values: the head's output, or its contribution after W_O.

    temperature: what the scores are divided by, beyond what the model itself does. hide: which keys are left out, any
    of HIDE; rest: whether the others keep their weights or share the row. zoom: (first query, last, first key, last) of
    the part that the maps show, or None for all of it.

    measure: what the map of all heads shows, one of MEASURES; sort: in falling order; ground: whether a pattern was
    counted on this text or on stored ones. lens: the view below. beside: more (layer, head) in the links; least and
    top: the smallest weight, and the most lines a token, that are drawn there (0 for no limit). over: what is averaged.

    chat: whether the text enters as a message in the model's own chat template.
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
            _demand(getattr(self, name) in options, name, _or(options))
        for name in ("layer", "head", "query", "key", "top"):
            number = getattr(self, name)
            absent = number is None and name in ("query", "key")
            _demand(absent or _is_index(number), name, f"a whole number from 0 to {MAX_INDEX}")
        _demand(_in_order(self.hide, HIDE), "hide", f"some of {', '.join(HIDE)}, in this order")
        _demand(COLDEST <= self.temperature <= HOTTEST, "temperature", f"{COLDEST} to {HOTTEST:g}")
        _demand(0 <= self.least <= 1, "least", "0 to 1")
        _demand(_are_different(self.also, MAX_PINS) and all(map(_is_index, self.also)), "also", _PINS)
        pairs = all(len(place) == 2 and all(map(_is_index, place)) for place in self.beside)
        _demand(pairs and _are_different(self.beside, MAX_BESIDE), "beside", _BESIDE)
        _demand(self.zoom is None or _is_box(self.zoom), "zoom", _BOX)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One attention operation of a trace, seen from outside: how far head, query, key and stage can go there."""

    kind: str
    layer: int
    n_heads: int
    n_queries: int
    n_keys: int
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
    tokens: dict[str, Any] = {"query": None, "also": (), "key": None, "zoom": None}
    resets = dict(tokens) if different & {"model", "text", "pair", "kind", "chat"} else {}
    if different & {"model", "kind"}:
        resets |= {"beside": ()}
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


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(raw: str) -> float:
        if not DECIMAL.fullmatch(raw) or not low <= float(raw) <= high:
            raise ValueError
        return float(raw)

    return read


def _some(options: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(raw: str) -> tuple[str, ...]:
        named = raw.split(",")
        if not set(named) <= set(options):
            raise ValueError
        return tuple(option for option in options if option in named)

    return read


def _indices(raw: str) -> tuple[int, ...]:
    found = tuple(_index(part) for part in _parts(raw, ","))
    if not _are_different(found, MAX_PINS):
        raise ValueError
    return found


def _places(raw: str) -> tuple[tuple[int, int], ...]:
    found = tuple(_pair(part, ".") for part in _parts(raw, ","))
    if not _are_different(found, MAX_BESIDE):
        raise ValueError
    return found


def _box(raw: str) -> Box:
    rows, columns = _two(raw, ",")
    box = (*_pair(rows, "-"), *_pair(columns, "-"))
    if not _is_box(box):
        raise ValueError
    return box


def _pair(raw: str, sign: str) -> tuple[int, int]:
    first, second = _two(raw, sign)
    return _index(first), _index(second)


def _two(raw: str, sign: str) -> tuple[str, str]:
    first, found, second = raw.partition(sign)
    if not found:
        raise ValueError
    return first, second


def _parts(raw: str, sign: str) -> list[str]:
    # A few more than are allowed are enough to refuse them.
    return raw.split(sign, MAX_PINS + 1)


def _written(value: Any) -> str:
    """A field's value as its parameter reads it back."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6g}" if float(f"{value:.6g}") == value else repr(value)
    if isinstance(value, tuple):
        return ",".join(".".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return str(value)


def _written_box(box: Box) -> str:
    return f"{box[0]}-{box[1]},{box[2]}-{box[3]}"


def _or(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


_NUMBER = "a whole number from 0"
_NAME = f"a name of 1 to {MAX_MODEL} characters"
_PINS = f"at most {MAX_PINS} different tokens, as in 3,5"
_BESIDE = f"at most {MAX_BESIDE} different heads, as layer.head: 0.1,2.3"
_BOX = "first to last query, first to last key: 0-63,0-63"
PARAMETERS = (
    Parameter("v", "version of the link", VERSION, VERSION, _choice((VERSION,))),
    Parameter("model", "bundled name, hub id (id@revision pins one) or local folder", _NAME, DEFAULT_MODEL, _model),
    Parameter("text", "the sentence", "a text", "the first sample", str),
    Parameter("pair", "the second text: a decoder's own, or sentence B", "a text", "no second text", str),
    Parameter("kind", "which attention, where a model has several", _or(KINDS), "the usual one", _choice(("", *KINDS))),
    Parameter("layer", "the layer, counted from 0", _NUMBER, "0", _index),
    Parameter("head", "the head, counted from 0", _NUMBER, "0", _index),
    Parameter("query", "the pinned token, counted from 0", _NUMBER, "the page's choice", _index),
    Parameter("also", "further pinned tokens", _PINS, "none", _indices),
    Parameter("together", "whether their rows are averaged or summed", _or(TOGETHER), "mean", _choice(TOGETHER)),
    Parameter("key", "the token looked at, in the products by dimension", _NUMBER, "the largest weight's", _index),
    Parameter("stage", "which step of the scores is shown", _or(STAGES), "masked", _choice(STAGES)),
    Parameter(
        "weights", "the softmax weights, the size of what they bring, or the difference", _or(WEIGHTS), "weights",
        _choice(WEIGHTS),
    ),
    Parameter("values", "the head's output, or its contribution after W_O", _or(VALUES), "output", _choice(VALUES)),
    Parameter(
        "temperature", "what the scores are divided by, beyond the model's own", f"{COLDEST} to {HOTTEST:g}", "1",
        _number(COLDEST, HOTTEST),
    ),
    Parameter("hide", "which tokens are left out of the weights", f"some of {', '.join(HIDE)}", "none", _some(HIDE)),
    Parameter("rest", "the others keep their weights, or share the row", _or(REST), "left", _choice(REST)),
    Parameter("zoom", "the part that the maps show", _BOX, "all of it", _box),
    Parameter("measure", "what the map of all heads shows", _or(MEASURES), "weights", _choice(MEASURES)),
    Parameter("sort", "1 puts the heads in falling order", "0 or 1", "0", _switch),
    Parameter("ground", "where a pattern was counted", _or(GROUNDS), "text", _choice(GROUNDS)),
    Parameter("lens", "the view below", _or(LENSES), "links", _choice(LENSES)),
    Parameter("beside", "more heads in the links", _BESIDE, "none", _places),
    Parameter("least", "the smallest weight that gets a line", "0 to 1", "0", _number(0, 1)),
    Parameter("top", "the most lines a token, 0 for all", _NUMBER, "0", _index),
    Parameter("over", "what is averaged", _or(OVER), "heads", _choice(OVER)),
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
        name: _written_box(value) if name == "zoom" else _written(value)
        for name, value in ((p.name, getattr(view, p.name)) for p in PARAMETERS if p.name != "v")
        if name in _ALWAYS or value != getattr(default, name)
    }
    return {"v": VERSION, **written}


def revised(view: View, written: Mapping[str, object]) -> View:
    """The view with some fields changed, each as a link writes it; "" is the default. What cannot be read stays as it
    was: this comes from a browser, whose own page would not have sent it.
    """
    default, changes = View(), {}
    for parameter in PARAMETERS:
        raw = written.get(parameter.name)
        if parameter.name == "v" or not isinstance(raw, str) or len(raw) > MAX_WRITTEN:
            continue
        try:
            changes[parameter.name] = parameter.read(raw) if raw else getattr(default, parameter.name)
        except ValueError:
            continue
    return change(view, **changes)


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
    found = replace(view, kind=kind, layer=place.layer, head=head, query=query, stage=stage)
    return _fit_further(found, place, here, notices), tuple(notices)


def _fit_further(view: View, place: Place, here: Sequence[Place], notices: list[str]) -> View:
    """What is chosen beside the one head and token: what is not there is left out."""
    there = {one.layer: one.n_heads for one in here}
    also = tuple(token for token in view.also if token < place.n_queries and token != view.query)
    beside = tuple(one for one in view.beside if one[1] < there.get(one[0], 0))
    zoom = view.zoom if view.zoom and view.zoom[1] < place.n_queries and view.zoom[3] < place.n_keys else None
    key = None if view.key is None or view.key >= place.n_keys else view.key
    beyond = any(token >= place.n_queries for token in view.also)
    if beyond or (beside, zoom, key) != (view.beside, view.zoom, view.key):
        notices.append("The link names tokens or heads that are not here; they are left out.")
    return replace(view, also=also, beside=beside, zoom=zoom, key=key)


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


def _is_index(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_INDEX


def _is_box(box: Sequence[object]) -> bool:
    return len(box) == 4 and all(map(_is_index, box)) and box[0] <= box[1] and box[2] <= box[3]  # type: ignore[operator]


def _in_order(some: Sequence[str], options: Sequence[str]) -> bool:
    return tuple(some) == tuple(option for option in options if option in some)


def _are_different(found: Sequence[object], most: int) -> bool:
    return len(found) <= most and len(set(found)) == len(found)


def _demand(holds: bool, name: str, allowed: str) -> None:
    if not holds:
        raise InputError(f"A view's {name} must be {allowed}.")
