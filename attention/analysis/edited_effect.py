"""What the edits of a run did to one prediction: the same text run twice, as it is and with the edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attention.analysis.effect import Effect, blank_of, effect_of, logits_of, metric_for, position_of
from attention.capture.edited import Edited, Given
from attention.edits import Edit
from attention.errors import InputError
from attention.models.task import task_of
from attention.prediction.likely import labels_of
from attention.prediction.texts import read
from attention.source import inputs_of
from attention.source.editing import editing_of
from attention.tokens.pieces import Vocabulary

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.config import Limits
    from attention.models.task import Task
    from attention.record import Token
    from attention.reference import ReferenceTexts
    from attention.source import Source

NO_EDITS = "Nothing is changed, so there is no effect to tell; give edits, such as off-2.5."


@dataclass(frozen=True, kw_only=True)
class Said:
    """How something predicted reads: a token, or None for a label, and its text."""

    text: str
    token: Token | None = None


@dataclass(frozen=True, kw_only=True)
class EditedEffect:
    """What edits did to the prediction at one position.

    effect: the numbers. position: of the token after which, or at which, it is made; None for the whole text. edits:
    with their kinds named. likeliest: ids of the run as it is, the likeliest first. names: how each id reads that is
    named here. task: what is predicted. notes: what a person should know.
    """

    effect: Effect
    position: int | None
    edits: tuple[Edit, ...]
    likeliest: tuple[int, ...]
    names: Mapping[int, Said]
    task: Task
    notes: tuple[str, ...] = ()


def edited_effect(
    source: Source, text: Any, pair: Any = None, *, edits: Sequence[Edit], patch_text: str = "", chat: bool = False,
    position: int | None = None, target: int | None = None, distractor: int | None = None, k: int = 5,
    limits: Limits | None = None, reference: ReferenceTexts | None = None,
) -> EditedEffect:  # fmt: skip
    """The effect of edits on the prediction at a position; see `attention.effect`."""
    if not edits:
        raise InputError(NO_EDITS)
    inputs, _, _ = inputs_of(source, text, pair, None, chat, limits)
    editing = editing_of(source, inputs, edits, patch_text, pair, chat, limits, reference)
    at = position_of(source, inputs, position)
    task = task_of(source.model, source.missing)
    shown = _hidden(source, inputs, at) if task == "fill" else inputs
    observer = Edited(editing.edits, given=editing.given or Given())
    base, edited = logits_of(source, shown, [at])[0], logits_of(source, shown, [at], observer)[0]
    effect = effect_of(base, edited, metric_for(source, base, at, target, distractor), k)
    likeliest = tuple(base.sort(descending=True, stable=True).indices[: 2 * k].tolist())
    return EditedEffect(
        effect=effect, position=at, edits=editing.edits, likeliest=likeliest,
        names=_names(source, task, len(base), _named(effect, likeliest)), task=task, notes=editing.notes,
    )  # fmt: skip


def _hidden(source: Source, inputs: Inputs, at: int | None) -> Inputs:
    """The text with a blank at that position, which a model that fills blanks is asked about."""
    blank = blank_of(source)
    if at is None or blank is None or inputs.ids[at] == blank:
        return inputs
    return replace(inputs, ids=(*inputs.ids[:at], blank, *inputs.ids[at + 1 :]))


def _named(effect: Effect, likeliest: Sequence[int]) -> set[int]:
    moved = [effect.target, *([effect.distractor] if effect.distractor else []), *effect.rose, *effect.fell]
    return {one.id for one in moved} | set(likeliest)


def _names(source: Source, task: Task, size: int, wanted: set[int]) -> dict[int, Said]:
    if task in ("classify", "tag"):
        labels = labels_of(source.model.config, size)
        return {number: Said(text=labels[number]) for number in sorted(wanted)}
    vocabulary = None if source.tokenizer is None else Vocabulary.of(source.tokenizer)
    found = {number: read(vocabulary, number) for number in sorted(wanted)}
    return {number: Said(text=text, token=token) for number, (token, text) in found.items()}
