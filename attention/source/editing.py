"""What edits of a run need from other runs: a head's mean over reference texts, and what patches take from a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attention.config import Limits
from attention.edits import Edit
from attention.errors import InputError
from attention.source.entering import inputs_of

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.capture.edited import Given
    from attention.source.loading import Source

NO_PATCH_TEXT = "A patch takes from a second text, and none is given; give patch_text, of as many tokens as the text."


@dataclass(frozen=True, eq=False)
class Editing:
    """The edits of a run with their kinds named, what they put in place, and what a person should know of it."""

    edits: tuple[Edit, ...] = ()
    given: Given | None = None
    notes: tuple[str, ...] = ()


def editing_of(
    source: Source, inputs: Inputs, edits: Sequence[Edit], patch_text: Any = "", pair: Any = None, chat: bool = False,
    limits: Limits | None = None,
) -> Editing:  # fmt: skip
    """What a run with these edits needs. inputs: of the run. Raises InputError for edits that it cannot take."""
    from attention.capture.edited import Given
    from attention.capture.edited_run import edits_of_run, patched_from

    own = edits_of_run(source.model, inputs, edits)
    patches = any(edit.verb == "patch" for edit in own)
    if not patches:
        return Editing(own, Given())
    if not patch_text:
        raise InputError(NO_PATCH_TEXT)
    other, _, _ = inputs_of(source, patch_text, _target_again(inputs, pair), None, chat, limits)
    return Editing(own, patched_from(source.model, inputs, other, own))


def _target_again(inputs: Inputs, pair: Any) -> Any:
    """What enters the decoder again where the model wrote it itself: another text would let it write another one."""
    return list(inputs.pair_ids) if pair is None and inputs.pair_ids else pair
