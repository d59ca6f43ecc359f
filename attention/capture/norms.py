"""Tell by behaviour whether a module is a norm, and by what it divided each token of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from attention.capture.projection import quietly
from attention.record import TOLERANCE, wide

# Large beside what a norm adds to the variance, so that it divides by the size of the probe alone.
PROBE = 100.0
# What a norm adds to the variance changes an answer to the probe by less than this.
LEAST = 1e-7


@dataclass(frozen=True, eq=False)
class Norm:
    """One norm of one run: y = (x − mean x) / scale · weight + bias, without the mean where it is not `centred`.

    Layer norm is centred (Ba et al. 2016), RMS norm is not (Zhang and Sennrich 2019). module: its path. entered (b, n,
    m): x. scale (b, n, 1): what this run divided by. weight, bias (m,). reads_stream: x is a stage of the residual
    stream.
    """

    module: str
    entered: Tensor
    centred: bool
    scale: Tensor
    weight: Tensor
    bias: Tensor
    reads_stream: bool = False

    def frozen(self, part: Tensor) -> Tensor:
        """What the norm makes of a part of its input (b, n, m) with its scale held still, without the bias: linear."""
        return _centred(wide(part), self.centred) / self.scale * self.weight

    def reading(self, stream: bool) -> Norm:
        """The same, and whether it reads the stream."""
        return replace(self, reads_stream=stream)


def looks_like_norm(module: nn.Module, entered: Any, output: Any) -> bool:
    """Whether it is worth asking: one tensor in and out, of one shape, and no matrix in between."""
    both = isinstance(entered, Tensor) and isinstance(output, Tensor) and entered.shape == output.shape
    return both and not any(True for _ in module.children()) and all(p.dim() < 2 for p in module.parameters())


def norm_of(module: nn.Module, name: str, entered: Tensor, output: Tensor) -> Norm | None:
    """The norm that a module is, with its scales in this run; None where it divides no token by one number."""
    width = entered.shape[-1]
    probe = PROBE * (1 - 2 * (torch.arange(width, device=entered.device) % 2)).to(entered.dtype)  # +, −, +, …
    asked = torch.stack([probe, 2 * probe, probe + PROBE / 2, torch.zeros_like(probe)])[None]
    try:
        once, twice, shifted, bias = wide(quietly(module, asked).detach())[0]
    except (TypeError, RuntimeError, ValueError):  # it takes nothing of this shape
        return None
    close = max(16 * torch.finfo(entered.dtype).eps, LEAST) * max(float(once.abs().max()), 1e-12)
    if not bool((once - twice).abs().max() <= close) or float((once - bias).abs().max()) <= close:
        return None
    centred = bool((once - shifted).abs().max() <= close)
    own = _centred(wide(probe), centred)
    weight = (once - bias) * own.square().mean().sqrt() / own
    x = _centred(wide(entered.detach()), centred) * weight
    y = wide(output.detach()) - bias
    scale = x.square().sum(-1, keepdim=True) / (x * y).sum(-1, keepdim=True)
    scale = torch.where(scale.isfinite(), scale, torch.ones_like(scale))
    tolerance = TOLERANCE.get(entered.dtype, TOLERANCE[torch.float16]) * max(float(y.abs().max()), 1e-12)
    if not bool((x / scale - y).abs().max() <= tolerance):
        return None
    return Norm(name, entered, centred, scale, weight, bias)


def _centred(x: Tensor, is_centred: bool) -> Tensor:
    return x - x.mean(dim=-1, keepdim=True) if is_centred else x
