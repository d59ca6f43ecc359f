"""A trace of one's own tensors: what `Trace.from_tensors` checks and builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from attention.errors import InputError
from attention.record.facts import ModelFacts, Token
from attention.record.operation import AttentionRecord, Kind
from attention.record.rules import Mask, PositionBias

# What `ModelFacts.capture_mode` says of them.
OWN_TENSORS = "tensors"
NAMES = ("query", "key", "value", "weights", "output")


@dataclass(frozen=True)
class Given:
    """Tensors from a person, brought to one leading layer axis and checked."""

    query: Tensor | None
    key: Tensor | None
    value: Tensor | None
    weights: Tensor | None
    output: Tensor | None
    axis_unsaid: bool = False

    @classmethod
    def of(cls, query: Any, key: Any, value: Any, weights: Any, output: Any, batch: int | None) -> Given:
        """One text's tensors; each may be a tuple of layers, and of a batch, of which `batch` is the text's number."""
        first = weights if query is None else query
        named = {"query": query, "key": key, "value": value, "weights": weights, "output": output}
        chosen = {name: _of_one_text(name, given, batch) for name, given in named.items()}
        unsaid = batch is None and getattr(first, "ndim", 0) == 4 and len(first) > 1
        return cls(**chosen, axis_unsaid=unsaid)

    def __post_init__(self) -> None:
        if self.weights is None and (self.query is None or self.key is None):
            raise InputError("Give query and key, or weights.")
        for name, tensor in self.tensors.items():
            object.__setattr__(self, name, _with_layers(name, tensor))
        self._check()

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Those that are there, by name."""
        return {name: tensor for name in NAMES if (tensor := getattr(self, name)) is not None}

    @property
    def rows(self) -> Tensor:
        """The tensor with one row a query: queries, or weights."""
        return cast(Tensor, self.weights if self.query is None else self.query)

    @property
    def n_q(self) -> int:
        return self.rows.shape[2]

    @property
    def n_k(self) -> int:
        return self.rows.shape[3] if self.key is None else self.key.shape[2]

    def _check(self) -> None:
        rows = self.rows
        for name, tensor in (("key", self.key), ("value", self.value)):
            if tensor is not None and (len(tensor) != len(rows) or rows.shape[1] % tensor.shape[1]):
                raise InputError(
                    f"{name} must have {len(rows)} layers and a number of heads that divides {rows.shape[1]}; "
                    f"got shape {tuple(tensor.shape)}."
                )
        if self.query is not None and self.key is not None and self.query.shape[-1] != self.key.shape[-1]:
            raise InputError(f"query and key differ in width: {self.query.shape[-1]} and {self.key.shape[-1]}.")
        if self.value is not None and self.value.shape[2] != self.n_k:
            raise InputError(f"key and value differ in length: {self.n_k} and {self.value.shape[2]}.")
        if self.weights is not None and self.query is not None:
            raise InputError("Give query and key, or weights, not both: one follows from the other.")
        self._check_output()
        self._check_types()

    def _check_output(self) -> None:
        if self.output is None:
            return
        expected = (len(self.rows), self.n_q, self.rows.shape[1])
        if tuple(self.output.shape[:3]) != expected:
            raise InputError(f"output must be (layers, n_q, h, v) = {expected} and v; got {tuple(self.output.shape)}.")

    def _check_types(self) -> None:
        found = {tensor.dtype for tensor in self.tensors.values()}
        if len(found) > 1:
            types = ", ".join(sorted(map(str, found)))
            raise InputError(f"All tensors must have one type; got {types}.")
        if self.weights is not None and not are_weights(self.weights):
            raise InputError("weights must not be negative, and a row must not sum to more than 1.")


def are_weights(weights: Tensor) -> bool:
    """Whether no number is negative and no row sums to more than 1."""
    slack = 1e-2 if weights.dtype in (torch.float16, torch.bfloat16) else 1e-4
    return bool((weights >= 0).all() and (weights.float().sum(dim=-1) <= 1 + slack).all())


def checked_rules(
    given: Given, position_bias: Tensor | None, sink: Tensor | None
) -> tuple[PositionBias | None, Tensor | None]:
    """The bias (h or 1, n_q, n_k) and the sink (h,) of a person, checked."""
    heads, n_q, n_k = given.rows.shape[1], given.n_q, given.n_k
    bias = None
    if position_bias is not None:
        position_bias = torch.as_tensor(position_bias)
        shape = tuple(position_bias.shape)
        if shape not in ((n_q, n_k), (1, n_q, n_k), (heads, n_q, n_k)):
            raise InputError(f"position_bias must be (h or 1, {n_q}, {n_k}); got {shape}.")
        bias = PositionBias(n_q=n_q, n_k=n_k, dense=position_bias.reshape(-1, n_q, n_k))
    if sink is not None:
        sink = torch.as_tensor(sink)
        if tuple(sink.shape) != (heads,):
            raise InputError(f"sink must have one number a head, ({heads},); got {tuple(sink.shape)}.")
    return bias, sink


def _of_one_text(name: str, given: Any, batch: int | None) -> Any:
    """One text's tensor, out of a batch and of a tuple of layers as models return them (`outputs.attentions`)."""
    if isinstance(given, tuple | list) and any(hasattr(one, "shape") or one is None for one in given):
        return _stacked(name, given, batch)
    if isinstance(given, tuple | list) and given and _nested(given[0]):
        raise InputError(
            f"{name} has a tuple for each step, as generate() returns them; give one step's, such as [0], or trace the "
            "ids that it wrote."
        )
    if given is None:
        return None
    tensor = torch.as_tensor(given)
    if tensor.dim() == 5:
        return torch.stack([_text_in(name, layer, batch) for layer in tensor])
    return tensor if batch is None or tensor.dim() != 4 else _text_in(name, tensor, batch)


def _nested(one: Any) -> bool:
    return isinstance(one, tuple | list) and any(hasattr(inner, "shape") for inner in one)


def _stacked(name: str, layers: Sequence[Any], batch: int | None) -> Tensor:
    missing = next((index for index, layer in enumerate(layers) if not hasattr(layer, "shape")), None)
    if missing is not None:
        raise InputError(f"{name}[{missing}] is no tensor; give those of the layers that have one, and no others.")
    chosen = [_text_in(name, torch.as_tensor(layer), batch) for layer in layers]
    if len({(layer.shape, layer.dtype) for layer in chosen}) > 1:
        shapes = ", ".join(str(tuple(layer.shape)) for layer in chosen)
        raise InputError(f"The layers of {name} differ in shape or type ({shapes}); give those that are alike.")
    return torch.stack(chosen)


def _text_in(name: str, layer: Tensor, batch: int | None) -> Tensor:
    """One text of a layer's batch; a layer without a batch as it is."""
    if layer.dim() != 4:
        return layer
    if batch is None and len(layer) != 1:
        raise InputError(f"{name} is of a batch of {len(layer)} texts; say which one with batch=, from 0.")
    if batch is not None and not 0 <= batch < len(layer):
        raise InputError(f"There is no text {batch} in {name}; its batch has 0 to {len(layer) - 1}.")
    return layer[batch or 0]


def _with_layers(name: str, tensor: Tensor) -> Tensor:
    tensor = torch.as_tensor(tensor).detach()
    if tensor.dim() not in (3, 4) or not tensor.is_floating_point():
        raise InputError(f"{name} must be floating point with 3 or 4 axes; got {tensor.dtype}, {tuple(tensor.shape)}.")
    return tensor if tensor.dim() == 4 else tensor[None]


def tensor_mask(causal: bool, mask: Tensor | None, given: Given) -> Mask:
    """The rule for a person's mask; raises InputError for one of another type or shape."""
    if mask is None:
        return Mask(after=0) if causal else Mask()
    mask, shape = torch.as_tensor(mask), (given.n_q, given.n_k)
    if mask.dtype != torch.bool or tuple(mask.shape) != shape:
        raise InputError(f"mask must be boolean {shape}, True = may attend; got {mask.dtype}, {tuple(mask.shape)}.")
    return Mask(array=mask.tril() if causal else mask)


def _named(names: Sequence[str] | None, count: int) -> tuple[Token, ...]:
    names = [str(i) for i in range(count)] if names is None else list(names)
    if len(names) != count:
        raise InputError(f"{len(names)} tokens were named, but the tensors have {count}.")
    return tuple(Token(piece=name, text=name) for name in names)


def parts_of_trace(
    given: Given,
    scale: float | None,
    mask: Mask,
    position_bias: Tensor | None,
    softcap: float | None,
    sink: Tensor | None,
    tokens: Sequence[str] | None,
    pair_tokens: Sequence[str] | None,
    name: str,
) -> dict[str, Any]:
    """The fields of a Trace for these tensors, checked."""
    rows, n_q, n_k = given.rows, given.n_q, given.n_k
    kind: Kind = "cross" if n_q != n_k or pair_tokens is not None else "decoder" if mask.causal else "encoder"
    bias, sink = checked_rules(given, position_bias, sink)
    width = 1 if given.query is None else given.query.shape[-1]
    records = tuple(
        AttentionRecord(
            layer=layer,
            kind=kind,
            scale=width**-0.5 if scale is None else scale,
            mask=mask,
            position_bias=bias,
            softcap=softcap,
            sink=sink,
            no_projection="no output projection was given",
            **_of_layer(given, layer),
        )
        for layer in range(len(rows))
    )
    facts = ModelFacts(
        name=name,
        architecture="given tensors",
        capture_mode=OWN_TENSORS,
        n_layers=len(rows),
        n_heads=rows.shape[1],
        n_kv_heads=records[0].n_kv_heads,
        d_head=records[0].d_head,
        dtype=str(rows.dtype).removeprefix("torch."),
    )
    fields = {"model": facts, "tokens": _named(tokens, n_k), "all_records": records, "notes": _read_as(given)}
    return fields | ({"pair_tokens": _named(pair_tokens, n_q)} if kind == "cross" else {})


def _read_as(given: Given) -> tuple[str, ...]:
    """What a first axis was taken for, where it could be a batch as well."""
    if not given.axis_unsaid:
        return ()
    return (f"The first axis, of {len(given.rows)}, was read as layers; of a batch, choose one text with batch=0.",)


def _of_layer(given: Given, layer: int) -> dict[str, Any]:
    return {name: tensor[layer] for name, tensor in given.tensors.items()}
