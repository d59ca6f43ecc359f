"""What an architecture is, and what may be asked of it: from what its trace or its refusal says."""

from __future__ import annotations

from benchmarks.coverage.examine import Row

# Words of a refusal, and the sort that it means. Of the first ones a map of all tokens cannot be asked.
_WITHOUT = (
    ("by hashing", "hashed attention"),
    ("in bands", "banded attention"),
    ("chosen blocks", "attention to blocks"),
    ("Fourier transform", "Fourier transform"),
    ("recurrent", "recurrent"),
    ("state-space", "state-space"),
)
_WITH = (
    ("other things than the tokens", "softmax, not between tokens"),
    ("does not run on a text alone", "needs more than text"),
)
HYBRID, PART, WHOLE = "hybrid", "softmax, in part", "softmax"
NOT_ASKED = {name for _, name in _WITHOUT}


def sort_of(row: Row) -> str:
    """One of the sorts; "" for what was never run."""
    if row.outcome == "refused":
        return next((name for words, name in (*_WITHOUT, *_WITH) if words in row.reason), "unknown")
    if not row.capture_mode:
        return ""
    if any("no softmax attention:" in note for note in row.notes):
        return HYBRID
    return PART if any(note.startswith(("Not shown", "No ")) for note in row.notes) else WHOLE


def asked(row: Row) -> bool:
    """Whether the architecture has softmax attention over tokens, so that a trace of it may be asked."""
    return sort_of(row) not in NOT_ASKED
