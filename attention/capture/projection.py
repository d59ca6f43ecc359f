"""Find the projection after the heads (W_O) by behaviour, not by name.

During one run every module's input is compared with the attention output that was just made. The outermost module
that takes exactly that, and nothing else, and behaves as an affine map is the projection; adapters around a Linear are
therefore part of it. Where none does, the reason is told: a norm or a gate comes between.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from attention.capture.anatomy import anatomy_of
from attention.capture.hooks import hooked
from attention.capture.recorder import Recorder
from attention.capture.seam import observed_by
from attention.record import TOLERANCE, checked_rows
from attention.stages import exactly

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# How many module calls after the projection may pass before its output meets the norm that follows it.
NORM_WITHIN = 8


@dataclass(frozen=True, eq=False)
class LayerProjection:
    """A layer's own projection, held weakly: it goes with its model."""

    module: weakref.ReferenceType[nn.Module]
    name: str
    norm_follows: str | None = None

    @property
    def linear(self) -> tuple[Tensor, Tensor | None] | None:
        """Weight (m, h·v) and bias of a bare linear layer, also of GPT-2's turned one; None for all else."""
        module = self.module()
        if type(module) is nn.Linear:
            return module.weight.detach(), None if module.bias is None else module.bias.detach()
        if type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils":
            weight, bias = cast(Tensor, module.weight), cast(Tensor, module.bias)  # type: ignore[union-attr]
            return weight.detach().T, bias.detach()
        return None

    def __call__(self, heads: Tensor) -> Tensor:
        """(n_q, h·v) → (n_q, m); raises ReferenceError where the model is gone."""
        module = self.module()
        if module is None:
            raise ReferenceError("the model is no longer loaded")
        return quietly(module, heads[None])[0]


@dataclass(frozen=True)
class NoProjection:
    """Why a head's contribution cannot be told."""

    reason: str


@dataclass(eq=False)
class _Seen:
    """What followed one attention operation."""

    takers: list[tuple[str, nn.Module]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    norms: dict[int, str] = field(default_factory=dict)


class Finder:
    """Watches one run and says, for each operation in order, which module projects its heads."""

    def __init__(self, model: PreTrainedModel, recorder: Recorder) -> None:
        self._names = anatomy_of(model).names
        self._modules = [module for module in model.modules() if module is not model]
        self._recorder = recorder
        self._seen: dict[int, _Seen] = {}
        self._outputs: list[tuple[int, int, Tensor, int]] = []  # operation, taker's id, its output, calls since
        self._rows: dict[tuple[int, int], Tensor] = {}  # what a taker put out, by operation and its id
        self._chosen: dict[int, int] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, the model's modules report to this finder (only in the run that records)."""
        with hooked(self._modules, before=self._before, after=self._after, with_kwargs=True):
            yield

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        # Another thread that shares the model may meet the hook while it is being removed, and then without kwargs.
        if not observed_by(self._recorder) or not self._recorder.operations:
            return
        inputs = [value for value in (*args, *(kwargs or {}).values()) if isinstance(value, Tensor)]
        self._meet_norm(module, inputs)
        index = len(self._recorder.operations) - 1
        seen = self._seen.setdefault(index, _Seen())
        output = self._recorder.operations[index].output
        if len(inputs) != 1 or inputs[0].numel() != output.numel() or next(module.parameters(), None) is None:
            return
        if _same(inputs[0], output):
            seen.takers.append((self._names[id(module)], module))
        elif not seen.takers:
            seen.changed.append(self._names[id(module)])

    def _after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not observed_by(self._recorder) or not isinstance(output, Tensor):
            return
        index = len(self._recorder.operations) - 1
        if index in self._seen and any(taker is module for _, taker in self._seen[index].takers):
            self._outputs.append((index, id(module), output, 0))
            self._rows.setdefault((index, id(module)), sample(output))  # it may serve other things after

    def _meet_norm(self, module: nn.Module, inputs: list[Tensor]) -> None:
        waiting = []
        for index, taker, output, calls in self._outputs:
            is_it = len(inputs) == 1 and inputs[0].data_ptr() == output.data_ptr() and inputs[0].shape == output.shape
            if is_it and "norm" in type(module).__name__.lower():
                self._seen[index].norms[taker] = self._names[id(module)]
            elif calls < NORM_WITHIN:
                waiting.append((index, taker, output, calls + 1))
        self._outputs = waiting

    def found(self) -> list[LayerProjection | NoProjection]:
        """One answer for each operation of the run."""
        return [self._answer(index) for index in range(len(self._recorder.operations))]

    def put_out(self) -> dict[int, Tensor]:
        """A sample of rows that each operation's projection put out in this run; after `found`."""
        places = self._chosen.items()
        return {index: self._rows[index, taker] for index, taker in places if (index, taker) in self._rows}

    def _answer(self, index: int) -> LayerProjection | NoProjection:
        seen = self._seen.get(index, _Seen())
        for name, module in seen.takers:
            if is_affine(module, self._recorder.operations[index].output[0].numel()):
                self._chosen[index] = id(module)
                return LayerProjection(weakref.ref(module), name, seen.norms.get(id(module)))
        if seen.takers:
            between = seen.takers[0][0]
            return NoProjection(f"the heads pass through {between} first, which is not linear, so shares do not add up")
        if seen.changed:
            return NoProjection(
                f"the heads' outputs are changed, by a gate or the like, before they reach {seen.changed[0]}"
            )
        return NoProjection("no projection takes the heads' outputs as they are")


@contextmanager
def collecting(projections: list[LayerProjection], recorder: Recorder) -> Iterator[None]:
    """While inside, a sample of what known projections put out goes to the recorder, by operation."""

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if observed_by(recorder) and recorder.operations and isinstance(output, Tensor):
            recorder.projected.setdefault(len(recorder.operations) - 1, sample(output))

    modules = {id(module): module for found in projections if (module := found.module()) is not None}
    with hooked(modules.values(), after=after):
        yield


def sample(output: Tensor) -> Tensor:
    """The rows of a projection's output (1, n_q, m) or (n_q, m) that the check compares."""
    rows = output.detach().reshape(-1, output.shape[-1])
    return rows[checked_rows(rows.shape[0])]


@exactly
def quietly(module: nn.Module, x: Tensor) -> Tensor:
    """What the module makes of x as it evaluates: without its owner's hooks or dropout, and left as it was.

    Heads that ran under autocast are narrower than the module's weights, and enter it in the type of those.
    """
    training = [own for own in module.modules() if own.training]
    for own in training:
        own.training = False
    try:
        with torch.no_grad():
            return module.forward(x.to(_type_of(module, x.dtype)))
    finally:
        for own in training:
            own.training = True


def _type_of(module: nn.Module, otherwise: torch.dtype) -> torch.dtype:
    """The type of the module's weights, where that is one to compute in."""
    weight = next(module.parameters(), None)
    return weight.dtype if weight is not None and weight.dtype in TOLERANCE else otherwise


def is_affine(module: nn.Module, width: int) -> bool:
    """Whether f(a) + f(b) = f(a + b) + f(0) on random input (1, 3, width), to the precision of its weights."""
    weight = next(module.parameters())
    dtype = weight.dtype if weight.is_floating_point() else torch.float32
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(2, 1, 3, width, generator=generator, dtype=torch.float32)
    a, b = drawn.to(weight.device, dtype)
    try:
        first, second, both, nothing = (quietly(module, x) for x in (a, b, a + b, torch.zeros_like(a)))
    except (TypeError, RuntimeError, ValueError):
        return False
    if not isinstance(first, Tensor) or first.shape[:2] != a.shape[:2]:
        return False
    gap = (first + second - both - nothing).abs().max().item()
    size = max(first.abs().max().item(), second.abs().max().item(), 1e-12)
    return gap <= 16 * torch.finfo(dtype).eps * size * 4


def _same(given: Tensor, output: Tensor) -> bool:
    """Whether a module's input is the attention output, whatever the shape it was given."""
    if given.data_ptr() == output.data_ptr():
        return True
    return given.dtype == output.dtype and torch.equal(given.detach().reshape(-1), output.reshape(-1))
