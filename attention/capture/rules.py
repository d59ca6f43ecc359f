"""From the masks and biases that a model hands to its attention, to the small rules that a record keeps."""

from __future__ import annotations

import torch
from torch import Tensor

from attention.record import Mask, PositionBias

# Additive masks use −inf, the type's minimum, −1e9 or −1e4; a real bias is nowhere near. Below this, exp() is 0.
FORBIDDEN = -9_999.0
# A run has few distinct masks (full, sliding, cross); a bias may be made anew in every layer and is large.
KEEP_MASKS, KEEP_BIASES = 8, 1


class Rules:
    """Reads the masks of one run; a tensor that layers share is read once, and arrays are shared."""

    def __init__(self) -> None:
        self._masks: list[tuple[Tensor, tuple[Mask, PositionBias | None]]] = []
        self._biases: list[tuple[Tensor, PositionBias]] = []
        self._arrays: list[Tensor] = []

    def mask(self, mask: Tensor, n_q: int, n_k: int) -> tuple[Mask, PositionBias | None]:
        """The rule of a boolean or additive mask, broadcastable to (1, h, n_q, n_k), and the bias mixed into it."""
        for seen, rule in self._masks:
            if seen is mask:
                return rule
        rule = self._read(_expand(mask, n_q, n_k))
        self._masks = [*self._masks, (mask, rule)][-KEEP_MASKS:]
        return rule

    def bias(self, bias: Tensor, n_q: int, n_k: int) -> PositionBias:
        """The position bias (1, h, n_q, n_k), as numbers by distance where that is all it is."""
        for seen, made in self._biases:
            if seen is bias:
                return made
        made = compress_bias(_expand(bias, n_q, n_k))
        self._biases = [*self._biases, (bias, made)][-KEEP_BIASES:]
        return made

    def _read(self, mask: Tensor) -> tuple[Mask, PositionBias | None]:
        if mask.dtype == torch.bool:
            return self.rule(mask), None
        allowed = mask > FORBIDDEN  # (h, n_q, n_k)
        rest = mask.masked_fill(~allowed, 0)
        return self.rule(allowed), compress_bias(rest) if rest.any() else None

    def rule(self, allowed: Tensor) -> Mask:
        """The rule of a boolean (h or 1, n_q, n_k)."""
        if (allowed == allowed[:1]).all():
            allowed = allowed[:1]
        if allowed.shape[0] > 1:
            return Mask(array=self._shared(allowed))
        return find_rule(allowed[0]) or Mask(array=self._shared(allowed[0]))

    def _shared(self, array: Tensor) -> Tensor:
        for seen in self._arrays:
            if seen.shape == array.shape and torch.equal(seen, array):
                return seen
        self._arrays.append(array.clone())
        return self._arrays[-1]


def find_rule(allowed: Tensor) -> Mask | None:
    """The rule that gives exactly this boolean (n_q, n_k), or None. The plainest rule that fits is taken."""
    n_q, n_k = allowed.shape
    live = allowed.any(dim=1)
    if not live.any():
        return None
    keys = allowed.any(dim=0)
    padding = None if keys.all() else keys.clone()
    own = torch.arange(n_q, device=allowed.device)[live]
    first = allowed[live].int().argmax(dim=1)
    last = n_k - 1 - allowed[live].flip(1).int().argmax(dim=1)
    after, before = int((last - own).max()), int((own - first).max())
    for limits in ((None, None), (None, after), (before, None), (before, after)):
        rule = Mask(before=limits[0], after=limits[1], keys=padding)
        if any(limit is not None and limit < 0 for limit in limits):
            continue
        made = rule.rows(0, n_q, n_k, allowed.device)
        if allowed.all() if made is None else torch.equal(made, allowed):
            return rule
    return None


def compress_bias(bias: Tensor) -> PositionBias:
    """(h or 1, n_q, n_k) → by distance where bias[i, j] depends on j − i alone, else dense."""
    n_q, n_k = bias.shape[1:]
    if torch.equal(bias[:, 1:, 1:], bias[:, :-1, :-1]):
        line = torch.cat([bias[:, :, 0].flip(1), bias[:, 0, 1:]], dim=1)  # (h, n_q + n_k − 1)
        return PositionBias(n_q=n_q, n_k=n_k, by_distance=line)
    return PositionBias(n_q=n_q, n_k=n_k, dense=bias.clone())


def add_biases(first: PositionBias | None, second: PositionBias | None) -> PositionBias | None:
    """The sum of two biases of one operation."""
    first, second = _unless_zero(first), _unless_zero(second)
    if first is None or second is None:
        return first or second
    if first.by_distance is not None and second.by_distance is not None:
        return PositionBias(n_q=first.n_q, n_k=first.n_k, by_distance=first.by_distance + second.by_distance)
    both = first.all_rows(0, first.n_q) + second.all_rows(0, first.n_q)
    return PositionBias(n_q=first.n_q, n_k=first.n_k, dense=both)


def _unless_zero(bias: PositionBias | None) -> PositionBias | None:
    """T5's cross-attention adds a bias of zeros: that is no bias."""
    return bias if bias is not None and bool(bias.numbers.any()) else None


def _expand(mask: Tensor, n_q: int, n_k: int) -> Tensor:
    """Any broadcastable mask → (h or 1, n_q, n_k); keys beyond n_k (a longer cache) are cut."""
    while mask.dim() < 4:
        mask = mask[None]
    mask = mask[0, ..., :n_k]
    return mask.expand(mask.shape[0], n_q, n_k)
