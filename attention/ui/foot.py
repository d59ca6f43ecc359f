"""The foot: what ran, how large it is, and what was checked; a failed check becomes a warning in words."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import streamlit as st

from attention.payloads.words import UNTRAINED, count, facts, head_check, run_check, size, title, trained
from attention.ui.problems import seen

if TYPE_CHECKING:
    from attention.record import HeadView

__all__ = ["UNTRAINED", "count", "facts", "head_check", "run_check", "show", "size", "title", "trained"]


def show(head_view: HeadView) -> None:
    """Draw the foot of this head and its trace."""
    lines = [
        f"<p>{_written(' · '.join(facts(head_view.trace)))}</p>",
        *(f"<p>{_written(note)}</p>" for note in head_view.trace.notes),
        f"<p>{_mark(*head_check(head_view.error))} {_mark(*run_check(head_view.trace.fidelity))}</p>",
    ]
    st.html(f'<div class="hl-foot">{"".join(lines)}</div>')


def _written(text: str) -> str:
    """As markup that shows it as it is, and hides nothing: a model names itself."""
    return html.escape(seen(text))


def _mark(holds: bool | None, sentence: str) -> str:
    """The sentence with a sign and a class; colour is never the only difference."""
    kind, sign = {True: ("good", "✓"), False: ("bad", "⚠"), None: ("open", "–")}[holds]
    return f'<span class="hl-{kind}"{" role=alert" if holds is False else ""}>{sign} {_written(sentence)}</span>'
