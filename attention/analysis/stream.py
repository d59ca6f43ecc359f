"""One run whose residual stream is known part by part: embeddings, each head, each bias, each MLP.

The stream is a sum of what the model's blocks write to it (Elhage et al. 2021, "A Mathematical Framework for
Transformer Circuits"; `capture.residual` finds the sum). What an attention block writes is split further: a head's part
is what the layer's own projection makes of that head's output alone, and its bias is a part of no head. A norm after
the projection (Gemma 2, OLMo 2) is held at the scales of the run, and a factor on the way (Granite) is found by
comparing what was written with what the projection put out: there is no code for any model here.

Shape letters: r rows (positions that are kept), h heads, v width of a value, m width of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from attention.capture import Address, Call, Inputs, NoStream, Observer, Product, Residual, Stream, observe
from attention.capture.anatomy import anatomy_of
from attention.capture.norms import Norm
from attention.capture.projection import LayerProjection, NoProjection
from attention.capture.recorded import Known
from attention.record import TOLERANCE, Kind, checked_rows, wide

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel

Stack = Literal["encoder", "decoder"]
PartKind = Literal["embedding", "head", "bias", "mlp", "attention", "other", "constant"]
# How far what is made again may lie from what the run made, relative to the largest number, and still be the same.
EXACT, ROUNDED = 1e-4, 5e-2
# Of how far a sum of parts may lie from the model's own number, in a model of float32 or wider.
MOST_REMAINDER = 1e-3


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the stream.

    embedding: what was there before all layers. head: what one head wrote. bias: of a layer's output projection, which
    belongs to no head. mlp: what a layer's last block wrote. attention: a whole attention block whose heads cannot be
    told apart. other: any other block. constant: what does not come from the stream (biases of norms and projections).

    layer: the model's own number. attention: which kind of attention a head or bias is of. module: the path of what
    wrote it; "" for the first embedding, that of the tokens.
    """

    kind: PartKind
    layer: int | None = None
    head: int | None = None
    attention: Kind | None = None
    module: str = ""

    @property
    def words(self) -> str:
        """The part in words, as in "layer 2, head 5"."""
        name = self.module.rpartition(".")[2]
        cross = "cross-attention " if self.attention == "cross" else ""
        if self.kind == "embedding":
            return f"embedding ({name})" if name else "token embedding"
        if self.kind == "constant":
            return "constant"
        own = {
            "head": f"{cross}head {self.head}", "bias": f"{cross or 'attention '}bias", "mlp": "MLP",
            "attention": "attention as a whole", "other": name,
        }[self.kind]  # fmt: skip
        return own if self.layer is None else f"layer {self.layer}, {own}"


@dataclass(frozen=True, eq=False)
class Way:
    """From one operation's heads to the stream: the projection, a factor, a norm with its scales held, a factor.

    heads (r, h, v): what the heads put out at the rows. norm: None where none comes between.
    """

    projection: LayerProjection
    heads: Tensor
    rows: Tensor
    norm: Norm | None = None
    before: float = 1.0
    after: float = 1.0

    @property
    def bias(self) -> Tensor:
        """(1, m): what the projection makes of nothing."""
        return wide(self.projection(torch.zeros_like(self.heads[:1]).flatten(1)))

    def linear(self, heads: Tensor, row: int) -> Tensor:
        """(k, h, v) → (k, m) float64: what such heads' outputs at one row would write, biases left out."""
        return self._on(wide(self.projection(heads.flatten(1))) - self.bias, row)

    def constant(self, row: int) -> Tensor:
        """(m,) float64: what is written there whatever the heads put out."""
        offset = 0 if self.norm is None else self.norm.bias.double()
        return self._on(self.bias, row)[0] + self.after * offset

    def of_heads(self, row: int) -> Tensor:
        """(h, m) float64: what each head wrote at one row."""
        own = self.heads[row]
        return self.linear(torch.diag_embed(own.T).permute(1, 2, 0), row)

    def _on(self, projected: Tensor, row: int) -> Tensor:
        made = projected.double() * self.before
        if self.norm is not None:
            made = self.norm.held(made, self.rows[[row]].to(made.device))
        return made * self.after


@dataclass(frozen=True, eq=False)
class Share:
    """One write to the stream and the parts that it is made of. whole (r, m). address, way: of attention whose heads
    can be told apart.
    """

    parts: tuple[Part, ...]
    whole: Tensor
    address: Address | None = None
    way: Way | None = None

    def at(self, row: int) -> Tensor:
        """(parts, m) float64: what each part wrote at one row."""
        if self.way is None:
            return self.whole[[row]].double()
        return torch.cat([self.way.of_heads(row), self.way.constant(row)[None]])


@dataclass(frozen=True, eq=False)
class StreamParts:
    """The stream of one stack at some rows. rows: which positions; shares: in the order in which they were added.

    notes: which layers' heads cannot be told apart, and why.
    """

    stream: Stream
    rows: Tensor
    shares: tuple[Share, ...]
    notes: tuple[str, ...] = ()

    def row(self, position: int) -> int:
        """Where a position stands among the rows."""
        return self.rows.tolist().index(position)

    def way_of(self, address: Address) -> Way | None:
        """How one attention operation's heads write; None where they cannot be told apart."""
        return next((share.way for share in self.shares if share.address == address), None)


@dataclass(eq=False)
class Outputs:
    """The observer that keeps what heads put out at some rows.

    rows: positions by stack. names: of the model's modules by their id. heads (r, h, v) and modules: by address.
    """

    rows: Mapping[Stack, Tensor]
    names: Mapping[int, str]
    heads: dict[Address, Tensor] = field(default_factory=dict)
    modules: dict[Address, str] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if call.address is not None:
            rows = self.rows[_stack_of(call.address, self.rows)]
            self.heads[call.address] = output.detach()[0, rows.to(output.device)].clone()
            self.modules[call.address] = self.names.get(id(call.module), "")
        return output


@dataclass(frozen=True, eq=False)
class Watched:
    """One run of one text. result (n, …): what it put out."""

    model: PreTrainedModel
    residual: Residual
    outputs: Outputs
    result: Tensor

    def parts(self, stack: Stack = "decoder") -> StreamParts | NoStream:
        """The stream of the decoder, of the only stack, or of the encoder of two."""
        stream = self.residual.of(stack)
        if isinstance(stream, NoStream):
            return stream
        rows = self.outputs.rows[stack]
        whole = [wide(write.tensor.detach()[0, rows.to(write.tensor.device)]) for write in stream.writes]
        ways, notes = self._ways(stack, stream, whole)
        kinds = _kinds(stream, ways, self._blocks(stack, stream, ways))
        shares = tuple(
            Share(
                tuple(_parts(write.layer, write.module if number else "", kind, ways.get(number))),
                whole[number],
                *ways.get(number, (None, None)),
            )
            for number, (write, kind) in enumerate(zip(stream.writes, kinds, strict=True))
        )
        return StreamParts(stream, rows, shares, notes)

    def _addresses(self, stack: Stack) -> list[Address]:
        return [address for address in self.outputs.heads if _stack_of(address, self.outputs.rows) == stack]

    def _ways(
        self, stack: Stack, stream: Stream, whole: Sequence[Tensor]
    ) -> tuple[dict[int, tuple[Address, Way]], tuple[str, ...]]:
        """Which write is of which attention operation, and how it came from its heads; and what could not be told."""
        known = anatomy_of(self.model).memory.setdefault(Known, Known()).projections
        found: dict[int, tuple[Address, Way]] = {}
        notes = []
        for address in self._addresses(stack):
            projection = known.get(address, NoProjection("its projection was not seen"))
            if isinstance(projection, NoProjection):
                notes.append(f"the heads of {address} cannot be told apart: {projection.reason}")
                continue
            free = [n for n, write in enumerate(stream.writes) if write.layer == address.layer and n not in found]
            way = Way(projection, self.outputs.heads[address], self.outputs.rows[stack])
            best = _best(way, {number: whole[number] for number in free}, stream)
            if best is None:
                notes.append(
                    f"the heads of {address} cannot be told apart: what {projection.name} puts out is changed, by more "
                    "than a factor and a norm, before it is added to the stream"
                )
            else:
                found[best[0]] = address, best[1]
        return found, tuple(notes)

    def _blocks(self, stack: Stack, stream: Stream, ways: Mapping[int, tuple[Address, Way]]) -> set[int]:
        """The writes of attention operations whose heads could not be told apart, by the paths of their modules."""
        told = {address for address, _ in ways.values()}
        found: set[int] = set()
        for address in self._addresses(stack):
            own = self.outputs.modules[address]
            near = (n for n, write in enumerate(stream.writes) if n not in ways and _related(own, write.module))
            if address not in told and own:
                found.update(list(near)[:1])
        return found


def watch(
    model: PreTrainedModel, inputs: Inputs, outputs: Outputs, observer: Observer | None = None
) -> Watched:
    """Run the model once on one text, and keep its stream and what `outputs` keeps. Raises as `observe`.

    observer: stands at the seam and hands on to `outputs` what the model goes on with; None for `outputs` alone.
    """
    residual = Residual()
    result = observe(model, [inputs], observer or outputs, residual=residual)
    return Watched(model, residual, outputs, result.tensor.detach()[0])


def rows_of(inputs: Inputs, positions: Mapping[Stack, Iterable[int]]) -> dict[Stack, Tensor]:
    """The rows that are kept of each stack, in order: those that are asked for, and some beside them.

    By the latter a write is told to be the projection's. "decoder" is also the only stack of one.
    """
    text, pair = inputs.sizes
    sizes: dict[Stack, int] = {"encoder": text, "decoder": pair} if pair else {"decoder": text}
    return {
        stack: torch.tensor(sorted({*checked_rows(size).tolist(), *positions.get(stack, ())}))
        for stack, size in sizes.items()
    }


def same(dtype: torch.dtype) -> float:
    """How far two numbers of one run may lie apart, relative, and still count as the same."""
    return EXACT if dtype in (torch.float32, torch.float64) else ROUNDED


def allowed(dtype: torch.dtype, size: float) -> float:
    """How far a sum of parts may lie from the model's own number; size: of the numbers that were added."""
    exact = dtype in (torch.float32, torch.float64)
    return MOST_REMAINDER if exact else max(MOST_REMAINDER, TOLERANCE.get(dtype, TOLERANCE[torch.float16]) * size)


def fitted(source: Tensor, target: Tensor) -> tuple[float, float]:
    """The factor c by which source comes nearest to target, and how far c · source is off, relative to the largest."""
    source, target = source.double(), target.double()
    size, norm = float(target.abs().max()), float(source.pow(2).sum())
    if size == 0 or norm == 0:
        return 1.0, 0.0 if size == norm else float("inf")
    factor = float((source * target).sum()) / norm
    return factor, float((factor * source - target).abs().max()) / size


def snapped(factor: float, tolerance: float) -> float:
    """1 where a factor is 1 but for rounding."""
    return 1.0 if abs(factor - 1) <= tolerance else factor


def _best(way: Way, writes: Mapping[int, Tensor], stream: Stream) -> tuple[int, Way] | None:
    """Which of the writes comes from this operation's heads, and how; None where none does."""
    projected = wide(way.projection(way.heads.flatten(1)))
    tolerance = same(way.heads.dtype)
    tried: list[tuple[float, int, Way]] = []
    for made in _ways_on(way, projected, stream, tolerance):
        through = _through(made, projected)
        for number, write in writes.items():
            factor, gap = fitted(through, write)
            tried.append((gap, number, replace(made, after=snapped(factor, tolerance))))
    gap, number, best = min(tried, key=lambda one: one[0], default=(float("inf"), 0, way))
    return (number, best) if gap <= tolerance else None


def _ways_on(way: Way, projected: Tensor, stream: Stream, tolerance: float) -> Iterator[Way]:
    """The projection alone, and with each norm that read what it put out, but for a factor."""
    yield way
    for norm in stream.norms:
        if not norm.reads_stream and norm.entered.dim() == 3 and norm.entered.shape[-1] == projected.shape[-1]:
            entered = norm.entered.detach()[0]
            if entered.shape[0] > int(way.rows[-1]):
                factor, gap = fitted(projected, wide(entered[way.rows.to(entered.device)]))
                if gap <= tolerance:
                    yield replace(way, norm=norm, before=snapped(factor, tolerance))


def _through(way: Way, projected: Tensor) -> Tensor:
    """What came out of the norm after a projection, if there is one, at all rows."""
    norm = way.norm
    if norm is None:
        return projected
    return norm.held(projected.double() * way.before, way.rows.to(norm.entered.device)) + norm.bias


def _stack_of(address: Address, rows: Mapping[Stack, Tensor]) -> Stack:
    return "encoder" if address.kind == "encoder" and "encoder" in rows else "decoder"


def _kinds(stream: Stream, ways: Mapping[int, object], blocks: set[int]) -> list[PartKind]:
    """What each write is: in each layer the last one that is no attention is the MLP."""
    kinds: list[PartKind] = []
    last: dict[int, int] = {}
    for number, write in enumerate(stream.writes):
        plain: PartKind = "attention" if number in blocks else "other"
        kinds.append("embedding" if write.layer is None else "head" if number in ways else plain)
        if kinds[-1] == "other" and write.layer is not None:
            last[write.layer] = number
    for number in last.values():
        kinds[number] = "mlp"
    return kinds


def _parts(layer: int | None, module: str, kind: PartKind, found: tuple[Address, Way] | None) -> Iterator[Part]:
    if found is None:
        yield Part(kind=kind, layer=layer, module=module)
        return
    address, way = found
    for head in range(way.heads.shape[1]):
        yield Part(kind="head", layer=address.layer, head=head, attention=address.kind, module=way.projection.name)
    yield Part(kind="bias", layer=address.layer, attention=address.kind, module=way.projection.name)


def _related(one: str, other: str) -> bool:
    """Whether one path lies in the other."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
