"""The page names files that are there, and nothing that it has named already."""

import asyncio
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.staticfiles import StaticFiles
from streamlit import file_util
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_handler

from attention.ui import preload

STATIC = Path(file_util.get_static_dir())
INDEX = STATIC / "index.html"
OWN = ('./app/static/delivered.js?v=1"></script>',)


def listed(page: str) -> list[str]:
    found = re.search(r'<script src="./app/static/preload.js" data-named="([^"]*)"></script>', page)
    assert found
    names: list[str] = json.loads(html.unescape(found[1]))
    return names


def test_the_page_names_ours_and_files_of_streamlits_that_are_there() -> None:
    page = preload.page(INDEX, OWN)
    names = listed(page)
    assert names[0] == OWN[0]
    assert page.count("</script>") == INDEX.read_text().count("</script>") + 1
    for part in preload.PARTS:
        assert any(name.startswith(f"./static/js/{part}.") for name in names), part
    before = INDEX.read_text()
    for name in names[1:]:
        assert (STATIC / name).is_file()
        assert Path(name).name not in before
    assert page.replace(page[page.index('<script src="./app/static/preload.js"') : page.index("</head>")], "") == before


def test_all_that_a_part_imports_is_found(tmp_path: Path) -> None:
    (tmp_path / "A.1.js").write_text('import{a}from"./B.2.js";import"./C.3.js";export{a};import("./Lazy.4.js")')
    (tmp_path / "B.2.js").write_text("import { c } from './C.3.js'; export const a = c;")
    for name in ("C.3.js", "Lazy.4.js", "Other.5.js"):
        (tmp_path / name).write_text("export const c = 1;")
    assert preload.files(tmp_path, ("A", "None")) == ["A.1.js", "B.2.js", "C.3.js"]


def asked(path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    """What Streamlit's own handler answers."""
    handler = create_streamlit_static_handler(str(STATIC), "")
    told: list[Any] = []
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": [], "query_string": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(handler(scope, receive, send))
    return told[0]["status"], dict(told[0]["headers"]), b"".join(one.get("body", b"") for one in told[1:])


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StaticFiles, "__call__", getattr(StaticFiles.__call__, "__wrapped__", StaticFiles.__call__))
    preload.install(lambda: OWN)
    once = StaticFiles.__call__
    preload.install(lambda: ())
    assert StaticFiles.__call__ is once


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("path", ["/", "/models", "/index.html"])
def test_every_page_has_them_and_no_browser_keeps_it(path: str) -> None:
    status, headers, body = asked(path)
    assert (status, headers[b"cache-control"]) == (200, b"no-cache")
    assert headers[b"content-type"].startswith(b"text/html")
    assert body.decode() == preload.page(INDEX, OWN)


@pytest.mark.usefixtures("_installed")
def test_everything_else_is_as_it_was() -> None:
    name = preload.files(STATIC / preload.SCRIPTS)[0]
    status, headers, body = asked(f"/static/js/{name}")
    assert (status, body) == (200, (STATIC / preload.SCRIPTS / name).read_bytes())
    assert b"immutable" in headers[b"cache-control"]
    assert asked("//evil")[0] == 400
