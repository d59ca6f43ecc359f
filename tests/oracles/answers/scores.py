"""Answers of lesson 3, by closed forms and torch."""

import math
from typing import Any

import numpy as np
import torch

Given = dict[str, Any]


def sqrt_d(given: Given) -> float:
    # With numbers that are 1 or −1 by chance, q·k is a walk of d steps: all its ends, each as often as it comes.
    ends = [(2 * ups - given["d"], math.comb(given["d"], ups)) for ups in range(given["d"] + 1)]
    by = {"not divided": 1.0, "divided by √d_k": given["d"] ** 0.5, "divided by d_k": given["d"]}[given["divided"]]
    return math.sqrt(sum((end / by) ** 2 * ways for end, ways in ends) / 2 ** given["d"])


def saturated(given: Given) -> float:
    gap = given["gap"] * (given["d"] ** -0.5 if given["scale"] == "with the scale" else 1.0)
    return 1 / (1 + math.exp(-gap))


def mean_score(given: Given) -> float:
    # Numbers that are their mean ± 1 by chance have variance 1; all four products of one place, each as likely.
    products = np.outer(given["mean_q"] + np.array([-1, 1]), given["mean_k"] + np.array([-1, 1]))
    return float(given["d"] * (products.mean() if given["what"] == "mean" else products.var()))


def divisor(given: Given) -> float:
    return math.sqrt(np.empty((given["d_model"],)).reshape(given["heads"], -1).shape[1])


def model_rule(given: Given) -> float:
    rule, score = given["rule"], torch.tensor(float(given["score"]), dtype=torch.float64)
    if "T5" in rule:
        return float(score)
    if "Gemma" in rule:
        scaled = score * 144**-0.5
        return float(torch.tanh(scaled / 50.0) * 50.0)
    return float(score * 128**-0.5)


def long_key(given: Given) -> int:
    first, second = (
        given[f"length_{name}"] * math.sin(math.pi / 2 - math.radians(given[f"angle_{name}"])) for name in "ab"
    )
    return 0 if first > second else 1
