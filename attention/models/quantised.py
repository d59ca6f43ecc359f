"""Quantised checkpoints: traced where the library can open them on this machine, refused in a sentence where not.

Where the library can unpack a method's weights it is told to: they become the numbers that were stored, exactly, as
bfloat16. The fast kernels that it would else use on a graphics card are compiled code from the hub, which is never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from attention.errors import ModelError, extra
from attention.models.reference import ModelRef
from attention.models.weights import BITS, COUNTERS, TensorFacts

FLOATS = ("F64", "F32", "F16", "BF16")
# What the library says where it lacks the one package of its own choice that our extra brings.
ACCELERATE = re.compile(r"requires accelerate\b", re.IGNORECASE)
# Bits of a weight, for methods whose config does not say. "bits" is what most others write there.
WIDTHS = {"mxfp4": 4, "bitnet": 2, "fp8": 8, "mxfp8": 8}


def method_of(raw: dict[str, Any]) -> str | None:
    """The method that a config.json says its weights are quantised with; None where they are not."""
    found = _settings(raw)
    if found is None:
        return None
    if found.get("load_in_4bit") or found.get("load_in_8bit"):
        return f"bitsandbytes_{4 if found.get('load_in_4bit') else 8}bit"
    method = found.get("quant_method")
    return method[:40] if isinstance(method, str) else "a method it does not name"


def allowed(ref: ModelRef, raw: dict[str, Any]) -> str | None:
    """The method of a checkpoint that can be opened here, None for a plain one; ModelError with why not for others."""
    method = method_of(raw)
    problem = None if method is None else _problem(method, _settings(raw) or {})
    if problem is not None:
        what = f"{ref.id} is quantised with {ascii(method)[1:-1]}, which"
        if ACCELERATE.search(problem):
            raise ModelError(f"{what} needs the package accelerate; {extra('adapters')}.")
        raise ModelError(
            f"{what} cannot be opened here: {problem} Choose the model that it was made from, in full precision."
        )
    return method


def unpack(config: Any) -> bool:
    """Have the library unpack the weights of this config's checkpoint, where it can; whether they will be."""
    for one in (config, config.get_text_config()):
        settings = getattr(one, "quantization_config", None)
        if isinstance(settings, dict):
            settings["dequantize"] = unpacks = _unpacks(settings)
            return unpacks
    return False


def unpacked_parameters(raw: dict[str, Any], tensors: Iterable[TensorFacts]) -> int:
    """How many weights there are once they are unpacked; several lie in one number of the file."""
    settings, method = _settings(raw) or {}, method_of(raw) or ""
    width = settings.get("bits", WIDTHS.get(method, 8))
    width = width if width in (1, 2, 3, 4, 8) else 8
    total = 0
    for one in tensors:
        packed = one.dtype not in FLOATS and one.dtype not in COUNTERS and not one.name.endswith("scales")
        total += one.size * BITS[one.dtype] // width if packed else one.size if one.weight else 0
    return total


def _settings(raw: dict[str, Any]) -> dict[str, Any] | None:
    for each in (raw, *raw.values()):
        found = each.get("quantization_config") if isinstance(each, dict) else None
        if isinstance(found, dict) and found:
            return found
    return None


def _problem(method: str, settings: dict[str, Any]) -> str | None:
    """What the library's own quantiser says is missing on this machine, as a sentence; None where nothing is."""
    from transformers.quantizers.auto import AUTO_QUANTIZER_MAPPING, AutoHfQuantizer

    if method not in AUTO_QUANTIZER_MAPPING or method == "gguf":
        return "the library does not know this method in safetensors files."
    if method == "sinq" and find_spec("sinq") is None:
        return "it needs the package sinq."
    if method == "metal" and not _apple():
        return "it needs an Apple graphics card."
    with _silence():
        try:
            quantiser = AutoHfQuantizer.from_config(_told(settings), pre_quantized=True)
            quantiser.validate_environment(device_map=None, weights_only=True)
        except Exception as err:  # each method's classes raise what they like, and look for packages of their own
            said = (str(err).strip().splitlines() or [type(err).__name__])[0][:160].strip()
            return said if said.endswith(".") else f"{said}."
    return None


def _apple() -> bool:
    """Whether there is a card that Metal drives; the library asks only when it unpacks."""
    import torch

    return torch.backends.mps.is_available()


def _told(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, with the order to unpack where the method knows it."""
    return {**settings, "dequantize": True} if _unpacks(settings) else dict(settings)


def _unpacks(settings: dict[str, Any]) -> bool:
    import inspect

    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    kind = AUTO_QUANTIZATION_CONFIG_MAPPING.get(str(settings.get("quant_method")))
    return kind is not None and "dequantize" in inspect.signature(kind).parameters


@contextmanager
def _silence() -> Iterator[None]:
    """The library warns of what it lacks on stderr; that is said in the refusal, or does not matter."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
