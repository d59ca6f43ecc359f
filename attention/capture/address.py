"""Where in a model an attention operation stands, and the order in which a model runs its operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from attention.record import Kind

_NUMBER = re.compile(r"(?:^|\.)(\d+)(?=\.|$)")


@dataclass(frozen=True, order=True)
class Address:
    """Which kind of attention, which layer by the model's own number, and which of several operations in that layer."""

    kind: Kind
    layer: int
    op: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.layer}" + (f", operation {self.op}" if self.op else "")


@dataclass(frozen=True)
class Order:
    """The order of a model's operations, as one run showed it: the id of each one's module, and its address."""

    modules: tuple[int, ...]
    addresses: tuple[Address, ...]

    def at(self, index: int, module: nn.Module) -> Address | None:
        """The address of operation `index` of a run; None where another module than the learned one runs it."""
        is_known = index < len(self.modules) and self.modules[index] == id(module)
        return self.addresses[index] if is_known else None


def layers_in_words(numbers: Sequence[int]) -> str:
    """0, 1, 3, 4, 5 → "0, 1, 3 to 5"."""
    starts = [i for i in numbers if i - 1 not in numbers]
    ends = [i for i in numbers if i + 1 not in numbers]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{a} to {b}" if b - a > 1 else ", ".join(map(str, range(a, b + 1))) for a, b in pairs)


def number_in(path: str) -> int | None:
    """The first number in a module's path, which is its layer's; None where there is none."""
    found = _NUMBER.search(path)
    return int(found[1]) if found else None
