"""Where a model computes, which need not be where its weights lie: accelerate keeps those of an offloaded module on
disk or in other memory, leaves meta tensors in their place, and fetches them in a hook around the module's forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def runs_on(module: nn.Module) -> torch.device:
    """The device on which a model or a part of it runs, also where its weights are offloaded."""
    first = next(module.parameters()).device
    if first.type != "meta":
        return first
    lies = (weight.device for weight in module.parameters() if weight.device.type != "meta")
    return next(_executing(module), None) or next(lies, first)


def computed_on(module: nn.Module) -> set[torch.device]:
    """Every device that a run of it uses, as far as its weights and hooks tell."""
    return {weight.device for weight in module.parameters() if weight.device.type != "meta"} | set(_executing(module))


@contextmanager
def present(module: nn.Module) -> Iterator[None]:
    """While inside, an offloaded module's own weights can be read; nothing changes for any other."""
    hook = getattr(module, "_hf_hook", None)
    if hook is None:
        yield
        return
    hook.pre_forward(module)
    try:
        yield
    finally:
        hook.post_forward(module, None)


def _executing(module: nn.Module) -> Iterator[torch.device]:
    """The devices that hooks move their modules and inputs to, in the order of the modules."""
    for own in module.modules():
        hook: Any = getattr(own, "_hf_hook", None)
        for one in getattr(hook, "hooks", (hook,)):
            device = getattr(one, "execution_device", None)
            if device is not None:
                yield torch.device(device)
