"""Multi-head self-attention from scratch.

    head_i = softmax(Q_i K_iᵀ / √d_head) V_i,   MHSA(X) = Concat(head_1 … head_h) W_O      (Vaswani et al. 2017, §3.2)

with Q = X W_Q + b_Q, and K, V likewise from X or, for cross-attention, from another sequence. With fewer key-value
heads than query heads, neighbouring query heads share keys and values: grouped-query attention (Ainslie et al. 2023),
or multi-query attention with one (Shazeer 2019).

Letters in the shape comments: b batch, q queries, k keys, m d_model, h n_heads, g n_kv_heads, d d_head.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attention.layer_settings import check_sizes
from attention.stages import Stages, attend


@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """Everything that one pass through the layer made.

    query (b, h, q, d); key, value (b, g, k, d); stages of all heads, (b, h, q, k) each; heads (b, q, h, d), each
    head's weighted values; output (b, q, m), after W_O.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    stages: Stages
    heads: Tensor
    output: Tensor


class MultiHeadSelfAttention(nn.Module):
    """Scaled dot-product attention with several heads.

    d_model: width of the tokens' vectors; each head works on d_model / n_heads of its own making. n_kv_heads:
    key-value heads, a divisor of n_heads (default: n_heads). bias: whether the four projections add one. causal: no
    query sees a later key. scaled: the scores are divided by √d_head. temperature: divides them once more; 1 is the
    paper's.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        *,
        n_kv_heads: int | None = None,
        bias: bool = True,
        causal: bool = False,
        scaled: bool = True,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        check_sizes(d_model, n_heads, n_kv_heads, temperature)
        self.n_heads, self.n_kv_heads, self.d_head = n_heads, n_kv_heads, d_model // n_heads
        self.causal, self.temperature, self.scale = causal, temperature, self.d_head**-0.5 if scaled else 1.0
        self.to_query = nn.Linear(d_model, n_heads * self.d_head, bias=bias)
        self.to_key = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.to_value = nn.Linear(d_model, n_kv_heads * self.d_head, bias=bias)
        self.to_output = nn.Linear(n_heads * self.d_head, d_model, bias=bias)

    def forward(self, x: Tensor, *, context: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        """(b, q, m) → (b, q, m). context (b, k, m): keys and values from there. padding (b, k): True = a real token."""
        return self.run(x, context=context, padding=padding).output

    def run(self, x: Tensor, *, context: Tensor | None = None, padding: Tensor | None = None) -> Pass:
        """As `forward`, and keep every step."""
        source = x if context is None else context
        query = self._split(self.to_query(x), self.n_heads)  # (b, h, q, d)
        key = self._split(self.to_key(source), self.n_kv_heads)  # (b, g, k, d)
        value = self._split(self.to_value(source), self.n_kv_heads)  # (b, g, k, d)
        stages = attend(
            query,
            self._share(key),
            self._share(value),
            scale=self.scale,
            mask=self._mask(x, source, padding),
            temperature=self.temperature,
        )
        heads = stages.mixed.to(x.dtype).transpose(1, 2)  # (b, h, q, d) → (b, q, h, d)
        output = self.to_output(heads.flatten(2))  # concat: (b, q, h·d) → (b, q, m)
        return Pass(query=query, key=key, value=value, stages=stages, heads=heads, output=output)

    def _split(self, projected: Tensor, n: int) -> Tensor:
        # First split the width, then swap: viewing straight to (b, n, q, d) would cut across tokens.
        return projected.unflatten(-1, (n, self.d_head)).transpose(1, 2)  # (b, q, n·d) → (b, n, q, d)

    def _share(self, per_group: Tensor) -> Tensor:
        return per_group.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)  # (b, g, k, d) → (b, h, k, d)

    def _mask(self, x: Tensor, source: Tensor, padding: Tensor | None) -> Tensor | None:
        """Boolean, broadcast to (b, h, q, k), True = may attend; None where everything is open."""
        mask = None
        if self.causal:
            mask = torch.ones(x.shape[1], source.shape[1], dtype=torch.bool, device=x.device).tril()  # (q, k)
        if padding is not None:
            real = padding.bool()[:, None, None, :]  # (b, 1, 1, k)
            mask = real if mask is None else mask & real
        return mask

