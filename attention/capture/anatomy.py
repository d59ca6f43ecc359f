"""What a model is made of, looked up once: scanning hundreds of modules in every run would cost more than recording."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

CHOICE = "_attn_implementation_internal"


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


def modules_of(model: nn.Module) -> list[nn.Module]:
    """The model and all modules in it, each once, in no order to rely on.

    torch's own `modules()` hands each one up through as many generators as it lies deep, and every run asks for them
    several times: for a small model's run that was a tenth of its time.
    """
    found: dict[int, nn.Module] = {}
    left = [model]
    while left:
        module = left.pop()
        if id(module) not in found:
            found[id(module)] = module
            left += [child for child in module._modules.values() if child is not None]
    return list(found.values())


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
