"""A head that is switched off by its mean, from an edit's line to the run that goes on with it."""

from __future__ import annotations

import pytest
import torch

import attention
from attention.analysis.ablation import all_off
from attention.analysis.effect import logits_of
from attention.capture import Address
from attention.edits import edits_of
from attention.errors import InputError
from attention.reference import ReferenceTexts, reference_texts
from attention.source import inputs_of, load_source, reference_means
from attention.source.editing import editing_of

TEXT = "The old woman put the basket on the table, because"


def test_a_trace_with_a_mean_goes_on_with_it() -> None:
    source = load_source("storyteller", None, None)
    means = reference_means(source, reference_texts())
    trace = attention.trace("storyteller", TEXT, edits="off-1.2-mean")
    output = torch.from_numpy(trace.head(1, 2).output.copy())
    assert (output - means[Address("decoder", 1)][2]).abs().max() < 1e-5
    assert any("mean is over 12 texts by the storyteller" in note for note in trace.notes)


def test_an_edited_run_and_the_map_of_all_heads_tell_the_same() -> None:
    from attention.capture.edited import Edited

    source = load_source("storyteller", None, None)
    inputs = inputs_of(source, TEXT, None, None)[0]
    made = all_off(source, inputs, how="mean")
    for layer, head in ((0, 1), (2, 4)):
        editing = editing_of(source, inputs, edits_of(f"off-{layer}.{head}-mean"))
        edited = Edited(editing.edits, given=editing.given)  # type: ignore[arg-type]
        after = logits_of(source, inputs, [made.metric.position], edited)[0]
        change = float(made.metric.of(after)) - made.base
        assert made.values[Address("decoder", layer)][head] == pytest.approx(change, abs=1e-4)


@pytest.mark.parametrize("line", ["off-1.2-mean-q3,patch-1.2-q5", "patch-1,off-1.2-mean", "off-1-mean,patch-1.2"])
def test_a_head_takes_its_mean_or_another_texts_output(line: str) -> None:
    with pytest.raises(InputError, match="put two things in place of one head's output"):
        attention.trace("storyteller", TEXT, edits=line, patch_text=TEXT)
    attention.trace("storyteller", TEXT, edits="off-1.2-mean,patch-1.3,patch-2.2", patch_text=TEXT)


def test_a_head_without_a_mean_is_refused() -> None:
    source = load_source("storyteller", None, None)
    inputs = inputs_of(source, TEXT, None, None)[0]
    empty = ReferenceTexts(texts=("",), name="an empty text")
    with pytest.raises(InputError, match="no second token"):
        editing_of(source, inputs, edits_of("off-1.2-mean"), reference=empty)
    with pytest.raises(InputError, match="no second token"):
        all_off(source, inputs, how="mean", reference=empty)
    with pytest.raises(InputError, match="names head 99; here they are 0 to 5"):
        attention.trace("storyteller", TEXT, edits="off-1.99-mean")
