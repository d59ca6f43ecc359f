"""Runs a Streamlit script as a person would, on a port of its own. Only the standard library."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
STOP_SECONDS = 10
TAIL = 30


# Runs a command with an environment and a log, and gives what can be asked and ended as a `Popen` can.
Spawn = Callable[[Sequence[str], Mapping[str, str], Path], Any]


class NotServedError(RuntimeError):
    """The script did not start; its message ends with the end of the log."""


@dataclass(frozen=True)
class Served:
    """A running script: where it answers, and what it writes."""

    process: Any
    url: str
    log: Path


def new_process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """A process of its own, in the root of the repository."""
    with log.open("wb") as out:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603


def start(script: Path, log: Path, *, spawn: Spawn = new_process, **environment: str) -> Served:
    """Start a script, offline and without a person's own settings, and wait until it answers.

    Under a path where the environment has one, STREAMLIT_SERVER_BASE_URL_PATH.
    """
    port = free_port()
    # A person's own settings must not decide what is tested or measured.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HEADLIGHT_", "STREAMLIT_"))}
    command = [
        sys.executable, "-m", "streamlit", "run", str(script),
        "--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true",
    ]  # fmt: skip
    process = spawn(command, clean | {"HF_HUB_OFFLINE": "1"} | environment, log)
    base = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    served = Served(process, f"http://127.0.0.1:{port}/{base}".rstrip("/"), log)
    try:
        _wait_until_healthy(served)
    except NotServedError:
        stop(served)
        raise
    return served


def stop(served: Served) -> None:
    """End what answers there."""
    end(served.process)


def end(process: Any) -> None:
    """Stop it, by force where it does not end by itself."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


@contextmanager
def serving(script: Path, log: Path, *, spawn: Spawn = new_process, **environment: str) -> Iterator[Served]:
    """The same for the length of a block."""
    served = start(script, log, spawn=spawn, **environment)
    try:
        yield served
    finally:
        stop(served)


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(served: Served) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and served.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{served.url}/_stcore/health", timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    state = "did not answer" if served.process.poll() is None else f"ended with {served.process.returncode}"
    tail = "\n".join(served.log.read_text(errors="replace").splitlines()[-TAIL:])
    raise NotServedError(f"the app {state}; the end of its log:\n{tail}")
