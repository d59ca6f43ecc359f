"""The capture modes beside the registry: attention that a model computes in code of its own.

While the model runs as it is, two things are watched, with no code for any model. A call of torch's fused attention
gives query, key, value and mask as they are. A softmax over keys, followed by a product of its weights with something,
gives weights, values and output; the product before it gives query and key, if it proves to be the one: scores that
are scale · Q·Kᵀ plus a mask and a bias by key or by distance, to the last digits. Otherwise query and key stay unknown.
Both come to the seam before their product is made.

Memory stays bounded: the maps of one operation are held while it lasts, and none of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attention.capture.anatomy import places_of
from attention.capture.hooks import hooked
from attention.capture.seam import Call, Product, Seam, current

# Between Q·Kᵀ and the softmax a model may multiply other things (relative positions); this many products are tried.
RECENT = 6
# Operators as torch dispatches them, and the place of the left factor among the arguments of a product.
_PRODUCTS = {torch.ops.aten.bmm.default: 0, torch.ops.aten.baddbmm.default: 1}
_KEEPS = {
    torch.ops.aten._to_copy.default, torch.ops.aten.clone.default, torch.ops.aten.mul.Tensor,
    torch.ops.aten.native_dropout.default, torch.ops.aten.where.self, torch.ops.aten.masked_fill.Scalar,
    torch.ops.aten.masked_fill.Tensor,
}  # fmt: skip
# The same as a model's code calls them, above the level of operators, where gradients are still to come.
_NAMED_PRODUCTS = {"matmul": 0, "__matmul__": 0, "bmm": 0, "baddbmm": 1}
_NAMED_KEEPS = {"to", "type_as", "type", "float", "clone", "mul", "__mul__", "dropout", "where", "masked_fill"}


@dataclass(eq=False)
class Maps:
    """One operation's own maps, (h, q, k), kept only where they were asked for."""

    scores: Tensor
    weights: Tensor
    output: Tensor


@dataclass(eq=False)
class KeepMaps:
    """The observer that keeps the maps of one operation of a run on the softmax mode, by its number from 0."""

    index: int
    maps: Maps | None = None
    _count: int = 0

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if self._count == self.index and call.scores is not None and call.weights is not None:
            self.maps = Maps(call.scores[0], call.weights[0], output[0].clone())
        self._count += 1
        return output


@dataclass(eq=False)
class _Pending:
    """A softmax whose weights have not met their values yet; maps with all but the last two axes as one."""

    module: nn.Module
    scores: Tensor
    weights: Tensor
    products: tuple[tuple[Tensor, Tensor], ...]
    storages: set[int]

    def becomes(self, weights: Tensor) -> bool:
        """Whether these are the weights, cast or copied but the same numbers, to the type that they are cast to."""
        if _storage(weights) not in self.storages or _flat(weights).shape != self.weights.shape:
            return False
        narrow = weights.dtype if weights.dtype.itemsize < self.weights.dtype.itemsize else self.weights.dtype
        return torch.equal(_flat(weights).to(narrow), self.weights.to(narrow))


class Watch:
    """Watches one run and brings what it sees to the seam."""

    def __init__(self, model: nn.Module, seam: Seam) -> None:
        self._places = places_of(model)
        self._seam = seam
        self._stack: list[nn.Module] = []
        self._numbers: dict[int, int] = {}
        self._pending: _Pending | None = None  # over tokens
        self._other: _Pending | None = None  # over other things: a shortened text, windows, latents, experts
        self._products: list[tuple[Tensor, Tensor, tuple[int, ...]]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, this thread's run is watched."""
        # Below the level of operators no gradient flows, so a run with gradients is watched above it.
        operators = _Functions(self) if self._seam.differentiable else _Operators(self)
        with hooked(self._places, before=self._enter, after=self._leave), _Calls(self), operators:
            yield
        self._seam.missed += self._pending is not None

    def _enter(self, module: nn.Module, args: Any) -> None:
        if current() is self._seam:
            self._numbers[id(module)] = self._numbers.get(id(module), 0) + 1
            self._stack.append(module)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if current() is self._seam and self._stack:
            self._stack.pop()

    @property
    def _module(self) -> nn.Module:
        """The innermost module that runs and has modules of its own."""
        return self._stack[-1]

    @property
    def inside(self) -> bool:
        """Whether the run is now in an operation that is noted as a whole."""
        return self._seam.inside > 0

    # A call of torch's fused attention

    def called(self, attend: Callable[..., Tensor], given: dict[str, Any]) -> Tensor:
        """A call of scaled_dot_product_attention that did not come through the registry."""
        query, key, value = (given.pop(name) for name in ("query", "key", "value"))
        batched = [x if x.dim() == 4 else x.unflatten(0, (self._seam.texts, -1)) for x in (query, key, value)]
        if not self._fits(query.shape[-2], key.shape[-2]):
            self._seam.elsewhere += 1
            with self._seam.whole():
                return attend(query, key, value, **given)
        mask, causal, scale = given.pop("attn_mask", None), given.pop("is_causal", False), given.get("scale")

        def product(call: Call) -> Tensor:
            own = (new.reshape(old.shape) for new, old in zip(call.factors, (query, key, value), strict=True))
            made = attend(*own, attn_mask=call.mask, is_causal=causal and call.mask is None, **given)
            return (made if made.dim() == 4 else made.unflatten(0, (self._seam.texts, -1))).transpose(1, 2)

        module = self._module
        output = self._seam.through(
            Call(
                module=module, mode="call", query=batched[0], key=batched[1], value=batched[2], mask=mask,
                causal=bool(causal) and mask is None, scale=query.shape[-1] ** -0.5 if scale is None else scale,
                number=self._numbers.get(id(module)),
            ),
            product,
        ).transpose(1, 2)  # fmt: skip
        return output if query.dim() == 4 else output.flatten(0, 1)

    # A softmax, and the product of its weights with the values

    def softmaxed(self, scores: Tensor, weights: Tensor) -> None:
        """Note a softmax over the last axis, if its shape is that of attention."""
        if scores.dim() < 3 or not self._stack:
            return
        size = scores.numel(), *scores.shape[-2:]
        seen = _Pending(
            module=self._module, scores=_flat(scores), weights=_flat(weights),
            products=tuple((_flat(a), _flat(b)) for a, b, own in self._products if own == size),
            storages={_storage(weights)},
        )  # fmt: skip
        if not self._fits(*scores.shape[-2:]):
            self._other = seen
            return
        self._seam.missed += self._pending is not None
        self._pending, self._products = seen, []

    def _fits(self, n_q: int, n_k: int) -> bool:
        """Whether both axes are as long as a text that entered the model."""
        return {n_q, n_k} <= self._seam.lengths

    def followed(self, inputs: list[Tensor], output: Tensor) -> None:
        """Weights that were cast, copied or multiplied by a mask are still the weights."""
        for pending in (self._pending, self._other):
            if pending is not None and any(_storage(tensor) in pending.storages for tensor in inputs):
                pending.storages.add(_storage(output))

    def multiplied(self, left: Tensor, right: Tensor, multiply: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """A product: of weights and values, or perhaps of queries and keys."""
        if self._other is not None and self._other.becomes(left):
            self._other = None
            self._seam.elsewhere += 1
        elif self._pending is None or _storage(left) not in self._pending.storages:
            output = multiply(left, right)
            self._products = [*self._products, (left, right, (output.numel(), *output.shape[-2:]))][-RECENT:]
            return output
        elif self._pending.becomes(left):
            pending, self._pending = self._pending, None
            return self._weighed(pending, left, right, multiply)
        return multiply(left, right)

    def _weighed(
        self, pending: _Pending, left: Tensor, right: Tensor, multiply: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """The product of an operation's weights with its values, made at the seam."""
        texts = self._seam.texts
        if pending.weights.shape[0] % texts:
            self._seam.batches += 1
            return multiply(left, right)
        weights = pending.weights.unflatten(0, (texts, -1))
        call = Call(
            module=pending.module, mode="softmax", value=_flat(right).unflatten(0, (texts, -1)), weights=weights,
            scores=pending.scores.unflatten(0, (texts, -1)), products=pending.products,
            number=self._numbers.get(id(pending.module)),
        )  # fmt: skip
        shape = *left.shape[:-1], right.shape[-1]

        def product(call: Call) -> Tensor:
            is_own = call.weights is None or call.weights is weights
            own = left if is_own else call.rows_of.to(left.dtype).reshape(left.shape)
            return multiply(own, call.value.reshape(right.shape)).reshape(*weights.shape[:3], -1).transpose(1, 2)

        return self._seam.through(call, product).transpose(1, 2).reshape(shape)


class _Calls(TorchFunctionMode):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention or self._watch.inside:
            return func(*args, **kwargs)
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        return self._watch.called(func, {**dict(zip(names, args, strict=False)), **kwargs})


class _Operators(TorchDispatchMode):
    """Sees what torch computes, whatever the model's code calls it."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._watch.inside:
            return func(*args, **kwargs)
        if func in _PRODUCTS:
            return _multiply(self._watch, func, _PRODUCTS[func], args, kwargs)
        output = func(*args, **kwargs)
        if func is torch.ops.aten._softmax.default and args[1] in (-1, args[0].dim() - 1):
            self._watch.softmaxed(args[0], output)
        elif func in _KEEPS:
            made = output[0] if isinstance(output, tuple) else output
            self._watch.followed([one for one in args if isinstance(one, Tensor)], made)
        return output


class _Functions(TorchFunctionMode):
    """Sees what the model's code calls, above the level at which gradients are recorded."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if self._watch.inside:
            return func(*args, **kwargs)
        if name in _NAMED_PRODUCTS:
            return _multiply(self._watch, func, _NAMED_PRODUCTS[name], args, kwargs)
        output = func(*args, **kwargs)
        if name == "softmax" and kwargs.get("dim", args[1] if len(args) > 1 else None) in (-1, args[0].dim() - 1):
            self._watch.softmaxed(args[0], output)
        elif name in _NAMED_KEEPS and isinstance(output, Tensor):
            self._watch.followed([one for one in args if isinstance(one, Tensor)], output)
        return output


def _multiply(watch: Watch, func: Any, first: int, args: Any, kwargs: Any) -> Tensor:
    """A product by one of torch's functions, of which argument `first` is the left factor."""
    if len(args) < first + 2:
        return func(*args, **kwargs)
    around = args[:first], args[first + 2 :]
    return watch.multiplied(
        args[first], args[first + 1], lambda left, right: func(*around[0], left, right, *around[1], **kwargs)
    )


def _flat(tensor: Tensor) -> Tensor:
    """All axes but the last two as one."""
    return tensor.reshape(-1, *tensor.shape[-2:])


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
