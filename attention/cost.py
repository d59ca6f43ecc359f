"""What multi-head, grouped-query and multi-query attention cost, as closed forms.

One multiply-add counts as 2 FLOPs. n tokens, m = d_model, h heads, g key-value heads, d = m / h; softmax, masks and
biases are left out of the FLOPs. Vaswani et al. 2017, table 1; Ainslie et al. 2023 for g < h.
"""

from dataclasses import dataclass

from attention.layer_settings import check_sizes


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One layer's cost at n tokens.

    parameters, biases included where they are there. projection_flops for Q, K, V and O; score_flops for Q·Kᵀ;
    mix_flops for weights·V. map_bytes: all h maps of n×n if they were stored. kept_bytes: q, k, v and the output,
    which is what a trace keeps. cache_bytes: keys and values, what generation keeps.
    """

    parameters: int
    projection_flops: int
    score_flops: int
    mix_flops: int
    map_bytes: int
    kept_bytes: int
    cache_bytes: int


def cost(
    n: int, d_model: int, n_heads: int, n_kv_heads: int | None = None, *, bias: bool = True, bytes_per_number: int = 4
) -> Cost:
    """The cost of one attention layer; n_kv_heads = n_heads is MHA, 1 is MQA."""
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    check_sizes(d_model, n_heads, n_kv_heads)
    kv_width = n_kv_heads * (d_model // n_heads)
    weights = 2 * d_model * d_model + 2 * d_model * kv_width
    biases = 2 * d_model + 2 * kv_width if bias else 0
    pairs = 2 * n * n * d_model
    return Cost(
        parameters=weights + biases,
        projection_flops=2 * n * weights,
        score_flops=pairs,
        mix_flops=pairs,
        map_bytes=n_heads * n * n * bytes_per_number,
        kept_bytes=2 * n * (d_model + kv_width) * bytes_per_number,
        cache_bytes=2 * n * kv_width * bytes_per_number,
    )
