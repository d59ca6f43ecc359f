"""The seam: the one place that every attention operation of a run passes, between its q, k, v and their product.

However an operation is captured (the registry, a call of torch's fused attention, a softmax followed by a product),
it comes here as a `Call` and goes on as what an `Observer` returns: the product, kept, reduced to a few numbers, or
edited. One observer stands at the seam of one run, in one thread.

Shape letters: b texts, h heads that ask, g heads of keys and values, n_q queries, n_k keys, d and v widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from attention.capture.address import Address, Order
from attention.capture.rules import FORBIDDEN
from attention.errors import UnsupportedModelError
from attention.record import wide
from attention.stages import Stages, attend, exactly, softmax

# registry: through transformers' registry of attention functions. call: torch's fused attention, called directly.
# softmax: a softmax whose weights are multiplied by values; queries and keys are known only where scores prove them.
CaptureMode = Literal["registry", "call", "softmax"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """One attention operation while it runs.

    An edited one is made with `dataclasses.replace` of query, key, value, mask or arguments (on the softmax mode: of
    value or weights), or by `forbidding`; the product takes no other change.

    address: None in the run that learns the order. sizes: of each text that entered the model, how many tokens it and
    its pair have without padding.

    value (b, g, n_k, v). query (b, h, n_q, d), key (b, g, n_k, d): after rotary embedding and norms; None on the
    softmax mode. mask: the model's own, boolean (True = may attend) or additive, broadcast to (b, h, n_q, n_k). causal:
    what no mask means here. scale: multiplies Q·Kᵀ; softcap: c of c·tanh(s/c). bias (1 or b, h, n_q, n_k): added beside
    the mask. sink (h,), or (b, h, n_q, 1) where each query has its own; sink_scales: it scales the output.
    arguments: what else the model passed.

    scores, weights (b, h, n_q, n_k): what entered and left the model's own softmax, on the softmax mode. products: of
    which those scores may have been made. number: how often the module was called in this run, where it is known.
    """

    module: nn.Module
    mode: CaptureMode
    value: Tensor
    query: Tensor | None = None
    key: Tensor | None = None
    mask: Tensor | None = None
    causal: bool = False
    scale: float = 1.0
    softcap: float | None = None
    bias: Tensor | None = None
    sink: Tensor | None = None
    sink_scales: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)
    scores: Tensor | None = None
    weights: Tensor | None = None
    products: tuple[tuple[Tensor, Tensor], ...] = ()
    number: int | None = None
    address: Address | None = None
    sizes: tuple[tuple[int, int], ...] = ()

    @property
    def rows_of(self) -> Tensor:
        """A tensor whose first axes are texts, heads and queries."""
        found = self.query if self.weights is None else self.weights
        if found is None:
            raise TypeError("a call has queries or weights")
        return found

    @property
    def factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value; raises TypeError in the softmax mode."""
        if self.query is None or self.key is None:
            raise TypeError("the queries and keys of this call are not known while it runs")
        return self.query, self.key, self.value

    @property
    def n_heads(self) -> int:
        return self.rows_of.shape[1]

    @property
    def n_q(self) -> int:
        return self.rows_of.shape[2]

    @property
    def n_k(self) -> int:
        return self.value.shape[2]

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many queries of each text are tokens and not padding; padding stands behind them."""
        pairs = self.address is not None and self.address.kind != "encoder"
        return tuple(pair if pairs and pair else text for text, pair in self.sizes)

    def forbidding(self, pairs: Tensor) -> Call:
        """The same call where some queries may not see some keys; each must be left at least one.

        pairs: boolean, broadcast to (b, h, n_q, n_k), True = may not.
        """
        if self.scores is not None and self.weights is not None:
            scores = self.scores.masked_fill(pairs, float("-inf"))
            # Rows that lose nothing stay the model's own to the last bit.
            made = torch.where(pairs.any(-1, keepdim=True), softmax(scores)[0].to(self.weights.dtype), self.weights)
            return replace(self, scores=scores, weights=made)
        if self.mask is not None and self.mask.dtype == torch.bool:
            return replace(self, mask=self.mask & ~pairs)
        rows = self.rows_of
        own = rows.new_zeros(self.n_q, self.n_k) if self.mask is None else self.mask[..., : self.n_k]
        if self.mask is None and self.causal:
            pairs = pairs | torch.ones(self.n_q, self.n_k, dtype=torch.bool, device=rows.device).triu(1)
        return replace(self, mask=own.expand(torch.broadcast_shapes(own.shape, pairs.shape)).masked_fill(
            pairs, torch.finfo(own.dtype).min
        ))  # fmt: skip

    @exactly
    def stages(self, rows: slice = slice(None)) -> Stages:
        """The stages of all texts and heads for some queries, in float32 or wider, (b, h, rows, n_k) each.

        On the softmax mode they are the model's own, `masked` and `weights`; else they are made here.
        """
        if self.scores is not None and self.weights is not None:
            steps = [("masked", wide(self.scores[:, :, rows])), ("weights", wide(self.weights[:, :, rows]))]
            return Stages(steps=tuple(steps), sink_weight=None, output=None)
        query, key, _ = self.factors
        query, key = wide(query[:, :, rows]), wide(key).repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        bias, allowed = self.rules(rows)
        sink = None if self.sink is None else wide(self.sink)
        rule: dict[str, Any] = {"scale": self.scale, "softcap": self.softcap, "sink_scales": self.sink_scales}
        if sink is None or sink.dim() == 1:
            return attend(query, key, None, bias=bias, mask=allowed, sink=sink, **rule)
        # The arithmetic knows one sink for an operation: each query becomes an operation of its own.
        bias, allowed = (None if x is None else x[..., None, :] for x in (bias, allowed))
        query, key, sink = query[..., None, :], key[:, :, None], sink[:, :, rows, 0]
        one = attend(query, key, None, bias=bias, mask=allowed, sink=sink, **rule)
        return Stages(
            steps=tuple((name, step[..., 0, :]) for name, step in one.steps),
            sink_weight=None if one.sink_weight is None else one.sink_weight[..., 0],
            output=None,
        )

    def of_head(self, head: int) -> Call:
        """The call of one head alone, for its stages."""

        def one(tensor: Tensor | None, axis: int) -> Tensor | None:
            if tensor is None or tensor.dim() <= axis or tensor.shape[axis] == 1:
                return tensor
            at = head // (self.n_heads // tensor.shape[axis])
            return tensor.narrow(axis, at, 1)

        by_head = {name: one(getattr(self, name), 1) for name in ("query", "key", "value", "scores", "weights")}
        mask, bias = (None if x is None else one(x, x.dim() - 3) if x.dim() >= 3 else x for x in (self.mask, self.bias))
        sink = None if self.sink is None else one(self.sink, 0 if self.sink.dim() == 1 else 1)
        return replace(self, **by_head, mask=mask, bias=bias, sink=sink)  # type: ignore[arg-type]

    def rules(self, rows: slice) -> tuple[Tensor | None, Tensor | None]:
        """(what is added by position, who may attend) for some queries, broadcast to (b, h, rows, n_k), or None."""
        bias = None if self.bias is None else wide(self._of_rows(self.bias, rows))
        if self.mask is None:
            if not self.causal:
                return bias, None
            square = torch.ones(self.n_q, self.n_k, dtype=torch.bool, device=self.value.device)
            return bias, square.tril()[rows]
        mask = self._of_rows(self.mask, rows)
        if mask.dtype == torch.bool:
            return bias, mask
        allowed = mask > FORBIDDEN
        mixed_in = wide(mask).masked_fill(~allowed, 0)
        return mixed_in if bias is None else bias + mixed_in, allowed

    def _of_rows(self, by_position: Tensor, rows: slice) -> Tensor:
        """Of what is broadcast to (…, n_q, n_k) the rows of some queries, without the keys of a longer cache."""
        own = by_position[..., : self.n_k]
        return own if own.shape[-2] == 1 else own[..., rows, :]


# From a call, as it came or edited, to the operation's output (b, n_q, h, v).
Product = Callable[[Call], Tensor]


class Observer(Protocol):
    """Stands at the seam of a run."""

    def attend(self, call: Call, product: Product) -> Tensor:
        """The output (b, n_q, h, v) with which the model goes on: `product(call)`, or what is made of it here."""
        ...


class OutOfOrderError(UnsupportedModelError):
    """A model ran another attention operation than when its order was learned, so none knows its address."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not run the same attention operations for every text, so they cannot be told apart in a run."
        )


@dataclass(eq=False)
class Seam:
    """The seam of one run.

    texts: how many run at once. lengths: of the texts that enter, padding included; none given, all are good. sizes:
    see `Call`. order: where each operation stands; None in the run that learns it. differentiable: gradients flow
    through it.

    count: operations so far that came here. batches, missed, elsewhere: operations that did not come here, for they ran
    on windows, could not be followed, or were not between tokens. inside: how deep in a call that is noted as a whole
    the run now is.
    """

    observer: Observer
    texts: int = 1
    lengths: frozenset[int] = frozenset()
    sizes: tuple[tuple[int, int], ...] = ()
    order: Order | None = None
    differentiable: bool = False
    count: int = 0
    batches: int = 0
    missed: int = 0
    elsewhere: int = 0
    inside: int = 0

    def through(self, call: Call, product: Product) -> Tensor:
        """What the model goes on with, (b, n_q, h, v)."""
        with self.whole():
            return self._observed(call, product) if self._takes(call) else product(call)

    def _takes(self, call: Call) -> bool:
        """Whether the texts that entered ask in this operation."""
        if call.rows_of.shape[0] != self.texts:
            self.batches += 1
            return False
        if self.lengths and call.n_q not in self.lengths:
            self.elsewhere += 1
            return False
        return True

    def _observed(self, call: Call, product: Product) -> Tensor:
        address = None if self.order is None else self.order.at(self.count, call.module)
        if self.order is not None and address is None:
            raise OutOfOrderError(type(call.module).__name__)
        self.count += 1
        output = self.observer.attend(replace(call, address=address, sizes=self.sizes), product)
        if self.differentiable and not output.requires_grad:
            raise UnsupportedModelError(
                f"No gradient reaches the attention of {type(call.module).__name__}: the model makes its token vectors "
                "otherwise than by a table, or cuts gradients on the way."
            )
        return output

    @contextmanager
    def whole(self) -> Iterator[None]:
        """While inside, what runs is part of one operation: a softmax in it is not another one."""
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @property
    def is_complete(self) -> bool:
        """Whether every operation of the order came here."""
        return self.order is not None and self.count == len(self.order.addresses)


_current: ContextVar[Seam | None] = ContextVar("headlight_seam", default=None)


@contextmanager
def entered(seam: Seam) -> Iterator[None]:
    """While inside, this thread's attention calls come to this seam."""
    token = _current.set(seam)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Seam | None:
    """The seam of this thread's run, if one is on."""
    return _current.get()


def observed_by(observer: object) -> bool:
    """Whether this thread's run is the one that this observer watches."""
    seam = _current.get()
    return seam is not None and observer in (seam.observer, getattr(seam.observer, "inner", None))
