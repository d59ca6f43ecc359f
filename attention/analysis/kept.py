"""What only the model's projections can tell of a run, taken down while they can be asked.

A file holds no model. So the lengths ‖f(x_j)‖ of all heads, and of one head its contribution, go beside the numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from attention.analysis.lengths import lengths
from attention.analysis.norms import kept_norms
from attention.record import Kept, contributions

if TYPE_CHECKING:
    from attention.record import AttentionRecord, HeadView, Trace

# A contribution of more bytes than this is not taken down.
MOST_BYTES = 16_000_000


def with_kept(trace: Trace, head_view: HeadView) -> Trace:
    """The trace with `AttentionRecord.kept` filled: lengths of all heads, and what is drawn of this one."""
    records = tuple(_with_lengths(record) for record in trace.all_records)
    shown = trace.all_records.index(head_view.record)
    own = _with_head(records[shown], head_view.head)
    return replace(trace, all_records=(*records[:shown], own, *records[shown + 1 :]))


def _with_lengths(record: AttentionRecord) -> AttentionRecord:
    if record.projection is None or record.value is None:
        return record
    found = lengths(record)
    return record if isinstance(found, str) else replace(record, kept=replace(record.kept, lengths=found))


def _with_head(record: AttentionRecord, head: int) -> AttentionRecord:
    kept: Kept = record.kept
    added, made = contributions(record, [head])[0], kept_norms(record, head)
    if added is not None and added.numel() * added.element_size() <= MOST_BYTES:
        kept = replace(kept, contributions={**kept.contributions, head: added})
    if not isinstance(made, str):
        kept = replace(kept, norms={**kept.norms, head: torch.from_numpy(made.lengths.copy())})
    return replace(record, kept=kept)
