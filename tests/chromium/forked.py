"""Servers that begin with their libraries loaded: one process imports those once, for all workers, and each server is a
copy of it (fork), which spares most of what a start takes. What is Headlight's own each copy imports itself. What looks
at strangers' files (`attention.models.bounded`) and what fetches models (`attention.models.download`) are such copies
too.

A worker's copies end when it closes its line, and the process ends when nobody has one. `sitecustomize` on a server's
PYTHONPATH runs as it would in a new Python. What huggingface_hub read of the environment when it was imported, it reads
again. What other libraries read then comes too late here: such a server has to be a Python of its own.
"""

from __future__ import annotations

import fcntl
import functools
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
# What loads all that a first visit would; torch reads the setting before, as `attention.ui.warmup` sees to.
LIBRARIES = (
    "torch", "transformers.activations", "transformers.modeling_layers", "transformers.modeling_utils",
    "streamlit.web.cli", "streamlit.web.bootstrap",
)  # fmt: skip
SETTING = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
# What is read when a server begins, and so may differ from the one to the other.
READ_LATE = ("HEADLIGHT_", "STREAMLIT_", "PYTHONPATH", "HF_ENDPOINT", "HF_HOME", "HF_HUB_")
LARGEST, MOST_GIVEN = 200_000, 3  # bytes of an order, and open files that come with it


class Server:
    """One of the copies, with what is asked of a `Popen`. Nobody hears of its exit status: 0 stands for any."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            self.returncode = 0
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
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
        if self.returncode is None:  # else another process may have its number by now
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Line:
    """A worker's line to the process that forks; the first one who orders something starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()  # the files of strangers are looked at in threads
        self._line: socket.socket | None = None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, given: Mapping[int, int] | None = None
    ) -> Server:
        """Run this command of Python's, [executable, "-m", module, …] or [executable, "-P", "-c", program, …], in the
        root of the repository. given: open files, by the numbers that it has them by.
        """
        given = given or {}
        order = {"command": command[1:], "environment": dict(environment), "log": str(log), "given": [*given]}
        with self._lock:
            if self._line is None:
                self._line = _connected(self.folder / "forks.socket", self.folder / "forks.lock")
            socket.send_fds(self._line, [json.dumps(order).encode()], [*given.values()])
            return Server(int(self._line.recv(LARGEST)))

    def check_strangers(self) -> None:
        """Have this process's look at strangers' files be a copy too."""
        from attention.models import bounded

        def new_process(command: list[str], environment: dict[str, str], *, given: int) -> Server:
            return self.start(command, environment, Path(os.devnull), {given: given})

        bounded.new_process = new_process

    def fetch_models(self) -> None:
        """Have what fetches models for this process be a copy too."""
        from attention.models import download

        def new_process(command: list[str], environment: dict[str, str], errors: IO[bytes]) -> Server:
            (asked, ask), (answers, answer) = os.pipe(), os.pipe()
            try:
                made = self.start(command, environment, Path(os.devnull), {0: asked, 1: answer, 2: errors.fileno()})
            finally:
                os.close(asked)
                os.close(answer)
            made.stdin, made.stdout = os.fdopen(ask, "wb"), os.fdopen(answers, "rb")
            return made

        download.new_process = new_process

    def close(self) -> None:
        if self._line is not None:
            self._line.close()


def can_start(environment: Mapping[str, str]) -> bool:
    """Whether a server with these variables of its own may be a copy."""
    return hasattr(os, "fork") and sys.platform == "linux" and all(name.startswith(READ_LATE) for name in environment)


def _connected(path: Path, lock: Path) -> socket.socket:
    line = _socket()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            listening = _socket()
            listening.bind(str(path))
            listening.listen()
            line.connect(str(path))
            listening.set_inheritable(True)
            # No `Popen`, which would wait for it: it serves the other workers when this one has ended.
            command = [sys.executable, __file__, str(listening.fileno())]
            os.posix_spawn(sys.executable, command, os.environ | SETTING)
            listening.close()
    return line


def _socket() -> socket.socket:
    """One that keeps orders apart, and can carry an open file with each."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


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
            order, given, _, _ = socket.recv_fds(line, LARGEST, MOST_GIVEN)
            if order:
                if (pid := os.fork()) == 0:
                    _serve(json.loads(order), given, [listening, *servers])
                for number in given:
                    os.close(number)
                # Not those that have ended: others may have their numbers by the time that the rest are ended.
                servers[line] = [pid, *(one for one in servers[line] if Server(one).poll() is None)]
                line.sendall(str(pid).encode())
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


def _serve(order: dict[str, Any], given: list[int], lines: list[socket.socket]) -> NoReturn:
    """Become what was ordered; this process ends with it."""
    status = 1
    try:
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        folder = Path(lines[0].getsockname()).parent
        for line in lines:
            line.close()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, to in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(to, stream)
        for number, file in zip(order["given"], given, strict=True):
            os.dup2(file, number)
        os.environ.clear()
        os.environ.update(order["environment"])
        random.seed()
        _read_hub_settings()
        if before := [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]:
            sys.path[1:1] = before
            sys.modules.pop("sitecustomize", None)
            with suppress(ModuleNotFoundError):
                __import__("sitecustomize")
        if order["command"][0] == "-m":  # a server, which looks at what strangers made, and may have a hub of its own
            own = Line(folder)
            own.check_strangers()
            if "HF_ENDPOINT" in os.environ:
                own.fetch_models()
        _run(order["command"])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read_hub_settings() -> None:
    """As huggingface_hub does when it is imported: whatever asks for a setting later looks among these constants."""
    from huggingface_hub import constants, hf_api

    importlib.reload(constants)
    hf_api.api.endpoint = constants.ENDPOINT  # the one client that was made when it was imported


def _run(command: list[str]) -> None:
    """As Python does with these arguments."""
    match command:
        case ["-m", name, *arguments]:
            sys.argv = [name, *arguments]
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        case ["-P", "-c", program, *arguments]:
            sys.argv = ["-c", *arguments]
            exec(program, {"__name__": "__main__"})
        case _:
            raise ValueError(command)


if __name__ == "__main__":
    # As `python -m` would have it.
    os.chdir(ROOT)
    sys.path[0] = str(ROOT)
    main(socket.socket(fileno=int(sys.argv[1])))
