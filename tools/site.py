"""The app as a host sets it up, on loopback: replicas behind nginx, by the project's own script and configuration."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.serving import ROOT, Spawn, end, free_port, new_process

BASE = "/headlight"
START_SECONDS = 180
OURS = ("HEADLIGHT_", "STREAMLIT_")
LOG_CHARACTERS = 2000


class NotUpError(RuntimeError):
    """The site did not start; its message ends with the ends of its logs."""


@dataclass
class Site:
    """Replicas behind nginx. url: what a person opens, without a slash at its end. folder: logs lie there."""

    url: str
    folder: Path
    replicas: dict[int, Any] = field(default_factory=dict)

    def sessions(self, port: int) -> int:
        """How many people a replica serves, by its own count; 0 for one that is gone."""
        try:
            address = f"http://127.0.0.1:{port}{BASE}/_stcore/metrics"
            with urllib.request.urlopen(address, timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[-1]) for line in lines if line.startswith("active_sessions "))

    def log(self, name: str) -> str:
        """A log so far."""
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[str]:
        """The access log so far."""
        return self.log("access.log").splitlines()


@contextmanager
def running(
    nginx: str, folder: Path, replicas: int = 2, *, spawn: Spawn = new_process, **settings: str
) -> Iterator[Site]:
    """Replicas behind nginx below a base path, with these settings; raises NotUpError."""
    front, ports = free_port(), [free_port() for _ in range(replicas)]
    made = Site(f"http://127.0.0.1:{front}{BASE}", folder)
    proxy = None
    try:
        made.replicas |= {port: start_replica(port, folder / f"{port}.log", spawn, **settings) for port in ports}
        text = rendered(
            REPLICAS=" ".join(f"127.0.0.1:{port}" for port in ports), BASE=BASE, LISTEN=f"127.0.0.1:{front}",
            FOLDER=str(folder), ACCESS_LOG=str(folder / "access.log"), ERROR_LOG=str(folder / "error.log"),
        )  # fmt: skip
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        wait_for(made, [f"http://127.0.0.1:{port}{BASE}/_stcore/health" for port in ports])
        # Started by root, nginx would work as another, who may not enter private folders. In Compose both are one.
        user = "user root; " if os.geteuid() == 0 else ""
        proxy = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-g", f"{user}daemon off;"])  # noqa: S603
        wait_for(made, [f"{made.url}/_stcore/health"])
        yield made
    finally:
        for process in filter(None, (proxy, *made.replicas.values())):
            end(process)


def rendered(**settings: str) -> str:
    """nginx's configuration for these settings, by the script that Compose runs too; raises ValueError."""
    done = subprocess.run(  # noqa: S603
        ["sh", str(ROOT / "deploy" / "nginx" / "render.sh")],  # noqa: S607
        env={"PATH": os.environ["PATH"], **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(f"{done.returncode}: {done.stderr}")
    return done.stdout


def start_replica(port: int, log: Path, spawn: Spawn, **settings: str) -> Any:
    """The app as the image starts it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {
        "PYTHON": sys.executable, "PORT": str(port), "ADDRESS": "127.0.0.1", "HEADLIGHT_PUBLIC": "1",
        "STREAMLIT_SERVER_BASE_URL_PATH": BASE, "HF_HUB_OFFLINE": "1", **settings,
    }  # fmt: skip
    return spawn([str(ROOT / "deploy" / "start.sh")], clean | environment, log)


def wait_for(site: Site, urls: list[str]) -> None:
    """Until all of these answer; raises NotUpError."""
    until = time.monotonic() + START_SECONDS
    while not all(answers(url) for url in urls):
        if time.monotonic() > until or any(one.poll() is not None for one in site.replicas.values()):
            logs = "\n".join(site.log(f"{port}.log")[-LOG_CHARACTERS:] for port in site.replicas)
            raise NotUpError(f"{urls} did not answer; the replicas' logs end with:\n{logs}")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether a health check there is answered well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200 and answer.read(2) == b"ok")
    except OSError:
        return False
