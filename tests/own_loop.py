"""Calls that need an event loop of their own: a thread that drives Chromium has one running all the time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_own_loop(call: Callable[[], T]) -> T:
    """What a call gives, made in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
