"""The observer that edits: it makes the changes that a person asked for while the model runs, and runs on with them.

Edges are cut in the mask before the product. Temperatures and rows need the weights, which are made here, for the heads
that they change and no others; a head's output is changed behind the product. `capture/second.py` makes the same
changes by other means, to check the run against.

Shape letters are those of `attention.capture.seam`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attention.capture.address import Address, Order
from attention.capture.rules import FORBIDDEN
from attention.capture.seam import Call, Observer, Product
from attention.edits import Edit
from attention.errors import InputError
from attention.layer_settings import COLDEST, HOTTEST
from attention.record import wide
from attention.record.changes import Changes, applied, changed_output, changes_of, chosen
from attention.record.operation import KINDS
from attention.stages import Stages, mix, softmax

if TYPE_CHECKING:
    from attention.record import Kind

# Where a head is: kind, layer, operation, head.
Place = tuple[str, int, int, int]


@dataclass(frozen=True, eq=False)
class Given:
    """What edits put in place of what a head makes itself, by place. outputs (1 or n_q, v): its mean over reference
    texts, or its output in another run. weights (n_q, n_k): in another run.
    """

    outputs: Mapping[Place, Tensor] = field(default_factory=dict)
    weights: Mapping[Place, Tensor] = field(default_factory=dict)

    def of(self, address: Address) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Outputs and weights of one operation, by head."""
        return _at(self.outputs, address), _at(self.weights, address)


def _at(given: Mapping[Place, Tensor], address: Address) -> dict[int, Tensor]:
    own = (address.kind, address.layer, address.op)
    return {head: tensor for (*place, head), tensor in given.items() if tuple(place) == own}


@dataclass(eq=False)
class Edited:
    """Edits what passes the seam, and hands it to another observer, if there is one.

    edits: with their kinds named, see `resolved`. inner: is given the call with its edges cut, and a product that makes
    the other changes.
    """

    edits: tuple[Edit, ...]
    inner: Observer | None = None
    given: Given = field(default_factory=Given)

    def attend(self, call: Call, product: Product) -> Tensor:
        """The edited output (b, n_q, h, v)."""
        own = self.of(call.address)
        if own:
            _check(call, own)
            call, product = _cut(call, own), self._changed(own, product)
        return product(call) if self.inner is None else self.inner.attend(call, product)

    def of(self, address: Address | None) -> tuple[Edit, ...]:
        """The edits of one operation."""
        return () if address is None else edits_at(self.edits, address)

    def _changed(self, own: Sequence[Edit], product: Product) -> Product:
        def made(call: Call) -> Tensor:
            output = product(call)
            for head, changes in self._changes(call, own).items():
                new = _one_head(call, head, changes, output)
                if new is not output:
                    output = output.clone()
                    output[:, :, head] = new.to(output.dtype)
            return output

        return made

    def _changes(self, call: Call, own: Sequence[Edit]) -> dict[int, Changes]:
        outputs, weights = self.given.of(call.address) if call.address is not None else ({}, {})
        made = {head: changes_of(own, head, outputs, weights) for head in range(call.n_heads)}
        return {head: changes for head, changes in made.items() if changes is not None}


def resolved(edits: Sequence[Edit], order: Order) -> tuple[Edit, ...]:
    """The edits with their kinds named. Raises InputError for a layer that is not there, with those that are."""
    found: dict[str, set[int]] = {}
    for address in order.addresses:
        found.setdefault(address.kind, set()).add(address.layer)
    made = tuple(edit.resolved(usual_kind(order)) for edit in edits)
    for edit in made:
        layers = found.get(edit.kind)
        if layers is None:
            raise InputError(f"The edit {edit} is of {edit.kind} attention; this model has {' and '.join(found)}.")
        if edit.layer is not None and edit.layer not in layers:
            there = f"{min(layers)} to {max(layers)}"
            raise InputError(f"The edit {edit} is of a layer that is not there: there are {there}.")
    return made


def usual_kind(order: Order) -> Kind:
    """The kind that is meant where none is named, as in `Trace.default_kind`."""
    kinds = {address.kind for address in order.addresses}
    return "decoder" if "decoder" in kinds else next(kind for kind in KINDS if kind in kinds)


def edits_at(edits: Sequence[Edit], address: Address) -> tuple[Edit, ...]:
    """Those whose kinds are named that change this operation."""
    return tuple(edit for edit in edits if edit.concerns(address.kind, address.layer, address.op, edit.kind))


def _check(call: Call, own: Sequence[Edit]) -> None:
    """Raise InputError for heads and tokens that this operation has not, and for temperatures that go beyond what one
    may be.
    """
    for edit in own:
        for what, number, count in (
            ("head", edit.head, call.n_heads), ("query", edit.query, call.n_q), ("key", edit.key, call.n_k)
        ):  # fmt: skip
            if number is not None and number >= count:
                raise InputError(f"The edit {edit} names {what} {number}; here they are 0 to {count - 1}.")
    tempering = [edit for edit in own if edit.verb == "temper"]
    for head in range(call.n_heads if len(tempering) > 1 else 0):
        temperature = prod(edit.temperature for edit in tempering if edit.changes_head(head))
        if not COLDEST <= temperature <= HOTTEST:
            raise InputError(
                f"Temperatures multiply, and those of {call.address}, head {head} make {temperature:.3g}; together "
                f"they may be {COLDEST:g} to {HOTTEST:g}. Take one back."
            )


def _cut(call: Call, own: Sequence[Edit]) -> Call:
    """The call with cut edges and hidden tokens closed. Raises InputError where a query is left without a key."""
    closing = [edit for edit in own if edit.verb in ("cut", "hide")]
    if not closing:
        return call
    apart = any(edit.head is not None for edit in closing)
    pairs = torch.zeros(call.n_heads if apart else 1, call.n_q, call.n_k, dtype=torch.bool, device=call.value.device)
    for edit in closing:
        pairs |= _closed(edit, call)
    after = call.forbidding(pairs[None])
    left = _visible(after).any(dim=-1)
    dead = ~left & _visible(call).any(dim=-1)
    if dead.any():
        query = int(dead.flatten(0, -2).any(dim=0).nonzero()[0])
        names = ", ".join(str(edit) for edit in closing)
        raise InputError(
            f"With {names}, query {query} could see no key at all: leave it at least one, or even out its row instead."
        )
    return after


def _closed(edit: Edit, call: Call) -> Tensor:
    """(h or 1, n_q, n_k), True where a query may no longer see a key."""
    pairs = torch.zeros(1, call.n_q, call.n_k, dtype=torch.bool, device=call.value.device)
    if edit.query is not None:
        pairs[0, edit.query, edit.key] = True
    else:
        pairs[0, :, edit.key] = True
        if edit.key is not None and edit.key < call.n_q and not _crosses(call):
            pairs[0, edit.key, edit.key] = False  # keys that are no token's own come behind the tokens
    if edit.head is None:
        return pairs
    heads = torch.arange(call.n_heads, device=call.value.device) == edit.head
    return pairs & heads[:, None, None]


def _crosses(call: Call) -> bool:
    """Whether the keys are another text's tokens."""
    return call.address is None or call.address.kind == "cross"


def _visible(call: Call) -> Tensor:
    """Boolean, broadcast to (b, h, n_q, n_k): who may attend."""
    if call.scores is not None:
        return call.scores > FORBIDDEN
    allowed = call.rules(slice(None))[1]
    whole = torch.ones(1, 1, 1, call.n_k, dtype=torch.bool, device=call.value.device)
    return whole if allowed is None else allowed


def _one_head(call: Call, head: int, changes: Changes, output: Tensor) -> Tensor:
    """What a head's output (b, n_q, v) becomes; `output` itself where nothing changes behind the mask."""
    if changes.temperature == 1.0 and not changes.rows:
        if not changes.outputs:
            return output
        return torch.stack([changed_output(own, changes) for own in output[:, :, head]])
    value = wide(call.value[:, head // (call.n_heads // call.value.shape[1])])
    made = [
        applied(stages, changes, own, sink_scales=call.sink_scales).mixed
        for stages, own in zip(_stages_of(call, head, changes.temperature, value), value, strict=True)
    ]
    # Rows that no edit names stay the model's own to the last bit.
    rows = torch.stack([chosen(edit, call.n_q, 0) for edit in changes.edits]).any(dim=0).to(output.device)
    return torch.where(rows[:, None], torch.stack(made), output[:, :, head])


def _stages_of(call: Call, head: int, temperature: float, value: Tensor) -> list[Stages]:
    """A head's stages in each text, at its changed temperature. value (b, n_k, v)."""
    alone = call.of_head(head)
    masked = alone.stages()["masked"][:, 0]
    # A model's own softmax gets large negative numbers in place of −∞.
    masked = masked.masked_fill(masked <= FORBIDDEN, float("-inf")) / temperature
    sink = None if alone.sink is None else wide(alone.sink)
    found = []
    for at, scores in enumerate(masked):
        own = None if sink is None else sink[0] if sink.dim() == 1 else sink[at, 0, :, 0]
        rows = scores[:, None] if own is not None and own.dim() == 1 else scores
        weights, share = softmax(rows, own)
        if call.sink_scales:
            weights = softmax(rows)[0]
        weights = weights.reshape(scores.shape)
        share = None if share is None else share.reshape(len(scores))
        mixed = mix(weights, value[at])
        if call.sink_scales and share is not None:
            mixed = mixed * (1 - share)[:, None]
        found.append(Stages(steps=(("masked", scores), ("weights", weights)), sink_weight=share, output=mixed))
    return found
