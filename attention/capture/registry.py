"""The capture mode of transformers' registry: the model's usual attention function, with the seam before its product.

transformers dispatches attention through one registry. Two names are registered here, once: one that runs fused
attention (SDPA), one that runs the model's own eager function, for models that use that by themselves. Each name needs
its mask function beside it, or masking is silently dropped. Whose seam it is is decided by a context variable, so runs
in several threads on one model do not mix.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from attention.capture.alias import Alias
from attention.capture.arguments import has_one_a_query, of_rows, rows_of
from attention.capture.seam import Call, current

SDPA, EAGER = Alias("headlight_sdpa", "sdpa"), Alias("headlight_eager", "eager")
# Above this many weights in one layer, eager attention runs in blocks of query rows (64 Mi floats are 256 MB).
BLOCK = 2**26


def own_eager(module: nn.Module) -> Callable[..., tuple[Tensor, Tensor]] | None:
    """The eager attention function that this module's own file would call, or None where it has none."""
    for cls in type(module).__mro__:
        forward = cls.__dict__.get("forward")
        if forward is None:
            continue
        found = getattr(inspect.unwrap(forward), "__globals__", {}).get("eager_attention_forward")
        if found is not None:
            return found
    return None


def _as_a_whole(function: Callable[..., tuple[Tensor, None]]) -> Callable[..., tuple[Tensor, None]]:
    """The function as one operation, for whoever watches the run's softmaxes."""

    @functools.wraps(function)
    def run(*args: Any, **arguments: Any) -> tuple[Tensor, None]:
        seam = current()
        with seam.whole() if seam is not None else nullcontext():
            return function(*args, **arguments)

    return run


@_as_a_whole
def fused(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **arguments: Any
) -> tuple[Tensor, None]:
    """transformers' SDPA attention at the seam. It knows no cap on scores: those go to the model's own function."""
    if arguments.get("softcap") is not None:
        return eager(module, query, key, value, attention_mask, **arguments)

    def product(call: Call) -> Tensor:
        return sdpa_attention_forward(module, *call.factors, call.mask, **call.arguments)[0]

    causal = attention_mask is None and _causal_by_itself(module, query, arguments)
    call = _call(module, query, key, value, attention_mask, arguments)
    return _at_the_seam(replace(call, causal=causal), product), None


@_as_a_whole
def eager(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **arguments: Any
) -> tuple[Tensor, None]:
    """The model's own eager attention at the seam, in blocks of query rows when it is large."""
    function = own_eager(module)
    if function is None:
        raise RuntimeError(f"{type(module).__name__} has no eager attention function of its own")

    def product(call: Call) -> Tensor:
        query, key, value = call.factors
        own = call.arguments
        blocks = [
            function(module, query[:, :, rows], key, value, rows_of(call.mask, rows), **of_rows(own, rows))[0]
            for rows in row_blocks(query.shape[2], query.shape[1] * value.shape[2])
        ]
        return torch.cat(blocks, dim=1)

    call = _call(module, query, key, value, _additive(module, query, key, attention_mask, arguments), arguments)
    named = (arguments.get("s_aux"), arguments.get("sinks"), getattr(module, "sinks", None))
    sink = next((sink for sink in named if isinstance(sink, Tensor)), None)
    if sink is not None and current() is not None:
        own = sink if has_one_a_query(sink, query.shape[2]) else sink.flatten()
        call = replace(call, sink=own, sink_scales=_scales_output(module, query, key, value, arguments))
    return _at_the_seam(call, product), None


def _at_the_seam(call: Call, product: Callable[[Call], Tensor]) -> Tensor:
    seam = current()
    return product(call) if seam is None else seam.through(call, product)


def _call(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, arguments: dict[str, Any]
) -> Call:
    scale = arguments.get("scaling")
    return Call(
        module=module, mode="registry", query=query, key=key, value=value, mask=mask,
        scale=query.shape[-1] ** -0.5 if scale is None else float(scale), softcap=arguments.get("softcap"),
        bias=arguments.get("position_bias"), arguments=arguments,
    )  # fmt: skip


def _additive(
    module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, arguments: dict[str, Any]
) -> Tensor | None:
    """The mask as eager functions add it, also where it was made for fused attention."""
    if not _is_fused(module):
        return mask
    lowest = torch.finfo(query.dtype).min
    if mask is None:
        n_q, n_k = query.shape[2], key.shape[2]
        if not _causal_by_itself(module, query, arguments):
            return None
        mask = torch.ones(n_q, n_k, dtype=torch.bool, device=query.device).tril()[None, None]
    return mask if mask.dtype != torch.bool else query.new_zeros(mask.shape).masked_fill(~mask, lowest)


def _causal_by_itself(module: nn.Module, query: Tensor, arguments: dict[str, Any]) -> bool:
    """What fused attention takes a missing mask to mean: asked for in the call, else the module's own, else causal."""
    asked = arguments.get("is_causal")
    causal = asked if asked is not None else getattr(module, "is_causal", True)
    return bool(causal) and query.shape[2] > 1


def _is_fused(module: nn.Module) -> bool:
    return getattr(getattr(module, "config", None), "_attn_implementation", None) == SDPA


def row_blocks(n_q: int, per_row: int) -> list[slice]:
    """Cut n_q query rows into slices of at most BLOCK weights; one slice where all fit."""
    step = max(1, min(n_q, BLOCK // max(per_row, 1)))
    return [slice(start, min(start + step, n_q)) for start in range(0, n_q, step)]


def _scales_output(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> bool:
    """Whether the eager function's weights sum to 1 beside a sink, so that the sink acts on the output.

    Tried on two tokens whose scores are all 0; a sink too weak to tell makes no difference.
    """
    function = own_eager(module)
    if function is None:
        return False
    tiny = [torch.zeros_like(tensor[:, :, :2]) for tensor in (query, key, value)]
    two = of_rows({**arguments, "position_bias": None}, slice(0, tiny[0].shape[2]))
    with torch.no_grad():
        weights = function(module, *tiny, None, **two)[1]
    return bool((weights.float().sum(dim=-1) > 1 - 1e-3).all())


AttentionInterface.register(SDPA, fused)
AttentionMaskInterface.register(SDPA, sdpa_mask)
AttentionInterface.register(EAGER, eager)
AttentionMaskInterface.register(EAGER, eager_mask)
