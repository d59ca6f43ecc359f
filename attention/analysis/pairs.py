"""Two tokens, and the heads between them: by the weight that the one puts on the other, and by what that brings.

Only the row of the chosen query is made, head by head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from attention.analysis.norms import NO_VALUES
from attention.errors import InputError
from attention.record import absent

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import AttentionRecord, Kind, Trace

By = Literal["weight", "size"]
NOT_ASKED = "it was not asked for"


@dataclass(frozen=True, kw_only=True)
class Link:
    """One head between the two tokens.

    weight: of the key in the query's row, 0 to 1. even: the weight if the head looked evenly at all that it may.
    size: ‖weight · value · W_O‖, what the key brings the query through this head, in the units of the model's stream;
    None where it cannot be told (`Between.why`). allowed: False where the head's mask hides the key.
    """

    layer: int
    head: int
    weight: float
    even: float
    size: float | None
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class Between:
    """All heads of a kind between one query and one key, by layer and head. why: layer → why it has no sizes."""

    kind: Kind
    query: int
    key: int
    links: tuple[Link, ...]
    why: dict[int, str]

    def by(self, order: By) -> tuple[Link, ...]:
        """The heads that may look there, the strongest first; by size without those that have none."""
        seen = [link for link in self.links if link.allowed and (order == "weight" or link.size is not None)]
        return tuple(sorted(seen, key=lambda link: -(link.weight if order == "weight" else link.size or 0.0)))


def between(trace: Trace, query: int, key: int, kind: Kind | None = None, *, sized: bool = True) -> Between:
    """Every head's weight and size between two tokens; without sizes, which take a product with W_O, where not `sized`.
    Raises InputError for a place that is not in the text.
    """
    kind = trace.default_kind if kind is None else kind
    links: list[Link] = []
    why: dict[int, str] = {}
    for layer, record in trace.records(kind).items():
        _check(record, query, key)
        made, reason = _of_layer(record, query, key, sized)
        links += made
        if reason:
            why[layer] = reason
    return Between(kind=kind, query=query, key=key, links=tuple(links), why=why)


def _check(record: AttentionRecord, query: int, key: int) -> None:
    for name, place, count in (("query", query, record.n_q), ("key", key, record.n_k)):
        if not 0 <= place < count:
            raise InputError(f"There is no {name} token {place}; layer {record.layer} has 0 to {count - 1}.")


def _of_layer(record: AttentionRecord, query: int, key: int, sized: bool) -> tuple[list[Link], str]:
    weights, scales, evens = [], [], []
    for head in range(record.n_heads):
        made = record.stages(head, query, query + 1)
        weights.append(float(made.weights[0, key]))
        sink = made.sink_weight if record.sink_scales else None
        scales.append(1.0 if sink is None else 1 - float(sink[0]))
        evens.append(_even(record, head, query, key))
    shares = [w * s for w, s in zip(weights, scales, strict=True)]
    sizes = _sizes(record, key, torch.tensor(shares, dtype=torch.float32)) if sized else NOT_ASKED
    links = [
        Link(
            layer=record.layer,
            head=head,
            weight=weights[head],
            even=evens[head],
            size=None if isinstance(sizes, str) else float(sizes[head]),
            allowed=evens[head] > 0,
        )
        for head in range(record.n_heads)
    ]
    return links, sizes if isinstance(sizes, str) else ""


def _even(record: AttentionRecord, head: int, query: int, key: int) -> float:
    """An even head's weight there; 0 where the mask hides the key."""
    allowed = record.allowed(head, query, query + 1)
    if allowed is None:
        return 1 / record.n_k
    return float(allowed[0, key]) / max(1, int(allowed.sum()))


def _sizes(record: AttentionRecord, key: int, weights: Tensor) -> Tensor | str:
    """What each head's weight (h,) on this key brings, (h,): all heads of the layer in one call of its projection."""
    if record.projection is None:
        return record.no_projection or "the output projection is not known"
    if record.value is None:
        return NO_VALUES
    value = record.value[:, key].repeat_interleave(record.n_heads // record.n_kv_heads, 0)  # (h, v)
    each = torch.zeros(record.n_heads, *value.shape, dtype=value.dtype, device=value.device)  # one head a row
    heads = torch.arange(record.n_heads)
    each[heads, heads] = value
    try:
        written = record.projection(each.flatten(1)) - record.projection(torch.zeros_like(each[:1]).flatten(1))
    except ReferenceError:
        return absent(record.projection)
    return written.detach().float().norm(dim=-1).cpu() * weights
