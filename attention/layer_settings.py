"""What an attention layer can be: sizes that fit together, and the settings of the local one, as a line of a link."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from attention.errors import InputError

LOCAL = "local"  # the model whose layer these settings are of
# What a temperature may be, wherever one is set.
COLDEST, HOTTEST = 0.05, 20.0
# Enough to see whatever there is to see, and little enough that no stranger can ask for much.
RANGES = {"d_model": (1, 256), "n_heads": (1, 16), "n_kv_heads": (1, 16), "seed": (0, 999_999_999)}
# How a line names a number, and a switch that is off.
MARKS = {"d_model": "d", "n_heads": "heads", "n_kv_heads": "kv", "temperature": "temperature", "seed": "seed"}
OFF = {"causal": "both", "scaled": "unscaled", "positions": "unplaced"}
ACCEPTS = "some of d=32,heads=2,kv=1,both,unscaled,temperature=2,unplaced,seed=7"
# A number on a line; what is longer is none that was written here.
WHOLE, DECIMAL = re.compile(r"[0-9]{1,9}", re.ASCII), re.compile(r"[0-9]{1,2}(\.[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """How the local layer is built. Two equal settings are one layer; `str` of them is their line in a link.

    d_model: width of the tokens' vectors, up to 256. n_heads: up to 16, a divisor of it. n_kv_heads: key-value heads, a
    divisor of n_heads; 0 for as many. causal: no word sees a later one. scaled: scores are divided by √d_head.
    temperature: divides them once more, 0.05 to 20. positions: a word's place is added to its vector. seed: of weights.

    Raises InputError that says what does not fit.
    """

    d_model: int = 64
    n_heads: int = 4
    n_kv_heads: int = 0
    causal: bool = True
    scaled: bool = True
    temperature: float = 1.0
    positions: bool = True
    seed: int = 2017

    def __post_init__(self) -> None:
        if self.n_kv_heads == 0:
            object.__setattr__(self, "n_kv_heads", self.n_heads)
        for name, (low, high) in RANGES.items():
            if type(value := getattr(self, name)) is not int or not low <= value <= high:
                raise InputError(f"The local layer's {name} must be a whole number, {low} to {high}, not {value!r}.")
        for name in OFF:
            if type(value := getattr(self, name)) is not bool:
                raise InputError(f"The local layer's {name} must be True or False; got {value!r}.")
        check_temperature(self.temperature)
        object.__setattr__(self, "temperature", float(self.temperature))
        check_sizes(self.d_model, self.n_heads, self.n_kv_heads)

    def __str__(self) -> str:
        return ",".join(_written(self))

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads


def from_line(line: str) -> LocalSettings:
    """The settings that a line of a link names, such as "heads=2,kv=1,both,seed=7"; "" is the default.

    Raises InputError, which is a ValueError, for anything else.
    """
    given: dict[str, Any] = {}
    for part in line.split(",", len(MARKS) + len(OFF)) if line else ():
        name, value = _read(part)
        if name in given:
            raise InputError(f"These settings name {name} twice; name each once.")
        given[name] = value
    return LocalSettings(**given)


def check_temperature(value: object) -> None:
    """Raise InputError for what is no temperature of a layer."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not COLDEST <= value <= HOTTEST:
        raise InputError(f"The local layer's temperature must be from {COLDEST:g} to {HOTTEST:g}, not {value!r}.")


def check_sizes(d_model: int, n_heads: int, n_kv_heads: int, temperature: float = 1.0) -> None:
    """Raise InputError that says which size of an attention layer does not fit."""
    if min(d_model, n_heads, n_kv_heads) < 1:
        raise InputError(f"d_model, n_heads and n_kv_heads must be at least 1; got {d_model}, {n_heads}, {n_kv_heads}.")
    if d_model % n_heads:
        raise InputError(f"d_model must be a multiple of n_heads; got {d_model} and {n_heads}.")
    if n_heads % n_kv_heads:
        raise InputError(f"n_heads must be a multiple of n_kv_heads; got {n_heads} and {n_kv_heads}.")
    if not temperature > 0:
        raise InputError(f"temperature must be greater than 0; got {temperature}.")


def _written(settings: LocalSettings) -> list[str]:
    """The parts of the line: what is not the default, in the order of the fields."""
    usual = {one.name: one.default for one in fields(settings)} | {"n_kv_heads": settings.n_heads}
    values = {name: getattr(settings, name) for name in usual}
    return [_part(name, value) for name, value in values.items() if value != usual[name]]


def _part(name: str, value: Any) -> str:
    # repr of a float can be read back exactly, but writes small ones with an exponent, of which a temperature has none.
    return OFF[name] if name in OFF else f"{MARKS[name]}={value!r}".removesuffix(".0")


def _read(part: str) -> tuple[str, Any]:
    """The field and the value that a part names."""
    switches = {mark: name for name, mark in OFF.items()}
    if part in switches:
        return switches[part], False
    mark, _, raw = part.partition("=")
    name = {own: name for name, own in MARKS.items()}.get(mark)
    if name == "temperature" and DECIMAL.fullmatch(raw):
        return name, float(raw)
    if name is not None and name != "temperature" and WHOLE.fullmatch(raw):
        return name, int(raw)
    raise InputError(f"{part[:40]!r} is no setting of the local layer; give {ACCEPTS}.")
