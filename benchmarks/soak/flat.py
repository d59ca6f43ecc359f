"""When a row of measurements counts as flat: one stated rule, by itself, so that it can be tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# What may be gained while it is measured, of what is there: the noise of allocators and caches on a busy machine.
MOST_GROWTH = 0.05
MOST_POINTS = 400
RULE = (
    "After a warm-up of a quarter of the time, the median of the slopes between all pairs of samples (Theil-Sen), "
    "times the length of the measured time, is at most {share:.0%} of the median."
)


@dataclass(frozen=True, kw_only=True)
class Flat:
    """How a row of samples went on after the warm-up. growth: of the whole measured time, in the samples' own unit."""

    median: float
    growth: float
    most: float

    @property
    def ok(self) -> bool:
        """Whether it did not grow by more than the rule allows; shrinking is fine."""
        return self.growth <= self.most


def flat(samples: Sequence[tuple[float, float]], share: float = MOST_GROWTH, least: float = 0.0) -> Flat:
    """Judge (time, value) samples by the rule; `least`: growth that is never too much, for small counts.

    Raises ValueError for fewer than eight samples: nothing can be said then.
    """
    if len(samples) < 8:
        raise ValueError(f"{len(samples)} samples are too few to say whether they are flat; let it run longer.")
    kept = after_warm_up(samples)
    kept = kept[:: max(1, len(kept) // MOST_POINTS)]
    slopes = [(b - a) / (u - t) for i, (t, a) in enumerate(kept) for u, b in kept[i + 1 :] if u > t]
    middle = median(value for _, value in kept)
    return Flat(median=middle, growth=median(slopes) * (kept[-1][0] - kept[0][0]), most=max(share * middle, least))


def after_warm_up(samples: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The samples after the first quarter of the time."""
    begin = samples[0][0] + (samples[-1][0] - samples[0][0]) / 4
    return [(at, value) for at, value in samples if at >= begin]
