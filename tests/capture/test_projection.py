"""The projection after the heads, found by what it does."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attention
from attention.capture.projection import is_affine
from attention.record.checks import check_heads
from tests.tiny import build, ids

N = 13


@pytest.mark.parametrize(
    ("name", "kind", "tail"),
    [
        ("bert", "encoder", "encoder.layer.2.attention.output.dense"),
        ("gpt2", "decoder", "transformer.h.2.attn.c_proj"),
        ("distilbert", "encoder", "transformer.layer.2.attention.out_lin"),
        ("modernbert", "encoder", "layers.2.attn.Wo"),
        ("llama", "decoder", "model.layers.2.self_attn.o_proj"),
        ("gpt_neox", "decoder", "gpt_neox.layers.2.attention.dense"),
    ],
)
def test_it_is_found_under_any_name(name: str, kind: str, tail: str) -> None:
    projection = attention.trace(build(name, kind), ids(N)).record(2).projection
    assert projection is not None
    assert projection.name == tail
    assert projection.norm_follows is None


@pytest.mark.parametrize(("name", "kind"), [("gpt2", "decoder"), ("bert", "encoder"), ("llama", "decoder")])
def test_contributions_and_bias_sum_to_what_the_model_put_out(name: str, kind: str) -> None:
    model = build(name, kind)
    trace = attention.trace(model, ids(N))
    record = trace.record(1)
    assert record.projection is not None
    put_out: list[Tensor] = []
    module = model.get_submodule(record.projection.name)
    hook = module.register_forward_hook(lambda _module, _args, output: put_out.append(output[0]))
    with torch.no_grad():
        model(torch.tensor([ids(N)]))
    hook.remove()
    shares = sum(torch.from_numpy(trace.head(1, head).contribution.copy()) for head in range(4))
    bias = 0 if module.bias is None else module.bias
    assert torch.allclose(shares + bias, put_out[0], atol=1e-5)
    assert trace.head(1, 0).error.parts["contributions"].relative < 1e-6


def test_a_head_without_weights_in_the_projection_contributes_nothing() -> None:
    model = build("llama", "decoder")
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight[:, 12:24] = 0
    trace = attention.trace(model, ids(N))
    assert (trace.head(1, 1).contribution == 0).all()
    assert abs(trace.head(1, 2).contribution).max() > 0.1


@pytest.mark.parametrize(
    ("name", "norm"), [("gemma2", "post_attention_layernorm"), ("glm4", "post_self_attn_layernorm")]
)
def test_a_norm_that_follows_is_told(name: str, norm: str) -> None:
    model = build(name, "decoder")
    view = attention.trace(model, ids(N)).head(0, 0)
    assert view.norm_follows is not None
    assert view.norm_follows.endswith(norm)
    assert view.contribution is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("bitnet", "attn_sub_norm first, which is not linear"), ("afmoe", "a gate or the like, before they reach")],
)
def test_a_norm_or_gate_before_it_is_the_reason_for_no_contribution(name: str, reason: str) -> None:
    model = build(name, "decoder")
    view = attention.trace(model, ids(N)).head(0, 0)
    assert view.contribution is None
    assert reason in view.no_contribution
    assert view.error.ok
    assert "contributions" not in view.error.parts


class Adapter(nn.Module):
    """A low-rank adapter around a linear layer."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, 3, bias=False)
        self.up = nn.Linear(3, base.out_features, bias=False)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.up(self.down(self.dropout(x)))


@pytest.mark.parametrize("training", [False, True])
def test_an_adapter_around_it_counts(training: bool) -> None:
    model = build("llama", "decoder")
    plain = attention.trace(model, ids(N)).head(0, 0).contribution
    model.model.layers[0].self_attn.o_proj = Adapter(model.model.layers[0].self_attn.o_proj)
    model.train(training)
    view = attention.trace(model, ids(N)).head(0, 0)
    assert view.record.projection is not None
    assert view.record.projection.name == "model.layers.0.self_attn.o_proj"
    assert abs(view.contribution - plain).max() > 1e-2
    model.train()
    assert (attention.trace(model, ids(N)).head(0, 0).contribution == view.contribution).all()
    assert view.error.ok
    assert all(module.training for module in model.modules())


def test_affine_is_told_by_behaviour() -> None:
    assert is_affine(nn.Linear(7, 5), 7)
    assert is_affine(nn.Linear(7, 5).bfloat16(), 7)
    assert is_affine(Adapter(nn.Linear(7, 5)).train(), 7)
    assert not is_affine(nn.LayerNorm(7), 7)
    assert not is_affine(nn.Sequential(nn.Linear(7, 5), nn.ReLU()), 7)
    assert not is_affine(nn.Linear(3, 5), 7)


class Leaving:
    """A projection whose model leaves the memory after a few calls, as another thread can make it."""

    def __init__(self, own: Any, calls: int) -> None:
        self.own, self.left = own, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def __call__(self, heads: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if self.left < 0:
            raise ReferenceError("the model is no longer loaded")
        return self.own(heads)


@pytest.mark.parametrize("calls", range(8))
def test_a_model_that_leaves_in_the_middle_of_a_check_is_no_error(calls: int) -> None:
    made = attention.trace("storyteller", "A cat sat.")
    record = made.record(0)
    (whole,) = {tuple(sorted(one.parts)) for one in check_heads(record)}
    assert "contributions" in whole
    errors = check_heads(dataclasses.replace(record, projection=Leaving(record.projection, calls)))
    assert all(error.ok for error in errors)
    assert len(errors) == record.n_heads
