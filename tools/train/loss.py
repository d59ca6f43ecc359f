"""Cross-entropy from hidden states, without ever holding all logits: the logits of a few rows at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ROWS = 512


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Works the gradients out on the way forward, so that no logits need be kept or made again."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, matrix: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        share = weights / weights.sum().clamp(min=1e-6)
        d_hidden, d_matrix = torch.empty_like(hidden), torch.zeros_like(matrix)
        loss = hidden.new_zeros(())
        for at in range(0, len(hidden), ROWS):
            part = slice(at, at + ROWS)
            logits = hidden[part] @ matrix.T  # (rows, vocabulary)
            picked = logits.gather(1, labels[part, None])
            total = torch.logsumexp(logits, 1, keepdim=True)
            loss += ((total - picked)[:, 0] * share[part]).sum()
            d_logits = logits.sub_(total).exp_()
            d_logits.scatter_add_(1, labels[part, None], torch.full_like(picked, -1.0))
            d_logits *= share[part, None]
            d_hidden[part] = d_logits @ matrix
            d_matrix.addmm_(d_logits.T, hidden[part])
        ctx.save_for_backward(d_hidden, d_matrix)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_matrix = ctx.saved_tensors
        return d_hidden * grads[0], d_matrix * grads[0], None, None


def cross_entropy(hidden: Tensor, matrix: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean −log p(label) over rows, by weight. hidden (n, d); matrix (vocabulary, d); labels, weights (n,)."""
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden, matrix, labels, weights)
    return loss
