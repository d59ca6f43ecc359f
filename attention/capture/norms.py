"""Tell by behaviour whether a module is a norm, and hold the scales by which it divided each token of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from attention.capture.projection import quietly
from attention.record import wide

# How far what the frozen norm makes may lie from what the run made, relative: float32, and narrower types.
EXACT, ROUNDED = 1e-4, 3e-2
# Large beside what a norm adds to the variance, so that an answer to twice the probe is the same but for this much.
PROBE, LEAST = 100.0, 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenNorm:
    """y = inverse · gain ⊙ z + offset, z being x, less its mean where `centred`.

    gain, offset (m,). inverse (n,): 1 / scale. All in float32.
    """

    centred: bool
    gain: Tensor
    inverse: Tensor
    offset: Tensor

    def __call__(self, written: Tensor, rows: Tensor) -> Tensor:
        """What a part of x at these rows, (r, m), becomes of y."""
        return _less_mean(written, self.centred) * self.gain * self.inverse[rows, None]


@dataclass(frozen=True, eq=False)
class Norm:
    """One norm of one run, its scales held: layer norm is centred (Ba et al. 2016), RMS norm is not (Zhang and Sennrich
    2019). module: its path. entered (b, n, m): what it read. reads_stream: that is a stage of the residual stream.
    """

    module: str
    entered: Tensor
    held: FrozenNorm
    reads_stream: bool = False

    @property
    def scale(self) -> Tensor:
        """What each token was divided by, (b, n, 1), in the wider of float32 and the model's type."""
        return (1 / self.held.inverse).reshape(*self.entered.shape[:-1], 1).to(wide(self.entered).dtype)

    @property
    def bias(self) -> Tensor:
        """(m,)."""
        return self.held.offset

    def frozen(self, part: Tensor) -> Tensor:
        """What the norm makes of a part of its input (b, n, m) with its scale held still, without the bias: linear."""
        return _less_mean(wide(part), self.held.centred) / self.scale * self.held.gain

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
    try:
        if not _ignores_size(module, entered):
            return None
        held = freeze(module, entered.reshape(-1, width), output.reshape(-1, width))
    except (TypeError, RuntimeError, ValueError):  # it takes nothing of this shape
        return None
    return None if held is None else Norm(name, entered, held)


def _ignores_size(module: nn.Module, like: Tensor) -> bool:
    """Whether it makes the same of a token and of twice that token, and not the same of everything."""
    probe = PROBE * (1 - 2 * (torch.arange(like.shape[-1], device=like.device) % 2)).to(like.dtype)  # +, −, +, …
    once, twice, nothing = wide(quietly(module, torch.stack([probe, 2 * probe, 0 * probe])[None]).detach())[0]
    close = max(16 * torch.finfo(like.dtype).eps, LEAST) * max(float(once.abs().max()), 1e-12)
    return bool((once - twice).abs().max() <= close) and float((once - nothing).abs().max()) > close


def freeze(norm: nn.Module, x: Tensor, y: Tensor) -> FrozenNorm | None:
    """The norm with the scales that took x (n, m) to y (n, m), as LayerNorm or RMSNorm have them; None for another."""
    allowed = EXACT if x.dtype in (torch.float32, torch.float64) else ROUNDED
    x, y = x.detach(), y.detach().float()
    signs = torch.randint(0, 2, (1, x.shape[1]), generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
    probe = (100 * signs).to(x.device, x.dtype)  # large beside any ε, small enough to be squared in half precision
    offset = quietly(norm, torch.zeros_like(probe)).float()
    tried = quietly(norm, probe).float() - offset
    best: tuple[float, FrozenNorm] | None = None
    for centred in (False, True):
        z = _less_mean(probe.float(), centred)
        gain = (tried * z.pow(2).mean().sqrt() / z)[0]
        made = _less_mean(x.float(), centred) * gain
        inverse = ((y - offset) * made).sum(-1) / made.pow(2).sum(-1).clamp(min=1e-30)
        gap = (y - offset - inverse[:, None] * made).norm() / (y - offset).norm().clamp(min=1e-30)
        if best is None or float(gap) < best[0]:
            best = float(gap), FrozenNorm(centred=centred, gain=gain, inverse=inverse, offset=offset[0])
    return best[1] if best is not None and best[0] <= allowed else None


def _less_mean(x: Tensor, centred: bool) -> Tensor:
    return x - x.mean(-1, keepdim=True) if centred else x
