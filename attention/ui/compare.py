"""The page “Compare”: two sides, each with texts, model and head of its own, and between them what differs.

Each side is a figure group with its own store, so that heads switch in the browser without the server. Pointing and
pins go from one side to the other in the browser, over the tokens that correspond.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from attention.browser import compare as told
from attention.browser import parts, store
from attention.catalogue import find
from attention.config import Limits
from attention.edits import Edit
from attention.errors import HeadlightError, InputError
from attention.layer_settings import LOCAL, LocalSettings
from attention.ui import boundary, components, edits, foot, opened, prompt_bar, state, traces, warmup, work, workbench
from attention.view import Comparison, View, change, revised, to_query

if TYPE_CHECKING:
    from attention.record import HeadView, Kind, Trace

# Models that were seen to take two texts, beside those of the catalogue.
TWO_TEXTS = "headlight.two-texts"
TAKES_TWO = ("encoder-decoder", "reader")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of the page: its name, the store of its figures, the field of a comparison that it shows."""

    name: str
    store: str
    field: str

    def view(self) -> View:
        """What it shows."""
        found: View = getattr(state.compared(), self.field)
        return found

    def key(self, what: str) -> str:
        """The key of one of its components."""
        return f"compare-{what}-{self.name.lower()}"

    @property
    def sent(self) -> str:
        """Where the session keeps which run the browser has of it."""
        return f"headlight.sent.{self.store}"


SIDES = tuple(
    Side(name=name, store=own, field=field)
    for name, own, field in zip("AB", store.COMPARED, ("first", "second"), strict=True)
)


@dataclass(frozen=True, kw_only=True)
class Example:
    """Something to compare: what its button says, what is to be seen, and both sides."""

    name: str
    label: str
    about: str
    comparison: Comparison


def examples() -> tuple[Example, ...]:
    """What can be tried at once, with the models in the box alone."""
    cat = View(layer=2, head=3, text="The cat sat on the mat because it was tired.")
    again = View(layer=2, head=1, text="Tom saw a red bird. The red bird saw Tom.")
    local = View(model=LOCAL, text="The dog chased the cat.")
    return (
        Example(
            name="word", label="one word changed", about="the same head, “cat” and “dog”",
            comparison=Comparison(first=cat, second=replace(cat, text=cat.text.replace("cat", "dog"))),
        ),
        Example(
            name="longer", label="a word more", about="tokens that move, and one without a partner",
            comparison=Comparison(first=cat, second=replace(cat, text=cat.text.replace("The cat", "The big cat"))),
        ),
        Example(
            name="heads", label="two heads", about="the same text, two heads of one layer",
            comparison=Comparison(first=again, second=replace(again, head=4)),
        ),
        Example(
            name="mask", label="with and without a mask", about="an untrained layer, causal and in both directions",
            comparison=Comparison(first=local, second=replace(local, settings=LocalSettings(causal=False))),
        ),
    )  # fmt: skip


def show() -> None:
    """The page below the bar."""
    with st.container(key="offers", horizontal=True, gap="xxsmall", vertical_alignment="center"):
        components.mount("samples", parts.samples(examples()), key="compare-examples", on_sample_change=_tried)
    status = st.container(key="status")
    places = dict(zip(SIDES, st.columns(2, gap="medium"), strict=True))
    between = st.container(key="between")
    bodies: dict[Side, Any] = {}
    for side, place in places.items():
        with place, st.container(key=side.key("side")):
            _top(side)
            bodies[side] = st.container(key=side.key("body"))
    if not warmup.gate():
        return
    drawn = [_body(side, bodies[side]) for side in SIDES]
    with status:
        workbench.notices()
    if drawn[0] is not None and drawn[1] is not None:
        with between:
            _between(drawn[0], drawn[1])
    traces.keep_bounds()


def _tried() -> None:
    name = boundary.said("compare-examples", "sample", str)
    found = next((one for one in examples() if one.name == name), None)
    if found is not None:
        state.compare(found.comparison)


# One side


def _top(side: Side) -> None:
    """The model and the texts of a side, which stand there whatever becomes of the run."""
    view = side.view()
    components.mount("picker", prompt_bar.models(view), key=side.key("model"), on_model_change=partial(_picked, side))
    entry = find(view.model)
    first, second = prompt_bar.TITLES.get(entry.family if entry else "", prompt_bar.OTHER)
    boxes = [("text", first), *([("pair", second)] if _takes_two(view) else [])]
    for name, (title, placeholder) in boxes:
        data = parts.prompt(
            getattr(view, name), label=f"{title}, side {side.name}", title=f"{side.name} · {title}",
            placeholder=placeholder, count="tokens" if name == "text" else "pair",
        )  # fmt: skip
        heard = partial(_typed, side, name)
        components.mount("prompt", data, key=side.key(name), store=side.store, on_text_change=heard)


def _takes_two(view: View) -> bool:
    entry = find(view.model)
    family = entry.family if entry else ""
    return bool(view.pair) or family in TAKES_TWO or view.model in st.session_state.get(TWO_TEXTS, ())


def _body(side: Side, place: Any) -> HeadView | None:
    """The head of a side in that place; a sentence there, and None, where there is none."""
    with place:
        try:
            return _head(side)
        except Exception as err:  # whatever goes wrong is a sentence here, and the other side stays
            view = side.view()
            _edits(side, view)
            st.text(f"⚠ {traces.describe_problem(err)}")
            if traces.may_pass(err):
                st.button("Try again", key=side.key("retry"), on_click=traces.retry, args=(view,))
            return None


def _head(side: Side) -> HeadView:
    trace = traces.get_trace(side.view())
    view = _fitted(side, trace)
    kind = view.kind or traces.default_kind(trace)
    head_view = trace.head(view.layer, view.head, kind)  # type: ignore[arg-type]
    pinned = parts.first_query(head_view) if view.query is None else view.query
    with st.container(key=side.key("unseen")):
        run = store.run(head_view, replace(view, query=pinned))
        components.mount("run", run, key=side.key("run"), store=side.store)
    kinds = [(one, workbench.KIND_NAMES[one]) for one in trace.kinds]
    inspect = f"?{urlencode(to_query(view))}"
    components.mount(
        "chooser", told.chooser(side.name, kinds, kind, inspect), key=side.key("head"), store=side.store,
        on_kind_change=partial(_kind_chosen, side),
    )  # fmt: skip
    _edits(side, view, head_view)
    components.mount("sentence", key=side.key("sentence"), store=side.store)
    _controls(side, head_view, view, pinned)
    components.mount("figures", parts.panels(head_view, view), key=side.key("figures"), store=side.store)
    foot.show(head_view, key=side.key("foot"))
    return head_view


def _fitted(side: Side, trace: Trace) -> View:
    view = side.view()
    fitted, found = traces.fit_to(view, trace)
    if fitted != view or found:
        both = replace(state.compared(), **{side.field: fitted})
        state.settle_compared(both, [f"Side {side.name}: {one}" for one in found])
    if trace.pair_tokens and not _takes_two(fitted):
        st.session_state[TWO_TEXTS] = {*st.session_state.get(TWO_TEXTS, ()), fitted.model}
        st.rerun()  # its box stands above
    return fitted


def _controls(side: Side, head_view: HeadView, view: View, pinned: int) -> None:
    """The look on its way to the browser, and what was changed there on its way back."""
    data = store.look(
        head_view, view, pinned, seen=state.seen(side.store), limit=Limits.from_environment().max_tokens,
        undo=state.can_undo(), redo=state.can_redo(), unedited=edits.refusal(view),
    )  # fmt: skip
    st.session_state[side.sent] = (store.about(head_view.trace, head_view.kind), state.subject(view))
    heard = partial(_look, side)
    components.mount("controls", data, key=side.key("controls"), store=side.store, on_look_change=heard)


def _look(side: Side) -> None:
    hear(side, boundary.said(side.key("controls"), "look", dict))


def hear(side: Side, told_of: object) -> None:
    """Take over what the browser has changed of one side by itself."""
    view = side.view()
    found = workbench.changes_of(told_of, view, st.session_state.get(side.sent, ("", "")))
    if found is None:
        return
    number, changes = found
    state.hear(number, side.store)
    if "edits" in changes and (why := edits.refusal(view)):
        state.settle(state.current(), [why])
        return
    _go(side, partial(revised, view, changes))


def _edits(side: Side, view: View, head_view: HeadView | None = None) -> None:
    """The changes of a side's run, each of which can be lifted."""
    edits.show(view, head_view, key=side.key("edits"), of=side.store, leave=partial(lifted, side))


def lifted(side: Side, left: tuple[Edit, ...]) -> None:
    """Let a side run with these changes alone."""
    _go(side, partial(change, side.view(), edits=left))


def _typed(side: Side, name: str) -> None:
    if (text := boundary.said(side.key(name), "text", str)) is not None:
        _go(side, partial(change, side.view(), **{name: text}))


def _kind_chosen(side: Side) -> None:
    kind = boundary.said(side.key("head"), "kind", str)
    if kind in workbench.KIND_NAMES:
        _go(side, partial(change, side.view(), kind=kind))


def _picked(side: Side) -> None:
    chosen = (boundary.said(side.key("model"), "model", str) or "").strip()
    if not chosen:
        return
    view = side.view()
    model = prompt_bar.titles(view).get(chosen, chosen)
    # The same text at the same place: two models of one shape are compared head by head.
    _go(side, lambda: replace(change(view, model=model), layer=view.layer, head=view.head))


def _go(side: Side, make: Callable[[], View]) -> None:
    """Let a side show another view; what cannot be becomes a notice, and the side stays."""
    both = state.compared()
    before: View = getattr(both, side.field)
    try:
        after, said = opened.left(before, make())
    except InputError as err:
        state.settle(state.current(), [str(err)])
        return
    state.compare(replace(both, **{side.field: after}))
    if said:
        state.settle(state.current(), said)


# Between both


def _between(first: HeadView, second: HeadView) -> None:
    """The tokens of both texts side by side, the map of the difference, and the heads that changed most."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        data = told.difference(first, second, state.compared())
        components.mount("difference", data, key="compare-difference", store=SIDES[0].store, on_swap_change=_swapped)
    with right:
        try:
            data = _changed(first, second)
        except work.LeftError as err:
            st.text(str(err))
            st.button("Rank all heads", key="changed-again", on_click=work.again)
            return
        components.mount("changed", data, key="compare-changed", store=SIDES[0].store)


def _changed(first: HeadView, second: HeadView) -> bytes:
    kind, other_kind, other = first.kind, second.kind, second.trace
    cost = work.cells(first.trace, kind) + work.cells(other, other_kind)
    key = told.key_of(other, kind, other_kind)
    work.through(first.trace, key, partial(_ranked, second=weakref.ref(other), kind=kind, other_kind=other_kind), cost)
    return told.changed(first, second)


def _ranked(first: Trace, *, second: weakref.ref[Trace], kind: Kind, other_kind: Kind) -> Any:
    other = second()
    if other is None:  # nobody looks at it any longer
        raise HeadlightError("The run that this is compared with has left the memory. Try again.")
    return told.ranking(first, other, kind, other_kind)


def _swapped() -> None:
    if boundary.said("compare-difference", "swap", bool):
        state.compare(state.compared().swapped)
