"""The interview lesson's check questions, computed another way: whole matrices, counted copies, a chain of reach."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Given = Mapping[str, Any]


def by_hand(given: Given) -> float:
    """All of softmax(Q Kᵀ / √d) V with Q = K = c · I."""
    q = given["c"] * np.eye(2)
    exponents = np.exp(q @ q.T / np.sqrt(2))
    weights = exponents / exponents.sum(axis=1, keepdims=True)
    return float((weights @ np.array([[given["v1"]], [given["v2"]]]))[0, 0])


def duplicates(given: Given) -> float:
    """An even row over every key, copies counted one by one."""
    keys = ["copied"] * given["r"] + [f"other {i}" for i in range(given["n"] - 1)]
    return keys.count("copied") / len(keys)


def opposite(given: Given) -> float:
    """The mean of both rows, and its largest."""
    rows = np.array([[float(one) for one in given[name].split(", ")] for name in ("first", "second")])
    assert np.allclose(rows.sum(axis=1), 1)
    return float(rows.mean(axis=0).max())


def mixed(given: Given) -> int:
    """Who can be reached from the changed token, by as many steps of the mask as there are layers."""
    n = given["n"]
    may_see = np.tril(np.ones((n, n))) if given["mask"] == "with a causal mask" else np.ones((n, n))
    reached = np.zeros(n)
    reached[given["changed"] - 1] = 1
    return int((np.linalg.matrix_power(may_see, given["layers"]) @ reached > 0).sum())


def parked(given: Given) -> float:
    """The output of all tokens, the first one's value 0 and every other's 1."""
    scores = np.array([given["s"], *[0.0] * (given["n"] - 1)])
    weights = np.exp(scores - scores.max())
    values = np.array([0.0, *[1.0] * (given["n"] - 1)])
    return float(weights @ values / weights.sum())


def depends(given: Given) -> int:
    """The token whose removal changed the prediction most."""
    return int(np.argmax([given[f"e{i}"] for i in range(3)]))
