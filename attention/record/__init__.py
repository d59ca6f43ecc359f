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
from attention.record.facts import ModelFacts, Token
from attention.record.fused import FusedWitness
from attention.record.operation import KINDS, AttentionRecord, Kept, Kind, Projection, Witness, wide
from attention.record.plain import pack
from attention.record.readback import unpack
from attention.record.rules import Mask, PositionBias
from attention.record.stored import Checked, StoredMaps, StoredProjection, absent, linear_of
from attention.record.trace import HeadView, Trace

__all__ = [
    "KINDS",
    "TOLERANCE",
    "AttentionRecord",
    "Checked",
    "Difference",
    "Fidelity",
    "FusedWitness",
    "HeadError",
    "HeadView",
    "Kept",
    "Kind",
    "Mask",
    "ModelFacts",
    "PositionBias",
    "Projection",
    "StoredMaps",
    "StoredProjection",
    "Token",
    "Trace",
    "Witness",
    "absent",
    "check_heads",
    "checked_rows",
    "contributions",
    "difference",
    "linear_of",
    "pack",
    "unpack",
    "wide",
]
