"""Answers of lesson 4, by closed forms and torch."""

import math
from typing import Any

import numpy as np
import torch

Given = dict[str, Any]


def share_of_sum(given: Given) -> float:
    scores = np.array([given["a"], given["b"], given["c"]], dtype=float)
    return float(np.linalg.solve([[scores.sum()]], scores[:1])[0])


def gap_for_weight(given: Given) -> float:
    return float(torch.logit(torch.tensor(given["weight"], dtype=torch.float64)))


def all_weights(given: Given) -> float:
    make = torch.Generator().manual_seed(1)
    scores = torch.randn(given["queries"], given["keys"], dtype=torch.float64, generator=make)
    return float(scores.softmax(dim=1 if given["axis"] == "over the keys" else 0).sum())


def shifted(given: Given) -> float:
    return 1 / (1 + math.exp(given["b"] - given["a"]))


def slope(given: Given) -> float:
    rest = 1 - given["p"] - given["other"]
    # The third weight may be 0: a score so low that nothing is left for it.
    scores = torch.tensor([given["p"], given["other"], max(rest, 1e-300)], dtype=torch.float64).log().requires_grad_()
    scores.softmax(dim=0)[0].backward()
    assert scores.grad is not None
    return float(scores.grad[0 if given["of"] == "its own score" else 1])


def softmax_one(given: Given) -> float:
    total = math.exp(given["a"]) + math.exp(given["b"])
    return total / (1 + total)


def diluted(given: Given) -> float:
    return math.exp(given["gap"]) / (math.exp(given["gap"]) + given["n"] - 1)


def tempered(given: Given) -> float:
    return 1 / (1 + math.exp(-given["gap"] / given["temperature"]))


def mirrored_weight(given: Given) -> float:
    table = np.array([[given["a"], given["b"]], [given["b"], given["c"]]], dtype=float)
    return float(torch.softmax(torch.from_numpy(table), dim=1)[given["row"] - 1, given["other"] - 1])


def tempered_head(given: Given) -> float:
    """Scores that give these weights, divided and put through the softmax again."""
    scores = np.log([given["high"], given["low"]]) / given["t"]
    return float((np.exp(scores) / np.exp(scores).sum()).max())
