"""The foot: what ran, how large it is, and what was checked; a failed check becomes a warning in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attention.browser import parts
from attention.sentences import UNTRAINED, count, facts, head_check, run_check, size, title, trained
from attention.ui import components
from attention.ui.problems import seen

if TYPE_CHECKING:
    from attention.record import HeadView

__all__ = ["UNTRAINED", "count", "facts", "head_check", "run_check", "show", "size", "title", "trained"]


def show(head_view: HeadView, *, key: str) -> None:
    """Draw the foot of this head and its trace. key: the component's, where a page has several."""
    trace = head_view.trace
    lines = [
        [("plain", seen(" · ".join(facts(trace))))],
        *([("plain", seen(note))] for note in trace.notes),
        [_mark(*head_check(head_view.error)), _mark(*run_check(trace.fidelity))],
    ]
    components.mount("words", parts.words("foot", lines), key=key)


def _mark(holds: bool | None, sentence: str) -> tuple[str, str]:
    """The sentence with a sign and its sort; colour is never the only difference. It hides nothing: a model names
    itself.
    """
    sort, sign = {True: ("good", "✓"), False: ("bad", "⚠"), None: ("open", "–")}[holds]
    return sort, f"{sign} {seen(sentence)}"
