"""One run of one model, recorded: from ids to a Trace."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from attention.capture.anatomy import anatomy_of
from attention.capture.places import Place, places
from attention.capture.projection import Finder, LayerProjection, NoProjection
from attention.capture.recorder import Operation, Recorder, record_into
from attention.capture.rerun import OwnRun, Rerun, weakly
from attention.capture.switch import switch_of
from attention.capture.watch import Maps, Watch
from attention.capture.witness import witness_of
from attention.errors import InputError, TooLongError, UnsupportedModelError
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


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What enters the model: ids (n,), and for an encoder-decoder the ids that enter its decoder.

    extra: per-token inputs such as token_type_ids. attention_mask: 1 for real tokens, None for all.
    """

    ids: tuple[int, ...]
    pair_ids: tuple[int, ...] = ()
    extra: Mapping[str, Sequence[int]] = field(default_factory=dict)
    attention_mask: tuple[int, ...] | None = None


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
    kind = _kind_of_input(inputs)
    started = time.perf_counter()
    first = kind not in known.fidelity
    recorder, result, finder = _recorded(model, inputs, first=first, watched=known.watched)
    if not recorder.operations and not known.watched:
        recorder, result, finder = _recorded(model, inputs, first=first, watched=True)
        known.watched = bool(recorder.operations)
    seconds = time.perf_counter() - started
    if not recorder.operations:
        raise UnsupportedModelError(_nothing_seen(model, recorder))
    where = places(model, recorder.operations)
    if finder is not None:
        known.projections.update(zip(where, finder.found(), strict=True))
        known.fidelity[kind] = _compare(model, inputs, result)
    return Trace(
        model=facts(model, recorder.operations, name=name, revision=revision, trained=trained),
        tokens=tokens,
        pair_tokens=pair_tokens,
        all_records=_records(recorder.operations, where, known, Rerun(_again(model, inputs))),
        fidelity=known.fidelity[kind],
        seconds=seconds,
        notes=_notes(recorder),
    )


def check_inputs(model: PreTrainedModel, inputs: Inputs) -> None:
    """Raise before any work where the ids cannot enter the model."""
    limit = longest(model)
    table = _embedding(model)
    for ids in (inputs.ids, inputs.pair_ids) if inputs.pair_ids else (inputs.ids,):
        if not ids:
            raise InputError("There is no token to look at: the text is empty.")
        if limit is not None and len(ids) > limit:
            raise TooLongError(f"This text has {len(ids)} tokens; this model takes at most {limit}. Shorten the text.")
        size = max(ids) + 1 if table is None else table.shape[0]
        wrong = next((i for i in ids if not 0 <= i < size), None)
        if wrong is not None:
            raise InputError(f"Token id {wrong} is outside this model's vocabulary of 0 to {size - 1}.")
    if inputs.attention_mask is not None and len(inputs.attention_mask) != len(inputs.ids):
        raise InputError(f"attention_mask has {len(inputs.attention_mask)} entries for {len(inputs.ids)} tokens.")


def longest(model: PreTrainedModel) -> int | None:
    """The most tokens that the model's positions allow, or None where nothing limits them."""
    config = model.config.get_text_config(decoder=False)
    limit = next((getattr(config, name) for name in _LENGTHS if isinstance(getattr(config, name, None), int)), None)
    if limit is None or limit <= 0:
        return None
    return limit - anatomy_of(model).reserved


def _recorded(
    model: PreTrainedModel, inputs: Inputs, *, first: bool, watched: bool
) -> tuple[Recorder, Tensor, Finder | None]:
    """A recorded run. The first of its kind makes all logits, to compare, and looks for the projections on the way.

    watched: the model runs as it is, alone, and its own code is watched; else it runs on the recording attention.
    """
    for copies in (False, True):
        recorder = Recorder(copies=copies)
        finder = Finder(model, recorder) if first else None
        switch = switch_of(model)
        with ExitStack() as around:
            around.enter_context(switch.untouched() if watched else switch.recording())
            around.enter_context(record_into(recorder))
            if watched:
                around.enter_context(Watch(model, recorder, _lengths(inputs)).watching())
            if finder is not None:
                around.enter_context(finder.watching())
            result = _forward(model, inputs, whole=first)
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
        with switch_of(own).untouched(), record_into(recorder), watch.watching():
            _forward(own, inputs, whole=False)
        if watch.maps is None:
            raise RuntimeError("the model did not run as it did the first time")
        return watch.maps

    return again


def _lengths(inputs: Inputs) -> set[int]:
    return {len(inputs.ids), len(inputs.pair_ids)} - {0}


def _forward(model: PreTrainedModel, inputs: Inputs, whole: bool) -> Tensor:
    """The logits, or the last hidden state of a model without a head, of a plain forward pass."""
    arguments = _arguments(model, inputs, whole)
    with torch.inference_mode(False), torch.no_grad():
        output = model(**arguments)
    logits = getattr(output, "logits", None)
    return output[0] if logits is None else logits


def _arguments(model: PreTrainedModel, inputs: Inputs, whole: bool) -> dict[str, Any]:
    device = next(model.parameters()).device
    takes = inspect.signature(model.forward).parameters
    mask = [1] * len(inputs.ids) if inputs.attention_mask is None else list(inputs.attention_mask)
    rows: dict[str, Sequence[int]] = {"input_ids": inputs.ids, **inputs.extra}
    if "attention_mask" in takes:
        rows["attention_mask"] = mask
    if inputs.pair_ids:
        rows["decoder_input_ids"] = inputs.pair_ids
    arguments: dict[str, Any] = {name: torch.tensor([list(row)], device=device) for name, row in rows.items()}
    switches = {"use_cache": False, "output_attentions": False, "output_hidden_states": False, "return_dict": True}
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values())
    named = takes if not open_ended else {*takes, *switches} - ({"use_cache"} - set(takes))
    arguments |= {name: value for name, value in switches.items() if name in named}
    if not whole and "logits_to_keep" in takes:
        arguments["logits_to_keep"] = 1
    return arguments


def _embedding(model: PreTrainedModel) -> Tensor | None:
    """The table of token vectors, (vocabulary, m); None where the model makes them otherwise (hashes, bytes)."""
    try:
        return cast("Tensor | None", getattr(model.get_input_embeddings(), "weight", None))
    except NotImplementedError:
        return None


def _compare(model: PreTrainedModel, inputs: Inputs, traced: Tensor) -> Fidelity:
    """The traced result against a run of the model as it was given to us."""
    with switch_of(model).untouched():
        own = _forward(model, inputs, whole=True)
    of = "logits" if model.get_output_embeddings() is not None else "last hidden state"
    gap = difference((traced.float() - own.float()).abs().max().item(), own.float().abs().max().item())
    tolerance = TOLERANCE.get(own.dtype, TOLERANCE[torch.float16])
    return Fidelity(of=of, absolute=gap.absolute, relative=gap.relative, tolerance=tolerance)


def _records(
    operations: list[Operation], where: list[Place], known: _Known, rerun: Rerun
) -> tuple[AttentionRecord, ...]:
    masks: list[Tensor] = []
    unseen = NoProjection("its projection was not seen")
    return tuple(
        _record(operation, place, known.projections.get(place, unseen), _witness(operation, masks, rerun, index))
        for index, (operation, place) in enumerate(zip(operations, where, strict=True))
    )


def _witness(operation: Operation, masks: list[Tensor], rerun: Rerun, index: int) -> Witness | None:
    if operation.road == "registry":
        return witness_of(operation, masks)
    if operation.road == "call":
        causal = operation.own_mask is None and operation.mask.causal
        return FusedWitness(scale=operation.scale, mask=operation.own_mask, causal=causal)
    return OwnRun(rerun, index, f"{type(operation.module).__name__}'s own run")


def _record(
    operation: Operation, place: Place, projection: LayerProjection | NoProjection, witness: Witness | None
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
    first, table = operations[0], _embedding(model)
    return ModelFacts(
        name=name or getattr(model.config, "name_or_path", "") or type(model).__name__,
        architecture=type(model).__name__,
        road=first.road,
        n_layers=getattr(model.config.get_text_config(), "num_hidden_layers", None),
        n_decoder_layers=_decoder_layers(model),
        n_heads=first.output.shape[1],
        n_kv_heads=first.value.shape[0],
        d_model=getattr(model.config.get_text_config(), "hidden_size", None) if table is None else table.shape[1],
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


def _kind_of_input(inputs: Inputs) -> tuple[Any, ...]:
    padded = inputs.attention_mask is not None and not all(inputs.attention_mask)
    return bool(inputs.pair_ids), tuple(sorted(inputs.extra)), padded, len(inputs.ids) > 1


def _notes(recorder: Recorder) -> tuple[str, ...]:
    if not recorder.batches:
        return ()
    return (f"{recorder.batches} attention operations run on windows of the text at once and are not shown.",)


def _nothing_seen(model: PreTrainedModel, recorder: Recorder) -> str:
    name = type(model).__name__
    if recorder.batches:
        return f"{name} cuts the text into windows before it attends, which Headlight does not show yet."
    return (
        f"No softmax attention of {name} could be watched: it has none (a state-space, convolution or Fourier "
        "model), or it attends in bands or by hashing, which have no map of all tokens."
    )
