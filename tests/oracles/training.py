"""The training task of `static/training` in torch: the same draws, places one by one, and torch's own attention,
gradient and AdamW in place of what is written by hand there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

PLACES, SYMBOLS = 10, 16
FIRST, SECOND, GOLDEN, MASK = 0x85EBCA6B, 0xC2B2AE35, 0x9E3779B9, 0xFFFFFFFF
TABLES = ("marks", "symbols", "asker")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is trained, as `static/training/train.js` names it."""

    heads: int
    lookups: int
    width: int = 16
    batch: int = 128
    steps: int = 800
    seed: int = 1
    rate: float = 5e-3

    def shapes(self) -> dict[str, tuple[int, int]]:
        """The learned matrices in the order in which they are drawn, each inputs × outputs."""
        square = (self.width, self.width)
        return {
            "marks": (self.lookups + 1, self.width), "symbols": (SYMBOLS, self.width), "asker": (1, self.width),
            "query": square, "key": square, "value": square, "output": square,
            "answers": (self.width, self.lookups * SYMBOLS),
        }  # fmt: skip


class Draws:
    """The numbers of `random(seed)`, many at once: each is a hash of its place in their row."""

    def __init__(self, seed: int) -> None:
        self.place = 0
        self.key = 0
        for value in (2, len("random"), *map(ord, "random"), 1, seed):
            self.key = int(mixed(np.array([((self.key ^ value) + GOLDEN) & MASK], dtype=np.uint64))[0])

    def uniform(self, *shape: int) -> np.ndarray:
        """The next ones, from 0 to below 1, row by row."""
        count = int(np.prod(shape))
        places = np.arange(self.place, self.place + count, dtype=np.uint64)
        self.place += count
        return (mixed(mixed(places + np.uint64(1)) ^ np.uint64(self.key)) / 2.0**32).reshape(shape)


def mixed(value: np.ndarray) -> np.ndarray:
    """The last step of MurmurHash3, on whole numbers below 2³²."""
    value = ((value ^ (value >> np.uint64(16))) * np.uint64(FIRST)) & np.uint64(MASK)
    value = ((value ^ (value >> np.uint64(13))) * np.uint64(SECOND)) & np.uint64(MASK)
    return value ^ (value >> np.uint64(16))


def weights(task: Task, draws: Draws) -> dict[str, Tensor]:
    """What a run begins with, as leaves in float64."""
    made = {}
    for name, shape in task.shapes().items():
        normal = draws.uniform(*shape, 12).sum(axis=-1) - 6
        scale = 1.0 if name in TABLES else shape[0] ** -0.5
        made[name] = torch.tensor(scale * normal, requires_grad=True)
    return made


def examples(count: int, lookups: int, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
    """The next examples: marks (count, PLACES), 0 for none, symbols (count, PLACES), and the symbol at each mark."""
    drawn = draws.uniform(count, PLACES + lookups)
    symbols = np.floor(drawn[:, :PLACES] * SYMBOLS).astype(np.int64)
    order = np.tile(np.arange(PLACES), (count, 1))
    rows = np.arange(count)
    marks = np.zeros_like(symbols)
    for mark in range(lookups):
        other = mark + np.floor(drawn[:, PLACES + mark] * (PLACES - mark)).astype(np.int64)
        order[rows, mark], order[rows, other] = order[rows, other], order[rows, mark]
        marks[rows, order[:, mark]] = mark + 1
    answers = np.take_along_axis(symbols, order[:, :lookups], axis=1)
    return torch.tensor(marks), torch.tensor(symbols), torch.tensor(answers)


def logits(made: dict[str, Tensor], marks: Tensor, symbols: Tensor, heads: int) -> Tensor:
    """(count, lookups, SYMBOLS): what the model gives each symbol at each mark."""
    x = made["marks"][marks] + made["symbols"][symbols]
    asked = (made["asker"] @ made["query"]).expand(len(x), 1, -1)
    query, key, value = (
        part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (asked, x @ made["key"], x @ made["value"])
    )
    mixed_values = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(1)
    return (mixed_values @ made["output"] @ made["answers"]).unflatten(-1, (-1, SYMBOLS))


def loss(made: dict[str, Tensor], marks: Tensor, symbols: Tensor, answers: Tensor, heads: int) -> Tensor:
    """The mean cross entropy of all answers, in nats."""
    return functional.cross_entropy(logits(made, marks, symbols, heads).flatten(0, 1), answers.flatten())


def train(task: Task) -> list[float]:
    """The loss of each step's batch, before the step."""
    draws = Draws(task.seed)
    made = weights(task, draws)
    optimizer = torch.optim.AdamW(made.values(), lr=task.rate)
    losses = []
    for _ in range(task.steps):
        now = loss(made, *examples(task.batch, task.lookups, draws), task.heads)
        optimizer.zero_grad()
        now.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(now.item())
    return losses
