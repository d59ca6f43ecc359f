"""Direct logit attribution: what each part of the residual stream adds to one logit by the direct path.

The scale of the last norm is held as it was in the run, so that from the stream to the logit all is linear, and the
parts' shares add up (Elhage et al. 2021; used on heads by Wang et al. 2022, "Interpretability in the Wild"). Weights
are the model's own, unfolded. For a part v at one position and a token t, with the unembedding W_U and the last norm's
scale s and gain γ:

    share(v, t) = ((v − mean v) / s ⊙ γ) · W_U[:, t]        (an RMS norm takes no mean away)

The rows, and one constant for the norm's and the unembedding's bias, sum to the logit before a final cap. This is not
the "logit lens" (nostalgebraist 2020), which norms the stream anew after each layer. It is the direct part alone: what
later layers make of a head's write, or take back from it, is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from attention.analysis.stream import (
    Outputs,
    Part,
    StreamParts,
    Watched,
    allowed,
    fitted,
    rows_of,
    same,
    snapped,
    watch,
)
from attention.capture import Inputs, NoStream, Observer
from attention.capture.anatomy import anatomy_of
from attention.capture.hooks import hooked
from attention.capture.norms import Norm
from attention.capture.projection import is_affine, quietly
from attention.capture.seam import observed_by
from attention.errors import InputError
from attention.models.task import words_in_head
from attention.record import Kind, wide

if TYPE_CHECKING:
    from attention.capture import PreTrainedModel

NO_HEAD = "this model has no head that chooses among words"
NOT_ONE_MATRIX = "this model's head for words is no single matrix"
BETWEEN = "more than a norm and a factor lies between the stream and the unembedding"
BEHIND = "what the unembedding puts out is changed, by more than a factor and a cap, before it is the logits"
HALVINGS = 80  # of the range in which a cap is looked for


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one part adds to the logit, or to the difference of two."""

    part: Part
    value: float


@dataclass(frozen=True, kw_only=True)
class DirectAttribution:
    """Shares of one logit (of `target`), or of the difference of two logits (less that of `distractor`).

    position: in the text that is continued. rows: in the order of the stream, the constant last. total: their sum.
    logit: the model's own, before a final cap. capped: the same as the model puts it out. softcap: c of c·tanh(x/c),
    None where there is none. remainder: total − logit. tolerance: how large it may be; ok: whether it is no larger.
    reason: why there are no rows, "" where there are. notes: which layers' heads cannot be told apart, and why.
    """

    position: int
    target: int
    distractor: int | None = None
    rows: tuple[Row, ...] = ()
    total: float = math.nan
    logit: float = math.nan
    capped: float = math.nan
    softcap: float | None = None
    tolerance: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def remainder(self) -> float:
        """Total − logit."""
        return self.total - self.logit

    @property
    def ok(self) -> bool:
        """Whether the rows were added up and give the model's own logit; a NaN is no logit."""
        return not self.reason and abs(self.remainder) <= self.tolerance

    @property
    def method(self) -> str:
        """How this was made, in one sentence that can be quoted."""
        of = "the logit" if self.distractor is None else "the difference of two logits"
        return f"direct logit attribution of {of} at position {self.position}, scale of the last norm held, one text"

    def heads(self, kind: Kind | None = None) -> np.ndarray:
        """(layers, heads) float64: each head's share; NaN where a layer has no such head, or none that can be told.

        kind: of which attention; None for that of the first head.
        """
        own = [row for row in self.rows if row.part.kind == "head"]
        kind = kind or (own[0].part.attention if own else None)
        own = [row for row in own if row.part.attention == kind]
        layers, heads = (max((_number(row, name) for row in own), default=-1) + 1 for name in ("layer", "head"))
        made = np.full((layers, heads), np.nan)
        for row in own:
            made[_number(row, "layer"), _number(row, "head")] = row.value
        return made

    def value(self, layer: int, head: int, kind: Kind | None = None) -> float:
        """One head's share; NaN where it cannot be told."""
        made = self.heads(kind)
        return float(made[layer, head]) if 0 <= layer < made.shape[0] and 0 <= head < made.shape[1] else math.nan

    def by_kind(self) -> dict[str, float]:
        """The sums of all rows of a kind: embedding, head, bias, mlp, …"""
        sums: dict[str, float] = {}
        for row in self.rows:
            sums[row.part.kind] = sums.get(row.part.kind, 0.0) + row.value
        return sums


def _number(row: Row, name: str) -> int:
    return cast(int, getattr(row.part, name))


@dataclass(frozen=True, eq=False)
class LogitPath:
    """From the last norm to the logits, as one run went: norm, factor, matrix, factor, cap.

    norm: its scales held. before: multiplies what it put out. unembedding: an affine map to the vocabulary. after:
    multiplies what that put out. softcap: None where there is none. uncapped, put_out (vocabulary,): the model's own
    logits at one position, before and after the cap.
    """

    norm: Norm
    unembedding: nn.Module
    before: float
    after: float
    softcap: float | None
    uncapped: Tensor
    put_out: Tensor
    position: int

    def normed(self, written: Tensor) -> Tensor:
        """(k, m) parts of the stream at the position → what enters the unembedding of each, (k, m), without bias."""
        rows = torch.tensor([self.position], device=self.norm.held.inverse.device)
        return self.norm.held(written, rows) * self.before

    def onto(self, target: int, distractor: int | None = None) -> tuple[Tensor, float]:
        """(m,) float64 and a constant: what enters the unembedding, times the one, plus the other, is the logit, or
        the difference of two.
        """
        own, bias = _row(self.unembedding, target, self._width)
        if distractor is not None:
            other, its = _row(self.unembedding, distractor, self._width)
            own, bias = own - other, bias - its
        return own * self.after, (float(self.norm.bias.double() @ own) * self.before + bias) * self.after

    def logits(self, written: Tensor) -> Tensor:
        """(k, m) → (k, vocabulary) in the wider of float32 and the model's type: shares of all logits, no biases."""
        entering = self.normed(written)[None]
        nothing = torch.zeros_like(entering[:, :1])
        made = quietly(self.unembedding, entering)[0] - quietly(self.unembedding, nothing)[0]
        return wide(made) * self.after

    @property
    def _width(self) -> int:
        return int(self.norm.entered.shape[-1])


@dataclass(eq=False)
class Unembedding:
    """Watches what enters and leaves the unembedding of one run at the position that is asked for, and the first and
    last of all: wide as they are, few tell enough.
    """

    module: nn.Module
    observer: Observer
    rows: Tensor
    entered: Tensor | None = None
    put_out: Tensor | None = None

    def after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """The hook: the model's own tensors at the rows that are kept."""
        if observed_by(self.observer) and len(args) == 1 and isinstance(output, Tensor):
            entered, put_out = (one.detach().flatten(0, -2) for one in (args[0], output))
            rows = self.rows.to(entered.device)
            if int(rows.max()) < entered.shape[0]:
                self.entered, self.put_out = entered[rows].clone(), put_out[rows].clone()


def direct_attribution(
    model: PreTrainedModel,
    inputs: Inputs,
    *,
    position: int,
    target: int,
    distractor: int | None = None,
    around: Callable[[Observer], Observer] | None = None,
) -> DirectAttribution:
    """What each part of the stream adds to the logit of `target` at `position`, or to its lead over `distractor`.

    One run. position: in the text, or in the decoder's side of an encoder-decoder. around: makes the observer of an
    edited run, which hands what the model goes on with to the one that it is given. Where it is not defined (a model
    that norms its stream anew in every layer, as BERT; one without a head for words), `reason` says why. Raises
    InputError for a position or token that the model has not, and as `observe`.
    """
    check_place(inputs, position)
    check_tokens(model, target, distractor)
    empty = DirectAttribution(position=position, target=target, distractor=distractor)
    outputs = Outputs(rows_of(inputs, {"decoder": [position]}), anatomy_of(model).names)
    found = parts_to_logits(model, inputs, position, outputs, None if around is None else around(outputs))
    if isinstance(found, str):
        return replace(empty, reason=f"not defined: {found}")
    parts, path = found
    direction, constant = path.onto(target, distractor)
    rows = [*_rows(parts, path, direction), Row(part=Part(kind="constant"), value=constant)]
    size = sum(abs(row.value) for row in rows)
    return replace(
        empty, rows=tuple(rows), total=math.fsum(row.value for row in rows), softcap=path.softcap, notes=parts.notes,
        logit=_of(path.uncapped, target, distractor), capped=_of(path.put_out, target, distractor),
        tolerance=allowed(path.norm.entered.dtype, size),
    )  # fmt: skip


def _rows(parts: StreamParts, path: LogitPath, direction: Tensor) -> Iterator[Row]:
    row = parts.row(path.position)
    for share in parts.shares:
        values = path.normed(share.at(row)) @ direction
        for part, value in zip(share.parts, values.tolist(), strict=True):
            yield Row(part=part, value=value)


def _of(logits: Tensor, target: int, distractor: int | None) -> float:
    return float(logits[target]) - (0.0 if distractor is None else float(logits[distractor]))


def parts_to_logits(
    model: PreTrainedModel, inputs: Inputs, position: int, outputs: Outputs, observer: Observer | None = None
) -> tuple[StreamParts, LogitPath] | str:
    """One run: the stream by parts, and the way from one position's to the logits; or why there is none.

    outputs: keeps the rows of this position, too. observer: as in `watch`.
    """
    reason = why_no_head(model)
    if reason:
        return reason
    rows = torch.tensor([position, 0, len(inputs.pair_ids or inputs.ids) - 1])
    head = Unembedding(cast(nn.Module, model.get_output_embeddings()), observer or outputs, rows)
    with hooked([head.module], after=head.after):
        watched = watch(model, inputs, outputs, observer)
    parts = watched.parts()
    if isinstance(parts, NoStream):
        return parts.reason
    path = _path(watched, parts, head, position)
    return path if isinstance(path, str) else (parts, path)


def why_no_head(model: PreTrainedModel) -> str:
    """Why a model's logits are not of words, or not made by one matrix; "" where they are."""
    if not words_in_head(model):
        return NO_HEAD
    head = model.get_output_embeddings()
    width = getattr(getattr(head, "weight", None), "shape", (0, 0))[-1]
    return "" if width and _is_affine(cast(nn.Module, head), int(width)) else NOT_ONE_MATRIX


def _is_affine(head: nn.Module, width: int) -> bool:
    return type(head) is nn.Linear or is_affine(head, width)


def _path(watched: Watched, parts: StreamParts, head: Unembedding, position: int) -> LogitPath | str:
    """The way that the run went, each step of it told by comparing what went in with what came out."""
    norm, rows = parts.stream.final, head.rows
    tolerance = same(norm.entered.dtype)
    if head.entered is None or head.put_out is None or watched.result.shape[-1:] != head.put_out.shape[-1:]:
        return BETWEEN
    entering = norm.held(wide(norm.entered.detach()[0, rows]), rows) + norm.bias
    if entering.shape != head.entered.shape:
        return BETWEEN
    before, gap = fitted(entering, head.entered)
    if not gap <= tolerance:
        return BETWEEN
    if watched.result.dim() != 2 or watched.result.shape[0] <= int(rows.max()):
        return BEHIND
    raw, logits = wide(head.put_out), wide(watched.result[rows])
    last = _factor_and_cap(watched.model, raw, logits, tolerance)
    if last is None:
        return BEHIND
    after, softcap = last
    return LogitPath(
        norm=norm, unembedding=head.module, before=snapped(before, tolerance), after=after, softcap=softcap,
        uncapped=raw[0].double() * after, put_out=logits[0].double(), position=position,
    )  # fmt: skip


def _factor_and_cap(
    model: PreTrainedModel, raw: Tensor, logits: Tensor, tolerance: float
) -> tuple[float, float | None] | None:
    """By what the unembedding's output becomes the logits: a factor, or a cap c·tanh(x/c); None for anything else."""
    named = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
    if isinstance(named, int | float) and named > 0 and _is_cap(raw, logits, float(named), tolerance):
        return 1.0, float(named)
    factor, gap = fitted(raw, logits)
    if gap <= tolerance:
        return snapped(factor, tolerance), None
    cap = _cap(raw, logits)
    return (1.0, cap) if cap is not None and _is_cap(raw, logits, cap, tolerance) else None


def _is_cap(raw: Tensor, logits: Tensor, cap: float, tolerance: float) -> bool:
    made = cap * torch.tanh(raw / cap)
    return float((made - logits).abs().max()) <= tolerance * float(logits.abs().max())


def _cap(raw: Tensor, logits: Tensor) -> float | None:
    """The c of c·tanh(x/c) that takes the largest number to where it went, by halving: it grows with c."""
    at = int(raw.abs().argmax())
    x, y = abs(float(raw.flatten()[at])), abs(float(logits.flatten()[at]))
    if not 0 < y < x:
        return None
    low, high = y, 1e4 * x
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * math.tanh(x / middle) < y else (low, middle)
    return high


def _row(unembedding: nn.Module, token: int, width: int) -> tuple[Tensor, float]:
    """(m,) float64 and a bias: of a linear layer its own, of any other affine module (an adapter) its slope."""
    if type(unembedding) is nn.Linear:
        bias = None if unembedding.bias is None else unembedding.bias.detach()[token]
        return unembedding.weight.detach()[token].double(), 0.0 if bias is None else float(bias)
    weight = next(unembedding.parameters())
    with torch.inference_mode(False), torch.enable_grad():
        entering = torch.zeros(1, 1, width, device=weight.device, dtype=weight.dtype).requires_grad_()
        made = unembedding.forward(entering)[0, 0, token]
        (slope,) = torch.autograd.grad(made, entering)
    return slope[0, 0].double(), float(made.detach())


def check_place(inputs: Inputs, position: int) -> None:
    """Raise InputError for a position that the text that is continued has not."""
    count = len(inputs.pair_ids or inputs.ids)
    if not 0 <= position < count:
        raise InputError(f"There is no position {position}; this text has positions 0 to {count - 1}.")


def check_tokens(model: PreTrainedModel, *tokens: int | None) -> None:
    """Raise InputError for a token that the model's head does not know."""
    size = words_in_head(model)
    wrong = next((one for one in tokens if size and one is not None and not 0 <= one < size), None)
    if wrong is not None:
        raise InputError(f"Token id {wrong} is outside this model's vocabulary of 0 to {size - 1}.")
