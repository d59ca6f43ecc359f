"""What the `matters` component is given: two maps of all heads, and the rows that are no heads, as bytes. No Streamlit.

{reason} where nothing can be told. Else what follows; numbers of heads are float32 (layers, heads), NaN for none.

run, kind: of what. layers, counts: the model's layer numbers and how many heads each has. measure: what is told, in
words; base: its number. place, target, distractor, choices, automatic: the prediction. ablation: {values, exact}: exact
(uint8) where a run of its own told it. direct: {values, rows, total, logit, capped, remainder, ok} or null, with its
reason and notes. how, hows, frozen: the way heads are switched off. state: preview, running, stopped, done or failed,
with its line. cost: what all heads take. words: where the two maps disagree. unsure: where zero and mean do. sentence:
to be quoted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.browser import codec, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attention.analysis.choices import Choice
    from attention.analysis.direct import DirectAttribution
    from attention.analysis.effect import Metric
    from attention.analysis.head_map import HeadMap
    from attention.record import HeadView, Token

HOWS = {
    "zero": "to zero", "mean": "to its mean over reference texts", "running": "to its running mean",
    "first": "resting on the first token",
}  # fmt: skip
DISAGREE = 3  # heads that are named
UNSURE = 5  # and of those that two ways to switch off tell apart
NAME_CHARS = 24
AGAINST_ZERO = "Direct logit attribution holds a head against nothing at all, so that it compares best with zero."
NO_DISTRACTOR = (
    "Without a second token the left map tells of the log-probability and the right one of the logit alone, which a "
    "shift of all logits changes too; choose a second token to compare them."
)
ONE_TEXT = "One text and one prediction: another text may need other heads."


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What is known of a prediction before heads are tried.

    base: the metric's number. place: the token at whose place it is made, or "". estimate, direct: or why there is
    none. tokens, rows, heads: of the text, of a batch, of this kind of attention. seconds: of one run.
    """

    metric: Metric
    base: float
    place: str
    choices: tuple[Choice, ...]
    estimate: HeadMap | str
    direct: DirectAttribution | str
    tokens: int
    rows: int
    heads: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """How heads are switched off, and how far that is. automatic: whether nobody chose the target."""

    how: str
    frozen: bool
    state: str
    line: str = ""
    share: float | None = None
    error: str = ""
    automatic: bool = True


def named_place(tokens: Sequence[Token], place: int | None) -> str:
    """The token of a place, to read."""
    from attention.tokens import label

    return "" if place is None or place >= len(tokens) else label(tokens[place], NAME_CHARS)


def payload(
    head_view: HeadView, known: Known, way: Way, swept: HeadMap | None, other: HeadMap | None,
    zero_and_mean: tuple[HeadMap, HeadMap] | None = None,
) -> bytes:  # fmt: skip
    """The component's bytes. swept: the map so far. other: the same with later heads frozen, where `way` is not so.
    zero_and_mean: the maps of both ways, where both were made.
    """
    trace, kind = head_view.trace, head_view.kind
    records = trace.records(kind)
    layers, counts = list(records), [record.n_heads for record in records.values()]
    exact = grid(swept, layers, counts, kind)
    estimate = None if way.frozen or isinstance(known.estimate, str) else known.estimate
    values = np.where(np.isnan(exact), grid(estimate, layers, counts, kind), exact)
    direct = _direct(known.direct, layers, counts, kind)
    counterpart = grid(other, layers, counts, kind)
    own = direct["values"]
    words = [] if own is None else list(_disagreement(layers, exact, own, counterpart, way, known))
    return codec.pack(aim_tree(known.metric, known.choices, automatic=way.automatic) | {
        "reason": "", "run": store.run_id(trace, kind), "kind": kind, "layers": layers, "counts": counts,
        "measure": known.metric.name, "base": known.base, "place": known.place,
        "ablation": {"values": _f32(values), "exact": (~np.isnan(exact)).astype(np.uint8)},
        "estimate": _why_no_estimate(known, way), "direct": direct | {"values": _f32(direct["values"])},
        "how": way.how, "hows": [{"value": value, "label": label} for value, label in HOWS.items()],
        "frozen": way.frozen, "state": way.state, "line": way.line, "share": way.share, "error": way.error,
        "cost": cost_of(known.heads, known.rows, known.seconds),
        "words": words, "unsure": [] if zero_and_mean is None else list(_unsure(*zero_and_mean, kind)),
        "notes": _notes(known, way), "sentence": _sentence(head_view, known, layers, exact, swept),
    })  # fmt: skip


def aim_tree(metric: Metric, choices: Sequence[Choice], *, automatic: bool) -> dict[str, Any]:
    """{target, distractor, choices, automatic}: the prediction as the components' boxes show it."""
    names, other = {one.id: one.name for one in choices}, metric.distractor
    return {
        "target": {"id": metric.target, "name": names[metric.target]},
        "distractor": None if other is None else {"id": other, "name": names[other]},
        "choices": [{"id": one.id, "name": one.name, "probability": one.probability} for one in choices],
        "automatic": automatic,
    }  # fmt: skip


def cost_of(heads: int, rows: int, seconds: float) -> dict[str, Any]:
    """{heads, runs, seconds}: what trying all heads takes, in batches of rows; about as long as a run for each head."""
    return {"heads": heads, "runs": math.ceil(heads / rows) + 2, "seconds": heads * seconds}


def grid(found: HeadMap | None, layers: Sequence[int], counts: Sequence[int], kind: Any) -> np.ndarray:
    """(layers, heads) of a map; NaN where it knows nothing."""
    made = np.full((len(layers), max(counts)), np.nan)
    if found is not None:
        for number, row in zip(*found.grid(kind), strict=True):
            if number in layers:
                made[layers.index(number), : len(row)] = row[: made.shape[1]]
    return made


def _f32(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.ascontiguousarray(values, dtype=np.float32)


def _direct(found: DirectAttribution | str, layers: Sequence[int], counts: Sequence[int], kind: Any) -> dict[str, Any]:
    if isinstance(found, str) or found.reason:
        why = found if isinstance(found, str) else found.reason
        return {"values": None, "reason": why, "rows": [], "notes": []}
    values = np.full((len(layers), max(counts)), np.nan)
    for at, (layer, count) in enumerate(zip(layers, counts, strict=True)):
        values[at, :count] = [found.value(layer, head, kind) for head in range(count)]
    others = [row for row in found.rows if row.part.kind != "head"]
    elsewhere = sum(row.value for row in found.rows if row.part.kind == "head" and row.part.attention != kind)
    rows: list[dict[str, Any]] = [{"name": row.part.words, "value": row.value} for row in others]
    if any(row.part.kind == "head" and row.part.attention != kind for row in found.rows):
        rows.append({"name": "heads of other kinds of attention, together", "value": elsewhere})
    rows.sort(key=lambda row: -abs(row["value"]))
    return {
        "values": values, "reason": "", "rows": rows, "notes": list(found.notes), "heads": float(np.nansum(values)),
        "total": found.total, "logit": found.logit, "capped": found.capped, "softcap": found.softcap,
        "remainder": found.remainder, "tolerance": found.tolerance, "ok": found.ok,
    }  # fmt: skip


def _disagreement(
    layers: Sequence[int], ablation: np.ndarray, direct: np.ndarray, other: np.ndarray, way: Way, known: Known
) -> Iterator[str]:
    """The heads on which the two maps differ most, each in a sentence that says what makes them differ.

    Were nothing to react, a head that adds d would lower the measure by d when it is switched off: the gap is the sum.
    """
    from attention.analysis.ablation import LEAST_GAP, LEAST_SHARE

    gaps = ablation + direct
    there = np.isfinite(gaps)
    if not there.any():
        return
    largest = max(float(np.abs(ablation[there]).max()), float(np.abs(direct[there]).max()))
    least = max(LEAST_SHARE * largest, LEAST_GAP)
    order = np.argsort(-np.abs(np.where(there, gaps, 0)), axis=None, kind="stable")[:DISAGREE]
    for at, head in zip(*np.unravel_index(order, gaps.shape), strict=True):
        if abs(gaps[at, head]) < least:
            return
        without, adds, held = (float(one[at, head]) for one in (ablation, direct, other))
        told = _gap(without, adds, known.metric.name, frozen=way.frozen)
        yield f"Layer {layers[at]}, head {head} {told}{_arbiter(without, held, frozen=way.frozen)}"


def _unsure(zero: HeadMap, mean: HeadMap, kind: Any) -> Iterator[str]:
    """The heads on which zero and mean differ much, each with both numbers."""
    from attention.analysis.ablation import apart

    found = [one for one in apart(zero, mean) if one.head.address.kind == kind]
    for one in found[:UNSURE]:
        name = f"Layer {one.head.address.layer}, head {one.head.head}"
        yield f"{name}: {signed(one.first)} switched off to zero, {signed(one.second)} to its mean."
    if len(found) > UNSURE:
        yield f"{len(found) - UNSURE} more heads."


def _gap(without: float, direct: float, measure: str, *, frozen: bool) -> str:
    """What one head's two numbers say together."""
    from attention.analysis.ablation import LEAST_GAP

    adds = f"adds {signed(direct)} itself"
    moved = f"the {measure} {'falls' if without < 0 else 'rises'} by {abs(without):.2f}"
    later = "MLPs and the last norm" if frozen else "later heads and MLPs"
    if -without * direct < 0 and abs(direct) > LEAST_GAP:
        return f"{adds}, yet without it {moved}: by way of {later} it works the other way round."
    if abs(without) < abs(direct):
        repair = "later heads that repair, or MLPs that erase,"
        undo = "MLPs that erase what it wrote, or the last norm," if frozen else repair
        return f"{adds}, yet without it {moved} only: {undo} make up for the rest."
    return f"{adds} only, yet without it {moved}: {later} use what it writes."


def _arbiter(without: float, other: float, *, frozen: bool) -> str:
    """What the runs with later heads frozen say beside those without, where both are made."""
    if math.isnan(other):
        return ""
    held, free = (without, other) if frozen else (other, without)
    theirs = signed(free - held)
    return f" With later heads frozen the change is {signed(held)}, without {signed(free)}: {theirs} is theirs."


def signed(value: float) -> str:
    """A number with its sign, a true minus."""
    return f"{value:+.2f}".replace("-", "−")


def _why_no_estimate(known: Known, way: Way) -> str:
    if way.frozen:
        from attention.analysis.preview import FROZEN_HAS_NONE

        return FROZEN_HAS_NONE
    return f"There is no estimate: {known.estimate}" if isinstance(known.estimate, str) else ""


def _notes(known: Known, way: Way) -> list[str]:
    notes = [ONE_TEXT]
    if way.how != "zero":
        notes.append(AGAINST_ZERO)
    if known.metric.distractor is None and known.metric.scale != "none":
        notes.append(NO_DISTRACTOR)
    return notes


def _sentence(
    head_view: HeadView, known: Known, layers: Sequence[int], exact: np.ndarray, swept: HeadMap | None
) -> str:
    """What was done and what came of it, to be quoted; of the estimate while nothing was run."""
    found = swept if swept is not None and swept.done else known.estimate
    if isinstance(found, str):
        return ""
    done = "" if found.done == found.total else f" {found.done} of {found.total} heads tried."
    best = [(head, value) for head, value in found.ranked() if head.address.kind == head_view.kind][:3]
    largest = ", ".join(f"layer {one.address.layer}, head {one.head} ({signed(value)})" for one, value in best)
    as_it_is = f"It is {signed(found.base)} as the model runs."
    return f"{head_view.trace.model.name}: {found.sentence} {as_it_is}{done} Largest: {largest}."
