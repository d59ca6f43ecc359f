"""A sample of benchmarks/coverage, and its published results: docs/coverage.md says what was measured, and no more."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import attention
from attention.capture import registry
from benchmarks.coverage.compare import Aligned, Gap, align, gap
from benchmarks.coverage.examine import Row, _judge, examine
from benchmarks.coverage.listing import Architecture, architectures
from benchmarks.coverage.mutants import MUTANTS, noticed
from benchmarks.coverage.page import page, rows_of
from benchmarks.coverage.reference import Own, Reference, reference
from benchmarks.coverage.sorts import asked, sort_of
from benchmarks.coverage.workers import Worker
from tests.tiny import build, ids

ROOT = Path(__file__).resolve().parents[2]
# What each is, its capture mode ("" where it is refused), and which mutants it has.
SAMPLE: dict[str, tuple[str, str, str]] = {
    "LlamaForCausalLM": ("softmax", "registry", "scale mask"), "GPT2LMHeadModel": ("softmax", "registry", "scale mask"),
    "BertForMaskedLM": ("softmax", "registry", "scale"), "MistralForCausalLM": ("softmax", "registry", "scale mask"),
    "Gemma2ForCausalLM": ("softmax", "registry", "scale mask softcap"),
    "Gemma3ForConditionalGeneration": ("softmax", "registry", "scale mask"),
    "GptOssForCausalLM": ("softmax", "registry", "scale mask sink"),
    "GraniteSWAForCausalLM": ("softmax", "registry", "scale mask sink"),
    "DeepseekV32ForCausalLM": ("softmax", "registry", "scale mask"),
    "DeepseekV4ForCausalLM": ("softmax", "registry", "scale mask sink"),
    "Inkling2ForCausalLM": ("softmax, in part", "registry", "scale mask sink bias"),
    "T5ForConditionalGeneration": ("softmax", "registry", "scale mask bias"),
    "BartForConditionalGeneration": ("softmax", "registry", "scale mask"),
    "T5Gemma2ForConditionalGeneration": ("softmax", "registry", "scale mask"),
    "EncoderDecoderModel": ("softmax", "registry", "scale mask"),
    "BigBirdPegasusForConditionalGeneration": ("softmax", "softmax", "scale mask"),
    "BloomForCausalLM": ("softmax", "softmax", "scale mask bias"),
    "MPNetForMaskedLM": ("softmax", "softmax", "scale bias"),
    "DebertaV2ForMaskedLM": ("softmax", "softmax", ""), "FalconForCausalLM": ("softmax", "call", "scale mask"),
    "SqueezeBertForMaskedLM": ("softmax", "softmax", "scale"),
    "NystromformerForMaskedLM": ("softmax", "softmax", "scale"),
    "JambaForCausalLM": ("hybrid", "registry", "scale mask"),
    "Qwen3NextForCausalLM": ("hybrid", "registry", "scale mask"),
    "LEDForConditionalGeneration": ("softmax, in part", "softmax", "scale mask"),
    "CanineModel": ("softmax, in part", "softmax", "scale"), "MambaForCausalLM": ("state-space", "", ""),
    "FNetForMaskedLM": ("Fourier transform", "", ""), "LongformerModel": ("banded attention", "", ""),
    "ReformerModelWithLMHead": ("hashed attention", "", ""),
}  # fmt: skip


@cache
def known(name: str) -> Architecture:
    """The one of this name, found alone: looking for all of them imports most models of the library."""
    (found,) = architectures({name})
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_all_architectures(name: str) -> None:
    sort, mode, mutants = SAMPLE[name]
    row = examine(known(name))
    assert (sort_of(row), row.capture_mode, row.outcome) == (sort, mode, "exact" if mode else "refused"), row
    assert row.mutants == dict.fromkeys(mutants.split(), True)
    if mode:
        assert row.error is not None
        assert row.error <= 1e-5
        assert row.even is not None
        assert row.even < 0.8


def test_the_sample_holds_every_capture_mode_and_every_mutant() -> None:
    assert len(SAMPLE) == 30
    assert {mode for _, mode, _ in SAMPLE.values()} == {"registry", "softmax", "call", ""}
    assert {mutant for _, _, mutants in SAMPLE.values() for mutant in mutants.split()} == set(MUTANTS)


def llama() -> tuple[Any, Reference]:
    model = build("llama", "decoder")
    trace = attention.trace(model, ids(13))
    model.set_attn_implementation("eager")
    return trace, reference(model, ids(13), None)


def test_a_mutant_that_is_not_noticed_is_told() -> None:
    trace, own = llama()
    aligned = align(trace, own)
    assert noticed(aligned) == {"scale": True, "mask": True}
    even = [replace(record, query=record.query * 0, output=None, projection=None) for record, _ in aligned.pairs]
    blind = Aligned([(record, [Own(torch.stack([record.stages(h).weights for h in range(4)]))]) for record in even])
    assert not noticed(blind)["scale"]  # scores of 0 stay 0 at any scale


def test_attention_that_a_trace_lacks_is_counted() -> None:
    trace, own = llama()
    assert align(trace, own).lacking == 0
    less = replace(trace, all_records=trace.all_records[:-1])
    assert align(less, own).lacking == 1
    assert align(less, Reference(handed=own.handed)).lacking == 1
    nothing = align(trace, Reference())
    assert all(not owns for _, owns in nothing.pairs)
    assert not gap(*nothing.pairs[0]).ok  # what was compared with nothing is not right


@pytest.mark.parametrize("source", ["its maps", "its softmax"])
def test_both_sources_are_compared_and_each_can_fail(source: str) -> None:
    trace, own = llama()
    aligned = align(trace, own)
    assert aligned.sources == ["its maps", "its softmax"]
    assert all(gap(*pair).ok for pair in aligned.pairs)
    owns = own.handed[""] if source == "its maps" else own.softmaxes
    owns[0] = replace(owns[0], weights=owns[0].weights.flip(0))
    assert [gap(*pair).ok for pair in align(trace, own).pairs] == [False, True, True]


def test_a_capture_that_scales_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    original = registry.sdpa_attention_forward

    def wrong(module: Any, query: Any, *rest: Any, **named: Any) -> Any:
        return original(module, query * 1.01, *rest, **named)

    monkeypatch.setattr(registry, "sdpa_attention_forward", wrong)
    row = examine(known("LlamaForCausalLM"))
    assert row.outcome == "differs"
    assert row.error is not None
    assert row.error > 1e-3


@pytest.mark.parametrize(
    ("checks", "hidden", "worst", "outcome"),
    [
        (True, False, Gap(1e-7, 1e-7), "exact"), (True, False, Gap(1e-3, 1e-7), "silent"),
        (True, False, Gap(1e-7, 1e-3), "silent"), (False, False, Gap(1e-3, 1e-3), "differs"),
        (False, False, Gap(1e-7, 1e-7), "differs"), (True, True, Gap(1e-7, 1e-7), "silent"),
        (True, False, Gap(), "differs"),
    ],
)  # fmt: skip
def test_how_an_outcome_is_told(checks: bool, hidden: bool, worst: Gap, outcome: str) -> None:
    row = Row("X", "x", "causal")
    _judge(row, checks, hidden, worst)
    assert row.outcome == outcome


def test_what_cannot_be_built_or_crashes_is_a_row() -> None:
    assert examine(Architecture("NoSuchModel", "llama", "causal")).outcome == "not built"
    assert examine(Architecture("BertForMaskedLM", "no-such-type", "masked")).outcome == "not built"


def test_a_worker_that_hangs_or_dies_is_a_row() -> None:
    worker = Worker()
    try:
        worker.give(known("LlamaForCausalLM"))
        hung = worker.take(limit=0)
        assert hung is not None
        assert (hung.name, hung.outcome) == ("LlamaForCausalLM", "timeout")
        worker.give(known("LlamaForCausalLM"))
        worker.process.kill()
        worker.process.join()
        dead = worker.take(limit=60)
        assert dead is not None
        assert dead.outcome == "crash"
        assert worker.busy is None
    finally:
        worker.stop()


def results() -> dict[str, Any]:
    made: dict[str, Any] = json.loads((ROOT / "benchmarks/results/coverage.json").read_text(encoding="utf-8"))
    return made


def test_the_page_is_made_of_the_results() -> None:
    assert (ROOT / "docs/coverage.md").read_text(encoding="utf-8") == page(results())


def test_the_results_are_of_this_transformers_and_of_all_its_architectures() -> None:
    made = results()
    assert made["machine"]["transformers"] == transformers.__version__
    assert f"transformers {transformers.__version__} (" in (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
    assert [row["name"] for row in made["rows"]] == [one.name for one in architectures()]


def test_the_results_reach_what_they_should() -> None:
    rows = rows_of(results())
    all_ = [row for row in rows if asked(row)]
    assert sum(row.outcome == "exact" for row in all_) >= 0.95 * len(all_)
    assert not [row.name for row in rows if row.outcome in ("crash", "silent", "timeout")]
    assert all(seen for row in rows for seen in row.mutants.values())
    assert all(row.even is not None and row.even < 0.9 for row in rows if row.outcome == "exact")
    assert all(row.reason for row in rows if row.outcome != "exact")
    assert results()["seconds"] < 15 * 60
