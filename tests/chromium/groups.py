"""A page with two live figure groups: `streamlit run` shows it as it would show the app.

The first group's look is the page's address, as on the inspect page; the second one keeps its look in the session. Each
has a run, a store and a line to the server of its own. `test_groups.py` serves it beside the app's static files.
"""

from functools import partial

import streamlit as st

from attention.browser import overview, parts, rotary, store
from attention.ui import boundary, components, nav, state, traces, warmup
from attention.view import View, revised

FIRST, SECOND = "first", "second"
BEGIN = View(model="storyteller", text="One day the dog saw a bird.", layer=1, head=2)
NOT_TRIED = "nobody tried it here"


def shown(name: str) -> View:
    """What a group shows."""
    if name == FIRST:
        return state.current()
    view: View = st.session_state.setdefault(name, BEGIN)
    return view


def hear(name: str) -> None:
    """Take over what was changed in the browser, in this group alone."""
    told = boundary.said(f"{name}-controls", "look", dict)
    if told is None:
        return
    view = revised(shown(name), {field: value for field, value in told["changes"].items() if field in store.OWNED})
    st.session_state[f"{name}-seen"] = told["seq"]
    if name == FIRST:
        state.go(view)
    else:
        st.session_state[name] = view


def draw(name: str) -> None:
    """One group, all of its components with the same store."""
    view = shown(name)
    trace = traces.get_trace(view)
    head_view = trace.head(view.layer, view.head)
    pinned = parts.first_query(head_view) if view.query is None else view.query
    seen = st.session_state.get(f"{name}-seen", 0)
    look = store.look(head_view, view, pinned, seen=seen, limit=512, undo=False, addressed=name == FIRST)
    given = {
        "run": store.run(head_view, view), "heads": overview.payload(trace, head_view.kind, view, refusal=NOT_TRIED),
        "sentence": components.NOTHING, "figures": parts.panels(head_view, view), "arithmetic": components.NOTHING,
        "dimensions": rotary.payload(head_view, NOT_TRIED),
    }  # fmt: skip
    for component, data in given.items():
        components.mount(component, data, key=f"{name}-{component}", store=name)
    components.mount("controls", look, key=f"{name}-controls", store=name, on_look_change=partial(hear, name))
    st.text(f"{name} heard {seen}: {view.layer}.{view.head}, {view.query}, {view.temperature:g}")


boundary.install()
warmup.start()
st.set_page_config(layout="wide")
state.follow("groups")
nav.style()
if warmup.gate():
    for column, group in zip(st.columns(2), (FIRST, SECOND), strict=True):
        with column, st.container(key=group):
            draw(group)
state.sync()
