"""The limits that a host may set, in one table: name, default, help and environment variable."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from attention.errors import InputError

PREFIX = "HEADLIGHT_"
MEGABYTE = 1_000_000
# What an installation for strangers does not allow unless its host says so.
MAY_BE_ZERO = ("memory_mb",)
MOST_DIGITS, SHOWN = 15, 40
STRICT = {"any_model": False, "may_remove": False}


def _limit(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What this installation allows. `Limits.from_environment()` reads `HEADLIGHT_<NAME>`."""

    max_characters: int = _limit(20_000, "longest text, in characters, that is looked at")
    max_tokens: int = _limit(512, "most tokens that the page traces at once")
    max_model_mb: int = _limit(6_000, "largest model, in megabytes of weights, that is loaded")
    models_in_memory: int = _limit(2, "how many models stay loaded; the least recently used goes first")
    models: str = _limit("", "the only models that are offered, ids with commas between; empty: the whole catalogue")
    any_model: bool = _limit(True, "whether ids outside the catalogue may be loaded")
    model_folder: str = _limit("", "folder whose subfolders may be opened as local models; empty: none")
    device: str = _limit("auto", "where models run: auto (a graphics card they fit, else cpu), cpu, cuda, cuda:1, mps")
    may_remove: bool = _limit(True, "whether visitors may remove downloaded models")
    public: bool = _limit(False, "whether strangers use this: any_model and may_remove are then off unless set")
    forwards_at_once: int = _limit(2, "how many runs of models go on at the same time; the others queue")
    queue_length: int = _limit(64, "how many runs may wait in the queue; more are refused with a sentence")
    queue_seconds: int = _limit(120, "longest wait in the queue, in seconds, before a run is given up")
    traces_in_memory: int = _limit(64, "how many runs are kept for whoever asks for the same again")
    traces_mb: int = _limit(500, "megabytes that the kept runs may take together")
    memory_mb: int = _limit(0, "megabytes of this process near which models leave the memory; 0: as much as there is")
    file_mb: int = _limit(64, "largest file, in megabytes, that may be opened on the page")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Limits":
        """Read each limit from its environment variable; raises InputError that names a bad one."""
        given = {
            item.name: _parse(item.name, environ[variable(item.name)], type(item.default))
            for item in fields(cls)
            if variable(item.name) in environ
        }
        return cls(**(STRICT if given.get("public") else {}) | given)

    @property
    def local_root(self) -> Path | None:
        """The resolved folder that local models must lie in, or None where local folders are off."""
        return Path(self.model_folder).expanduser().resolve() if self.model_folder else None


def variable(name: str) -> str:
    """The environment variable of the limit `name`."""
    return PREFIX + name.upper()


def describe() -> list[tuple[str, object, str, str]]:
    """(name, default, help, environment variable) of each limit, for the documentation."""
    return [(item.name, item.default, item.metadata["help"], variable(item.name)) for item in fields(Limits)]


def _parse(name: str, raw: str, kind: type) -> Any:
    if kind is bool:
        return _parse_bool(name, raw)
    if kind is int:
        return _parse_int(name, raw, 0 if name in MAY_BE_ZERO else 1)
    return _parse_device(name, raw) if name == "device" else raw


def _parse_device(name: str, raw: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,2})?", raw.strip()):
        raise InputError(f"{variable(name)} is {raw!r}; it must be auto, cpu, cuda, cuda:<number> or mps.")
    return raw.strip()


def _parse_bool(name: str, raw: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if raw.strip().lower() not in words:
        raise InputError(f"{variable(name)} is {raw!r}; it must be one of {', '.join(words)}.")
    return words[raw.strip().lower()]


def _parse_int(name: str, raw: str, least: int) -> int:
    # Few digits: int() refuses very long ones in its own words.
    if not raw.strip().isdecimal() or len(raw) > MOST_DIGITS or int(raw) < least:
        raise InputError(f"{variable(name)} is {raw[:SHOWN]!r}; it must be a whole number of at least {least}.")
    return int(raw)
