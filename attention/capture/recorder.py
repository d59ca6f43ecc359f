"""The observer that keeps: each operation of one text as it ran, for a trace."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from torch import Tensor, nn

from attention.capture.address import Address
from attention.capture.arguments import kept, sink_of
from attention.capture.autocast import as_it_enters
from attention.capture.fit import Fit, fit
from attention.capture.rules import FORBIDDEN, Rules, add_biases
from attention.capture.seam import Call, CaptureMode, Product
from attention.record import AttentionRecord, Mask, PositionBias

# Stands in a record for its address until the run that learns the order has ended.
UNKNOWN = Address("decoder", 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One attention call as it happened.

    record: what it took and gave, without the batch axis; the tensors are the model's own, not copies. own_mask,
    own_bias, arguments: as the model passed them. versions: of the record's tensors when they were kept.
    """

    module: nn.Module
    mode: CaptureMode
    number: int | None
    record: AttentionRecord
    own_mask: Tensor | None = None
    own_bias: PositionBias | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    versions: tuple[int, ...] = ()

    @property
    def output(self) -> Tensor:
        """(n_q, h, v)."""
        return cast(Tensor, self.record.output)

    @property
    def overwritten(self) -> bool:
        """Whether the model changed one of the tensors in place after we kept it."""
        return self.versions != tuple(tensor._version for tensor in _tensors(self.record).values())


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
        operation = (self._by_proof if call.mode == "softmax" else self._as_given)(call, output)
        self.operations.append(self._kept(operation))
        return output

    def _as_given(self, call: Call, output: Tensor) -> Operation:
        """An operation whose q, k and rules were handed to an attention function."""
        query, key, value = (as_it_enters(factor.detach()[0]) for factor in call.factors)
        mask, mixed_in = Mask(after=0) if call.causal else Mask(), None
        if call.mask is not None:
            mask, mixed_in = self.rules.mask(call.mask, call.n_q, call.n_k)
        own_bias = None if call.bias is None else self.rules.bias(call.bias, call.n_q, call.n_k)
        record = AttentionRecord(
            **vars(call.address or UNKNOWN), query=query, key=key, value=value, output=output.detach()[0],
            scale=call.scale, mask=mask, position_bias=add_biases(own_bias, mixed_in), softcap=call.softcap,
            sink=None if call.sink is None else sink_of(call.sink.detach(), call.n_q), sink_scales=call.sink_scales,
        )  # fmt: skip
        return Operation(
            module=call.module, mode=call.mode, number=call.number, record=record, own_mask=call.mask,
            own_bias=own_bias, arguments=kept(call.arguments),
        )  # fmt: skip

    def _by_proof(self, call: Call, output: Tensor) -> Operation:
        """An operation of which scores, weights and values were seen: q and k where the scores prove them."""
        scores = call.rows_of[0] if call.scores is None else call.scores[0]
        found = next((made for a, b in reversed(call.products) if (made := fit(scores, a, b))), None)
        made = found or Fit(query=None, key=None, scale=1.0, allowed=scores > FORBIDDEN, bias=None)
        record = AttentionRecord(
            **vars(call.address or UNKNOWN), query=made.query, key=made.key, value=call.value[0], scale=made.scale,
            mask=self.rules.rule(made.allowed), position_bias=made.bias,
            output=output[0].clone(),  # a model may add to it in place (Nyströmformer)
        )  # fmt: skip
        return Operation(module=call.module, mode=call.mode, number=call.number, record=record)

    def _kept(self, operation: Operation) -> Operation:
        """The operation with copies of the tensors that cannot stay as they are, and the versions of all."""
        tensors = _tensors(operation.record)
        copied: dict[str, Any] = {
            name: tensor.clone()
            for name, tensor in tensors.items()
            if self.copies or _holds_more(tensor, tuple(tensors.values()))
        }
        record = replace(operation.record, **copied) if copied else operation.record
        return replace(operation, record=record, versions=tuple(t._version for t in _tensors(record).values()))

    @property
    def overwritten(self) -> bool:
        return any(operation.overwritten for operation in self.operations)


def _tensors(record: AttentionRecord) -> dict[str, Tensor]:
    """Those of a record that grow with the text, by name."""
    named = {name: getattr(record, name) for name in ("query", "key", "value", "output")}
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _holds_more(tensor: Tensor, kept: tuple[Tensor, ...]) -> bool:
    """Whether a view keeps alive much more than is wanted: a value cut from one projection of q, k and v."""
    storage = tensor.untyped_storage()
    used = sum(other.nbytes for other in kept if other.untyped_storage().data_ptr() == storage.data_ptr())
    return storage.nbytes() > 1.25 * used
