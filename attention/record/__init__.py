"""What every source makes and every view reads: AttentionRecord, Trace and HeadView.

A record keeps an operation's query, key and value as they entered it, O(n·d), and the rules around them. Maps of n×n
are made when asked, for one head or a block of its rows, by `attention.stages`.
"""

from attention.record.checks import (
    TOLERANCE,
    Difference,
    Fidelity,
    HeadError,
    check_heads,
    checked_rows,
    contributions,
    difference,
)
from attention.record.fused import FusedWitness
from attention.record.operation import (
    KINDS,
    AttentionRecord,
    Kind,
    Mask,
    ModelFacts,
    PositionBias,
    Projection,
    Token,
    Witness,
    wide,
)
from attention.record.trace import HeadView, Trace

__all__ = [
    "KINDS",
    "TOLERANCE",
    "AttentionRecord",
    "Difference",
    "Fidelity",
    "FusedWitness",
    "HeadError",
    "HeadView",
    "Kind",
    "Mask",
    "ModelFacts",
    "PositionBias",
    "Projection",
    "Token",
    "Trace",
    "Witness",
    "check_heads",
    "checked_rows",
    "contributions",
    "difference",
    "wide",
]
