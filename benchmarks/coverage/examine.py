"""One architecture: built, traced, and compared."""

from __future__ import annotations

import inspect
import math
import time
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel

import attention
from attention.errors import UnsupportedModelError
from attention.record import AttentionRecord, Trace
from benchmarks.coverage.build import build
from benchmarks.coverage.compare import Aligned, Gap, align, gap
from benchmarks.coverage.listing import Architecture
from benchmarks.coverage.mutants import noticed
from benchmarks.coverage.reference import reference

N, N_PAIR = 13, 7
# Where the rows are on average more even than EVEN a model is built again with sharper norms (see `widen`), and with
# flatter ones where in some operation nearly every row is one key alone.
EVEN, ONE_KEY = 0.75, 0.005
SHARPER, FLATTER = (2.0, 4.0, 8.0), (0.5, 0.25)
# Up to this a model's fused and eager runs may be apart by rounding alone, which grows from layer to layer.
DRIFT = 1e-3


@dataclass
class Row:
    """What was found out about one architecture.

    outcome: exact, differs (and our checks say so), silent (and they do not), refused, not built, crash, timeout.
    layers: layers with attention by kind. error: worst relative difference from the model's own. way: "" is as it runs
    by itself; where its fused and its eager run are apart by rounding, both in double precision or both eager.
    compared: with what. even: the mean entropy of the rows by ln n. unknown: operations whose query and key are not
    known. mutants: whether each was noticed.
    """

    name: str
    model_type: str
    mapping: str
    outcome: str = ""
    capture_mode: str = ""
    layers: dict[str, list[int]] = field(default_factory=dict)
    error: float | None = None
    check: float | None = None
    fidelity: float | None = None
    way: str = ""
    compared: list[str] = field(default_factory=list)
    even: float | None = None
    sharp: float = 1.0
    unknown: int = 0
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    mutants: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0


def examine(architecture: Architecture) -> Row:
    """The whole way of one architecture; every failure becomes an outcome."""
    torch.set_num_threads(1)
    row = Row(architecture.name, architecture.model_type, architecture.mapping)
    started = time.perf_counter()
    try:
        _fill(row, architecture)
    except UnsupportedModelError as err:
        row.outcome, row.reason = "refused", str(err)
    except _NotBuiltError as err:
        row.outcome, row.reason = "not built", _said(err.__cause__ or err)
    except Exception as err:  # whatever it is, it is a crash of this one architecture
        row.outcome, row.reason = "crash", _said(err)
    row.seconds = round(time.perf_counter() - started, 2)
    return row


_IN_DOUBLE, _EAGER = "double", "eager"


class _NotBuiltError(Exception):
    """No model could be made of this architecture."""


def _fill(row: Row, architecture: Architecture) -> None:
    trace, model = _sharp_enough(row, architecture)
    aligned = align(trace, reference(_made(architecture, row.sharp, eager=True), *_texts(model)))
    worst = _worst(aligned)
    by_itself = trace
    for way in (_IN_DOUBLE, _EAGER):
        if (worst.ok and _checks_ok(trace)) or not worst.worst < DRIFT:
            break
        again = _once_more(architecture, row.sharp, way)
        if again is not None and (found := _worst(again[1])).worst < worst.worst:
            (trace, aligned), worst, row.way = again, found, way
    _describe(row, trace, aligned)
    _judge(row, _checks_ok(by_itself) and _checks_ok(trace), aligned.lacking > 0 and not trace.notes, worst)
    row.mutants = noticed(aligned)


def _made(architecture: Architecture, sharp: float, *, eager: bool = False) -> PreTrainedModel:
    try:
        return build(architecture, sharp=sharp, eager=eager)
    except Exception as err:
        raise _NotBuiltError from err


def _texts(model: PreTrainedModel) -> tuple[list[int], list[int] | None]:
    """Ordinary token ids, the same each time, and others for a decoder beside an encoder."""
    draw = torch.Generator().manual_seed(3)
    ids, pair = (torch.randint(3, 100, (n,), generator=draw).tolist() for n in (N, N_PAIR))
    return ids, pair if "decoder_input_ids" in inspect.signature(model.forward).parameters else None


def _sharp_enough(row: Row, architecture: Architecture) -> tuple[Trace, PreTrainedModel]:
    """The trace of the first build whose attention is far from uniform."""
    waiting = [1.0]
    while waiting:
        row.sharp = waiting.pop(0)
        model = _made(architecture, row.sharp)
        trace = attention.trace(model, *_texts(model))
        each = [_evenness(record) for record in trace.all_records]
        row.even = round(sum(each) / len(each), 3)
        if row.sharp == 1:
            waiting = [*SHARPER] if row.even > EVEN else [*FLATTER] if min(each) < ONE_KEY else []
        elif row.even <= EVEN and min(each) >= ONE_KEY:
            break
    return trace, model


def _evenness(record: AttentionRecord) -> float:
    """The mean entropy of the rows, by the logarithm of how many keys each may see."""
    return float(torch.cat([_row_evenness(record, head) for head in range(record.n_heads)]).mean())


def _row_evenness(record: AttentionRecord, head: int) -> torch.Tensor:
    weights = record.stages(head).weights.double()
    allowed = record.allowed(head)
    count = torch.full((len(weights),), weights.shape[1]) if allowed is None else allowed.sum(dim=-1)
    share = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-30)
    entropy = -(share * share.clamp(min=1e-300).log()).sum(dim=-1)
    return entropy[count > 1] / count[count > 1].double().log()


def _once_more(architecture: Architecture, sharp: float, way: str) -> tuple[Trace, Aligned] | None:
    """The comparison made in another way, or None where the model's code does not run so."""
    try:
        model, own = (_made(architecture, sharp, eager=eager) for eager in (way == _EAGER, True))
        if way == _IN_DOUBLE:
            model, own = model.double(), own.double()
        trace = attention.trace(model, *_texts(model))
        return trace, align(trace, reference(own, *_texts(model)))
    except Exception:  # some models mix types in their own code
        return None


def _worst(aligned: Aligned) -> Gap:
    """The worst of all records; nan where one of them was compared with nothing."""
    gaps = [gap(record, owns) for record, owns in aligned.pairs]
    outputs = [one.output for one in gaps if one.output == one.output]
    weights = float("nan") if any(one.weights != one.weights for one in gaps) else max(one.weights for one in gaps)
    return Gap(weights, max(outputs, default=float("nan")))


def _checks_ok(trace: Trace) -> bool:
    heads = (error for record in trace.all_records for error in trace.layer_errors(record))
    return all(error.ok for error in heads) and trace.fidelity is not None and trace.fidelity.ok


def _describe(row: Row, trace: Trace, aligned: Aligned) -> None:
    errors = [error.relative for record in trace.all_records for error in trace.layer_errors(record)]
    row.check, row.fidelity = max(errors), float(trace.fidelity) if trace.fidelity is not None else None
    row.capture_mode = trace.model.capture_mode
    row.layers = {kind: sorted({r.layer for r in trace.all_records if r.kind == kind}) for kind in trace.kinds}
    row.compared, row.notes = aligned.sources, list(trace.notes)
    row.unknown = sum(record.query is None for record in trace.all_records)


def _judge(row: Row, checks: bool, hidden: bool, worst: Gap) -> None:
    """checks: whether our own pass. hidden: whether attention is left out of the trace without a word."""
    row.error = worst.worst
    if hidden:
        row.outcome, row.reason = "silent", "some attention is not in the trace, which does not say so"
    elif worst.ok and checks:
        row.outcome = "exact"
    elif math.isnan(worst.worst):
        row.outcome, row.reason = "differs", "the model showed nothing to compare with"
    elif worst.ok:
        row.outcome, row.reason = "differs", "our own check fails, though the numbers are the model's"
    else:
        row.outcome = "silent" if checks else "differs"


def _said(err: BaseException) -> str:
    return f"{type(err).__name__}: {' '.join(str(err).split())[:200]}"
