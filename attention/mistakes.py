"""The common bugs of an attention layer, each switchable, in code as one writes it first.

`run` is the layer of `attention/mhsa.py` once more, in small functions, of which a mistake replaces one or two. It is
here to be broken: what the page shows comes from `mhsa` and `stages`. `static/local/mistakes.js` has the same bugs, and
what is said of each. The checks that catch them are in `attention/selfchecks.py`.

Letters in the shape comments: b batch, n tokens, m d_model, h heads (or key-value heads g), d d_head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from attention.errors import InputError
from attention.layer_settings import LocalSettings
from attention.mhsa import MultiHeadSelfAttention

Weights = Mapping[str, Tensor]


def weights_of(layer: MultiHeadSelfAttention) -> dict[str, Tensor]:
    """The four projections of a layer as x meets them from the left: query (m, h·d), key and value (m, g·d), output
    (h·d, m). Biases can be put beside them, as `query_bias` and so on.
    """
    return {name: getattr(layer, f"to_{name}").weight.T for name in ("query", "key", "value", "output")}


# The right parts


def split(projected: Tensor, h: int) -> Tensor:
    """(b, n, h·d) → (b, h, n, d)."""
    b, n, d = *projected.shape[:2], projected.shape[2] // h
    heads = projected.view(b, n, h, d).transpose(1, 2)
    return heads


def dots(query: Tensor, key: Tensor) -> Tensor:
    """(b, h, n, d) twice → (b, h, n, n)."""
    scores = query @ key.transpose(-2, -1)
    return scores


def scale(scores: Tensor, d_head: int, d_model: int) -> Tensor:
    """Scores of unit variance, where queries and keys have it."""
    scaled = scores / d_head**0.5
    return scaled


def see(n: int) -> Tensor:
    """(n, n): which keys each query may see under a causal mask."""
    may = torch.ones(n, n, dtype=torch.bool).tril()
    return may


def block(scores: Tensor, may: Tensor) -> Tensor:
    """−∞ where a query may not see a key."""
    return scores.masked_fill(~may, float("-inf"))


def softmax(masked: Tensor, may: Tensor) -> Tensor:
    """Each row as positive numbers that sum to 1."""
    weights = masked.softmax(dim=-1)
    return weights


def merge(heads: Tensor) -> Tensor:
    """(b, h, n, d) → (b, n, h·d)."""
    b, h, n, d = heads.shape
    concat = heads.transpose(1, 2).reshape(b, n, h * d)
    return concat


def bring(concat: Tensor, weights: Weights) -> Tensor:
    """(b, n, h·d) → (b, n, m)."""
    return _project(concat, weights, "output")


@dataclass(frozen=True)
class Parts:
    """What a pass is made of."""

    split: Callable[[Tensor, int], Tensor] = split
    dots: Callable[[Tensor, Tensor], Tensor] = dots
    scale: Callable[[Tensor, int, int], Tensor] = scale
    see: Callable[[int], Tensor] = see
    block: Callable[[Tensor, Tensor], Tensor] = block
    softmax: Callable[[Tensor, Tensor], Tensor] = softmax
    merge: Callable[[Tensor], Tensor] = merge
    bring: Callable[[Tensor, Weights], Tensor] = bring


# The wrong ones


def swapped(query: Tensor, key: Tensor) -> Tensor:
    """The scores are transposed."""
    scores = key @ query.transpose(-2, -1)
    return scores


def along_queries(masked: Tensor, may: Tensor) -> Tensor:
    """The columns sum to 1, and the rows do not."""
    weights = masked.softmax(dim=-2)
    return weights


def unscaled(scores: Tensor, d_head: int, d_model: int) -> Tensor:
    """The scores stay √d_head times too large."""
    scaled = scores
    return scaled


def by_width(scores: Tensor, d_head: int, d_model: int) -> Tensor:
    """The scores are √n_heads times too small."""
    scaled = scores / d_model**0.5
    return scaled


def left_open(scores: Tensor, may: Tensor) -> Tensor:
    """Nothing is masked before the softmax …"""
    return scores


def masked_late(scores: Tensor, may: Tensor) -> Tensor:
    """… but after it, where the rows no longer sum to 1."""
    weights = scores.softmax(dim=-1) * may
    return weights


def without_itself(n: int) -> Tensor:
    """The first token may see nothing, and its row is NaN."""
    may = torch.ones(n, n, dtype=torch.bool).tril(diagonal=-1)
    return may


def cut_across(projected: Tensor, h: int) -> Tensor:
    """Each head gets whole tokens instead of its own columns of every token."""
    b, n, d = *projected.shape[:2], projected.shape[2] // h
    heads = projected.view(b, h, n, d)
    return heads


def merged_across(heads: Tensor) -> Tensor:
    """A token's output is made of what one head has for several tokens."""
    b, h, n, d = heads.shape
    concat = heads.reshape(b, n, h * d)
    return concat


def averaged(heads: Tensor) -> Tensor:
    """d numbers a token are left, in which no head can be told from another."""
    concat = heads.mean(dim=1)
    return concat


def bring_average(concat: Tensor, weights: Weights) -> Tensor:
    """The first d rows of W_O, for there are no more numbers."""
    return _project(concat, {**weights, "output": weights["output"][: concat.shape[-1]]}, "output")


MISTAKES: dict[str, Parts] = {
    "transpose": Parts(dots=swapped),
    "axis": Parts(softmax=along_queries),
    "unscaled": Parts(scale=unscaled),
    "width": Parts(scale=by_width),
    "late": Parts(block=left_open, softmax=masked_late),
    "diagonal": Parts(see=without_itself),
    "split": Parts(split=cut_across),
    "merge": Parts(merge=merged_across),
    "average": Parts(merge=averaged, bring=bring_average),
}


def run(
    x: Tensor, weights: Weights, settings: LocalSettings, mistake: str = "", mask: Tensor | None = None
) -> dict[str, Tensor]:
    """One pass with a mistake in it, "" for none: every step from x (b, n, m) to the output (b, n, m), by name.

    Q (b, n, h·d), K and V (b, n, g·d); query (b, h, n, d), key and value (b, g, n, d); scores, scaled, tempered,
    masked, weights (b, h, n, n); heads (b, h, n, d); concat (b, n, h·d); output. mask: boolean (n, n), True = may
    attend, beside the layer's own. Raises InputError for a mistake that is none of MISTAKES.
    """
    if mistake and mistake not in MISTAKES:
        raise InputError(f"There is no mistake {mistake!r}; there are: {', '.join(MISTAKES)}.")
    use = MISTAKES.get(mistake, Parts())
    wide = {name: _project(x, weights, name) for name in ("query", "key", "value")}
    query = use.split(wide["query"], settings.n_heads)
    key, value = (use.split(wide[name], settings.n_kv_heads) for name in ("key", "value"))
    may = use.see(x.shape[1]) if settings.causal else torch.ones(x.shape[1], x.shape[1], dtype=torch.bool)
    may = may if mask is None else may & mask
    scores = use.dots(query, _shared(key, settings))
    scaled = use.scale(scores, settings.d_head, settings.d_model) if settings.scaled else scores
    tempered = scaled / settings.temperature
    masked = use.block(tempered, may)
    made = use.softmax(masked, may)
    heads = made @ _shared(value, settings)
    concat = use.merge(heads)
    return {
        "Q": wide["query"], "K": wide["key"], "V": wide["value"], "query": query, "key": key, "value": value,
        "scores": scores, "scaled": scaled, "tempered": tempered, "masked": masked, "weights": made, "heads": heads,
        "concat": concat, "output": use.bring(concat, weights),
    }  # fmt: skip


def _project(x: Tensor, weights: Weights, name: str) -> Tensor:
    made = x @ weights[name]
    bias = weights.get(f"{name}_bias")
    return made if bias is None else made + bias


def _shared(per_group: Tensor, settings: LocalSettings) -> Tensor:
    """(b, g, n, d) → (b, h, n, d): neighbouring heads read the same keys and values."""
    return per_group.repeat_interleave(settings.n_heads // settings.n_kv_heads, dim=1)
