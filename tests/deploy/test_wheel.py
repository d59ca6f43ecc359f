"""The wheel, built and installed in an environment of its own outside the checkout: command line, notebook, page.

What Headlight stands on is not installed again: the environment finds it where these tests have it.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import attention
from attention.cli.trace import answer_of
from attention.models import download
from tools.serving import ROOT, end, free_port
from tools.site import OURS, answers

APP_FOLDERS = ("assets", "pages", "static")
TEXT = "The cat sat."
START_SECONDS, SECONDS = 180, 240
TRACED = ["--model", "storyteller", "--text", TEXT, "--layer", "1", "--head", "2", "--export", "cat.html"]
NOTEBOOK = f"""
import attention, json
head = attention.trace("storyteller", {TEXT!r}).head(0, 1)
print(json.dumps(head._repr_mimebundle_()))
"""
# Scripts with their arguments, each as Python would run it. They share a process: what they load takes five seconds.
IN_TURN = """
import json, runpy, sys
for script in json.loads(sys.argv[1]):
    sys.argv = script
    try:
        runpy.run_path(script[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


@dataclass
class Installed:
    """An environment with the wheel in it, and an empty folder to be in."""

    bin: Path
    here: Path

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "PYTHON", "VIRTUAL"))}
        return clean | {"HOME": str(self.here), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], cwd=self.here, env=self.environment(), capture_output=True,
            text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@dataclass
class Said:
    """What was said in the environment, each one's line of JSON."""

    trace: dict[str, Any]
    models: list[dict[str, Any]]
    notebook: dict[str, str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    root = tmp_path_factory.mktemp("installed")
    venv.create(root / "venv", symlinks=True)
    python = root / "venv" / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-index", "--no-compile", str(wheel))
    (own,) = (root / "venv" / "lib").glob("python*/site-packages")
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (root / "here").mkdir()
    return Installed(python.parent, root / "here")


@pytest.fixture(scope="module")
def said(installed: Installed) -> Said:
    """By two commands and a notebook."""
    command, notebook = str(installed.bin / "headlight"), installed.here / "notebook.py"
    notebook.write_text(NOTEBOOK, encoding="utf-8")
    scripts = [[command, "trace", *TRACED], [command, "models"], [str(notebook)]]
    return Said(*map(json.loads, installed.run("python", "-c", IN_TURN, json.dumps(scripts)).splitlines()))


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_wheel_holds_the_package_and_the_app_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name and not made(name)}
    files = [path for folder in (*APP_FOLDERS, "attention") for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = [path.relative_to(ROOT) for path in files if path.suffix != ".pyc" and not made(path.name)]
    package = {path.as_posix() for path in files if path.parts[0] == "attention"}
    app = {path.as_posix() for path in files if path.parts[0] != "attention"} | {"app.py", ".streamlit/config.toml"}
    assert names == package | {f"attention/_app/{name}" for name in app}


def made(name: str) -> bool:
    """Whether an app that was started here, by another test say, makes this file of others for its visitors."""
    return "delivered.js" in name


def test_it_is_found_outside_the_checkout_and_so_is_all_that_is_no_module(installed: Installed) -> None:
    code = (
        "import json, sys, attention; from attention import assets, catalogue, config;"
        "print(json.dumps([attention.__file__, str(assets.ROOT), str(catalogue.BUNDLED), str(config.FILE), sys.path]))"
    )
    package, root, bundled, settings, path = json.loads(installed.run("python", "-c", code))
    folder = installed.bin.parent
    assert Path(package).is_relative_to(folder)
    assert Path(root) == Path(package).parent / "_app"
    assert Path(bundled).is_relative_to(root)
    assert Path(settings) == installed.here / ".streamlit" / "headlight.toml"
    assert str(ROOT) not in path


def test_the_command_line_says_what_it_says_in_the_checkout(installed: Installed, said: Said) -> None:
    here = attention.trace("storyteller", TEXT)
    assert said.trace["checks"]["ok"] is True
    rows = answer_of(here, here.head(1, 2), top=3)["rows"]
    assert [named(row) for row in said.trace["rows"]] == [named(row) for row in rows]
    # With another number of threads the last digit may be another.
    assert weights(said.trace["rows"]) == pytest.approx(weights(rows), abs=1e-5)
    assert said.trace["tokens"] == [str(token) for token in here.tokens]
    assert b"<script" in (installed.here / "cat.html").read_bytes()
    found = {one["id"]: one for one in said.models}
    assert found["storyteller"]["where"] == "bundled"
    assert found["storyteller"]["parameters"] > 0
    ways = (["headlight"], ["python", "-m", "attention"])
    links = [installed.run(*way, "link", "--text", TEXT) for way in ways]
    assert links[0] == links[1] == "http://localhost:8501/?v=1&model=storyteller&text=The+cat+sat.\n"


def named(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["query"], row["token"], [(key["key"], key["token"]) for key in row["keys"]]


def weights(rows: list[dict[str, Any]]) -> list[float]:
    return [key["weight"] for row in rows for key in row["keys"]]


def test_a_notebook_shows_a_head(said: Said) -> None:
    assert set(said.notebook) == set(attention.trace("storyteller", TEXT).head(0, 1)._repr_mimebundle_())
    assert "<iframe" in said.notebook["text/html"]


def test_what_fetches_models_finds_the_package_and_no_other(installed: Installed, tmp_path: Path) -> None:
    """The process of a download knows nothing but its program; a package of the same name may lie in its way."""
    (installed.here / "attention.py").write_text("raise SystemExit(3)", encoding="utf-8")
    try:
        code = "from attention.models import download; print(download.PROGRAM)"
        program = installed.run("python", "-P", "-c", code).replace("main()", "print(attention.__file__)")
        said = installed.run("python", "-c", program)
    finally:
        (installed.here / "attention.py").unlink()
    assert Path(said.strip()).is_relative_to(installed.bin.parent)
    assert str(ROOT) in download.PROGRAM


@pytest.mark.browser
def test_the_page_is_painted_by_what_the_wheel_brought(installed: Installed, page, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log.txt"
    loaded: dict[str, int] = {}
    page.on("response", lambda answer: loaded.update({answer.url: answer.status}))
    with log.open("wb") as out:
        command = [installed.bin / "headlight", "--port", str(port), "--no-browser"]
        process = subprocess.Popen(
            command, cwd=installed.here, env=installed.environment(), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}/_stcore/health"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        page.goto(f"http://127.0.0.1:{port}/?v=1&model=storyteller&layer=1&head=1")
        page.get_by_role("textbox").first.wait_for(timeout=SECONDS * 1000)
        font = page.evaluate("() => document.fonts.ready.then(() => document.fonts.check('16px \"Source Sans 3\"'))")
    finally:
        page.close()
        end(process)
    own = {url: status for url, status in loaded.items() if "/app/static/" in url}
    assert any(".js" in url for url in own)
    assert any(url.endswith(".woff2") for url in own)
    assert set(own.values()) == {200}
    assert font
    assert "Traceback" not in log.read_text(encoding="utf-8")
