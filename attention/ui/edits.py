"""What is changed while the model runs: the list of the changes, and why there can be none. The changes themselves are
made in the browser, with the controls of the head in view, and come as a change of the look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from attention.browser import edits as given
from attention.browser import store
from attention.catalogue import LOCAL
from attention.edits import Edit, edits_of
from attention.errors import InputError
from attention.ui import boundary, components, opened, prompt_bar
from attention.view import View

if TYPE_CHECKING:
    from attention.record import HeadView

LOCAL_RUNS_ALONE = "The local layer stands alone: no later layer or prediction could change. Choose a trained model."
MOST = 4_000
Leave = Callable[[tuple[Edit, ...]], None]


def refusal(view: View) -> str:
    """Why this view's run cannot be changed, in a sentence; "" where it can."""
    return LOCAL_RUNS_ALONE if view.model.strip() == LOCAL else opened.refusal(view, "a changed run")


def unedited(view: View) -> View:
    """The same view of the run without changes."""
    return replace(view, edits=(), patch_text="")


def _leave(left: tuple[Edit, ...]) -> None:
    prompt_bar.change_to(edits=left)


def show(
    view: View, head_view: HeadView | None = None, *, key: str, of: str = store.INSPECT, leave: Leave = _leave
) -> None:
    """The changes of the run, each of which can be lifted; nothing where there are none. head_view: of the run with
    them, None where it failed. key, of: the component's key, and the store of its figures. leave: runs with the
    changes that are left.
    """
    if not view.edits:
        return
    # With a key of its own where the run failed, for what failed may have failed behind the list.
    key = key if head_view is not None else f"{key}-failed"
    data = given.listed(view.edits, view.model, head_view)
    components.mount("edits", data, key=key, store=of, on_edits_change=partial(_lifted, key, leave))


def _lifted(key: str, leave: Leave) -> None:
    lift(boundary.said(key, "edits", str), leave)


def lift(lines: str | None, leave: Leave = _leave) -> None:
    """Run with these changes alone, as a link writes them; what is none does nothing."""
    if lines is None or len(lines) > MOST:
        return
    try:
        left = edits_of(lines)
    except InputError:  # no page of ours says such a thing
        return
    leave(left)
