"""Tensors as a file holds them: numpy arrays by name, each with torch's own name of its type.

numpy has no bfloat16: such numbers are kept as float32, which holds each of them exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attention.errors import InputError
from attention.record.fields import Fields, refuse

FLOATS = {"float16": "<f2", "bfloat16": "<f4", "float32": "<f4", "float64": "<f8"}
WHOLE = {"bool": "|b1", "uint8": "|u1", "int32": "<i4", "int64": "<i8"}
TYPES = FLOATS | WHOLE
FLOAT32, BOOL = {"float32": FLOATS["float32"]}, {"bool": WHOLE["bool"]}
MOST_NAMES, MOST_NAME = 100_000, 400

Arrays = dict[str, np.ndarray]


class ArrayWriter:
    """The arrays so far; a tensor that was met before is not kept again."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}
        self._seen: dict[int, tuple[Tensor, dict[str, Any]]] = {}

    def add(self, name: str, tensor: Tensor) -> dict[str, Any]:
        """What refers to it: {"array": its name, "type": torch's name of the type}."""
        if id(tensor) not in self._seen:  # the tensor is held, so its id stays its own
            free = next(one for one in _numbered(name) if one not in self.arrays)
            kind = str(tensor.dtype).removeprefix("torch.")
            if kind not in TYPES:
                raise InputError(f"{name} is of type {kind}; a file holds {', '.join(TYPES)}.")
            self.arrays[free] = to_numpy(tensor)
            self._seen[id(tensor)] = tensor, {"array": free, "type": kind}
        return dict(self._seen[id(tensor)][1])


class ArrayReader:
    """The arrays of a file; gives tensors, the same one to all who ask for the same array."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._made: dict[str, tuple[str, Tensor]] = {}

    def tensor(self, given: Fields, name: str, types: Mapping[str, str]) -> Tensor:
        """The tensor to which a field refers; raises InputError where it refers to none of these types."""
        part = given.part(name)
        part.only("array", "type")
        array, kind = part.text("array", MOST_NAME), part.choice("type", tuple(types))
        if array not in self._arrays:
            refuse(part.where, f"an array of the file; there is no {array[:40]!r}")
        if array not in self._made:
            self._made[array] = kind, to_tensor(self._arrays[array], kind, part.where)
        if self._made[array][0] != kind:
            refuse(part.where, "of one type throughout")
        return self._made[array][1]

    def demand_all_used(self) -> None:
        """Raise InputError where nothing has referred to one of the arrays."""
        if unused := sorted(self._arrays.keys() - self._made.keys()):
            raise InputError(f"This file cannot be used: it holds {unused[0][:60]!r}, to which nothing in it refers.")


def to_numpy(tensor: Tensor) -> np.ndarray:
    """The numbers, exactly: bfloat16 bit by bit as the upper half of float32."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype is not torch.bfloat16:
        return tensor.numpy()
    upper = tensor.view(torch.int16).numpy().view(np.uint16).astype(np.uint32) << 16
    return np.asarray(upper.view(np.float32))


def to_tensor(array: np.ndarray, kind: str, where: str) -> Tensor:
    """The numbers in torch's own type, a copy; raises InputError where the array is not stored as that type is."""
    if array.dtype != np.dtype(TYPES[kind]):
        refuse(where, f"stored as {np.dtype(TYPES[kind]).name}, not {array.dtype.name}")
    if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
        refuse(where, "made of 0 and 1")
    if kind != "bfloat16":
        return torch.from_numpy(array.copy())
    bits = array.view(np.uint32)
    if (bits & 0xFFFF).any():
        refuse(where, "made of bfloat16 numbers")
    return torch.from_numpy((bits >> 16).astype(np.uint16).view(np.int16)).view(torch.bfloat16)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}.{i}" for i in range(2, MOST_NAMES))
