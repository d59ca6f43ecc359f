"""The observer that keeps: each operation of one text as it ran, for a trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from attention.capture.address import Address
from attention.capture.arguments import kept, sink_of
from attention.capture.autocast import as_it_enters
from attention.capture.fit import Fit, fit
from attention.capture.rules import FORBIDDEN, Rules, add_biases
from attention.capture.seam import Call, CaptureMode, Product
from attention.record import Mask, PositionBias


@dataclass(kw_only=True, eq=False)
class Operation:
    """One attention call as it happened, batch axis dropped; the tensors are the model's own, not copies."""

    module: nn.Module
    mode: CaptureMode
    address: Address | None
    number: int | None
    query: Tensor | None
    key: Tensor | None
    value: Tensor
    output: Tensor
    scale: float
    mask: Mask
    position_bias: PositionBias | None
    softcap: float | None = None
    sink: Tensor | None = None
    sink_scales: bool = False
    own_mask: Tensor | None = None
    own_bias: PositionBias | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    versions: tuple[int, ...] = ()

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(t for t in (self.query, self.key, self.value, self.output) if t is not None)

    @property
    def n_q(self) -> int:
        return self.output.shape[0]

    @property
    def n_k(self) -> int:
        return self.value.shape[1]

    @property
    def overwritten(self) -> bool:
        """Whether the model changed one of the tensors in place after we kept it."""
        return self.versions != tuple(tensor._version for tensor in self.tensors)


@dataclass(eq=False)
class Recorder:
    """Collects the operations of one run of one text.

    copies: keep copies, for models that overwrite their tensors. projected: a sample of rows that an operation's
    projection put out.
    """

    copies: bool = False
    operations: list[Operation] = field(default_factory=list)
    projected: dict[int, Tensor] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product, with a note of what went in and came out."""
        output = product(call)
        self._keep(self._by_proof(call, output) if call.mode == "softmax" else self._as_given(call, output))
        return output

    def _as_given(self, call: Call, output: Tensor) -> Operation:
        """An operation whose q, k and rules were handed to an attention function."""
        query, key, value = (as_it_enters(factor.detach()[0]) for factor in call.factors)
        mask, mixed_in = Mask(after=0) if call.causal else Mask(), None
        if call.mask is not None:
            mask, mixed_in = self.rules.mask(call.mask, call.n_q, call.n_k)
        own_bias = None if call.bias is None else self.rules.bias(call.bias, call.n_q, call.n_k)
        return Operation(
            module=call.module, mode=call.mode, address=call.address, number=call.number, query=query, key=key,
            value=value, output=output.detach()[0], scale=call.scale, mask=mask,
            position_bias=add_biases(own_bias, mixed_in), softcap=call.softcap,
            sink=None if call.sink is None else sink_of(call.sink.detach(), call.n_q), sink_scales=call.sink_scales,
            own_mask=call.mask, own_bias=own_bias, arguments=kept(call.arguments),
        )  # fmt: skip

    def _by_proof(self, call: Call, output: Tensor) -> Operation:
        """An operation of which scores, weights and values were seen: q and k where the scores prove them."""
        scores = call.rows_of[0] if call.scores is None else call.scores[0]
        found = next((made for a, b in reversed(call.products) if (made := fit(scores, a, b))), None)
        made = found or Fit(query=None, key=None, scale=1.0, allowed=scores > FORBIDDEN, bias=None)
        return Operation(
            module=call.module, mode=call.mode, address=call.address, number=call.number, query=made.query,
            key=made.key, value=call.value[0], scale=made.scale, mask=self.rules.rule(made.allowed),
            position_bias=made.bias, output=output[0].clone(),  # a model may add to it in place (Nyströmformer)
        )  # fmt: skip

    def _keep(self, operation: Operation) -> None:
        """Keep an operation, noting the versions of its tensors."""
        for name in ("query", "key", "value", "output"):
            tensor = getattr(operation, name)
            if tensor is not None and (self.copies or _holds_more(tensor, operation.tensors)):
                setattr(operation, name, tensor.clone())
        operation.versions = tuple(tensor._version for tensor in operation.tensors)
        self.operations.append(operation)

    @property
    def overwritten(self) -> bool:
        return any(operation.overwritten for operation in self.operations)


def _holds_more(tensor: Tensor, kept: tuple[Tensor, ...]) -> bool:
    """Whether a view keeps alive much more than is wanted: a value cut from one projection of q, k and v."""
    storage = tensor.untyped_storage()
    used = sum(other.nbytes for other in kept if other.untyped_storage().data_ptr() == storage.data_ptr())
    return storage.nbytes() > 1.25 * used
