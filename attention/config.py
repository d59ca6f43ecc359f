"""The limits that a host may set, in one table: name, default, help and environment variable.

They are read from the environment, then from `.streamlit/headlight.toml`, and then by default; `read` says where each
came from. The file is read once in a process.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from attention.assets import settings_folder
from attention.errors import InputError

PREFIX = "HEADLIGHT_"
MEGABYTE = 1_000_000
FILE = settings_folder() / "headlight.toml"
FILE_NAME = f"{FILE.parent.name}/{FILE.name}"
MAY_BE_ZERO = ("memory_mb",)
MOST_DIGITS, SHOWN = 15, 40
# What an installation for strangers does not allow unless its host says so.
STRICT = {"any_model": False, "may_remove": False}
DEFAULT = "default"


def _limit(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What this installation allows. `Limits.from_environment()` reads `HEADLIGHT_<NAME>` and the file."""

    max_characters: int = _limit(20_000, "longest text, in characters, that is looked at")
    max_tokens: int = _limit(512, "most tokens that the page traces at once")
    max_model_mb: int = _limit(6_000, "largest model, in megabytes of weights, that is loaded")
    models_in_memory: int = _limit(
        2, "how many models stay loaded beside the bundled ones; the least recently used goes first"
    )
    models: str = _limit("", "the only models that are offered, ids with commas between; empty: the whole catalogue")
    any_model: bool = _limit(True, "whether ids outside the catalogue may be loaded")
    model_folder: str = _limit("", "folder whose subfolders may be opened as local models; empty: none")
    lesson_folder: str = _limit("", "folder of a host's own lessons, in place of those that come with Headlight")
    reference_texts: str = _limit(
        "", "file of texts, one a line, over which a head's mean is taken; empty: those that come with Headlight"
    )
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
    files_mb: int = _limit(256, "megabytes that files on their way here, or made to be saved, may take; the oldest go")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Limits":
        """Read each limit; raises InputError that names a bad one, or those that do not go together."""
        return _read_limits(_ours(environ))

    @property
    def allowed(self) -> tuple[str, ...]:
        """The ids that `models` lists, in its order; () where the whole catalogue is offered."""
        return tuple(filter(None, (name.strip() for name in self.models.split(","))))

    @property
    def local_root(self) -> Path | None:
        """The resolved folder that local models must lie in, or None where local folders are off."""
        return Path(self.model_folder).expanduser().resolve() if self.model_folder else None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One limit as this installation has it. origin: the variable, file or other setting that it comes from."""

    name: str
    value: Any
    origin: str


def read(environ: Mapping[str, str] = os.environ, file: Path = FILE) -> tuple[Setting, ...]:
    """Every limit with where it comes from, in the table's order; raises InputError for what is wrong."""
    given = _from_file(file) | _from_environ(environ)
    implied = _implied(given)
    found = tuple(
        given.get(item.name)
        or implied.get(item.name)
        or Setting(name=item.name, value=item.default, origin=DEFAULT)
        for item in fields(Limits)
    )  # fmt: skip
    _check({setting.name: setting for setting in found})
    return found


def table(settings: tuple[Setting, ...]) -> str:
    """The settings as lines of plain text, for a log: name, value, where from."""
    rows = [("setting", "value", "from")]
    rows += [(setting.name, printed(setting.value), setting.origin) for setting in settings]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for name, value, origin in rows)


def printed(value: object) -> str:
    """A value as documents and logs write it; a host's text with what cannot be seen by its number."""
    if isinstance(value, bool):
        return str(value).lower()
    return "(empty)" if value == "" else str(value) if str(value).isprintable() else ascii(value)


def variable(name: str) -> str:
    """The environment variable of the limit `name`."""
    return PREFIX + name.upper()


def describe() -> list[tuple[str, object, str, str]]:
    """(name, default, help, environment variable) of each limit, for the documentation."""
    return [(item.name, item.default, item.metadata["help"], variable(item.name)) for item in fields(Limits)]


def _ours(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables that are limits, in a form that can be remembered."""
    return tuple((name, environ[name]) for name in _variables() if name in environ)


@cache
def _variables() -> tuple[str, ...]:
    return tuple(variable(item.name) for item in fields(Limits))


@lru_cache(maxsize=64)
def _read_limits(environ: tuple[tuple[str, str], ...]) -> Limits:
    return Limits(**{setting.name: setting.value for setting in read(dict(environ))})


def _from_environ(environ: Mapping[str, str]) -> dict[str, Setting]:
    return {
        item.name: Setting(
            name=item.name,
            value=_parse(item.name, environ[variable(item.name)], type(item.default), variable(item.name)),
            origin=variable(item.name),
        )
        for item in fields(Limits)
        if variable(item.name) in environ
    }


def _from_file(file: Path) -> dict[str, Setting]:
    kinds = {item.name: type(item.default) for item in fields(Limits)}
    content = _content(file)
    if unknown := sorted(set(content) - set(kinds)):
        raise InputError(f"{FILE_NAME} sets {unknown[0]!a}, which is no setting; there are {', '.join(kinds)}.")
    return {
        name: Setting(name=name, value=_of_toml(name, value, kinds[name]), origin=FILE_NAME)
        for name, value in content.items()
    }


@cache
def _content(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as err:
        raise InputError(f"{FILE_NAME} cannot be read ({err}); it holds lines such as max_tokens = 256.") from err


def _of_toml(name: str, value: Any, kind: type) -> Any:
    """A value of the file: a number, true or false, or text; `models` may be a list of texts too."""
    where = f"{name} in {FILE_NAME}"
    if name == "models" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if type(value) is not kind:
        wanted = {bool: "true or false", int: "a whole number", str: "text between quotes"}[kind]
        raise InputError(f"{where} is {ascii(value)[:SHOWN]}; it must be {wanted}.")
    return _parse(name, printed(value) if kind is bool else str(value), kind, where)


def _implied(given: Mapping[str, Setting]) -> dict[str, Setting]:
    """What follows from other settings where nothing else is said."""
    found: dict[str, Setting] = {}
    if "public" in given and given["public"].value:
        found |= {name: Setting(name=name, value=value, origin="public") for name, value in STRICT.items()}
    if "models" in given and given["models"].value:
        found["any_model"] = Setting(name="any_model", value=False, origin="models")
    ceiling = given["memory_mb"].value if "memory_mb" in given else 0
    # The default is a size that a smaller ceiling could not hold.
    if 0 < ceiling < Limits().max_model_mb:
        found["max_model_mb"] = Setting(name="max_model_mb", value=ceiling, origin="memory_mb")
    return found


def _check(settings: Mapping[str, Setting]) -> None:
    """Raises InputError for settings that contradict each other, or name what is not there."""
    value = {name: setting.value for name, setting in settings.items()}
    origin = {name: setting.origin for name, setting in settings.items()}
    allowed = Limits(models=value["models"]).allowed
    if value["models"] and not allowed:
        raise InputError("models names no model; list ids with commas between, or leave it empty for the catalogue.")
    if len(set(allowed)) < len(allowed):
        raise InputError(f"models ({origin['models']}) names a model twice; name each once.")
    if allowed and value["any_model"]:
        raise InputError(
            f"models ({origin['models']}) lists the only models that are offered, and any_model "
            f"({origin['any_model']}) lets every other one in; set one of the two."
        )
    folder = Limits(model_folder=value["model_folder"]).local_root
    if folder is not None and not folder.is_dir():
        raise InputError(f"model_folder ({origin['model_folder']}) names a folder that is not there; make it first.")
    if value["lesson_folder"] and not Path(value["lesson_folder"]).expanduser().is_dir():
        raise InputError(f"lesson_folder ({origin['lesson_folder']}) names a folder that is not there; make it first.")
    if value["reference_texts"] and not Path(value["reference_texts"]).expanduser().is_file():
        raise InputError(
            f"reference_texts ({origin['reference_texts']}) names a file that is not there; write it, one text a line."
        )
    for name in ("max_model_mb", "traces_mb"):
        if value["memory_mb"] and value[name] > value["memory_mb"]:
            raise InputError(
                f"{name} is {value[name]} and memory_mb {value['memory_mb']}: a part cannot be larger than the whole; "
                "lower the first or raise the second."
            )


def _parse(name: str, raw: str, kind: type, where: str) -> Any:
    if kind is bool:
        return _parse_bool(raw, where)
    if kind is int:
        return _parse_int(raw, 0 if name in MAY_BE_ZERO else 1, where)
    return _parse_device(raw, where) if name == "device" else raw.strip()


def _parse_device(raw: str, where: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,2})?", raw.strip()):
        raise InputError(f"{where} is {raw[:SHOWN]!r}; it must be auto, cpu, cuda, cuda:<number> or mps.")
    return raw.strip()


def _parse_bool(raw: str, where: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if raw.strip().lower() not in words:
        raise InputError(f"{where} is {raw[:SHOWN]!r}; it must be one of {', '.join(words)}.")
    return words[raw.strip().lower()]


def _parse_int(raw: str, least: int, where: str) -> int:
    # Few digits: int() refuses very long ones in its own words.
    if not raw.strip().isdecimal() or len(raw) > MOST_DIGITS or int(raw) < least:
        raise InputError(f"{where} is {raw[:SHOWN]!r}; it must be a whole number of at least {least}.")
    return int(raw)
