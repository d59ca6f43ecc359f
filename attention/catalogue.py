"""What the pickers offer: reads `assets/models.toml` and `assets/samples.toml`, and refuses a file that is wrong."""

import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from attention.assets import ASSETS
from attention.config import FILE_NAME, Limits, variable
from attention.errors import InputError
from attention.layer_settings import LOCAL as LOCAL  # our own attention, which has no files

Family = Literal["encoder", "decoder", "encoder-decoder"]
FAMILIES: tuple[Family, ...] = ("encoder", "decoder", "encoder-decoder")
DEFAULT_MODEL = "storyteller"
BUNDLED = ASSETS / "models"


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model of the picker.

    id: "local" for our own attention, the name of a model that is bundled (`folder`, below `assets/models/`), or a hub
    id. revision: the hub's commit hash that is pinned, or None. knows: a pattern of the whole texts that the model was
    trained on, and doubt: what to say of any other; both or neither.
    """

    id: str
    title: str
    family: Family
    licence: str
    about: str
    revision: str | None = None
    folder: str | None = None
    knows: str | None = None
    doubt: str | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InputError(f"family is {self.family!r}; it must be one of {', '.join(FAMILIES)}")
        if self.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise InputError(f"revision is {self.revision!r}; it must be a commit hash of 40 hexadecimal digits")
        if self.folder is not None and not (BUNDLED / self.folder / "config.json").is_file():
            raise InputError(f"folder is {self.folder!r}; it must be one below {BUNDLED.name}/ that holds a model")
        if (self.knows is None) != (self.doubt is None):
            raise InputError("knows and doubt go together: a pattern of texts, and what to say of any other")

    @property
    def path(self) -> Path | None:
        """Where the model lies, where it comes with Headlight."""
        return None if self.folder is None else BUNDLED / self.folder


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sentence to try. name: a slug for links. label: what its chip says. about: what to look for.

    related: two words that texts on attention often say score high together, "" for none: what is seen instead is said.
    pin: the word whose row is worth a first look (its last occurrence), or "". row: the place of that row, where no
    word tells it, or None. look: what the head does that shows it, one of the model's own `Shine`s by name, or "".
    model: the only model that it is for, or "". pair: the second text, or "".
    """

    name: str
    label: str
    text: str
    about: str
    pin: str = ""
    related: str = ""
    row: int | None = None
    look: str = ""
    model: str = ""
    pair: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise InputError(f"name is {self.name!r}; it must be small letters and digits, joined by hyphens")
        if self.pin not in self.text:
            raise InputError(f"pin is {self.pin!r}; it must be a word of the text")
        words = self.related.split()
        if words and (len(words) != 2 or not set(words) <= set(re.findall(r"\w+", self.text))):
            raise InputError(f"related is {self.related!r}; it must be two words of the text with a space between")
        if self.row is not None and self.row < 0:
            raise InputError(f"row is {self.row}; it must be a place, counted from 0")


Entry = TypeVar("Entry", bound=Any)


@cache
def models() -> tuple[ModelEntry, ...]:
    """The models of the picker, the default first; raises InputError that names what is wrong with the file."""
    entries = read(ASSETS / "models.toml", "model", ModelEntry, key="id")
    if entries[0].id != DEFAULT_MODEL:
        raise InputError(f"models.toml begins with {entries[0].id!r}; it must begin with {DEFAULT_MODEL!r}.")
    return entries


@cache
def samples(model: str = "") -> tuple[Sample, ...]:
    """The sentences to try: a model's own where it has some, else those for all; raises InputError for a wrong file."""
    own = tuple(sample for sample in all_samples() if sample.model == model)
    return own or tuple(sample for sample in all_samples() if not sample.model)


@cache
def all_samples() -> tuple[Sample, ...]:
    """The sentences of all models."""
    return read(ASSETS / "samples.toml", "sample", Sample, key="name")


def find(id: str) -> ModelEntry | None:
    """The model of that id, or None where the picker does not offer it."""
    return next((entry for entry in models() if entry.id == id), None)


def doubt(id: str, text: str) -> str:
    """What to say of a text that is not of the kind that this model was trained on; "" where nothing is to be said."""
    entry = find(id)
    text = text.strip()
    if not text or entry is None or entry.knows is None or entry.doubt is None:
        return ""
    return "" if _pattern(entry.knows).fullmatch(text) else entry.doubt


@cache
def _pattern(knows: str) -> Any:
    """The pattern; it may name parts of itself, which Python's own cannot."""
    import regex

    return regex.compile(knows)


def offered(limits: Limits) -> tuple[ModelEntry, ...]:
    """The models that this installation offers, in the catalogue's order; raises InputError for an id it lacks."""
    return _offered(limits.allowed)


def is_offered(id: str, limits: Limits) -> bool:
    """Whether this installation lets a model of that id, without a revision, be asked for."""
    listed = any(entry.id == id for entry in offered(limits))
    return listed or (not limits.allowed and limits.any_model)


def default_model(limits: Limits) -> str:
    """The model of a first visit: the storyteller, or the first that is offered where it is not."""
    listed = [entry.id for entry in offered(limits)]
    return DEFAULT_MODEL if DEFAULT_MODEL in listed else listed[0]


def offer_in_words(limits: Limits, most: int = 8) -> str:
    """What may be asked for, for a sentence: ids with commas between, and how many more there are."""
    listed = [entry.id for entry in offered(limits)]
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


@cache
def _offered(allowed: tuple[str, ...]) -> tuple[ModelEntry, ...]:
    unknown = [name for name in allowed if find(name) is None]
    if unknown:
        raise InputError(
            f"{variable('models')} or models in {FILE_NAME} names {unknown[0]!a}, which is not in the catalogue; "
            f"it has {', '.join(entry.id for entry in models())}."
        )
    return tuple(entry for entry in models() if not allowed or entry.id in allowed)


def read(path: Path, table: str, kind: type[Entry], key: str) -> tuple[Entry, ...]:
    """All `[[table]]` entries of a TOML file as `kind`, unique by `key` and at least one; raises InputError."""
    entries = tuple(
        _entry(raw, kind, f"{path.name}, {table} {number}") for number, raw in enumerate(_tables(path, table), 1)
    )
    if not entries:
        raise InputError(f"{path.name} has no [[{table}]]; it needs at least one.")
    keys = [getattr(entry, key) for entry in entries]
    twice = sorted({value for value in keys if keys.count(value) > 1})
    if twice:
        raise InputError(f"{path.name} gives the {key} {', '.join(twice)} more than once; each must be unique.")
    return entries


def _tables(path: Path, table: str) -> list[Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise InputError(f"{path.name} is missing from {path.parent}; it is part of Headlight.") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise InputError(f"{path.name} is not valid TOML: {err}.") from err
    if set(content) - {table} or not isinstance(content.get(table, []), list):
        raise InputError(f"{path.name} may hold only [[{table}]] entries; it holds {', '.join(content)}.")
    return cast(list[Any], content.get(table, []))


def _entry(raw: Any, kind: type[Entry], where: str) -> Entry:
    known = [item.name for item in fields(kind)]
    if not isinstance(raw, dict):
        raise InputError(f"{where} is not a table; write it as [[…]] with the keys {', '.join(known)}.")
    if set(raw) - set(known):
        raise InputError(f"{where} has unknown keys; allowed are {', '.join(known)}, and it has {', '.join(raw)}.")
    missing = [item.name for item in fields(kind) if item.default is MISSING and item.name not in raw]
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}.")
    numbers = {item.name for item in fields(kind) if item.type == int | None}
    if wrong := [name for name in numbers & set(raw) if type(raw[name]) is not int]:
        raise InputError(f"{where}: {', '.join(wrong)} must be a whole number.")
    texts = {name: value for name, value in raw.items() if name not in numbers}
    empty = [name for name, value in texts.items() if not isinstance(value, str) or not value.strip()]
    if empty:
        raise InputError(f"{where}: {', '.join(empty)} must be text that is not empty.")
    try:
        return kind(**raw)
    except InputError as err:
        raise InputError(f"{where}: {err}.") from err
