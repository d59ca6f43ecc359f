"""What is changed while the model runs: the list of the changes, and why there can be none. The changes themselves are
made in the browser, with the controls of the head in view, and come as a change of the look.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from attention.browser import edits as given
from attention.browser import store
from attention.catalogue import LOCAL
from attention.edits import edits_of
from attention.errors import InputError
from attention.ui import boundary, components, opened, prompt_bar
from attention.view import View

if TYPE_CHECKING:
    from attention.record import HeadView

KEY, FAILED = "edits", "edits-failed"
LOCAL_RUNS_ALONE = "The local layer stands alone: no later layer or prediction could change. Choose a trained model."
MOST = 4_000


def refusal(view: View) -> str:
    """Why this view's run cannot be changed, in a sentence; "" where it can."""
    return LOCAL_RUNS_ALONE if view.model.strip() == LOCAL else opened.refusal(view, "a changed run")


def unedited(view: View) -> View:
    """The same view of the run without changes."""
    return replace(view, edits=(), patch_text="")


def show(view: View, head_view: HeadView | None = None) -> None:
    """The changes of the run, each of which can be lifted; nothing where there are none. head_view: of the run with
    them, None where it failed.
    """
    if not view.edits:
        return
    data = given.listed(view.edits, view.model, head_view)
    if head_view is None:  # with a key of its own, for what failed may have failed behind the list
        heard = partial(_lifted, FAILED)
        components.mount("edits", data, key=FAILED, store=store.INSPECT, on_edits_change=heard)
    else:
        components.mount("edits", data, key=KEY, store=store.INSPECT, on_edits_change=partial(_lifted, KEY))


def _lifted(key: str) -> None:
    if (lines := boundary.said(key, "edits", str)) is not None:
        leave(lines)


def leave(lines: str) -> None:
    """Run with these changes alone, as a link writes them; what is none does nothing."""
    if len(lines) > MOST:
        return
    try:
        left = edits_of(lines)
    except InputError:  # no page of ours says such a thing
        return
    prompt_bar.change_to(edits=left)
