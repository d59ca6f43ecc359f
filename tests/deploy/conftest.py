"""What the tests of the deployment share: the site as `compose.yaml` lays it out, on loopback."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools import nginx
from tools.serving import free_port

ROOT = Path(__file__).resolve().parents[2]
BASE = "/headlight"
START_SECONDS, STOP_SECONDS = 180, 10
OURS = ("HEADLIGHT_", "STREAMLIT_")


@pytest.fixture(scope="session")
def nginx_path() -> str:
    """nginx, which CI must have."""
    found = nginx.find()
    if found is None and os.environ.get("CI"):
        pytest.fail("No nginx was found (CI must have one).")
    if found is None:
        pytest.skip(f"No nginx was found: `make test` says how to get one, or set {nginx.VARIABLE}.")
    return found


def rendered(**settings: str) -> str:
    """The configuration for these settings, by the script that Compose runs too."""
    done = subprocess.run(
        ["sh", str(ROOT / "deploy" / "nginx" / "render.sh")],
        env={"PATH": os.environ["PATH"], **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(f"{done.returncode}: {done.stderr}")
    return done.stdout


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200 and answer.read(2) == b"ok"
    except OSError:
        return False


@dataclass
class Site:
    """Replicas behind nginx. url: what a person opens, without a slash at its end. folder: logs lie there."""

    url: str
    folder: Path
    replicas: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def sessions(self, port: int) -> int:
        """How many people a replica serves, by its own count; 0 for one that is gone."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{BASE}/_stcore/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[-1]) for line in lines if line.startswith("active_sessions "))

    def log(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[str]:
        """The access log so far."""
        return self.log("access.log").splitlines()


def start_replica(port: int, log: Path) -> "subprocess.Popen[bytes]":
    """The app as the image starts it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {
        "PYTHON": sys.executable, "PORT": str(port), "ADDRESS": "127.0.0.1", "HEADLIGHT_PUBLIC": "1",
        "STREAMLIT_SERVER_BASE_URL_PATH": BASE, "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(ROOT / "deploy" / "start.sh")], env=clean | environment, stdout=out, stderr=subprocess.STDOUT
        )


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


@pytest.fixture(scope="module")
def site(nginx_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two replicas behind nginx, below a base path."""
    folder = tmp_path_factory.mktemp("site")
    front, ports = free_port(), (free_port(), free_port())
    made = Site(f"http://127.0.0.1:{front}{BASE}", folder)
    proxy = None
    try:
        made.replicas |= {port: start_replica(port, folder / f"{port}.log") for port in ports}
        text = rendered(
            REPLICAS=" ".join(f"127.0.0.1:{port}" for port in ports), BASE=BASE, LISTEN=f"127.0.0.1:{front}",
            FOLDER=str(folder), ACCESS_LOG=str(folder / "access.log"), ERROR_LOG=str(folder / "error.log"),
        )  # fmt: skip
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        wait_for(made, [f"http://127.0.0.1:{port}{BASE}/_stcore/health" for port in ports])
        # Started by root, nginx would work as another, who may not enter pytest's folders. In Compose both are one.
        user = "user root; " if os.geteuid() == 0 else ""
        proxy = subprocess.Popen([nginx_path, "-c", str(folder / "nginx.conf"), "-g", f"{user}daemon off;"])
        wait_for(made, [f"{made.url}/_stcore/health"])
        yield made
    finally:
        for process in filter(None, (proxy, *made.replicas.values())):
            end(process)


def wait_for(site: Site, urls: list[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while not all(answers(url) for url in urls):
        if time.monotonic() > until or any(one.poll() is not None for one in site.replicas.values()):
            logs = "\n".join(site.log(f"{port}.log")[-2000:] for port in site.replicas)
            pytest.fail(f"{urls} did not answer; the replicas' logs end with:\n{logs}")
        time.sleep(0.2)
