"""Edit: one change of a run, as a frozen value and as one line of a link. It knows no model.

What each verb changes, in the words of the literature:

- off: a head's output z, the slice of what enters the output projection W_O, becomes something else at every query, or
  at one ("ablation"). how: `zero`; `mean`, its mean over reference texts; `running`, its mean over the queries up to
  this one, so that nothing later leaks backwards; `first`, the row rests on the first key it may see.
- cut: query i may not see key j, −∞ before the softmax, so that the others share the row (w/(1 − w_j)). Without a
  query: no query but the token itself may see it.
- hide: nobody but itself may see key j, in every layer. What other tokens already carry of it stays.
- temper: the finished scores are divided by a temperature before the mask.
- even: a row is spread evenly over the keys that it may see; a learned sink keeps its share.
- patch: a head's output, or its weights, are those of another text of as many tokens ("activation patching").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from attention.errors import InputError
from attention.layer_settings import COLDEST, HOTTEST

Verb = Literal["off", "cut", "hide", "temper", "even", "patch"]
How = Literal["zero", "mean", "running", "first", "output", "weights"]

VERBS: tuple[Verb, ...] = get_args(Verb)
EDIT_KINDS = ("encoder", "decoder", "cross")
HOWS: dict[Verb, tuple[How, ...]] = {"off": ("zero", "mean", "running", "first"), "patch": ("output", "weights")}
ACCEPTS = "edits such as off-2.5, off-2.5-mean, off-2, cut-2.5-q7-k3, cut-q7-k3, hide-k3, temper-2.5-t0.5, even-2.5-q7"
MOST_EDITS, MOST_NUMBER = 64, 999_999
# Verbs of a head or a layer need a place; cut may be everywhere; hide is everywhere. Of tokens: (query, key) is
# needed (True), may be given (None) or must not be (False).
_PLACED = {"off", "temper", "even", "patch"}
_TOKENS: dict[Verb, tuple[bool | None, bool | None]] = {
    "off": (None, False), "cut": (None, True), "hide": (False, True), "temper": (False, False), "even": (None, False),
    "patch": (None, False),
}  # fmt: skip
_PLACE = re.compile(r"(?:(encoder|decoder|cross)\.?)?(?:([0-9]{1,6})(?:\.([0-9]{1,6}))?)?", re.ASCII)
_MARKED = re.compile(r"([qk])([0-9]{1,6})|t([0-9]{1,2}(?:\.[0-9]{1,20})?)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change of a run. Two equal edits change the same; `str` of one is its line in a link.

    verb: what is done, see the module. kind: of attention, "" for the model's usual one. layer, head: from 0; None
    means all of them. query, key: token numbers, from 0; a query of None means every row. how: of `off` and `patch`.
    temperature: of `temper`.

    Raises InputError that says what does not fit.
    """

    verb: Verb
    kind: str = ""
    layer: int | None = None
    head: int | None = None
    query: int | None = None
    key: int | None = None
    how: How | Literal[""] = ""
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.verb not in VERBS:
            raise InputError(f"An edit is one of {', '.join(VERBS)}, not {self.verb!r}.")
        if self.kind not in ("", *EDIT_KINDS):
            raise InputError(f"An edit's kind is encoder, decoder or cross, or left out; got {self.kind!r}.")
        for name in ("layer", "head", "query", "key"):
            _check_number(name, getattr(self, name))
        self._check_place()
        self._check_tokens()
        usual = HOWS.get(self.verb, ("",))
        object.__setattr__(self, "how", self.how or usual[0])
        if self.how not in usual:
            ways = " or ".join(filter(None, usual)) or "left out"
            raise InputError(f"An edit's way to be {self.verb!r} is {ways}, not {self.how!r}.")
        self._check_temperature()

    def _check_place(self) -> None:
        if self.head is not None and self.layer is None:
            raise InputError(f"An edit of head {self.head} needs its layer.")
        if self.verb in _PLACED and self.layer is None:
            raise InputError(f"{self.verb!r} needs a layer, and may name a head: {self.verb}-2.5 or {self.verb}-2.")
        if self.verb == "hide" and self.layer is not None:
            raise InputError("A token is hidden in every layer; to hide it in one head, cut its edges.")

    def _check_tokens(self) -> None:
        for name, wanted in zip(("query", "key"), _TOKENS[self.verb], strict=True):
            given = getattr(self, name) is not None
            if wanted is not None and wanted != given:
                raise InputError(f"{self.verb!r} {'needs a' if wanted else 'takes no'} {name} token.")

    def _check_temperature(self) -> None:
        value = self.temperature
        if isinstance(value, bool) or not isinstance(value, int | float) or not COLDEST <= value <= HOTTEST:
            raise InputError(f"A temperature is a number from {COLDEST:g} to {HOTTEST:g}; got {value!r}.")
        if self.verb != "temper" and value != 1.0:
            raise InputError(f"{self.verb!r} takes no temperature.")
        object.__setattr__(self, "temperature", float(value))

    def __str__(self) -> str:
        numbers = "" if self.layer is None else str(self.layer) if self.head is None else f"{self.layer}.{self.head}"
        place = ".".join(filter(None, (self.kind, numbers)))
        usual = HOWS.get(self.verb, ("",))[0]
        parts = [self.verb, place, "" if self.how == usual else self.how]
        parts += [f"{mark}{value}" for mark, value in (("q", self.query), ("k", self.key)) if value is not None]
        if self.verb == "temper":
            parts.append(f"t{self.temperature!r}".removesuffix(".0"))
        return "-".join(filter(None, parts))

    @property
    def names_tokens(self) -> bool:
        """Whether it names tokens, so that it means nothing for another text."""
        return self.query is not None or self.key is not None or self.verb == "patch"

    def concerns(self, kind: str, layer: int, op: int, usual: str) -> bool:
        """Whether it changes this operation. usual: the kind that is meant where an edit names none.

        A hidden token is hidden from the heads that read its side: of a source, in the encoder and in cross-attention.
        Of several operations of one kind in a layer, heads are edited in the first; a token is hidden in all.
        """
        own = self.kind or usual
        same = own == kind or (self.verb == "hide" and (own, kind) == ("encoder", "cross"))
        return same and (self.layer is None or self.layer == layer) and (self.verb == "hide" or op == 0)

    def changes_head(self, head: int) -> bool:
        """Whether it changes this head of an operation that it concerns."""
        return self.head is None or self.head == head

    def resolved(self, usual: str) -> Edit:
        """The same with its kind named."""
        return self if self.kind else replace(self, kind=usual)


def _check_number(name: str, value: object) -> None:
    if value is not None and (type(value) is not int or not 0 <= value <= MOST_NUMBER):
        raise InputError(f"An edit's {name} is a whole number from 0 to {MOST_NUMBER:,}; got {value!r}.")


def edit_of(line: str) -> Edit:
    """The edit that a line names, such as "off-2.5-mean" or "cut-cross.2.5-q7-k3". Raises InputError, a ValueError."""
    verb, *parts = line.split("-", 6)
    fields: dict[str, Any] = {}
    for at, part in enumerate(parts):
        read = _read(verb, part, first=at == 0)
        if not read or fields.keys() & read.keys():
            raise InputError(f"{line[:40]!r} is no edit; give {ACCEPTS}.")
        fields |= read
    if verb not in VERBS or str(made := Edit(verb=verb, **fields)) != line:
        raise InputError(f"{line[:40]!r} is no edit; give {ACCEPTS}.")
    return made


def _read(verb: str, part: str, *, first: bool) -> dict[str, Any]:
    """The fields that a part of a line names; none where it names nothing."""
    if part in HOWS.get(verb, ()):  # type: ignore[call-overload]
        return {"how": part}
    if marked := _MARKED.fullmatch(part):
        mark, number, temperature = marked.groups()
        if mark is None:
            return {"temperature": float(temperature)}
        return {"query" if mark == "q" else "key": int(number)}
    place = _PLACE.fullmatch(part) if first and part else None
    if place is None:
        return {}
    kind, layer, head = place.groups()
    named = {"kind": kind, "layer": None if layer is None else int(layer), "head": None if head is None else int(head)}
    return {name: value for name, value in named.items() if value is not None}


def edits_of(given: str | Edit | Sequence[str | Edit]) -> tuple[Edit, ...]:
    """Edits from values, lines, or one line with commas between, in their order; one that stands twice has one effect.

    Raises InputError for what is none, and for more than MOST_EDITS given.
    """
    several: Sequence[str | Edit] = [given] if isinstance(given, Edit) else given
    if isinstance(given, str):
        several = given.split(",", MOST_EDITS + 1) if given else []
    if len(several) > MOST_EDITS:
        raise InputError(f"At most {MOST_EDITS} edits at once; leave some out.")
    return tuple(dict.fromkeys(one if isinstance(one, Edit) else edit_of(one) for one in several))


def written(edits: Sequence[Edit]) -> str:
    """Edits as one line, as `edits_of` reads it."""
    return ",".join(map(str, edits))


def without_tokens(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Those that mean the same for another text."""
    return tuple(one for one in edits if not one.names_tokens)
