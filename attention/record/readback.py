"""A trace from plain numbers and names that a stranger may have written.

`unpack` trusts nothing: every name, number and shape is held to the declaration of its field (`attention.record.held`),
and whatever does not fit raises InputError with one sentence. What `attention.record.plain` packed comes back bit for
bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from attention.record import held
from attention.record.arrays import ArrayReader
from attention.record.fields import Fields, refuse
from attention.record.operation import AttentionRecord
from attention.record.shapes import check_shapes
from attention.record.trace import Trace

R = TypeVar("R", bound=AttentionRecord)


def unpack(tree: Any, arrays: Mapping[str, np.ndarray]) -> Trace:
    """The trace that was packed, its tensors bit for bit. Raises InputError for all that `pack` did not make."""
    given, stored = Fields(tree, "trace"), ArrayReader(arrays)
    held.demand(Trace, given, beside=("records",))
    records = tuple(read_record(AttentionRecord, one, stored) for one in given.parts("records"))
    trace = Trace(**held.values(Trace, given, stored), all_records=records)
    if not trace.tokens:
        refuse("trace.tokens", "at least one")
    stored.demand_all_used()
    _check_places(trace)
    return trace


def read_record(of: type[R], given: Fields, arrays: ArrayReader) -> R:
    """One operation; its parts fit each other. Raises InputError that names the operation by its kind and layer."""
    held.demand(of, given)
    kind, layer = (held.declared(of)[name].read(given, name, arrays) for name in ("kind", "layer"))
    given = given.called(f"{kind}.{layer}")
    made = held.read(of, given, arrays)
    check_shapes(made, given.where)
    return made


def _check_places(trace: Trace) -> None:
    """Each operation once, and as many queries as tokens that ask."""
    places = [(record.kind, record.layer, record.op) for record in trace.all_records]
    if len(set(places)) < len(places):
        refuse("trace.records", "of different layers, kinds and operations")
    for record in trace.all_records:
        count = len(trace.query_tokens(record.kind))
        if record.n_q != count:
            refuse(f"{record.kind}.{record.layer}", f"an operation of {count} queries, one a token, not {record.n_q}")
