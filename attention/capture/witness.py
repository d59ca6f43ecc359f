"""The model's own eager attention function, called again on what one layer received."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attention.capture.arguments import of_rows
from attention.capture.recorder import Operation
from attention.capture.registry import own_eager, row_blocks
from attention.record import AttentionRecord, PositionBias, wide

# Per-head logits and the like are small; weights of projections are not and must not be kept alive.
SMALL = 4_096
_NOT_COPIED = ("_parameters", "_modules", "_buffers", "forward", "_hf_hook", "_old_forward")


@dataclass(frozen=True, kw_only=True, eq=False)
class EagerWitness:
    """Runs the function that the model's file itself would run, with the model's own arguments and mask.

    It holds a stand-in for the attention module (its settings and small parameters, no weights), so a trace does not
    keep its model alive. causal: what a missing mask meant in the run. bias: what was passed apart from the mask.
    """

    name: str
    function: Callable[..., tuple[Tensor, Tensor]]
    module: nn.Module
    mask: Tensor | None
    causal: bool
    bias: PositionBias | None
    arguments: dict[str, Any]
    exact: bool = True

    def blocks(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield (rows, weights (h, rows, n_k), output (rows, h, v))."""
        if record.query is None or record.key is None or record.value is None:
            raise TypeError("needs query, key and value")
        # In float32 the model's own code shows its arithmetic, not the rounding of a narrow type.
        query, key, value = (wide(tensor) for tensor in (record.query, record.key, record.value))
        for rows, mask, arguments in self.entering(record):
            with torch.no_grad():
                output, weights = self.function(
                    self.module, query[None, :, rows], key[None], value[None], mask, **arguments
                )
            yield rows, weights[0], output[0]

    def entering(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor | None, dict[str, Any]]]:
        """Yield (rows, mask, arguments) of each block of queries: what enters the function beside q, k and v."""
        for rows in row_blocks(record.n_q, record.n_heads * record.n_k):
            arguments = of_rows(self.arguments, rows) | {"dropout": 0.0}
            if self.bias is not None:
                arguments["position_bias"] = wide(self.bias.all_rows(rows.start, rows.stop))[None]
            yield rows, self._additive(rows, record), arguments

    def _additive(self, rows: slice, record: AttentionRecord) -> Tensor | None:
        """The mask that the model made, in the form that eager functions add: 0 or the type's minimum."""
        query = wide(record.rows_of)
        lowest = torch.finfo(query.dtype).min
        if self.mask is None:
            if not self.causal:
                return None
            ahead = torch.ones(record.n_q, record.n_k, dtype=torch.bool, device=query.device).triu(1)[rows]
            return query.new_zeros(1, 1, *ahead.shape).masked_fill(ahead, lowest)
        mask = self.mask[..., : record.n_k]
        mask = mask if mask.shape[-2] == 1 else mask[..., rows, :]
        if mask.dtype != torch.bool:
            lowest_own = torch.finfo(mask.dtype).min
            return mask.to(query.dtype).masked_fill(mask <= lowest_own, lowest)
        return query.new_zeros(mask.shape).masked_fill(~mask, lowest)


def witness_of(operation: Operation, masks: list[Tensor]) -> EagerWitness | None:
    """A witness for this operation, or None where the model's file has no eager function.

    masks: those that witnesses of this run already keep; equal ones are shared, so no mask is kept a layer.
    """
    function = own_eager(operation.module)
    if function is None:
        return None
    return EagerWitness(
        name=f"{type(operation.module).__name__}'s own eager attention",
        function=function,
        module=stand_in(operation.module),
        mask=_share(operation.own_mask, masks),
        causal=operation.record.mask.causal,
        bias=operation.own_bias,
        arguments={
            "scaling": operation.record.scale,
            **{name: _wider(value) for name, value in operation.arguments.items()},
        },
    )


def stand_in(module: nn.Module) -> nn.Module:
    """A module of the same class with the same settings, but without weights: what eager functions read of it."""
    copy = nn.Module.__new__(type(module))
    nn.Module.__init__(copy)
    own = {name: value for name, value in module.__dict__.items() if name not in _NOT_COPIED and "hook" not in name}
    copy.__dict__.update(own)
    small: dict[str, Any] = {name: _small(tensor) for name, tensor in module._parameters.items()}
    copy._parameters = small
    copy._buffers = {name: _small(tensor) for name, tensor in module._buffers.items()}
    children = {name: child for name, child in module._modules.items() if child is not None}
    copy._modules = {name: child for name, child in children.items() if next(child.parameters(), None) is None}
    copy.training = False
    return copy


def _small(tensor: Tensor | None) -> Tensor | None:
    if tensor is None or tensor.numel() > SMALL:
        return None
    return wide(tensor.detach()) if tensor.is_floating_point() else tensor.detach()


def _wider(value: Any) -> Any:
    return wide(value.detach()) if isinstance(value, Tensor) and value.is_floating_point() else value


def _share(mask: Tensor | None, masks: list[Tensor]) -> Tensor | None:
    if mask is None:
        return None
    for seen in masks:
        if seen is mask or (seen.shape == mask.shape and seen.dtype == mask.dtype and torch.equal(seen, mask)):
            return seen
    masks.append(mask)
    return mask
