"""“Find a head”: the heads ranked by a pattern on this text, or by what passes between two tokens of it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import streamlit as st

from attention.ui import ask

if TYPE_CHECKING:
    from attention.analysis.pairs import Between, Link
    from attention.analysis.patterns import Hit, PatternScores
    from attention.record import HeadView, Kind, Token, Trace

HOW, PATTERN, QUERY, KEY, ORDER = (f"search-{part}" for part in ("how", "pattern", "query", "key", "order"))
BY_PATTERN, BETWEEN = "by what it does", "between two tokens"
ORDERS = {"weight": "by weight", "size": "by what it brings"}
SHOWN = 8
# Cells of all heads' maps that are scored without being asked: a tenth of a second.
QUICK = 4_000_000
_scored: weakref.WeakKeyDictionary[Trace, dict[str, PatternScores]] = weakref.WeakKeyDictionary()


def show(head_view: HeadView, pinned: int) -> None:
    """Draw the way in, and what was asked for; nothing is computed before somebody asks."""
    with st.popover("Find a head", type="tertiary"), st.container(key="search", gap="xsmall"):
        how = st.segmented_control(
            "How", [BY_PATTERN, BETWEEN], default=BY_PATTERN, required=True, key=HOW, label_visibility="collapsed"
        )
        if how == BETWEEN:
            _between(head_view, pinned)
        else:
            _by_pattern(head_view)


def _by_pattern(head_view: HeadView) -> None:
    from attention.analysis.named import PATTERNS

    # Copying is measured on sequences made for it, not on a text.
    here = [pattern for pattern in PATTERNS if head_view.kind in pattern.kinds and pattern.measure != "logit"]
    offered = {pattern.name: pattern for pattern in here}
    chosen = st.selectbox(
        "What should it do?", list(offered), index=None, key=PATTERN, format_func=lambda name: offered[name].title,
        placeholder="Choose a pattern",
    )  # fmt: skip
    if chosen is None:
        st.caption("Every head is then scored on this text.")
        return
    pattern, scores = offered[chosen], scores_of(head_view.trace, head_view.kind)
    st.caption(f"{pattern.says} ({pattern.source})")
    hits = _ranked(scores, chosen)
    if not hits:
        st.text(f"No head can be ranked: {scores.why.get(chosen, pattern.nothing)}.")
        return
    for number, hit in enumerate(hits[:SHOWN]):
        _line(number, hit.layer, hit.head, _score_words(hit, pattern.measure), head_view)
    count = f"{hits[0].rows} quer{'y' if hits[0].rows == 1 else 'ies'}"
    st.caption(f"Scored on this text alone, over {count}; another text may rank otherwise.")


def name_in_words(head_view: HeadView) -> str:
    """What the head does on this text, beside an even head's score; "" for nothing nameable, or a long text."""
    from attention.analysis.patterns import name_of

    record = head_view.record
    if len(head_view.trace.records(head_view.kind)) * record.n_heads * record.n_q * record.n_k > QUICK:
        return ""
    scores = scores_of(head_view.trace, head_view.kind)
    name = name_of(scores, head_view.layer, head_view.head)
    found = None if name == "mixed" else scores[name]
    if found is None:
        return ""
    index = scores.layers.index(head_view.layer)
    even = "" if name == "uniform" else f"; an even head {found.base[index, head_view.head]:.2f}"
    return f"On this text: {name} ({found.score[index, head_view.head]:.2f}{even})."


def scores_of(trace: Trace, kind: Kind) -> PatternScores:
    """The scores of all heads of a kind on the trace's own text, made once."""
    from attention.analysis.patterns import score_trace

    made = _scored.setdefault(trace, {})
    if kind not in made:
        made[kind] = score_trace(trace, kind)
    return made[kind]


def _ranked(scores: PatternScores, pattern: str) -> tuple[Hit, ...]:
    from attention.analysis.patterns import rank

    return rank(scores, pattern)


def _score_words(hit: Hit, measure: str) -> str:
    even = "" if measure == "spread" else f", an even head {hit.base:.2f}"
    return f"{hit.score:.2f}{even}"


def _between(head_view: HeadView, pinned: int) -> None:
    queries, keys = _names(head_view.query_tokens), _names(head_view.key_tokens)
    left, right = st.columns(2, gap="small")
    # The pinned token asks, until somebody chooses another one; a text with fewer tokens has no such place.
    for name, count in ((QUERY, len(queries)), (KEY, len(keys))):
        if (st.session_state.get(name) or 0) >= count:
            del st.session_state[name]
    query = left.selectbox(
        "Which token asks?", list(range(len(queries))), pinned, key=QUERY, format_func=lambda index: queries[index]
    )
    key = right.selectbox(
        "Which is looked at?", list(range(len(keys))), None, key=KEY, format_func=lambda index: keys[index],
        placeholder="Choose one",
    )  # fmt: skip
    if query is None or key is None:
        st.caption("The heads are then ranked by what passes between the two.")
        return
    order = st.segmented_control(
        "Order", list(ORDERS), default="weight", required=True, key=ORDER, format_func=ORDERS.__getitem__,
        label_visibility="collapsed",
        help="By weight: how much of the token is taken. By what it brings: the length of weight · value · W_O.",
    )  # fmt: skip
    _links(head_view, _found(head_view.trace, head_view.kind, query, key), order or "weight", query)


def _found(trace: Trace, kind: Kind, query: int, key: int) -> Between:
    from attention.analysis.pairs import between

    return between(trace, query, key, kind)


def _links(head_view: HeadView, found: Between, order: str, query: int) -> None:
    links = found.by("size" if order == "size" else "weight")
    if not links:
        reasons = sorted(set(found.why.values())) if order == "size" else []
        st.text(f"No head can be ranked: {'; '.join(reasons) or 'the mask hides that token from this one'}.")
        return
    for number, link in enumerate(links[:SHOWN]):
        _line(number, link.layer, link.head, _link_words(link), head_view, query)


def _link_words(link: Link) -> str:
    size = "" if link.size is None else f", brings {link.size:.3g}"
    return f"{link.weight:.2f}, an even head {link.even:.2f}{size}"


def _line(number: int, layer: int, head: int, words: str, head_view: HeadView, query: int | None = None) -> None:
    """One hit: a click shows its panels."""
    here = " (shown)" if (layer, head) == (head_view.layer, head_view.head) else ""
    changes = {"layer": layer, "head": head} | ({} if query is None else {"query": query})
    label = f"Layer {layer}, head {head}{here} · {words}"
    st.button(label, key=f"hit-{number}", type="tertiary", on_click=ask.change_to, kwargs=changes)


def _names(tokens: tuple[Token, ...]) -> list[str]:
    """Each token by its place and text; the place tells two of the same apart."""
    from attention.tokens import label

    return [f"{index} {label(token, 24)}" for index, token in enumerate(tokens)]
