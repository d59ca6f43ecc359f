"""The image's steps, run in a clean environment: what it copies, what it installs, how it starts, and a page from it.

No Docker is needed, and no image is built. The virtual environment is made anew by the image's own script and by pip,
which resolves and checks the real metadata. The packages' files are not unpacked again: they are linked from where they
lie for these tests, those of what pip installed alone. That the index has the files is what `make test` begins with.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import standing
from tests.deploy.dockerfile import Stage, ours
from tools.serving import ROOT, end, free_port
from tools.site import answers

pytestmark = pytest.mark.browser

BUILD, FINAL = ours()
START_SECONDS, SECONDS = 180, 120


@dataclass
class Machine:
    """A folder that stands for the image: the app in one part, Python in another. environment: all there is."""

    app: Path
    environment: dict[str, str]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.app, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )

    def files(self) -> set[str]:
        return {path.relative_to(self.app).as_posix() for path in self.app.rglob("*")}


def copy(stage: Stage, app: Path) -> None:
    """What the stage copies from the checkout, without what .dockerignore leaves out."""
    app.mkdir()
    skip = shutil.ignore_patterns("__pycache__", "*.pyc", "secrets.toml")
    for sources, target in stage.copied():
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, app / target, ignore=skip)
            else:
                (app / target).mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / source, app / target)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Built as the Dockerfile says: its two stages, below a folder of this machine."""
    root = tmp_path_factory.mktemp("image")
    build, app, venv = root / "build", root / "headlight", root / "venv"
    wheels, path = root / "wheels", "/usr/local/bin:/usr/bin:/bin"
    clean = {"PATH": path, "HOME": str(root), "PYTHON": sys._base_executable}
    try:
        wheels.mkdir()
        standing.make(wheels)
        copy(BUILD, build)
        command, deliver = BUILD.of("RUN")
        script, place = re.fullmatch(r"PIP_NO_CACHE_DIR=1 (\S+) (\S+)", command).groups()
        near = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        done = Machine(build, clean | near).run(script, str(venv))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert "No broken requirements found" in done.stdout
        (site,) = (venv / "lib").glob("python*/site-packages")
        standing.link(site)
        _, *deliver = shlex.split(deliver)
        made = Machine(build, clean).run(clean["PYTHON"], *deliver)
        assert made.returncode == 0, made.stderr[-2000:]
        copy(FINAL, app)
        shutil.copytree(build / "static", app / "static")
        environment = {
            name: value.replace(place, str(venv)).replace("$PATH", path).replace("/models", str(root / "models"))
            for name, value in FINAL.environment().items()
        }
        local = {"PORT": str(free_port()), "ADDRESS": "127.0.0.1", "HOME": str(root), "HF_HUB_OFFLINE": "1"}
        yield Machine(app, environment | local | {"STREAMLIT_SERVER_BASE_URL_PATH": ""})
    finally:
        shutil.rmtree(root)


def test_what_is_pinned_is_there_and_nothing_of_the_tests(machine: Machine):
    tools = {"pytest", "playwright", "hypothesis", "ruff", "mypy"}
    code = (
        "import json; from importlib.metadata import distributions; from importlib.util import find_spec;"
        "listed = {one.metadata['Name']: one.version for one in distributions()};"
        f"print(json.dumps([listed, [name for name in {sorted(tools)} if find_spec(name)]]))"
    )
    listed, found_tools = json.loads(machine.run(machine.environment["PYTHON"], "-c", code).stdout)
    found = {name.lower().replace("_", "-"): version for name, version in listed.items()}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            wanted, _, version = line.partition("==")
            name = wanted.partition("[")[0]
            assert found[name.replace("_", "-")].partition("+")[0] == version
    assert not tools & set(found)
    assert found_tools == []


def test_it_serves_a_checked_page_is_healthy_and_writes_nothing_beside_itself(machine: Machine, open_page, tmp_path):
    before = machine.files()
    python = machine.environment["PYTHON"]
    assert machine.run(python, "deploy/health.py").returncode == 1
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [machine.app / "deploy" / "start.sh"], env=machine.environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{machine.environment['PORT']}/_stcore/health"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        assert machine.run(python, "deploy/health.py").returncode == 0
        page = open_page(f"http://127.0.0.1:{machine.environment['PORT']}/?v=1&model=storyteller&layer=1&head=1")
        page.get_by_text("equal to the model’s own").first.wait_for(timeout=SECONDS * 1000)
        page.wait_for_selector(".hl-foot", timeout=SECONDS * 1000)
        page.close()
    finally:
        end(process)
    told = log.read_text(encoding="utf-8")
    assert re.search(r"^public +true +HEADLIGHT_PUBLIC$", told, re.MULTILINE)
    assert told.count("Headlight's settings:") == 1
    assert "Traceback" not in told
    assert machine.files() == before


def test_wrong_settings_end_it_with_one_sentence(machine: Machine):
    wrong = Machine(machine.app, machine.environment | {"HEADLIGHT_MODELS": "gpt-5"})
    done = wrong.run("deploy/start.sh")
    assert done.returncode == 2
    assert "names 'gpt-5', which is not in the catalogue" in done.stderr
    assert "Traceback" not in done.stderr
