"""A trace as plain numbers and names: what a file can hold of it.

`pack` gives a tree that JSON can carry and numpy arrays by name; the tree refers to them by {"array": name, "type":
torch's name of the type}. What a model alone could answer is in `AttentionRecord.kept`, or not there. How each field is
held stands in its declaration (`attention.record.held`); `attention.record.readback` reads it back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from attention.record import held
from attention.record.arrays import Arrays, ArrayWriter
from attention.record.operation import AttentionRecord, Projection
from attention.record.stored import StoredMaps, StoredProjection, absent, linear_of
from attention.record.trace import Trace

# Output projections of one trace are kept where they take no more bytes than this together.
SMALL = 2_000_000
NOT_KEPT = "this file does not hold the layer’s output projection"
BROKEN = re.compile("[\ud800-\udfff]")


def pack(trace: Trace) -> tuple[dict[str, Any], Arrays]:
    """(tree, arrays by name). Tensors that records share are kept once. The checks are not in it: they are words too.

    Raises InputError for numbers that no file of ours can hold.
    """
    arrays = ArrayWriter()
    small = _are_small([linear_of(record.projection) for record in trace.all_records])
    notes = tuple(note for note in trace.notes if trace.checked is None or note != trace.checked.note)
    records = [held.written(_without_model(record, small), place_of(record), arrays) for record in trace.all_records]
    return held.written(replace(trace, notes=notes), "trace", arrays) | {"records": records}, arrays.arrays


def clean(text: str) -> str:
    """The text with what no file can carry, lone surrogates, replaced by U+FFFD."""
    return BROKEN.sub("\N{REPLACEMENT CHARACTER}", text)


def place_of(record: AttentionRecord) -> str:
    """Where an operation is in its run: decoder.2, and decoder.2.op1 for the second of a layer."""
    return f"{record.kind}.{record.layer}" + (f".op{record.op}" if record.op else "")


def _are_small(found: list[tuple[Tensor, Tensor | None] | None]) -> bool:
    parts = {id(part): part for pair in found if pair is not None for part in pair if part is not None}
    return sum(part.numel() * part.element_size() for part in parts.values()) <= SMALL


def _without_model(record: AttentionRecord, small: bool) -> AttentionRecord:
    """The record with what a file holds in place of what only its model can answer."""
    maps = None if record.maps is None else StoredMaps(*record.maps())
    return replace(record, maps=maps, projection=_stored(record.projection, record, small))


def _stored(project: Projection | None, record: AttentionRecord, small: bool) -> StoredProjection | None:
    if project is None:
        return None
    found = linear_of(project) if small and _of_one_type(record) else None
    weight, bias = found if found is not None else (None, None)
    turned = weight is not None and not weight.is_contiguous()
    return StoredProjection(
        name=project.name,
        norm_follows=project.norm_follows,
        weight=weight.T if weight is not None and turned else weight,
        turned=turned,
        bias=bias,
        absent="" if found is not None else _why(project, record),
    )


def _of_one_type(record: AttentionRecord) -> bool:
    """Whether a stored matrix can be asked with the values and outputs that are stored."""
    found = linear_of(record.projection)
    parts = (record.value, record.output, *(found or (None,)))
    return len({part.dtype for part in parts if part is not None}) == 1


def _why(project: Projection, record: AttentionRecord) -> str:
    """Why a projection's numbers are not in the file: it has none at hand, or is too large or not linear."""
    if isinstance(project, StoredProjection):
        return project.absent or NOT_KEPT
    if record.output is None:
        return NOT_KEPT
    try:
        project(torch.zeros_like(record.output[:1]).flatten(1))
    except ReferenceError:
        return absent(project)
    return NOT_KEPT
