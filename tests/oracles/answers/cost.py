"""The answers of the lesson on cost, computed a second time."""

import re
from typing import Any

import numpy as np
import torch

from attention.cost import cost


def share_of_projections(given: dict[str, Any]) -> float:
    found = cost(given["n"], given["d"], 1)
    return (found.score_flops + found.mix_flops) / found.projection_flops


def cache_size(given: dict[str, Any]) -> float:
    """From the shape of the arrays that would be kept, none of which is made."""
    shape = (2, given["layers"], given["kv"], given["n"], given["width"])
    return float(np.prod(shape, dtype=np.float64)) * given["bytes"] / 1024 / 1024


def equal_counts(given: dict[str, Any]) -> int:
    """The first n at which one count has reached the other, from multiplications of shapes."""
    d = given["d"]
    gates = {"a plain recurrent layer": 1, "a GRU": 3, "an LSTM": 4}[given["other"]]
    is_whole = "whole" in given["what"]

    def attention(n: int) -> int:
        found = cost(n, d, 1)
        return found.score_flops + found.mix_flops + (found.projection_flops if is_whole else 0)

    # A multiply-add is two operations; each gate multiplies its input and its state by a d × d matrix.
    return next(n for n in range(1, 8 * d) if attention(n) >= 2 * n * gates * 2 * d * d)


def stored_maps(given: dict[str, Any]) -> float:
    """By the sizes of torch's own arrays, none of which is filled."""
    n, d, heads = given["n"], given["d"], given["heads"]
    maps = torch.empty(heads, n, n, device="meta")
    kept = [torch.empty(n, d, device="meta") for _ in ("q", "k", "v", "output")]
    return maps.numel() / sum(one.numel() for one in kept)


def shared_keys(given: dict[str, Any]) -> float:
    heads, kv = given["heads"], given["kv"]
    if "maps" in given["what"]:
        query, key = torch.randn(1, heads, 5, 4), torch.randn(1, kv, 5, 4).repeat_interleave(heads // kv, 1)
        return len({tuple(one.flatten().tolist()) for one in (query @ key.mT).softmax(-1)[0]})
    return torch.empty(heads, 7, 4).numel() / torch.empty(kv, 7, 4).numel()


def next_token(given: dict[str, Any]) -> int:
    """The products of one row, one by one."""
    d, found = given["d"], re.search(r"last (\d+) keys", given["window"])
    keys = min(given["n"], int(found[1])) if found else given["n"]
    return 4 * d * d + sum(d for _ in range(keys)) + sum(keys for _ in range(d))
