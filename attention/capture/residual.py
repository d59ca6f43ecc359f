"""The residual stream of one run: what each block writes to it, and how each norm divides what it reads.

The stream is found by what the model computes, with no code for any model. Sums of tensors as wide as the model are
followed back from what enters the last norm, down to what is no such sum: the token vectors, and what each block wrote
(the stream as a sum: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"). The sum is made again
and compared with what entered the norm. A model that norms the stream itself between its layers (BERT) has no such sum,
and the reason is said.

Shape letters: b texts, n tokens, m width of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from attention.capture.address import number_in
from attention.capture.anatomy import anatomy_of
from attention.capture.hooks import hooked
from attention.capture.norms import Norm, looks_like_norm, norm_of
from attention.capture.seam import Seam, current
from attention.record import TOLERANCE, wide

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ADD, _ADD_IN_PLACE = torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor
_COPIES = {torch.ops.aten._to_copy.default, torch.ops.aten.clone.default}
_SCALES = {torch.ops.aten.mul.Tensor, torch.ops.aten.mul.Scalar, torch.ops.aten.div.Tensor, torch.ops.aten.div.Scalar}
# Where numbers lie, how often they were changed there, and how many they are: views of one tensor have one.
_Key = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Write:
    """What one part of the model adds to the stream. module: the path of the part. layer: its number, None before all
    layers. tensor (b, n, m), or (1, n, m) where it is the same for all texts.
    """

    module: str
    layer: int | None
    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Stream:
    """The residual stream that enters the last norm, as the sum of what was written to it.

    norms: all norms of the run in order; those that read the stream say so, the others norm what a block writes. apart:
    the largest difference between the stream and the sum, relative to the stream's largest number; tolerance: what
    rounding in the model's type may make of it.
    """

    writes: tuple[Write, ...]
    norms: tuple[Norm, ...]
    final: Norm
    apart: float
    tolerance: float


@dataclass(frozen=True)
class NoStream:
    """Why a model's stream cannot be told as a sum."""

    reason: str


@dataclass(frozen=True, eq=False)
class _Part:
    """One part of a sum. It is held, so that nothing else can lie in its place. module: what made it."""

    key: _Key
    tensor: Tensor
    module: str


@dataclass(eq=False)
class Residual:
    """Watches one run at its seam; `of` then tells the streams. One run each."""

    _sums: dict[_Key, tuple[_Part, ...]] = field(default_factory=dict)
    _makers: dict[_Key, tuple[Tensor, str]] = field(default_factory=dict)
    _norms: list[tuple[Norm, _Key, bool]] = field(default_factory=list)  # the norm, what it read, whether in an encoder
    _totals: list[Tensor] = field(default_factory=list)
    _stack: list[str] = field(default_factory=list)
    _width: int | None = None
    _seam: Seam | None = None

    @contextmanager
    def watching(self, model: PreTrainedModel, seam: Seam) -> Iterator[None]:
        """While inside, the run at this seam is watched."""
        anatomy = anatomy_of(model)
        self._seam, self._width = seam, getattr(model.config.get_text_config(), "hidden_size", None)
        encoder = anatomy.encoder or frozenset()

        def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
            if current() is seam:
                self._stack.append(anatomy.names[id(module)])

        def leave(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if current() is seam and self._stack:
                self._left(module, self._stack.pop(), args, output, id(module) in encoder)

        with hooked(model.modules(), before=enter, after=leave), _Operators(self):
            yield

    def _left(self, module: nn.Module, name: str, args: tuple[Any, ...], output: Any, is_encoder: bool) -> None:
        given = {_key(one) for one in args if isinstance(one, Tensor)}
        for made in output if isinstance(output, tuple) else (output,):
            # What hands on what it was given, as a dropout that is off, has made nothing.
            if isinstance(made, Tensor) and self._is_wide(made) and _key(made) not in given:
                # The outermost part that gives a tensor has the last word: a block, and not its last layer.
                self._makers[_key(made)] = made, name
        if len(args) == 1 and looks_like_norm(module, args[0], output) and self._is_wide(args[0]) and self._seam:
            with self._seam.whole():
                found = norm_of(module, name, args[0], output)
            if found is not None:
                self._norms.append((found, _key(args[0]), is_encoder))

    @property
    def is_watching(self) -> bool:
        """Whether what now runs is the model's own, outside of an attention operation."""
        return self._seam is not None and not self._seam.inside

    def _is_wide(self, tensor: Tensor) -> bool:
        """Whether it may be a part of the stream: (b or 1, n, m) with n as long as a text, or its rows as one axis."""
        if self._seam is None or tensor.dim() not in (2, 3):
            return False
        rows, width = tensor.numel() // max(tensor.shape[-1], 1), tensor.shape[-1]
        wanted = {texts * tokens for texts in (1, self._seam.texts) for tokens in self._seam.lengths}
        return rows in wanted and width == (self._width or width)

    def added(self, key: _Key, total: Tensor, left: tuple[_Key, Tensor], right: Tensor) -> None:
        """Note a sum of two tensors as wide as the stream. key: of the sum; left: with its key before it."""
        if self._is_wide(left[1]) and self._is_wide(right) and left[1].shape[-1] == right.shape[-1]:
            self._totals.append(total)
            self._sums[key] = self._part(*left), self._part(_key(right), right)

    def copied(self, made: Tensor, source: Tensor) -> None:
        """Note that a tensor is another one in another type or place."""
        if self._is_wide(made):
            self._totals.append(made)
            self._sums[_key(made)] = (self._part(_key(source), source),)

    def scaled(self, made: Tensor) -> None:
        """Note which part multiplied a tensor by something: no module puts that out."""
        if self._is_wide(made):
            self._makers.setdefault(_key(made), (made, self._stack[-1] if self._stack else ""))

    def _part(self, key: _Key, tensor: Tensor) -> _Part:
        inside = self._stack[-1] if self._stack else ""
        return _Part(key, tensor, self._makers[key][1] if key in self._makers else inside)

    def of(self, stack: str = "decoder") -> Stream | NoStream:
        """The stream of the "encoder" of a model with two stacks, or of the decoder or the only stack."""
        norms = [(norm, key) for norm, key, is_encoder in self._norms if is_encoder == (stack == "encoder")]
        if not norms:
            return NoStream("no norm divides the stream by one number a token")
        final, key = norms[-1]
        writes, stages = self._followed(key, final.entered)
        if writes[0].layer is not None or len(writes) == 1:
            return NoStream(
                f"this model makes the stream anew on the way ({writes[0].module} makes its first part), so that what "
                f"enters its last norm ({final.module}) is no sum that begins with the token vectors"
            )
        entered = wide(final.entered)
        total = torch.stack([wide(write.tensor).expand_as(entered) for write in writes]).sum(dim=0)
        apart = float((total - entered).abs().max()) / max(float(entered.abs().max()), 1e-12)
        tolerance = TOLERANCE.get(final.entered.dtype, TOLERANCE[torch.float16])
        if not apart <= tolerance:
            return NoStream(
                f"the parts that were seen sum to something else than the stream: {apart:.1e} of it is missing"
            )
        reading = tuple(norm.reading(own in stages) for norm, own in norms)
        return Stream(writes, reading, reading[-1], apart, tolerance)

    def _followed(self, key: _Key, tensor: Tensor) -> tuple[tuple[Write, ...], set[_Key]]:
        """The parts of a sum in the order in which they were added, and the keys of all its stages."""
        found: list[Write] = []
        stages: set[_Key] = set()
        waiting = [self._part(key, tensor)]
        while waiting:
            part = waiting.pop()
            if part.key in self._sums:
                waiting += reversed(self._sums[part.key])
                stages.add(part.key)
            else:
                own = part.tensor.reshape(-1, *tensor.shape[-2:])
                found.append(Write(part.module, number_in(part.module), own))
                if found[-1].layer is None:
                    stages.add(part.key)
        found.sort(key=lambda write: -1 if write.layer is None else write.layer)
        return tuple(found), stages


class _Operators(TorchDispatchMode):
    def __init__(self, residual: Residual) -> None:
        super().__init__()
        self._residual = residual

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, residual = kwargs or {}, self._residual
        if not residual.is_watching:
            return func(*args, **kwargs)
        if func in (_ADD, _ADD_IN_PLACE) and all(isinstance(one, Tensor) for one in args[:2]) and not kwargs:
            in_place, key = func is _ADD_IN_PLACE, _key(args[0])
            left = args[0].clone() if in_place else args[0]
            total = func(*args)
            # Torch counts a change in place after this.
            own = (key[0], key[1] + 1, key[2]) if in_place else _key(total)
            residual.added(own, total, (key, left), args[1])
            return total
        output = func(*args, **kwargs)
        if func in _COPIES:
            residual.copied(output, args[0])
        elif func in _SCALES:
            residual.scaled(output)
        return output


def _key(tensor: Tensor) -> _Key:
    return tensor.data_ptr(), tensor._version, tensor.numel()
