"""What the changes of a run can have reached: the causal cone. Whatever lies outside is as it was, bit for bit.

A change in a layer reaches the layers after it, and in attention that reads forwards only the queries from the first
one that it touches on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from attention.record.changes import changes_rows
from attention.record.cuts import uncut

if TYPE_CHECKING:
    from attention.edits import Edit
    from attention.record import AttentionRecord, Kind, Trace


def edits_of(trace: Trace) -> tuple[Edit, ...]:
    """All changes that a run was made with, their kinds named."""
    return tuple(dict.fromkeys(edit for record in trace.all_records for edit in record.edits))


def reached(trace: Trace, kind: Kind) -> np.ndarray:
    """Boolean (layers, heads): whether a head's weights can differ from those of the run without changes."""
    records = trace.records(kind)
    found = np.zeros((len(records), max(record.n_heads for record in records.values())), dtype=bool)
    for row, record in enumerate(records.values()):
        later = any(_flows(edit, other, record) for other in trace.all_records for edit in other.edits)
        for head in range(record.n_heads):
            found[row, head] = later or any(_own(edit, head) for edit in record.edits)
    return found


def _own(edit: Edit, head: int) -> bool:
    """Whether an edit of a head's own operation changes that head's weights."""
    return edit.changes_head(head) and (edit.verb in ("cut", "hide", "temper") or changes_rows(edit))


def _flows(edit: Edit, other: AttentionRecord, record: AttentionRecord) -> bool:
    """Whether what an edit of one operation changes enters another one."""
    if other.kind == record.kind or {other.kind, record.kind} == {"decoder", "cross"}:
        before = other.layer < record.layer
        # Within a layer of a decoder, attention to the source comes after its own.
        return before or (other.layer == record.layer and (other.kind, record.kind) == ("decoder", "cross"))
    if other.kind != "encoder":
        return False
    # The source enters a decoder by its first attention to it, behind that layer's own.
    return record.kind == "cross" or record.layer > 0


def first_query(trace: Trace, kind: Kind) -> int | None:
    """The first query that the changes can have reached, 0 for all of them; None without changes."""
    edits = edits_of(trace)
    if not edits:
        return None
    if kind == "encoder" or any(edit.kind == "encoder" for edit in edits) or not _reads_forwards(trace):
        return 0
    return min(_first(edit, record) for record in trace.all_records for edit in record.edits)


def _first(edit: Edit, record: AttentionRecord) -> int:
    if edit.query is not None:
        return edit.query
    if edit.verb not in ("cut", "hide") or edit.key is None or record.kind == "cross":
        return 0
    # A token that nobody else may see is itself as it was; a key behind the tokens is nobody's own.
    return edit.key + 1 if edit.key < record.n_q else 0


def _reads_forwards(trace: Trace) -> bool:
    """Whether no query of the decoder sees a later key, whatever else was closed to it."""
    if "decoder" not in trace.kinds:
        return False
    return all(_is_causal(record) for record in trace.records("decoder").values())


def _is_causal(record: AttentionRecord) -> bool:
    mask = uncut(record, range(record.n_heads)) or record.mask
    return mask.causal
