"""The page's own components: registered once, mounted by key, fed with bytes.

Each lives in `assets/components/<name>/main.js` and `style.css`. Streamlit takes the files' text. Before it stands one
line with what the browser needs from here: the base path, the palettes, and a version of the modules in `static/`, so
that no browser keeps old ones. What those modules are delivered in is written once a process (`delivery.deliver`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

import streamlit as st

from attention import assets, delivery
from attention.assets import COMPONENTS
from attention.browser import codec
from attention.figures.palette import THEMES

NAMES = (
    "bar", "prompt", "run", "controls", "heads", "predicted", "sentence", "figures", "arithmetic", "map", "links",
    "dimensions", "pictures", "share", "file", "picker", "samples", "details",
    "words", "opener", "lesson", "runs", "build", "chooser", "difference", "changed", "matters", "writes", "why",
    "patch", "edits", "effect",
)  # fmt: skip
# Not in a shadow root: plotly puts its styles into the document's head, and the keyboard's way round one of Streamlit's
# dialogs leads past whatever lies in a shadow. What is only text or a button needs none.
OPEN = ("figures", "map", "pictures", "share", "file", "words", "opener", "difference")
# As wide as what stands in it, for something else stands beside it.
NARROW = ("samples", "opener")
# What a component is given that shows what its store holds.
NOTHING = codec.pack({})


def settings() -> str:
    """The line before each component's own code."""
    base = "/".join(["", *filter(None, str(st.get_option("server.baseUrlPath") or "").split("/"))])
    return assets.settings(base, THEMES, lessons=f"{base}/learn")


@cache
def is_delivered() -> bool:
    """Whether the shared modules come in one file; else each in its own."""
    return delivery.deliver()


@cache
def renderer(name: str) -> Callable[..., Any]:
    """The registered component of that name."""
    folder = COMPONENTS / name
    return st.components.v2.component(
        f"headlight.{name}",
        js=delivery.component(name, settings(), is_delivered=is_delivered()),
        css=(folder / "style.css").read_text(encoding="utf-8") + "\n",
        isolate_styles=name not in OPEN,
    )


def mount(
    name: str, data: bytes = NOTHING, *, key: str, store: str = "", **callbacks: Callable[[], None]
) -> Mapping[str, Any]:
    """Show one component. `callbacks` are on_<state or trigger>_change, called before the rerun.

    store: the name of the figure group that it belongs to: components of one name share what they show, and those of
    another know nothing of it. A component that shows nothing of a run needs none. One key has one store.
    """
    width = "content" if name in NARROW else "stretch"
    return renderer(name)(data=codec.with_store(data, store), key=key, width=width, **callbacks)


def style(css: str) -> None:
    """Put a style sheet on the page: a component of nothing else, so that a first visit asks for no more of Streamlit's
    code than components need.
    """
    _sheet(css)(key="style")


@cache
def _sheet(css: str) -> Callable[..., Any]:
    # One name has one content: two sheets may be equally long.
    name = sha256(css.encode()).hexdigest()[:16]
    return st.components.v2.component(f"headlight.style-{name}", css=css + "\n", isolate_styles=False)


for _name in NAMES:
    renderer(_name)
