"""“Look closer”: one of the deeper views of the head below its panels, as the view says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import streamlit as st

from attention.browser import parts, rotary, store
from attention.ui import boundary, components, maps, matters, patch, prompt_bar, rotary_pairs, runs, why, writes
from attention.view import DETAILS, View

if TYPE_CHECKING:
    from attention.record import HeadView

KEY = "details"
NAMES = {
    "links": "Links",
    "dimensions": "q · k by dimension",
    "averages": "Averages",
    "rollout": "Rollout",
    "words": "Words",
    "matters": "Which heads matter?",
    "writes": "What it writes",
    "why": "Why there?",
    "patch": "Patch",
}
# What the model is asked for beside its run, by the view that shows it.
UNEDITED = "This is of the run as the model does it, without the changes that are listed above."
ASKING = {"matters": matters.show, "writes": writes.show, "why": why.show, "patch": patch.show}


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """The choice of what is shown below the panels, and what was chosen. pinned: the token that asks."""
    with st.container(key="details-panel", gap="small"):
        components.mount("details", parts.details(NAMES, view.details), key=KEY, on_details_change=_chosen)
        if view.details == "links":
            components.mount("links", key="links", store=store.INSPECT)
        elif view.details == "dimensions":
            _dimensions(head_view, view)
        elif (asking := ASKING.get(view.details)) is not None:
            if view.edits:
                st.caption(UNEDITED)
            asking(head_view, view, pinned)
        else:
            maps.show(head_view, view, cast(maps.Which, view.details))


def _dimensions(head_view: HeadView, view: View) -> None:
    job = rotary_pairs.begin(view, head_view.trace)
    data = rotary.payload(head_view, rotary_pairs.found_by(job))
    components.mount("dimensions", data, key="dimensions", store=store.INSPECT)
    if not job.done.is_set():
        _wait(job)


@st.fragment(run_every=0.5)
def _wait(job: rotary_pairs.Job) -> None:
    """Show what a test run found, as soon as it has ended."""
    if job.done.is_set():
        st.rerun()
    job.watch(runs.person())  # it keeps its place in the queue for those who wait


def _chosen() -> None:
    if (chosen := boundary.said(KEY, "details", str)) is not None:
        choose(chosen)


def choose(details: str) -> None:
    """Show this one of the deeper views; a name that is none does nothing."""
    if details in DETAILS:
        prompt_bar.change_to(details=details)
