"""Prompt: everything that decides a run, as one frozen value, by which caches, queues and files know it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from attention.edits import ACCEPTS as EDITS_ACCEPTED
from attention.edits import Edit, edits_of, written
from attention.errors import InputError
from attention.layer_settings import ACCEPTS, LOCAL, LocalSettings, from_line
from attention.table import Sort, defaults, free_text, named, row, settle, short_text, switch

DEFAULT_MODEL = "storyteller"
# The first sample of the catalogue; a test holds the two together.
DEFAULT_TEXT = "The cat sat on the mat because it was tired."
MAX_MODEL = 300
EDITS = Sort(
    EDITS_ACCEPTED, edits_of, lambda value: all(isinstance(one, Edit) for one in value), written, edits_of
)
SETTINGS = Sort(ACCEPTS, from_line, lambda value: isinstance(value, LocalSettings), str)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a model is run on. Two equal prompts are one run.

    model: bundled name, hub id (`id@revision` pins one) or folder. text: the sentence. pair: the second text, "" for
    none. chat: whether the text enters as a message in the model's own chat template. settings: how the local layer is
    built; any other model has the default. edits: what is changed while the model runs; the local layer takes none.
    patch_text: the text that patches are taken from; it decides nothing without one.

    NUL and lone surrogates, which no browser can carry, become U+FFFD. Raises InputError for values outside these.
    """

    model: str = row(
        DEFAULT_MODEL, short_text(MAX_MODEL), "bundled name, hub id (id@revision pins one) or local folder",
        decides_run=True, is_step=True,
    )  # fmt: skip
    text: str = row(DEFAULT_TEXT, free_text(), "the sentence", "the first sample", decides_run=True, is_step=True)
    pair: str = row(
        "", free_text(), "the second text: a decoder's own, or sentence B", "no second text",
        decides_run=True, is_step=True, within="model",
    )  # fmt: skip
    chat: bool = row(
        False, switch(), "1 puts the text into the model's chat template",
        decides_run=True, is_step=True, within="model",
    )  # fmt: skip

    settings: LocalSettings = row(
        LocalSettings(), SETTINGS, "how the local model's layer is built", "4 causal heads of width 16", key="local",
        decides_run=True, is_step=True, within="model",
    )  # fmt: skip
    edits: tuple[Edit, ...] = row(
        (), EDITS, "what is changed while the model runs", "nothing",
        decides_run=True, is_step=True, by_browser=True, within="model", about_run=True, same_tokens=True,
    )  # fmt: skip
    patch_text: str = row(
        "", free_text(), "the text of as many tokens that patches are taken from", "none", key="patch",
        decides_run=True, is_step=True, by_browser=True, within="model", about_run=True, same_tokens=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        settle(self)
        if self.model.strip() == LOCAL:
            object.__setattr__(self, "edits", ())
        else:
            object.__setattr__(self, "settings", LocalSettings())
        if type(self) is Prompt and not self.patches:
            object.__setattr__(self, "patch_text", "")

    @property
    def patches(self) -> bool:
        """Whether an edit takes something from another text."""
        return any(edit.verb == "patch" for edit in self.edits)

    @property
    def unedited(self) -> Prompt:
        """The same run with nothing changed."""
        return replace(self.prompt, edits=(), patch_text="")

    @property
    def prompt(self) -> Prompt:
        """What decides the run, and nothing beside it."""
        return Prompt(**{one.name: getattr(self, one.name) for one in fields(Prompt)})

    @classmethod
    def of(
        cls, model: Any, text: Any, pair: Any, chat: bool, settings: LocalSettings = LocalSettings(),  # noqa: B008
        edits: tuple[Edit, ...] = (), patch_text: str = "",
    ) -> Prompt | None:  # fmt: skip
        """The prompt that gives these arguments to `attention.trace`; None where none does: for ids, words, messages, a
        loaded model, a decoder's start token alone, and what no prompt holds as it is.
        """
        if not all(isinstance(one, str) for one in (model, text, "" if pair is None else pair)):
            return None
        try:
            how: dict[str, Any] = {"chat": chat, "settings": settings, "edits": edits, "patch_text": patch_text}
            made = cls(model=model, text=text, pair=pair or "", **how)
        except InputError:
            return None
        asked = {"model": model, "text": text, "pair": pair, "chat": chat}
        return made if made.given().items() >= asked.items() else None

    def given(self) -> dict[str, Any]:
        """The arguments of `attention.trace` that run it, and without settings those of `attention.predict`. Settings
        and edits that are the default are left out.
        """
        usual = {name for name in ("settings", "edits", "patch_text") if getattr(self, name) == defaults(Prompt)[name]}
        deciding = named(type(self), lambda one: one.decides_run)
        return {name: getattr(self, name) for name in deciding if name not in usual} | {"pair": self.pair or None}
