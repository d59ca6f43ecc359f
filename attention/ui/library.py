"""The models page: what is offered, what is here and how large it is; each is one click from the inspector."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from attention.catalogue import LOCAL, ModelEntry, find, is_offered, offered
from attention.config import MEGABYTE, Limits, variable
from attention.errors import HeadlightError
from attention.ui import foot, picker, prompt_bar, sizes, start, state, warmup
from attention.ui.problems import describe_problem, seen

if TYPE_CHECKING:
    from attention.models import ModelCard
    from attention.models.store import Own, Stored

OWN, TOLD = "own-model", "headlight.library-told"
INSPECT = "pages/inspect.py"
STATES = {
    "whole": "on this computer",
    "part": "half downloaded; it goes on when it is opened",
    "other": "on this computer, in a form that Headlight does not open",
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One model of the library. model: what the picker takes. facts: short, in their order. card: a text of ours or "".

    link: the model's page on the hub, or "". removable: the hub id that may be removed from this machine, or "".
    """

    model: str
    title: str
    facts: tuple[str, ...]
    about: str = ""
    card: str = ""
    link: str = ""
    removable: str = ""
    opens: bool = True


def draw() -> None:
    """The whole page below the bar."""
    _told()
    _bring()
    ready = warmup.ready()
    here = {one.id: one for one in _downloaded()} if ready else {}
    others = [_hub_item(one.id, None, one) for one in here.values() if find(one.id) is None and _may_open(one.id)]
    _section("In the box", "They come with Headlight and need no network.", _boxed(ready))
    _section("On the hub", "Fetched when first opened; from then on they are read from this computer.", _offered(here))
    _section("Downloaded as well", "Other models of the hub that lie on this computer.", others)
    _own_section(ready)
    warmup.gate()


def _may_open(id: str) -> bool:
    return is_offered(id, Limits.from_environment())


def _bring() -> None:
    """The box for what is not in the library, where the host allows that at all."""
    limits = Limits.from_environment()
    if not limits.any_model and limits.local_root is None:
        return
    form = st.form("bring", border=False)
    with form, st.container(key="bring-line", horizontal=True, vertical_alignment="bottom", gap="small"):
        named = st.text_input(
            "Bring your own", key=OWN, placeholder=_example(limits),
            help="Any model with softmax attention whose weights are safetensors, also a LoRA adapter."
            + (" organisation/name@revision opens one fixed version of it." if limits.any_model else ""),
        )  # fmt: skip
        asked = st.form_submit_button("Open in the inspector")
    if asked and named.strip():
        _open(named.strip())


def _example(limits: Limits) -> str:
    may = [*(["organisation/name"] if limits.any_model else []), "./folder"]
    return " or ".join(may if limits.local_root or not limits.public else may[:1])


def _section(title: str, about: str, items: list[Item]) -> None:
    if not items:
        return
    name = title.lower().replace(" ", "-")
    st.html(f'<h2 class="hl-library">{html.escape(title)}</h2><p class="hl-library">{html.escape(about)}</p>')
    with st.container(key=f"library-{name}", horizontal=True, gap="small"):
        for number, item in enumerate(items):
            _item(item, f"{name}-{number}")


def _item(item: Item, key: str) -> None:
    # Titles, ids and licences may be a stranger's: escaped here with nothing hidden, and never a label of a widget.
    with st.container(key=f"item-{key}", gap="xxsmall"):
        st.html(
            f'<div class="hl-item"><strong>{html.escape(seen(item.title))}</strong>'
            f"<span>{html.escape(seen(' · '.join(item.facts)))}</span><p>{html.escape(seen(item.about))}</p></div>"
        )
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            if item.opens and st.button("Inspect", key=f"open-{key}"):
                _open(item.model)
            if item.card:
                with st.popover("Card", type="tertiary"):
                    st.markdown(item.card)
            if item.link:
                st.link_button("Card ↗", item.link, type="tertiary", help="The model's page on the hub")
            if item.removable:
                _remove(item, key)


def _remove(item: Item, key: str) -> None:
    with st.popover("Remove", type="tertiary"):
        st.text(f"{seen(item.removable)} is deleted from this computer. It can be fetched again.")
        st.button("Remove it", key=f"remove-{key}", on_click=_removed, args=(item.removable,))


def _removed(id: str) -> None:
    from attention.models.store import remove

    try:
        freed = remove(id, Limits.from_environment())
        picker.forget()
        st.session_state[TOLD] = f"{seen(id)} was removed; {freed / MEGABYTE:,.0f} MB are free again."
    except HeadlightError as err:
        st.session_state[TOLD] = f"⚠ {describe_problem(err)}"


def _told() -> None:
    """What the last removal came to, once."""
    if told := st.session_state.pop(TOLD, ""):
        with st.container(key="notices"):
            st.text(told)


def _open(model: str) -> None:
    """To the inspector, with this model."""
    view = state.current()
    prompt_bar.change_to(**start.to_model(view, model))
    state.sync()
    st.switch_page(INSPECT, query_params=st.query_params.to_dict())


def _boxed(ready: bool) -> list[Item]:
    return [
        Item(
            model=entry.id, title=entry.title, about=entry.about, card=_readme(entry),
            facts=(*(_facts_of(entry.id) if ready else (entry.family,)), entry.licence),
        )
        for entry in offered(Limits.from_environment())
        if entry.path or entry.id == LOCAL
    ]  # fmt: skip


def _offered(here: dict[str, Stored]) -> list[Item]:
    listed = [entry for entry in offered(Limits.from_environment()) if entry.path is None and entry.id != LOCAL]
    return [_hub_item(entry.id, entry, here.get(entry.id)) for entry in listed]


def _hub_item(id: str, entry: ModelEntry | None, stored: Stored | None) -> Item:
    card = stored.card if stored else None
    facts = list(_sizes(card)) if card else [entry.family] if entry else []
    licence = (card.licence if card else None) or (entry.licence if entry else None)
    facts += [licence] if licence else []
    facts.append(f"{sizes.said(stored.bytes)}, {STATES[stored.state]}" if stored else "not downloaded yet")
    return Item(
        model=id,
        title=entry.title if entry else id,
        facts=tuple(facts),
        about=entry.about if entry else "",
        link=_hub_page(id),
        removable=id if stored and Limits.from_environment().may_remove else "",
        opens=stored is None or stored.state != "other",
    )


def _own_section(ready: bool) -> None:
    limits = Limits.from_environment()
    about = f"In the folder that {variable('model_folder')} names, as save_pretrained writes them."
    if limits.local_root is None:
        if limits.public:  # how a host sets this up is nothing for strangers
            return
        st.html(
            '<h2 class="hl-library">Your own</h2><p class="hl-library">Start Headlight with '
            f"<code>{variable('model_folder')}=folder</code> to open models that lie in a folder of yours.</p>"
        )
        return
    if ready:
        _section("Your own", about, [_own_item(one) for one in _own(limits)])


def _own_item(own: Own) -> Item:
    facts = _sizes(own.card) if own.card else ("cannot be opened",)
    size = sizes.said(own.bytes)
    return Item(model=own.id, title=own.id, facts=(*facts, size), about=own.problem, opens=own.card is not None)


def _sizes(card: ModelCard) -> tuple[str, ...]:
    """Architecture, layers × heads and parameters."""
    count = f"{foot.count(card.parameters)} parameters" if card.parameters else ""
    return tuple(filter(None, (card.architecture, card.layers_and_heads, count)))


def _readme(entry: ModelEntry) -> str:
    """The card that lies beside a bundled model, without the table of keys before it."""
    path = entry.path / "README.md" if entry.path else None
    if path is None or not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    return text.split("---\n", 2)[2] if text.startswith("---\n") else text


def _hub_page(id: str) -> str:
    import os

    return f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co')}/{id}"


@st.cache_data(show_spinner=False)
def _facts_of(model: str) -> tuple[str, ...]:
    """Architecture, layers × heads and parameters of what comes with Headlight."""
    from attention.models import inspect, parse

    limits = Limits.from_environment()
    ref = parse(model, limits)
    if not ref.built_in:
        return _sizes(inspect(ref, limits))

    from attention import local

    facts = local.facts(local.build())
    return facts.architecture, foot.size(facts), f"{foot.count(facts.n_parameters or 0)} parameters"


def _downloaded() -> tuple[Stored, ...]:
    from attention.models.store import downloaded

    return downloaded()


def _own(limits: Limits) -> tuple[Own, ...]:
    from attention.models.store import own

    return own(limits)
