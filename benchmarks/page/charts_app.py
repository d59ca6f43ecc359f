"""What the page is compared with: the same three figures of the same head, drawn by `st.plotly_chart`.

A Streamlit script, made as quick as such a script can be: the trace stays in memory, and the figures and the button
are one fragment, so that nothing else runs again.
"""

import streamlit as st

import attention
from attention.figures import heatmaps


@st.cache_resource
def traced(model: str, text: str) -> attention.Trace:
    """The run, once for all sessions."""
    return attention.trace(model, text)


@st.fragment
def head(trace: attention.Trace) -> None:
    """Three charts of a head, and the button that shows the next one."""
    places = [(layer, one) for layer, record in trace.records().items() for one in range(record.n_heads)]
    at = st.session_state.get("at", 0)
    st.button("Next head", on_click=lambda: st.session_state.update(at=(at + 1) % len(places)))
    shown = trace.head(*places[at])
    for column, draw in zip(st.columns(3), (heatmaps.scores, heatmaps.weights, heatmaps.values), strict=True):
        column.plotly_chart(draw(shown), key=draw.__name__)


@st.fragment
def nothing() -> None:
    """What a rerun costs by itself."""
    st.button("Nothing")


st.set_page_config(layout="wide")
nothing()
head(traced(st.query_params["model"], st.query_params["text"]))
