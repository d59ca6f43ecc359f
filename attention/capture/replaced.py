"""Heads replaced by row of a batch: one text in every row, and in each row another head's output is something else.

What takes a head's place ("ablation", "patching") is a `Replacement`. Later heads can be held as they were in another
run of the same shape: their outputs, which leaves the direct effect of a head, or their weights alone.

Shape letters are those of `attention.capture.seam`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from attention.capture.address import Address
from attention.capture.rules import FORBIDDEN
from attention.capture.seam import Call, Product
from attention.record import wide

if TYPE_CHECKING:
    from attention.record import Kind

# What a later head keeps of the run without a change.
Frozen = Literal["outputs", "weights"]
# Of what weights are made, in a call whose softmax is not the model's own. A bias and a sink can come from the text as
# well (Inkling), and reach the model's function among its arguments.
OF_WEIGHTS = ("query", "key", "mask", "bias", "sink", "arguments")


@dataclass(frozen=True, order=True)
class Head:
    """One head of a model."""

    address: Address
    head: int

    def __str__(self) -> str:
        return f"{self.address}, head {self.head}"


# From a call, its output (b, n_q, h, v), a row of the batch and a head: what stands there instead, (n_q, v).
Replacement = Callable[[Call, Tensor, int, int], Tensor]


def zero(call: Call, output: Tensor, row: int, head: int) -> Tensor:
    """Nothing."""
    return torch.zeros_like(output[row, :, head])


def running(call: Call, output: Tensor, row: int, head: int) -> Tensor:
    """The mean of the head's own output over the queries up to each one: nothing later leaks backwards."""
    own = wide(output[row, :, head])
    return own.cumsum(dim=0) / torch.arange(1, len(own) + 1, device=own.device, dtype=own.dtype)[:, None]


def first(call: Call, output: Tensor, row: int, head: int) -> Tensor:
    """Each query rests on the first key that it may see; a learned sink keeps its share. Zeros where it sees none."""
    value = call.value[min(row, len(call.value) - 1), head // (call.n_heads // call.value.shape[1])]
    allowed = _allowed(call, row, head)
    if allowed is None:
        return value[:1].expand(call.n_q, -1)
    made = value[allowed.int().argmax(dim=-1)] * allowed.any(dim=-1, keepdim=True)
    share = None if call.sink is None else call.of_head(head).stages().sink_weight
    return made if share is None else made * (1 - share[row, 0])[:, None]


def _allowed(call: Call, row: int, head: int) -> Tensor | None:
    """Which keys a head's queries may see, boolean (n_q, n_k); None for all."""
    found = call.rules(slice(None))[1] if call.scores is None else call.scores > FORBIDDEN
    if found is None:
        return None
    found = found.reshape((1,) * (4 - found.dim()) + found.shape)
    own = found[min(row, found.shape[0] - 1), min(head, found.shape[1] - 1)]
    return own.expand(call.n_q, call.n_k)


@dataclass(frozen=True, eq=False)
class Mean:
    """The head's mean over other texts. means: (h, v) by address."""

    means: Mapping[Address, Tensor]

    def __call__(self, call: Call, output: Tensor, row: int, head: int) -> Tensor:
        """The mean at every query."""
        if call.address is None:
            raise TypeError("the operations of this run have no addresses")
        return self.means[call.address][head].to(output.device).expand(call.n_q, -1)


@dataclass(eq=False)
class Kept:
    """Keeps of one run what later runs of the same shape take from it.

    shapes: of each operation's output. outputs (b, n_q, h, v). weighed: the fields of the call from which the weights
    are made again. wants: what is kept beside the shapes.
    """

    wants: frozenset[Frozen] = frozenset()
    shapes: dict[Address, torch.Size] = field(default_factory=dict)
    outputs: dict[Address, Tensor] = field(default_factory=dict)
    weighed: dict[Address, dict[str, Any]] = field(default_factory=dict)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = product(call)
        if call.address is None:
            return output
        self.shapes[call.address] = output.shape
        if "outputs" in self.wants:
            self.outputs[call.address] = output.clone()  # a model may go on in place
        if "weights" in self.wants:
            names = OF_WEIGHTS if call.weights is None else ("weights",)
            self.weighed[call.address] = {name: getattr(call, name) for name in names}
        return output

    def heads(self, kinds: Iterable[Kind] | None = None) -> tuple[Head, ...]:
        """All heads of some kinds of attention, or of all, by kind and layer."""
        wanted = None if kinds is None else set(kinds)
        return tuple(
            Head(address, head)
            for address, shape in sorted(self.shapes.items())
            if wanted is None or address.kind in wanted
            for head in range(shape[2])
        )

    def with_weights(self, call: Call) -> Call:
        """The call, with the weights that its operation had in the kept run; values are its own."""
        if call.address is None:
            raise TypeError("the operations of this run have no addresses")
        return replace(call, **self.weighed[call.address])


@dataclass(frozen=True, eq=False)
class Taken:
    """The head's output of the same row in another run."""

    kept: Kept

    def __call__(self, call: Call, output: Tensor, row: int, head: int) -> Tensor:
        """That run's output."""
        if call.address is None:
            raise TypeError("the operations of this run have no addresses")
        return self.kept.outputs[call.address][row, :, head]


@dataclass(eq=False)
class Replaced:
    """Replaces one head in each row of a batch.

    heads: of each row, None for a row that stays as it is. by: what takes its place. query: at this query alone.
    frozen: what all other heads are held at, and the run in which they had it; those before the replaced one have it
    anyway.
    """

    heads: tuple[Head | None, ...]
    by: Replacement
    query: int | None = None
    frozen: tuple[Frozen, Kept] | None = None

    def attend(self, call: Call, product: Product) -> Tensor:
        """The output with which the model goes on."""
        output = self._before(call, product)
        own = [(row, one.head) for row, one in enumerate(self.heads) if one is not None and one.address == call.address]
        if not own:
            return output
        edited = output.clone()
        queries = slice(None) if self.query is None else slice(self.query, self.query + 1)
        for row, head in own:
            edited[row, queries, head] = self.by(call, output, row, head)[queries].to(edited.dtype)
        return edited

    def _before(self, call: Call, product: Product) -> Tensor:
        if self.frozen is None or call.address is None:
            return product(call)
        what, kept = self.frozen
        return kept.outputs[call.address].clone() if what == "outputs" else product(kept.with_weights(call))


@dataclass(eq=False)
class Reweighed:
    """Gives one head in each row of a batch the weights that it had in another run, on the values of its own.

    heads, query: as of `Replaced`. kept: the other run, with its weights.
    """

    heads: tuple[Head | None, ...]
    kept: Kept
    query: int | None = None

    def attend(self, call: Call, product: Product) -> Tensor:
        """The output with which the model goes on."""
        if all(one is None or one.address != call.address for one in self.heads):
            return product(call)
        other = product(self.kept.with_weights(call))

        def by(call: Call, output: Tensor, row: int, head: int) -> Tensor:
            return other[row, :, head]

        return Replaced(self.heads, by, self.query).attend(call, product)
