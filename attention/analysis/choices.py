"""What a prediction's target and distractor are chosen from: the likeliest at its place, with names to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from attention.analysis.effect import name_of
from attention.models.task import task_of
from attention.tokens import from_ids, label

if TYPE_CHECKING:
    from torch import Tensor

    from attention.analysis.effect import Metric
    from attention.source import Source

OFFERED = 12
NAME_CHARS = 24


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One token or label. name: to read, with its mark. probability: None where the logits are no chances."""

    id: int
    name: str
    probability: float | None


def choices(source: Source, logits: Tensor, metric: Metric, k: int = OFFERED) -> tuple[Choice, ...]:
    """The k likeliest of logits (V,), and the metric's own, the likeliest first; of equals the lower number."""
    order = logits.float().sort(descending=True, stable=True).indices[:k].tolist()
    own = [one for one in (metric.target, metric.distractor) if one is not None and one not in order]
    chances = {"softmax": lambda: logits.float().softmax(-1), "sigmoid": lambda: logits.float().sigmoid()}
    made = chances[metric.scale]() if metric.scale in chances else None
    return tuple(
        Choice(id=one, name=named(source, one), probability=None if made is None else float(made[one]))
        for one in (*order, *own)
    )


def named(source: Source, number: int) -> str:
    """A token as an axis shows it, or a label's name."""
    if task_of(source.model, source.missing) in ("classify", "tag"):
        return name_of(source, number).strip("“”")
    (token,) = from_ids(source.tokenizer, [number])
    return label(token, NAME_CHARS)
