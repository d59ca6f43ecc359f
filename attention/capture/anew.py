"""Edits made anew, for the checks of an edited run: by the model's own attention function and plain arithmetic.

This module shares no code with what edits a traced run. It knows one text at a time.

Shape letters: h heads that ask, g heads of keys and values, n_q queries (q of them from `start` on), n_k keys, d and v
widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from attention.capture.address import Address
from attention.capture.arguments import of_rows
from attention.edits import Edit

Eager = Callable[..., tuple[Tensor, Tensor]]
# No score of a key that may be seen is this low; every way of forbidding one is lower.
LOW = -5_000.0
# Above this many weights of an operation it is made in blocks of query rows.
AT_ONCE = 2**26


class NotComparedError(RuntimeError):
    """Why an edited run cannot be made a second time."""


# Where a head is: kind, layer, operation, head.
Place = tuple[str, int, int, int]


class Replacements(Protocol):
    """What edits put in place, by place. outputs: (1 or n_q, v); weights: (n_q, n_k)."""

    @property
    def outputs(self) -> Mapping[Place, Tensor]: ...

    @property
    def weights(self) -> Mapping[Place, Tensor]: ...


@dataclass(frozen=True, eq=False)
class Made:
    """Replacements that were made anew."""

    outputs: dict[Place, Tensor] = field(default_factory=dict)
    weights: dict[Place, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """What is to be done in one operation. edits: those that concern it, in their order. outputs (1 or n_q, v),
    weights (n_q, n_k): what is put in place of a head's own. crosses: whether the keys are another text's tokens.
    """

    edits: tuple[Edit, ...] = ()
    outputs: Mapping[int, Tensor] = field(default_factory=dict)
    weights: Mapping[int, Tensor] = field(default_factory=dict)
    crosses: bool = False

    @property
    def of_outputs(self) -> tuple[Edit, ...]:
        """Those that put something in place of a head's output."""
        return tuple(one for one in self.edits if one.how in ("zero", "mean", "running", "output"))

    @property
    def of_rows(self) -> tuple[Edit, ...]:
        """Those that put something in place of rows of weights."""
        return tuple(one for one in self.edits if one.verb == "even" or one.how in ("first", "weights"))


def change_at(address: Address, edits: Sequence[Edit], given: Replacements | None) -> Change | None:
    """What edits, their kinds named, do in the operation at an address; None for nothing."""
    if any(not edit.kind for edit in edits):
        raise ValueError("name the kind of attention of each edit first (Edit.resolved)")
    own = tuple(edit for edit in edits if edit.concerns(address.kind, address.layer, address.op, edit.kind))
    if not own:
        return None
    at = (address.kind, address.layer, address.op)
    outputs = {} if given is None else {place[3]: one for place, one in given.outputs.items() if place[:3] == at}
    weights = {} if given is None else {place[3]: one for place, one in given.weights.items() if place[:3] == at}
    return Change(edits=own, outputs=outputs, weights=weights, crosses=address.kind == "cross")


def heads_in(edit: Edit, n_heads: int) -> range:
    """The heads that an edit is about."""
    if edit.head is None:
        return range(n_heads)
    return range(edit.head, min(edit.head + 1, n_heads))


def _span(edit: Edit, count: int, start: int) -> slice:
    """Which of `count` rows from `start` on an edit is about."""
    if edit.query is None:
        return slice(0, count)
    at = edit.query - start
    return slice(at, at + 1) if 0 <= at < count else slice(0, 0)


def barred(change: Change, n_heads: int, n_q: int, n_k: int) -> Tensor | None:
    """Boolean (h, n_q, n_k), True where an edit takes a key from a query; None where none does.

    A token that is hidden, or cut from all, still sees itself: where there are more keys than queries, the first keys
    are the asking tokens (DeepSeek V4's summaries and T5Gemma 2's other text come behind them).
    """
    closing = [edit for edit in change.edits if edit.verb in ("cut", "hide") and edit.key is not None]
    if not closing:
        return None
    made = torch.zeros(n_heads, n_q, n_k, dtype=torch.bool)
    for edit in closing:
        for query in range(n_q) if edit.query is None else (edit.query,):
            is_itself = not change.crosses and query == edit.key
            if not (edit.query is None and is_itself):
                made[heads_in(edit, n_heads).start : heads_in(edit, n_heads).stop, query, edit.key] = True
    return made


def temperatures(change: Change, n_heads: int) -> list[float]:
    """What each head's scores are divided by."""
    made = [1.0] * n_heads
    for edit in change.edits:
        if edit.verb == "temper":
            for head in heads_in(edit, n_heads):
                made[head] *= edit.temperature
    return made


def change_rows(change: Change, weights: Tensor, visible: Tensor, start: int = 0) -> Tensor:
    """Weights (h, q, n_k) with rows put in their place; the others as they are.

    visible: boolean, of what each query may see after cuts. What a learned sink takes of a row, it keeps.
    """
    made = weights.clone()
    left = weights.sum(dim=-1, keepdim=True)  # 1, less what a sink takes
    for edit in change.of_rows:
        rows = _span(edit, weights.shape[1], start)
        for head in heads_in(edit, weights.shape[0]):
            if edit.verb == "patch":
                own = _given(change.weights, head, "weights")[start : start + weights.shape[1]]
                made[head, rows] = own[rows].to(made)
                continue
            seen = visible[head].to(made)
            keys = seen if edit.verb == "even" else functional.one_hot(seen.argmax(dim=-1), seen.shape[-1]) * seen
            made[head, rows] = (left[head] * keys / keys.sum(dim=-1, keepdim=True).clamp(min=1))[rows]
    return made


def change_outputs(change: Change, heads: Tensor, start: int = 0, before: Tensor | None = None) -> Tensor:
    """Outputs (q, h, v) with what edits put in their place.

    before (h, v): the sum of the earlier rows' outputs, as they were without these edits.
    """
    made = heads.clone()
    for edit in change.of_outputs:
        rows = _span(edit, heads.shape[0], start)
        for head in heads_in(edit, heads.shape[1]):
            if edit.how == "zero":
                made[rows, head] = 0
            elif edit.how == "running":
                made[rows, head] = _running(heads[:, head], start, None if before is None else before[head])[rows]
            else:
                own = _given(change.outputs, head, "output").to(made)
                made[rows, head] = own if len(own) == 1 else own[start : start + heads.shape[0]][rows]
    return made


def _running(outputs: Tensor, start: int, before: Tensor | None) -> Tensor:
    """(q, v): the mean of all rows up to each one."""
    below = torch.ones(len(outputs), len(outputs), dtype=torch.float64, device=outputs.device).tril()
    total = below @ outputs.double()
    if before is not None:
        total = total + before.double()
    return (total / (start + below.sum(dim=-1, keepdim=True))).to(outputs.dtype)


def _given(by_head: Mapping[int, Tensor], head: int, what: str) -> Tensor:
    if head not in by_head:
        raise NotComparedError(f"what head {head}'s {what} becomes was not given")
    return by_head[head]


# The model's own function, under edits


def eagerly(
    function: Eager, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    arguments: Mapping[str, Any], change: Change, cut: Tensor | None, start: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(output (q, h, v), weights (h, q, n_k)) of the model's own eager function with edges cut, heads tempered and rows
    changed; what is put in place of outputs is not yet.

    query (1, h, q, d), key (1, g, n_k, d), value (1, g, n_k, v). mask: additive, broadcast to (1, h, q, n_k), of these
    queries. arguments: the others of the function, for these queries. cut: see `barred`, of these queries. start: the
    number of the first query.
    """
    n_heads, count, n_k = query.shape[1], query.shape[2], key.shape[2]
    shape = n_heads, count, n_k
    if mask is not None:
        mask = mask[..., :n_k]
    if cut is not None:
        open_ = query.new_zeros(1, 1, count, n_k) if mask is None else mask
        wide = open_.expand(1, n_heads, count, n_k)
        mask = wide.masked_fill(cut.to(query.device), torch.finfo(wide.dtype).min)
    output, weights = _called(function, module, query, key, value, mask, arguments)
    shares = [(output, weights)]
    by_head = temperatures(change, n_heads)
    for temperature in sorted(set(by_head) - {1.0}):
        hot = _tempered(function, module, query, key, value, mask, arguments, temperature)
        heads = [head for head, own in enumerate(by_head) if own == temperature]
        for whole, part, axis in zip(shares[0], hot, (1, 0), strict=True):
            at = torch.tensor(heads, device=whole.device)
            whole.index_copy_(axis, at, part.index_select(axis, at))
    if not change.of_rows:
        return output, weights
    visible = _visible(mask, arguments.get("position_bias"), shape).to(weights.device)
    changed = change_rows(change, weights, visible, start)
    passed = _passed(function, module, query, key, value, mask, arguments, by_head)
    scale = passed / weights.sum(dim=-1).clamp(min=torch.finfo(weights.dtype).tiny)  # (h, q)
    for head in sorted({head for edit in change.of_rows for head in heads_in(edit, n_heads)}):
        own = value[0, head // (n_heads // value.shape[1])]
        rows = (changed[head] != weights[head]).any(dim=-1)
        output[rows, head] = ((changed[head] @ own) * scale[head][:, None])[rows].to(output.dtype)
    return output, changed


def _called(
    function: Eager, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    arguments: Mapping[str, Any],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(output (q, h, v), weights (h, q, n_k)), copies."""
    output, weights = function(module, query, key, value, mask, **arguments)
    if weights is None:
        raise NotComparedError(f"{type(module).__name__}'s own attention function gives no weights")
    return output[0].clone(), weights[0].clone()


def _tempered(
    function: Eager, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    arguments: Mapping[str, Any], temperature: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The same with all that the softmax compares divided by a temperature, and a sink's logit as it was.

    (c/T)·tanh((s/T)/(c/T)) is c·tanh(s/c)/T, so the query, the cap and what is added by position are divided.
    """
    own = dict(arguments)
    if isinstance(own.get("softcap"), int | float):
        own["softcap"] = own["softcap"] / temperature
    if isinstance(own.get("position_bias"), Tensor):
        own["position_bias"] = _divided(own["position_bias"], temperature)
    if mask is not None:
        mask = _divided(mask, temperature)
    return _called(function, module, query / temperature, key, value, mask, own)


def _divided(added: Tensor, temperature: float) -> Tensor:
    """What is added to scores, divided; what forbids stays."""
    return torch.where(added > LOW, added / temperature, added)


def _passed(
    function: Eager, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    arguments: Mapping[str, Any], by_head: Sequence[float],
) -> Tensor:  # fmt: skip
    """(h, q): how much of a value that is 1 everywhere reaches the output, which is 1 less a sink's share."""
    ones = torch.ones_like(value)
    made = query.new_empty(query.shape[1], query.shape[2])
    for temperature in set(by_head):
        output = _tempered(function, module, query, key, ones, mask, arguments, temperature)[0][..., 0]  # (q, h)
        for head in (head for head, own in enumerate(by_head) if own == temperature):
            made[head] = output[:, head]
    return made


def _visible(mask: Tensor | None, bias: Any, shape: tuple[int, int, int]) -> Tensor:
    """Boolean (h, q, n_k): what neither the mask nor what is added by position forbids."""
    made = torch.ones(shape, dtype=torch.bool)
    for added in (mask, bias):
        if isinstance(added, Tensor):
            made = made.to(added.device) & (added[0, ..., : shape[2]] > LOW)
    return made


def eager_blocks(
    function: Eager, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    arguments: Mapping[str, Any], change: Change,
) -> Iterator[tuple[slice, Tensor, Tensor]]:  # fmt: skip
    """(rows, output (q, h, v), weights (h, q, n_k)) over all queries, in blocks; see `eagerly`."""
    n_q, per_row = query.shape[2], query.shape[1] * key.shape[2]
    step = max(1, min(n_q, AT_ONCE // max(1, per_row)))
    cut = barred(change, query.shape[1], n_q, key.shape[2])
    for start in range(0, n_q, step):
        rows = slice(start, min(start + step, n_q))
        own = mask if mask is None or mask.shape[-2] == 1 else mask[..., rows, :]
        made = eagerly(
            function, module, query[:, :, rows], key, value, own, of_rows(dict(arguments), rows), change,
            None if cut is None else cut[:, rows], start,
        )  # fmt: skip
        yield rows, *made


# torch's fused attention, under edits


def fusedly(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, causal: bool, scale: float, change: Change
) -> tuple[Tensor, Tensor]:
    """(output (n_q, h, v), weights (h, n_q, n_k)) of torch's scaled_dot_product_attention with the same edits.

    query (1, h, n_q, d), key (1, g, n_k, d), value (1, g, n_k, v). mask: boolean, True = may attend, or additive. With
    the identity beside the values the function tells its weights.
    """
    n_heads, n_q, n_k = query.shape[1], query.shape[2], key.shape[2]
    shape = n_heads, n_q, n_k
    heat = query.new_tensor(temperatures(change, n_heads))[:, None, None]
    visible = torch.ones(shape, dtype=torch.bool, device=query.device)
    added = query.new_zeros(shape)
    if mask is not None and mask.dtype == torch.bool:
        visible = visible & mask
    elif mask is not None:
        visible = visible & (mask > LOW)
        added = added + mask.to(query.dtype)
    elif causal:
        visible = visible.tril()
    visible, added = visible.reshape(shape), added.reshape(shape)
    cut = barred(change, *shape)
    if cut is not None:
        visible = visible & ~cut.to(visible.device)
    added = (added / heat).masked_fill(~visible, torch.finfo(query.dtype).min)
    eye = torch.eye(n_k, dtype=value.dtype, device=value.device).expand(*value.shape[:2], -1, -1)
    both = torch.cat([value, eye], dim=-1)
    made = functional.scaled_dot_product_attention(
        query / heat, key, both, attn_mask=added[None], scale=scale, enable_gqa=n_heads != key.shape[1]
    )[0]
    if mask is None or mask.dtype == torch.bool or bool(mask.isneginf().any()):
        made = made * visible.any(dim=-1, keepdim=True)  # a row that may see nothing gives nothing
    width = value.shape[-1]
    output, weights = made[..., :width].transpose(0, 1).clone(), made[..., width:]
    changed = change_rows(change, weights, visible)
    for head in sorted({head for edit in change.of_rows for head in heads_in(edit, n_heads)}):
        output[:, head] = changed[head] @ value[0, head // (n_heads // value.shape[1])]
    return output, changed
