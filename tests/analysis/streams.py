"""What goes into the stream of a small model, seen by forward hooks: no code of ours in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attention.capture import Inputs
from tests.tiny import ids

N = 9
TEXT = Inputs(ids=tuple(ids(N)))
PAIR = Inputs(ids=tuple(ids(N)), pair_ids=tuple(ids(5, seed=4)))


def seen(model: Any, inputs: Inputs, modules: Iterable[str]) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """What entered and left these modules in a plain run, (n, …) by their paths, and the logits (n, vocabulary)."""
    entered: dict[str, Tensor] = {}
    left: dict[str, Tensor] = {}
    hooks = []
    for name in modules:

        def after(_module: Any, args: Any, output: Any, name: str = name) -> None:
            entered[name] = args[0][0].clone() if args else torch.empty(0)
            left[name] = (output[0] if isinstance(output, tuple) else output)[0].clone()

        hooks.append(model.get_submodule(name).register_forward_hook(after))
    arguments = {"input_ids": torch.tensor([inputs.ids])}
    if inputs.pair_ids:
        arguments["decoder_input_ids"] = torch.tensor([inputs.pair_ids])
    try:
        with torch.no_grad():
            result = model(**arguments)[0][0]
    finally:
        for hook in hooks:
            hook.remove()
    return entered, left, result


def layer_norm(module: Any, part: Tensor, entered: Tensor) -> Tensor:
    """A part through a layer norm whose mean is the part's own and whose scale is that of what entered, no bias."""
    scale = (entered.var(-1, unbiased=False, keepdim=True) + module.eps).sqrt()
    return (part - part.mean(-1, keepdim=True)) / scale * module.weight.detach()


def rms_norm(part: Tensor, entered: Tensor, weight: Tensor, eps: float) -> Tensor:
    """The same of an RMS norm."""
    return part / (entered.pow(2).mean(-1, keepdim=True) + eps).sqrt() * weight.detach()


def near(found: Any, wanted: Any, size: Any = None, relative: float = 1e-5) -> bool:
    """Whether numbers agree, relative to the largest of those that are wanted, or of `size`."""
    found, wanted, size = (_numbers(one) for one in (found, wanted, wanted if size is None else size))
    largest = size.abs().max()
    return bool((found - wanted).abs().max() <= relative * largest)


def _numbers(given: Any) -> Tensor:
    own = given.detach() if isinstance(given, Tensor) else torch.from_numpy(np.array(given, dtype=np.float64))
    return own.double()
