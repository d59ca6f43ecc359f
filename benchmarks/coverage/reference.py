"""A model's own attention, got without any code of the capture: what a trace is compared with.

The model runs its eager attention. Two things are noted: the maps that it hands out (`output_attentions=True`), where
these are weights, and every softmax of the run together with the product of its weights and the values. The second is
there in every model that has softmax attention, and shows what the first leaves out.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import PreTrainedModel

_FIELDS = {
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
    "": "attentions",
}
_PRODUCTS = {torch.ops.aten.bmm.default: 0, torch.ops.aten.baddbmm.default: 1}


@dataclass(eq=False)
class Own:
    """One attention of the model: weights (h, q, k), and output (h, q, v) where its product with values was seen.

    A learned sink, where there is one, is the last column of the softmax and has been cut off.
    """

    weights: Tensor
    output: Tensor | None = None


@dataclass(eq=False)
class Reference:
    """handed: maps by kind, "" where the model does not name it. softmaxes: all in order, (h, q, k or k + 1)."""

    handed: dict[str, list[Own]] = field(default_factory=dict)
    softmaxes: list[Own] = field(default_factory=list)


class _Softmaxes(TorchDispatchMode):
    """Notes what each softmax over the last axis makes, and the output of the product that it enters."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Own] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        softmax = func in (torch.ops.aten._softmax.default, torch.ops.aten._safe_softmax.default)
        if softmax and output.dim() >= 3 and args[1] in (-1, output.dim() - 1):
            self.seen.append(Own(output.detach().clone().reshape(-1, *output.shape[-2:])))
        elif func in _PRODUCTS and self.seen and self.seen[-1].output is None:
            left = args[_PRODUCTS[func]]
            if self._is(left, self.seen[-1].weights):
                self.seen[-1].output = output.detach().clone()
        return output

    @staticmethod
    def _is(left: Tensor, weights: Tensor) -> bool:
        """Whether a product's left side is these weights, less the column of a sink."""
        if left.shape[:2] != weights.shape[:2] or weights.shape[2] - left.shape[2] not in (0, 1):
            return False
        return torch.equal(left.to(weights.dtype), weights[..., : left.shape[2]])


def reference(model: PreTrainedModel, ids: list[int], pair: list[int] | None) -> Reference:
    """The own attention of a model with eager attention on these ids."""
    watch = _Softmaxes()
    with torch.no_grad(), torch.random.fork_rng([]), watch:
        torch.manual_seed(0)
        output = model(**_arguments(model, ids, pair))
    handed = {kind: _maps(getattr(output, name, None)) for kind, name in _FIELDS.items()}
    return Reference({kind: maps for kind, maps in handed.items() if maps}, watch.seen)


def _arguments(model: PreTrainedModel, ids: list[int], pair: list[int] | None) -> dict[str, Any]:
    takes = inspect.signature(model.forward).parameters
    main = "input_ids" if "input_ids" in takes else model.main_input_name
    arguments: dict[str, Any] = {main: torch.tensor([ids]), "output_attentions": True}
    if pair is not None and "decoder_input_ids" in takes:
        arguments["decoder_input_ids"] = torch.tensor([pair])
    if "attention_mask" in takes:
        arguments["attention_mask"] = torch.ones(1, len(ids), dtype=torch.long)
    if "use_cache" in takes:
        arguments["use_cache"] = False
    return arguments


def _maps(given: Any) -> list[Own]:
    """The maps of a tuple of layers; none of them where they are no weights (SqueezeBERT hands out scores)."""
    if not isinstance(given, tuple | list):
        return []
    maps = [layer for layer in given if isinstance(layer, Tensor)]
    good = all(layer.dim() == 4 and layer.shape[0] == 1 and _are_weights(layer) for layer in maps)
    return [Own(layer[0].detach()) for layer in maps] if good else []


def _are_weights(layer: Tensor) -> bool:
    """Between 0 and 1, and no row above 1 (a sink takes a share; a row that sees nothing may be 0)."""
    return bool((layer >= 0).all() and (layer.sum(dim=-1) <= 1 + 1e-4).all())
