"""AttentionRecord: one attention operation as it ran.

Shape letters: n_q query tokens, n_k key tokens, h heads, g key-value heads (g divides h), d width of a query or key,
v width of a value, m width of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

import torch
from torch import Tensor

from attention.edits import Edit, edit_of
from attention.record import held
from attention.record.arrays import FLOAT32, TYPES
from attention.record.changes import Changes, applied, changes_of
from attention.record.rules import Mask, PositionBias
from attention.record.stored import StoredMaps, StoredProjection
from attention.stages import Stages, attend, exactly, softmax

Kind = Literal["encoder", "decoder", "cross"]
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "cross")


class Projection(Protocol):
    """The layer's own map from all heads' outputs side by side to the model's width (W_O and its bias)."""

    @property
    def name(self) -> str: ...

    @property
    def norm_follows(self) -> str | None: ...

    @property
    def linear(self) -> tuple[Tensor, Tensor | None] | None:
        """Weight (m, h·v) and bias (m,) of a map that is just these, or None."""
        ...

    def __call__(self, heads: Tensor) -> Tensor:
        """(n_q, h·v) → (n_q, m), or raises ReferenceError where the model is no longer loaded."""
        ...


Maps = Callable[[], tuple[Tensor, Tensor]]  # (scores, weights), each (h, n_q, n_k), from the model's own run


class Witness(Protocol):
    """The model's own code, called again on one layer's input, to check our numbers against."""

    @property
    def exact(self) -> bool:
        """Whether it computes in float32 or wider, whatever the model's type."""
        ...

    @property
    def name(self) -> str: ...

    def blocks(self, record: AttentionRecord) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield (rows, weights (h, rows, n_k), output (rows, h, v)) over all queries, in blocks."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """What only a layer's projection could tell, measured while it was there, as a file keeps it.

    lengths: ‖f(x_j)‖ of all heads at once, (h, n_k) float32; norms: the same of one head asked alone, (n_k,), whose
    last digit may differ; contributions: what a head adds to the layer's output, (n_q, m). The latter by head.
    """

    lengths: Tensor | None = field(default=None, metadata=held.array("h n_k", types=FLOAT32))
    norms: Mapping[int, Tensor] = field(default_factory=dict, metadata=held.by_head("n_k", types=FLOAT32))
    contributions: Mapping[int, Tensor] = field(default_factory=dict, metadata=held.by_head("n_q m"))


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionRecord:
    """One attention operation, as it ran.

    layer: the model's own number, from 0. kind: encoder, decoder or cross. op: counts operations of one kind within a
    layer. query (h, n_q, d) and key (g, n_k, d): after rotary embedding and norms. value (g, n_k, v): as it is summed.
    None what the capture mode cannot give.

    scale: multiplies Q·Kᵀ. mask: who may attend to whom. softcap: c of c·tanh(s/c). position_bias: what is added by
    position. sink (h,): a learned logit beside the keys, or (h, n_q) where it depends on the query; None what the model
    has not. sink_scales: the sink scales the output instead of the weights. temperature: divides the scores.

    output (n_q, h, v): the model's own. weights (h, n_q, n_k): given, where q and k are not known; maps: asks the model
    again there. projection: the layer's own W_O. projected: what it put out for the queries of `checked_rows`.
    no_projection: why head contributions cannot be told. witness: the model's own code, for the check. kept: what a
    file has in place of a projection.

    edits: what was changed in this operation while it ran, their kinds named; the edges that they cut are in the mask
    already. given (1 or n_q, v): by head, what they put in place of its output. given_weights (n_q, n_k): by head, in
    place of its weights.
    """

    layer: int = field(metadata=held.whole(0, held.MOST_LAYER))
    kind: Kind = field(metadata=held.choice(KINDS))
    op: int = field(default=0, metadata=held.whole(0, held.MOST_LAYER))
    query: Tensor | None = field(default=None, metadata=held.travelling(held.array("h n_q d")))
    key: Tensor | None = field(default=None, metadata=held.travelling(held.array("g n_k d")))
    value: Tensor | None = field(default=None, metadata=held.travelling(held.array("g n_k v")))
    scale: float = field(default=1.0, metadata=held.travelling(held.real()))
    mask: Mask = field(default_factory=Mask, metadata=held.part(Mask))
    position_bias: PositionBias | None = field(default=None, metadata=held.part(PositionBias, brief=True))
    softcap: float | None = field(default=None, metadata=held.travelling(held.real(above=0)))
    sink: Tensor | None = field(default=None, metadata=held.travelling(held.array("h", "h n_q", types=TYPES)))
    sink_scales: bool = field(default=False, metadata=held.travelling(held.flag()))
    output: Tensor | None = field(default=None, metadata=held.travelling(held.array("n_q h v")))
    weights: Tensor | None = field(default=None, metadata=held.array("h n_q n_k"))
    maps: Maps | None = field(default=None, metadata=held.part(StoredMaps))
    temperature: float = field(default=1.0, metadata=held.travelling(held.real(above=0)))
    projection: Projection | None = field(default=None, metadata=held.part(StoredProjection))
    projected: Tensor | None = field(default=None, metadata=held.array("_ m"))
    no_projection: str = field(default="", metadata=held.text(held.MOST_PIECE))
    witness: Witness | None = None
    kept: Kept = field(default_factory=Kept, metadata=held.part(Kept))
    edits: tuple[Edit, ...] = field(default=(), metadata=held.optional(held.lines(str, edit_of)))
    given: Mapping[int, Tensor] = field(default_factory=dict, metadata=held.optional(held.by_head("n_q v", "1 v")))
    given_weights: Mapping[int, Tensor] = field(default_factory=dict, metadata=held.optional(held.by_head("n_q n_k")))

    @property
    def n_heads(self) -> int:
        """h, the heads that ask."""
        return self.rows_of.shape[0]

    @property
    def n_kv_heads(self) -> int:
        """g, the heads that keys and values have; less than h where heads share them."""
        first = next((t for t in (self.key, self.value) if t is not None), self.rows_of)
        return first.shape[0]

    @property
    def n_q(self) -> int:
        """How many query tokens there are."""
        return self.rows_of.shape[1]

    @property
    def n_k(self) -> int:
        """How many keys there are."""
        first = next((t for t in (self.key, self.value) if t is not None), None)
        return cast(Tensor, self.weights).shape[2] if first is None else first.shape[1]

    @property
    def d_head(self) -> int | None:
        """d, the width of a query and a key, or None where they are not known."""
        return None if self.query is None else self.query.shape[2]

    @property
    def dtype(self) -> torch.dtype:
        """The type that the model computed in."""
        return self.rows_of.dtype

    @property
    def rows_of(self) -> Tensor:
        """A tensor with heads and queries as its first axes, (h, n_q, …)."""
        if self.query is not None:
            return self.query
        return cast(Tensor, self.weights) if self.output is None else self.output.transpose(0, 1)

    def kv_head(self, head: int) -> int:
        """The key-value head that query head `head` reads (Ainslie et al. 2023: groups of neighbours)."""
        return head // (self.n_heads // self.n_kv_heads)

    def allowed(self, head: int, start: int = 0, stop: int | None = None) -> Tensor | None:
        """Boolean (stop − start, n_k), True where the queries of this head may attend; None where all is open."""
        return self.mask.rows(start, self.n_q if stop is None else stop, self.n_k, self.rows_of.device, head)

    def changes(self, head: int) -> Changes | None:
        """What edits change in one head behind the mask, or None."""
        return changes_of(self.edits, head, self.given, self.given_weights) if self.edits else None

    @exactly
    def stages(self, head: int, start: int = 0, stop: int | None = None) -> Stages:
        """One head's stages for the queries start..stop, in float32 or wider, as edits changed them."""
        stop = self.n_q if stop is None else stop
        value = None if self.value is None else apart(self.value[self.kv_head(head)])
        changes = self.changes(head)
        if changes is None:
            return self._made(head, start, stop, value, 1.0)
        first = 0 if changes.needs_earlier else start
        made = self._made(head, first, stop, value, changes.temperature)
        made = applied(made, changes, value, sink_scales=self.sink_scales, start=first)
        return made if first == start else _from_row(made, start - first)

    def _made(self, head: int, start: int, stop: int, value: Tensor | None, temperature: float) -> Stages:
        """The stages before rows and outputs are changed. temperature: beyond the operation's own."""
        if self.query is None or self.key is None:
            return self._from_maps(head, start, stop, value, temperature)
        bias = None if self.position_bias is None else wide(self.position_bias.rows(head, start, stop))
        query, mask = apart(self.query[head, start:stop]), self.allowed(head, start, stop)
        sink = None if self.sink is None else wide(self.sink[head])
        a_query = sink is not None and sink.dim() == 1
        if sink is not None and a_query:
            # The arithmetic knows one sink for an operation: each query becomes an operation of its own.
            query, sink = query[:, None], sink[start:stop]
            bias, mask = (None if x is None else x[:, None] for x in (bias, mask))
        key = apart(self.key[self.kv_head(head)])
        made = self.attend(query, key, value, bias=bias, mask=mask, sink=sink, temperature=temperature)
        return _joined(made) if a_query else made

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor | None, *, bias: Tensor | None, mask: Tensor | None,
        sink: Tensor | None, temperature: float = 1.0,
    ) -> Stages:  # fmt: skip
        """`attention.stages.attend` with the operation's own numbers: scale, softcap, temperature, how a sink acts.

        temperature: beyond the operation's own.
        """
        return attend(
            query,
            key,
            value,
            scale=self.scale,
            softcap=self.softcap,
            bias=bias,
            mask=mask,
            sink=sink,
            sink_scales=self.sink_scales,
            temperature=self.temperature * temperature,
        )

    def _from_maps(self, head: int, start: int, stop: int, value: Tensor | None, temperature: float) -> Stages:
        """The stages that are known without q and k: the scores that entered the softmax, if the model showed them."""
        if self.maps is None:
            steps = [("weights", apart(cast(Tensor, self.weights)[head, start:stop]))]
        else:
            scores, weights = self.maps()
            allowed = self.allowed(head, start, stop)
            masked = wide(scores[head, start:stop])
            masked = masked if allowed is None else masked.masked_fill(~allowed, float("-inf"))
            steps = [("masked", masked), ("weights", apart(weights[head, start:stop]))]
            if temperature != 1.0:
                steps = [("tempered", masked / temperature), ("masked", masked / temperature)]
                steps.append(("weights", softmax(steps[-1][1])[0]))
        output = None if value is None else steps[-1][1] @ value
        return Stages(steps=tuple(steps), sink_weight=None, output=output)


def _from_row(stages: Stages, row: int) -> Stages:
    """The stages from a row on."""
    return Stages(
        steps=tuple((name, step[row:]) for name, step in stages.steps),
        sink_weight=None if stages.sink_weight is None else stages.sink_weight[row:],
        output=None if stages.output is None else stages.output[row:],
    )


def _joined(stages: Stages) -> Stages:
    """(queries, 1, …) → (queries, …): the stages of operations of one query each as those of one operation."""
    return Stages(
        steps=tuple((name, step[:, 0]) for name, step in stages.steps),
        sink_weight=None if stages.sink_weight is None else stages.sink_weight[:, 0],
        output=None if stages.output is None else stages.output[:, 0],
    )


def wide(tensor: Tensor) -> Tensor:
    """The tensor in float32, or wider where it is wider."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def apart(tensor: Tensor) -> Tensor:
    """The same in memory of its own, row after row.

    The last digit of a product depends on how its factors lie in memory. So made, it depends on their numbers alone,
    and a run that comes back from a file gives what it gave.
    """
    return wide(tensor).clone(memory_format=torch.contiguous_format)
