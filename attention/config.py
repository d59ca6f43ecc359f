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


def _limit(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What this installation allows. `Limits.from_environment()` reads `HEADLIGHT_<NAME>`."""

    max_characters: int = _limit(20_000, "longest text, in characters, that is looked at")
    max_tokens: int = _limit(512, "most tokens that the page traces at once")
    max_model_mb: int = _limit(6_000, "largest model, in megabytes of weights, that is loaded")
    models_in_memory: int = _limit(2, "how many models stay loaded; the least recently used goes first")
    any_model: bool = _limit(True, "whether ids outside the catalogue may be loaded")
    model_folder: str = _limit("", "folder whose subfolders may be opened as local models; empty: none")
    device: str = _limit("auto", "where models run: auto (a graphics card they fit, else cpu), cpu, cuda, cuda:1, mps")
    may_remove: bool = _limit(True, "whether visitors may remove downloaded models")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Limits":
        """Read each limit from its environment variable; raises InputError that names a bad one."""
        return cls(
            **{
                item.name: _parse(item.name, environ[variable(item.name)], type(item.default))
                for item in fields(cls)
                if variable(item.name) in environ
            }
        )

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
        return _parse_int(name, raw)
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


def _parse_int(name: str, raw: str) -> int:
    if not raw.strip().isdecimal() or int(raw) < 1:
        raise InputError(f"{variable(name)} is {raw!r}; it must be a whole number of at least 1.")
    return int(raw)
