"""Whether a head copies: what it writes adds to the logit of a token, by the direct path (Elhage et al. 2021).

A head's write goes through the last norm and the unembedding by itself. The norm's scale is held as it was in the run,
so that the map is linear and the shares of all that was written add up. Nothing here knows a model by name: the last
norm is the module whose output entered the unembedding, and how it works is found by trying it. What lies between (the
layers after the head) is left out: a later layer may erase or copy on what the head wrote.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from attention.capture.hooks import hooked
from attention.capture.norms import FrozenNorm, freeze
from attention.record import contributions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from attention.capture import PreTrainedModel
    from attention.record import AttentionRecord

NO_UNEMBEDDING = "this model turns nothing into logits of its vocabulary by one matrix"
NO_NORM = "what enters the unembedding does not come straight from a norm"
INSIDE = "each layer norms what was added before it, so a head's write does not reach the logits as it is"
NOT_FROZEN = "the last norm is not one whose scale can be held as it was"
NORM_FOLLOWS = "a norm follows the output projection, so a head's write is not added as it is"


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectPath:
    """The way from what a head writes to logits, as it was in one run. unembedding: (vocabulary, m); mean (m,): its."""

    norm: FrozenNorm
    unembedding: Tensor
    mean: Tensor

    def raised(self, record: AttentionRecord, rows: Tensor, labels: Tensor) -> Tensor | None:
        """What each head (h,) adds to the logit of `labels` (r,) at the queries `rows` (r,), their mean, above what it
        adds to all tokens on average. None where heads' contributions are not known or a norm follows them.
        """
        if record.projection is None or record.projection.norm_follows is not None:
            return None
        own = self.unembedding[labels].float() - self.mean  # (r, m)
        raised = []
        for head in range(record.n_heads):
            write = contributions(record, [head], rows)[0]  # (r, m)
            if write is None:
                return None
            raised.append((self.norm(write.float(), rows) * own).sum(-1).mean())
        return torch.stack(raised)


class Watched:
    """What one thread's run put into its last norm and the unembedding; `path` makes a DirectPath, or a reason."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._names = {id(module): name for name, module in model.named_modules()}
        self._unembed: Any = model.get_output_embeddings()
        self._thread = threading.get_ident()
        self._block: Tensor | None = None
        self._last: tuple[nn.Module, Tensor, Tensor, Tensor | None] | None = None
        self._entered: Tensor | None = None

    def on_norm(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if threading.get_ident() == self._thread and args and _tensors(args[0], output):
            self._last = module, args[0], output, self._block

    def on_block(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if threading.get_ident() == self._thread:
            first = output[0] if isinstance(output, tuple) and output else output
            self._block = first if isinstance(first, torch.Tensor) else None

    def on_unembedding(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if threading.get_ident() == self._thread and args and isinstance(args[0], torch.Tensor):
            self._entered = args[0]

    def path(self) -> DirectPath | str:
        """The direct path of the last run, or why there is none, in words."""
        weight = getattr(self._unembed, "weight", None)
        if self._entered is None or weight is None or weight.dim() != 2 or not weight.is_floating_point():
            return NO_UNEMBEDDING
        if self._last is None or not _ends_with(self._last[2], self._entered):
            return NO_NORM
        module, x, y, block = self._last
        if any(part.isdigit() for part in self._names.get(id(module), "").split(".")):
            return INSIDE
        if block is None or block.shape != x.shape or not torch.equal(block, x):
            return NO_NORM
        norm = freeze(module, x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]))
        if norm is None:
            return NOT_FROZEN
        weight = weight.detach()
        return DirectPath(norm=norm, unembedding=weight, mean=weight.mean(0, dtype=torch.float32))


@contextmanager
def watching(model: PreTrainedModel) -> Iterator[Watched]:
    """While inside, runs of the model in this thread tell what entered their last norm and their unembedding."""
    seen = Watched(model)
    norms = [module for module in model.modules() if _is_called_norm(module)]
    numbered = [module for name, module in model.named_modules() if name.rpartition(".")[2].isdigit()]
    blocks = [module for module in numbered if not _is_called_norm(module)]
    unembed = model.get_output_embeddings()
    with (
        hooked(norms, after=seen.on_norm),
        hooked(blocks, after=seen.on_block),
        hooked([] if unembed is None else [unembed], before=seen.on_unembedding),
    ):
        yield seen


def _is_called_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower()


def _tensors(*values: object) -> bool:
    return all(isinstance(value, torch.Tensor) for value in values)


def _ends_with(whole: Tensor, part: Tensor) -> bool:
    """Whether `part` (…, k, m) is the last k rows of `whole` (…, n, m); a run may make the last logits alone."""
    if whole.dim() != part.dim() or whole.shape[-1] != part.shape[-1] or whole.shape[-2] < part.shape[-2]:
        return False
    return torch.equal(whole[..., whole.shape[-2] - part.shape[-2] :, :], part)


def why_not(path: DirectPath | str, records: Sequence[AttentionRecord]) -> str:
    """Why copying cannot be told, in words; "" where it can."""
    if isinstance(path, str):
        return path
    if any(record.projection is not None and record.projection.norm_follows is not None for record in records):
        return NORM_FOLLOWS
    missing = next((record for record in records if record.projection is None), None)
    return "" if missing is None else missing.no_projection or "heads' contributions are not known"
