"""Why a head looks there: one score q_i · k_j, split by where the query and the key came from.

What enters a layer is a sum of what the embedding and each earlier head, bias and MLP wrote (`analysis.stream`). With
the scales of the norms on the way held as they were in the run (also of norms on queries and keys), all from there to
the query and the key is affine: the norm, the projection, the rotary turn. So q_i = Σ_a q_i^a and k_j = Σ_b k_j^b, and

    q_i · k_j = Σ_a Σ_b q_i^a · k_j^b

exactly, with what comes from no part of the stream (biases of norms and projections) as a part of its own (Elhage et
al. 2021, on compositions of heads). An induction head is explained by the previous-token head that feeds its key.

The affine map is taken from the model's own code: the attention module runs once more, with its norms held, on what it
received and on nothing at all, and its slope at one row is had by differentiating. So no construction of queries and
keys is known here (fused, turned, grouped or low-rank projections, rotary turns), and a step that is not affine shows:
the parts then do not sum to the score of the plain run.

Shape letters: A parts of the query, B parts of the key, d width of a query, m width of the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from attention.analysis.blocks import fixed
from attention.analysis.stream import Outputs, Part, Stack, StreamParts, Watched, allowed, rows_of, same, watch
from attention.analysis.writing import check_head
from attention.capture import Address, Call, Inputs, NoStream, Product, observe
from attention.capture.anatomy import anatomy_of
from attention.capture.hooks import hooked
from attention.capture.norms import Norm, looks_like_norm, norm_of
from attention.capture.seam import observed_by
from attention.errors import InputError
from attention.record import wide

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel

UNKNOWN = "this model makes its scores in code of its own, so its queries and keys are not known while it runs"
NOT_FROM_STREAM = "what enters this attention is neither the stream nor a norm of it"
BEHIND = "key {} comes behind the tokens that ask, so it is not from their stream"
UNREACHED = "its queries or keys do not come from what enters its module"
# Rows of parts whose products are made at once for a ranking.
BLOCK = 512


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What one part of the query and one part of the key bring to the score together."""

    query: Part
    key: Part
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Origins:
    """One score by its origins: that of query i and key j, of one head.

    query_parts (A), key_parts (B): in the order of the stream, the constant last. of_query (A, d), of_key (B, d)
    float64: the shares of q_i and k_j. score: the model's own q_i · k_j. scale multiplies it, softcap caps it (None:
    none); position_bias is added after both by position, whatever the tokens say. tolerance: how far the sum of all
    pairs may lie from the score. reason: why there are no parts; "" where there are. notes: which layers' heads cannot
    be told apart, and why.
    """

    address: Address
    head: int
    query: int
    key: int
    query_parts: tuple[Part, ...] = ()
    key_parts: tuple[Part, ...] = ()
    of_query: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    of_key: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    score: float = math.nan
    scale: float = 1.0
    softcap: float | None = None
    position_bias: float = 0.0
    tolerance: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def matrix(self) -> np.ndarray:
        """(A, B) float64: what each pair of parts brings to q_i · k_j, before the scale."""
        return self.of_query @ self.of_key.T

    @property
    def total(self) -> float:
        """The sum of all pairs."""
        return float(self.of_query.sum(0) @ self.of_key.sum(0)) if self.query_parts else math.nan

    @property
    def remainder(self) -> float:
        """Total − score."""
        return self.total - self.score

    @property
    def scaled(self) -> float:
        """The score times its scale, before a cap and a bias by position."""
        return self.score * self.scale

    @property
    def ok(self) -> bool:
        """Whether there are parts and they give the model's own score; a NaN is none."""
        return not self.reason and abs(self.remainder) <= self.tolerance

    @property
    def method(self) -> str:
        """How this was made, in one sentence that can be quoted."""
        place = f"layer {self.address.layer}, head {self.head}, query {self.query}, key {self.key}"
        return f"q·k by the parts of the stream behind query and key, scales of all norms held: {place}, one text"

    def ranked(self, n: int = 20) -> tuple[Pair, ...]:
        """The n pairs that bring most, up or down."""
        best: list[tuple[float, int, int]] = []
        for start in range(0, len(self.query_parts), BLOCK):
            block = self.of_query[start : start + BLOCK] @ self.of_key.T
            for flat in np.argsort(-np.abs(block), axis=None, kind="stable")[:n]:
                a, b = divmod(int(flat), block.shape[1])
                best.append((float(block[a, b]), start + a, b))
        best.sort(key=lambda one: -abs(one[0]))
        return tuple(Pair(query=self.query_parts[a], key=self.key_parts[b], value=v) for v, a, b in best[:n])

    def by_layer(self) -> Origins:
        """The same with the parts of a layer as one: embedding, each layer's attention and MLP, constant."""
        query_parts, of_query = _grouped(self.query_parts, self.of_query)
        key_parts, of_key = _grouped(self.key_parts, self.of_key)
        return replace(self, query_parts=query_parts, of_query=of_query, key_parts=key_parts, of_key=of_key)

    def opened(self, query_layer: int | None, key_layer: int | None) -> Origins:
        """By layer, but one layer of the query's and one of the key's by their parts; None opens none."""
        query_parts, of_query = _grouped(self.query_parts, self.of_query, query_layer)
        key_parts, of_key = _grouped(self.key_parts, self.of_key, key_layer)
        return replace(self, query_parts=query_parts, of_query=of_query, key_parts=key_parts, of_key=of_key)


def score_origins(
    model: PreTrainedModel, inputs: Inputs, address: Address, head: int, query: int, key: int
) -> Origins:
    """Split the score q_i · k_j of one head by where the query i and the key j came from.

    Two runs. Where it is not defined (a model that norms its stream anew in every layer; one whose queries and keys are
    not seen), `reason` says why. Raises InputError for an operation, head, query or key that the model has not, or a
    key that the query may not see, and as `observe`.
    """
    empty = Origins(address=address, head=head, query=query, key=key)
    n_q, n_own = _sizes(inputs, address)
    _check_position("query", query, n_q, address)
    asked = _stacks(inputs, address)
    positions: dict[Stack, set[int]] = {}
    for stack, position in zip(asked, (query, max(0, min(key, n_own - 1))), strict=True):
        positions.setdefault(stack, set()).add(position)
    names = anatomy_of(model).names
    outputs = _ScoreOutputs(rows_of(inputs, positions), names, address=address, head=head, query=query, key=key)
    watched = watch(model, inputs, outputs)
    check_head(outputs.heads, address, head)
    _check_position("key", key, outputs.n_k, address)
    if key >= n_own:
        return replace(empty, reason=f"not defined: {BEHIND.format(key)}")
    if outputs.of_query is None or outputs.of_key is None:
        return replace(empty, reason=f"not defined: {UNKNOWN}")
    if not outputs.is_seen:
        raise InputError(f"Query {query} may not see key {key} in this head; choose a pair that is not masked.")
    own = float(outputs.of_query @ outputs.of_key)
    found = _split(model, inputs, watched, outputs, asked)
    if isinstance(found, str):
        return replace(empty, score=own, reason=f"not defined: {found}")
    (of_query, query_side), (of_key, key_side) = found
    size = float((of_query.abs() @ of_key.abs().T).sum())
    dtype = watched.result.dtype
    return replace(
        empty, query_parts=query_side.parts, key_parts=key_side.parts, of_query=fixed(of_query.cpu()),
        of_key=fixed(of_key.cpu()), score=own, scale=outputs.scale, softcap=outputs.softcap,
        position_bias=outputs.bias, tolerance=allowed(dtype, size), notes=(*query_side.notes, *key_side.notes),
    )  # fmt: skip


def _sizes(inputs: Inputs, address: Address) -> tuple[int, int]:
    """How many queries there are, and how many keys that are tokens of one stream."""
    text, pair = inputs.sizes
    n_q = text if address.kind == "encoder" or not pair else pair
    return n_q, text if address.kind == "cross" else n_q


def _check_position(name: str, position: int, count: int, address: Address) -> None:
    if not 0 <= position < count:
        raise InputError(f"There is no {name} {position}; {address} has {name} 0 to {count - 1}.")


def _stacks(inputs: Inputs, address: Address) -> tuple[Stack, Stack]:
    """Whose stream queries and keys come from."""
    if not inputs.pair_ids or address.kind == "decoder":
        return "decoder", "decoder"
    return ("encoder", "encoder") if address.kind == "encoder" else ("decoder", "encoder")


@dataclass(eq=False)
class _ScoreOutputs(Outputs):
    """Keeps one head's query i and key j, and the rules around their score, beside what all heads put out."""

    address: Address | None = None
    head: int = 0
    query: int = 0
    key: int = 0
    of_query: Tensor | None = None
    of_key: Tensor | None = None
    scale: float = 1.0
    softcap: float | None = None
    bias: float = 0.0
    is_seen: bool = False
    module: nn.Module | None = None
    n_k: int = 0

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        if call.address == self.address:
            self.n_k = call.n_k
        known = call.address == self.address and call.query is not None and call.key is not None
        if known and self.head < call.n_heads and self.query < call.n_q and self.key < call.n_k:
            self._keep(call)
        return super().attend(call, product)

    def _keep(self, call: Call) -> None:
        query, key = _pair_of(call, self.head, self.query, self.key)
        self.of_query, self.of_key = query.detach().double(), key.detach().double()
        self.scale, self.softcap, self.module = call.scale, call.softcap, call.module
        made = dict(call.stages(slice(self.query, self.query + 1)).steps)
        at = (0, self.head, 0, self.key)
        self.is_seen = bool(torch.isfinite(made["masked"][at]))
        if "biased" in made:
            self.bias = float(made["biased"][at]) - float(made.get("softcapped", made["scaled"])[at])


def _pair_of(call: Call, head: int, query: int, key: int, text: int = 0) -> tuple[Tensor, Tensor]:
    """(d,) each: a head's query and the key of the group that it reads, of one text."""
    queries, keys, _ = call.factors
    group = head * keys.shape[1] // queries.shape[1]
    return queries[text, head, query], keys[text, group, key]


@dataclass(frozen=True, eq=False)
class _Affine:
    """A vector (d,) as the module made it of one row: slope (d, m) on `entered` (m,), plus constant (d,)."""

    slope: Tensor
    entered: Tensor
    constant: Tensor


@dataclass(frozen=True, eq=False)
class _Side:
    """The parts of a query or a key."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def _split(
    model: PreTrainedModel, inputs: Inputs, watched: Watched, outputs: _ScoreOutputs, stacks: Sequence[Stack]
) -> tuple[tuple[Tensor, _Side], tuple[Tensor, _Side]] | str:
    """The shares (A, d) of the query and (B, d) of the key, and their parts; or why there are none."""
    maps = _maps(model, inputs, outputs)
    if isinstance(maps, str):
        return maps
    sides = []
    for affine, stack, position in zip(maps, stacks, (outputs.query, outputs.key), strict=True):
        parts = watched.parts(stack)
        if isinstance(parts, NoStream):
            return parts.reason
        side = _side(affine, parts, position)
        if isinstance(side, str):
            return side
        sides.append(side)
    return sides[0], sides[1]


def _side(affine: _Affine, parts: StreamParts, position: int) -> tuple[Tensor, _Side] | str:
    """The shares of one vector by the parts of the stream that were there when the module ran."""
    row = parts.row(position)
    found = _reading(affine.entered, parts, row, position)
    if found is None:
        return NOT_FROM_STREAM
    norm, count = found
    own: list[Part] = []
    shares: list[Tensor] = []
    for share in parts.shares[:count]:
        written = share.at(row)
        entering = written if norm is None else norm.held(written, torch.tensor([position], device=written.device))
        own += share.parts
        shares.append(entering @ affine.slope.T)
    offset = affine.entered.new_zeros(()) if norm is None else norm.bias.double()
    constant = affine.constant + affine.slope @ offset.expand_as(affine.entered)
    own.append(Part(kind="constant"))
    return torch.cat([*shares, constant[None]]), _Side(tuple(own), parts.notes)


def _reading(entered: Tensor, parts: StreamParts, row: int, position: int) -> tuple[Norm | None, int] | None:
    """Which norm of the stream gave what entered a module at one row (None: the stream itself entered), and how many
    writes the stream then held; None where neither did.
    """
    dtype = parts.stream.final.entered.dtype
    sums = torch.stack([share.whole[row].double() for share in parts.shares]).cumsum(0)
    at = torch.tensor([position], device=entered.device)
    tried: list[tuple[float, Norm | None, int]] = []
    for norm in (*(norm for norm in parts.stream.norms if norm.reads_stream), None):
        made = sums if norm is None else norm.held(sums, at) + norm.bias
        if made.shape[1:] == entered.shape:
            gaps = (made - entered).abs().amax(-1) / entered.abs().max().clamp(min=1e-30)
            least = int(gaps.argmin())
            tried.append((float(gaps[least]), norm, least + 1))
    gap, norm, count = min(tried, key=lambda one: one[0], default=(math.inf, None, 0))
    return (norm, count) if gap <= same(dtype) else None


class _EnoughError(Exception):
    """What was wanted of a run is known."""


@dataclass(eq=False)
class _Slopes:
    """The observer that differentiates one head's query and key in a run whose second text is nothing at all, and then
    ends the run. entering: the rows that are asked for of what enters the attention's module, as leaves of the graph.
    """

    outputs: _ScoreOutputs
    entering: list[tuple[list[int], Tensor]] = field(default_factory=list)
    found: tuple[_Affine, _Affine] | str = UNREACHED

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product, until the operation that is asked for."""
        if call.address != self.outputs.address:
            return product(call)
        own = self.outputs
        vectors = _pair_of(call, own.head, own.query, own.key)
        nothing = _pair_of(call, own.head, own.query, own.key, text=1)
        made = [
            self._affine(vector, constant.detach().double(), row)
            for vector, constant, row in zip(vectors, nothing, (own.query, own.key), strict=True)
        ]
        query, key = made
        if query is not None and key is not None:
            self.found = query, key
        raise _EnoughError

    def _affine(self, vector: Tensor, constant: Tensor, position: int) -> _Affine | None:
        """The map to a vector from one position of the first of the entering tensors that it depends on."""
        if not vector.requires_grad:
            return None
        for rows, leaf in self.entering:
            slopes = [torch.autograd.grad(one, leaf, retain_graph=True, allow_unused=True)[0] for one in vector]
            if position in rows and all(slope is not None for slope in slopes):
                row = rows.index(position)
                slope = torch.stack([slope[row] for slope in slopes]).double()
                return _Affine(slope, leaf.detach()[row].double(), constant)
        return None

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        """The hook before the module: what is as wide as a stream becomes a leaf, and nothing in the second text."""
        if not observed_by(self):
            return None
        torch.set_grad_enabled(True)
        self.entering.clear()
        made = [self._leaf(one) for one in args]
        return tuple(made), {name: self._leaf(one) for name, one in (kwargs or {}).items()}

    def _leaf(self, given: Any) -> Any:
        if not isinstance(given, Tensor) or given.dim() != 3 or given.shape[0] != 2 or not given.is_floating_point():
            return given
        rows = self._rows(given)
        leaf = given.detach()[0, rows].requires_grad_()
        self.entering.append((rows, leaf))
        own = given.detach()[0].index_copy(0, torch.tensor(rows, device=given.device), leaf)
        return torch.stack([own, torch.zeros_like(own)])

    def _rows(self, like: Tensor) -> list[int]:
        """Of which positions of (2, n, …) anything is asked."""
        return sorted({at for at in (self.outputs.query, self.outputs.key) if at < like.shape[1]})

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """The hook after the module: what is not asked for goes on without a graph."""
        if observed_by(self):
            torch.set_grad_enabled(False)

    def hold(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """The hook after parts of the module: a norm divides both texts by the scales of the first, and of a matrix's
        output only the rows that are asked for are differentiated.
        """
        if not observed_by(self) or len(args) != 1 or not isinstance(args[0], Tensor) or args[0].shape[0] != 2:
            return None
        if _is_matrix(module, args[0], output):
            return self._asked_rows(module, args[0], output)
        if not looks_like_norm(module, args[0], output):
            return None
        entered = args[0]
        found = norm_of(module, "", entered[:1].detach(), output[:1].detach())
        if found is None:
            return None
        held = found.held
        inverse = held.inverse.reshape(*entered.shape[1:-1], 1)
        centred = wide(entered) - wide(entered).mean(-1, keepdim=True) if held.centred else wide(entered)
        return (centred * held.gain * inverse + held.offset).to(output.dtype)

    def _asked_rows(self, module: nn.Module, entered: Tensor, output: Tensor) -> Tensor:
        rows = torch.tensor(self._rows(entered), device=entered.device)
        return output.detach().index_copy(1, rows, module.forward(entered[:, rows]))


def _is_matrix(module: nn.Module, entered: Tensor, output: Any) -> bool:
    """Whether it is a bare matrix, acting on each row by itself: most of the work of a step back goes through these."""
    own = list(module.parameters())
    plain = next(module.children(), None) is None and any(weight.dim() == 2 for weight in own)
    return plain and isinstance(output, Tensor) and entered.dim() == 3 and output.shape[:2] == entered.shape[:2]


def _maps(model: PreTrainedModel, inputs: Inputs, outputs: _ScoreOutputs) -> tuple[_Affine, _Affine] | str:
    """The affine maps from what entered the module to the query and to the key."""
    module = outputs.module
    if module is None:
        return UNKNOWN
    slopes = _Slopes(outputs)
    inner = [part for part in module.modules() if part is not module]
    with (
        hooked([module], before=slopes.enter, after=slopes.leave, with_kwargs=True),
        hooked(inner, after=slopes.hold),
        suppress(_EnoughError),
    ):
        observe(model, [inputs, inputs], slopes)
    return slopes.found


def _grouped(
    parts: Sequence[Part], shares: np.ndarray, opened: int | None = None
) -> tuple[tuple[Part, ...], np.ndarray]:
    """The parts of a layer's attention as one, but for an opened layer; the shares summed."""
    groups: dict[Part, np.ndarray] = {}
    for part, share in zip(parts, shares, strict=True):
        is_open = opened is not None and part.layer == opened
        whole = part.kind in ("head", "bias") and not is_open
        label = Part(kind="attention", layer=part.layer, attention=part.attention) if whole else part
        groups[label] = groups[label] + share if label in groups else share
    return tuple(groups), np.stack(list(groups.values())) if groups else np.zeros((0, 0))
