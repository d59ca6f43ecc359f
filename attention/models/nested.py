"""A folder that holds no model itself: what lies in it or one folder deeper, told in a sentence with what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from attention.errors import ModelError
from attention.models import adapter, hub
from attention.models.reference import ModelRef
from attention.models.weights import choose

PICKLES = re.compile(r".*\.(bin|pt|pth|ckpt|pkl|h5|msgpack)")
# What a training leaves beside a model, and what holds none of its weights.
BESIDE = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state).*")
# More folders than anybody's model has are not looked into, and more than a few are not listed.
MOST_FOLDERS, MOST_NAMED = 1_000, 3
CONVERT = "load it where you trust it, in the class that it was made with, and write it with save_pretrained(folder)"


def refuse(ref: ModelRef, folder: Path, names: Iterable[str]) -> None:
    """Raise ModelError for a folder with no config beside its weights, where it is known what to open or do instead.

    names: of the files that lie in the folder itself.
    """
    names = tuple(names)
    safe, pickled = choose(names), pickles(names)
    if adapter.CONFIG in names or (hub.CONFIG in names and (safe or pickled)):
        return
    if deeper := models_in(folder):
        raise ModelError(_open_that(ref, deeper))
    if hub.CONFIG not in names and pickled:
        raise ModelError(
            f"{ref.id} has only {pickled[0]}, a kind of file that can run code when opened, and no {hub.CONFIG}; "
            f"{CONVERT}."
        )
    if hub.CONFIG not in names and safe:
        raise ModelError(
            f"{ref.id} has {safe[0]} and no {hub.CONFIG}, which says what the weights are of; put it beside them, or "
            "write both with save_pretrained(folder)."
        )


def pickles(names: Iterable[str]) -> list[str]:
    """Those of the files that hold weights in a kind that can run code when opened."""
    return [name for name in names if PICKLES.fullmatch(name) and not BESIDE.fullmatch(name)]


def models_in(folder: Path) -> list[str]:
    """Names of the folders right inside this one that hold a model or an adapter, checkpoints by their number."""
    inner = [path for path in islice(folder.iterdir(), MOST_FOLDERS) if path.is_dir() and not path.is_symlink()]
    return sorted((path.name for path in inner if _holds_model(path)), key=_by_number)


def _holds_model(folder: Path) -> bool:
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:  # it is not ours to read
        return False
    return (hub.CONFIG in names and bool(choose(names))) or {adapter.CONFIG, adapter.WEIGHTS} <= set(names)


def _by_number(name: str) -> tuple[str, int, str]:
    """checkpoint-500 before checkpoint-1000."""
    found = re.fullmatch(r"(.*?)(\d{1,15})", name)
    return (found[1], int(found[2]), name) if found else (name, 0, name)


def _open_that(ref: ModelRef, names: list[str]) -> str:
    here = ref.id if Path(ref.id).is_absolute() else f"./{ref.id}"
    shown = [ascii(name)[1:-1][:80] for name in names]
    if len(names) == 1:
        return f"{ref.id} holds no model itself. The model lies in {here}/{shown[0]}: open that."
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    listed = ", ".join(shown[-MOST_NAMED:])
    return f"{ref.id} holds no model itself. Models lie in {listed}{rest}: open one of them, as {here}/{shown[-1]}."
