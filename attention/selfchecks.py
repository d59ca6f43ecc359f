"""What a correct attention layer passes: checks of any implementation, and which of them catches which bug.

An implementation is a function (x, weights, settings, mask) → the steps by name, as `attention.mistakes.run` has them:
x (b, n, m), mask boolean (n, n) beside the layer's own. `static/local/checks.js` has the same checks. Some change the
settings or the input first, and say so. Everything runs in the type of x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from attention.errors import InputError
from attention.layer_settings import LocalSettings
from attention.mistakes import Weights, run

# Up to which difference numbers that were added up as float32 count as equal, relative to the largest of them.
ALLOWED = 1e-5
# The step of the finite differences, a power of 2; and what is left of the third derivative at it.
STEP, ALLOWED_SLOPE = 2**-6, 1e-2
COPIES = 3
CHANGE = 1.5


class Implementation(Protocol):
    """What is checked."""

    def __call__(
        self, x: Tensor, weights: Weights, settings: LocalSettings, *, mask: Tensor | None = None
    ) -> dict[str, Tensor]: ...


Measure = Callable[[Implementation, Tensor, Weights, LocalSettings], float]


@dataclass(frozen=True)
class Finding:
    """What a check found. holds: None where there are too few tokens to tell. words: the same in a sentence."""

    holds: bool | None
    measured: float
    allowed: float
    words: str


def check(name: str, implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> Finding:
    """One of CHECKS; an implementation that cannot be run on what it is given does not hold.

    x (1, n, m). Raises InputError for a check that is none of CHECKS.
    """
    if name not in CHECKS:
        raise InputError(f"There is no check {name!r}; there are: {', '.join(CHECKS)}.")
    measure, allowed = CHECKS[name]
    if x.shape[1] < 2:
        return Finding(None, math.nan, allowed, "This needs two tokens.")
    try:
        with torch.no_grad():
            measured = measure(implementation, x, weights, settings)
    except RuntimeError as err:  # what torch says of shapes that do not fit
        return Finding(False, math.nan, allowed, f"It cannot be computed: {err}")
    most = f"{allowed:.1e} is allowed" if allowed else "none is allowed"
    return Finding(measured <= allowed, measured, allowed, f"Off by {measured:.1e}; {most}.")


def check_all(
    implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings
) -> dict[str, Finding]:
    """All checks by name."""
    return {name: check(name, implementation, x, weights, settings) for name in CHECKS}


def catching(mistake: str, x: Tensor, weights: Weights, settings: LocalSettings) -> list[str]:
    """The checks that catch a mistake of `attention.mistakes`, on this input and with these settings."""
    found = check_all(partial(run, mistake=mistake), x, weights, settings)
    return [name for name, one in found.items() if one.holds is False]


def reference(x: Tensor, weights: Weights, settings: LocalSettings) -> Tensor:
    """(1, n, m): by torch's own fused attention."""
    query, key, value = (x @ weights[name] + weights.get(f"{name}_bias", 0) for name in ("query", "key", "value"))
    factor = (settings.d_head**-0.5 if settings.scaled else 1.0) / settings.temperature
    mixed = functional.scaled_dot_product_attention(
        query.unflatten(2, (settings.n_heads, -1)).transpose(1, 2),
        key.unflatten(2, (settings.n_kv_heads, -1)).transpose(1, 2),
        value.unflatten(2, (settings.n_kv_heads, -1)).transpose(1, 2),
        is_causal=settings.causal, scale=factor, enable_gqa=True,
    )  # fmt: skip
    return mixed.transpose(1, 2).flatten(2) @ weights["output"] + weights.get("output_bias", 0)


# The measures: each a number that is 0, or nearly, for a correct implementation


def wrong_shapes(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """How many steps have another shape than the sizes give them."""
    steps = implementation(x, weights, settings)
    (b, n, m), h, g, d = x.shape, settings.n_heads, settings.n_kv_heads, settings.d_head
    due = {
        "query": (b, h, n, d), "key": (b, g, n, d), "value": (b, g, n, d), "scores": (b, h, n, n),
        "weights": (b, h, n, n), "heads": (b, h, n, d), "concat": (b, n, m), "output": (b, n, m),
    }  # fmt: skip
    return sum(tuple(steps[name].shape) != shape for name, shape in due.items())


def row_sums(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Each row of weights sums to 1."""
    return _most(implementation(x, weights, settings)["weights"].sum(-1) - 1)


def later_words(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Under a causal mask, another last token leaves all outputs before it as they were."""
    causal = replace(settings, causal=True)
    other = x.clone()
    other[:, -1] += CHANGE
    before, after = (implementation(one, weights, causal)["output"][:, :-1] for one in (x, other))
    return _apart(before, after)


def other_order(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Without a mask, tokens in another order have the same outputs in that order."""
    free = replace(settings, causal=False)
    turned = implementation(x.flip(1), weights, free)["output"]
    return _apart(turned, implementation(x, weights, free)["output"].flip(1))


def one_word(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """A single token has the weight 1, and its output is its value through W_O."""
    one = x[:, :1]
    steps = implementation(one, weights, settings)
    value = (one @ weights["value"] + weights.get("value_bias", 0)).unflatten(2, (settings.n_kv_heads, -1))
    spread = value.repeat_interleave(settings.n_heads // settings.n_kv_heads, dim=2).flatten(2)
    due = spread @ weights["output"] + weights.get("output_bias", 0)
    return _worst(_most(steps["weights"] - 1), _apart(steps["output"], due))


def equal_keys(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Keys that are all the same share the weight evenly."""
    key = weights["key"]
    same = {**weights, "key": torch.zeros_like(key), "key_bias": _ramp(key)}
    n = x.shape[1]
    seen = torch.ones(n, n, dtype=x.dtype)
    seen = seen.tril() if settings.causal else seen
    return _most(implementation(x, same, settings)["weights"] - seen / seen.sum(-1, keepdim=True))


def copies(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Copies of a token weigh together as if the logarithm of their number were added to its score."""
    free = replace(settings, causal=False)
    n = x.shape[1]
    several = torch.cat([x, *[x[:, -1:]] * (COPIES - 1)], dim=1)
    once, made = (implementation(one, weights, free)["weights"][..., :n, :] for one in (x, several))
    due = torch.cat([once, *[once[..., -1:]] * (COPIES - 1)], dim=-1) / (1 + (COPIES - 1) * once[..., -1:])
    return _most(made - due)


def padding(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """Tokens that are added and hidden change nothing for the others."""
    n = x.shape[1]
    longer = torch.cat([x, CHANGE - x[:, :2]], dim=1)
    mask = (torch.arange(n + 2) < n).expand(n + 2, -1)
    made = implementation(longer, weights, settings, mask=mask)["output"][:, :n]
    return _apart(made, implementation(x, weights, settings)["output"])


def key_bias(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """The same vector added to every key changes no output."""
    moved = {**weights, "key_bias": _ramp(weights["key"]) + weights.get("key_bias", 0)}
    return _apart(implementation(x, moved, settings)["output"], implementation(x, weights, settings)["output"])


def gradient(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """How the outputs follow the first number of the middle token: finite differences against the derivative.

    The derivative is the reference's, by torch's own rules.
    """
    step = torch.zeros_like(x)
    step[:, x.shape[1] // 2, 0] = STEP
    more, less = (implementation(x + by, weights, settings)["output"] for by in (step, -step))
    with sdpa_kernel(SDPBackend.MATH):  # the one whose derivative torch can take forwards
        due = torch.func.jvp(lambda one: reference(one, weights, settings), (x,), (step / STEP,))[1]
    return _apart((more - less) / (2 * STEP), due)


def against_reference(implementation: Implementation, x: Tensor, weights: Weights, settings: LocalSettings) -> float:
    """The outputs are those of torch's own fused attention."""
    return _apart(implementation(x, weights, settings)["output"], reference(x, weights, settings))


CHECKS: dict[str, tuple[Measure, float]] = {
    "shape": (wrong_shapes, 0.0),
    "rows": (row_sums, ALLOWED),
    "causality": (later_words, 0.0),
    "order": (other_order, ALLOWED),
    "one": (one_word, ALLOWED),
    "keys": (equal_keys, ALLOWED),
    "copies": (copies, ALLOWED),
    "padding": (padding, ALLOWED),
    "bias": (key_bias, ALLOWED),
    "gradient": (gradient, ALLOWED_SLOPE),
    "reference": (against_reference, ALLOWED),
}


def _most(difference: Tensor) -> float:
    """The largest size; NaN where one is."""
    return float(difference.abs().max())


def _worst(one: float, other: float) -> float:
    return math.nan if math.isnan(one) or math.isnan(other) else max(one, other)


def _apart(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest number of the second."""
    gap = _most(one - other)
    return gap if gap == 0 else gap / _most(other)


def _ramp(matrix: Tensor) -> Tensor:
    """Numbers that differ, from −1 to 1, one for each column."""
    columns = matrix.shape[1]
    return torch.linspace(-1, 1, columns, dtype=matrix.dtype) if columns > 1 else torch.ones(1, dtype=matrix.dtype)
