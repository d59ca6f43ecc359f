"""The checks: every number of a head against the model's own code and its own output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from attention.record import held
from attention.record.operation import AttentionRecord
from attention.record.rules import Mask
from attention.stages import exactly

# Relative to the largest magnitude. float32: sums in another order differ by a few times 1e-7 (n ≤ thousands);
# float16 and bfloat16 round each intermediate result of the model's own code to 11 and 8 bits.
TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 2e-2}

# Projecting every head apart costs n_heads times the projection itself; the sum is checked on this many rows.
CHECKED_ROWS = 16


@dataclass(frozen=True)
class Difference:
    """Largest absolute difference between ours and the model's own, and relative to the largest magnitude.

    allowed: the relative difference up to which they count as equal.
    """

    absolute: float = field(metadata=held.measured())
    relative: float = field(metadata=held.measured())
    allowed: float = field(metadata=held.real(above=0))

    @property
    def ok(self) -> bool:
        """Whether it lies within what is allowed."""
        return self.relative <= self.allowed

    @property
    def excess(self) -> float:
        """How many times the allowed difference it is."""
        return self.relative / self.allowed


@dataclass(frozen=True, kw_only=True)
class HeadError:
    """The check of one head against the model's own run.

    parts: differences by what was compared: `weights` and `output` against the model's own eager attention,
    `own output` against what the traced run put out, `contributions` the heads' sum against the layer's projection.
    against: what it was compared with. unchecked: what could not be compared, and why.
    """

    parts: Mapping[str, Difference] = field(metadata=held.by_name(Difference))
    tolerance: float = field(metadata=held.under("allowed", held.measured()))
    against: str = field(metadata=held.text())
    unchecked: tuple[str, ...] = field(default=(), metadata=held.texts(held.MOST_PIECE))

    @property
    def absolute(self) -> float:
        """The largest absolute difference of all parts."""
        return max((part.absolute for part in self.parts.values()), default=float("nan"))

    @property
    def relative(self) -> float:
        """The largest relative difference of all parts; `float(error)` is the same."""
        return max((part.relative for part in self.parts.values()), default=float("nan"))

    @property
    def ok(self) -> bool:
        """Whether weights or output were compared and every part lies within its tolerance."""
        compared = self.parts.keys() & {"weights", "output", "own output"}
        return bool(compared) and all(part.ok for part in self.parts.values())

    @property
    def worst(self) -> str:
        """The name of the part that differs most, for what it is allowed."""
        return max(self.parts, key=lambda name: _nan_first(self.parts[name].excess), default="")

    def __float__(self) -> float:
        return self.relative


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """The traced run's result against an untouched run of the same model on the same input, or, where it is edited,
    against a second run of the model's own eager code with the same edits.

    of: what was compared, "logits" or "last hidden state". edited: whether the run was. seconds: that the second run of
    an edited one took. reason: why nothing was compared; then the differences are NaN.
    """

    of: str = field(metadata=held.text())
    absolute: float = field(metadata=held.measured())
    relative: float = field(metadata=held.measured())
    tolerance: float = field(metadata=held.under("allowed", held.measured()))
    edited: bool = field(default=False, metadata=held.optional(held.flag()))
    seconds: float = field(default=0.0, metadata=held.optional(held.measured()))
    reason: str = field(default="", metadata=held.optional(held.text(held.MOST_PIECE)))

    @property
    def ok(self) -> bool:
        """Whether it was compared and lies within the tolerance."""
        return self.relative <= self.tolerance

    def __float__(self) -> float:
        return self.relative


@exactly
def contributions(
    record: AttentionRecord, heads: Sequence[int] | None = None, rows: Tensor | None = None
) -> list[Tensor | None]:
    """What each head adds to the layer's attention output, (n_q, m) a head, or None where it cannot be told.

    Runs the layer's own projection on that head's output alone, all other heads 0, less what the projection makes of
    nothing (its bias). Σ over heads + bias = the projection's output. rows: only those queries.
    """
    heads = range(record.n_heads) if heads is None else heads
    kept = record.kept.contributions
    if rows is None and all(head in kept for head in heads):
        return [kept[head] for head in heads]
    if record.projection is None or record.output is None:
        return [None for _ in heads]
    output = record.output if rows is None else record.output[rows]
    try:
        bias = record.projection(torch.zeros_like(output[:1]).flatten(1))
        return [record.projection(_alone(output, head)) - bias for head in heads]
    except ReferenceError:
        return [_rows(kept.get(head), rows) for head in heads]


def _rows(known: Tensor | None, rows: Tensor | None) -> Tensor | None:
    return known if known is None or rows is None else known[rows]


def _alone(output: Tensor, head: int) -> Tensor:
    only = torch.zeros_like(output)
    only[:, head] = output[:, head]
    return only.flatten(1)


@exactly
def check_heads(record: AttentionRecord) -> list[HeadError]:
    """Compare each head of one layer with the model's own code and output (see HeadError)."""
    seen = _Compared(record.n_heads)
    unchecked: list[str] = []
    for rows, weights, output in _own_blocks(record, unchecked):
        seen.add_block(record, rows, weights, output)
    if record.output is None:
        unchecked.append("the model's own output is not known")
    shared = _projection_difference(record)
    tolerance = TOLERANCE.get(record.dtype, TOLERANCE[torch.float16])
    sharp = TOLERANCE[torch.float32] if record.witness is not None and record.witness.exact else tolerance
    against = record.witness.name if record.witness else "the output of the run itself"
    return [
        HeadError(
            parts=seen.parts(head, sharp, tolerance) | ({} if shared is None else {"contributions": shared}),
            tolerance=tolerance,
            against=against,
            unchecked=tuple(unchecked),
        )
        for head in range(record.n_heads)
    ]


def _own_blocks(record: AttentionRecord, unchecked: list[str]) -> Iterator[tuple[slice, Tensor | None, Tensor | None]]:
    if record.witness is not None:
        try:
            yield from record.witness.blocks(record)
            return
        except (TypeError, AttributeError, RuntimeError, ReferenceError, KeyError, IndexError) as err:
            unchecked.append(f"the model's own attention could not be called again ({type(err).__name__}: {err})")
    else:
        unchecked.append("the weights: there is no second implementation to compare with")
    yield slice(0, record.n_q), None, None


class _Compared:
    """Running maxima of |ours − own| and |own|, a head and a part."""

    def __init__(self, n_heads: int) -> None:
        self.seen: list[dict[str, tuple[float, float]]] = [{} for _ in range(n_heads)]

    def add_block(self, record: AttentionRecord, rows: slice, weights: Tensor | None, output: Tensor | None) -> None:
        for head in range(record.n_heads):
            allowed = record.allowed(head, rows.start, rows.stop)
            ours = record.stages(head, rows.start, rows.stop)
            # A row that may attend to nothing has no right answer: ours is 0, a model's own code spreads it evenly.
            live = torch.ones(len(ours.weights), dtype=torch.bool) if allowed is None else allowed.any(dim=-1)
            if weights is not None and not live.all():
                own = weights[head][~live].float()
                self._note(head, "weights", own, _evenly(record, rows, live, own))
            if weights is not None:
                self._note(head, "weights", ours.weights[live], weights[head][live])
            if ours.output is not None and output is not None:
                self._note(head, "output", ours.output[live], output[:, head][live])
            if ours.output is not None and record.output is not None:
                self._note(head, "own output", ours.output[live], record.output[rows, head][live])

    def _note(self, head: int, part: str, ours: Tensor, own: Tensor) -> None:
        if own.numel() == 0:
            return
        gap = (ours - own.to(ours.dtype)).abs().max().item()
        size = own.abs().max().item()
        before = self.seen[head].get(part, (0.0, 0.0))
        self.seen[head][part] = (_worse(before[0], gap), max(before[1], size))

    def parts(self, head: int, sharp: float, tolerance: float) -> dict[str, Difference]:
        """The differences so far; what a witness computed in float32 is held to `sharp`."""
        allowed = {"own output": tolerance}
        return {part: difference(gap, size, allowed.get(part, sharp)) for part, (gap, size) in self.seen[head].items()}


def _evenly(record: AttentionRecord, rows: slice, live: Tensor, own: Tensor) -> Tensor:
    """What the model's own rows (dead, n_k) that may attend to nothing are held to: each spread evenly, over all keys
    or over those that one of its two rules leaves open, whichever is nearest.

    Such a row is dead because a rule by position (causal, a window) and the padding together leave no key. A model
    that gives each its own large negative number spreads the row over the keys with the smaller one: over causal keys
    alone (GPT-Neo), over unpadded ones alone (OpenAI-GPT).
    """
    best = own.mean(dim=-1, keepdim=True).expand_as(own)
    for rule in (replace(record.mask, keys=None, array=None), Mask(keys=record.mask.keys)):
        opened = rule.rows(rows.start, rows.stop, record.n_k, own.device)
        if opened is None:
            continue
        keys = opened[~live.to(opened.device)].to(own.dtype)
        even = own.sum(dim=-1, keepdim=True) * keys / keys.sum(dim=-1, keepdim=True).clamp(min=1)
        best = torch.where(_farthest(own, even) < _farthest(own, best), even, best)
    return best


def _farthest(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().amax(dim=-1, keepdim=True)


def difference(gap: float, size: float, allowed: float) -> Difference:
    """A Difference from the largest gap and the largest magnitude; a gap from nothing at all is infinite."""
    if gap == 0:
        return Difference(0.0, 0.0, allowed)
    return Difference(gap, gap / size if size else float("inf"), allowed)


def checked_rows(n_q: int) -> Tensor:
    """Which of n_q queries the sum of contributions is checked on: up to CHECKED_ROWS, evenly spaced."""
    return torch.linspace(0, n_q - 1, min(n_q, CHECKED_ROWS), dtype=torch.float64).round().long()


def _projection_difference(record: AttentionRecord) -> Difference | None:
    """Σ contributions + bias against what the projection put out in the run, on the queries of `checked_rows`."""
    if record.output is None or record.projection is None or record.projected is None:
        return None
    rows = checked_rows(record.n_q)
    shares = contributions(record, rows=rows)
    if any(share is None for share in shares):
        return None
    whole = record.projected.float()
    try:
        bias = record.projection(torch.zeros_like(record.output[:1]).flatten(1)).float()
    except ReferenceError:  # other people's models may push this one out of the memory at any moment
        return None
    total = sum((share.float() for share in cast(list[Tensor], shares)), bias)
    tolerance = TOLERANCE.get(record.dtype, TOLERANCE[torch.float16])
    return difference((total - whole).abs().max().item(), whole.abs().max().item(), tolerance)


def _worse(a: float, b: float) -> float:
    return b if b != b else max(a, b)  # NaN is the worst of all and must not be lost in max()


def _nan_first(value: float) -> float:
    return float("inf") if value != value else value
