"""What a head writes: the tokens whose logits its write at one position raises and lowers most, by the direct path.

A head's write goes through the last norm, held at the run's scale, and the unembedding. For a list of tokens the mean
over the vocabulary is taken away, for a shift of all logits changes no probability; the norm's and the unembedding's
biases are no head's and stay out (else frequent tokens head every list). Differences of logits are as in `direct`.

The same write is split over the keys: a head's output is Σ_j w_ij · v_j, so its share of a logit is the sum over keys
of w_ij · (v_j W_O) on that logit's direction, exactly ("which token did it copy from").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attention.analysis.direct import LogitPath, check_place, check_tokens, parts_to_logits
from attention.analysis.stream import Outputs, Way, allowed, rows_of
from attention.capture import Address, Call, Inputs, Product
from attention.capture.anatomy import anatomy_of
from attention.errors import InputError
from attention.record import wide

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel

IN_THE_ENCODER = "a head of the encoder writes to the encoder's stream, which reaches no logit by itself"
NOT_ADDED = "this head's write is not told apart from its layer's"


@dataclass(frozen=True, kw_only=True)
class WrittenToken:
    """A token and what the head adds to its logit, above what it adds to all tokens on average.

    rank: among all tokens, 1 is raised most, the size of the vocabulary is lowered most. piece: the vocabulary's own;
    text: to read, spaces and control characters made visible.
    """

    id: int
    value: float
    rank: int
    piece: str
    text: str


@dataclass(frozen=True, kw_only=True)
class KeyShare:
    """What one key brings to the head's share of the logit, `value`; all of them sum to the head's. weight: 0 to 1."""

    key: int
    weight: float
    value: float


@dataclass(frozen=True, kw_only=True)
class HeadWriting:
    """What one head writes at one position.

    promoted, suppressed: the tokens that it raises and lowers most, the strongest first. attended: the token with the
    largest weight (`attended_key`) as one of the vocabulary, so with its rank; None where it is no token of it.
    vocabulary: how many tokens are ranked. length: ‖write‖ in the stream.

    target, distractor: whose logit (or lead) `value` is the head's share of; None without a target. by_key: `value`
    split over the keys. total: their sum. tolerance: how far the sum may lie from value; ok: whether it lies no
    further. reason: why there is nothing of all this; "" where there is.
    """

    address: Address
    head: int
    position: int
    promoted: tuple[WrittenToken, ...] = ()
    suppressed: tuple[WrittenToken, ...] = ()
    attended: WrittenToken | None = None
    attended_key: int | None = None
    vocabulary: int = 0
    length: float = math.nan
    target: int | None = None
    distractor: int | None = None
    value: float = math.nan
    by_key: tuple[KeyShare, ...] = ()
    tolerance: float = 0.0
    reason: str = ""

    @property
    def total(self) -> float:
        """The sum over the keys; NaN without a target."""
        return math.fsum(share.value for share in self.by_key) if self.by_key else math.nan

    @property
    def remainder(self) -> float:
        """Total − value."""
        return self.total - self.value

    @property
    def ok(self) -> bool:
        """Whether the keys' shares sum to the head's; without a target, whether there is a list."""
        return not self.reason and (self.target is None or abs(self.remainder) <= self.tolerance)


@dataclass(eq=False)
class RowOutputs(Outputs):
    """Keeps one operation's weights (h, n_k) at one position and its values (g, n_k, v), beside what all put out."""

    address: Address | None = None
    position: int = 0
    weights: Tensor | None = None
    values: Tensor | None = None

    def attend(self, call: Call, product: Product) -> Tensor:
        """The product."""
        output = super().attend(call, product)
        if call.address == self.address and self.position < call.n_q:
            made = call.stages(slice(self.position, self.position + 1))
            # Where a sink scales the output, what the values are multiplied by is less than the weights.
            kept = 1 - made.sink_weight[..., None] if call.sink_scales and made.sink_weight is not None else 1
            self.weights, self.values = (made.weights * kept)[0, :, 0].detach(), wide(call.value[0].detach()).clone()
        return output


def head_writing(
    model: PreTrainedModel,
    inputs: Inputs,
    address: Address,
    head: int,
    position: int,
    *,
    tokenizer: Any = None,
    k: int = 10,
    target: int | None = None,
    distractor: int | None = None,
) -> HeadWriting:
    """What a head writes at a position: k tokens up and k down; of a target (less a distractor) the share by key.

    One run. Raises InputError for a head, position or token that the model has not, and as `observe`.
    """
    check_place(inputs, position)
    check_tokens(model, target, distractor)
    if k < 1:
        raise InputError(f"k is {k}; it must be a whole number of at least 1, such as 10.")
    empty = HeadWriting(address=address, head=head, position=position, target=target, distractor=distractor)
    if inputs.pair_ids and address.kind == "encoder":
        return replace(empty, reason=f"not defined: {IN_THE_ENCODER}")
    names = anatomy_of(model).names
    outputs = RowOutputs(rows_of(inputs, {"decoder": [position]}), names, address=address, position=position)
    found = parts_to_logits(model, inputs, position, outputs)
    if isinstance(found, str):
        return replace(empty, reason=f"not defined: {found}")
    check_head(outputs.heads, address, head)
    parts, path = found
    way = parts.way_of(address)
    if way is None or outputs.weights is None or outputs.values is None:
        return replace(empty, reason=f"not defined: {'; '.join((NOT_ADDED, *parts.notes))}")
    row = parts.row(position)
    written = way.of_heads(row)[head]
    raised = path.logits(written[None])[0].double()
    raised = raised - raised.mean()
    say = _Say(raised, tokenizer)
    weights = outputs.weights[head]
    attended_key = int(weights.argmax())
    attended = _token_of(inputs, address, attended_key, len(weights))
    listed = replace(
        empty, promoted=say.most(k), suppressed=say.least(k), attended=None if attended is None else say.of(attended),
        attended_key=attended_key, vocabulary=len(raised), length=float(written.norm()),
    )  # fmt: skip
    if target is None:
        return listed
    values = outputs.values[head * outputs.values.shape[0] // way.heads.shape[1]]
    return _by_key(listed, path, way, row, weights.double(), values.double())


def _token_of(inputs: Inputs, address: Address, key: int, n_k: int) -> int | None:
    """The id of the token that a key is; None for a key of the model's own, which comes behind the tokens."""
    if address.kind == "cross" or not inputs.pair_ids:
        ids = inputs.ids
    else:  # one softmax over both texts (T5Gemma 2), or over the decoder's own
        ids = inputs.pair_ids + (inputs.ids if n_k == len(inputs.pair_ids) + len(inputs.ids) else ())
    return ids[key] if key < len(ids) else None


def check_head(heads: Mapping[Address, Tensor], address: Address, head: int) -> None:
    """Raise InputError for an operation or a head that the model has not. heads (r, h, v): by address."""
    if address not in heads:
        raise InputError(f"This model has no attention at {address}; it has {', '.join(map(str, sorted(heads)))}.")
    count = heads[address].shape[1]
    if not 0 <= head < count:
        raise InputError(f"There is no head {head}; {address} has heads 0 to {count - 1}.")


def _by_key(
    listed: HeadWriting, path: LogitPath, way: Way, row: int, weights: Tensor, values: Tensor
) -> HeadWriting:
    """The head's share of the target by key. Each value's width goes through the projection once: it is linear."""
    direction, _ = path.onto(listed.target or 0, listed.distractor)
    width = way.heads.shape[2]
    basis = way.heads.new_zeros(width, *way.heads.shape[1:])
    basis[:, listed.head] = torch.eye(width, dtype=basis.dtype, device=basis.device)
    on_logit = path.normed(way.linear(basis, row)) @ direction  # (v,)
    shares = weights * (values @ on_logit)
    own = float(path.normed(way.of_heads(row)[[listed.head]])[0] @ direction)
    by_key = tuple(
        KeyShare(key=key, weight=weight, value=value)
        for key, (weight, value) in enumerate(zip(weights.tolist(), shares.tolist(), strict=True))
    )
    size = float(shares.abs().sum())
    return replace(listed, value=own, by_key=by_key, tolerance=allowed(path.norm.entered.dtype, size))


@dataclass(frozen=True, eq=False)
class _Say:
    """Tokens of the vocabulary in words, with what the head adds to each (vocabulary,)."""

    raised: Tensor
    tokenizer: Any
    order: Tensor = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", self.raised.argsort(descending=True, stable=True))

    def most(self, k: int) -> tuple[WrittenToken, ...]:
        return tuple(self._made(number, rank) for rank, number in enumerate(self.order[:k].tolist(), start=1))

    def least(self, k: int) -> tuple[WrittenToken, ...]:
        count = len(self.raised)
        lowest = reversed(self.order[max(count - k, 0) :].tolist())
        return tuple(self._made(number, count - rank) for rank, number in enumerate(lowest))

    def of(self, token: int) -> WrittenToken | None:
        if not 0 <= token < len(self.raised):
            return None
        return self._made(token, int((self.order == token).nonzero()[0, 0]) + 1)

    def _made(self, token: int, rank: int) -> WrittenToken:
        from attention.tokens import from_ids, label

        (one,) = from_ids(self.tokenizer, [token])
        value = float(self.raised[token])
        return WrittenToken(id=token, value=value, rank=rank, piece=one.piece, text=label(one, max_chars=200))
