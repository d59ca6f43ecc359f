"""Prove that scores are scale · Q·Kᵀ plus a mask and a bias, or find that they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attention.capture.rules import FORBIDDEN
from attention.record import PositionBias

# How closely the rebuilt scores must match, relative to the largest of them, by type.
CLOSE = {torch.float64: 1e-6, torch.float32: 5e-6, torch.float16: 4e-3, torch.bfloat16: 3e-2}


@dataclass(frozen=True, eq=False)
class Fit:
    """scores = scale · query · keyᵀ + bias where allowed. query (h, q, d), key (h, k, d), allowed (h, q, k)."""

    query: Tensor | None
    key: Tensor | None
    scale: float
    allowed: Tensor
    bias: PositionBias | None


Difference = Callable[[Tensor], Tensor]


def fit(scores: Tensor, left: Tensor, right: Tensor) -> Fit | None:
    """The fit of scores (h, q, k) to the product left (h, q, d) @ right (h, d, k), or None where it is another thing.

    Tried are: no bias; a bias by key alone; a bias by distance alone. Each vanishes in a difference of its own, which
    leaves the scale; what is then left over must be the bias, exactly.
    """
    if left.shape[:2] != scores.shape[:2] or right.shape[::2] != scores.shape[::2]:
        return None
    # In double, so that the rounding of two large numbers' difference is not taken for a bias.
    product, target = left.double() @ right.double(), scores.double()
    allowed = target > FORBIDDEN
    close = CLOSE.get(scores.dtype, CLOSE[torch.float16]) * max(1.0, float(target[allowed].abs().max()))
    for difference, both, bias_of in _TRIES:
        scale = _scale(difference(target), difference(product), both(allowed))
        if scale is None:
            continue
        rest = (target - scale * product).masked_fill(~allowed, 0)
        bias = bias_of(rest, allowed)
        if ((rest - bias).abs()[allowed] <= close).all():
            kept = _compress(bias, scores.dtype) if bias.abs().max() > close else None
            return Fit(left, right.transpose(1, 2), scale, allowed, kept)
    return None


def _scale(target: Tensor, product: Tensor, taking: Tensor) -> float | None:
    """Least squares over the differences in which no masked cell takes part."""
    a, b = target[taking], product[taking]
    size = float((b * b).sum())
    return float((a * b).sum()) / size if size > 0 else None


def _same(x: Tensor) -> Tensor:
    return x


def _down(x: Tensor) -> Tensor:
    """Between neighbouring queries at one key: a bias by key vanishes."""
    return x[:, 1:] - x[:, :-1]


def _diagonal(x: Tensor) -> Tensor:
    """Between neighbours along the diagonal: a bias by distance vanishes."""
    return x[:, 1:, 1:] - x[:, :-1, :-1]


def _no_bias(rest: Tensor, allowed: Tensor) -> Tensor:
    return torch.zeros_like(rest[:1, :1, :1])


def _by_key(rest: Tensor, allowed: Tensor) -> Tensor:
    count = allowed.sum(dim=1, keepdim=True).clamp(min=1)
    return (rest.sum(dim=1, keepdim=True) / count).expand_as(rest)


def _by_distance(rest: Tensor, allowed: Tensor) -> Tensor:
    n_q, n_k = rest.shape[1:]
    index = (torch.arange(n_k) - torch.arange(n_q)[:, None] + n_q - 1).to(rest.device).expand_as(rest).flatten(1)
    zeros = rest.new_zeros(rest.shape[0], n_q + n_k - 1)
    total = zeros.scatter_add(1, index, rest.flatten(1))
    count = zeros.scatter_add(1, index, allowed.to(rest.dtype).flatten(1)).clamp(min=1)
    return (total / count).gather(1, index).view_as(rest)


def _compress(bias: Tensor, dtype: torch.dtype) -> PositionBias:
    n_q, n_k = bias.shape[1:]
    bias = bias.to(torch.promote_types(dtype, torch.float32))
    if torch.equal(bias, bias[:, :1].expand_as(bias)):
        return PositionBias(n_q=n_q, n_k=n_k, by_key=bias[:, 0].clone())
    line = torch.cat([bias[:, :, 0].flip(1), bias[:, 0, 1:]], dim=1)
    return PositionBias(n_q=n_q, n_k=n_k, by_distance=line)


_TRIES: list[tuple[Difference, Difference, Callable[[Tensor, Tensor], Tensor]]] = [
    (_same, _same, _no_bias),
    (_down, lambda x: x[:, 1:] & x[:, :-1], _by_key),
    (_diagonal, lambda x: x[:, 1:, 1:] & x[:, :-1, :-1], _by_distance),
]
