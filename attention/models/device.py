"""Where a model runs and in which type: on a graphics card where there is one that it fits, else on the CPU."""

from __future__ import annotations

import re
from typing import Any

from attention.config import variable
from attention.errors import ModelError

# bfloat16 is kept as it is stored: its range is float32's, and what is shown is then what the model computes. float16
# becomes float32 on a CPU, exactly: many of its operations are slow or missing there, and sums above 65,504 overflow.
# A card is made for float16, which is then what the model's owners see, and half as large.
DTYPES = {"F32": "float32", "F16": "float32", "BF16": "bfloat16", "F64": "float64"}
CARD_DTYPES = {**DTYPES, "F16": "float16"}
APPLE_DTYPES = {**CARD_DTYPES, "F64": "float32"}  # Apple's cards know no float64
BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
# What a run needs beside the weights: the texts here are short, so this is generous.
ROOM = 1.2


def choose(setting: str, parameters: int, dtype: str) -> str:
    """The device for a model of so many parameters, stored as `dtype` (safetensors' word): "cpu", "cuda:0", "mps".

    setting: "auto" takes the card with the most free memory, where the model fits it; anything else is taken at its
    word, and ModelError raised where there is no such device.
    """
    if setting == "auto":
        return _best(parameters, dtype)
    cuda = re.fullmatch(r"cuda(?::(\d+))?", setting)
    here = int(cuda[1] or 0) < _cuda_cards() if cuda else setting == "cpu" or (setting == "mps" and _apple())
    if not here:
        raise _not_here(setting)
    return "cuda:0" if setting == "cuda" else setting


def dtype_on(device: str, dtype: str) -> str | None:
    """The type in which weights stored as `dtype` are loaded on a device; None: the one that its config names."""
    table = DTYPES if device == "cpu" else APPLE_DTYPES if device == "mps" else CARD_DTYPES
    return table.get(dtype)


def settle(model: Any, device: str) -> Any:
    """The model on its device; raises ModelError where the card is full after all."""
    import torch

    if device == "cpu":
        return model
    try:
        return model.to(device)
    except torch.OutOfMemoryError as err:
        raise ModelError(
            f"The graphics card {device} has no room for this model; set {variable('device')}=cpu, or choose a smaller "
            "model."
        ) from err


def _best(parameters: int, dtype: str) -> str:
    import torch

    free = [(torch.cuda.mem_get_info(card)[0], f"cuda:{card}") for card in range(_cuda_cards())]
    if free:
        room, card = max(free, key=lambda found: found[0])
        return card if _needed(parameters, dtype, card) <= room else "cpu"
    if _apple():
        return "mps" if _needed(parameters, dtype, "mps") <= torch.mps.recommended_max_memory() else "cpu"
    return "cpu"


def _needed(parameters: int, dtype: str, device: str) -> float:
    return ROOM * parameters * BYTES[dtype_on(device, dtype) or "bfloat16"]


def _cuda_cards() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _apple() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _not_here(setting: str) -> ModelError:
    cards = _cuda_cards()
    there = ["cpu", *(f"cuda:{card}" for card in range(cards)), *(["mps"] if _apple() else [])]
    return ModelError(
        f"{variable('device')} is {setting[:20]!r}, but there is no such device here; set it to auto or to one of "
        f"{', '.join(there)}."
    )
