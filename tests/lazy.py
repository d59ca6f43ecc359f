"""Modules that take seconds to import and that few tests use: every worker reads all tests, and runs some of them."""

from importlib import import_module
from typing import Any


class Lazy:
    """A module that is imported when something of it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pytest asks everything that a file of tests names whether it is a fixture
            raise AttributeError(name)
        return getattr(import_module(self._name), name)
