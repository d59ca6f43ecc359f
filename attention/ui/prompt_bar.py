"""The top of the page: the sentence, the second text where a model takes one, the model, and what to try."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import streamlit as st

from attention.browser import parts, store
from attention.bundled import Shine, notes
from attention.catalogue import LOCAL, doubt, find, samples
from attention.config import Limits
from attention.errors import Beginning, InputError
from attention.ui import boundary, components, local_layer, opened, picker, start, state
from attention.ui.popover import lazy
from attention.ui.problems import seen
from attention.view import View, change

PROMPT, MODEL, PAIR, CHAT, SAMPLES = "prompt", "model", "pair", "chat", "samples"
FACTS, ASKED_B, SHINES = "headlight.facts", "headlight.sentence-b", "shines-open"
# What the top of the page was drawn of.
DRAWN = "headlight.drawn"
# Streamlit strips spaces off a text, the non-breaking ones too, and what is empty takes no line.
BLANK = "\N{ZERO WIDTH SPACE}"
# (title, placeholder) of the two boxes, by the family of the model.
TITLES = {
    "encoder-decoder": (("Source", "What the encoder reads"), ("Target", "Left empty, the model writes it itself")),
    "encoder": (("Sentence A", "Type a sentence"), ("Sentence B", "The second sentence")),
    "reader": (("Question", "What do you want to know?"), ("Text", "The text that holds the answer")),
}
ONE = "Sentence to look at"
OTHER = (("Sentence", "Type a sentence"), ("Second text", "This model takes one text: leave this empty"))


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the view's model from its last trace. line: the words under its name. family: "" unknown,
    "reader" for one that answers questions about a second text.

    chats: whether it has a chat template.
    """

    model: str = ""
    line: str = ""
    family: str = ""
    chats: bool = False


def draw(view: View) -> Any:
    """Draw the top and return the place for the line under the model's name."""
    st.session_state[DRAWN] = _drawn_of(view)
    sentence, model = st.columns([4, 1], gap="small")
    with sentence:
        _texts(view)
        if said := doubt(view.model, view.text):
            st.caption(said)
    with model, st.container(key="picker", gap=None):
        _picker(view)
        place = st.empty()
        # The last line until the new one is known, so that nothing moves.
        place.text(known(view).line or BLANK)
        entry = find(view.model)
        # A wide page shows it once the picker is pointed at or in use.
        with st.container(key="about"):
            st.text(" ".join(filter(None, (entry.about if entry else "", _hint()))))
    _offers(view)
    return place


def is_stale(view: View) -> bool:
    """Whether the top shows another model or text than the view: what is drawn by itself below may have changed it."""
    return bool(st.session_state.get(DRAWN, _drawn_of(view)) != _drawn_of(view))


def _drawn_of(view: View) -> tuple[str, str, str]:
    return view.model, view.text, view.pair


def known(view: View) -> Known:
    """What this session knows of the view's model."""
    found = st.session_state.get(FACTS, Known())
    return found if found.model == view.model else Known(model=view.model)


def learn(place: Any, found: Known) -> None:
    """Put the line about the model in its place; the page runs again where its boxes have to change."""
    before = st.session_state.get(FACTS, Known())
    st.session_state[FACTS] = found
    place.text(found.line or BLANK)
    drawn = before if before.model == found.model else Known()
    if _boxes(drawn) != _boxes(found) or drawn.chats != found.chats:
        st.rerun()


def _boxes(found: Known) -> str:
    """What decides how many boxes there are: the family, where only a run tells it."""
    return "" if find(found.model) else found.family


def titles(view: View) -> dict[str, str]:
    """Model ids by their titles in the picker; a model from outside what is offered has the name that it was given."""
    known = {choice.title: choice.model for choice in picker.choices()}
    name = seen(opened.title(view) if opened.is_opened(view) else view.model)
    return known if view.model in known.values() else {**known, name: view.model}


def change_to(**changes: Any) -> None:
    """Go to the view with these changes; what cannot be becomes a notice, and the view stays."""
    view = state.current()
    try:
        after, said = opened.left(view, change(view, **changes))
    except InputError as err:
        state.settle(view, [str(err)])
        return
    state.go(after)
    if said:
        state.settle(after, said)


def shorten(view: View, to: Beginning) -> None:
    """Put the beginning of a text that is too long into its box; for a button, beside the refusal of this view."""
    now = state.current()
    # Whoever typed on before the click has another text in the box by now, and keeps it.
    if _drawn_of(now) == _drawn_of(view):
        change_to(**{to.of: to.text})
        state.settle(state.current(), [f"The box now holds the first {to.size}; Undo brings the whole text back."])


def _typed() -> None:
    if (text := boundary.said(PROMPT, "text", str)) is not None:
        change_to(text=text)


def _picker(view: View) -> None:
    components.mount("picker", models(view), key=MODEL, on_model_change=_picked)


def models(view: View) -> bytes:
    """What the box of models is given for this view."""
    return parts.picker(_chosen(view), _groups(view), free=bool(_hint()))


def _chosen(view: View) -> str:
    return next(title for title, model in titles(view).items() if model == view.model)


def _groups(view: View) -> list[tuple[str, list[dict[str, str]]]]:
    """The picker's lines by the groups' names; one from outside what is offered comes first, in a group without one."""
    listed = picker.choices()
    lines = [(one.group, {"title": one.title, "id": one.model, "facts": ", ".join(one.facts)}) for one in listed]
    if view.model not in {one.model for one in listed}:
        lines.insert(0, ("", {"title": _chosen(view), "id": view.model, "facts": ""}))
    return [(name, [line for _, line in found]) for name, found in groupby(lines, key=lambda line: line[0])]


def _hint() -> str:
    """What may be typed into the picker here, in words; "" where only its list may be chosen from."""
    limits = Limits.from_environment()
    # At home a folder is named too while none is allowed yet: the refusal says how that is switched on.
    folder = limits.local_root is not None or (limits.any_model and not limits.public)
    may = [*(["a hub id"] if limits.any_model else []), *(["a folder"] if folder else [])]
    return f"Or type {' or '.join(may)}." if may else ""


def _picked() -> None:
    if (chosen := boundary.said(MODEL, "model", str)) is not None:
        pick(chosen)


def pick(chosen: str) -> None:
    """Go to the model of this title, or of the id or folder that somebody typed."""
    if name := chosen.strip():
        view = state.current()
        change_to(**start.to_model(view, titles(view).get(name, name)))


def _texts(view: View) -> None:
    """One box, or two side by side."""
    family = _family(view)
    first, second = TITLES.get(family, OTHER)
    two = _has_two(view, family)
    with st.container(key="texts", horizontal=True, gap="small"):
        label, title = (first[0], first[0]) if two else (ONE, "")
        data = parts.prompt(view.text, label=label, title=title, placeholder=first[1])
        components.mount("prompt", data, key=PROMPT, store=store.INSPECT, on_text_change=_typed)
        if two:
            side = "pair" if family == "encoder-decoder" else ""
            data = parts.prompt(view.pair, label=second[0], title=second[0], placeholder=second[1], count=side)
            components.mount("prompt", data, key=PAIR, store=store.INSPECT, on_text_change=_paired)


def _family(view: View) -> str:
    entry = find(view.model)
    return "" if view.model == LOCAL else entry.family if entry else known(view).family


def _has_two(view: View, family: str) -> bool:
    asked = family == "encoder" and st.session_state.get(ASKED_B) == view.model
    return bool(view.pair) or family in ("encoder-decoder", "reader") or asked


def _offers(view: View) -> None:
    """What to try: sentences, heads worth a look, and a second sentence."""
    with st.container(key="offers", horizontal=True, gap="xxsmall", vertical_alignment="center"):
        data = parts.samples(samples(view.model))
        components.mount("samples", data, key=SAMPLES, on_sample_change=_sampled)
        _shines(view)
        if view.model == LOCAL:
            local_layer.draw(view, change_to)
        if _family(view) == "encoder" and not _has_two(view, "encoder"):
            st.button("+ Sentence B", key="sentence-b", type="tertiary", on_click=_ask_for_b)
        if view.chat or known(view).chats:
            st.session_state[CHAT] = view.chat
            st.checkbox(
                "As a chat message", key=CHAT, on_change=_chat,
                help="Put the sentence into the model's own chat template, as what the user says.",
            )  # fmt: skip


def _sampled() -> None:
    if (name := boundary.said(SAMPLES, "sample", str)) is not None:
        take(name)


def take(name: str) -> None:
    """Go to this sample of the model's; a name that is none of them, as of another model's, does nothing."""
    model = state.current().model
    sample = next((one for one in samples(model) if one.name == name), None)
    if sample is not None:
        change_to(**start.to_sample(model, sample))


def _shines(view: View) -> None:
    """The heads that do something one can name, each with the text on which it does so best."""
    shines = notes(view.model).shines
    if not shines:
        return
    popover = lazy(f"{len(shines)} heads worth a look", key=SHINES)
    if not popover.open:
        return
    with popover, st.container(key="shines", gap="xxsmall"):
        for number, shine in enumerate(shines):
            name = f"{shine.name[:1].upper()}{shine.name[1:]} · layer {shine.layer}, head {shine.head}"
            st.button(name, key=f"shine-{number}", type="tertiary", on_click=_to_shine, args=(shine,))
            st.text(_about(shine))


def _to_shine(shine: Shine) -> None:
    change_to(**start.to_shine(shine))
    # Left open it would lie over what was chosen, on a phone over all of it.
    st.session_state[SHINES] = False


def _about(shine: Shine) -> str:
    told = ", as it was guided to" if shine.guided else ""
    where = f"{shine.text} → {shine.pair}" if shine.pair else shine.text
    return f"{shine.see[:1].upper()}{shine.see[1:]}{told}; score {shine.score:.2f}\n{where}"


def _ask_for_b() -> None:
    st.session_state[ASKED_B] = state.current().model


def _chat() -> None:
    change_to(chat=bool(st.session_state[CHAT]))


def _paired() -> None:
    if (pair := boundary.said(PAIR, "text", str)) is not None:
        change_to(pair=pair)
