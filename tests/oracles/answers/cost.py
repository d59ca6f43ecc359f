"""The answers of the lesson on cost, computed a second time."""

from typing import Any

import numpy as np

from attention.cost import cost


def share_of_projections(given: dict[str, Any]) -> float:
    found = cost(given["n"], given["d"], 1)
    return (found.score_flops + found.mix_flops) / found.projection_flops


def cache_size(given: dict[str, Any]) -> float:
    """From the shape of the arrays that would be kept, none of which is made."""
    shape = (2, given["layers"], given["kv"], given["n"], given["width"])
    return float(np.prod(shape, dtype=np.float64)) * given["bytes"] / 1024 / 1024
