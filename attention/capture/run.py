"""One run of one model, recorded: from ids to a Trace."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor

from attention.capture import autocast
from attention.capture.anatomy import CHOICE, anatomy_of
from attention.capture.inputs import Inputs, check_inputs, embedding, forward
from attention.capture.lengths import longest
from attention.capture.notes import notes, nothing_seen
from attention.capture.outputs import Result
from attention.capture.places import Place, places
from attention.capture.projection import Finder, LayerProjection, NoProjection, collecting
from attention.capture.recorder import Operation, Recorder, record_into
from attention.capture.refusal import REFUSALS, refusal
from attention.capture.rerun import OwnRun, Rerun, weakly
from attention.capture.switch import switch_of
from attention.capture.watch import Maps, Watch
from attention.capture.witness import witness_of
from attention.errors import UnsupportedModelError, is_out_of_memory
from attention.record import (
    TOLERANCE,
    AttentionRecord,
    Fidelity,
    FusedWitness,
    ModelFacts,
    Token,
    Trace,
    Witness,
    difference,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# How a run is recorded. registry: on our attention. both: on our attention, and the model's own softmaxes are watched
# beside it. watched: the model runs as it is, alone, and its softmaxes are watched.
Way = Literal["registry", "both", "watched"]


@dataclass(eq=False)
class _Known:
    """What was found out about a loaded model once: its projections by place; way and fidelity by kind of input."""

    projections: dict[Place, LayerProjection | NoProjection] = field(default_factory=dict)
    ways: dict[tuple[Any, ...], Way] = field(default_factory=dict)
    fidelity: dict[tuple[Any, ...], Fidelity] = field(default_factory=dict)

    def learn(self, found: dict[Place, LayerProjection | NoProjection]) -> None:
        """Take over what a run showed. That a projection was found once holds: an odd run does not unsay it."""
        for place, projection in found.items():
            if isinstance(projection, LayerProjection) or place not in self.projections:
                self.projections[place] = projection


@dataclass(eq=False)
class _Run:
    """A recorded run, how it was recorded, and what looked for projections on the way."""

    recorder: Recorder
    result: Result
    way: Way
    finder: Finder | None


def trace_model(
    model: PreTrainedModel,
    inputs: Inputs,
    *,
    tokens: tuple[Token, ...],
    pair_tokens: tuple[Token, ...] = (),
    name: str = "",
    revision: str | None = None,
    trained: bool | None = None,
) -> Trace:
    """Run the model once on the inputs and keep every attention operation in it.

    The model comes back as it was. Raises TooLongError or InputError for ids that it cannot take, and
    UnsupportedModelError where it does not run on a text alone or no softmax attention could be watched.
    """
    check_inputs(model, inputs)
    known = anatomy_of(model).memory.setdefault(_Known, _Known())
    kind = _kind_of_run(model, inputs)
    started = time.perf_counter()
    try:
        run = _recorded(model, inputs, known, known.ways[kind]) if kind in known.ways else _first(model, inputs, known)
    except (*REFUSALS, MemoryError) as err:
        told = refusal(model, inputs, err)
        if told is err:
            raise
        raise told from err
    seconds = time.perf_counter() - started
    recorder = run.recorder
    if not recorder.operations:
        raise UnsupportedModelError(nothing_seen(model, recorder))
    where = places(model, recorder.operations)
    fidelity = known.fidelity.get(kind)
    if run.finder is not None:
        known.learn(dict(zip(where, run.finder.found(), strict=True)))
        recorder.projected.update(run.finder.put_out())
        fidelity = _compare(model, inputs, run.result.tensor)
        if math.isfinite(fidelity.absolute):  # of a run that went wrong nothing is kept for the next one
            known.ways[kind], known.fidelity[kind] = run.way, fidelity
    return Trace(
        model=facts(model, recorder.operations, name=name, revision=revision, trained=trained),
        tokens=tokens,
        pair_tokens=pair_tokens,
        all_records=_records(recorder, where, known, Rerun(_again(model, inputs, run.way))),
        fidelity=fidelity,
        seconds=seconds,
        notes=(*notes(model, recorder, where), *autocast.note()),
    )


def _first(model: PreTrainedModel, inputs: Inputs, known: _Known) -> _Run:
    """The first run of its kind: makes all logits, to compare, looks for the projections, and finds the way to record.

    A model that leaves the registry silent, or cannot run on our attention, runs once more as it is.
    """
    try:
        run = _recorded(model, inputs, known, "both", first=True)
    except REFUSALS as err:
        if is_out_of_memory(err):
            raise
        run = None
    if run is None or all(operation.road != "registry" for operation in run.recorder.operations):
        return _recorded(model, inputs, known, "watched", first=True)
    beside = run.recorder.missed or run.recorder.elsewhere
    if not beside and all(operation.road == "registry" for operation in run.recorder.operations):
        run.way = "registry"
    return run


def _recorded(model: PreTrainedModel, inputs: Inputs, known: _Known, way: Way, *, first: bool = False) -> _Run:
    """A recorded run; once more with copies where the model overwrote what was kept."""
    projections = [found for found in known.projections.values() if isinstance(found, LayerProjection)]
    for copies in (False, True):
        recorder = Recorder(copies=copies, lengths=_lengths(inputs))
        finder = Finder(model, recorder) if first else None
        with ExitStack() as around:
            _enter(around, model, recorder, way)
            around.enter_context(collecting(projections, recorder) if finder is None else finder.watching())
            result = forward(model, inputs, whole=first)
        if not recorder.overwritten:
            break
    return _Run(recorder, result, way, finder)


def _enter(
    around: ExitStack, model: PreTrainedModel, recorder: Recorder, way: Way, keep: int | None = None
) -> Watch | None:
    """Begin to record this way. keep: the number of the operation whose maps the watch is to keep."""
    switch = switch_of(model)
    around.enter_context(switch.untouched(model) if way == "watched" else switch.recording(model))
    around.enter_context(record_into(recorder))
    if way == "registry":
        return None
    watch = Watch(model, recorder, keep)
    around.enter_context(watch.watching())
    return watch


def _again(model: PreTrainedModel, inputs: Inputs, way: Way) -> Callable[[int], Maps]:
    """Runs the model again, watched, for the maps of one operation."""
    get, cast_as = weakly(model), autocast.of(model)

    def again(index: int) -> Maps:
        own = cast("PreTrainedModel", get())
        with ExitStack() as around:
            around.enter_context(cast_as.entered())
            watch = _enter(around, own, Recorder(lengths=_lengths(inputs)), way, keep=index)
            forward(own, inputs, whole=False)
        if watch is None or watch.maps is None:
            raise RuntimeError("the model did not run as it did the first time")
        return watch.maps

    return again


def _lengths(inputs: Inputs) -> frozenset[int]:
    return frozenset({len(inputs.ids), len(inputs.pair_ids)} - {0})


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


def _records(
    recorder: Recorder, where: list[Place], known: _Known, rerun: Rerun
) -> tuple[AttentionRecord, ...]:
    masks: list[Tensor] = []
    unseen = NoProjection("its projection was not seen")
    return tuple(
        _record(
            operation,
            place,
            known.projections.get(place, unseen),
            recorder.projected.get(index),
            _witness(operation, masks, rerun, index),
        )
        for index, (operation, place) in enumerate(zip(recorder.operations, where, strict=True))
    )


def _witness(operation: Operation, masks: list[Tensor], rerun: Rerun, index: int) -> Witness | None:
    if operation.road == "registry":
        return witness_of(operation, masks)
    if operation.road == "call":
        causal = operation.own_mask is None and operation.mask.causal
        return FusedWitness(scale=operation.scale, mask=operation.own_mask, causal=causal)
    return OwnRun(rerun, index, f"{type(operation.module).__name__}'s own run")


def _record(
    operation: Operation,
    place: Place,
    projection: LayerProjection | NoProjection,
    projected: Tensor | None,
    witness: Witness | None,
) -> AttentionRecord:
    found = isinstance(projection, LayerProjection)
    return AttentionRecord(
        layer=place.layer,
        kind=place.kind,
        op=place.op,
        query=operation.query,
        key=operation.key,
        value=operation.value,
        scale=operation.scale,
        mask=operation.mask,
        position_bias=operation.position_bias,
        softcap=operation.softcap,
        sink=operation.sink,
        sink_scales=operation.sink_scales,
        output=operation.output,
        projection=projection if isinstance(projection, LayerProjection) else None,
        projected=projected if found else None,
        no_projection="" if found else getattr(projection, "reason", ""),
        maps=witness if operation.query is None and isinstance(witness, OwnRun) else None,
        witness=witness,
    )


def facts(
    model: PreTrainedModel,
    operations: list[Operation],
    *,
    name: str = "",
    revision: str | None = None,
    trained: bool | None = None,
) -> ModelFacts:
    """What the page says of the model, read from the model itself."""
    first, table = operations[0], embedding(model)
    return ModelFacts(
        name=name or getattr(model.config, "name_or_path", "") or type(model).__name__,
        architecture=type(model).__name__,
        road=first.road,
        n_layers=getattr(model.config.get_text_config(), "num_hidden_layers", None),
        n_decoder_layers=_decoder_layers(model),
        n_heads=first.output.shape[1],
        n_kv_heads=first.value.shape[0],
        d_model=getattr(model.config.get_text_config(), "hidden_size", None if table is None else table.shape[1]),
        d_head=None if first.query is None else first.query.shape[2],
        n_parameters=sum(weight.numel() for weight in model.parameters()),
        max_tokens=longest(model),
        dtype=str(first.output.dtype).removeprefix("torch."),
        trained=trained,
        revision=revision,
    )


def _decoder_layers(model: PreTrainedModel) -> int | None:
    if not getattr(model.config, "is_encoder_decoder", False):
        return None
    config = getattr(model.config, "decoder", model.config)
    names = ("decoder_layers", "num_decoder_layers", "num_hidden_layers")
    return next((number for number in (getattr(config, name, None) for name in names) if number is not None), None)


def _kind_of_run(model: PreTrainedModel, inputs: Inputs) -> tuple[Any, ...]:
    """What a comparison with an untouched run is good for: these inputs' kind, and the model as it now is."""
    padded = inputs.attention_mask is not None and not all(inputs.attention_mask)
    kind = bool(inputs.pair_ids), tuple(sorted(inputs.extra)), padded, len(inputs.ids) > 1, autocast.of(model)
    weights = tuple((w.data_ptr(), w.dtype, w.device) for w in model.parameters())
    changes = sum(0 if w.is_inference() else w._version for w in model.parameters())
    return *kind, hash(weights), changes, tuple(getattr(config, CHOICE) for config in anatomy_of(model).configs)
