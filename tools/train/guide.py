"""A push at the beginning: some heads are told what to look at, and heads are kept from parking on the first token.

Only a few rows of each attention map are worked out for it (`ROWS` queries a window), beside the fused attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from tools.train.targets import Lexicon, target

ROWS = 32  # queries a window, half of them from its first 32 tokens
PARKED = 0.25  # mean weight on the first token that a head may have without being pushed


@dataclass(frozen=True, kw_only=True)
class Guided:
    """One guided head. kind: what it is told to look at (`targets.KINDS`). lasting: weight that stays to the end."""

    layer: int
    head: int
    kind: str
    lasting: float = 0.0


@dataclass
class Watch:
    """What the attention function is told and what it leaves here.

    rows (batch, ROWS): queries to watch; log_weights[layer] (batch, heads, ROWS, keys): what was seen.
    silent (batch,): windows in which `silent_heads` (layer, head) say nothing, so that others learn to do their work.
    """

    rows: Tensor | None = None
    silent: Tensor | None = None
    silent_heads: frozenset[tuple[int, int]] = frozenset()
    log_weights: dict[int, Tensor] = field(default_factory=dict)


def watched(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, None]:
    """Attention by SDPA, (batch, heads, n, d) in, (batch, n, heads, d) out; the chosen rows go to the Watch.

    Causal where the module is; there is no other mask, for no window is padded.
    """
    causal = bool(module.is_causal)
    watch: Watch | None = getattr(module, "watch", None)
    if watch is not None and watch.rows is not None:
        watch.log_weights[int(module.layer_idx)] = log_rows(query, key, watch.rows, causal)  # type: ignore
    output = scaled_dot_product_attention(query, key, value, is_causal=causal)
    if watch is not None and watch.silent is not None:
        output = output * _heard(watch, int(module.layer_idx), output)  # type: ignore[arg-type]
    return output.transpose(1, 2).contiguous(), None


def _heard(watch: Watch, layer: int, output: Tensor) -> Tensor:
    """(batch, heads, 1, 1): 0 where a head is silent in a window, else 1."""
    heard = output.new_ones(output.shape[0], output.shape[1], 1, 1)
    for other, head in watch.silent_heads:
        if other == layer and watch.silent is not None:
            heard[watch.silent, head] = 0
    return heard


AttentionInterface.register("watched", watched)


def log_rows(query: Tensor, key: Tensor, rows: Tensor, causal: bool = True) -> Tensor:
    """log softmax of the chosen rows: query, key (batch, heads, n, d), rows (batch, r) → (batch, heads, r, n)."""
    index = rows[:, None, :, None].expand(-1, query.shape[1], -1, query.shape[3])
    scores = query.gather(2, index) @ key.mT * query.shape[-1] ** -0.5  # (batch, heads, r, n)
    later = torch.arange(key.shape[2]) > rows[:, None, :, None]
    return (scores.masked_fill(later, float("-inf")) if causal else scores).log_softmax(-1)


def attach(model: nn.Module) -> Watch:
    """A Watch that every self-attention of the model knows: modules with a layer's number and a projection of q."""
    watch = Watch()
    for module in model.modules():
        if hasattr(module, "layer_idx") and (hasattr(module, "q_proj") or hasattr(module, "Wqkv")):
            object.__setattr__(module, "watch", watch)
    return watch


def choose_rows(batch: int, length: int, rng: np.random.Generator) -> Tensor:
    """(batch, ROWS) queries: half from the first 32 tokens, as in a short sentence, half from all of the window."""
    early = rng.integers(2, min(34, length), (batch, ROWS // 2))
    late = rng.integers(2, length, (batch, ROWS - ROWS // 2))
    return torch.from_numpy(np.concatenate([early, late], 1))


def guidance(
    watch: Watch, ids: Tensor, lexicon: Lexicon, heads: tuple[Guided, ...], weight: float, *, causal: bool = True
) -> Tensor:
    """Σ over guided heads of weight · −log(weight that falls on the head's targets), over rows that have any."""
    rows = watch.rows
    if rows is None:
        raise ValueError("The watch has no rows; choose some before the forward.")
    total = ids.new_zeros((), dtype=torch.float32)
    for one in heads:
        strength = max(weight, one.lasting)
        if strength > 0:
            wanted = target(one.kind, ids, rows, lexicon, causal=causal)  # (batch, ROWS, n)
            total = total + strength * _missed(watch.log_weights[one.layer][:, one.head], wanted)
    return total


def parking(watch: Watch, free: frozenset[tuple[int, int]]) -> Tensor:
    """Σ over heads of what their mean weight on the first token has above `PARKED`; heads in `free` may park."""
    over = []
    for layer, log_weights in watch.log_weights.items():
        mean = log_weights[..., 0].exp().mean((0, 2))  # (heads,)
        kept = [head for head in range(len(mean)) if (layer, head) not in free]
        over.append((mean[kept] - PARKED).clamp(min=0).sum())
    return torch.stack(over).sum()


def _missed(log_weights: Tensor, wanted: Tensor) -> Tensor:
    any_wanted = wanted.any(-1)
    if not any_wanted.any():
        return log_weights.new_zeros(())
    mass = log_weights[any_wanted].masked_fill(~wanted[any_wanted], float("-inf")).logsumexp(-1)
    return -mass.clamp(min=-12).mean()
