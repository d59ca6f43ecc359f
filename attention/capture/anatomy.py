"""What a model is made of, looked up once: scanning hundreds of modules in every run would cost more than recording."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

CHOICE = "_attn_implementation_internal"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Anatomy:
    """A model's make-up. It holds no module, so that it does not keep the model alive.

    made_of: the ids of all modules; an adapter added or a layer replaced makes a new anatomy. names: module id → path.
    configs: every configuration that chooses an attention implementation. encoder: ids of an encoder-decoder's
    encoder, None for one stack. memory: what others found out about the model, by their own keys; it goes when the
    make-up changes.
    """

    made_of: tuple[int, ...]
    names: dict[int, str]
    configs: tuple[Any, ...]
    encoder: frozenset[int] | None
    memory: dict[Any, Any] = field(default_factory=dict)


_known: weakref.WeakKeyDictionary[Any, Anatomy] = weakref.WeakKeyDictionary()
_guard = threading.Lock()
# The model that runs at present, which nobody changes meanwhile, and its modules.
_running: ContextVar[tuple[nn.Module, list[nn.Module]] | None] = ContextVar("running", default=None)


def unchanged(run: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """A function of a model that keeps its modules as they are: they are looked for once. A trace asks fifteen times,
    which for a small model was a tenth of its time.
    """

    @wraps(run)
    def once(model: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        with _looked_through(model):
            return run(model, *args, **kwargs)

    return once


@contextmanager
def _looked_through(model: nn.Module) -> Iterator[None]:
    token = _running.set((model, modules_of(model)))
    try:
        yield
    finally:
        _running.reset(token)


def modules_of(model: nn.Module) -> list[nn.Module]:
    """The model and all modules in it, each once, in no order to rely on. Quicker than torch's own `modules()`, which
    hands each one up through as many generators as it lies deep.
    """
    running = _running.get()
    return running[1] if running is not None and running[0] is model else _found(model)


def _found(model: nn.Module) -> list[nn.Module]:
    found: dict[int, nn.Module] = {}
    left = [model]
    while left:
        module = left.pop()
        if id(module) not in found:
            found[id(module)] = module
            left += [child for child in module._modules.values() if child is not None]
    return list(found.values())


def places_of(model: nn.Module) -> list[nn.Module]:
    """The modules that have modules of their own, which tell where in the model a run is: a bare softmax or dropout
    says nothing of the place. The model itself is one, whatever it has.
    """
    return [module for module in modules_of(model) if module is model or next(module.children(), None) is not None]


def weights_of(model: nn.Module) -> list[Tensor]:
    """All parameters of the model, each once, in no order to rely on; as quickly as `modules_of`."""
    own = (weight for module in modules_of(model) for weight in module._parameters.values() if weight is not None)
    return list({id(weight): weight for weight in own}.values())


def anatomy_of(model: PreTrainedModel) -> Anatomy:
    """The model's anatomy, made now or remembered."""
    made_of = tuple(map(id, modules_of(model)))
    with _guard:
        if model not in _known or _known[model].made_of != made_of:
            _known[model] = _study(model, made_of)
        return _known[model]


def _study(model: PreTrainedModel, made_of: tuple[int, ...]) -> Anatomy:
    named = list(model.named_modules())
    configs = [config for _, module in named for config in _configs_of(getattr(module, "config", None))]
    encoder = None
    if getattr(model.config, "is_encoder_decoder", False):
        encoder = frozenset(id(module) for module in model.get_encoder().modules())
    return Anatomy(
        made_of=made_of,
        names={id(module): name for name, module in named},
        configs=tuple({id(config): config for config in configs}.values()),
        encoder=encoder,
    )


def _configs_of(config: Any) -> Iterator[Any]:
    if not hasattr(config, CHOICE):
        return
    yield config
    for name in getattr(config, "sub_configs", None) or {}:
        yield from _configs_of(getattr(config, name, None))
