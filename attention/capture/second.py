"""An edited run made a second time: the whole model on its own eager code, with the same edits made by other hooks.

It is what an edited run's fidelity is measured against, so it shares no code with the seam and what edits there: edges
are cut in the mask that the model's own eager function is given, a temperature is put into that function's arguments,
rows are changed in the weights that it gives, and outputs at the input of the layer's own projection. Where a model
calls torch's fused attention itself, that call is made with the edits; where it has a softmax of its own, what enters
and leaves the softmax is changed.

It takes from earlier runs only where each operation stands (`learned`) and which module projects its heads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from attention.capture.address import Address, Order
from attention.capture.alias import Alias
from attention.capture.anatomy import anatomy_of, places_of, unchanged
from attention.capture.anew import (
    LOW,
    Change,
    NotComparedError,
    Replacements,
    barred,
    change_at,
    change_outputs,
    change_rows,
    eager_blocks,
    fusedly,
    temperatures,
)
from attention.capture.hooks import hooked
from attention.capture.inputs import Inputs, forward
from attention.capture.outputs import Result
from attention.capture.projection import LayerProjection
from attention.capture.recorded import Known, learned, lengths_of
from attention.capture.registry import eager, own_eager
from attention.capture.switch import switch_of
from attention.edits import Edit
from attention.errors import MemoryFullError, is_out_of_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SECOND = Alias("headlight_second", "eager")


@dataclass(eq=False)
class Seen:
    """What one operation of a second run gave: weights (h, n_q, n_k), empty where they are not kept; outputs
    (n_q, h, v), as the model went on with them; scores (h, n_q, n_k) that entered a softmax of the model's own.
    """

    weights: Tensor
    outputs: Tensor | None = None
    scores: Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Second:
    """A second run. result: what the model put out. seconds: that it took. seen: of the operations asked for."""

    result: Result
    seconds: float
    seen: Mapping[Address, Seen]


@unchanged
def second_run(
    model: PreTrainedModel, inputs: Inputs, edits: Sequence[Edit], given: Replacements | None = None,
    *, keep: Iterable[Address] = (), keep_weights: bool = True,
) -> Second:  # fmt: skip
    """Run the model on its own eager code with these edits, made anew; the model comes back as it was.

    inputs: one text, checked. edits: their kinds named. given: what means and patches put in place. keep: operations of
    which weights and outputs are wanted, or with keep_weights=False outputs alone. Raises NotComparedError where the
    edits cannot be made here, with the reason, and MemoryFullError.
    """
    way, order = learned(model, inputs)
    known: Known = anatomy_of(model).memory[Known]
    run = _Run(model, inputs, order, known, keep_weights)
    for address in order.addresses:
        change = change_at(address, edits, given)
        if address in keep:
            run.seen[address] = None
            change = change or Change(crosses=address.kind == "cross")
        if change is not None:
            run.changes[address] = change
    started = time.perf_counter()
    try:
        with ExitStack() as around:
            alone = switch_of(model)
            around.enter_context(alone.untouched(model) if way == "watched" else alone.alone_on(model, SECOND))
            around.enter_context(run.entered(beside=way != "registry"))
            result = forward(model, inputs, whole=True)
    except NotComparedError:
        raise
    except (RuntimeError, MemoryError) as err:
        if is_out_of_memory(err):
            raise MemoryFullError from err
        raise
    run.check_complete()
    found = {address: seen for address, seen in run.seen.items() if seen is not None}
    return Second(result=result, seconds=time.perf_counter() - started, seen=found)


_now: ContextVar[_Run | None] = ContextVar("headlight_second", default=None)


@dataclass(eq=False)
class _Waiting:
    """Outputs on their way to a projection."""

    address: Address
    change: Change
    n_heads: int


class _Run:
    """One second run while it lasts. changes: of the operations that are changed or kept. seen: what is kept."""

    def __init__(self, model: PreTrainedModel, inputs: Inputs, order: Order, known: Known, keep_weights: bool) -> None:
        self._keep_weights = keep_weights
        self.changes: dict[Address, Change] = {}
        self.seen: dict[Address, Seen | None] = {}
        self._places = places_of(model)
        self._lengths = lengths_of([inputs])
        self._left: dict[int, deque[Address]] = {}
        for number, address in zip(order.modules, order.addresses, strict=True):
            self._left.setdefault(number, deque()).append(address)
        found = ((address, one) for address, one in known.projections.items() if isinstance(one, LayerProjection))
        self._projections = {at: module for at, one in found if (module := one.module()) is not None}
        self._waiting: dict[int, _Waiting] = {}
        self._stack: list[nn.Module] = []
        self._whole = 0

    @contextmanager
    def entered(self, *, beside: bool) -> Iterator[None]:
        """While inside, this thread's run is this one. beside: what does not come through the registry is watched."""
        token = _now.set(self)
        projections = {id(module): module for at, module in self._projections.items() if at in self.changes}
        try:
            with ExitStack() as around:
                around.enter_context(hooked(projections.values(), before=self._projected, with_kwargs=True))
                if beside:
                    around.enter_context(hooked(self._places, before=self._enter, after=self._leave))
                    around.enter_context(_Calls(self))
                    around.enter_context(_Softmaxes(self))
                yield
        finally:
            _now.reset(token)

    def check_complete(self) -> None:
        """Raise NotComparedError unless every operation that is known came, and what was to be changed was."""
        if any(self._left.values()):
            raise NotComparedError("the second run did not come by all attention operations of the first")
        if self._waiting:
            waiting = next(iter(self._waiting.values()))
            raise NotComparedError(f"the heads of {waiting.address} did not come to their projection")

    # Where the run is

    def _enter(self, module: nn.Module, args: Any) -> None:
        if _now.get() is self:
            self._stack.append(module)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if _now.get() is self and self._stack:
            self._stack.pop()

    @property
    def module(self) -> nn.Module | None:
        """The innermost module that runs and has modules of its own."""
        return self._stack[-1] if self._stack else None

    @property
    def inside(self) -> bool:
        """Whether what runs now is part of an operation that is already known."""
        return self._whole > 0

    @contextmanager
    def whole(self) -> Iterator[None]:
        """While inside, what runs is part of one operation."""
        self._whole += 1
        try:
            yield
        finally:
            self._whole -= 1

    def fits(self, *lengths: int) -> bool:
        """Whether these are lengths of texts that entered."""
        return set(lengths) <= self._lengths

    def next_of(self, module: nn.Module | None) -> Address:
        """The address of the operation that a module now runs."""
        left = self._left.get(id(module))
        if not left:
            raise NotComparedError(f"the second run came by an attention operation of {type(module).__name__} more")
        return left.popleft()

    # What is changed

    def registered(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
                   arguments: dict[str, Any]) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """An operation that came through the registry: (output (1, n_q, h, v), weights (1, h, n_q, n_k))."""
        function = own_eager(module)
        if function is None:
            raise NotComparedError(f"{type(module).__name__} has no eager attention function of its own")
        change = None
        if query.shape[0] == 1 and self.fits(query.shape[2]):
            address = self.next_of(module)
            change = self.changes.get(address)
        if change is None:
            return function(module, query, key, value, mask, **arguments)
        blocks = list(eager_blocks(function, module, query, key, value, mask, arguments, change))
        output, weights = torch.cat([one for _, one, _ in blocks]), torch.cat([one for *_, one in blocks], dim=1)
        return self._hand_on(address, change, output, weights)[None], weights[None]

    def called(self, attend: Callable[..., Tensor], given: dict[str, Any]) -> Tensor:
        """A call of torch's fused attention by the model's own code."""
        query, key, value = (given[name] for name in ("query", "key", "value"))
        own = [one if one.dim() == 4 else one[None] for one in (query, key, value)]
        change = None
        if self.fits(query.shape[-2], key.shape[-2]) and own[0].shape[0] == 1:
            address = self.next_of(self.module)
            change = self.changes.get(address)
        if change is None:
            return attend(**given)
        scale = given.get("scale")
        output, weights = fusedly(
            own[0], own[1], own[2], given.get("attn_mask"), causal=bool(given.get("is_causal")),
            scale=query.shape[-1] ** -0.5 if scale is None else scale, change=change,
        )  # fmt: skip
        made = self._hand_on(address, change, output, weights).transpose(0, 1)
        return made[None] if query.dim() == 4 else made

    def softmaxed(self, softmax: Callable[[Tensor], Tensor], scores: Tensor) -> Tensor:
        """A softmax of the model's own code."""
        if scores.dim() < 3 or not self._stack or not self.fits(*scores.shape[-2:]):
            return softmax(scores)
        address = self.next_of(self.module)
        change = self.changes.get(address)
        if change is None:
            return softmax(scores)
        own = scores.reshape(-1, *scores.shape[-2:]).clone()  # (h, n_q, n_k)
        cut = barred(change, *own.shape)
        if cut is not None:
            own[cut.to(own.device)] = torch.finfo(own.dtype).min
        visible = own > LOW
        for head, temperature in enumerate(temperatures(change, len(own))):
            own[head] = torch.where(visible[head], own[head] / temperature, own[head])
        weights = softmax(own.reshape(scores.shape)).reshape(own.shape)
        weights = change_rows(change, weights, visible)
        self._hand_on(address, change, None, weights, own)
        if address not in self._projections and change.of_outputs:
            weights = self._without_outputs(address, change, weights)
        return weights.reshape(scores.shape)

    def _without_outputs(self, address: Address, change: Change, weights: Tensor) -> Tensor:
        """Heads that are switched off where no projection is known: a head without weights puts out nothing."""
        if any(edit.how != "zero" for edit in change.of_outputs):
            raise NotComparedError(f"the module that takes the heads' outputs is not known in {address}")
        ones = change_outputs(change, torch.ones(weights.shape[1], len(weights), 1, device=weights.device))
        return weights * ones[..., 0].T[..., None].to(weights.dtype)

    def _hand_on(
        self, address: Address, change: Change, output: Tensor | None, weights: Tensor, scores: Tensor | None = None
    ) -> Tensor:
        """Outputs (n_q, h, v) are changed as they enter the projection, or here where none is known."""
        kept, own_scores = (weights, scores) if self._keep_weights else (weights.new_empty(0), None)
        if address in self.seen:
            self.seen[address] = Seen(kept, output, own_scores)
        projection = self._projections.get(address)
        if projection is not None and (change.of_outputs or address in self.seen):
            if id(projection) in self._waiting:
                raise NotComparedError(f"the heads of {address} share a projection with others that wait")
            self._waiting[id(projection)] = _Waiting(address, change, len(weights))
        elif output is not None:
            output = change_outputs(change, output)
            if address in self.seen:
                self.seen[address] = Seen(kept, output, own_scores)
        return torch.empty(0) if output is None else output

    def _projected(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """What enters a projection, with the heads' outputs changed."""
        if _now.get() is not self or id(module) not in self._waiting:
            return None
        waiting = self._waiting.pop(id(module))
        changed = 0

        def change(value: Any) -> Any:
            nonlocal changed
            if not isinstance(value, Tensor):
                return value
            changed += 1
            return self._entering(waiting, value)

        made = tuple(map(change, args)), {name: change(value) for name, value in (kwargs or {}).items()}
        if changed != 1:
            raise NotComparedError(f"the projection of {waiting.address} does not take the heads alone")
        return made

    def _entering(self, waiting: _Waiting, entering: Tensor) -> Tensor:
        n_q = entering.reshape(-1, entering.shape[-1]).shape[0]
        heads = entering.reshape(n_q, waiting.n_heads, -1)
        heads = change_outputs(waiting.change, heads)
        seen = self.seen.get(waiting.address)
        if seen is not None:
            seen.outputs = heads
        return heads.reshape(entering.shape)


def _attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **arguments: Any
) -> tuple[Tensor, Tensor | None]:
    """The model's own eager attention, in this thread's second run with its edits."""
    run = _now.get()
    if run is None:
        return eager(module, query, key, value, attention_mask, **arguments)
    with run.whole():
        return run.registered(module, query, key, value, attention_mask, arguments)


AttentionInterface.register(SECOND, _attention)
AttentionMaskInterface.register(SECOND, eager_mask)


class _Calls(TorchFunctionMode):
    """Meets the calls of torch's fused attention."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention or self._run.inside:
            return func(*args, **kwargs)
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        with self._run.whole():
            return self._run.called(func, {**dict(zip(names, args, strict=False)), **kwargs})


class _Softmaxes(TorchDispatchMode):
    """Meets the softmaxes over a last axis, however the model's code calls them."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self._run = run

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        softmax = func is torch.ops.aten._softmax.default
        if not softmax or self._run.inside or args[1] not in (-1, args[0].dim() - 1):
            return func(*args, **kwargs)
        with self._run.whole():
            return self._run.softmaxed(lambda scores: func(scores, *args[1:], **kwargs), args[0])
