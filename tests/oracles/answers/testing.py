"""The testing lesson's check question, judged another way: from the whole report."""

from collections.abc import Mapping
from typing import Any


def judged(given: Mapping[str, Any]) -> int:
    """0 none, 1 row sums, 2 causality, 3 both; the rows that changed are listed and looked through."""
    rows_changed = set(range(given["first"], given["n"] + 1))
    may_change = set(range(given["changed"], given["n"] + 1))
    sums_fail = float(given["off"]) > float(given["allowed"])
    leaks = not rows_changed <= may_change
    return ["", "sums", "leak", "sums leak"].index(" ".join(["sums"] * sums_fail + ["leak"] * leaks))
