"""The checks must fail when something is wrong: planted faults, one at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AttentionMaskInterface

import attention
from attention.capture import registry
from attention.capture.seam import current
from attention.record import AttentionRecord, Mask, PositionBias, Trace
from tests.tiny import build, ids

N = 13


def wrong_scale(record: AttentionRecord) -> AttentionRecord:
    return replace(record, scale=record.scale * 1.01)


def dropped_mask(record: AttentionRecord) -> AttentionRecord:
    return replace(record, mask=Mask())


def shifted_window(record: AttentionRecord) -> AttentionRecord:
    return replace(record, mask=replace(record.mask, before=5))


def missing_softcap(record: AttentionRecord) -> AttentionRecord:
    return replace(record, softcap=None)


def missing_sink(record: AttentionRecord) -> AttentionRecord:
    return replace(record, sink=None)


def missing_bias(record: AttentionRecord) -> AttentionRecord:
    return replace(record, position_bias=None)


def flipped_bias(record: AttentionRecord) -> AttentionRecord:
    bias = record.position_bias
    assert bias is not None
    assert bias.by_distance is not None
    return replace(record, position_bias=PositionBias(n_q=N, n_k=N, by_distance=bias.by_distance.flip(1)))


def swapped_heads(record: AttentionRecord) -> AttentionRecord:
    return replace(record, query=record.query.flip(0))


def swapped_values(record: AttentionRecord) -> AttentionRecord:
    return replace(record, value=record.value.flip(0))


def blacked_out(record: AttentionRecord) -> AttentionRecord:
    return replace(record, mask=Mask(after=0, keys=torch.zeros(N, dtype=torch.bool)))


FAULTS: list[tuple[str, str, dict[str, Any], Callable[[AttentionRecord], AttentionRecord]]] = [
    ("gpt2", "decoder", {}, wrong_scale),
    ("gpt2", "decoder", {}, dropped_mask),
    ("gpt2", "decoder", {}, swapped_heads),
    ("gpt2", "decoder", {}, swapped_values),
    ("gpt2", "decoder", {}, blacked_out),
    ("bert", "encoder", {}, wrong_scale),
    ("bert", "encoder", {}, swapped_heads),
    ("mistral", "decoder", {}, shifted_window),
    ("gemma2", "decoder", {"attn_logit_softcapping": 5.0}, missing_softcap),
    ("gpt_oss", "decoder", {}, missing_sink),
    ("t5", "both", {}, missing_bias),
    ("t5", "both", {}, flipped_bias),
]


def faulty(trace: Trace, fault: Callable[[AttentionRecord], AttentionRecord]) -> Trace:
    return replace(trace, all_records=tuple(fault(record) for record in trace.all_records))


@pytest.mark.parametrize(("name", "kind", "sizes", "fault"), FAULTS, ids=[f"{f[0]}-{f[3].__name__}" for f in FAULTS])
def test_a_planted_fault_is_seen_in_every_head(name: str, kind: str, sizes: dict, fault: Any) -> None:
    own_kind = "encoder" if kind in ("both", "encoder") else "decoder"
    right = attention.trace(build(name, kind, **sizes), ids(N), ids(7) if kind == "both" else None)
    right = replace(right, all_records=tuple(right.records(own_kind).values())[:1])
    wrong = faulty(right, fault)
    for head in range(right.all_records[0].n_heads):
        assert right.head(right.all_records[0].layer, head).error.ok
        error = wrong.head(right.all_records[0].layer, head).error
        assert not error.ok
        assert error.relative > 10 * error.tolerance
        assert error.worst in error.parts


def test_the_weights_are_checked_and_not_only_the_output() -> None:
    """With more keys than value dimensions, different weights give the same output (Brunner et al. 2020)."""
    trace = attention.trace(build("gpt2", "decoder"), ids(41))
    record = trace.record(0)
    view = trace.head(0, 0)
    values = torch.cat([record.value[0].T, torch.ones(1, 41)])  # keep the output and the row sum
    null = torch.linalg.svd(values.double())[2][-1].float()
    other = torch.from_numpy(view.weights.copy())
    other[-1] += null * 0.01
    fake = replace(record, weights=torch.stack([other] + [torch.zeros(41, 41)] * 3), query=None)
    assert abs(fake.stages(0).mixed.numpy() - view.output).max() < 1e-5
    error = replace(trace, all_records=(fake,)).head(0, 0).error
    # The witness needs q and k, so the check says that the weights could not be compared instead of passing.
    assert any("could not be called again" in reason for reason in error.unchecked)


def test_fidelity_sees_a_mask_that_was_never_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AttentionMaskInterface._global_mapping, registry.SDPA, lambda *args, **kwargs: None)
    model = build("bert", "encoder")
    trace = attention.trace(model, ids(N), attention_mask=[1] * (N - 4) + [0] * 4)
    assert trace.fidelity is not None
    assert not trace.fidelity.ok


def test_fidelity_sees_an_attention_that_is_not_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    original = registry.sdpa_attention_forward

    def wrong(module: Any, query: Any, *rest: Any, **named: Any) -> Any:
        return original(module, query * 1.01, *rest, **named)

    monkeypatch.setattr(registry, "sdpa_attention_forward", wrong)
    trace = attention.trace(build("llama", "decoder"), ids(N))
    assert trace.fidelity is not None
    assert not trace.fidelity.ok
    assert not trace.head(0, 0).error.ok


def test_nan_is_never_a_pass() -> None:
    trace = attention.trace(build("gpt2", "decoder"), ids(N))
    record = trace.record(0)
    broken = replace(record, output=record.output.clone().fill_(float("nan")))
    assert not replace(trace, all_records=(broken,)).head(0, 0).error.ok


def test_tensors_overwritten_in_place_are_kept_as_they_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("gpt2", "decoder")
    layer = model.transformer.h[0].attn
    before = type(layer).forward

    def overwriting(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = before(self, *args, **kwargs)
        seam = current()
        if seam is not None and seam.observer.operations and not seam.observer.copies:
            seam.observer.operations[-1].record.query.mul_(2)
        return result

    monkeypatch.setattr(type(layer), "forward", overwriting)
    assert attention.trace(model, ids(N)).head(0, 0).error.ok


def test_a_missing_mask_function_would_leak() -> None:
    """Why both registrations matter: causal models put no weight above the diagonal."""
    trace = attention.trace(build("llama", "decoder"), ids(N), attention_mask=[0] + [1] * (N - 1))
    for head in range(4):
        weights = trace.head(1, head).weights
        assert float(torch.from_numpy(weights.copy()).triu(1).abs().max()) == 0.0


def test_a_projection_that_is_not_the_layers_own_is_seen() -> None:
    model = build("llama", "decoder")
    trace = attention.trace(model, ids(N))
    other = trace.record(2).projection
    wrong = replace(trace, all_records=(replace(trace.record(0), projection=other),))
    error = wrong.head(0, 0).error
    assert not error.ok
    assert error.worst == "contributions"
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight.mul_(3)
    assert not replace(trace, all_records=(trace.record(0),)).head(0, 0).error.ok


def test_a_sum_of_contributions_alone_is_no_check() -> None:
    trace = attention.trace(build("gpt2", "decoder"), ids(N))
    error = trace.head(0, 0).error
    assert not replace(error, parts={"contributions": error.parts.get("own output", error.parts["output"])}).ok


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_oss"])
def test_bfloat16_weights_are_held_to_float32s_tolerance(name: str) -> None:
    model = build(name, "decoder").to(torch.bfloat16)
    trace = attention.trace(model, ids(41))
    record = trace.record(0)
    assert trace.head(0, 1).error.parts["weights"].relative < 1e-5
    slightly = replace(trace, all_records=(replace(record, scale=record.scale * 1.001),))
    assert not slightly.head(0, 1).error.ok
