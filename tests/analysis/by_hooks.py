"""A model's own eager run with forward hooks on the input of its output projections: no code of the app is in it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from attention.capture import Inputs
from attention.source import Source
from tests.tiny import build, ids

# Where each family has its output projections: kind of attention → path by layer.
PATHS: dict[str, dict[str, str]] = {
    "gpt2": {"decoder": "transformer.h.{}.attn.c_proj"},
    "llama": {"decoder": "model.layers.{}.self_attn.o_proj"},
    "gemma2": {"decoder": "model.layers.{}.self_attn.o_proj"},
    "bert": {"encoder": "bert.encoder.layer.{}.attention.output.dense"},
    "bloom": {"decoder": "transformer.h.{}.self_attention.dense"},
    "t5": {
        "encoder": "encoder.block.{}.layer.0.SelfAttention.o",
        "decoder": "decoder.block.{}.layer.0.SelfAttention.o",
        "cross": "decoder.block.{}.layer.1.EncDecAttention.o",
    },
    "bart": {
        "encoder": "model.encoder.layers.{}.self_attn.out_proj",
        "decoder": "model.decoder.layers.{}.self_attn.out_proj",
        "cross": "model.decoder.layers.{}.encoder_attn.out_proj",
    },
}  # fmt: skip
# A norm of this one is computed in float32 whatever the weights.
SINGLE = ("gemma2", "llama", "t5")
KINDS = {"bert": "masked", "t5": "both", "bart": "both"}
EXTRA: dict[str, dict[str, Any]] = {"gemma2": {"attn_logit_softcapping": 5.0, "final_logit_softcapping": 7.0}}
HEADS = 4
Edit = Callable[[tuple[str, int], Tensor], Tensor]


def source_of(family: str, seed: int = 1, **sizes: Any) -> Source:
    """A tiny model of the family, in float64 where all of it can be."""
    model = build(family, KINDS.get(family, "decoder"), seed=seed, **EXTRA.get(family, {}), **sizes)
    with torch.no_grad():
        for weight in model.parameters():  # logits of about 1, as a trained model has them
            if weight.dim() >= 2:
                weight *= 0.5
    return Source(model=model if family in SINGLE else model.double(), tokenizer=None, trained=True)


def text_of(family: str, n: int = 11, seed: int = 5) -> Inputs:
    pair = tuple(ids(7, seed=seed + 1)) if KINDS.get(family) == "both" else ()
    return Inputs(ids=tuple(ids(n, seed=seed)), pair_ids=pair)


def places(family: str) -> list[tuple[str, int]]:
    """(kind, layer) of all projections, in the order in which they run."""
    layers = range(2 if KINDS.get(family) == "both" else 3)
    first = [(kind, layer) for kind in PATHS[family] if kind == "encoder" for layer in range(3)]
    rest = [(kind, layer) for layer in layers for kind in PATHS[family] if kind != "encoder"]
    return first + rest


def eager(model: Any) -> Any:
    own = copy.deepcopy(model)
    own.set_attn_implementation("eager")
    return own


@contextmanager
def hooked(hooks: Iterable[Any]) -> Any:
    with ExitStack() as around:
        for hook in hooks:
            around.callback(hook.remove)
        yield


def run(family: str, model: Any, inputs: Inputs, edit: Edit | None = None, *, gradients: bool = False) -> Tensor:
    """The logits (n, V) of the model's own run. edit: (kind, layer), heads (n_q, h, v) → heads."""

    def before(place: tuple[str, int]) -> Any:
        def hook(module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if edit is None:
                return None
            heads = args[0].reshape(-1, HEADS, args[0].shape[-1] // HEADS)
            return (edit(place, heads).reshape(args[0].shape).to(args[0].dtype),)

        return hook

    named = dict(model.named_modules())
    made = [(at, named[PATHS[family][at[0]].format(at[1])]) for at in places(family)]
    entering = {"input_ids": torch.tensor([inputs.ids]), "attention_mask": torch.ones(1, len(inputs.ids))}
    if inputs.pair_ids:
        entering["decoder_input_ids"] = torch.tensor([inputs.pair_ids])
    with hooked(module.register_forward_pre_hook(before(at)) for at, module in made), torch.set_grad_enabled(gradients):
        return model(**entering).logits[0]


def heads_of(family: str, model: Any, inputs: Inputs) -> dict[tuple[str, int], Tensor]:
    """z of every operation, (n_q, h, v)."""
    found: dict[tuple[str, int], Tensor] = {}

    def keep(place: tuple[str, int], heads: Tensor) -> Tensor:
        found[place] = heads.detach().clone()
        return heads

    run(family, model, inputs, keep)
    return found


def replacing(place: tuple[str, int], head: int, new: Callable[[Tensor], Tensor], query: int | None = None) -> Edit:
    """The edit that puts new(z) (n_q, v) in the place of one head's z (n_q, v), at every query or at one."""

    def edit(at: tuple[str, int], heads: Tensor) -> Tensor:
        if at != place:
            return heads
        heads = heads.clone()
        rows = slice(None) if query is None else slice(query, query + 1)
        heads[rows, head] = new(heads[:, head])[rows].to(heads.dtype)
        return heads

    return edit
