"""A page with one of the views that ask the model, as Streamlit runs it, and what its component is given."""

import time
from typing import Any

from streamlit.testing.v1 import AppTest

from attention import HeadView
from attention.browser import codec
from attention.view import View, to_query

SECONDS = 60


def page() -> None:
    import streamlit as st

    from attention.browser import parts
    from attention.ui import details, state

    head_view, view = st.session_state.head_view, state.current()
    pinned = parts.first_query(head_view) if view.query is None else view.query
    details.ASKING[view.details](head_view, view, pinned)


def opened(head_view: HeadView, view: View) -> AppTest:
    """The page of a view, as far as it is drawn at once."""
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["head_view"] = head_view
    for key, value in to_query(view).items():
        app.query_params[key] = value
    return app.run()


def given(app: AppTest, name: str) -> dict[str, Any]:
    """What the component of that name is given, of those on the page the last."""
    assert not app.exception
    found = [item for item in app.get("bidi_component") if item.proto.component_name == f"headlight.{name}"]
    return codec.parse(found[-1].proto.bytes)


def shown(app: AppTest, name: str, *states: str) -> dict[str, Any]:
    """The same once it is there, and its sweep, if any, in one of these states."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        there = [item for item in app.get("bidi_component") if item.proto.component_name == f"headlight.{name}"]
        if there and (not states or given(app, name).get("state") in states):
            return given(app, name)
        time.sleep(0.1)
        app.run()
    raise AssertionError("the view did not come")
