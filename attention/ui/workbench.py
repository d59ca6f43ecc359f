"""One head on the page: all heads to choose from, the sentence, the panels, the arithmetic and the foot.

Everything here runs in one fragment: a pin, a step or a switch reruns this part alone, and a component whose bytes
stay the same gets nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention import derived, sentences
from attention.browser import overview, parts, store
from attention.bundled import notes
from attention.catalogue import all_samples
from attention.config import Limits
from attention.errors import HeadlightError, InputError, TooLongError
from attention.ui import (
    boundary,
    components,
    details,
    edits,
    effects,
    foot,
    pins,
    predicted,
    prompt_bar,
    scoring,
    search,
    state,
    stored,
    traces,
    work,
)
from attention.view import View, revised

if TYPE_CHECKING:
    from attention.record import HeadView, Kind, Trace

KIND_NAMES = {"encoder": "encoder", "decoder": "decoder", "cross": "cross"}
KIND_WORDS = {
    "encoder": "the source looks at itself",
    "decoder": "the target looks back at itself",
    "cross": "the target looks at the source; each row bears the token just written, and looks for the next one",
}
ONLY_STARTED = "The decoder has only its start token: type what it has written into the target box."
HINT = "← → heads, Shift + ↑ ↓ layers, or a swipe"
# What the heads and tokens are of that the browser shows, by the store's name for it and by the session's.
SENT = "headlight.sent"
MOST_WHOLE = 2**53


@st.fragment
def show() -> None:
    """The part of the page below the sentence box, for the session's present view."""
    view = state.current()
    # Always there, so that what comes below keeps its place, and with it its elements, whether or not this is empty.
    status, told = st.container(key="status"), False
    try:
        if predicted.follow() or prompt_bar.is_stale(view):
            st.rerun()
        with status:
            trace = traces.get_trace(view)
        view = _fitted(view, trace)
        with status:
            notices()
            told = True
        kind = _kind(view, trace)
        pins.remember(view, trace, kind)
        head_view = trace.head(view.layer, view.head, kind)
        _draw(head_view, view)
    except Exception as err:  # the one broad one: whatever goes wrong is a sentence here, and a traceback in the log
        problem(view, err, told=told)
    traces.keep_bounds()
    state.sync()


def facts_line(view: View, place: Any) -> None:
    """Under the model's name: whether it is trained, and its size; an empty line where that is not known."""
    try:
        trace = traces.get_trace(view)
    except HeadlightError:
        prompt_bar.learn(place, replace(prompt_bar.known(view), line=""))
        return
    facts = trace.model
    line = " · ".join(filter(None, (foot.trained(facts), foot.size(facts))))
    prompt_bar.learn(place, prompt_bar.Known(model=view.model, line=line, family=_family(trace), chats=facts.chats))


def _family(trace: Trace) -> str:
    """What the model's boxes are called after: a judge reads both texts, whatever it is made of."""
    from attention.models.task import judges

    if "ForQuestionAnswering" in trace.model.architecture:
        return "reader"
    if judges(trace.model.architecture) and trace.kinds != ("decoder",):
        return "encoder"
    return "encoder-decoder" if trace.model.n_decoder_layers is not None else trace.kinds[0]


def problem(view: View, err: Exception, *, told: bool = False) -> None:
    """One sentence in place of the panels, below what the link got wrong; what was typed stays where it is.

    told: what the link got wrong stands there already.
    """
    if not told:
        notices()
    with st.container(key="problem"):
        edits.show(view)
        st.text(f"⚠ {traces.describe_problem(err)}")
        if traces.may_pass(err):
            st.button("Try again", key="retry", on_click=traces.retry, args=(view,))
        if isinstance(err, TooLongError) and err.beginning is not None:
            name = f"Read the first {err.beginning.size}"
            st.button(name, key="shorten", on_click=prompt_bar.shorten, args=(view, err.beginning))


def notices() -> None:
    """What could not be shown as the link asked for it, until the next step."""
    found = state.notices()
    if not found:
        return
    with st.container(key="notices", horizontal=True):
        st.text("\n".join(found))
        st.button("Understood", key="dismiss", on_click=state.dismiss)


def _fitted(view: View, trace: Trace) -> View:
    fitted, found = traces.fit_to(view, trace)
    fitted = pins.carried(fitted, trace, _kind(fitted, trace))
    if fitted != view or found:
        state.settle(fitted, found)
    return fitted


def _kind(view: View, trace: Trace) -> Kind:
    return view.kind or traces.default_kind(trace)  # type: ignore[return-value]


def _draw(head_view: HeadView, view: View) -> None:
    pinned = parts.first_query(head_view, _worth_a_look(view)) if view.query is None else view.query
    _send_run(head_view, replace(view, query=pinned))
    left, right = st.columns([1, 3.72], gap="medium")
    with left:
        # Filled after the panels, which don't wait for it: it goes through all heads, or asks the model.
        beside = st.container(key="left")
        prediction = st.container(key="prediction", gap="xsmall")
    with right, st.container(key="right"):
        edits.show(view, head_view)
        effect = st.container(key="effect-of-edits") if view.edits else None
        components.mount("sentence", key="sentence", store=store.INSPECT)
        _controls(head_view, view, pinned)
        components.mount("figures", parts.panels(head_view, view), key="figures", store=store.INSPECT)
        components.mount("arithmetic", key="arithmetic", store=store.INSPECT)
        further = st.container(key="further")
    with beside:
        _kinds(head_view.trace, head_view.kind)
        _heads(head_view, view)
        _said(head_view, view)
        _part(search.show, head_view, pinned)
    with further:
        _part(details.show, head_view, view, pinned)
    foot.show(head_view, key="foot")
    state.sync()  # here already, for a large model takes its time to predict
    with prediction:
        _part(predicted.show, head_view, view, pinned)
    if effect is not None:
        with effect:
            _part(effects.show, view, predicted.position(pinned), predicted.side(head_view.trace))


def _part(draw: Callable[..., None], *given: Any) -> None:
    """Draw one part of the page; what goes wrong in it is a sentence in its place, and the other parts stay."""
    try:
        draw(*given)
    except Exception as err:  # a traceback is in the log
        st.text(f"⚠ {traces.describe_problem(err)}")


def _send_run(head_view: HeadView, view: View) -> None:
    """What the browser makes every head of, first of all: while it does, the rest of the page is still made here."""
    with st.container(key="unseen"):
        components.mount("run", store.run(head_view, view), key="run", store=store.INSPECT)


def _controls(head_view: HeadView, view: View, pinned: int) -> None:
    """The look on its way to the browser, and what was changed there on its way back."""
    limit = Limits.from_environment().max_tokens
    steps = {"undo": state.can_undo(), "redo": state.can_redo()}
    how = steps | {"addressed": True, "seen": state.seen(), "limit": limit}
    data = store.look(head_view, view, pinned, unedited=edits.refusal(view), **how)  # type: ignore[arg-type]
    st.session_state[SENT] = (store.about(head_view.trace, head_view.kind), state.subject(view))
    # The address first: whoever copies it once the look is here copies the same.
    state.sync()
    components.mount("controls", data, key="controls", store=store.INSPECT, on_look_change=_look)


def _look() -> None:
    hear(boundary.said("controls", "look", dict))


def hear(told: object) -> None:
    """Take over what the browser has changed by itself. Each value is checked, for it comes from a stranger."""
    view = state.current()
    found = changes_of(told, view, st.session_state.get(SENT, ("", "")))
    if found is None:
        return
    number, changes = found
    state.hear(number)
    if "edits" in changes and (why := edits.refusal(view)):
        state.settle(view, [why])
        return
    try:
        state.go(revised(view, changes))
    except InputError as err:
        state.settle(view, [str(err)])


def changes_of(told: object, view: View, sent: tuple[str, str]) -> tuple[int, dict[str, Any]] | None:
    """(number of the message, changes) of what a browser says of the view that is shown; None for what is no message.

    sent: what the browser's heads and tokens are of, by the store's name and by the session's. A token or head of
    another text, model or kind means nothing.
    """
    if not isinstance(told, dict) or not isinstance(told.get("changes"), dict) or not _whole(told.get("seq")):
        return None
    shown, subject = sent
    about = told.get("about")
    here = about if subject == state.subject(view) and isinstance(about, dict) else {}
    changes = {
        name: value for name, value in told["changes"].items()
        if name in store.OWNED and (name not in store.OF_THE_RUN or here.get(name) == shown)
    }  # fmt: skip
    return int(told["seq"]), changes


def _heads(head_view: HeadView, view: View) -> None:
    """All heads; where somebody did not want to wait for them, a way back to them."""
    try:
        data = _overview(head_view, view)
    except work.LeftError as err:
        st.text(str(err))
        st.button("Show all heads", key="heads-again", on_click=work.again)
        return
    components.mount("heads", data, key="heads", store=store.INSPECT)
    if overview.awaits_scores(view) and scoring.scores(view, head_view.kind) is None:
        stored.show(head_view, view, stored.ON_THE_MAP)


def _overview(head_view: HeadView, view: View) -> bytes:
    trace, kind, refusal = head_view.trace, head_view.kind, scoring.refusal(view)
    stored = scoring.scores(view, kind) if view.counted_on == "stored" else None
    # The run without changes is made only for who asks what changed.
    base = traces.get_trace(edits.unedited(view)) if view.measure == "changed" and _is_edited(view) else None
    make = partial(overview.payload, kind=kind, view=view, stored=stored, refusal=refusal, base=base)
    return work.through(trace, overview.key_of(kind, view, refusal), make, work.cells(trace, kind))


def _is_edited(view: View) -> bool:
    return bool(view.edits) and not edits.refusal(view)


def _worth_a_look(view: View) -> str:
    """The word that the sample of this text wants looked at, or ""."""
    return next((sample.pin for sample in all_samples() if sample.text == view.text), "")


def _related(head_view: HeadView, view: View) -> list[list[tuple[str, str]]]:
    """What is seen of two words of this sample that are often said to score high together: a line, or none."""
    words = next((sample.related for sample in all_samples() if sample.text == view.text and sample.related), "")
    if not words:
        return []
    one, other = words.split()
    trace, kind = head_view.trace, head_view.kind
    said = derived.kept(trace, ("related", kind, words), lambda: sentences.related(trace, (one, other), kind))
    pair = f"“{one}” and “{other}”"
    return [[("term:related", pair), ("small", said.removeprefix(pair).strip())]] if said else []


def _said(head_view: HeadView, view: View) -> None:
    from attention.analysis.summary import habit, in_words

    key = ("said", head_view.kind, head_view.layer, head_view.head)
    found = derived.kept(
        head_view.trace, key, lambda: f"{in_words(habit(head_view))} {search.name_in_words(head_view)}".strip()
    )
    words = " ".join(filter(None, (found, _guided(head_view))))
    warning = [] if head_view.error.ok else [[("bad", "⚠ Its check failed: see the foot.")]]
    lines = [*warning, [("plain", words)], [("small", HINT)]]
    components.mount("words", parts.words("habit", lines), key="habit")
    if about := _related(head_view, view):
        components.mount("words", parts.words("said", about), key="related")


def _guided(head_view: HeadView) -> str:
    """Whether an extra loss told this head where to look: it is no discovery of the model's own then."""
    trace = head_view.trace
    kind = head_view.kind if len(trace.kinds) > 1 else ""
    told = notes(trace.model.name).guided.get((kind, head_view.layer, head_view.head))
    return f"Guided in training, as a “{told}” head." if told else ""


def _kinds(trace: Trace, kind: Kind) -> None:
    if len(trace.kinds) < 2:
        return
    st.session_state["kind"] = kind
    st.segmented_control(
        "Kind of attention", trace.kinds, key="kind", format_func=KIND_NAMES.__getitem__, label_visibility="collapsed",
        on_change=_choose_kind, help="; ".join(f"{KIND_NAMES[one]}: {KIND_WORDS[one]}" for one in trace.kinds),
    )  # fmt: skip
    # A label that is not shown does not show its help either.
    unwritten = [[("plain", ONLY_STARTED)]] if kind != "encoder" and traces.only_started(trace) else []
    about = f"{KIND_NAMES[kind]}: {KIND_WORDS[kind]}"
    components.mount("words", parts.words("said", [[("small", about)], *unwritten]), key="about-kind")


def _choose_kind() -> None:
    chosen = st.session_state["kind"]
    if chosen is not None:
        prompt_bar.change_to(kind=chosen)


def _whole(number: object) -> bool:
    """JSON numbers arrive as int or as float without a fraction."""
    return type(number) in (int, float) and 0 <= number <= MOST_WHOLE and number == int(number)  # type: ignore[operator,call-overload]

