"""What the components of a run's changes are given, as bytes: no Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attention import edit_words, sentences
from attention.browser import codec
from attention.catalogue import find

if TYPE_CHECKING:
    from attention.edits import Edit
    from attention.record import HeadView


def listed(edits: Sequence[Edit], model: str, head_view: HeadView | None = None) -> bytes:
    """{items: [{line, words}], sentence, failed}: the changes in words, and all of them as a sentence to be quoted.

    head_view: of the run with them; without it there is none, and tokens have no names. model: its name then.
    """
    kinds = _kinds(head_view)
    items = [
        {"line": str(edit), "words": edit_words.words(edit, *_names(edit, head_view), kinds=kinds)} for edit in edits
    ]
    sentence = quoted(edits, model, head_view)
    return codec.pack({"items": items, "sentence": sentence, "failed": head_view is None})


def quoted(edits: Sequence[Edit], model: str, head_view: HeadView | None = None) -> str:
    """All changes of a run as one sentence."""
    entry = find(model)
    name = entry.title if entry else model
    title = name if head_view is None else sentences.title(head_view.trace.model)
    said = [edit_words.said(edit, *_names(edit, head_view), kinds=_kinds(head_view)) for edit in edits]
    return edit_words.quoted(said, title)


def _kinds(head_view: HeadView | None) -> int:
    return 1 if head_view is None else len(head_view.trace.kinds)


def _names(edit: Edit, head_view: HeadView | None) -> tuple[edit_words.Name, edit_words.Name]:
    """How the queries and the keys of an edit are called, which may be of another kind than the head on show."""
    if head_view is None:
        return edit_words.numbers, edit_words.numbers
    trace = head_view.trace
    kind = edit.kind or trace.default_kind
    if kind not in trace.kinds:
        return edit_words.numbers, edit_words.numbers
    first = trace.head(min(trace.records(kind)), 0, kind)
    return edit_words.names(first.query_tokens), edit_words.names(first.key_tokens)


def of_run(head_view: HeadView) -> str:
    """What was changed in the run of a head, for a file: a sentence, and the lines that do it again; "" for nothing."""
    from attention.analysis.cone import edits_of
    from attention.edits import written

    edits = edits_of(head_view.trace)
    if not edits:
        return ""
    return f"{quoted(edits, head_view.trace.model.name, head_view)} Changed while the model ran: {written(edits)}."
