"""What a person types for a model → a ModelRef, or one sentence that says why not."""

import re
from dataclasses import dataclass
from pathlib import Path

from attention.catalogue import BUNDLED, LOCAL, ModelEntry, find, is_offered, offer_in_words
from attention.config import Limits, variable
from attention.errors import ModelError

PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
HUB_ID = re.compile(rf"(?:{PART}/)?{PART}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
LONGEST = 300
ALLOWED = 'give an id such as "openai-community/gpt2" or "organisation/name@revision"'


@dataclass(frozen=True, kw_only=True)
class ModelRef:
    """One model: an id on the hub (with a revision, or None for its main branch), or a folder here.

    id: the hub id, "local" for the built-in attention, a bundled model's name, or the folder's path below the allowed
    one.
    """

    id: str
    revision: str | None = None
    folder: Path | None = None

    @property
    def built_in(self) -> bool:
        """Whether this is Headlight's own attention, which has no files to load."""
        return self.id == LOCAL and self.folder is None

    @property
    def entry(self) -> ModelEntry | None:
        """What the catalogue says of this model; None where it is not offered, or is a folder of one's own."""
        return find(self.id) if self.folder is None or self.bundled else None

    @property
    def bundled(self) -> bool:
        """Whether the model comes with Headlight."""
        return self.folder is not None and self.folder.parent == BUNDLED

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


def parse(text: str, limits: Limits) -> ModelRef:
    """Read "local", a bundled model's name, "organisation/name[@revision]", or a folder ("/…", "./…", "~/…").

    A relative folder is looked up below the allowed one. Raises ModelError for anything else, for a folder outside
    `limits.local_root`, and for an id that this installation does not offer (`limits.models`, `limits.any_model`).
    """
    text = text.strip()
    if text == LOCAL:
        return _offered(ModelRef(id=text), limits)
    if (entry := find(text)) and entry.path:
        return _offered(ModelRef(id=entry.id, folder=entry.path), limits)
    if len(text) > LONGEST or not text.isprintable():
        raise ModelError(f"{_shown(text)} is not a model: too long, or with characters that cannot be seen; {ALLOWED}.")
    if text.startswith(("/", ".", "~")) or re.match(r"[A-Za-z]:[\\/]", text):
        return _folder(text, limits)
    return _hub(text, limits)


def _hub(text: str, limits: Limits) -> ModelRef:
    name, at, revision = text.partition("@")
    if not HUB_ID.fullmatch(name) or "--" in name or ".." in name or _is_ours(name):
        raise ModelError(f"{_shown(text)} is not the id of a model; {ALLOWED}.")
    if at and (not REVISION.fullmatch(revision) or ".." in revision or "//" in revision or revision.endswith("/")):
        raise ModelError(f"{_shown(revision)} is not a revision; give a branch, a tag or a commit hash after the @.")
    pinned = entry.revision if (entry := find(name)) else None
    # Anybody can propose a change to a model of the hub, and ask for it by its revision.
    if revision and revision != pinned and not limits.any_model:
        raise ModelError(f"This installation offers {name} as it is; leave out the @ and what follows it.")
    return _offered(ModelRef(id=name, revision=revision or pinned), limits)


def _offered(ref: ModelRef, limits: Limits) -> ModelRef:
    if not is_offered(ref.id, limits):
        raise ModelError(
            f"{ref.id} is not among the models of this installation; choose one of these: {offer_in_words(limits)}."
        )
    return ref


def _is_ours(name: str) -> bool:
    """Whether the name is taken here, so that it has no revisions."""
    entry = find(name)
    return name == LOCAL or (entry is not None and entry.path is not None)


def _folder(text: str, limits: Limits) -> ModelRef:
    root = limits.local_root
    if root is None:
        # What to do is for who runs this, and on a public installation that is nobody who reads it.
        advice = "" if limits.public else f"; set {variable('model_folder')} to the folder that holds your models"
        raise ModelError(f"Local folders are switched off here{advice}.")
    try:
        folder = (root / Path(text).expanduser()).resolve()
        there = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as err:
        raise ModelError(f"{_shown(text)} is not a folder that can be opened; give one below the allowed one.") from err
    if not folder.is_relative_to(root):
        raise ModelError(f"{_shown(text)} is outside the folder that models may be opened from; move it there.")
    if not there:
        raise ModelError(f"There is no folder {_shown(text)}; give one that holds a config.json.")
    # Where any folder may be opened, a path from the root of all is shown whole.
    own = folder if root == Path(root.anchor) else folder.relative_to(root)
    return ModelRef(id=own.as_posix(), folder=folder)


def _shown(text: str) -> str:
    """Quoted, short, and with every character outside ASCII by its number: look-alikes show themselves."""
    plain = ascii(text)[1:-1]
    return f"“{plain if len(plain) <= 60 else plain[:59] + '…'}”"
