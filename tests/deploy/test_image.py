"""The Dockerfile, what it copies, and the Compose file agree with the scripts that the tests run."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from attention import config
from tests.deploy.dockerfile import ROOT, ours, stages

BUILD, FINAL = ours()
DESCRIBED = {variable for *_, variable in config.describe()}


def test_nothing_is_built_in_the_image_that_runs():
    assert BUILD.image == FINAL.image == "${PYTHON_IMAGE}"
    assert BUILD.of("RUN") == [
        "PIP_NO_CACHE_DIR=1 deploy/install.sh /opt/headlight",
        'python3 -c "from attention import delivery; assert delivery.deliver()"',
    ]
    assert [rest for rest in FINAL.of("COPY") if rest.startswith("--from")] == [
        "--from=build /opt/headlight /opt/headlight", "--from=build /headlight/static static",
    ]  # fmt: skip
    (made,) = FINAL.of("RUN")
    assert not re.search(r"apt|pip|curl|gcc", made)


def test_the_indexes_are_arguments_that_are_empty_by_default():
    assert BUILD.of("ARG") == ['WHEEL_INDEX=""', 'TORCH_INDEX=""']
    script = (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    assert all(name in script for name in ("${WHEEL_INDEX:-}", "${TORCH_INDEX:-}"))


def test_it_does_not_run_as_root():
    words = [word for word, _ in FINAL.lines]
    assert FINAL.of("USER") == ["headlight"]
    assert "--uid 1000" in FINAL.of("RUN")[0]
    assert words.index("USER") < words.index("CMD")
    # What the app's user owns is the cache of models alone.
    assert [rest for rest in FINAL.of("RUN") if "chown" in rest] == FINAL.of("RUN")
    assert FINAL.of("RUN")[0].endswith("chown headlight:headlight /models")
    assert FINAL.of("VOLUME") == ["/models"] == [FINAL.environment()["HF_HOME"]]


def test_it_starts_and_asks_for_its_health_by_the_scripts():
    environment = FINAL.environment()
    assert json.loads(FINAL.of("CMD")[0]) == ["deploy/start.sh"]
    (health,) = FINAL.of("HEALTHCHECK")
    command = json.loads(health.partition("CMD ")[2])
    assert command == [environment["PYTHON"], "deploy/health.py"]
    assert FINAL.of("WORKDIR") == ["/headlight"]
    assert FINAL.of("EXPOSE") == [environment["PORT"]]
    assert environment["HEADLIGHT_PUBLIC"] == "1"
    for name in ("deploy/start.sh", "deploy/install.sh", "deploy/health.py"):
        assert (ROOT / name).is_file()
    assert all(os.access(ROOT / "deploy" / name, os.X_OK) for name in ("start.sh", "install.sh"))
    assert {name for name in environment if name.startswith("HEADLIGHT_")} <= DESCRIBED


def test_all_that_the_app_imports_is_copied_and_let_through():
    copied = {source.split("/")[0] for stage in (BUILD, FINAL) for sources, _ in stage.copied() for source in sources}
    assert all((ROOT / source).exists() for source in copied)
    needed = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))} & imported()
    assert needed | {"assets", "static", ".streamlit", "app.py", "LICENSE", "pages"} <= copied
    assert not copied & {"tests", "benchmarks", "tools", "docs", ".git", ".ci"}
    assert {line[1:] for line in ignored() if line.startswith("!")} == copied


def imported() -> set[str]:
    """The first names of all imports in what the image runs."""
    folders = ("attention", "pages", "deploy")
    files = [ROOT / "app.py", *(path for name in folders for path in (ROOT / name).rglob("*.py"))]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


def ignored() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_secrets_stay_outside():
    assert ignored()[0] == "*"
    last = [line for line in ignored() if fnmatch(".streamlit/secrets.toml", line.lstrip("!"))][-1]
    assert last == ".streamlit/secrets.toml"


@pytest.mark.parametrize("text", ["ADD x y", "FROM a\nSHELL x", "FROM a\nrun x"])
def test_the_reader_refuses_what_it_does_not_know(text: str):
    with pytest.raises(ValueError, match="is not known here"):
        stages(text)


def compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_sets_only_what_there_is():
    app, proxy = compose()["services"]["app"], compose()["services"]["proxy"]
    assert set(app["build"]["args"]) == {rest.partition("=")[0] for rest in BUILD.of("ARG")}
    script = (ROOT / "deploy" / "nginx" / "render.sh").read_text(encoding="utf-8")
    for name in set(proxy["environment"]) - {"COUNT"}:
        assert re.search(rf"^#\s+(\S+, )?{name}\b", script, re.MULTILINE)
    assert proxy["environment"]["FILE_MB"] == app["environment"]["HEADLIGHT_FILE_MB"]
    assert proxy["environment"]["BASE"] == app["environment"]["STREAMLIT_SERVER_BASE_URL_PATH"]
    assert proxy["environment"]["COUNT"] == app["deploy"]["replicas"]


def test_compose_passes_every_setting_on():
    """With a value of its own, or without one: then it is set in the container only where it is outside."""
    environment = compose()["services"]["app"]["environment"]
    ours = {name: value for name, value in environment.items() if name.startswith("HEADLIGHT_")}
    assert set(ours) == DESCRIBED
    given = {name: re.fullmatch(r"\$\{(\w+):-(.*)\}", value) for name, value in ours.items() if value is not None}
    assert {name: match and match[1] for name, match in given.items()} == {name: name for name in given}
    defaults = {name: match[2] for name, match in given.items() if match}
    assert config.Limits.from_environment(defaults).public, "as they stand they go together"


def test_in_compose_nothing_may_be_written_but_the_cache_of_models():
    for service in compose()["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert compose()["services"]["app"]["volumes"] == [f"models:{FINAL.environment()['HF_HOME']}"]


def test_compose_names_each_replica_to_the_proxy(tmp_path: Path):
    """The command as the container's shell runs it, with nginx left out and the script where it lies here."""
    shell, flag, command = compose()["services"]["proxy"]["command"]
    assert (shell, flag) == ("sh", "-c")
    written, _, started = command.replace("$$", "$").partition(" && ")
    assert started == "exec nginx -c /tmp/nginx.conf -g 'daemon off;'"
    # In this order: the checkout may lie in /tmp itself.
    folders = {"/tmp/": f"{shlex.quote(str(tmp_path))}/", "/headlight/": f"{shlex.quote(str(ROOT))}/deploy/nginx/"}
    here = written
    for there, own in folders.items():
        here = here.replace(there, own)
    environment = {"PATH": os.environ["PATH"], "COUNT": "3", "BASE": "", "FRAME_ANCESTORS": "'self'"}
    subprocess.run(["sh", "-c", here], env=environment, check=True)
    made = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    name, port = compose()["name"], FINAL.environment()["PORT"]
    assert re.findall(r"^ +server (\S+) max", made, re.MULTILINE) == [f"{name}-app-{n}:{port}" for n in (1, 2, 3)]


def test_the_space_listens_where_the_image_does():
    text = (ROOT / "deploy" / "huggingface" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["sdk"] == "docker"
    assert front["app_port"] == int(FINAL.environment()["PORT"])
    assert front["license"] == "apache-2.0"


class Answering(BaseHTTPRequestHandler):
    """What Streamlit says at its health address, and at no other."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok" if self.path == "/headlight/_stcore/health" else b"<!DOCTYPE html>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(("base", "code"), [("/headlight/", 0), ("elsewhere", 1)])
def test_its_health_is_asked_of_itself_though_the_hub_lies_behind_a_proxy(base: str, code: int):
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "PORT": str(server.server_port), "STREAMLIT_SERVER_BASE_URL_PATH": base,
            "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9",
        }  # fmt: skip
        done = subprocess.run([sys.executable, ROOT / "deploy" / "health.py"], env=environment, check=False)
        server.shutdown()
    assert done.returncode == code
