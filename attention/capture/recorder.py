"""The recording attention: the model's usual attention function, with a note of what went in and came out.

transformers dispatches attention through one registry. Two names are registered here, once: one that runs fused
attention (SDPA), one that runs the model's own eager function, for models that use that by themselves. Each name needs
its mask function beside it, or masking is silently dropped. Who records is decided by a context variable, so runs in
several threads on one model do not mix.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from attention.capture.arguments import kept, of_rows, rows_of, sink_of
from attention.capture.autocast import as_it_enters
from attention.capture.rules import Rules, add_biases
from attention.capture.twin import Twin
from attention.record import Mask, PositionBias

SDPA, EAGER = Twin("headlight_sdpa", "sdpa"), Twin("headlight_eager", "eager")
# Above this many weights in one layer, eager attention runs in blocks of query rows (64 Mi floats are 256 MB).
BLOCK = 2**26


@dataclass(kw_only=True, eq=False)
class Operation:
    """One attention call as it happened, batch axis dropped; the tensors are the model's own, not copies."""

    module: nn.Module
    query: Tensor | None
    key: Tensor | None
    value: Tensor
    output: Tensor
    scale: float
    mask: Mask
    position_bias: PositionBias | None
    softcap: float | None
    sink: Tensor | None
    sink_scales: bool
    own_mask: Tensor | None
    own_bias: PositionBias | None
    arguments: dict[str, Any]
    road: str = "registry"
    call: int | None = None
    versions: tuple[int, ...] = ()

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(t for t in (self.query, self.key, self.value, self.output) if t is not None)

    @property
    def n_q(self) -> int:
        return self.output.shape[0]

    @property
    def n_k(self) -> int:
        return self.value.shape[1]

    @property
    def overwritten(self) -> bool:
        """Whether the model changed one of the tensors in place after we kept it."""
        return self.versions != tuple(tensor._version for tensor in self.tensors)


@dataclass(eq=False)
class Recorder:
    """Collects the operations of one run.

    copies: keep copies, for models that overwrite their tensors. batches, missed, elsewhere: operations seen but not
    kept, for they ran on windows, could not be followed, or were not between tokens. projected: a sample of rows that
    an operation's projection put out. lengths: of the texts that enter the model; none given, all are good. inside:
    how deep in a call that is noted as a whole the run now is.
    """

    copies: bool = False
    lengths: frozenset[int] = frozenset()
    operations: list[Operation] = field(default_factory=list)
    batches: int = 0
    missed: int = 0
    elsewhere: int = 0
    inside: int = 0
    projected: dict[int, Tensor] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    def add(self, operation: Operation) -> None:
        """Keep one operation whose queries are tokens of a text, noting the versions of its tensors."""
        if self.lengths and operation.n_q not in self.lengths:
            self.elsewhere += 1
            return
        for name in ("query", "key", "value", "output"):
            kept = getattr(operation, name)
            if kept is not None and (self.copies or _holds_more(kept, operation.tensors)):
                setattr(operation, name, kept.clone())
        operation.versions = tuple(tensor._version for tensor in operation.tensors)
        self.operations.append(operation)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """While inside, what runs is part of one operation: a softmax in it is not another one."""
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @property
    def overwritten(self) -> bool:
        return any(operation.overwritten for operation in self.operations)


def _holds_more(tensor: Tensor, kept: tuple[Tensor, ...]) -> bool:
    """Whether a view keeps alive much more than is wanted: a value cut from one projection of q, k and v."""
    storage = tensor.untyped_storage()
    used = sum(other.nbytes for other in kept if other.untyped_storage().data_ptr() == storage.data_ptr())
    return storage.nbytes() > 1.25 * used


_current: ContextVar[Recorder | None] = ContextVar("headlight_recorder", default=None)


@contextmanager
def record_into(recorder: Recorder) -> Iterator[None]:
    """While inside, this thread's attention calls are recorded."""
    token = _current.set(recorder)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Recorder | None:
    """The recorder of this thread's run, if one is on."""
    return _current.get()


def own_eager(module: nn.Module) -> Callable[..., tuple[Tensor, Tensor]] | None:
    """The eager attention function that this module's own file would call, or None where it has none."""
    for cls in type(module).__mro__:
        forward = cls.__dict__.get("forward")
        if forward is None:
            continue
        found = getattr(inspect.unwrap(forward), "__globals__", {}).get("eager_attention_forward")
        if found is not None:
            return found
    return None


def _as_a_whole(function: Callable[..., tuple[Tensor, None]]) -> Callable[..., tuple[Tensor, None]]:
    """The function as one operation, for whoever watches the run's softmaxes."""

    @functools.wraps(function)
    def run(*args: Any, **arguments: Any) -> tuple[Tensor, None]:
        recorder = _current.get()
        with recorder.whole() if recorder is not None else nullcontext():
            return function(*args, **arguments)

    return run


@_as_a_whole
def fused(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **arguments: Any
) -> tuple[Tensor, None]:
    """transformers' SDPA attention, recorded. It knows no cap on scores: those go to the model's own function."""
    if arguments.get("softcap") is not None:
        return eager(module, query, key, value, attention_mask, **arguments)
    recorder = _current.get()
    output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **arguments)
    if recorder is not None:
        causal = attention_mask is None and _causal_by_itself(module, query, arguments)
        _note(recorder, module, query, key, value, attention_mask, output, causal, None, arguments)
    return output, None


@_as_a_whole
def eager(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **arguments: Any
) -> tuple[Tensor, None]:
    """The model's own eager attention, in blocks of query rows when it is large, recorded."""
    function = own_eager(module)
    if function is None:
        raise RuntimeError(f"{type(module).__name__} has no eager attention function of its own")
    attention_mask = _additive(module, query, key, attention_mask, arguments)
    blocks = [
        function(module, query[:, :, rows], key, value, rows_of(attention_mask, rows), **of_rows(arguments, rows))[0]
        for rows in row_blocks(query.shape[2], query.shape[1] * key.shape[2])
    ]
    output = torch.cat(blocks, dim=1)
    recorder = _current.get()
    if recorder is not None:
        named = (arguments.get("s_aux"), arguments.get("sinks"), getattr(module, "sinks", None))
        sink = next((sink for sink in named if isinstance(sink, Tensor)), None)
        _note(recorder, module, query, key, value, attention_mask, output, False, sink, arguments)
    return output, None


def _additive(
    module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, arguments: dict[str, Any]
) -> Tensor | None:
    """The mask as eager functions add it, also where it was made for fused attention."""
    if not _is_fused(module):
        return mask
    lowest = torch.finfo(query.dtype).min
    if mask is None:
        n_q, n_k = query.shape[2], key.shape[2]
        if not _causal_by_itself(module, query, arguments):
            return None
        mask = torch.ones(n_q, n_k, dtype=torch.bool, device=query.device).tril()[None, None]
    return mask if mask.dtype != torch.bool else query.new_zeros(mask.shape).masked_fill(~mask, lowest)


def _causal_by_itself(module: nn.Module, query: Tensor, arguments: dict[str, Any]) -> bool:
    """What fused attention takes a missing mask to mean: asked for in the call, else the module's own, else causal."""
    asked = arguments.get("is_causal")
    causal = asked if asked is not None else getattr(module, "is_causal", True)
    return bool(causal) and query.shape[2] > 1


def _is_fused(module: nn.Module) -> bool:
    return getattr(getattr(module, "config", None), "_attn_implementation", None) == SDPA


def row_blocks(n_q: int, per_row: int) -> list[slice]:
    """Cut n_q query rows into slices of at most BLOCK weights; one slice where all fit."""
    step = max(1, min(n_q, BLOCK // max(per_row, 1)))
    return [slice(start, min(start + step, n_q)) for start in range(0, n_q, step)]


def _scales_output(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> bool:
    """Whether the eager function's weights sum to 1 beside a sink, so that the sink acts on the output.

    Tried on two tokens whose scores are all 0; a sink too weak to tell makes no difference.
    """
    function = own_eager(module)
    if function is None:
        return False
    tiny = [torch.zeros_like(tensor[:, :, :2]) for tensor in (query, key, value)]
    two = of_rows({**arguments, "position_bias": None}, slice(0, tiny[0].shape[2]))
    weights = function(module, *tiny, None, **two)[1]
    return bool((weights.float().sum(dim=-1) > 1 - 1e-3).all())


def _note(
    recorder: Recorder,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    output: Tensor,
    causal: bool,
    sink: Tensor | None,
    arguments: dict[str, Any],
) -> None:
    if query.shape[0] != 1:
        recorder.batches += 1
        return
    n_q, n_k = query.shape[2], key.shape[2]
    mask, mixed_in = Mask(after=0) if causal else Mask(), None
    if attention_mask is not None:
        mask, mixed_in = recorder.rules.mask(attention_mask, n_q, n_k)
    given = arguments.get("position_bias")
    own_bias = None if given is None else recorder.rules.bias(given, n_q, n_k)
    scale = arguments.get("scaling")
    recorder.add(
        Operation(
            module=module,
            query=as_it_enters(query.detach()[0]),
            key=as_it_enters(key.detach()[0]),
            value=as_it_enters(value.detach()[0]),
            output=output.detach()[0],
            scale=query.shape[-1] ** -0.5 if scale is None else float(scale),
            mask=mask,
            position_bias=add_biases(own_bias, mixed_in),
            softcap=arguments.get("softcap"),
            sink=None if sink is None else sink_of(sink.detach(), n_q),
            sink_scales=sink is not None and _scales_output(module, query, key, value, arguments),
            own_mask=attention_mask,
            own_bias=own_bias,
            arguments=kept(arguments),
        )
    )


AttentionInterface.register(SDPA, fused)
AttentionMaskInterface.register(SDPA, sdpa_mask)
AttentionInterface.register(EAGER, eager)
AttentionMaskInterface.register(EAGER, eager_mask)
