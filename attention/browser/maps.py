"""What the `map` component is given: averages, rollout and words as bytes. No Streamlit.

run, of: the run that this was made of, and {layer, head} where it is not of all of them. panels: [{name, title,
caption, alt, figure, reason}], one or two, on the same rows and columns. queries, keys: what each row and column reads
as. spans: where rows and columns are words, the tokens start … stop of each, int32 (n, 2); else null. numbers: [{name,
values}], everything that is known of a cell, NaN where it is closed. closed: what a closed cell means. stretched: where
the colours of weights end on request, or null. hides: what this view does not show. notes: what else to know of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from attention.browser import codec, store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.averages import Average
    from attention.analysis.words import Word
    from attention.record import HeadView, Token, Trace

OVER = {"heads": "the heads of this layer", "layers": "this head’s number in all layers", "all": "all heads"}
NAME_CHARS = 24
# So many of a map's cells keep colours of their own when they are stretched.
MOST_CELLS_APART = 0.95
SINKS = "A learned sink takes its share of each row, so rows sum to less than 1."
NUMBER_ONLY = "Heads of one number in different layers have nothing in common but the number."
BEYOND = "Rollout minus even layers"
NOT_COMPARED = (
    "Only where a causal mask hides what comes later does rollout drift to the first token, so even layers to compare "
    "with are drawn for causal models alone."
)
WORD_RULE = (
    "A word asks as its tokens do on average, and is looked at as all of them together: queries are averaged, keys "
    "summed, so a row still sums to what its tokens’ rows do (Clark et al. 2019)."
)
SPACELESS = (
    "In text without spaces: of Chinese and Japanese each character is a word; in Thai, Lao, Khmer and Burmese each "
    "token stays as it is."
)
WORDS_HIDE = (
    "Which of a word’s tokens looked, and at which; where they differ, the average is a row that none of them has. "
    "Scores and values have no such rule and stay with the tokens."
)
ALL_APART = "Every token of this text is a word by itself, so nothing was merged."


def averages(head_view: HeadView, over: str) -> bytes:
    """The average over some of OVER, and its spread."""
    from attention.analysis.averages import HIDES
    from attention.figures import maps

    trace, kind = head_view.trace, head_view.kind
    made = _averaged(head_view, over)
    queries, keys = head_view.query_tokens, head_view.key_tokens
    mean, spread = maps.average(made, queries, keys, hidden=maps.closed_to_all(trace, made, kind))
    rows, columns = _names(queries), _names(keys)
    panels = [
        _panel("mean", made.label, "mean weight of each key", mean, rows, columns),
        _panel("spread", "Spread", "standard deviation over these heads, in the same colours", spread, rows, columns),
    ]
    of = {"heads": {"layer": head_view.layer}, "layers": {"head": head_view.head}}.get(over, {})
    return _pack(
        head_view, of, panels, rows, columns, numbers={"mean weight": mean, "spread": spread},
        closed="masked: none of these heads may look here", hides=HIDES,
        notes=[*([NUMBER_ONLY] if over == "layers" else []), *_sinks(trace, made, head_view)],
    )  # fmt: skip


def _averaged(head_view: HeadView, over: str) -> Average:
    from attention.analysis.averages import over_all, over_heads, over_layers

    trace, kind = head_view.trace, head_view.kind
    if over == "heads":
        return over_heads(trace, head_view.layer, kind)
    return over_layers(trace, head_view.head, kind) if over == "layers" else over_all(trace, kind)


def _sinks(trace: Trace, made: Average, head_view: HeadView) -> list[str]:
    records = (trace.record(layer, head_view.kind) for layer, _ in made.heads)
    return [SINKS] if any(record.sink is not None and not record.sink_scales for record in records) else []


def rollout(head_view: HeadView) -> bytes:
    """Rollout through all layers of this kind; raises InputError where it is not defined."""
    from attention.analysis.rollout import rollout as mix
    from attention.figures import maps

    made = mix(head_view.trace, head_view.kind)
    tokens = head_view.query_tokens
    mixed, beyond = maps.rollout(made, tokens, hidden=maps.unreachable(head_view.trace, made))
    names = _names(tokens)
    count = f"{len(made.layers)} layer{'s' if len(made.layers) != 1 else ''}"
    caption = "what is left of each input token; rows sum to 1"
    panels = [_panel("mixed", f"Rollout through {count}", caption, mixed, names, names)]
    numbers = {"share": mixed}
    if beyond is None or made.even is None:
        panels.append(_refused("beyond", BEYOND, NOT_COMPARED))
    else:
        caption = "more or less than through heads that look evenly"
        panels.append(_panel("beyond", BEYOND, caption, beyond, names, names))
        even = np.where(np.isnan(mixed.data[0].z), np.float32(np.nan), made.even)
        numbers |= {"by even layers": even, "difference": beyond}
    return _pack(
        head_view, {}, panels, names, names, numbers=numbers,
        closed="out of reach: the masks leave no way from here to there",
        hides=made.notes[0], notes=list(made.notes[1:]),
    )  # fmt: skip


def words(head_view: HeadView) -> bytes:
    """This head's weights, with the tokens of each word merged."""
    from attention.analysis.words import merged
    from attention.figures import maps

    made = merged(head_view)
    queries, keys = head_view.query_tokens, head_view.key_tokens
    figure = maps.words(made, queries, keys, hidden=maps.closed_words(head_view, made))
    rows, columns = maps.word_names(made.queries, NAME_CHARS), maps.word_names(made.keys, NAME_CHARS)
    apart = len(rows) == len(queries) and len(columns) == len(keys)
    title = f"Weights between words, layer {head_view.layer}, head {head_view.head}"
    spans = {"queries": _spans(made.queries), "keys": _spans(made.keys)}
    sinks = [SINKS] if head_view.sink_in_weights else []
    return _pack(
        head_view, {"layer": head_view.layer, "head": head_view.head},
        [_panel("words", title, "share of each word’s values", figure, rows, columns)], rows, columns,
        numbers={"weight": figure}, closed="masked: no token of this word may look here", spans=spans, hides=WORDS_HIDE,
        notes=[*([ALL_APART] if apart else []), WORD_RULE, SPACELESS, *sinks],
    )  # fmt: skip


def stretched(z: np.ndarray) -> float | None:
    """Where colours of a weight end so that most cells keep one of their own; None where that is 1 or nowhere."""
    from attention.figures.heatmaps import round_up

    there = z[np.isfinite(z)]
    usual = float(np.quantile(there, MOST_CELLS_APART)) if there.size else 0.0
    return round_up(usual) if usual > 0 and round_up(usual) < 1 else None


def _pack(
    head_view: HeadView, of: dict[str, int], panels: list[dict[str, Any]], rows: list[str], columns: list[str], *,
    numbers: dict[str, Any], closed: str, hides: str, notes: list[str], spans: dict[str, np.ndarray] | None = None,
) -> bytes:
    """numbers: by name, each an array or the figure that shows it."""
    arrays = {name: one if isinstance(one, np.ndarray) else one.data[0].z for name, one in numbers.items()}
    first = next(iter(arrays.values()))
    return codec.pack({
        "run": store.run_id(head_view.trace, head_view.kind), "of": of, "panels": panels,
        "queries": rows, "keys": columns, "spans": spans, "closed": closed,
        "numbers": [{"name": name, "values": values} for name, values in arrays.items()],
        "stretched": stretched(first), "hides": hides, "notes": notes,
    })  # fmt: skip


def _panel(
    name: str, title: str, caption: str, figure: Any, rows: Sequence[str], columns: Sequence[str]
) -> dict[str, Any]:
    from attention.figures.maps import in_words

    note = figure.layout.meta.get("note", "")
    return {
        "name": name, "title": title, "caption": " · ".join(filter(None, (caption, note))), "figure": _tree(figure),
        "reason": "", "alt": in_words(title, figure.data[0].z, rows, columns),
    }  # fmt: skip


def _refused(name: str, title: str, reason: str) -> dict[str, Any]:
    return {"name": name, "title": title, "caption": "", "figure": None, "reason": reason, "alt": reason}


def _tree(figure: Any) -> dict[str, Any]:
    """The figure as a tree for `codec`; its own to_plotly_json turns arrays into base64, its parts keep them."""
    layout = {name: value for name, value in figure.layout.to_plotly_json().items() if name != "template"}
    return {"data": [trace.to_plotly_json() for trace in figure.data], "layout": layout}


def _names(tokens: Sequence[Token]) -> list[str]:
    from attention.tokens import label

    return [label(token, NAME_CHARS) for token in tokens]


def _spans(found: Sequence[Word]) -> np.ndarray:
    return np.array([(word.start, word.stop) for word in found], dtype=np.int32)
