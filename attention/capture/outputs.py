"""What a model's forward gave: an output of the library's own, a plain dict, a tuple, or one tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from attention.errors import UnsupportedModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAMED = {"logits": "logits", "last_hidden_state": "last hidden state"}


@dataclass(frozen=True, eq=False)
class Result:
    """What a forward pass gave: logits, or the last hidden state of a model without a head. output: with all its parts,
    as attributes.
    """

    of: str
    tensor: Tensor
    output: Any


def result_of(model: PreTrainedModel, output: Any) -> Result:
    """The numbers in which two runs can be compared: the logits, the last hidden state, else the first numbers.

    A loss is none of them: it is one number. Raises UnsupportedModelError where there is nothing of the kind.
    """
    plain = named(output)
    for name, words in _NAMED.items():
        if _are_numbers(getattr(plain, name, None)):
            return Result(words, getattr(plain, name), plain)
    first = next((part for part in _parts(output) if _are_numbers(part)), None)
    if first is None:
        raise UnsupportedModelError(
            f"The forward of {type(model).__name__} gives {type(output).__name__} without any numbers; let it give the "
            "logits or the last hidden state, as a tensor, in a tuple, in a dict or in an output of the library."
        )
    return Result("first output", first, plain)


def _parts(output: Any) -> Iterable[Any]:
    if isinstance(output, Mapping):
        return output.values()
    return output if isinstance(output, tuple | list) else (output,)


def named(output: Any) -> Any:
    """The output with its parts as attributes; a plain dict has them as keys. Anything else as it is."""
    if isinstance(output, Mapping) and not hasattr(output, "to_tuple"):
        return SimpleNamespace(**{str(key): value for key, value in output.items()})
    return output


def _are_numbers(part: Any) -> bool:
    return isinstance(part, Tensor) and part.dim() > 1 and part.is_floating_point()
