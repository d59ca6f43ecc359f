"""Answers of lesson 5, by linear algebra."""

from typing import Any

import numpy as np

Given = dict[str, Any]


def in_the_hull(given: Given) -> int:
    # Weights above 0 that make `out`: even ones, moved along a straight way to one corner.
    values = np.array([given["x"], given["y"], given["z"]], dtype=float)
    even = values.mean()
    corner = values.max() if given["out"] > even else values.min()
    share = 0.0 if given["out"] == even else (given["out"] - even) / (corner - even)
    return 0 if share < 1 else 1


def brings_more(given: Given) -> int:
    vectors = [given["w_a"] * np.array([given["length_a"], 0]), given["w_b"] * np.array([0, given["length_b"]])]
    return int(np.argmax([np.linalg.norm(one) for one in vectors]))


def free_directions(given: Given) -> float:
    values = np.random.default_rng(given["n"]).standard_normal((given["n"], given["width"]))
    conditions = np.column_stack([values, np.ones(given["n"])])
    return float(given["n"] - np.linalg.matrix_rank(conditions))


def cut_edge(given: Given) -> float:
    """Scores that give the row, the first one −∞, and the softmax again."""
    scores = np.log([given["a"], given["b"], given["c"]])
    scores[0] = -np.inf
    return float((np.exp(scores) / np.exp(scores).sum())[1])
