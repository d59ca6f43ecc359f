"""What a trace that was read from a file has in place of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from attention.record import held
from attention.stages import exactly

if TYPE_CHECKING:
    from attention.record.checks import HeadError
    from attention.record.operation import Kind, Projection

GONE = "the model is no longer loaded"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Checks as they were measured once, by (kind, layer, op): without the model they cannot be made again.

    measured: when, as a date and time in UTC.
    """

    measured: str
    errors: Mapping[tuple[Kind, int, int], tuple[HeadError, ...]]

    @property
    def note(self) -> str:
        """What is said of them."""
        return (
            f"Read from a file. Its checks are those that were measured on {self.measured}, with the model at hand; "
            "they are not made again here."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredProjection:
    """A layer's projection as a file has it. weight (m, h·v), bias (m,), or absent: why they are not there.

    turned: the weight is kept as (h·v, m) and is turned to be used, for a product's last digit depends on how its
    factors lie in memory.
    """

    name: str = field(metadata=held.text())
    norm_follows: str | None = field(default=None, metadata=held.text())
    weight: Tensor | None = field(default=None, metadata=held.array("_ _", called="projection"))
    turned: bool = field(default=False, metadata=held.flag())
    bias: Tensor | None = field(default=None, metadata=held.array("_", called="projection_bias"))
    absent: str = field(default="", metadata=held.text(held.MOST_PIECE))

    @property
    def linear(self) -> tuple[Tensor, Tensor | None] | None:
        """The numbers, where the file has them."""
        if self.weight is None:
            return None
        return self.weight.T if self.turned else self.weight, self.bias

    @exactly
    def __call__(self, heads: Tensor) -> Tensor:
        """(n_q, h·v) → (n_q, m), or ReferenceError that says why not."""
        found = self.linear
        if found is None:
            raise ReferenceError(self.absent)
        return functional.linear(heads, *found)


@dataclass(frozen=True, eq=False)
class StoredMaps:
    """The scores and weights of an operation whose queries and keys are not known, (h, n_q, n_k) each."""

    scores: Tensor = field(metadata=held.array("h n_q n_k", called="own_scores"))
    weights: Tensor = field(metadata=held.array("h n_q n_k", called="own_weights"))

    def __call__(self) -> tuple[Tensor, Tensor]:
        return self.scores, self.weights


def absent(projection: Projection | None) -> str:
    """Why a projection that is known cannot be asked."""
    return getattr(projection, "absent", "") or GONE


def linear_of(projection: Projection | None) -> tuple[Tensor, Tensor | None] | None:
    """A projection's numbers, where it is just these; one of another's making may not say."""
    found: tuple[Tensor, Tensor | None] | None = getattr(projection, "linear", None)
    return found
