"""One run of one model, recorded: from ids to a Trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from attention.capture.anatomy import CHOICE, anatomy_of
from attention.capture.inputs import Inputs, Result, check_inputs, embedding, forward
from attention.capture.places import Place, places
from attention.capture.projection import Finder, LayerProjection, NoProjection, collecting
from attention.capture.recorder import Operation, Recorder, record_into
from attention.capture.rerun import OwnRun, Rerun, weakly
from attention.capture.switch import switch_of
from attention.capture.watch import Maps, Watch
from attention.capture.witness import witness_of
from attention.errors import UnsupportedModelError
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

_LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length", "n_ctx")


@dataclass(eq=False)
class _Known:
    """What was found out about a loaded model once.

    watched: its attention does not pass through the registry, so its own code is watched. projections by place,
    fidelity by kind of input.
    """

    watched: bool = False
    projections: dict[Place, LayerProjection | NoProjection] = field(default_factory=dict)
    fidelity: dict[tuple[Any, ...], Fidelity] = field(default_factory=dict)


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
    UnsupportedModelError where no softmax attention could be watched.
    """
    check_inputs(model, inputs)
    known = anatomy_of(model).memory.setdefault(_Known, _Known())
    kind = _kind_of_run(model, inputs)
    started = time.perf_counter()
    first = kind not in known.fidelity
    recorder, result, finder = _recorded(model, inputs, known, first=first, watched=known.watched)
    if not recorder.operations and not known.watched:
        recorder, result, finder = _recorded(model, inputs, known, first=first, watched=True)
        known.watched = bool(recorder.operations)
    seconds = time.perf_counter() - started
    if not recorder.operations:
        raise UnsupportedModelError(_nothing_seen(model, recorder))
    where = places(model, recorder.operations)
    if finder is not None:
        known.projections.update(zip(where, finder.found(), strict=True))
        recorder.projected.update(finder.put_out())
        known.fidelity[kind] = _compare(model, inputs, result.tensor)
    return Trace(
        model=facts(model, recorder.operations, name=name, revision=revision, trained=trained),
        tokens=tokens,
        pair_tokens=pair_tokens,
        all_records=_records(recorder, where, known, Rerun(_again(model, inputs))),
        fidelity=known.fidelity[kind],
        seconds=seconds,
        notes=_notes(model, recorder, where),
    )


def _recorded(
    model: PreTrainedModel, inputs: Inputs, known: _Known, *, first: bool, watched: bool
) -> tuple[Recorder, Result, Finder | None]:
    """A recorded run. The first of its kind makes all logits, to compare, and looks for the projections on the way.

    watched: the model runs as it is, alone, and its own code is watched; else it runs on the recording attention.
    """
    projections = [found for found in known.projections.values() if isinstance(found, LayerProjection)]
    for copies in (False, True):
        recorder = Recorder(copies=copies)
        finder = Finder(model, recorder) if first else None
        switch = switch_of(model)
        with ExitStack() as around:
            around.enter_context(switch.untouched(model) if watched else switch.recording(model))
            around.enter_context(record_into(recorder))
            if watched:
                around.enter_context(Watch(model, recorder, _lengths(inputs)).watching())
            around.enter_context(collecting(projections, recorder) if finder is None else finder.watching())
            result = forward(model, inputs, whole=first)
        if not recorder.overwritten:
            break
    return recorder, result, finder


def _again(model: PreTrainedModel, inputs: Inputs) -> Callable[[int], Maps]:
    """Runs the model again, watched, for the maps of one operation."""
    get = weakly(model)

    def again(index: int) -> Maps:
        own = cast("PreTrainedModel", get())
        recorder = Recorder()
        watch = Watch(own, recorder, _lengths(inputs), keep=index)
        with switch_of(own).untouched(own), record_into(recorder), watch.watching():
            forward(own, inputs, whole=False)
        if watch.maps is None:
            raise RuntimeError("the model did not run as it did the first time")
        return watch.maps

    return again


def _lengths(inputs: Inputs) -> set[int]:
    return {len(inputs.ids), len(inputs.pair_ids)} - {0}


def _compare(model: PreTrainedModel, inputs: Inputs, traced: Tensor) -> Fidelity:
    """The traced result against a run of the model as it was given to us."""
    with switch_of(model).untouched(model):
        result = forward(model, inputs, whole=True)
    own = result.tensor
    tolerance = TOLERANCE.get(own.dtype, TOLERANCE[torch.float16])
    gap = difference((traced.float() - own.float()).abs().max().item(), own.float().abs().max().item(), tolerance)
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
    kind = bool(inputs.pair_ids), tuple(sorted(inputs.extra)), padded, len(inputs.ids) > 1
    weights = tuple((w.data_ptr(), w.dtype, w.device) for w in model.parameters())
    changes = sum(0 if w.is_inference() else w._version for w in model.parameters())
    return *kind, hash(weights), changes, tuple(getattr(config, CHOICE) for config in anatomy_of(model).configs)


def _notes(model: PreTrainedModel, recorder: Recorder, where: list[Place]) -> tuple[str, ...]:
    """What of the model's attention is not in the trace, in words."""
    notes = []
    if recorder.batches:
        notes.append(f"{recorder.batches} attention operations run on windows of the text at once and are not shown.")
    if recorder.missed:
        notes.append(f"{recorder.missed} softmaxes could not be followed to the values they weigh and are not shown.")
    kinds = ("encoder", "decoder", "cross") if getattr(model.config, "is_encoder_decoder", False) else ()
    missing = [kind for kind in kinds if kind not in {place.kind for place in where}]
    if missing:
        notes.append(f"No {' or '.join(missing)} attention is shown: it runs in bands, by hashing, or was not run.")
    return tuple(notes)


def _nothing_seen(model: PreTrainedModel, recorder: Recorder) -> str:
    name = type(model).__name__
    if recorder.batches:
        return f"{name} cuts the text into windows before it attends, which Headlight does not show yet."
    return (
        f"No softmax attention of {name} could be watched: it has none (a state-space, convolution or Fourier "
        "model), or it attends in bands or by hashing, which have no map of all tokens."
    )
