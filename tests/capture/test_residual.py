"""The residual stream as a sum: told for models that have one, refused with the reason for those that have none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attention.capture import Call, Inputs, NoStream, Product, Residual, Stream, observe
from attention.capture.norms import norm_of
from tests.tiny import build, ids

N = 9
# One stream each: norms before blocks, beside them and after them; blocks in a row and side by side; sums in place.
STREAMS: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {}), ("llama", {}), ("mistral", {}), ("gemma2", {}), ("gpt_neox", {}), ("gptj", {"rotary_dim": 8}),
    ("falcon", {}), ("bloom", {}), ("opt", {}), ("granite", {"residual_multiplier": 0.22}), ("phi", {}), ("olmo2", {}),
    ("cohere", {}), ("mpt", {"n_heads": 4, "n_layers": 3}), ("gpt_oss", {}), ("jamba", {}), ("qwen3", {}),
]  # fmt: skip


class Through:
    """An observer that leaves all as it is."""

    def attend(self, call: Call, product: Product) -> Tensor:
        return product(call)


def watched(model: Any, *texts: Inputs) -> Residual:
    residual = Residual()
    observe(model, texts, Through(), residual=residual)
    return residual


def entering(model: Any, module: str, **arguments: Any) -> tuple[Tensor, Tensor]:
    """What entered and left a module in a run of the model alone."""
    seen: list[tuple[Tensor, Tensor]] = []
    hook = model.get_submodule(module).register_forward_hook(lambda _m, args, out: seen.append((args[0].clone(), out)))
    with torch.no_grad():
        model(**arguments)
    hook.remove()
    return seen[-1]


@pytest.mark.parametrize(("name", "sizes"), STREAMS, ids=[name for name, _ in STREAMS])
def test_what_blocks_write_sums_to_what_enters_the_last_norm(name: str, sizes: dict[str, Any]) -> None:
    model, text = build(name, "decoder", **sizes), Inputs(ids=tuple(ids(N)))
    stream = watched(model, text).of()
    assert isinstance(stream, Stream), stream
    entered, left = entering(model, stream.final.module, input_ids=torch.tensor([text.ids]))
    total = sum((write.tensor for write in stream.writes), torch.zeros(1))
    assert (total - entered).abs().max() < 1e-5 * entered.abs().max()
    assert stream.apart < 1e-5
    assert {write.layer for write in stream.writes} == {None, *range(model.config.num_hidden_layers)}
    # Two parts write in each layer, attention and MLP, and each is named by its path.
    for layer in range(model.config.num_hidden_layers):
        own = [write.module for write in stream.writes if write.layer == layer]
        assert len(own) >= 2
        assert all(f".{layer}" in module for module in own)
    # With its scale held still the last norm is linear: what the parts become sums to what it put out.
    parts = sum((stream.final.frozen(write.tensor) for write in stream.writes), stream.final.bias)
    assert (parts - left).abs().max() < 1e-4 * left.abs().max()


def test_parts_through_the_frozen_norm_and_the_unembedding_sum_to_the_logits() -> None:
    """Direct logit attribution is exact: GPT-2, unfolded weights, whose unembedding has no bias."""
    model, text = build("gpt2", "decoder"), Inputs(ids=tuple(ids(N)))
    stream = watched(model, text).of()
    assert isinstance(stream, Stream)
    unembedding = model.get_output_embeddings().weight
    rows = [stream.final.frozen(write.tensor) @ unembedding.T for write in stream.writes]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([text.ids])).logits
    assert (sum(rows) + stream.final.bias @ unembedding.T - logits).abs().max() < 1e-4 * logits.abs().max()


def test_a_batch_has_the_stream_of_each_text() -> None:
    model = build("gpt2", "decoder")
    texts = [Inputs(ids=tuple(ids(n, seed=n))) for n in (9, 4)]
    stream = watched(model, *texts).of()
    assert isinstance(stream, Stream)
    for at, text in enumerate(texts):
        alone = watched(model, text).of()
        assert isinstance(alone, Stream)
        assert [write.module for write in alone.writes] == [write.module for write in stream.writes]
        for one, other in zip(stream.writes, alone.writes, strict=True):
            own = one.tensor[min(at, len(one.tensor) - 1), : len(text.ids)]
            assert (own - other.tensor[0]).abs().max() < 1e-4 * other.tensor.abs().max()


def test_both_stacks_of_an_encoder_decoder_have_a_stream() -> None:
    model, text = build("t5", "both"), Inputs(ids=tuple(ids(N)), pair_ids=tuple(ids(5, seed=4)))
    residual = watched(model, text)
    arguments = {"input_ids": torch.tensor([text.ids]), "decoder_input_ids": torch.tensor([text.pair_ids])}
    for stack in ("encoder", "decoder"):
        stream = residual.of(stack)
        assert isinstance(stream, Stream)
        assert stream.final.module == f"{stack}.final_layer_norm"
        entered, _ = entering(model, stream.final.module, **arguments)
        assert (sum(write.tensor for write in stream.writes) - entered).abs().max() < 1e-5 * entered.abs().max()


def test_a_part_that_hands_on_what_it_was_given_has_written_nothing() -> None:
    """The first layer of this model norms nothing, by a module that stands in its place; the vectors are no layer's."""
    stream = watched(build("modernbert", "encoder"), Inputs(ids=tuple(ids(N)))).of()
    assert isinstance(stream, Stream), stream
    assert stream.writes[0].module.startswith("embeddings")
    assert [write.layer for write in stream.writes] == [None, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("bert", "encoder"), ("roberta", "masked"), ("albert", "encoder"), ("bart", "both"), ("openai-gpt", "decoder")],
)
def test_a_stream_that_is_made_anew_in_every_layer_is_refused(name: str, kind: str) -> None:
    pair = tuple(ids(5, seed=4)) if kind == "both" else ()
    refused = watched(build(name, kind), Inputs(ids=tuple(ids(N)), pair_ids=pair)).of()
    assert isinstance(refused, NoStream)
    assert "makes the stream anew on the way" in refused.reason


def test_a_part_that_was_not_seen_is_not_passed_over() -> None:
    """A model that changes its stream unseen: the sum differs, and is refused."""
    model = build("gpt2", "decoder")
    model.transformer.h[1].register_forward_hook(
        lambda _m, _a, out: torch.ops.aten.addcmul(out, torch.ones_like(out), torch.ones_like(out))
    )
    refused = watched(model, Inputs(ids=tuple(ids(N)))).of()
    assert isinstance(refused, NoStream)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_norm_is_told_by_what_it_does(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 5, 24).to(dtype)
    layer, rms = nn.LayerNorm(24).to(dtype), nn.RMSNorm(24, eps=1e-6).to(dtype)
    for module in (layer, rms):
        nn.init.normal_(module.weight)
    nn.init.normal_(layer.bias)
    found = {module: norm_of(module, "own", x, module(x)) for module in (layer, rms)}
    wide = x.float() if dtype is torch.bfloat16 else x
    sizes = {
        layer: wide.var(-1, unbiased=False, keepdim=True) + layer.eps,
        rms: wide.square().mean(-1, keepdim=True) + 1e-6,
    }
    for module, norm in found.items():
        assert norm is not None
        assert norm.held.centred is (module is layer)
        assert torch.allclose(norm.scale, sizes[module].sqrt(), rtol=2e-2 if dtype is torch.bfloat16 else 1e-4)
    for other in (nn.GELU(), nn.Identity(), nn.Softmax(dim=-1), nn.Tanh()):
        assert norm_of(other, "none", x, other(x)) is None
