"""Popovers whose content is drawn only while they are open: most of what a page offers is looked at by few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st


def lazy(label: str, *, key: str, keep: Iterable[str] = ()) -> Any:
    """The popover of that key; `.open` says whether to draw what it holds.

    keep: keys of the widgets in it that hold a choice. Streamlit forgets a widget that a run does not draw; set anew in
    each run, its value is there when the popover opens again.
    """
    for name in keep:
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]
    return st.popover(label, type="tertiary", key=key, on_change="rerun")
