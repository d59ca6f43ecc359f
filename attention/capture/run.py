"""One run of one model, recorded: from ids to a Trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor

from attention.capture import autocast
from attention.capture.address import Address
from attention.capture.anatomy import unchanged, weights_of
from attention.capture.anew import change_at
from attention.capture.edited import Edited, Given
from attention.capture.edited_run import edits_of_run
from attention.capture.edited_witness import EditedWitness
from attention.capture.fidelity import Sources, compare_edited
from attention.capture.inputs import Inputs, check_inputs, embedding, forward
from attention.capture.lengths import longest
from attention.capture.notes import notes
from attention.capture.projection import LayerProjection, NoProjection
from attention.capture.recorded import Recorded, Way, enter, learned, lengths_of, record, record_edited
from attention.capture.recorder import Operation
from attention.capture.rerun import OwnRun, Rerun, weakly
from attention.capture.seam import Seam
from attention.capture.second import Seen, second_run
from attention.capture.watch import KeepMaps, Maps
from attention.capture.witness import witness_of
from attention.edits import Edit
from attention.record import AttentionRecord, Fidelity, FusedWitness, ModelFacts, Token, Trace, Witness

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@unchanged
def trace_model(
    model: PreTrainedModel,
    inputs: Inputs,
    *,
    tokens: tuple[Token, ...],
    pair_tokens: tuple[Token, ...] = (),
    name: str = "",
    revision: str | None = None,
    trained: bool | None = None,
    edits: Sequence[Edit] = (),
    given: Given | None = None,
    sources: Sources | None = None,
    on_output: Callable[[Any], None] | None = None,
) -> Trace:
    """Run the model once on the inputs and keep every attention operation in it.

    edits: what is changed on the way; given: what they put in place of what heads make; sources: from which the check
    makes that anew. An edited run is compared with a second one. The model comes back as it was. on_output: told what
    the model put out at every position, where watching runs of this kind changes no bit, or the edited check is passed.
    Raises TooLongError or InputError for ids and edits that it cannot take, and UnsupportedModelError where it does not
    run on a text alone or no softmax attention could be watched.
    """
    check_inputs(model, inputs)
    edited = Edited(edits_of_run(model, inputs, edits), given=given or Given())
    fidelity: Fidelity | None
    if edits:
        run = record_edited(model, inputs, edited.edits, edited.given)
        fidelity = compare_edited(model, inputs, edited.edits, edited.given, run.put_out.tensor, sources)
    else:
        run = record(model, inputs, whole=on_output is not None)
        fidelity = run.fidelity
    if on_output is not None and fidelity is not None and (fidelity.ok if edits else fidelity.absolute == 0):
        on_output(run.put_out.output)
    return Trace(
        model=facts(model, run.operations, name=name, revision=revision, trained=trained),
        tokens=tokens,
        pair_tokens=pair_tokens,
        all_records=_records(
            run, Rerun(_again(model, inputs, run.way, edited)), edited, _a_second_time(model, inputs, edited)
        ),
        fidelity=fidelity,
        seconds=run.seconds,
        notes=(*notes(model, run.seam, run.operations, run.where), *autocast.note()),
    )


def _again(model: PreTrainedModel, inputs: Inputs, way: Way, edited: Edited) -> Callable[[int], Maps]:
    """Runs the model again, watched, for the maps of one operation."""
    get, cast_as = weakly(model), autocast.of(model)

    def again(index: int) -> Maps:
        own, keeps = cast("PreTrainedModel", get()), KeepMaps(index)
        with ExitStack() as around:
            around.enter_context(cast_as.entered())
            order = learned(own, inputs)[1] if edited.edits else None
            observer = replace(edited, inner=keeps) if edited.edits else keeps
            enter(around, own, Seam(observer, lengths=lengths_of([inputs]), order=order), way)
            forward(own, inputs, whole=False)
        if keeps.maps is None:
            raise RuntimeError("the model did not run as it did the first time")
        return keeps.maps

    return again


def _a_second_time(model: PreTrainedModel, inputs: Inputs, edited: Edited) -> Callable[[Address], Seen]:
    """Runs the model a second time with the edits, for what it gives in one operation."""
    get, cast_as = weakly(model), autocast.of(model)

    def again(address: Address) -> Seen:
        with cast_as.entered():
            own = cast("PreTrainedModel", get())
            return second_run(own, inputs, edited.edits, edited.given, keep=[address]).seen[address]

    return again


def _records(
    run: Recorded, rerun: Rerun, edited: Edited, again: Callable[[Address], Seen]
) -> tuple[AttentionRecord, ...]:
    masks: list[Tensor] = []
    unseen = NoProjection("its projection was not seen")
    made = tuple(
        _record(
            operation,
            address,
            run.known.projections.get(address, unseen),
            run.recorder.projected.get(index),
            _witness(operation, masks, rerun, index),
        )
        for index, (operation, address) in enumerate(zip(run.operations, run.where, strict=True))
    )
    return tuple(_with_edits(own, address, edited, again) for own, address in zip(made, run.where, strict=True))


def _with_edits(
    record: AttentionRecord, address: Address, edited: Edited, again: Callable[[Address], Seen]
) -> AttentionRecord:
    """The record with what was changed in it, and a witness that makes the same changes by other means."""
    change = change_at(address, edited.edits, edited.given)
    witness = record.witness
    if change is not None and witness is not None:
        witness = EditedWitness(inner=witness, change=change, again=partial(again, address))
    outputs, weights = edited.given.of(address)
    return replace(record, edits=edited.of(address), given=outputs, given_weights=weights, witness=witness)


def _witness(operation: Operation, masks: list[Tensor], rerun: Rerun, index: int) -> Witness | None:
    if operation.mode == "registry":
        return witness_of(operation, masks)
    if operation.mode == "call":
        causal = operation.own_mask is None and operation.record.mask.causal
        return FusedWitness(scale=operation.record.scale, mask=operation.own_mask, causal=causal)
    return OwnRun(rerun, index, f"{type(operation.module).__name__}'s own run")


def _record(
    operation: Operation,
    address: Address,
    projection: LayerProjection | NoProjection,
    projected: Tensor | None,
    witness: Witness | None,
) -> AttentionRecord:
    found = isinstance(projection, LayerProjection)
    return replace(
        operation.record,
        **vars(address),
        projection=projection if isinstance(projection, LayerProjection) else None,
        projected=projected if found else None,
        no_projection="" if found else getattr(projection, "reason", ""),
        maps=witness if operation.record.query is None and isinstance(witness, OwnRun) else None,
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
    record, table = operations[0].record, embedding(model)
    return ModelFacts(
        name=name or getattr(model.config, "name_or_path", "") or type(model).__name__,
        architecture=type(model).__name__,
        capture_mode=operations[0].mode,
        n_layers=getattr(model.config.get_text_config(), "num_hidden_layers", None),
        n_decoder_layers=_decoder_layers(model),
        n_heads=record.n_heads,
        n_kv_heads=record.n_kv_heads,
        d_model=getattr(model.config.get_text_config(), "hidden_size", None if table is None else table.shape[1]),
        d_head=record.d_head,
        n_parameters=sum(weight.numel() for weight in weights_of(model)),
        max_tokens=longest(model),
        dtype=str(operations[0].output.dtype).removeprefix("torch."),
        trained=trained,
        revision=revision,
    )


def _decoder_layers(model: PreTrainedModel) -> int | None:
    if not getattr(model.config, "is_encoder_decoder", False):
        return None
    config = getattr(model.config, "decoder", model.config)
    names = ("decoder_layers", "num_decoder_layers", "num_hidden_layers")
    return next((number for number in (getattr(config, name, None) for name in names) if number is not None), None)
