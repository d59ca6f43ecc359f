"""Under the caller's `torch.autocast` a model runs as it does there, and is checked with what is right for that."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import attention
from attention.record import TOLERANCE, Trace
from tests.tiny import build, ids

TEXT = ids(13)
MODELS = [("bert", "encoder"), ("llama", "decoder"), ("gemma2", "decoder"), ("bloom", "decoder"), ("t5", "both")]


def narrow() -> Any:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def pair_of(kind: str) -> list[int] | None:
    return ids(7, seed=4) if kind == "both" else None


def all_ok(trace: Trace) -> bool:
    return all(error.ok for record in trace.all_records for error in trace.layer_errors(record))


@pytest.mark.parametrize(("name", "kind"), MODELS)
def test_a_run_under_autocast_is_the_models_own_and_passes_its_checks(name: str, kind: str) -> None:
    model = build(name, kind)
    with narrow():
        trace = attention.trace(model, TEXT, pair_of(kind))
        inside = all_ok(trace)
        output = model(**inputs(kind))
    assert inside
    assert all_ok(trace), "outside too"
    assert trace.model.dtype == "bfloat16"
    assert any("torch.autocast: products are made in bfloat16" in note for note in trace.notes)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert output[0].dtype in TOLERANCE


def inputs(kind: str) -> dict[str, Any]:
    pair = pair_of(kind)
    return {"input_ids": torch.tensor([TEXT])} | ({} if pair is None else {"decoder_input_ids": torch.tensor([pair])})


@pytest.mark.parametrize(("name", "kind"), MODELS)
def test_a_first_run_under_autocast_takes_nothing_from_the_next_one(name: str, kind: str) -> None:
    model, twin = build(name, kind), build(name, kind)
    with narrow():
        under = attention.trace(model, TEXT, pair_of(kind))
    after, fresh = (attention.trace(one, TEXT, pair_of(kind)) for one in (model, twin))
    assert len(after.all_records) == len(fresh.all_records)
    for record in after.all_records:
        one, other = (trace.head(record.layer, 1, record.kind) for trace in (after, fresh))
        assert (one.weights == other.weights).all()
        assert (one.contribution == other.contribution).all()
        assert one.error.ok
        # Rounding to 8 bits adds up from layer to layer, so each layer of the first run is held to its own projection.
        assert under.head(record.layer, 1, record.kind).error.parts["contributions"].ok
    assert after.notes == fresh.notes


def test_numbers_made_under_autocast_are_those_made_without() -> None:
    model = build("llama", "decoder")
    trace, again = attention.trace(model, TEXT), attention.trace(model, TEXT)
    with narrow():
        seen = again.head(1, 2)
        weights, contribution, ok = seen.weights, seen.contribution, seen.error.ok
    assert (weights == trace.head(1, 2).weights).all()
    assert (contribution == trace.head(1, 2).contribution).all()
    assert ok
    assert float(seen.error) < 1e-5


def test_a_fault_under_autocast_is_seen() -> None:
    with narrow():
        trace = attention.trace(build("llama", "decoder"), TEXT)
    record = trace.record(1)
    wrong = replace(trace, all_records=(replace(record, scale=record.scale * 1.01),))
    assert not wrong.head(1, 0).error.ok


def test_a_run_that_went_wrong_is_not_what_later_ones_are_taken_for() -> None:
    """One token's vector is not a number: a text with it has no projection that can be told, and others have."""
    model, bad = build("bert", "encoder"), 99
    with torch.no_grad():
        model.get_input_embeddings().weight[bad] = float("nan")
    assert bad not in TEXT
    attention.trace(model, [*TEXT[:5], bad, *TEXT[5:]])
    view = attention.trace(model, TEXT).head(0, 0)
    assert view.contribution is not None
    assert view.error.ok
