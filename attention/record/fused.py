"""torch's own fused attention as a witness: an implementation that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attention.record.operation import AttentionRecord, wide


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedWitness:
    """Calls scaled_dot_product_attention with the mask that the model gave it, or causally.

    mask: boolean (True = may attend) or additive, broadcast to (1, h, n_q, n_k). scale: as the model gave it.
    """

    scale: float
    mask: Tensor | None = None
    causal: bool = False
    name: str = "torch's scaled_dot_product_attention"
    exact: bool = True

    def blocks(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield (rows, weights (h, rows, n_k), output (rows, h, v)), all rows at once.

        With the identity for values, the output of attention is its weights.
        """
        if record.query is None or record.key is None or record.value is None:
            raise TypeError("needs query, key and value")
        query, key, value = (wide(tensor) for tensor in (record.query, record.key, record.value))
        mask = self.mask if self.mask is None or self.mask.dtype == torch.bool else self.mask.to(query.dtype)
        eye = torch.eye(record.n_k, dtype=value.dtype, device=value.device).expand(record.n_kv_heads, -1, -1)
        both = torch.cat([value, eye], dim=-1)  # (g, k, v + k)
        with torch.no_grad():
            out = functional.scaled_dot_product_attention(
                query[None], key[None], both[None], attn_mask=mask, is_causal=self.causal, scale=self.scale,
                enable_gqa=record.n_heads != record.n_kv_heads,
            )[0]  # fmt: skip
        width = value.shape[-1]
        yield slice(0, record.n_q), out[..., width:], out[..., :width].transpose(0, 1)
