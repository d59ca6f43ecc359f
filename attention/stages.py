"""One head's arithmetic, for any model, as named stages in the model's own order.

Scaled dot-product attention (Vaswani et al. 2017, equation 1),

    Attention(Q, K, V) = softmax(Q Kᵀ · scale) V,

with what today's models add to it: a cap on the scores (Gemma 2), a bias by position (T5, ALiBi), a mask, and a
learned sink that takes a share of the softmax (gpt-oss). Every picture and every number of Headlight is made here.

Letters in the shape comments: `...` any leading axes (batch, heads), q queries, k keys, d width of a query or key,
v width of a value.
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

NEG_INF = float("-inf")
DEVICES = ("cpu", "cuda", "mps")
P = ParamSpec("P")
R = TypeVar("R")


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """The function in the types of its tensors: a caller's `torch.autocast` would make its products in a narrow one."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as around:
            for device in DEVICES:
                if torch.is_autocast_enabled(device):
                    around.enter_context(torch.autocast(device, enabled=False))
            return function(*args, **kwargs)

    return run


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """The intermediate results of one attention operation.

    steps: ordered (name, tensor (..., q, k)): always `scores`, `scaled`, `masked`, `weights`; between `scaled` and
        `masked`, `softcapped`, `biased` and `tempered` where the operation has them.
    sink_weight: (..., q), the share of the learned sink, or None. A row of weights and its sink share sum to 1
        (with sink_scales the weights alone do), or to 0 where the query may attend to nothing.
    output: (..., q, v), or None where no values were given.
    """

    steps: tuple[tuple[str, Tensor], ...]
    sink_weight: Tensor | None
    output: Tensor | None

    def __getitem__(self, name: str) -> Tensor:
        return dict(self.steps)[name]

    @property
    def weights(self) -> Tensor:
        return self["weights"]

    @property
    def mixed(self) -> Tensor:
        """The output; raises ValueError where no values were given."""
        if self.output is None:
            raise ValueError("These stages were made without values, so there is no output.")
        return self.output


@exactly
def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor | None,
    *,
    scale: float,
    softcap: float | None = None,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    sink: Tensor | None = None,
    sink_scales: bool = False,
    temperature: float = 1.0,
) -> Stages:
    """Run the stages and keep each of them.

    query (..., q, d), key (..., k, d), value (..., k, v); leading axes broadcast.
    scale multiplies the scores (usually 1/√d, but read it from the model). softcap: c in c·tanh(s/c).
    bias, broadcast to (..., q, k), is added after that. mask: boolean, True = may attend. sink (...): one extra
    logit a head, which takes its share from the weights, or, with sink_scales, from the output: then the weights are
    those without it, and the output is scaled by 1 − share (Granite's form; the output is the same either way).
    temperature divides the finished scores.
    """
    scores = query @ key.transpose(-2, -1)  # (..., q, k)
    steps = [("scores", scores), ("scaled", scores * scale)]
    if softcap is not None:
        steps.append(("softcapped", cap(steps[-1][1], softcap)))
    if bias is not None:
        steps.append(("biased", steps[-1][1] + bias))
    if temperature != 1.0:
        steps.append(("tempered", steps[-1][1] / temperature))
    steps.append(("masked", apply_mask(steps[-1][1], mask)))
    masked = steps[-1][1]
    weights, sink_weight = softmax(masked, sink)
    if sink_scales:
        weights = softmax(masked)[0]
    steps.append(("weights", weights))
    output = None if value is None else mix(weights, value)
    if output is not None and sink_scales and sink_weight is not None:
        output = output * (1 - sink_weight)[..., None]
    return Stages(steps=tuple(steps), sink_weight=sink_weight, output=output)


def cap(scores: Tensor, softcap: float) -> Tensor:
    """Squash scores into (−softcap, softcap), nearly linear around 0 (Gemma 2, Gemma Team 2024, section 2)."""
    return softcap * torch.tanh(scores / softcap)


def apply_mask(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Put −inf where a query may not attend. mask is boolean, True = may attend, broadcast to the scores."""
    return scores if mask is None else scores.masked_fill(~mask, NEG_INF)


def softmax(scores: Tensor, sink: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Weights (..., q, k) over the keys, each row summing to 1, and the sink's share (..., q) where there is one.

    Runs in the wider of float32 and the scores' type. A row of nothing but −inf gives zeros, not NaN.
    A sink (...) is one more logit that takes its share and carries no value (gpt-oss, OpenAI 2025).
    """
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
    top = wide.amax(dim=-1, keepdim=True) if wide.shape[-1] else wide.new_full((*wide.shape[:-1], 1), NEG_INF)
    if sink is not None:
        logit = sink.to(wide.dtype)[..., None, None]  # (..., 1, 1)
        top = torch.maximum(top, logit)
    top = torch.where(torch.isneginf(top), torch.zeros_like(top), top)  # keeps exp(−inf − top) at 0
    parts = torch.exp(wide - top)  # (..., q, k)
    total = parts.sum(dim=-1, keepdim=True)
    if sink is None:
        return parts / torch.where(total == 0, torch.ones_like(total), total), None
    sink_part = torch.exp(logit - top)
    total = total + sink_part
    total = torch.where(total == 0, torch.ones_like(total), total)
    return parts / total, (sink_part / total)[..., 0]


def mix(weights: Tensor, value: Tensor) -> Tensor:
    """Weighted sum of the values: (..., q, k) @ (..., k, v) → (..., q, v), in the weights' own precision."""
    return weights @ value.to(weights.dtype)
