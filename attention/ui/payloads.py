"""What each component is given, as bytes: numbers and tokens of one trace or one head, no Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from attention import wire
from attention.errors import HeadlightError
from attention.view import STAGE_LABELS, VALUES_LABELS, WEIGHTS_LABELS, View

if TYPE_CHECKING:
    from attention.analysis.row import Row
    from attention.record import HeadView, Kind, Token, Trace

DIMENSIONS = 8
TERMS = 4
# Cells of a map, from which on only some stages travel (1 MB each at 512 × 512).
LARGE = 65_536
UNKNOWN = "this model’s code does not show query and key apart: these scores entered its softmax"
CAPTIONS = {
    "scores": "how well each key answers each query",
    "weights": "share of each value; rows sum to 1",
    "norms": "share of what each key brings",
    "difference": "what it brings, less its weight",
    "output": "what each token receives",
    "contribution": "what this head adds to each token",
}


def bar(pages: list[dict[str, Any]], *, undo: bool) -> bytes:
    """pages: [{title, path, here}]; undo: whether there is a step to take back."""
    return wire.pack({"pages": pages, "undo": undo})


def prompt(text: str, *, label: str, title: str, placeholder: str, count: str = "tokens") -> bytes:
    """A box of text. label: its name for screen readers. title: written above, or "". count: whose tokens it counts."""
    return wire.pack({"text": text, "label": label, "title": title, "placeholder": placeholder, "count": count})


def heads(trace: Trace, kind: Kind) -> bytes:
    """{layers: [number], counts: [heads a layer], pictures: uint8 (layers, heads, rows, columns)}."""
    from attention.analysis.thumbnails import thumbnails

    layers, pictures = thumbnails(trace, kind)
    counts = [record.n_heads for record in trace.records(kind).values()]
    return wire.pack({"layers": layers, "counts": counts, "pictures": pictures})


def sentence(head_view: HeadView, query: int, *, ids: bool) -> bytes:
    """Tokens of the key side (and of the query side where it is another text), and the pinned row's weights.

    weights: (n_k,), NaN where masked. sink: the learned sink's share, or null.
    """
    from attention.figures.heatmaps import closed

    weights = np.where(closed(head_view)[query], np.float32(np.nan), head_view.weights[query])
    same = head_view.query_tokens == head_view.key_tokens
    sink = float(head_view.sink_weight[query]) if head_view.sink_weight is not None else None
    return wire.pack({
        "keys": [_token(token) for token in head_view.key_tokens],
        "queries": None if same else [_token(token) for token in head_view.query_tokens],
        "pin": query, "weights": weights.astype(np.float32), "sink": sink, "ids": ids,
    })  # fmt: skip


def figures(head_view: HeadView, view: View, *, limit: int, undo: bool) -> bytes:
    """The three panels and every array that their read-outs need.

    panels: [{name, title, caption, note, figure, reason, options, current}]; stages: name → (n_q, n_k), NaN
    where masked in `masked` and `weights`; titles: how each step before the softmax is written; value: (n_k, v).
    """
    panels = [_scores_panel(head_view, view), _weights_panel(head_view, view), _values_panel(head_view, view)]
    return wire.pack({
        "layer": head_view.layer, "head": head_view.head, "kind": head_view.kind, "panels": panels,
        "queries": _names(head_view.query_tokens), "keys": _names(head_view.key_tokens),
        "stages": _stages(head_view, panels[0]["current"]), "titles": _titles(head_view), "sink": _sink(head_view),
        "value": head_view.value, "count": _count(head_view.trace, limit), "undo": undo,
    })  # fmt: skip


def _count(trace: Trace, limit: int) -> dict[str, int]:
    """How many tokens each side has, and the most that there may be here and in this model."""
    most = min(limit, trace.model.max_tokens or limit)
    return {"tokens": len(trace.tokens), "pair": len(trace.pair_tokens), "limit": most}


def arithmetic(head_view: HeadView, view: View, query: int) -> bytes:
    """The pinned row's columns by key, in the order to show them; `alts`: each panel in one sentence."""
    from attention.analysis.row import arithmetic as calculate

    row = calculate(head_view, query)
    keys = _names(head_view.key_tokens)
    return wire.pack({
        "query": query, "name": _names(head_view.query_tokens)[query], "keys": keys,
        "order": row.order.astype(np.int32), "allowed": row.allowed.astype(np.uint8),
        "columns": [{"name": c.name, "title": c.title, "values": c.values.astype(np.float32)} for c in row.columns],
        "total": row.total, "weightSum": row.weight_sum, "sink": _sink_row(row, head_view),
        "mixture": _mixture(row, keys, float(head_view.output_scale[query])), "alts": _alts(head_view, view, query),
    })  # fmt: skip


def default_query(tokens: tuple[Token, ...], word: str = "") -> int:
    """The token that is pinned where none was chosen.

    The last one that reads `word`, else the first blank, else the last one with a letter or digit, else the last one. A
    character in several tokens counts where it begins, and a token that is shown by its bytes' numbers is no word.
    """
    # A control token that a person typed: a blank, in a model that fills them.
    blanks = [i for i, token in enumerate(tokens) if token.special and token.span and token.span[0] < token.span[1]]
    named = [i for i, token in enumerate(tokens) if word and token.text == word]
    if named:
        return named[-1]
    if blanks:
        return blanks[0]
    wordlike = [i for i, token in enumerate(tokens) if _is_word(token)]
    return wordlike[-1] if wordlike else len(tokens) - 1


def _is_word(token: Token) -> bool:
    inside = token.part is not None and token.part[0] > 0
    return not (token.special or inside or token.text.startswith("⟨")) and any(map(str.isalnum, token.text))


def _token(token: Token) -> dict[str, Any]:
    from attention.tokens import visible

    text = visible(token.text) if token.text else visible(token.piece)
    return {"text": text, "mark": token.mark, "id": token.id, "special": token.special, "segment": token.segment}


def _names(tokens: tuple[Token, ...]) -> list[str]:
    from attention.tokens import label

    return [label(token, 24) for token in tokens]


def _panel(name: str, title: str, caption: str) -> dict[str, Any]:
    return {
        "name": name, "title": title, "caption": caption, "note": "", "figure": None, "reason": "", "options": [],
        "current": None,
    }  # fmt: skip


def _scores_panel(head_view: HeadView, view: View) -> dict[str, Any]:
    from attention.figures import heatmaps

    panel = _panel("scores", "Scores", CAPTIONS["scores"])
    names = [name for name, _ in head_view.stages if name != "weights"]
    panel["options"] = [{"value": name, "label": STAGE_LABELS.get(name, name)} for name in names]
    panel["current"] = view.stage if view.stage in names else (names[-1] if names else None)
    if not names:
        panel["reason"] = "The scores of this head are not known: only its weights were given."
        return panel
    note = UNKNOWN if head_view.record.query is None else ""
    return panel | _drawn(heatmaps.scores(head_view, stage=str(panel["current"])), note)


def _weights_panel(head_view: HeadView, view: View) -> dict[str, Any]:
    from attention.figures import heatmaps

    panel = _panel("weights", "Weights", CAPTIONS[view.weights])
    why = head_view.no_contribution
    panel["options"] = [
        {"value": value, "label": label, "why": why if value != "weights" else ""}
        for value, label in WEIGHTS_LABELS.items()
    ]
    panel["current"] = view.weights
    if view.weights == "weights":
        sink = "with the sink" if head_view.sink_in_weights else ""
        note = "a learned sink scales the output instead of the weights" if head_view.record.sink_scales else sink
        return panel | _drawn(heatmaps.weights(head_view), note)
    before = f"before {head_view.norm_follows}, a norm that follows" if head_view.norm_follows else ""
    try:
        return panel | _drawn(heatmaps.norms(head_view, what=view.weights), before)
    except HeadlightError as err:
        return panel | {"reason": str(err)}


def _values_panel(head_view: HeadView, view: View) -> dict[str, Any]:
    from attention.figures import heatmaps

    panel = _panel("values", "Weighted values", CAPTIONS[view.values])
    why = head_view.no_contribution
    panel["options"] = [
        {"value": value, "label": label, "why": why if value == "contribution" else ""}
        for value, label in VALUES_LABELS.items()
    ]
    panel["current"] = view.values
    if view.values == "contribution" and head_view.norm_follows:
        panel["note"] = f"before {head_view.norm_follows}, a norm that follows"
    try:
        return panel | _drawn(heatmaps.values(head_view, what=view.values), panel["note"])
    except HeadlightError as err:
        return panel | {"reason": str(err)}


def _drawn(figure: Any, note: str = "") -> dict[str, Any]:
    """The figure as a tree for `wire`, and its note about extreme numbers."""
    # A figure's own to_plotly_json turns arrays into base64; its parts keep them.
    data = [trace.to_plotly_json() for trace in figure.data]
    layout = {name: value for name, value in figure.layout.to_plotly_json().items() if name != "template"}
    own = layout.get("meta", {}).get("note", "")
    return {"figure": {"data": data, "layout": layout}, "note": "; ".join(filter(None, (note, own)))}


def _stages(head_view: HeadView, current: str | None) -> dict[str, np.ndarray]:
    """Every stage where they are small; of large ones what the weights are made of, and the one on show."""
    from attention.figures.heatmaps import closed

    hidden = closed(head_view)
    nan = np.float32(np.nan)
    kept = [name for name, _ in head_view.stages]
    if hidden.size > LARGE:
        kept = [name for name in kept if name in ("scores", "masked", "weights", current)]
    return {
        name: np.where(np.isneginf(array) if name == "masked" else hidden, nan, array)
        if name in ("masked", "weights")
        else array
        for name, array in head_view.stages
        if name in kept
    }


def _titles(head_view: HeadView) -> dict[str, str]:
    from attention.analysis.row import stage_titles

    return stage_titles(head_view)


def _sink(head_view: HeadView) -> dict[str, Any] | None:
    if head_view.record.sink is None or not head_view.sink_in_weights:
        return None
    return {"logit": float(head_view.record.sink[head_view.head]), "weights": head_view.sink_weight}


def _sink_row(row: Row, head_view: HeadView) -> dict[str, Any] | None:
    sink = _sink(head_view)
    if sink is None or row.sink_part is None:
        return None
    last = [column.name for column in row.columns if column.name not in ("exp", "weight", "length", "share")][-1]
    return {"stage": last, "logit": sink["logit"], "exp": row.sink_part, "weight": row.sink_weight}


def _mixture(row: Row, keys: list[str], scale: float) -> dict[str, Any] | None:
    """The weighted sum of the value vectors in its first dimensions: the largest terms, the rest, the output.

    scale: what a sink that acts on the output leaves of each weight, 1 without.
    """
    if row.value is None or row.output is None:
        return None
    weights = row.column("weight") * np.float32(scale)
    parts = weights[:, None] * row.value[:, :DIMENSIONS]
    order = [int(key) for key in row.order if weights[key] > 0]
    top, others = order[:TERMS], order[TERMS:]
    return {
        "terms": [{"key": keys[key], "weight": float(weights[key]), "vector": parts[key]} for key in top],
        "others": len(others), "rest": parts[others].sum(axis=0).astype(np.float32),
        "output": row.output[:DIMENSIONS], "width": len(row.output),
    }  # fmt: skip


def _alts(head_view: HeadView, view: View, query: int) -> dict[str, str]:
    from attention.figures import alt

    names = [name for name, _ in head_view.stages if name != "weights"]
    stage = view.stage if view.stage in names else (names[-1] if names else "")
    scores = alt.scores(head_view, query, stage=stage) if names else "The scores of this head are not known."
    values = alt.values(head_view, query, what=view.values)
    plain = view.weights == "weights"
    weights = alt.weights(head_view, query) if plain else alt.norms(head_view, query, what=view.weights)
    return {"scores": scores, "weights": weights, "values": values}
