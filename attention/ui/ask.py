"""The top of the page: the sentence, the model, samples to try, and the second text, folded away."""

from __future__ import annotations

from typing import Any

import streamlit as st

from attention.catalogue import find, models, samples
from attention.errors import InputError
from attention.ui import components, payloads, state
from attention.view import View, change

PROMPT, MODEL, PAIR, FACTS = "prompt", "model", "pair", "headlight.facts"
# Streamlit strips spaces off a text, the non-breaking ones too, and what is empty takes no line.
BLANK = "\N{ZERO WIDTH SPACE}"
HINT = "Or type a hub id or a folder."


def draw(view: View) -> Any:
    """Draw the top and return the place for the line under the model's name."""
    sentence, model = st.columns([4, 1], gap="small")
    with sentence:
        components.mount("prompt", payloads.prompt(view.text), key=PROMPT, on_text_change=_typed)
    with model, st.container(key="picker", gap=None):
        _picker(view)
        place = st.empty()
        # The last line until the new one is known, so that nothing moves.
        model, line = st.session_state.get(FACTS, ("", ""))
        facts(place, view, line if model == view.model else "")
        entry = find(view.model)
        # The hint first: a narrow page shows only the beginning until the picker is pointed at.
        st.caption(f"{HINT} {entry.about}" if entry else HINT)
    _samples(view)
    return place


def facts(place: Any, view: View, line: str) -> None:
    """Put the line about the view's model in its place."""
    st.session_state[FACTS] = (view.model, line)
    place.text(line or BLANK)


def titles(view: View) -> dict[str, str]:
    """Model ids by what the picker shows; a model from outside the catalogue shows as it was named."""
    known = {entry.title: entry.id for entry in models()}
    return known if view.model in known.values() else {**known, view.model: view.model}


def change_to(**changes: Any) -> None:
    """Go to the view with these changes; what cannot be becomes a notice, and the view stays."""
    view = state.current()
    try:
        state.go(change(view, **changes))
    except InputError as err:
        state.settle(view, [str(err)])


def _typed() -> None:
    text = st.session_state[PROMPT].get("text")
    if isinstance(text, str):
        change_to(text=text)


def _picker(view: View) -> None:
    shown = titles(view)
    st.session_state[MODEL] = next(title for title, model in shown.items() if model == view.model)
    st.selectbox(
        "Model", list(shown), key=MODEL, label_visibility="collapsed", accept_new_options=True, on_change=_picked,
        placeholder="A model, hub id or folder",
    )  # fmt: skip


def _picked() -> None:
    chosen = st.session_state[MODEL]
    if chosen and chosen.strip():
        change_to(model=titles(state.current()).get(chosen, chosen.strip()))


def _samples(view: View) -> None:
    with st.container(key="samples", horizontal=True, gap="xxsmall", vertical_alignment="center"):
        st.html('<span class="hl-try">Try</span>', width="content")
        for sample in samples():
            key = f"sample-{sample.name}"
            st.button(sample.label, key=key, help=sample.about, on_click=change_to, kwargs={"text": sample.text})
        _second(view)


def _second(view: View) -> None:
    """The second text: an encoder-decoder's own, or sentence B."""
    with st.popover("Second text: given" if view.pair else "Second text", type="tertiary"):
        st.session_state[PAIR] = view.pair
        st.text_area("Second text", key=PAIR, on_change=_paired, help="What a decoder has written, or sentence B.")


def _paired() -> None:
    change_to(pair=st.session_state[PAIR])
