"""What the `patch` component is given: two maps of patched heads and both texts, aligned, as bytes. No Streamlit.

{reason} where nothing can be told, and with texts of unequal length alignment beside it: {first, second: names of
tokens, stretches: [{same, first, second}]}. Else besides: run, kind, layers, counts, the prediction as in `matters`,
clean, corrupted: the measure in both runs; raw: why numbers are changes of the measure and no shares, or "". maps:
[{name, values}] float32 (layers, heads), NaN where not run: denoise (a clean head in the corrupted run) and noise (a
corrupted head in the clean run). state, line, share, error, cost, sentence as in `matters`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from attention.browser import codec, store
from attention.browser.matters import NAME_CHARS, aim_tree, cost_of, grid, named_place, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.choices import Choice
    from attention.analysis.effect import Metric
    from attention.analysis.head_map import HeadMap
    from attention.analysis.patching import AlignedTexts, PatchMap
    from attention.record import HeadView

__all__ = ["ASK", "NAME_CHARS", "Known", "named_place", "payload", "refused"]

ASK = (
    "Type the same sentence with one word changed, so that it has as many tokens and another prediction: then each "
    "head takes in turn what it was in the other run."
)
SAME_TEXT = "Both texts are the same, so every patch changes nothing."


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """Two texts beside each other. unequal: why they cannot be patched, or "". The rest as of `matters.Known`.

    clean, corrupted: the metric in both runs. least: the gap between them below which numbers are no shares.
    """

    alignment: AlignedTexts
    unequal: str = ""
    metric: Metric | None = None
    clean: float = 0.0
    corrupted: float = 0.0
    choices: tuple[Choice, ...] = ()
    place: str = ""
    least: float = 0.0
    tokens: int = 0
    heads: int = 0
    rows: int = 1
    seconds: float = 0.0


def refused(known: Known) -> bytes:
    """The component's bytes for texts of unequal length."""
    return codec.pack({"reason": known.unequal, "alignment": _aligned(known.alignment)})


def payload(
    head_view: HeadView, known: Known, maps: Sequence[HeadMap], told: dict[str, Any], *, automatic: bool
) -> bytes:
    """The component's bytes. maps: as far as they came. told: how far that is, as `sweeps.told` says."""
    if known.metric is None:
        return refused(known)
    trace, kind = head_view.trace, head_view.kind
    records = trace.records(kind)
    layers, counts = list(records), [record.n_heads for record in records.values()]
    found = {cast("PatchMap", one).direction: one for one in maps}
    values = {name: grid(found.get(name), layers, counts, kind) for name in ("denoise", "noise")}
    gap = known.clean - known.corrupted
    return codec.pack(aim_tree(known.metric, known.choices, automatic=automatic) | {
        "reason": "", "run": store.run_id(trace, kind), "kind": kind, "layers": layers, "counts": counts,
        "measure": known.metric.name, "place": known.place, "clean": known.clean, "corrupted": known.corrupted,
        "raw": _raw(known, gap), "alignment": _aligned(known.alignment),
        "maps": [{"name": name, "values": np.ascontiguousarray(one, dtype=np.float32)} for name, one in values.items()],
        "state": told["state"], "line": told.get("line", ""), "share": told.get("share"),
        "error": told.get("error", ""),
        "cost": cost_of(2 * known.heads, known.rows, known.seconds), "sentence": _sentence(head_view, maps),
    })  # fmt: skip


def _raw(known: Known, gap: float) -> str:
    if all(one.same for one in known.alignment.stretches):
        return SAME_TEXT
    if abs(gap) >= known.least:
        return ""
    return (
        f"The two runs differ by {abs(gap):.2f} only, less than {known.least}: a share of that would say nothing, so "
        f"the numbers are changes of the {known.metric.name if known.metric else 'measure'} itself."
    )


def _aligned(found: AlignedTexts) -> dict[str, Any]:
    stretches = [{"same": one.same, "first": list(one.first), "second": list(one.second)} for one in found.stretches]
    return {"first": list(found.first), "second": list(found.second), "stretches": stretches}


def _sentence(head_view: HeadView, maps: Sequence[HeadMap]) -> str:
    """What was done and what came of it, to be quoted."""
    lines = []
    for one in maps:
        patched = cast("PatchMap", one)
        nothing = 1.0 if patched.direction == "noise" and not patched.why_raw else 0.0
        found = sorted(one.ranked(), key=lambda each: -abs(each[1] - nothing))[:3]
        best = ", ".join(f"layer {head.address.layer}, head {head.head} ({signed(value)})" for head, value in found)
        tried = "" if one.done == one.total else f" {one.done} of {one.total} heads tried."
        lines.append(f"{one.sentence}{tried} Those that do most: {best}.")
    return f"{head_view.trace.model.name}: {' '.join(lines)}" if lines else ""
