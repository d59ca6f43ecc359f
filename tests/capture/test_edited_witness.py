"""Each head's check in an edited run: against the model's own function under the same edits, made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.capture import Inputs, registry, trace_model
from attention.capture import anew as making
from attention.capture import edited as editing
from attention.capture.edited import Given
from attention.capture.edited_run import edits_of_run
from attention.capture.fidelity import replacements_anew
from attention.edits import Edit, edits_of
from attention.record import AttentionRecord, Mask, Token, Trace
from attention.record.checks import check_heads
from attention.sentences import run_check
from benchmarks.coverage.build import build as tiny
from tests.capture.test_reach import known
from tests.capture.test_second import BY_NAME, CASES, NAMES, lines_of, shared, sources_of, texts_of, wrong
from tests.tiny import build, ids


def traced(model: Any, line: str, kind: str, text: Inputs | None = None) -> Trace:
    own, other = texts_of(kind)
    text = text or own
    edits = edits_of_run(model, text, edits_of(line))
    anew = replacements_anew(model, text, edits, sources_of(kind, other))
    tokens, pair = (
        tuple(Token(id=one, piece=str(one), text=str(one)) for one in side) for side in (text.ids, text.pair_ids)
    )
    given = Given(anew.outputs, anew.weights)
    return trace_model(model, text, tokens=tokens, pair_tokens=pair, edits=edits, given=given)


@pytest.mark.parametrize(("name", "kind", "sizes", "mode", "at"), CASES, ids=NAMES)
def test_every_head_of_an_edited_run_holds(name: str, kind: str, sizes: dict[str, Any], mode: str, at: str) -> None:
    model = shared(name)
    for line in lines_of(at)[::2] if kind == "both" else lines_of(at):
        trace = traced(model, line, kind)
        edited = [record for record in trace.all_records if record.edits]
        assert edited
        for record in edited:
            for error in trace.layer_errors(record):
                assert error.ok, (line, record.layer, error)
                assert not error.unchecked, (line, error)
                assert {"weights", "output", "own output"} <= error.parts.keys()


def off_by_one(edit: Edit) -> Edit:
    return edit if edit.head is None else replace(edit, head=(edit.head + 1) % 4)


def transposed(edit: Edit) -> Edit:
    return replace(edit, query=edit.key, key=edit.query) if edit.verb == "cut" else edit


FAULTS: list[tuple[Callable[[Edit], Edit], str]] = [
    (off_by_one, "off-1.2"), (off_by_one, "off-1.2-running"), (off_by_one, "off-1.2-first"),
    (off_by_one, "temper-1.2-t3"), (off_by_one, "even-1.2-q6"), (off_by_one, "cut-1.2-q5-k4"),
    (transposed, "cut-1.2-q5-k4"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["bert", "mpnet"])
def test_an_edit_in_the_wrong_place_fails_the_heads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, kind = shared(name), BY_NAME[name][1]
    for change, line in FAULTS:
        with monkeypatch.context() as patch:
            patch.setattr(editing, "edits_at", wrong(change))
            trace = traced(model, line, kind)
        errors = trace.layer_errors(trace.record(1))
        assert any(not error.ok for error in errors), line
        holds, words = run_check(trace.fidelity)
        assert holds is False
        assert words.startswith("Do not trust this edited run")


@pytest.mark.parametrize("name", ["llama", "falcon", "gemma2"])
def test_a_record_that_leaves_out_an_edit_fails(name: str) -> None:
    model, kind = shared(name), BY_NAME[name][1]
    changed: dict[str, Callable[[AttentionRecord], AttentionRecord]] = {
        "off-1.2": lambda record: replace(record, edits=()),
        "temper-1.2-t3": lambda record: replace(record, edits=edits_of("temper-decoder.1.2-t2")),
        "even-1.2-q6": lambda record: replace(record, edits=edits_of("even-decoder.1.2-q5")),
        "cut-1-q5-k4": lambda record: replace(record, mask=Mask(after=0)),
        "off-1.2-mean": lambda record: replace(record, given={head: 2 * one for head, one in record.given.items()}),
    }
    for line, change in changed.items():
        record = traced(model, line, kind).record(1)
        assert check_heads(record)[2].ok
        assert not check_heads(change(record))[2].ok, line


def test_the_foot_says_that_the_run_was_made_twice() -> None:
    holds, words = run_check(traced(shared("gpt2"), "off-1.2", "decoder").fidelity)
    assert holds
    assert "second run with the same edits, made by other code in 0." in words


def test_a_file_keeps_what_was_compared(tmp_path: Path) -> None:
    trace = traced(shared("gpt2"), "off-1.2,cut-0.1-q5-k4", "decoder")
    back = attention.load(attention.save(trace, tmp_path / "edited.npz"))
    assert back.fidelity == trace.fidelity
    assert run_check(back.fidelity) == run_check(trace.fidelity)
    assert [record.edits for record in back.all_records] == [record.edits for record in trace.all_records]


def test_what_was_not_compared_is_said_and_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise making.NotComparedError("there is no way to do it")

    monkeypatch.setattr("attention.capture.fidelity.second_run", refuses)
    model, (text, _) = shared("gpt2"), texts_of("decoder")
    tokens = tuple(Token(id=one, piece=str(one), text=str(one)) for one in text.ids)
    trace = trace_model(model, text, tokens=tokens, edits=edits_of("off-1.2"))
    assert run_check(trace.fidelity) == (
        None, "the edited run was not compared with a second one: there is no way to do it",
    )  # fmt: skip
    assert trace.fidelity is not None
    assert not trace.fidelity.ok


def test_a_padded_text_holds() -> None:
    mask = (0, 0, *[1] * 7)
    for name in ("gpt2", "bloom", "bert"):
        model, kind = shared(name), BY_NAME[name][1]
        text = replace(texts_of(kind)[0], attention_mask=mask)
        for line in ("off-1.2", "temper-1.2-t3", "even-1.2-q6", "cut-1.2-q6-k5", "off-1.2-first"):
            trace = traced(model, line, kind, text)
            assert trace.fidelity is not None
            assert trace.fidelity.ok, (name, line, trace.fidelity)
            assert all(error.ok for error in trace.layer_errors(trace.record(1))), (name, line)


def test_a_long_text_is_checked_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in blocks give what they give at once: running means go on from block to block."""
    model, text = build("qwen3", "decoder"), Inputs(ids=tuple(ids(31)))
    monkeypatch.setattr(registry, "BLOCK", 4 * 31 * 3)
    monkeypatch.setattr(making, "AT_ONCE", 4 * 31 * 5)
    for line in ("off-1.2-running", "off-1.2-running-q20", "cut-1.2-q5-k4", "hide-k12", "even-1.2-q20", "temper-1-t2"):
        trace = traced(model, line, "decoder", text)
        assert trace.fidelity is not None
        assert trace.fidelity.ok
        assert all(error.ok for error in trace.layer_errors(trace.record(1))), line


@pytest.mark.parametrize("name", ["ConvBertForMaskedLM", "NystromformerForMaskedLM"])
def test_a_head_that_is_off_holds_where_no_projection_is_known(name: str) -> None:
    """It is off by its weights in the second run; its weights in the trace are the model's own."""
    model = tiny(known(name))  # held, for the check asks it
    trace = attention.trace(model, ids(9), edits="off-1.1")
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    assert all(error.ok for record in trace.all_records for error in trace.layer_errors(record))
    own = attention.trace(model, ids(9))
    assert np.allclose(trace.head(1, 1).weights, own.head(1, 1).weights, atol=1e-6)
    assert not trace.head(1, 1).output.any()


def test_half_precision_holds() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        model = build("llama", "decoder").to(dtype)
        for line in ("off-1.2-running", "cut-1.2-q5-k4", "even-1.2-q6", "temper-1.2-t2"):
            trace = traced(model, line, "decoder")
            assert trace.fidelity is not None
            assert trace.fidelity.ok, (line, trace.fidelity)
            assert all(error.ok for error in trace.layer_errors(trace.record(1))), line
