"""A map in fewer cells."""

import itertools

import numpy as np


def pool(weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The largest weight of each of rows × columns patches that cover the map evenly."""
    down, across = (
        np.arange(parts + 1) * count // parts for count, parts in zip(weights.shape, (rows, columns), strict=True)
    )
    return np.array([
        [weights[top:bottom, left:right].max() for left, right in itertools.pairwise(across)]
        for top, bottom in itertools.pairwise(down)
    ])  # fmt: skip
