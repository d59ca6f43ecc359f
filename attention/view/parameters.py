"""The parameters of a link: what each means, what it accepts, and how its text is read and written."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from attention.view.fields import (
    BESIDE_IN_WORDS,
    BOX_IN_WORDS,
    COLDEST,
    DEFAULT_MODEL,
    GROUNDS,
    HIDE,
    HOTTEST,
    KINDS,
    LENSES,
    MAX_BESIDE,
    MAX_INDEX,
    MAX_MODEL,
    MAX_PINS,
    MEASURES,
    OVER,
    PINS_IN_WORDS,
    REST,
    STAGES,
    TOGETHER,
    VALUES,
    VERSION,
    WEIGHTS,
    Box,
    are_different,
    is_box,
    listed,
)

DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,25})?(e-[0-9]{1,3})?", re.ASCII)


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
    if not are_different(found, MAX_PINS):
        raise ValueError
    return found


def _places(raw: str) -> tuple[tuple[int, int], ...]:
    found = tuple(_pair(part, ".") for part in _parts(raw, ","))
    if not are_different(found, MAX_BESIDE):
        raise ValueError
    return found


def _box(raw: str) -> Box:
    rows, columns = _two(raw, ",")
    box = (*_pair(rows, "-"), *_pair(columns, "-"))
    if not is_box(box):
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


def written(value: Any) -> str:
    """A field's value as its parameter reads it back."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6g}" if float(f"{value:.6g}") == value else repr(value)
    if isinstance(value, tuple):
        return ",".join(".".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return str(value)


def written_box(box: Box) -> str:
    """The same for a zoom."""
    return f"{box[0]}-{box[1]},{box[2]}-{box[3]}"


# Keys of a link that are no field of a view.
VERSION_KEY, PACKED = "v", "packed"
_NUMBER = "a whole number from 0"
_NAME = f"a name of 1 to {MAX_MODEL} characters"
PARAMETERS = (
    Parameter(VERSION_KEY, "version of the link", VERSION, VERSION, _choice((VERSION,))),
    Parameter("model", "bundled name, hub id (id@revision pins one) or local folder", _NAME, DEFAULT_MODEL, _model),
    Parameter("text", "the sentence", "a text", "the first sample", str),
    Parameter("pair", "the second text: a decoder's own, or sentence B", "a text", "no second text", str),
    Parameter(
        PACKED, "both texts in few characters, in place of text and pair", "what the page itself wrote",
        "the first sample", str,
    ),
    Parameter(
        "kind", "which attention, where a model has several", listed(KINDS), "the usual one", _choice(("", *KINDS)),
    ),
    Parameter("layer", "the layer, counted from 0", _NUMBER, "0", _index),
    Parameter("head", "the head, counted from 0", _NUMBER, "0", _index),
    Parameter("query", "the pinned token, counted from 0", _NUMBER, "the page's choice", _index),
    Parameter("also", "further pinned tokens", PINS_IN_WORDS, "none", _indices),
    Parameter("together", "whether their rows are averaged or summed", listed(TOGETHER), "mean", _choice(TOGETHER)),
    Parameter("key", "the token looked at, in the products by dimension", _NUMBER, "the largest weight's", _index),
    Parameter("stage", "which step of the scores is shown", listed(STAGES), "masked", _choice(STAGES)),
    Parameter(
        "weights", "the softmax weights, the size of what they bring, or the difference", listed(WEIGHTS), "weights",
        _choice(WEIGHTS),
    ),
    Parameter("values", "the head's output, or its contribution after W_O", listed(VALUES), "output", _choice(VALUES)),
    Parameter(
        "temperature", "what the scores are divided by, beyond the model's own", f"{COLDEST} to {HOTTEST:g}", "1",
        _number(COLDEST, HOTTEST),
    ),
    Parameter("hide", "which tokens are left out of the weights", f"some of {', '.join(HIDE)}", "none", _some(HIDE)),
    Parameter("rest", "the others keep their weights, or share the row", listed(REST), "left", _choice(REST)),
    Parameter("zoom", "the part that the maps show", BOX_IN_WORDS, "all of it", _box),
    Parameter("measure", "what the map of all heads shows", listed(MEASURES), "weights", _choice(MEASURES)),
    Parameter("sort", "1 puts the heads in falling order", "0 or 1", "0", _switch),
    Parameter("ground", "where a pattern was counted", listed(GROUNDS), "text", _choice(GROUNDS)),
    Parameter("lens", "the view below", listed(LENSES), "links", _choice(LENSES)),
    Parameter("beside", "more heads in the links", BESIDE_IN_WORDS, "none", _places),
    Parameter("least", "the smallest weight that gets a line", "0 to 1", "0", _number(0, 1)),
    Parameter("top", "the most lines a token, 0 for all", _NUMBER, "0", _index),
    Parameter("over", "what is averaged", listed(OVER), "heads", _choice(OVER)),
    Parameter("ids", "1 shows the tokens' ids", "0 or 1", "0", _switch),
    Parameter("chat", "1 puts the text into the model's chat template", "0 or 1", "0", _switch),
)
