"""Answers of lesson 2, by numpy and torch."""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

Given = dict[str, Any]


def query_number(given: Given) -> float:
    x = np.array([given["a"], given["b"]])
    return float((x @ np.array([[given["p"], given["q"]], [given["r"], given["s"]]]))[1])


def own_score(given: Given) -> int:
    x = np.array([given[name] for name in "abcdef"]).reshape(3, 2)
    return int((x @ x.T)[0].argmax())


def two_matrices(given: Given) -> float:
    layer = torch.nn.Linear(given["d_model"], given["d_model"] // given["heads"], bias=False)
    return given["d_model"] ** 2 / (2 * sum(one.numel() for one in layer.parameters()))


def turned_product(given: Given) -> float:
    # A turn is a product of complex numbers, and q·k the real part of q times k's conjugate.
    turn = np.exp(1j * np.deg2rad(given["angle"]))
    query, key = complex(given["a"], given["b"]) * turn, complex(given["c"], given["d"])
    return float((query * np.conj(key * turn if given["what"] == "both are turned" else key)).real)


def bias_effect(given: Given) -> int:
    x = torch.tensor([[1, 0.5], [-1, 2], [0.5, -1]], dtype=torch.float64)
    before = {"query": x, "key": x, "value": x}
    after = before | {given["side"]: x + given["bias"]}
    weights = [torch.softmax(one["query"] @ one["key"].T / 2**0.5, dim=1) for one in (before, after)]
    outputs = [scaled_dot_product_attention(one["query"], one["key"], one["value"]) for one in (before, after)]
    if not torch.allclose(*weights):
        return 1
    return 0 if torch.allclose(*outputs) else 2
