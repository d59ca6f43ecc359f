"""A type for what is created in one thread alone.

The library makes a model's type torch's default while it creates the model, and that default is the whole process's:
what others compute in that moment would come out in bfloat16. Here the calls of the thread that creates are given the
type instead, and all other threads keep theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_here = threading.local()
_default = torch.get_default_dtype
# They say the type themselves, without naming it.
_EXPLICIT = (torch.Tensor.float, torch.Tensor.to, torch.Tensor.type)


@contextmanager
def of_this_thread() -> Iterator[None]:
    """While inside, `from_pretrained` leaves torch's default type alone. For one thread at a time."""
    from transformers import modeling_utils

    kept = modeling_utils.local_torch_dtype
    modeling_utils.local_torch_dtype = creating
    torch.get_default_dtype = _of_thread
    try:
        yield
    finally:
        modeling_utils.local_torch_dtype = kept
        torch.get_default_dtype = _default


@contextmanager
def creating(dtype: torch.dtype, model_class_name: str | None = None) -> Iterator[None]:
    """While inside, this thread creates in that type what it would create in the default one.

    It stands for the library's function of these arguments. Raises ValueError for a type of whole numbers.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"{model_class_name or 'a model'} cannot be created as {dtype}")
    if dtype == _of_thread():
        yield
        return
    before = getattr(_here, "dtype", None)
    _here.dtype = dtype
    try:
        with _In(dtype):
            yield
    finally:
        _here.dtype = before


def _of_thread() -> torch.dtype:
    return getattr(_here, "dtype", None) or _default()


class _In(TorchFunctionMode):
    """Turns what came out in the default type, and in no other for a reason, into the wanted one."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        made = func(*args, **given)
        if not isinstance(made, torch.Tensor) or made.dtype != _default() or func in _EXPLICIT:
            return made
        return made if any(map(_says_a_type, (*args, *given.values()))) else made.to(self._dtype)


def _says_a_type(given: object) -> bool:
    """Whether an argument decides what type comes out: a type itself, or numbers that are not whole and have one."""
    if isinstance(given, list | tuple):
        return any(map(_says_a_type, given))
    kind = getattr(given, "dtype", given)
    return kind.is_floating_point if isinstance(kind, torch.dtype) and kind is not given else _names_one(kind)


def _names_one(kind: object) -> bool:
    """Whether this is a type, torch's or numpy's."""
    return isinstance(kind, torch.dtype) or type(kind).__module__.startswith("numpy")
