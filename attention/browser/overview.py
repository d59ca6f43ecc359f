"""What the `heads` component is given: all heads of one kind of attention at a glance, as bytes. No Streamlit.

A measure is a small picture of each head, or one number a head. What is shown depends on the trace, its kind, the
measure and where patterns were counted, and never on the head, the pins or the order: those are the browser's, so a
step to another head sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from attention import derived
from attention.browser import codec
from attention.view import NUMBERS, PICTURES, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attention.analysis.named import Pattern
    from attention.analysis.patterns import PatternScores, Scored
    from attention.record import Kind, Trace

# Numbers that are of one text and no pattern.
OF_THE_TEXT = ("changed", "distance")
# Bytes of all pictures together, beyond which they are made half as tall and half as wide.
MOST_BYTES = 1_000_000
# Colours of scores end at this share of the pixels where the largest of all is so many times as large.
USUAL, PALE = 0.95, 1.5
TITLES = {
    "weights": "Weights", "scores": "Scores", "norms": "What keys bring", "uniform": "Spread (entropy)",
    "distance": "Distance", "changed": "Changed",
}  # fmt: skip
GROUPS = {"pictures": "Pictures", "numbers": "Numbers", "patterns": "Patterns"}
SAYS = {
    "weights": "How much of each value is taken: queries down, keys across, each row sums to 1.",
    "scores": "What enters the softmax, after scale, bias and mask: queries down, keys across.",
    "norms": "The length of what each key brings, weight · value · W_O, as shares of its row.",
    "changed": "How far each head’s weights moved between the run without the changes and this one: the mean over rows "
    "of ½ · Σ |before − after|, 0 not at all, 1 to other keys altogether.",
    "distance": "How far away, in tokens, stands what a query looks at: the mean of |query − key| under the weights.",
}
SOURCES = {
    "weights": "Vaswani et al. 2017, equation 1",
    "scores": "Vaswani et al. 2017, equation 1",
    "norms": "Kobayashi et al. 2020, equation 4",
    "changed": "total variation distance; Levin, Peres and Wilmer, Markov Chains and Mixing Times, section 4.1",
    "distance": "Vig and Belinkov 2019, “attention distance”, here without its sign",
}
HIDES = {
    "weights": "A large weight may bring next to nothing: that depends on the value.",
    "scores": "Only differences within a row reach the weights; a number that a whole row shares changes nothing.",
    "norms": "In which direction a key’s vector points, and whether vectors cancel each other.",
    "numbers": "One average over all queries: a head that does this for a few tokens alone looks like one that always "
    "does it a little.",
}
POOLED = {
    "weights": "the largest weight of each patch", "norms": "the largest share of each patch",
    "scores": "of each patch the score of the largest size, with its sign",
}  # fmt: skip
COUNTED_ON = {"text": "this text", "stored": "stored texts"}
NOT_SCORED = "the model has not been scored on stored texts yet"
OTHER_LAYERS = "the stored scores are of other layers than this text’s"
UNCHANGED = "nothing is changed while the model runs; change something first"
NO_BASE = "the run without the changes is not here"
NOT_ALIKE = "the run without the changes has other tokens"
BEFORE = "cannot have changed"
TEXT_ONLY = "measured on this text only"


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """One measure, ready to be packed. numbers, base: float32 (layers, heads), NaN where there is none.

    scale: whose colours, from low to high. base: an even head's score, where that is what to compare with. marks: uint8
    (layers, heads), 1 where the head goes clearly beyond an even one. hatched: what it means that a head has no number.
    why: the reason, where nothing can be shown.
    """

    title: str
    says: str
    source: str = ""
    hides: str = ""
    scale: str = "weights"
    low: float = 0.0
    high: float = 1.0
    words: str = ""
    hatched: str = ""
    digits: int = 2
    unit: str = ""
    numbers: np.ndarray | None = None
    base: np.ndarray | None = None
    marks: np.ndarray | None = None
    why: str = ""


def payload(
    trace: Trace, kind: Kind, view: View, stored: PatternScores | None = None, *, refusal: str = "",
    base: Trace | None = None,
) -> bytes:  # fmt: skip
    """All heads under `view.measure`. stored: the model's scores on stored texts, where they are made. base: the run
    without changes, for what changed.

    layers: [their numbers]; counts: [heads a layer]; queries, keys: how many tokens. measure; title, says, source,
    hides: what is shown, by whose definition, and what it does not show; why: the reason where nothing is shown; note:
    what else to know. pictures: uint8 (layers, heads, rows, columns), 0 where the mask forbids, 1 to 255 from picture.
    low to picture.high; in a measure of numbers they are the weights, for a closer look. numbers, base: float32
    (layers, heads), or null; marks: uint8, or null; scale, range {low, high, words}, digits, unit: how to draw them;
    hatched: why a head has no number.
    measures: [{value, label, group, why}]; counted_on: {value, options, why}.
    """
    key = key_of(kind, view, refusal)
    _, _, measure, counted_on, _ = key
    given = stored if counted_on == "stored" else None
    run = "" if base is None or measure != "changed" else base.id
    made = derived.kept(
        trace, key,
        lambda: ((given, run), codec.pack(_tree(trace, kind, measure, counted_on, given, refusal, base))),
        holds=lambda found: found[0][0] is given and found[0][1] == run,
    )  # fmt: skip
    return made[1]


def key_of(kind: Kind, view: View, refusal: str = "") -> tuple[str, Kind, str, str, str]:
    """Under what a payload is kept beside its trace."""
    counted_on = view.counted_on if view.measure in NUMBERS and view.measure not in OF_THE_TEXT else "text"
    return "overview", kind, view.measure, counted_on, refusal


def awaits_scores(view: View) -> bool:
    """Whether what the view asks for is counted on stored texts, so that somebody has to score the model on them."""
    return key_of("encoder", view)[3] == "stored"


def scores_of(trace: Trace, kind: Kind) -> PatternScores:
    """Every pattern's score of all heads of a kind on the trace's own text, made once."""
    from attention.analysis.patterns import score_trace

    return derived.kept(trace, ("scores", kind), lambda: score_trace(trace, kind))


def pictures_of(trace: Trace, kind: Kind, what: str) -> np.ndarray:
    """`thumbnails` of all heads, (layers, heads, rows, columns), made once; smaller where there are thousands."""
    from attention.analysis.thumbnails import SIDE, thumbnails

    n_heads = sum(record.n_heads for record in trace.records(kind).values())
    side = SIDE if n_heads * SIDE**2 <= MOST_BYTES else SIDE // 2
    return derived.kept(trace, ("pictures", kind, what), lambda: thumbnails(trace, kind, side, what)[1])  # type: ignore[arg-type]


def _tree(
    trace: Trace, kind: Kind, measure: str, counted_on: str, stored: PatternScores | None, refusal: str,
    base: Trace | None = None,
) -> dict[str, Any]:  # fmt: skip
    from attention.analysis.thumbnails import to_bytes

    records = trace.records(kind)
    first = next(iter(records.values()))
    what = measure if measure in PICTURES else "weights"
    whys = _whys(trace, kind)
    note, low, high = "", 0.0, 1.0
    if measure in PICTURES:
        shown, note = _picture(trace, kind, measure, whys[measure])
        low, high = shown.low, shown.high
    else:
        shown = _number(trace, kind, measure, counted_on, stored, whys[measure], base)
    pictures = None if whys[what] else pictures_of(trace, kind, what)
    pooled = pictures is not None and pictures.shape[2:] != (first.n_q, first.n_k)
    return {
        "layers": list(records), "counts": [record.n_heads for record in records.values()],
        "queries": first.n_q, "keys": first.n_k, "measure": measure, "title": shown.title, "says": shown.says,
        "source": shown.source, "hides": _hides(shown.hides, what, pictures, pooled and measure in PICTURES),
        "why": shown.why, "note": note,
        "pictures": None if pictures is None else to_bytes(pictures, low, high),
        "picture": {"what": what, "scale": "scores" if what == "scores" else "weights", "low": low, "high": high},
        "numbers": _float32(shown.numbers), "base": _float32(shown.base), "marks": shown.marks,
        "scale": shown.scale, "range": {"low": shown.low, "high": shown.high, "words": shown.words},
        "digits": shown.digits, "unit": shown.unit, "hatched": shown.hatched,
        "measures": _measures(whys), "counted_on": _counted_on(measure, counted_on, refusal),
    }  # fmt: skip


# Pictures


def _picture(trace: Trace, kind: Kind, what: str, why: str) -> tuple[Shown, str]:
    """The measure, and what to know of extreme scores or of layers without a picture."""
    shown = Shown(title=TITLES[what], says=SAYS[what], source=SOURCES[what], hides=HIDES[what])
    if why:
        return replace(shown, why=why), ""
    gaps = _gaps(trace, kind, what)
    if what != "scores":
        words = "share of each value, 0 to 1" if what == "weights" else "share of its row, 0 to 1"
        return replace(shown, words=words), gaps
    limit, note = _limit(pictures_of(trace, kind, what))
    words = f"score, {-limit:.3g} to {limit:.3g}, the same for all heads".replace("-", "−")
    made = replace(shown, scale="scores", low=-limit, high=limit, words=words)
    return made, " ".join(filter(None, (note, gaps)))


def _limit(pictures: np.ndarray) -> tuple[float, str]:
    """One colour range for all heads, so that they compare; the largest scores do not leave the others pale."""
    size = np.abs(pictures[np.isfinite(pictures)])
    top = float(size.max()) if size.size else 0.0
    usual = float(np.quantile(size, USUAL)) if size.size else 0.0
    if usual <= 0 or top < PALE * usual:
        return top or 1.0, ""
    # What is written is where the colours end.
    limit = float(f"{usual:.2g}")
    return limit, f"Colours end at ±{limit:g}, where {USUAL:.0%} of the pixels lie; the largest is {top:.4g} in size."


def _gaps(trace: Trace, kind: Kind, what: str) -> str:
    """Which layers have no picture, and why the first of them has none."""
    from attention.analysis.thumbnails import why_not

    found = {layer: why_not(record, what) for layer, record in trace.records(kind).items()}  # type: ignore[arg-type]
    missing = [layer for layer, why in found.items() if why]
    if not missing:
        return ""
    return f"No pictures of layer{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing))}: {found[missing[0]]}."


def _hides(hides: str, what: str, pictures: np.ndarray | None, pooled: bool) -> str:
    if not pooled or pictures is None:
        return hides
    return f"{hides} Pooled to {pictures.shape[2]} × {pictures.shape[3]}: {POOLED[what]}."


# Numbers


def _number(
    trace: Trace, kind: Kind, measure: str, counted_on: str, stored: PatternScores | None, why: str, base: Trace | None
) -> Shown:
    if measure == "changed":
        return _changed(trace, kind, why, base)
    if measure == "distance":
        return _distance(trace, kind, why)
    from attention.analysis.named import pattern_of

    pattern = pattern_of(measure)
    shown = _said(pattern, COUNTED_ON[counted_on] if stored is None else _on(measure, stored))
    if why:
        return replace(shown, why=why)
    if counted_on == "stored" and stored is None:
        return replace(shown, why=NOT_SCORED)
    scores = scores_of(trace, kind) if stored is None else stored
    if scores.layers != tuple(trace.records(kind)):
        return replace(shown, why=OTHER_LAYERS)
    found = scores[measure]
    if found is None:
        return replace(shown, why=scores.why.get(measure, pattern.nothing))
    return _logits(shown, found) if pattern.measure == "logit" else _shares(shown, found, pattern)


def _on(measure: str, stored: PatternScores) -> str:
    """What a pattern was counted on: induction, in models that read forwards, on random sequences alone."""
    from attention.analysis.named import FORWARDS, pattern_of

    copying = stored.why.get("copying", "")
    drawn = measure in ("induction", "copying") and copying not in (FORWARDS, pattern_of("copying").nothing)
    return "random sequences said twice" if drawn else stored.on


def _said(pattern: Pattern, on: str) -> Shown:
    title = TITLES.get(pattern.name, pattern.title)
    return Shown(title=title, says=f"{pattern.says} On {on}.", source=pattern.source, hides=HIDES["numbers"])


def _distance(trace: Trace, kind: Kind, why: str) -> Shown:
    from attention.analysis.reach import reaches

    name = "distance"
    shown = Shown(title=TITLES[name], says=SAYS[name], source=SOURCES[name], hides=HIDES["numbers"])
    found = why or reaches(trace, kind)
    if isinstance(found, str):
        return replace(shown, why=found)
    high = float(np.nanmax(found)) if np.isfinite(found).any() and np.nanmax(found) > 0 else 1.0
    return replace(shown, high=high, words=f"0 to {high:.1f} tokens", digits=1, unit="tokens", numbers=found)


def _changed(trace: Trace, kind: Kind, why: str, base: Trace | None) -> Shown:
    """How far each head moved; one before every change has no number, for it cannot have."""
    from attention.analysis.changed import changed
    from attention.analysis.cone import reached

    name = "changed"
    shown = Shown(title=TITLES[name], says=SAYS[name], source=SOURCES[name], hides=HIDES["numbers"], hatched=BEFORE)
    alike = base is not None and base.query_tokens(kind) == trace.query_tokens(kind)
    if why or base is None or not alike:
        return replace(shown, why=why or (NO_BASE if base is None else NOT_ALIKE))
    found = np.full_like(reached(trace, kind), np.nan, dtype=float)
    rows = {layer: row for row, layer in enumerate(trace.records(kind))}
    for one in changed(base, trace, kind):
        found[rows[one.layer], one.head] = one.distance
    found = np.where(reached(trace, kind), found, np.nan)
    high = float(np.nanmax(found)) if np.isfinite(found).any() and np.nanmax(found) > 0 else 1.0
    return replace(shown, high=high, words=f"0 to {high:.2g} of the weight moved; hatched: {BEFORE}", numbers=found)


def _shares(shown: Shown, found: Scored, pattern: Pattern) -> Shown:
    """A share of the weight beside an even head's; how even a head is has no other to compare with."""
    from attention.analysis.named import NAMED
    from attention.analysis.patterns import LEAST_ROWS

    if pattern.measure == "spread":
        return replace(shown, words="0: one token, 1: all alike", numbers=found.score)
    clear = (np.nan_to_num(found.way, nan=-1) >= NAMED) & (found.rows >= LEAST_ROWS)
    words = f"share of the weight, 0 to 1; {counted(int(found.rows.max()))}"
    return replace(shown, words=words, numbers=found.score, base=found.base, marks=clear.astype(np.uint8))


def counted(rows: int) -> str:
    """Over how many queries a pattern's scores are means, and whether those are too few to tell a head by."""
    from attention.analysis.patterns import LEAST_ROWS

    few = " alone, too few to tell a head by" if rows < LEAST_ROWS else ""
    return f"over {rows:,} quer{'y' if rows == 1 else 'ies'}{few}"


def _logits(shown: Shown, found: Scored) -> Shown:
    size = np.abs(found.score[np.isfinite(found.score)])
    limit = float(size.max()) if size.size and size.max() > 0 else 1.0
    words = f"logits, −{limit:.1f} to {limit:.1f}"
    return replace(
        shown, scale="scores", low=-limit, high=limit, words=words, digits=1, unit="logits", numbers=found.score
    )  # fmt: skip


# What there is to choose from


def _whys(trace: Trace, kind: Kind) -> dict[str, str]:
    """Why a measure makes no sense for this trace, by measure, as far as that can be told without computing it; ""."""
    from attention.analysis.named import FORWARDS, PATTERNS, TWO_TEXTS
    from attention.analysis.thumbnails import why_not

    records = list(trace.records(kind).values())
    found = {"weights": "", "distance": TWO_TEXTS if kind == "cross" else ""}
    reasons = [why_not(record, "scores") for record in records]
    found["scores"] = reasons[0] if all(reasons) else ""
    # Whether a model is still there is asked of one layer: each answer reads a whole matrix.
    known = [record for record in records if record.projection is not None and record.value is not None]
    found["norms"] = why_not((known or records)[0], "norms")
    other = TWO_TEXTS if kind == "cross" else FORWARDS
    found["changed"] = "" if any(record.edits for record in trace.all_records) else UNCHANGED
    return found | {pattern.name: "" if kind in pattern.kinds else other for pattern in PATTERNS}


def _measures(whys: Mapping[str, str]) -> list[dict[str, str]]:
    from attention.analysis.named import pattern_of

    group = dict.fromkeys(PICTURES, GROUPS["pictures"]) | dict.fromkeys(
        ("changed", "uniform", "distance"), GROUPS["numbers"]
    )
    return [
        {
            "value": measure, "label": TITLES.get(measure) or pattern_of(measure).title,
            "group": group.get(measure, GROUPS["patterns"]), "why": whys[measure],
        }
        for measure in (*PICTURES, *NUMBERS)
    ]  # fmt: skip


def _counted_on(measure: str, counted_on: str, refusal: str) -> dict[str, Any]:
    """value: where a pattern was counted; why: the reason, where there is no choice."""
    why = TEXT_ONLY if measure in (*PICTURES, *OF_THE_TEXT) else refusal
    options = [{"value": value, "label": label} for value, label in COUNTED_ON.items()]
    return {"value": counted_on, "options": options, "why": why}


def _float32(numbers: np.ndarray | None) -> np.ndarray | None:
    return None if numbers is None else numbers.astype(np.float32)
