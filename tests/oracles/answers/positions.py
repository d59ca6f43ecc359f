"""The answers of the lesson on positions, computed a second time."""

import math
from typing import Any

import torch
from torch import nn


def attention(d: int, heads: int = 2) -> nn.MultiheadAttention:
    """Random weights, always the same ones."""
    torch.manual_seed(5)
    return nn.MultiheadAttention(d, heads, bias=False, batch_first=True, dtype=torch.float64)


def shuffled_rows(given: dict[str, Any]) -> int:
    """Run torch's own layer on the words in both orders and look for the row."""
    order = [int(one) - 1 for one in given["order"].split(", ")]
    x = torch.randn(1, given["n"], 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    layer = attention(8)
    first, second = (layer(one, one, one)[0][0] for one in (x, x[:, order]))
    return int((first - second[given["place"] - 1]).abs().amax(1).argmin()) + 1


def rows_kept(given: dict[str, Any]) -> int:
    """Run torch's own layer with a causal mask on both orders and count equal rows."""
    n = given["n"]
    order = list(range(n))
    one, other = given["one"] - 1, given["other"] - 1
    order[one], order[other] = other, one
    x = torch.randn(1, n, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    mask = torch.ones(n, n, dtype=torch.bool).triu(1)
    layer = attention(8)
    first, second = (layer(own, own, own, attn_mask=mask)[0][0] for own in (x, x[:, order]))
    return int(((first[order] - second).abs().amax(1) < 1e-12).sum())


def same_distance(given: dict[str, Any]) -> float:
    """The closed form, a sum of cosines."""
    k, d = given["end"] - given["p"], given["d"]
    return sum(math.cos(k / 10000 ** (2 * i / d)) for i in range(d // 2))


def turned_score(given: dict[str, Any]) -> float:
    """With complex numbers, each turned by its own place."""
    turn = math.radians(given["turn"])
    query, key = (
        given[size] * complex(math.cos(turn * given[at]), math.sin(turn * given[at]))
        for size, at in (("long", "query"), ("short", "key"))
    )
    return (query * key.conjugate()).real


def score_taken(given: dict[str, Any]) -> float:
    """The slopes as a geometric sequence that begins with its own ratio."""
    ratio = 2 ** (-8 / given["heads"])
    slope = math.prod([ratio] * (given["head"] + 1))
    return sum([slope] * given["distance"])


def learned_biases(given: dict[str, Any]) -> int:
    """Transformers' own T5: its layers, without their weights, and the bias that they learn."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=2, num_layers=given["layers"], num_heads=given["heads"], d_model=8, d_kv=2, d_ff=8,
        relative_attention_num_buckets=given["buckets"],
    )  # fmt: skip
    with torch.device("meta"):
        model = T5EncoderModel(config)
    return sum(weight.numel() for name, weight in model.named_parameters() if "relative_attention_bias" in name)
