"""The page that a browser gets first also names what it will need: parts of Streamlit's that are drawn here, and ours.

Streamlit's browser code fetches a part when an element of that kind is first drawn, and each component of ours asks for
what is delivered when it is shown: one after the other, while nothing else is to be done. Here the page fetches them as
soon as its own code has run, while the server makes the first elements; earlier they would be in that code's way.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from attention.assets import PRELOAD

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MARK = "headlight_preloads"
# What a first page draws, by the names of Streamlit's own files; what a version of Streamlit does not have is left out.
PARTS = ("BidiComponent", "Html")
SCRIPTS = "static/js"
IMPORTED = re.compile(r"""\b(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
HEAD = "</head>"


def install(own: Callable[[], tuple[str, ...]]) -> None:
    """Have this process's Streamlit name them in its page; more than once is the same as once. own: the addresses of
    ours, relative to the page.
    """
    if not hasattr(StaticFiles.__call__, MARK):
        StaticFiles.__call__ = _calling(StaticFiles.__call__, own)  # type: ignore[method-assign]


def _calling(original: Callable[..., Any], own: Callable[[], tuple[str, ...]]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def call(self: StaticFiles, scope: Scope, receive: Receive, send: Send) -> None:
        index = getattr(self, "_index_path", None)  # only Streamlit's own files have one
        if index is None or scope["type"] != "http":
            await original(self, scope, receive, send)
            return
        response = await self.get_response(self.get_path(scope), scope)
        await _naming(response, Path(index), own)(scope, receive, send)

    setattr(call, MARK, True)
    return call


def _naming(response: Response, index: Path, own: Callable[[], tuple[str, ...]]) -> Response:
    """The page with the names in it, where this is the page; anything else as it is."""
    if not isinstance(response, FileResponse) or Path(response.path) != index:
        return response
    return HTMLResponse(page(index, own()), headers={"Cache-Control": "no-cache"})


@functools.cache
def page(index: Path, own: tuple[str, ...]) -> str:
    """Streamlit's page, which fetches these and its own parts once it has been loaded."""
    text = index.read_text(encoding="utf-8")
    listed = [*own, *(f"./{SCRIPTS}/{name}" for name in files(index.parent / SCRIPTS) if name not in text)]
    script = f'<script src="./app/static/{PRELOAD.name}" data-named="{html.escape(json.dumps(listed))}"></script>\n'
    return text.replace(HEAD, script + HEAD, 1)


def files(folder: Path, parts: tuple[str, ...] = PARTS) -> list[str]:
    """The files of these parts and all that they import, each once."""
    found: dict[str, None] = {}
    waiting = [path.name for part in parts for path in sorted(folder.glob(f"{part}.*.js"))]
    while waiting:
        name = waiting.pop(0)
        if name not in found and (folder / name).is_file():
            found[name] = None
            waiting += _imported((folder / name).read_text(encoding="utf-8"))
    return list(found)


def _imported(source: str) -> Iterator[str]:
    return (match[1] for match in IMPORTED.finditer(source))
