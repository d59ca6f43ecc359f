"""The caller's `torch.autocast`: part of how a model runs, and none of how its numbers are then made and compared."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attention.stages import DEVICES

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Autocast:
    """A device, and the type in which products run there; None where they run in the types of their factors."""

    device: str
    dtype: torch.dtype | None

    def entered(self) -> AbstractContextManager[None]:
        """The same again, whatever is set then."""
        if self.device not in DEVICES:
            return nullcontext()
        return torch.autocast(self.device, dtype=self.dtype, enabled=self.dtype is not None)


def on(device: str) -> Autocast:
    """What is set now for this device."""
    enabled = device in DEVICES and torch.is_autocast_enabled(device)
    return Autocast(device, torch.get_autocast_dtype(device) if enabled else None)


def of(model: PreTrainedModel) -> Autocast:
    """What is set now for the model's device."""
    return on(next(model.parameters()).device.type)


def as_it_enters(tensor: Tensor) -> Tensor:
    """A factor as autocast hands it to an attention operation: in the narrow type, unless it is wider than float32."""
    dtype = on(tensor.device.type).dtype
    return tensor if dtype is None or tensor.dtype == torch.float64 else tensor.to(dtype)


def note() -> tuple[str, ...]:
    """What a person should know of a run under autocast."""
    types = {str(found.dtype).removeprefix("torch.") for found in map(on, DEVICES) if found.dtype is not None}
    return tuple(f"This run was under torch.autocast: products are made in {name}." for name in sorted(types))
