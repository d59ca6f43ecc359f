"""What the makers of the bundled models found out about their heads, read from each model's `headlight.json`.

`tools/train/` writes that file from measured scores: the texts on which a head does a nameable thing, and the heads
that an extra loss guided while the model was trained.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attention.catalogue import find
from attention.errors import InputError
from attention.view import KINDS

NOTES = "headlight.json"


@dataclass(frozen=True, kw_only=True)
class Shine:
    """A text on which one head does one nameable thing, and how well.

    name: what the head does, in a word or two. see: the same as a sentence. kind: of attention, "" where the model has
    one. query: the row that shows it. score: mean weight on what the name says, 0 to 1. guided: whether an extra loss
    told the head to do it.
    """

    name: str
    see: str
    text: str
    pair: str = ""
    kind: str = ""
    layer: int
    head: int
    query: int
    score: float
    guided: bool


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is known of a bundled model's heads. opening: the head to begin with on the default text, or None.

    guided: (kind, layer, head) → what the head was told to do; kind is "" where the model has one.
    """

    shines: tuple[Shine, ...] = ()
    guided: dict[tuple[str, int, int], str]
    opening: tuple[int, int] | None = None


@cache
def notes(model: str) -> Notes:
    """The notes of a model of the catalogue; empty ones where it does not come with Headlight or has none."""
    entry = find(model)
    path = entry.path / NOTES if entry and entry.path else None
    return _read(path) if path and path.is_file() else Notes(guided={})


def shine_of(model: str, text: str) -> Shine | None:
    """The head to look at where this text is one of the model's own, the best one first."""
    return max((shine for shine in notes(model).shines if shine.text == text), key=lambda one: one.score, default=None)


def shine_named(model: str, name: str) -> Shine | None:
    """The model's head that does what the name says, the best one first; None where none does."""
    return max((shine for shine in notes(model).shines if shine.name == name), key=lambda one: one.score, default=None)


def _read(path: Path) -> Notes:
    try:
        raw = json.loads(path.read_bytes())
        guided = {(_kind(one), one["layer"], one["head"]): str(one["kind"]) for one in raw["guided"]}
        opening = raw.get("opening")
        return Notes(
            shines=tuple(_shine(one, guided) for one in raw["texts"]),
            guided=guided,
            opening=None if opening is None else (opening["layer"], opening["head"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(f"{path.parent.name}/{path.name} cannot be read ({err}); tools/train writes it anew.") from err


def _shine(raw: dict[str, Any], guided: dict[tuple[str, int, int], str]) -> Shine:
    kind, name = _kind(raw), str(raw.get("name", raw["kind"]))
    return Shine(
        name=name,
        see=str(raw["see"]),
        text=str(raw["text"]),
        pair=str(raw.get("pair", "")),
        kind=kind,
        layer=int(raw["layer"]),
        head=int(raw["head"]),
        query=int(raw["query"]),
        score=float(raw["score"]),
        guided=guided.get((kind, raw["layer"], raw["head"])) == name,
    )


def _kind(raw: dict[str, Any]) -> str:
    """The attention's kind where the file gives one; a model with one kind says there what the head does."""
    return str(raw["kind"]) if raw["kind"] in KINDS else ""
