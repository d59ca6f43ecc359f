"""Muon for a model's matrices, AdamW for the rest, and how their rates move with the share of the run that is done.

Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon. torch.optim.Muon (torch 2.13) does the same in
bfloat16, one matrix after another; on a processor without bfloat16 that took 19 times as long as this: float32, all
matrices of one shape at once (2.7 s against 0.14 s a step for the storyteller's 28 matrices, one AVX2 thread).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Steps of momentum whose singular values are all brought near 1."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.02) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; all matrices of one shape together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes[matrix.shape].append(matrix)
            for same in shapes.values():
                self._move(same, group)

    def _move(self, matrices: list[nn.Parameter], group: dict[str, Any]) -> None:
        steps = torch.stack([self._momentum(matrix, group["momentum"]) for matrix in matrices])
        rows, columns = steps.shape[-2:]
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        for matrix, step in zip(matrices, orthogonal(steps), strict=True):
            matrix.mul_(1 - group["lr"] * group["decay"]).add_(step, alpha=-rate)

    def _momentum(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        state = self.state[matrix]
        if "mean" not in state:
            state["mean"] = torch.zeros_like(matrix)
        state["mean"].lerp_(cast(Tensor, matrix.grad), 1 - momentum)
        return cast(Tensor, matrix.grad).lerp(state["mean"], momentum)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """(n, rows, columns) → the same with singular values near 1, by Newton–Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT  # (n, short, short)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Optimiser:
    """Both optimisers of one model, moved together."""

    def __init__(self, model: nn.Module, *, matrix_rate: float, other_rate: float) -> None:
        matrices = [p for name, p in model.named_parameters() if is_matrix(name, p)]
        others = [p for name, p in model.named_parameters() if not is_matrix(name, p)]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0)
        ]
        if matrix_rate:
            self.parts.append(Muon(matrices, lr=matrix_rate))
        else:
            self.parts[0].add_param_group({"params": matrices, "weight_decay": 0.01})
        self._peaks = [group["lr"] for part in self.parts for group in part.param_groups]

    def set_share(self, share: float) -> None:
        """Rates and momentum for a run of which `share` (0 to 1) is done."""
        groups = [group for part in self.parts for group in part.param_groups]
        for group, peak in zip(groups, self._peaks, strict=True):
            group["lr"] = peak * schedule(share)
            if "momentum" in group:
                group["momentum"] = 0.85 + 0.1 * min(1.0, share / 0.05)

    def step(self) -> None:
        """Move every parameter and forget the gradients."""
        for part in self.parts:
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether Muon moves it: a matrix inside a layer, not an embedding and not what shares one."""
    return parameter.ndim == 2 and "layers" in name


def schedule(share: float, warm: float = 0.01, hold: float = 0.15) -> float:
    """The rate as a part of its peak: a short rise, level until `hold`, then straight down to nearly 0."""
    if share < warm:
        return 0.1 + 0.9 * share / warm
    return 1.0 if share < hold else max(0.01, (1 - share) / (1 - hold))
