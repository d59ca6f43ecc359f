"""Popovers whose content is drawn only while they are open: most of what a page offers is looked at by few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from attention.browser import parts
from attention.ui import components


@dataclass(frozen=True)
class Closed:
    """A popover that is not drawn."""

    open: bool = False


def lazy(label: str, *, key: str, keep: Iterable[str] = ()) -> Any:
    """The popover of that key; `.open` says whether to draw what it holds. A closed one is a button of ours, for one of
    Streamlit's takes a first visit longer than anything else on the page.

    keep: keys of the widgets in it that hold a choice. Streamlit forgets a widget that a run does not draw; set anew in
    each run, its value is there when the popover opens again.
    """
    for name in keep:
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]
    if not st.session_state.get(key):
        components.mount("opener", parts.opener(label, key), key=f"way-{key}", on_open_change=partial(_open, key))
        return Closed()
    return st.popover(label, type="tertiary", key=key, on_change="rerun")


def _open(key: str) -> None:
    st.session_state[key] = True
