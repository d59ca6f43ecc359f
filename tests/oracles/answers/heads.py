"""The answers of the lesson on many heads, computed a second time."""

from typing import Any

import numpy as np
import torch
from torch import nn


def several_places(given: dict[str, Any]) -> float:
    """Equal scores at these places and nothing anywhere else."""
    return float(torch.zeros(given["places"]).softmax(0).max())


def all_of_x(given: dict[str, Any]) -> int:
    return nn.Linear(given["d"], given["d"] // given["heads"], bias=False).weight.numel()


def parameters(given: dict[str, Any]) -> int:
    return sum(one.numel() for one in nn.MultiheadAttention(given["d"], given["heads"]).parameters())


def copies(given: dict[str, Any]) -> int:
    """Two heads of one query, trained by torch's own gradients."""
    drawn = (np.random.default_rng(given[name]).normal(size=(2, 3)) for name in ("one", "other"))
    heads = [torch.tensor(numbers).requires_grad_() for numbers in drawn]
    texts = torch.tensor(np.random.default_rng(1).normal(size=(8, 5, 3)))
    for _ in range(10):
        read = sum(((texts @ head[0]).softmax(1) * (texts @ head[1])).sum(1) for head in heads)
        loss = ((read - texts.amax((1, 2))) ** 2).mean()  # type: ignore[operator]
        for head, gradient in zip(heads, torch.autograd.grad(loss, heads), strict=True):
            head.data -= 0.05 * gradient
    return 0 if torch.equal(heads[0], heads[1]) else 1


def bottleneck(given: dict[str, Any]) -> int:
    """The rank of a random head's scores."""
    numbers = np.random.default_rng(3)
    x = numbers.normal(size=(given["n"], given["d"]))
    query, key = (x @ numbers.normal(size=(given["d"], given["d"] // given["heads"])) for _ in range(2))
    return int(np.linalg.matrix_rank(query @ key.T))


def named_heads(given: dict[str, Any]) -> int:
    words = given["words"].split()
    earlier = max(at for at, word in enumerate(words[:-1]) if word == words[-1])
    if "previous" in given["kind"]:
        return len(words) - 1
    return earlier + 1 if "same" in given["kind"] else earlier + 2


def spare_heads(given: dict[str, Any]) -> int:
    """Each head off in turn, and the others counted."""
    heads = range(given["n"])
    return sum(sum(other != off for other in heads) < given["k"] for off in heads)
