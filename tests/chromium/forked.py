"""Servers that begin with their libraries loaded: one process imports those once, for all workers, and each server is a
copy of it (fork), which spares most of what a start takes. What is Headlight's own each copy imports itself.

A worker's servers end when it closes its line, and the process ends when nobody has one. `sitecustomize` on a server's
PYTHONPATH runs as it would in a new Python. What the libraries read of the environment when they are imported (HF_…)
comes too late here: such a server has to be a Python of its own.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import json
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
# What loads all that a first visit would; torch reads the setting before, as `attention.ui.warmup` sees to.
LIBRARIES = (
    "torch", "transformers.activations", "transformers.modeling_layers", "transformers.modeling_utils",
    "streamlit.web.cli", "streamlit.web.bootstrap",
)  # fmt: skip
SETTING = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
# What is read when a server begins, and so may differ from the one to the other.
READ_LATE = ("HEADLIGHT_", "STREAMLIT_", "PYTHONPATH")


class Server:
    """One of the copies, with what is asked of a `Popen`. Nobody hears of its exit status: 0 stands for any."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            self.returncode = 0
        return self.returncode

    def wait(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a forked server", timeout)
            time.sleep(0.01)
        return 0

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Line:
    """A worker's line to the process that forks; the first one who wants it starts it."""

    def __init__(self, folder: Path) -> None:
        self._line = _connected(folder / "forks.socket", folder / "forks.lock")
        self._answers = self._line.makefile("r", encoding="utf-8")

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Server:
        """Run this command of Python's, [executable, "-m", module, …], in the root of the repository."""
        order = {"argv": command[2:], "environment": dict(environment), "log": str(log)}
        self._line.sendall(json.dumps(order).encode() + b"\n")
        return Server(int(self._answers.readline()))

    def close(self) -> None:
        self._answers.close()
        self._line.close()


def can_start(environment: Mapping[str, str]) -> bool:
    """Whether a server with these variables of its own may be a copy."""
    return hasattr(os, "fork") and sys.platform == "linux" and all(name.startswith(READ_LATE) for name in environment)


def _connected(path: Path, lock: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(path))
            listening.listen()
            line.connect(str(path))
            listening.set_inheritable(True)
            # No `Popen`, which would wait for it: it serves the other workers when this one has ended.
            command = [sys.executable, __file__, str(listening.fileno())]
            os.posix_spawn(sys.executable, command, os.environ | SETTING)
            listening.close()
    return line


def main(listening: socket.socket) -> None:
    """Load the libraries, and fork for whoever asks until nobody is left who could."""
    gc.disable()  # what imports make stays, and is searched again and again as it grows
    for name in LIBRARIES:
        __import__(name)
    _find_components_once()
    gc.collect()
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the copies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the workers hear it, and close their lines
    waiting = selectors.DefaultSelector()
    waiting.register(listening, selectors.EVENT_READ)
    servers: dict[socket.socket, list[int]] = {}
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listening:
                line, _ = listening.accept()
                servers[line] = []
                waiting.register(line, selectors.EVENT_READ)
                continue
            line = key.fileobj
            order = line.makefile("rb").readline()
            if order:
                if (pid := os.fork()) == 0:
                    _serve(json.loads(order), [listening, *servers])
                servers[line].append(pid)
                line.sendall(f"{pid}\n".encode())
                continue
            waiting.unregister(line)
            for pid in servers.pop(line):
                Server(pid).terminate()
            line.close()
            if not servers:
                return


def _find_components_once() -> None:
    """Read here, for all copies, what each installed package says of itself: each server looks for components in it."""
    from streamlit.components.v2 import manifest_scanner

    look = functools.cache(manifest_scanner.scan_component_manifests)
    look()
    manifest_scanner.scan_component_manifests = look


def _serve(order: dict[str, object], lines: list[socket.socket]) -> NoReturn:
    """Become the server; this process ends with it."""
    status = 1
    try:
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for line in lines:
            line.close()
        log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, to in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(to, stream)
        os.environ.clear()
        os.environ.update(order["environment"])  # type: ignore[call-overload]
        random.seed()
        name, *arguments = order["argv"]  # type: ignore[misc]
        sys.argv = [name, *arguments]
        if before := [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]:
            sys.path[1:1] = before
            sys.modules.pop("sitecustomize", None)
            with suppress(ModuleNotFoundError):
                __import__("sitecustomize")
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    # As `python -m` would have it.
    os.chdir(ROOT)
    sys.path[0] = str(ROOT)
    main(socket.socket(fileno=int(sys.argv[1])))
