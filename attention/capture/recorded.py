"""A run with every attention operation recorded, and what is learned of a model by its first run of each kind."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from attention.capture import autocast
from attention.capture.address import Address, Order
from attention.capture.anatomy import CHOICE, anatomy_of, unchanged, weights_of
from attention.capture.edited import Edited, Given
from attention.capture.inputs import Inputs, forward
from attention.capture.naming import addresses
from attention.capture.notes import nothing_seen
from attention.capture.outputs import Result
from attention.capture.projection import Finder, LayerProjection, NoProjection, collecting
from attention.capture.recorder import Operation, Recorder
from attention.capture.refusal import REFUSALS, refusal
from attention.capture.seam import OutOfOrderError, Seam, entered
from attention.capture.switch import switch_of
from attention.capture.watch import Watch
from attention.edits import Edit
from attention.errors import MemoryFullError, UnsupportedModelError, is_out_of_memory
from attention.record import TOLERANCE, Fidelity, difference

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# How a run comes to the seam. registry: on our attention. both: on our attention, and the model's own softmaxes are
# watched beside it. watched: the model runs as it is, alone, and its softmaxes are watched.
Way = Literal["registry", "both", "watched"]


@dataclass(eq=False)
class Known:
    """What was found out about a loaded model once: its projections by address; the rest by kind of input."""

    projections: dict[Address, LayerProjection | NoProjection] = field(default_factory=dict)
    ways: dict[tuple[Any, ...], Way] = field(default_factory=dict)
    fidelity: dict[tuple[Any, ...], Fidelity] = field(default_factory=dict)
    orders: dict[tuple[Any, ...], Order] = field(default_factory=dict)

    def learn(self, found: dict[Address, LayerProjection | NoProjection]) -> None:
        """Take over what a run showed. That a projection was found once holds: an odd run does not unsay it."""
        for address, projection in found.items():
            if isinstance(projection, LayerProjection) or address not in self.projections:
                self.projections[address] = projection


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recorded run: its seam, its operations in order and their addresses, how it was run, and what is known now.

    put_out: by the model, at every position where that was wanted or edits are compared, else at the last. seconds:
    that it took, without the comparison.
    """

    seam: Seam
    recorder: Recorder
    where: tuple[Address, ...]
    way: Way
    known: Known
    fidelity: Fidelity | None
    put_out: Result
    seconds: float

    @property
    def operations(self) -> list[Operation]:
        return self.recorder.operations

    @property
    def order(self) -> Order:
        return Order(tuple(id(operation.module) for operation in self.operations), self.where)


@dataclass(eq=False)
class _Run:
    """One forward pass at the seam, and what looked for projections on the way."""

    seam: Seam
    recorder: Recorder
    result: Result
    way: Way
    finder: Finder | None


@unchanged
def record_edited(model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], given: Given) -> Recorded:
    """Run the model once with edits, and keep every attention operation as it then was.

    edits: with their kinds named. Raises InputError for edits that this run cannot take; else as `record` does, and
    OutOfOrderError where the model ran other operations than before.
    """
    way, order = learned(model, inputs)
    known = anatomy_of(model).memory.setdefault(Known, Known())
    started = time.perf_counter()
    try:
        run = _pass(model, inputs, known, way, order, editing=(tuple(edits), given))
    except (RuntimeError, MemoryError) as err:
        if is_out_of_memory(err):
            raise MemoryFullError from err
        raise
    seconds = time.perf_counter() - started
    if not run.seam.is_complete:
        raise OutOfOrderError(type(model).__name__)
    return Recorded(run.seam, run.recorder, order.addresses, way, known, None, run.result, seconds)


def record(model: PreTrainedModel, inputs: Inputs, *, whole: bool = False) -> Recorded:
    """Run the model once on inputs that were checked, and keep every attention operation in it. whole: and what it puts
    out at every position.

    The first run of its kind finds the way, the projections and the order of the operations, and is compared with a run
    of the untouched model. Raises UnsupportedModelError where the model does not run on a text alone or no softmax
    attention could be watched, and MemoryFullError.
    """
    known = anatomy_of(model).memory.setdefault(Known, Known())
    kind, sort = _kind_of_run(model, inputs), _sort_of_input(model, inputs)
    way, order = known.ways.get(kind), known.orders.get(sort)
    started = time.perf_counter()
    try:
        run = _first(model, inputs, known) if way is None else _next(model, inputs, known, way, order, whole)
    except (*REFUSALS, MemoryError) as err:
        told = refusal(model, inputs, err)
        if told is err:
            raise
        raise told from err
    seconds = time.perf_counter() - started
    if not run.recorder.operations:
        raise UnsupportedModelError(nothing_seen(model, run.seam))
    told_before = order is not None and run.seam.is_complete
    where = order.addresses if told_before else addresses(model, run.recorder.operations)
    fidelity = known.fidelity.get(kind)
    if run.finder is not None:
        known.learn(dict(zip(where, run.finder.found(), strict=True)))
        run.recorder.projected.update(run.finder.put_out())
        fidelity = _compare(model, inputs, run.result.tensor)
        if math.isfinite(fidelity.absolute):  # of a run that went wrong nothing is kept for the next one
            known.ways[kind], known.fidelity[kind] = run.way, fidelity
    found = Recorded(run.seam, run.recorder, tuple(where), run.way, known, fidelity, run.result, seconds)
    if not told_before:
        known.orders[sort] = found.order
    return found


def learned(model: PreTrainedModel, inputs: Inputs) -> tuple[Way, Order]:
    """How a run of this kind comes to the seam, and the order of its operations; recorded where it is not known yet."""
    known = anatomy_of(model).memory.setdefault(Known, Known())
    way, order = known.ways.get(_kind_of_run(model, inputs)), known.orders.get(_sort_of_input(model, inputs))
    if way is None or order is None:
        found = record(model, inputs)
        return found.way, found.order
    return way, order


def _first(model: PreTrainedModel, inputs: Inputs, known: Known) -> _Run:
    """The first run of its kind: makes all logits, to compare, looks for the projections, and finds the way to record.

    A model that leaves the registry silent, or cannot run on our attention, runs once more as it is.
    """
    try:
        run = _pass(model, inputs, known, "both", None, first=True)
    except REFUSALS as err:
        if is_out_of_memory(err):
            raise
        run = None
    if run is None or all(operation.mode != "registry" for operation in run.recorder.operations):
        return _pass(model, inputs, known, "watched", None, first=True)
    beside = run.seam.missed or run.seam.elsewhere
    if not beside and all(operation.mode == "registry" for operation in run.recorder.operations):
        run.way = "registry"
    return run


def _next(
    model: PreTrainedModel, inputs: Inputs, known: Known, way: Way, order: Order | None, whole: bool
) -> _Run:
    """A later run of its kind, in the order that is known; of another order it is recorded as if none were."""
    try:
        return _pass(model, inputs, known, way, order, whole=whole)
    except OutOfOrderError:
        return _pass(model, inputs, known, way, None, whole=whole)


def _pass(
    model: PreTrainedModel, inputs: Inputs, known: Known, way: Way, order: Order | None, *, first: bool = False,
    whole: bool = False, editing: tuple[tuple[Edit, ...], Given] | None = None,
) -> _Run:  # fmt: skip
    """A recorded run; once more with copies where the model overwrote what was kept.

    first: looks for projections. whole: the logits of every position are made; so they are the first time and with
    edits, to compare. editing: what is changed on the way.
    """
    projections = [found for found in known.projections.values() if isinstance(found, LayerProjection)]
    for copies in (False, True):
        recorder = Recorder(copies=copies)
        observer = recorder if editing is None else Edited(editing[0], recorder, editing[1])
        seam = Seam(observer, lengths=lengths_of([inputs]), sizes=(inputs.sizes,), order=order)
        finder = Finder(model, recorder) if first else None
        with ExitStack() as around:
            enter(around, model, seam, way)
            around.enter_context(collecting(projections, recorder) if finder is None else finder.watching())
            result = forward(model, inputs, whole=whole or first or editing is not None)
        if not recorder.overwritten:
            break
    return _Run(seam, recorder, result, way, finder)


def enter(around: ExitStack, model: PreTrainedModel, seam: Seam, way: Way) -> None:
    """Let the model's operations come to the seam, this way, until `around` is left."""
    switch = switch_of(model)
    around.enter_context(switch.untouched(model) if way == "watched" else switch.recording(model))
    around.enter_context(entered(seam))
    if way != "registry":
        around.enter_context(Watch(model, seam).watching())


def lengths_of(batch: Sequence[Inputs]) -> frozenset[int]:
    """How long texts and pairs are that enter together, padding included."""
    sizes = [inputs.sizes for inputs in batch]
    return frozenset({max(text for text, _ in sizes), max(pair for _, pair in sizes)} - {0})


def _compare(model: PreTrainedModel, inputs: Inputs, traced: Tensor) -> Fidelity:
    """The traced result against a run of the model as it was given to us."""
    with switch_of(model).untouched(model):
        result = forward(model, inputs, whole=True)
    own = result.tensor
    types = {own.dtype, autocast.of(model).dtype or own.dtype}
    tolerance = max(TOLERANCE.get(dtype, TOLERANCE[torch.float16]) for dtype in types)
    apart = float("inf") if traced.shape != own.shape else (traced.float() - own.float()).abs().max().item()
    gap = difference(apart, own.float().abs().max().item(), tolerance)
    return Fidelity(of=result.of, absolute=gap.absolute, relative=gap.relative, tolerance=tolerance)


def _sort_of_input(model: PreTrainedModel, inputs: Inputs) -> tuple[Any, ...]:
    """What an order of operations and their addresses are good for: inputs of this sort, and the model's settings."""
    live = len(inputs.ids) if inputs.attention_mask is None else sum(inputs.attention_mask)
    as_long = len(inputs.ids) == len(inputs.pair_ids)
    settings = tuple(getattr(config, CHOICE) for config in anatomy_of(model).configs)
    return bool(inputs.pair_ids), as_long, tuple(sorted(inputs.extra)), live > 1, len(inputs.ids) > 1, settings


def _kind_of_run(model: PreTrainedModel, inputs: Inputs) -> tuple[Any, ...]:
    """What a comparison with an untouched run is good for: these inputs' kind, and the model as it now is."""
    padded = inputs.attention_mask is not None and not all(inputs.attention_mask)
    kind = bool(inputs.pair_ids), tuple(sorted(inputs.extra)), padded, len(inputs.ids) > 1, autocast.of(model)
    own = weights_of(model)
    weights = tuple((w.data_ptr(), w.dtype, w.device) for w in own)
    changes = sum(0 if w.is_inference() else w._version for w in own)
    return *kind, hash(weights), changes, tuple(getattr(config, CHOICE) for config in anatomy_of(model).configs)
