"""“Find a head”: heads ranked by a pattern, on this text or on stored ones, or by what passes between two tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from attention.browser.overview import counted, scores_of
from attention.ui import prompt_bar, state, stored, work
from attention.ui.popover import lazy

if TYPE_CHECKING:
    from attention.analysis.named import Pattern
    from attention.analysis.pairs import Between, Link
    from attention.analysis.patterns import Hit, PatternScores
    from attention.record import HeadView, Kind, Token, Trace
    from attention.ui.scoring import ScoredModel

HOW, ON, PATTERN, LEAST, QUERY, KEY, ORDER = (
    f"search-{part}" for part in ("how", "on", "pattern", "least", "query", "key", "order")
)
OPEN = "search-open"
BY_PATTERN, BETWEEN = "by what it does", "between two tokens"
HERE, STORED = "on this text", "on stored texts"
# In place of a pattern: every head by the name that fits it best.
EVERY = "every name"
ORDERS = {"weight": "by weight", "size": "by what it brings"}
# A ranking's best; and the most of a list that was asked for as a whole.
SHOWN, MOST = 8, 60


def show(head_view: HeadView, pinned: int) -> None:
    """Draw the way in, and what was asked for; nothing is computed before somebody asks."""
    popover = lazy("Find a head", key=OPEN, keep=(HOW, ON, PATTERN, LEAST, QUERY, KEY, ORDER))
    if not popover.open:
        return
    with popover, st.container(key="search", gap="xsmall"):
        with st.container(key="search-where", horizontal=True, gap="xsmall"):
            how = st.segmented_control(
                "How", [BY_PATTERN, BETWEEN], default=BY_PATTERN, required=True, key=HOW, label_visibility="collapsed"
            )
            on = _on() if how != BETWEEN else HERE
        if how == BETWEEN:
            _between(head_view, pinned)
        elif on == STORED:
            _on_stored(head_view)
        else:
            _by_pattern(head_view, None)


def _on() -> str:
    return st.segmented_control(
        "On", [HERE, STORED], default=HERE, required=True, key=ON, label_visibility="collapsed",
        help="On stored texts the model is scored by itself, whatever text is on the page.",
    )  # fmt: skip


def _on_stored(head_view: HeadView) -> None:
    scored = stored.show(head_view, state.current())
    if scored is None:
        return
    st.caption(stored.says(scored))
    _by_pattern(head_view, scored)
    stored.texts(scored)


def _by_pattern(head_view: HeadView, scored: ScoredModel | None) -> None:
    offered = _offered(head_view.kind, scored)
    left, right = st.columns([5, 3], gap="small")
    with left:
        chosen = _chosen(offered)
    if chosen is None:
        st.caption("Every head is then scored on this text." if scored is None else "The heads are then ranked by it.")
        return
    with right:
        least = _least(offered.get(chosen))
    try:
        scores = _here(head_view) if scored is None else scored.scores
    except work.LeftError as err:
        st.text(str(err))
        st.button("Score the heads", key="search-again", on_click=work.again)
        return
    if chosen == EVERY:
        _every(scores, least, head_view, scored)
    else:
        _ranking(scores, offered[chosen], least, head_view, scored)


def _here(head_view: HeadView) -> PatternScores:
    """The scores on the text of the page, which wait their turn where there are many heads or tokens."""
    trace, kind = head_view.trace, head_view.kind
    return work.through(trace, ("scores", kind), partial(scores_of, kind=kind), work.cells(trace, kind))


def _offered(kind: Kind, scored: ScoredModel | None) -> dict[str, Pattern]:
    """The patterns that make sense, by name; copying is measured on sequences made for it, not on a text."""
    from attention.analysis.named import PATTERNS

    fitting = [pattern for pattern in PATTERNS if kind in pattern.kinds]
    copies = scored is not None and scored.n_sequences > 0
    return {pattern.name: pattern for pattern in fitting if copies or pattern.measure != "logit"}


def _chosen(offered: dict[str, Pattern]) -> str | None:
    """The pattern, EVERY, or None where nobody has chosen yet."""
    if st.session_state.get(PATTERN) not in (None, EVERY, *offered):
        del st.session_state[PATTERN]  # chosen where there were more
    titles = {EVERY: "Anything that has a name"} | {name: pattern.title for name, pattern in offered.items()}
    return st.selectbox(
        "What should it do?", list(titles), index=None, key=PATTERN, format_func=titles.__getitem__,
        placeholder="Choose a pattern",
    )  # fmt: skip


def _ranking(
    scores: PatternScores, pattern: Pattern, least: float | None, head_view: HeadView, scored: ScoredModel | None
) -> None:
    from attention.analysis.patterns import rank

    st.caption(f"{pattern.says} ({pattern.source})")
    hits = rank(scores, pattern.name)
    if not hits:
        st.text(f"No head can be ranked: {scores.why.get(pattern.name, pattern.nothing)}.")
        return
    lines = [(hit, _score_words(hit, pattern)) for hit in hits if _is_kept(hit, least)]
    _lines(lines if least is not None else lines[:SHOWN], head_view, _kept_words(len(lines), least, hits))
    st.caption(_over(hits[0].rows, pattern.name, scored))


def _over(rows: int, pattern: str, scored: ScoredModel | None) -> str:
    """What a ranking's scores are means over."""
    if scored is None:
        return f"Scored on this text alone, {counted(rows)}; another text may rank otherwise."
    repeated = scored.n_sequences and pattern in ("induction", "copying")
    return f"O{counted(rows)[1:]} of the {'random sequences' if repeated else 'stored texts'}."


def _every(scores: PatternScores, least: float | None, head_view: HeadView, scored: ScoredModel | None) -> None:
    """Each head that has a name, the clearest first."""
    from attention.analysis.patterns import pattern_of

    names = names_of(scores)
    found = _named(scores, names)
    lines = [(hit, f"{name} {_score_words(hit, pattern_of(name))}") for name, hit in found if _is_kept(hit, least)]
    said = f"{len(found)} of {len(names)} heads do something that has a name."
    _lines(lines, head_view, said if least is None else _kept_words(len(lines), least, [hit for _, hit in found]))
    if scored is None:
        st.caption("Scored on this text alone; on another text they may do something else.")


def names_of(scores: PatternScores) -> dict[tuple[int, int], str]:
    """What each head (layer, head) does, by the name that fits best; "mixed" for none."""
    from attention.analysis.patterns import name_of, rank

    return {(hit.layer, hit.head): name_of(scores, hit.layer, hit.head) for hit in rank(scores, "uniform")}


def _named(scores: PatternScores, names: Mapping[tuple[int, int], str]) -> list[tuple[str, Hit]]:
    """The heads that have a name, with their numbers: the furthest from an even head first, the even ones last."""
    from attention.analysis.patterns import rank

    found = []
    for name in sorted(set(names.values()) - {"mixed"}):
        found += [(name, hit) for hit in rank(scores, name) if names.get((hit.layer, hit.head)) == name]
    return sorted(found, key=lambda one: (one[0] == "uniform", -one[1].way, one[1].layer, one[1].head))


def _least(pattern: Pattern | None) -> float | None:
    """The score that a head must have to be listed, where somebody asks for one."""
    unit = ", in logits" if pattern is not None and pattern.measure == "logit" else ""
    return st.number_input(
        f"Least score{unit}", min_value=0.0, value=None, step=0.05, format="%.2f", key=LEAST, placeholder="any",
        help="Lists all heads of at least this score.",
    )  # fmt: skip


def _is_kept(hit: Hit, least: float | None) -> bool:
    # As it is written: a head that shows 0.60 is one of 0.60.
    return least is None or round(hit.score, 2) >= round(least, 2)


def _kept_words(count: int, least: float | None, hits: Sequence[Hit]) -> str:
    """How many heads have the least score; "" where there is none."""
    if least is None:
        return ""
    if count == 0:
        highest = max((hit.score for hit in hits), default=None)
        return f"No head scores {least:.2f}" + ("." if highest is None else f"; the highest has {highest:.2f}.")
    return f"{count} of {len(hits)} heads score{'s' if count == 1 else ''} at least {least:.2f}."


def _lines(lines: Sequence[tuple[Hit, str]], head_view: HeadView, said: str) -> None:
    """The hits, below what is said of all of them."""
    cut = f"The first {MOST} are listed." if len(lines) > MOST else ""
    if words := " ".join(filter(None, (said, cut))):
        st.caption(words)
    with st.container(key="hits", gap=None):
        for number, (hit, score) in enumerate(lines[:MOST]):
            _line(number, hit.layer, hit.head, score, head_view)


def name_in_words(head_view: HeadView) -> str:
    """What the head does on this text, beside an even head's score; "" for nothing nameable, or a long text."""
    from attention.analysis.patterns import name_of

    if work.cells(head_view.trace, head_view.kind) > work.QUICK:
        return ""
    scores = scores_of(head_view.trace, head_view.kind)
    name = name_of(scores, head_view.layer, head_view.head)
    found = None if name == "mixed" else scores[name]
    if found is None:
        return ""
    index = scores.layers.index(head_view.layer)
    even = "" if name == "uniform" else f"; an even head {found.base[index, head_view.head]:.2f}"
    return f"On this text: {name} ({found.score[index, head_view.head]:.2f}{even})."


def _score_words(hit: Hit, pattern: Pattern) -> str:
    """The score beside an even head's; evenness itself and copying have none to stand beside."""
    if pattern.measure == "logit":
        return f"{hit.score:+.2f} logits"
    return f"{hit.score:.2f}" + ("" if pattern.measure == "spread" else f", an even head {hit.base:.2f}")


def _between(head_view: HeadView, pinned: int) -> None:
    queries, keys = _names(head_view.query_tokens), _names(head_view.key_tokens)
    subject = state.subject(state.current())
    left, right = st.columns(2, gap="small")
    # The pinned token asks, until somebody chooses another one.
    query = left.selectbox(
        "Which token asks?", list(range(len(queries))), pinned, key=f"{QUERY}-{subject}",
        format_func=queries.__getitem__,
    )  # fmt: skip
    key = right.selectbox(
        "Which is looked at?", list(range(len(keys))), None, key=f"{KEY}-{subject}", format_func=keys.__getitem__,
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
    with st.container(key="hits", gap=None):
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
    st.button(label, key=f"hit-{number}", type="tertiary", on_click=prompt_bar.change_to, kwargs=changes)


def _names(tokens: tuple[Token, ...]) -> list[str]:
    """Each token by its place and text; the place tells two of the same apart."""
    from attention.tokens import label

    return [f"{index} {label(token, 24)}" for index, token in enumerate(tokens)]
