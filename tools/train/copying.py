"""Whether a head copies: what it adds to the logit of the token that it looks at (direct logit attribution).

A head's own part of the residual stream goes through the final norm's scale and the vocabulary's matrix by itself, as
in Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from tools.train.probes import eager


@torch.no_grad()
def raised_logits(model: LlamaForCausalLM, ids: Tensor, period: int, begin: int) -> Tensor:
    """What each head adds to the right token's logit, above what it adds to all tokens on average: (layers, heads).

    ids (batch, n): `begin` tokens, then a sequence said twice. Mean over the second saying.
    """
    queries = slice(begin + period, ids.shape[1] - 1)
    inputs, scale = _run(model, ids)
    gain = model.model.norm.weight * scale[:, queries]  # (batch, rows, d_model)
    labels = ids[:, begin + period + 1 :]
    raised = [_layer(model, number, mixed[:, queries], gain, labels) for number, mixed in enumerate(inputs)]
    return torch.stack(raised)


def _layer(model: LlamaForCausalLM, number: int, mixed: Tensor, gain: Tensor, labels: Tensor) -> Tensor:
    """(heads,): mixed (batch, rows, heads · d_head) is what enters the layer's output projection."""
    heads = model.config.num_attention_heads
    matrix = model.model.layers[number].self_attn.o_proj.weight  # (d_model, heads · d_head)
    unembed = model.lm_head.weight  # (vocabulary, d_model)
    direction = unembed[labels] - unembed.mean(0)  # (batch, rows, d_model)
    parts = zip(mixed.chunk(heads, -1), matrix.chunk(heads, 1), strict=True)
    return torch.stack([((z @ w.T) * gain * direction).sum(-1).mean() for z, w in parts])


@torch.no_grad()
def _run(model: LlamaForCausalLM, ids: Tensor) -> tuple[list[Tensor], Tensor]:
    """What enters each layer's output projection, and 1 / rms of the last residual stream (batch, n, 1)."""
    inputs: list[Tensor] = []
    last: list[Tensor] = []

    def keep(store: list[Tensor]) -> Any:
        return lambda module, args: store.append(args[0])

    hooks = [layer.self_attn.o_proj.register_forward_pre_hook(keep(inputs)) for layer in model.model.layers]
    hooks.append(model.model.norm.register_forward_pre_hook(keep(last)))
    try:
        with eager(model):
            model(input_ids=ids)
    finally:
        for hook in hooks:
            hook.remove()
    return inputs, (last[0].pow(2).mean(-1, keepdim=True) + model.config.rms_norm_eps).rsqrt()
