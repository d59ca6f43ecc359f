"""How the steps before the mask are written, in each model's own numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attention.record import AttentionRecord, HeadView

# How far a scale may lie from 1/√d and still be written so: float32 keeps seven digits.
SAME = 1e-6
# Behind the title of a step that an edit made.
YOURS = ", your change"


def scale_title(scale: float, d_head: int | None) -> str:
    """How a scale reads: "× 1/√32" only where it is that number, else the number itself."""
    if d_head and math.isclose(scale, 1 / math.sqrt(d_head), rel_tol=SAME):
        return f"× 1/√{d_head}"
    return f"× {scale:.6g}"


def temperature_of(record: AttentionRecord, head: int) -> float:
    """What a head's scores are divided by: the operation's own temperature, times what edits made of it."""
    changes = record.changes(head)
    return record.temperature * (1.0 if changes is None else changes.temperature)


def stage_titles(head_view: HeadView) -> dict[str, str]:
    """How each stage before the mask is written, in this model's own order: "q·k", "× 1/√64", "+ bias" …

    Each names the step whose result the stage holds. A step that an edit made says so; where edits changed rows
    behind the softmax, "softmaxed" is what it gave before.
    """
    record = head_view.record
    divisor = temperature_of(record, head_view.head)
    titles = {
        "scores": "q·k",
        "scaled": scale_title(record.scale, record.d_head),
        "softcapped": f"{record.softcap:g}·tanh(s/{record.softcap:g})" if record.softcap else "capped",
        "biased": "+ bias",
        "tempered": f"÷ {divisor:.6g}" + (YOURS if divisor != record.temperature else ""),
        "softmaxed": "softmax",
    }
    if record.query is None:
        titles["masked"] = "score"  # all that is known of it
    # One row is enough to know which steps there are.
    return {name: titles[name] for name, _ in record.stages(head_view.head, 0, 1).steps if name in titles}
