"""A first picture of which heads matter, from two passes: attribution patching, activation × gradient.

The change of the metric is guessed from its slope at the run as it is (Nanda 2023; Syed, Rager and Conmy 2023):

    metric(with r in z's place) − metric ≈ (r − z) · ∂metric/∂z,

for a head's output z and what would stand in its place, r. It is good for heads, and blind to what bends on the way
there: softmax, norms that saturate. True runs replace it (`ablation.each_off`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attention.analysis.ablation import USUAL, HeadsOff, asking_at, check_means, replacement, said
from attention.analysis.effect import metric_for, observe_at, position_of, rows_of
from attention.analysis.head_map import HeadMap, empty, filled
from attention.analysis.sweep import check_numbers, heads_of
from attention.capture import Call, Inputs, Product
from attention.capture.address import Address
from attention.capture.replaced import Kept, Replacement
from attention.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from attention.source import Source

FROZEN_HAS_NONE = "With later heads frozen there is no estimate: a gradient goes through all that comes later."


@dataclass(eq=False)
class _Slopes:
    """Keeps each operation's output as part of the graph, and how far it would move: r − z, (n_q, h, v)."""

    by: Replacement
    outputs: dict[Address, Tensor] = field(default_factory=dict)
    moves: dict[Address, Tensor] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if call.address is None:
            return output
        self.outputs[call.address] = output
        with torch.no_grad():
            own = output.detach()
            other = torch.stack([self.by(call, own, 0, head).to(own.dtype) for head in range(own.shape[2])], dim=1)
            self.moves[call.address] = other - own[0]
        return output


def preview(
    source: Source,
    inputs: Inputs,
    wanted: HeadsOff = USUAL,
) -> HeadMap:
    """An estimate of what `ablation.each_off` tells of the same, from one run and its gradients.

    Raises InputError with later heads frozen, for a gradient goes through all that comes later, and
    UnsupportedModelError where no gradient reaches the heads; else as `each_off` does.
    """
    if wanted.frozen is not None:
        raise InputError(FROZEN_HAS_NONE)
    by, named = replacement(source, wanted)
    place, query = position_of(source, inputs, wanted.position), wanted.query
    slopes = _Slopes(_checked(by))
    logits = rows_of(source, observe_at(source, [inputs], slopes, [place], differentiable=True), [place])[0, 0]
    metric = metric_for(source, logits.detach(), place, wanted.target, wanted.distractor)
    base = metric.of(logits)
    kept = Kept(shapes={at: output.shape for at, output in slopes.outputs.items()})
    heads = asking_at(heads_of(kept, wanted.kinds), kept.shapes, query)
    check_means(by, heads)
    guessed = _guessed(base, slopes, query)
    found = [float(guessed[one.address][one.head]) for one in heads]
    sentence = said(source, metric, f"{named} (estimated from its gradient)", wanted)
    value = base.detach().reshape(1).cpu().numpy()
    check_numbers(value)
    return HeadMap(
        values=filled(empty(heads), heads, found), metric=metric, base=float(value[0]), sentence=sentence, exact=False
    )


def _checked(by: Replacement) -> Replacement:
    """The replacement, and nothing where a mean is missing: which heads that concerns is told afterwards."""

    def made(call: Call, output: Tensor, row: int, head: int) -> Tensor:
        means = getattr(by, "means", None)
        return output[row, :, head] if means is not None and call.address not in means else by(call, output, row, head)

    return made


def _guessed(base: Tensor, slopes: _Slopes, query: int | None) -> dict[Address, np.ndarray]:
    """(r − z) · ∂metric/∂z of every head (h,), by address; 0 for what the metric does not depend on."""
    addresses = list(slopes.outputs)
    gradients: Any = torch.autograd.grad(base, [slopes.outputs[at] for at in addresses], allow_unused=True)
    queries = slice(None) if query is None else slice(query, query + 1)
    made = {}
    for address, gradient in zip(addresses, gradients, strict=True):
        move = slopes.moves[address][queries]  # (n_q, h, v)
        slope = torch.zeros_like(move) if gradient is None else gradient[0, queries]
        made[address] = (move.double() * slope.double()).sum(dim=(0, 2)).cpu().numpy()
    return made


