"""AttentionRecord: one attention operation as it ran, and the small records it is made of.

Shape letters: n_q query tokens, n_k key tokens, h heads, g key-value heads (g divides h), d width of a query or key,
v width of a value, m width of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

import torch
from torch import Tensor

from attention.stages import Stages, attend, exactly

Kind = Literal["encoder", "decoder", "cross"]
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "cross")


@dataclass(frozen=True, kw_only=True)
class Token:
    """One token as a person reads it.

    piece: the vocabulary's own string. text: the characters it stands for ("" where none can be told).
    mark: what the vocabulary adds ("##", a leading space as "·"), to be shown lightly before `text`.
    id: its number. span: character span in the text, or None (special tokens, ids without text).
    special: added by the tokenizer or a control token. part: (k, m), the k-th (from 0) of m tokens that share one
    character or cluster, or None. segment: 0 or 1, which of two texts. word: the number of its word in that text, from
    0, where the text came split into words, else None.
    """

    piece: str
    text: str
    mark: str = ""
    id: int | None = None
    span: tuple[int, int] | None = None
    special: bool = False
    part: tuple[int, int] | None = None
    segment: int = 0
    word: int | None = None

    def __str__(self) -> str:
        return self.text or self.piece


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask:
    """Which key each query may attend to: a rule, or one array that layers share.

    before, after: how many keys back and ahead of its own position a query may look; None is no limit, so causal
    attention has after = 0 and a sliding window of w (itself included) before = w − 1. keys: boolean (n_k,), False
    for padding. array: boolean (n_q, n_k), or (h, n_q, n_k) where heads differ, where no rule fits. True = may attend.
    """

    before: int | None = None
    after: int | None = None
    keys: Tensor | None = None
    array: Tensor | None = None

    @property
    def open(self) -> bool:
        """Whether every query may attend to every key."""
        return self.before is None and self.after is None and self.keys is None and self.array is None

    @property
    def causal(self) -> bool:
        """Whether no query may look ahead, by rule."""
        return self.after == 0

    def rows(self, start: int, stop: int, n_k: int, device: torch.device | None = None, head: int = 0) -> Tensor | None:
        """Boolean (stop − start, n_k) for those queries of one head, or None where all is open."""
        if self.open:
            return None
        if self.array is not None:
            own = self.array if self.array.dim() == 2 else self.array[head]
            return own[start:stop]
        key = torch.arange(n_k, device=device)
        query = torch.arange(start, stop, device=device)[:, None]
        allowed = torch.ones(stop - start, n_k, dtype=torch.bool, device=device)
        if self.after is not None:
            allowed &= key <= query + self.after
        if self.before is not None:
            allowed &= key >= query - self.before
        if self.keys is not None:
            allowed &= self.keys.to(allowed.device)
        return allowed


@dataclass(frozen=True, kw_only=True, eq=False)
class PositionBias:
    """What a model adds to the scores by position.

    by_distance: (h or 1, n_q + n_k − 1), entry (j − i) + n_q − 1 for query i and key j, where the bias depends on
    distance alone (T5). by_key: (h or 1, n_k) where it depends on the key alone (BLOOM's ALiBi, which the softmax
    cannot tell from one by distance). dense: (h or 1, n_q, n_k) where neither holds.
    """

    n_q: int
    n_k: int
    by_distance: Tensor | None = None
    by_key: Tensor | None = None
    dense: Tensor | None = None

    @property
    def numbers(self) -> Tensor:
        """The one form that is there; its first axis is heads, or 1 where all share it."""
        return next(form for form in (self.by_distance, self.by_key, self.dense) if form is not None)

    def rows(self, head: int, start: int, stop: int) -> Tensor:
        """(stop − start, n_k) of one head."""
        own = self.numbers[head if self.numbers.shape[0] > 1 else 0]
        if self.by_key is not None:
            return own.expand(stop - start, -1)
        if self.by_distance is None:
            return own[start:stop]
        queries = torch.arange(start, stop, device=own.device)[:, None]
        return own[torch.arange(self.n_k, device=own.device) - queries + self.n_q - 1]

    def all_rows(self, start: int, stop: int) -> Tensor:
        """(h or 1, stop − start, n_k) of all heads."""
        return torch.stack([self.rows(head, start, stop) for head in range(self.numbers.shape[0])])


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

    lengths: Tensor | None = None
    norms: Mapping[int, Tensor] = field(default_factory=dict)
    contributions: Mapping[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionRecord:
    """One attention operation, as it ran.

    layer: the model's own number, from 0. kind: encoder, decoder or cross. op: counts operations of one kind within a
    layer. query (h, n_q, d) and key (g, n_k, d): after rotary embedding and norms. value (g, n_k, v): as it is summed.
    None what the road cannot give.

    scale: multiplies Q·Kᵀ. mask: who may attend to whom. softcap: c of c·tanh(s/c). position_bias: what is added by
    position. sink (h,): a learned logit beside the keys, or (h, n_q) where it depends on the query; None what the model
    has not. sink_scales: the sink scales the output instead of the weights. temperature: divides the scores.

    output (n_q, h, v): the model's own. weights (h, n_q, n_k): given, where q and k are not known; maps: asks the model
    again there. projection: the layer's own W_O. projected: what it put out for the queries of `checked_rows`.
    no_projection: why head contributions cannot be told. witness: the model's own code, for the check. kept: what a
    file has in place of a projection.
    """

    layer: int
    kind: Kind
    op: int = 0
    query: Tensor | None = None
    key: Tensor | None = None
    value: Tensor | None = None
    scale: float = 1.0
    mask: Mask = field(default_factory=Mask)
    position_bias: PositionBias | None = None
    softcap: float | None = None
    sink: Tensor | None = None
    sink_scales: bool = False
    output: Tensor | None = None
    weights: Tensor | None = None
    maps: Maps | None = None
    temperature: float = 1.0
    projection: Projection | None = None
    projected: Tensor | None = None
    no_projection: str = ""
    witness: Witness | None = None
    kept: Kept = field(default_factory=Kept)

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

    @exactly
    def stages(self, head: int, start: int = 0, stop: int | None = None) -> Stages:
        """One head's stages for the queries start..stop, in float32 or wider."""
        stop = self.n_q if stop is None else stop
        value = None if self.value is None else apart(self.value[self.kv_head(head)])
        if self.query is None or self.key is None:
            return self._from_maps(head, start, stop, value)
        bias = None if self.position_bias is None else wide(self.position_bias.rows(head, start, stop))
        query, mask = apart(self.query[head, start:stop]), self.allowed(head, start, stop)
        sink = None if self.sink is None else wide(self.sink[head])
        a_query = sink is not None and sink.dim() == 1
        if sink is not None and a_query:
            # The arithmetic knows one sink for an operation: each query becomes an operation of its own.
            query, sink = query[:, None], sink[start:stop]
            bias, mask = (None if x is None else x[:, None] for x in (bias, mask))
        made = attend(
            query,
            apart(self.key[self.kv_head(head)]),
            value,
            scale=self.scale,
            softcap=self.softcap,
            bias=bias,
            mask=mask,
            sink=sink,
            sink_scales=self.sink_scales,
            temperature=self.temperature,
        )
        return _joined(made) if a_query else made

    def _from_maps(self, head: int, start: int, stop: int, value: Tensor | None) -> Stages:
        """The stages that are known without q and k: the scores that entered the softmax, if the model showed them."""
        if self.maps is None:
            steps = [("weights", apart(cast(Tensor, self.weights)[head, start:stop]))]
        else:
            scores, weights = self.maps()
            allowed = self.allowed(head, start, stop)
            masked = wide(scores[head, start:stop])
            masked = masked if allowed is None else masked.masked_fill(~allowed, float("-inf"))
            steps = [("masked", masked), ("weights", apart(weights[head, start:stop]))]
        output = None if value is None else steps[-1][1] @ value
        return Stages(steps=tuple(steps), sink_weight=None, output=output)


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the page says of a model; None what is not known. n_parameters counts each weight once.

    n_layers: of the encoder where there are two stacks; n_decoder_layers then of the decoder. max_tokens: the most that
    its positions allow, None where nothing limits them. chats: whether its tokenizer has a chat template.
    """

    name: str
    architecture: str
    road: str
    n_layers: int | None = None
    n_decoder_layers: int | None = None
    n_heads: int | None = None
    n_kv_heads: int | None = None
    d_model: int | None = None
    d_head: int | None = None
    n_parameters: int | None = None
    max_tokens: int | None = None
    dtype: str = ""
    trained: bool | None = None
    chats: bool = False
    revision: str | None = None


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
