"""Runs with edits, against hooks on the model's own projections, closed forms, and what must not change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

import attention
from attention.capture import Inputs
from attention.capture.edited import Given
from attention.capture.edited_run import edits_of_run, patched_from, run_edited
from attention.edits import edits_of
from attention.errors import InputError
from attention.record import Trace
from attention.record.changes import Changes, changed_output
from tests.capture.test_observe import FAMILIES, SINGLE
from tests.tiny import build, ids

TEXT = ids(9, seed=3)
PAIR = ids(6, seed=4)
NAMES = [family[0] for family in FAMILIES]
DECODERS = [family for family in FAMILIES if family[1] == "decoder"]
VERBS = ("off-{}.1", "off-{}.1-running", "off-{}.1-first", "off-{}.1-q4", "off-{}", "cut-{}.1-q5-k3", "cut-q5-k3",
         "cut-{}.1-k0", "hide-k2", "temper-{}.1-t0.5", "temper-{}.0-t3", "even-{}.1", "even-{}.1-q4")  # fmt: skip


@cache
def family(name: str) -> Any:
    """The family's model, for tests that change nothing in it: what is edited is a run."""
    _, kind, sizes, _ = next(one for one in FAMILIES if one[0] == name)
    return build(name, kind, **sizes).to(torch.float32 if name in SINGLE else torch.float64)


@cache
def untouched(name: str, kind: str) -> Trace:
    """The trace of its run without edits."""
    return traced(family(name), kind)


def inputs_for(kind: str) -> Inputs:
    return Inputs(ids=tuple(TEXT), pair_ids=tuple(PAIR) if kind == "both" else ())


def logits(model: Any, inputs: Inputs, lines: str | Sequence[str] = (), given: Given | None = None) -> Tensor:
    output = run_edited(model, inputs, edits_of_run(model, inputs, edits_of(lines)), given or Given())
    found = getattr(output, "logits", None)
    return found[0] if isinstance(found, Tensor) else output.last_hidden_state[0]


@cache
def own_logits(name: str, kind: str) -> Tensor:
    """What the family's model puts out without edits."""
    return logits(family(name), inputs_for(kind))


def traced(model: Any, kind: str, lines: str | Sequence[str] = ()) -> Trace:
    return attention.trace(model, TEXT, PAIR if kind == "both" else None, edits=lines)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), FAMILIES, ids=NAMES)
def test_a_head_shows_what_the_edited_run_put_out(
    name: str, kind: str, sizes: dict[str, Any], mode: str, verb: str
) -> None:
    """The stages of the record, made anew, give what the model went on with; and the run is not the untouched one."""
    model = family(name)
    base, made = untouched(name, kind), traced(model, kind, verb.format(0))
    first = made.record(min(made.records()))
    assert any(record.edits for record in made.all_records)
    for record in made.all_records:
        for head in range(record.n_heads):
            if record.query is not None or record.maps is not None:
                own = record.output[:, head].double()  # type: ignore[index]
                assert torch.allclose(record.stages(head).mixed.double(), own, atol=1e-5), (record.layer, head)
    changed = [
        not torch.equal(one.output, other.output)  # type: ignore[arg-type]
        for one, other in zip(base.all_records, made.all_records, strict=True)
    ]
    assert any(changed), verb
    assert first.kind == made.default_kind


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), FAMILIES, ids=NAMES)
def test_a_head_that_is_off_is_a_hook_on_what_enters_its_projection(
    name: str, kind: str, sizes: dict[str, Any], mode: str
) -> None:
    model, inputs = family(name), inputs_for(kind)
    trace = untouched(name, kind)
    record = trace.record(min(trace.records()))
    if record.projection is None:
        pytest.skip(record.no_projection)
    module = record.projection.module()  # type: ignore[attr-defined]
    width = record.output.shape[2]  # type: ignore[union-attr]

    def without_head_one(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        entered = args[0].clone()
        entered[..., width : 2 * width] = 0
        return (entered, *args[1:])

    handle = module.register_forward_pre_hook(without_head_one)
    try:
        with torch.no_grad():
            wanted = logits(model, inputs)
    finally:
        handle.remove()
    got = logits(model, inputs, f"off-{record.layer}.1")
    assert torch.allclose(got, wanted, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(got, own_logits(name, kind), atol=1e-6)


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), FAMILIES, ids=NAMES)
def test_a_cut_edge_leaves_its_weight_to_the_others(name: str, kind: str, sizes: dict[str, Any], mode: str) -> None:
    model = family(name)
    base = untouched(name, kind)
    layer, usual = min(base.records()), base.default_kind
    made = traced(model, kind, f"cut-{layer}.1-q5-k3")
    before, after = base.head(layer, 1).weights[5].astype(float), made.head(layer, 1).weights[5].astype(float)
    sink = base.head(layer, 1).sink_weight
    if before[3] == 0:
        pytest.skip("this query does not see that key")
    share = 1 - before[3]
    wanted = before / share
    wanted[3] = 0
    assert after == pytest.approx(wanted, abs=2e-6), sink
    assert made.head(layer, 1).weights[4] == pytest.approx(base.head(layer, 1).weights[4], abs=1e-6)
    assert made.head(layer, 0).weights == pytest.approx(base.head(layer, 0).weights, abs=1e-6)
    assert made.head(layer, 1, usual).masked[5, 3] == float("-inf")


@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), DECODERS, ids=[family[0] for family in DECODERS])
@pytest.mark.parametrize("verb", ["off-0.1-q5", "off-0-first-q5", "cut-q5-k3", "hide-k5", "even-0.1-q5", "cut-0.1-k5"])
def test_nothing_changes_before_an_edited_token(
    name: str, kind: str, sizes: dict[str, Any], mode: str, verb: str
) -> None:
    before, after = own_logits(name, kind), logits(family(name), inputs_for(kind), verb)
    assert torch.allclose(before[:5], after[:5], atol=1e-10 if before.dtype == torch.float64 else 1e-5)
    assert not torch.allclose(before[5:], after[5:], atol=1e-9)


@pytest.mark.parametrize("how", ["zero", "running", "mean"])
@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), DECODERS, ids=[family[0] for family in DECODERS])
def test_a_changed_last_token_changes_nothing_before_it_in_an_edited_run(
    name: str, kind: str, sizes: dict[str, Any], mode: str, how: str
) -> None:
    """A mean over the text itself would: a mean over reference texts and a running one do not."""
    model = family(name)
    one, other = Inputs(ids=tuple(TEXT)), Inputs(ids=(*TEXT[:-1], (TEXT[-1] + 1) % 30))
    width = untouched(name, kind).record(0).output.shape[2]  # type: ignore[union-attr]
    given = Given({("decoder", 0, 0, 1): torch.randn(1, width, generator=torch.Generator().manual_seed(0))})
    line = "off-0.1" if how == "zero" else f"off-0.1-{how}"
    before, after = logits(model, one, line, given), logits(model, other, line, given)
    assert torch.allclose(before[:-1], after[:-1], atol=1e-10 if before.dtype == torch.float64 else 1e-5)
    assert not torch.allclose(before[-1], after[-1], atol=1e-6)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_a_head_that_writes_nothing_changes_nothing_when_it_is_off(name: str) -> None:
    model, inputs = build(name, "decoder").double(), inputs_for("decoder")
    record = attention.trace(model, TEXT).record(0)
    weight = record.projection.module().weight  # type: ignore[union-attr]
    width = record.output.shape[2]  # type: ignore[union-attr]
    with torch.no_grad():
        (weight[width : 2 * width] if name == "gpt2" else weight[:, width : 2 * width]).zero_()
    assert torch.equal(logits(model, inputs, "off-0.1"), logits(model, inputs))
    assert not torch.equal(logits(model, inputs, "off-0.0"), logits(model, inputs))


@pytest.mark.parametrize("line", ["patch-0.1", "patch-0", "patch-1.0-q3"])
@pytest.mark.parametrize(("name", "kind", "sizes", "mode"), FAMILIES, ids=NAMES)
def test_patching_a_text_with_itself_changes_nothing_bit_for_bit(
    name: str, kind: str, sizes: dict[str, Any], mode: str, line: str
) -> None:
    model, inputs = family(name), inputs_for(kind)
    edits = edits_of_run(model, inputs, edits_of(line))
    given = patched_from(model, inputs, inputs, edits)
    assert given.outputs
    assert torch.equal(logits(model, inputs, line, given), own_logits(name, kind))


def test_a_patch_is_the_other_texts_own_output_and_weights() -> None:
    model = build("llama", "decoder").double()
    other = ids(9, seed=8)
    edits = edits_of_run(model, Inputs(ids=tuple(TEXT)), edits_of("patch-0.1,patch-1.2-weights-q4"))
    given = patched_from(model, Inputs(ids=tuple(TEXT)), Inputs(ids=tuple(other)), edits)
    theirs = attention.trace(model, other)
    assert torch.equal(given.outputs["decoder", 0, 0, 1], theirs.record(0).output[:, 1])  # type: ignore[index]
    mine = given.weights["decoder", 1, 0, 2]
    assert torch.allclose(mine.float(), torch.from_numpy(theirs.head(1, 2).weights.copy()), atol=1e-6)
    with pytest.raises(InputError, match="as many tokens"):
        patched_from(model, Inputs(ids=tuple(TEXT)), Inputs(ids=tuple(TEXT[:5])), edits)
    t5, (one, two) = build("t5", "both"), [Inputs(ids=tuple(ids(n)), pair_ids=tuple(ids(12 - n))) for n in (7, 5)]
    with pytest.raises(InputError, match="this one has 7 and 5, that one 5 and 7"):
        patched_from(t5, one, two, edits_of_run(t5, one, edits_of("patch-0.1")))


def test_a_running_mean_of_float16_does_not_end_where_its_sum_would() -> None:
    own = torch.full((3_000, 2), 40.0, dtype=torch.float16)  # 120,000 in all; float16 ends at 65,504
    assert torch.equal(changed_output(own, Changes(edits=edits_of("off-0.1-running"))), own)


@pytest.mark.parametrize(
    ("line", "said"),
    [("cut-0.1-q0-k0", "no key at all"), ("off-9.1", "0 to 2"), ("off-0.9", "0 to"), ("cut-0.1-q30-k0", "query 30"),
     ("off-cross.0.1", "cross"), ("hide-k40", "key 40"),
     ("temper-0-t0.1,temper-0.1-t0.2", "decoder 0, head 1 make 0.02"),
     ("temper-0-t20,temper-0.2-t20", "head 2 make 400")],
)  # fmt: skip
def test_edits_that_a_run_cannot_take_are_refused_with_a_reason(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        attention.trace(build("llama", "decoder"), TEXT, edits=line)


def test_the_layers_of_a_hybrid_model_are_named_as_they_are() -> None:
    with pytest.raises(InputError, match=r"not there: there are 1\."):
        attention.trace(build("jamba", "decoder"), TEXT, edits="off-2.1")
    with pytest.raises(InputError, match=r"not there: there are 0, 2\."):
        attention.trace(build("minimax", "decoder"), TEXT, edits="off-1.1")


def test_a_very_low_score_is_no_forbidden_one() -> None:
    """A row that is evened out is spread over all that the mask leaves, however low a score is."""
    model = build("llama", "decoder").double()
    with torch.no_grad():
        model.model.layers[1].self_attn.q_proj.weight.mul_(1e6)
    trace = attention.trace(model, TEXT, edits="even-1.1,temper-1.2-t2")
    assert trace.head(1, 1).weights[-1] == pytest.approx([1 / len(TEXT)] * len(TEXT))
    masked = trace.record(1).stages(1)["masked"]
    assert masked[masked.isfinite()].min() < -9_999
    assert trace.fidelity is not None
    assert trace.fidelity.ok


def test_the_model_comes_back_as_it_was_and_the_next_run_is_untouched() -> None:
    model, inputs = build("gpt2", "decoder").double(), inputs_for("decoder")
    before = logits(model, inputs)
    implementation = model.config._attn_implementation
    with pytest.raises(InputError):
        attention.trace(model, TEXT, edits="cut-0.1-q0-k0")
    attention.trace(model, TEXT, edits="off-0.1,hide-k3")
    assert torch.equal(logits(model, inputs), before)
    assert model.config._attn_implementation == implementation
    with torch.no_grad():
        assert torch.allclose(model(torch.tensor([TEXT])).logits[0], before, atol=1e-9)
