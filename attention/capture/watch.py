"""The roads beside the registry: attention that a model computes in code of its own.

While the model runs as it is, two things are watched, with no code for any model. A call of torch's fused attention
gives query, key, value and mask as they are. A softmax over keys, followed by a product of its weights with something,
gives weights, values and output; the product before it gives query and key, if it proves to be the one: scores that
are scale · Q·Kᵀ plus a mask and a bias by key or by distance, to the last digits. Otherwise query and key stay unknown.

Memory stays bounded: the maps of one operation are held while it lasts, and none of them is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attention.capture.autocast import as_it_enters
from attention.capture.fit import Fit, fit
from attention.capture.recorder import Operation, Recorder, current
from attention.capture.rules import FORBIDDEN
from attention.record import Mask, PositionBias

# Between Q·Kᵀ and the softmax a model may multiply other things (relative positions); this many products are tried.
RECENT = 6
_PRODUCTS = {torch.ops.aten.bmm.default: 0, torch.ops.aten.baddbmm.default: 1}
_KEEPS = {
    torch.ops.aten._to_copy.default, torch.ops.aten.clone.default, torch.ops.aten.mul.Tensor,
    torch.ops.aten.native_dropout.default, torch.ops.aten.where.self, torch.ops.aten.masked_fill.Scalar,
    torch.ops.aten.masked_fill.Tensor,
}  # fmt: skip


@dataclass(eq=False)
class Maps:
    """One operation's own maps, (h, q, k), kept only where they were asked for."""

    scores: Tensor
    weights: Tensor
    output: Tensor


@dataclass(eq=False)
class _Pending:
    """A softmax whose weights have not met their values yet."""

    module: nn.Module
    scores: Tensor
    weights: Tensor
    products: list[tuple[Tensor, Tensor]]
    storages: set[int]

    def becomes(self, weights: Tensor) -> bool:
        """Whether these are the weights, cast or copied but the same numbers, to the type that they are cast to."""
        if _storage(weights) not in self.storages or weights.shape != self.weights.shape:
            return False
        narrow = weights.dtype if weights.dtype.itemsize < self.weights.dtype.itemsize else self.weights.dtype
        return torch.equal(weights.to(narrow), self.weights.to(narrow))


class Watch:
    """Watches one run and adds what it sees to the recorder. keep: the number of the operation whose maps to keep."""

    def __init__(self, model: nn.Module, recorder: Recorder, keep: int | None = None) -> None:
        self._modules = list(model.modules())
        self._recorder = recorder
        self._keep = keep
        self._stack: list[nn.Module] = []
        self._calls: dict[int, int] = {}
        self._pending: _Pending | None = None  # over tokens
        self._other: _Pending | None = None  # over other things: a shortened text, windows, latents, experts
        self._products: list[tuple[Tensor, Tensor, tuple[int, ...]]] = []
        self.maps: Maps | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, this thread's run is watched."""
        hooks: list[Any] = []
        try:
            for module in self._modules:
                hooks.append(module.register_forward_pre_hook(self._enter))
                hooks.append(module.register_forward_hook(self._leave))
            with _Calls(self), _Operators(self):
                yield
            self._recorder.missed += self._pending is not None
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        if current() is self._recorder:
            self._calls[id(module)] = self._calls.get(id(module), 0) + 1
            self._stack.append(module)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if current() is self._recorder and self._stack:
            self._stack.pop()

    @property
    def _module(self) -> nn.Module:
        """The innermost module that has modules of its own: a bare softmax or dropout says nothing of the place."""
        for module in reversed(self._stack):
            if next(module.children(), None) is not None:
                return module
        return self._stack[-1]

    @property
    def inside(self) -> bool:
        """Whether the run is now in an operation that is noted as a whole."""
        return self._recorder.inside > 0

    def whole(self) -> AbstractContextManager[None]:
        return self._recorder.whole()

    # A call of torch's fused attention

    def called(self, query: Tensor, key: Tensor, value: Tensor, output: Tensor, options: dict[str, Any]) -> None:
        """Note a call of scaled_dot_product_attention that did not come through the registry."""
        if query.dim() == 3:
            query, key, value, output = (tensor[None] for tensor in (query, key, value, output))
        if query.shape[0] != 1:
            self._recorder.batches += 1
            return
        if not self._fits(query.shape[2], key.shape[2]):
            self._recorder.elsewhere += 1
            return
        query, key, value = map(as_it_enters, (query, key, value))
        mask, bias = Mask(after=0) if options.get("is_causal") else Mask(), None
        if options.get("attn_mask") is not None:
            mask, bias = self._recorder.rules.mask(options["attn_mask"], query.shape[2], key.shape[2])
        scale = options.get("scale")
        self._add(
            query=query[0], key=key[0], value=value[0], output=output[0].transpose(0, 1), mask=mask, bias=bias,
            scale=query.shape[-1] ** -0.5 if scale is None else scale, module=self._module, road="call",
            own_mask=options.get("attn_mask"),
        )  # fmt: skip

    # A softmax, and the product of its weights with the values

    def softmaxed(self, scores: Tensor, weights: Tensor) -> None:
        """Note a softmax over the last axis, if its shape is that of attention."""
        if scores.dim() < 3 or not self._stack:
            return
        shape = (-1, *scores.shape[-2:])
        seen = _Pending(
            module=self._module, scores=scores.detach().reshape(shape), weights=weights.detach().reshape(shape),
            products=[(a, b) for a, b, size in self._products if size == (scores.numel(), *scores.shape[-2:])],
            storages={_storage(weights)},
        )  # fmt: skip
        if not self._fits(*scores.shape[-2:]):
            self._other = seen
            return
        self._recorder.missed += self._pending is not None
        self._pending, self._products = seen, []

    def _fits(self, n_q: int, n_k: int) -> bool:
        """Whether both axes are as long as a text that entered the model."""
        return {n_q, n_k} <= self._recorder.lengths

    def followed(self, inputs: list[Tensor], output: Tensor) -> None:
        """Weights that were cast, copied or multiplied by a mask are still the weights."""
        for pending in (self._pending, self._other):
            if pending is not None and any(_storage(tensor) in pending.storages for tensor in inputs):
                pending.storages.add(_storage(output))

    def multiplied(self, left: Tensor, right: Tensor, output: Tensor) -> None:
        """A product: of weights and values, or perhaps of queries and keys."""
        if self._other is not None and self._other.becomes(left):
            self._other = None
            self._recorder.elsewhere += 1
        elif self._pending is None or _storage(left) not in self._pending.storages:
            self._products = [*self._products, (left, right, (output.numel(), *output.shape[-2:]))][-RECENT:]
        elif self._pending.becomes(left):
            pending, self._pending = self._pending, None
            self._finish(pending, right, output.clone())  # a model may add to it in place, unseen (Nyströmformer)

    def _finish(self, pending: _Pending, value: Tensor, output: Tensor) -> None:
        if len(self._recorder.operations) == self._keep:
            self.maps = Maps(pending.scores, pending.weights, output.transpose(0, 1))
        found = next((made for a, b in reversed(pending.products) if (made := fit(pending.scores, a, b))), None)
        made = found or Fit(query=None, key=None, scale=1.0, allowed=pending.scores > FORBIDDEN, bias=None)
        self._add(
            query=made.query, key=made.key, value=value, output=output.transpose(0, 1), scale=made.scale,
            mask=self._recorder.rules.rule(made.allowed), bias=made.bias, module=pending.module, road="softmax",
        )  # fmt: skip

    def _add(
        self, *, query: Tensor | None, key: Tensor | None, value: Tensor, output: Tensor, scale: float, mask: Mask,
        bias: PositionBias | None, module: nn.Module, road: str, own_mask: Tensor | None = None,
    ) -> None:  # fmt: skip
        self._recorder.add(
            Operation(
                module=module, query=query, key=key, value=value, output=output, scale=scale, mask=mask,
                position_bias=bias, softcap=None, sink=None, sink_scales=False, own_mask=own_mask, own_bias=None,
                arguments={}, road=road, call=self._calls.get(id(module)),
            )
        )


class _Calls(TorchFunctionMode):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention or self._watch.inside:
            return func(*args, **kwargs)
        with self._watch.whole():
            output = func(*args, **kwargs)
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        self._watch.called(given.pop("query"), given.pop("key"), given.pop("value"), output, given)
        return output


class _Operators(TorchDispatchMode):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if self._watch.inside:
            return output
        if func in _PRODUCTS:
            first = _PRODUCTS[func]
            self._watch.multiplied(args[first], args[first + 1], output)
        elif func is torch.ops.aten._softmax.default and args[1] in (-1, args[0].dim() - 1):
            self._watch.softmaxed(args[0], output)
        elif func in _KEEPS:
            made = output[0] if isinstance(output, tuple) else output
            self._watch.followed([one for one in args if isinstance(one, Tensor)], made)
        return output


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
