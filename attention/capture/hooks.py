"""Forward hooks on many modules for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def hooked(
    modules: Iterable[nn.Module],
    *,
    before: Callable[..., Any] | None = None,
    after: Callable[..., Any] | None = None,
    with_kwargs: bool = False,
) -> Iterator[None]:
    """While inside, each module calls `before` as it begins and `after` as it ends.

    with_kwargs: `before` is given the keyword arguments as well.
    """
    hooks: list[Any] = []
    try:
        for module in modules:
            if before is not None:
                hooks.append(module.register_forward_pre_hook(before, with_kwargs=with_kwargs))
            if after is not None:
                hooks.append(module.register_forward_hook(after))
        yield
    finally:
        for hook in hooks:
            hook.remove()
