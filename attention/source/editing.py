"""What edits of a run need from other runs: a head's mean over reference texts, and what patches take from a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from attention.config import Limits
from attention.edits import Edit
from attention.errors import InputError
from attention.reference import ReferenceTexts, reference_texts
from attention.source.entering import inputs_of
from attention.source.reference import reference_inputs, reference_means

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.capture.edited import Given, Place
    from attention.capture.fidelity import Sources
    from attention.source.loading import Source

NO_MEAN = (
    "The reference texts give {} of this model no second token, so there is no mean; switch off by zero, or give texts "
    "of your own."
)
NO_PATCH_TEXT = "A patch takes from a second text, and none is given; give patch_text, of as many tokens as the text."


@dataclass(frozen=True, eq=False)
class Editing:
    """The edits of a run with their kinds named, what they put in place, what a person should know of it, and from what
    a check makes it anew.
    """

    edits: tuple[Edit, ...] = ()
    given: Given | None = None
    notes: tuple[str, ...] = ()
    sources: Sources | None = None


def editing_of(
    source: Source, inputs: Inputs, edits: Sequence[Edit], patch_text: Any = "", pair: Any = None, chat: bool = False,
    limits: Limits | None = None, reference: ReferenceTexts | None = None,
) -> Editing:  # fmt: skip
    """What a run with these edits needs. inputs: of the run. reference: the texts of a mean, the installation's where
    left out. Raises InputError for edits that it cannot take.
    """
    from attention.capture.edited import Given
    from attention.capture.edited_run import edits_of_run, patched_from
    from attention.capture.fidelity import Sources

    own, given = edits_of_run(source.model, inputs, edits), Given()
    _check_one_source(own)
    notes: tuple[str, ...] = ()
    sources = None
    if any(edit.verb == "patch" for edit in own):
        if not patch_text:
            raise InputError(NO_PATCH_TEXT)
        other, _, _ = inputs_of(source, patch_text, _target_again(inputs, pair), None, chat, limits)
        given, sources = patched_from(source.model, inputs, other, own), Sources(patch=other)
    if any(edit.how == "mean" for edit in own):
        texts = reference or reference_texts(limits=limits)
        given = Given({**given.outputs, **means_for(source, own, texts)}, given.weights)
        notes = (f"A head's mean is over {texts}, without the first token of each.",)
        patch = None if sources is None else sources.patch
        sources = Sources(patch=patch, texts=partial(reference_inputs, source, texts), digest=texts.digest)
    return Editing(own, given, notes, sources)


def _check_one_source(edits: Sequence[Edit]) -> None:
    """Raise InputError where one head would take its mean and another text's output: a record holds one of them."""
    means, patches = ([edit for edit in edits if edit.how == how] for how in ("mean", "output"))
    for mean, patch in product(means, patches):
        same = (mean.kind, mean.layer) == (patch.kind, patch.layer)
        if same and (mean.head is None or patch.changes_head(mean.head)):
            raise InputError(f"{mean} and {patch} put two things in place of one head's output; take one back.")


def means_for(source: Source, edits: Sequence[Edit], reference: ReferenceTexts) -> dict[Place, Any]:
    """The mean (1, v) of each head that an edit, its kind named, puts in its place, by kind, layer, operation and head.

    Raises InputError where a head has none: the texts give it no second token.
    """
    wanted = [edit for edit in edits if edit.how == "mean"]
    means = reference_means(source, reference)
    found: dict[Place, Any] = {
        (at.kind, at.layer, at.op, head): mean[head : head + 1]
        for at, mean in means.items()
        for edit in wanted
        if edit.concerns(at.kind, at.layer, at.op, edit.kind)
        for head in range(len(mean))
        if edit.changes_head(head)
    }
    made = {(at.kind, at.layer) for at in means}
    for edit in wanted:  # a head that is not there is refused in the run, with those that are
        if (edit.kind, edit.layer) not in made:
            raise InputError(NO_MEAN.format(f"{edit.kind} {edit.layer}"))
    return found


def _target_again(inputs: Inputs, pair: Any) -> Any:
    """What enters the decoder again where the model wrote it itself: another text would let it write another one."""
    return list(inputs.pair_ids) if pair is None and inputs.pair_ids else pair
