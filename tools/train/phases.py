"""What the storyteller sees at which time of its run.

First prose with a little of everything, then much that repeats while the guided induction heads are often silent, until
other heads have learned to look back; then mostly prose again, at last in windows of full length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phase:
    """until: share of the run at which it ends. mixture: shares of the kinds of window (`mix.KINDS`).

    silent: share of windows in which the guided induction heads say nothing. short: only half of each window is used.
    """

    until: float
    mixture: Mapping[str, float]
    silent: float
    short: bool


BEGIN = {"prose": 0.53, "renamed": 0.14, "again": 0.12, "story": 0.09, "repeated": 0.12}
REPEATING = {"prose": 0.37, "renamed": 0.10, "again": 0.18, "story": 0.07, "repeated": 0.28}
LATE = {"prose": 0.47, "renamed": 0.10, "again": 0.25, "story": 0.06, "repeated": 0.12}
LAST = {"prose": 0.61, "renamed": 0.10, "again": 0.15, "story": 0.05, "repeated": 0.09}
PHASES = (
    Phase(until=0.26, mixture=BEGIN, silent=0.0, short=False),
    Phase(until=0.44, mixture=BEGIN, silent=0.45, short=False),
    Phase(until=0.55, mixture=REPEATING, silent=0.5, short=True),
    Phase(until=0.59, mixture=REPEATING, silent=0.75, short=True),
    Phase(until=0.66, mixture=LATE, silent=0.3, short=True),
    Phase(until=1.0, mixture=LAST, silent=0.25, short=False),
)


def phase(share: float) -> Phase:
    """The phase of a run of which `share` (0 to 1) is done."""
    return next((one for one in PHASES if share < one.until), PHASES[-1])
