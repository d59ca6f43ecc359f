"""The pages, the slim bar above them, and what holds for the whole page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import streamlit as st

from attention.assets import ASSETS
from attention.browser import parts, store
from attention.figures.palette import DARK, LIGHT, Palette
from attention.ui import boundary, components, share, state
from attention.view import is_of_second

# The keys of an address of the lessons (`static/lesson/address.js`).
OF_LESSONS = ("lesson", "step", "sentence", "article", "present")
COMPARE_PATH = "compare"
RAN = "headlight.ran"  # set once app.py has run in this session


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: its file, title and path in the address."""

    file: str
    title: str
    path: str


PAGES = (
    Page(file="pages/inspect.py", title="Inspect", path="inspect"),
    Page(file="pages/compare.py", title=state.COMPARE, path=COMPARE_PATH),
    Page(file="pages/build.py", title="Build", path="build"),
    Page(file="pages/learn.py", title="Learn", path="learn"),
    Page(file="pages/models.py", title="Models", path="models"),
)


def pages() -> list[Any]:
    """The pages for st.navigation, the first the default."""
    return [
        st.Page(page.file, title=page.title, url_path=page.path, default=index == 0) for index, page in enumerate(PAGES)
    ]


def style() -> None:
    """The style sheet of what Streamlit draws itself, with the colours to begin with; after it that of a frame inside
    another page, or else a projector's.

    The colours follow the system until the first component knows the theme that Streamlit really shows.
    """
    st.session_state[RAN] = True
    components.style(_sheet(is_embedded=bool(st.context.is_embedded)))


@cache
def _sheet(*, is_embedded: bool) -> str:
    light, dark = (_variables(palette) for palette in (LIGHT, DARK))
    colours = f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    sheets = ["page.css", "embedded.css" if is_embedded else "present.css"]
    written = "\n".join((ASSETS / sheet).read_text(encoding="utf-8") for sheet in sheets)
    return f"{colours}\n{written}"


def _variables(palette: Palette) -> str:
    plain = {name: value for name, value in asdict(palette).items() if isinstance(value, str)}
    return " ".join(f"--hl-{name}: {value};" for name, value in plain.items())


def bar(here: str) -> None:
    """The bar: name, pages, undo, redo, the link to what is shown, and the share panel where it is open; inside another
    page only the name and the way out of it. here: the title of the page that runs.
    """
    _enter()
    state.follow(here)
    first = PAGES[0].path
    listed = [
        {"title": page.title, "path": "" if page.path == first else page.path, "here": page.title == here}
        for page in PAGES
    ]
    shares = here == PAGES[0].title
    # The other pages keep their states themselves: there it would take back what is not in sight.
    undoes = here in (PAGES[0].title, state.COMPARE)
    steps = {"undo": undoes and state.can_undo(), "redo": undoes and state.can_redo()}
    data = parts.bar(listed, **steps, embedded=bool(st.context.is_embedded), shares=shares)
    heard = {
        "undo": state.undo, "redo": state.redo, "open": _ignore, "share": share.ask, "compare": state.compare_anew,
    }  # fmt: skip
    callbacks = {f"on_{name}_change": call for name, call in heard.items()}
    name = store.COMPARED[0] if here == state.COMPARE else store.INSPECT
    components.mount("bar", data, key="bar", store=name, **callbacks)
    asked = boundary.said("bar", "open", str) if boundary.said("bar", "compare", bool) is None else COMPARE_PATH
    target = next((page for page in PAGES if asked is not None and page.path == (asked or first)), None)
    if target is not None:
        st.switch_page(target.file, query_params=_carried(target))
    if shares:
        share.follow()


def _carried(target: Page) -> dict[str, str]:
    """What of the address means something on another page too; a place in the lessons does not, and a second side only
    where two are compared.
    """
    here = st.query_params.to_dict().items()
    kept = {key: value for key, value in here if key not in OF_LESSONS and not is_of_second(key)}
    return kept | state.carried_to(target.title)


def _enter() -> None:
    """Through app.py, where a page was run without app.py around it.

    Until some session has called st.navigation, Streamlit takes `pages/` for an app of its older kind and runs the page
    of an address by itself: so it would be for the first visitor of a process, when a link leads to a page.
    """
    if RAN not in st.session_state:
        st.navigation(pages(), position="hidden")
        st.rerun()


def _ignore() -> None:
    """The page is switched in the run, where Streamlit allows it."""
