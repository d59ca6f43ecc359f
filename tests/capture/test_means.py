"""Means of heads over texts, against runs of one text each; remembered with the model as it is."""

from __future__ import annotations

import pytest
import torch

from attention.capture import Address, Call, Inputs, Product, observe
from attention.capture.means import means_of, remembered
from attention.capture.second import second_run
from attention.errors import InputError
from attention.reference import ReferenceTexts
from attention.source import Source, reference_inputs, reference_means
from tests import small_models
from tests.analysis.by_hooks import PATHS, eager, heads_of, places, source_of, text_of
from tests.tiny import build

SIZES = (9, 4, 13, 1, 9)


@pytest.mark.parametrize("family", list(PATHS))
def test_a_mean_leaves_out_first_tokens(family: str) -> None:
    source = source_of(family)
    texts = [text_of(family, n, seed=30 + at) for at, n in enumerate(SIZES)]
    found = means_of(source.model, texts, "one")
    own = eager(source.model)
    kept = [heads_of(family, own, one) for one in texts]
    assert {(at.kind, at.layer) for at in found} == set(places(family))
    for at, mean in found.items():
        rows = torch.cat([heads[at.kind, at.layer][1:] for heads in kept]).double()
        assert mean.dtype == torch.float32
        assert (mean - rows.mean(dim=0)).abs().max() < 1e-5 * max(1.0, float(rows.abs().max()))


def test_a_mean_is_of_each_text_as_it_is_read_alone() -> None:
    """MobileBERT joins each token's vector with its neighbours', so that padding would reach the last one."""
    model = build("mobilebert", "masked")
    texts = [text_of("bert", n, seed=40 + at) for at, n in enumerate((3, 8, 8))]
    found = means_of(model, texts, "one")
    for at in found:
        own = [second_run(model, one, (), keep=[at]).seen[at].outputs for one in texts]
        expected = torch.cat([outputs[1:] for outputs in own if outputs is not None]).mean(0)
        assert (found[at] - expected).abs().max() < 1e-5 * expected.abs().max()


def test_means_are_made_once_for_a_model_as_it_is() -> None:
    source, texts = source_of("gpt2"), [text_of("gpt2", 5)]
    assert remembered(source.model, "one") is None
    first = means_of(source.model, texts, "one")
    assert means_of(source.model, [], "one") is first is remembered(source.model, "one")
    assert remembered(source.model, "other") is None
    with torch.no_grad():
        source.model.transformer.h[0].attn.c_attn.weight.mul_(2)
    again = means_of(source.model, texts, "one")
    assert (again[Address("decoder", 0)] - first[Address("decoder", 0)]).abs().max() > 1e-3


def test_one_lone_token_gives_no_mean() -> None:
    source = source_of("gpt2")
    assert means_of(source.model, [text_of("gpt2", 1)], "short") == {}
    with pytest.raises(InputError, match="None of the reference texts"):
        means_of(source.model, [], "none")


def test_progress_counts_texts() -> None:
    seen: list[tuple[int, int]] = []
    texts = [text_of("gpt2", n, seed=n) for n in (5, 60, 60, 7)]
    means_of(source_of("gpt2").model, texts, "four", on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)


def test_texts_that_are_too_long_are_left_out() -> None:
    source = Source(model=small_models.model("gpt2"), tokenizer=small_models.tokenizer("gpt2"), trained=True)
    reference = ReferenceTexts(texts=("The cat sat.", "z" * 200, "The red door opens."), name="three")
    assert len(reference_inputs(source, reference)) == 2
    found = reference_means(source, reference)
    assert found == reference_means(source, reference)
    assert {at.layer for at in found} == {0, 1}


def test_positions_bound_the_logits_where_the_model_can() -> None:
    class Still:
        def attend(self, call: Call, product: Product) -> torch.Tensor:
            return product(call)

    model, text = source_of("gpt2").model, Inputs(ids=(5, 6, 7, 8))
    whole = observe(model, [text, text], Still()).tensor
    some = observe(model, [text, text], Still(), positions=[3, 1]).tensor
    assert some.shape == (2, 2, 101)
    assert torch.allclose(some, whole[:, [3, 1]])
    bert, masked = source_of("bert").model, text_of("bert")
    assert observe(bert, [masked], Still(), positions=[3]).tensor.shape[1] == len(masked.ids)
