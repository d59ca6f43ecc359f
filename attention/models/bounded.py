"""Strangers' configurations and tokenizers, first opened where they can do no harm.

What a library makes of a number in a stranger's file nobody can list in full. So before this process opens such a file,
another one (`checker`) does just the same with it, bounded in memory and time; only what it came through with is opened
here. An answer holds as long as the files are the same ones.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention.config import MEGABYTE
from attention.errors import ModelError, NotNowError
from attention.models import files
from attention.models.checker import BEGUN, KIND_BYTES
from attention.models.reference import ModelRef

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "from attention.models.checker import main; main()"
ONCE = "from attention.models.checker import once; once()"
FORKS = hasattr(os, "fork") and hasattr(socket, "send_fds")
CLOCK_SECONDS = 240  # of the clock, for a machine on which much else runs
AT_ONCE, MOST_KEPT = 3, 512
_KEPT = ("PATH", "SYSTEMROOT", "LANG", "TZ", "HOME", "USERPROFILE", "TMPDIR", "TEMP", "LD_LIBRARY_PATH")
# One thread each, so that the bound on memory need not grow with the machine; no network, no card.
_SET = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
}  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """What one look may take, and how that which is looked at is called in a sentence."""

    what: str
    bytes: int
    seconds: int


# Well over what the largest that are known take: some seconds, and some hundred megabytes for 260,000 pieces.
BOUNDS = {
    "config": Bound("config.json", 500 * MEGABYTE, 5),
    "model": Bound("model that the config.json describes", 1_000 * MEGABYTE, 20),
    "tokenizer": Bound("tokenizer", 1_500 * MEGABYTE, 20),
}


def trusted(ref: ModelRef) -> bool:
    """Whether the files are ours, or those of the catalogue at its own revision."""
    return ref.bundled or (ref.folder is None and ref.entry is not None and ref.revision == ref.entry.revision)


def prepare() -> None:
    """Have the other process load its libraries, which takes some seconds; returns at once."""
    if FORKS:
        _starter.control()


def check(ref: ModelRef, folder: Path, task: str, kind: str = "", **more: Any) -> None:
    """Raise ModelError where these files ask for more than a task may take, or are refused there for a reason.

    task: one of `BOUNDS`. kind: the model's type, if it is known.
    """
    bound = BOUNDS[task]
    order = {"task": task, "id": ref.id, "folder": str(folder), "bytes": bound.bytes, "seconds": bound.seconds, **more}
    seen = _fingerprint(folder, task)
    key = json.dumps(order, sort_keys=True), seen
    found = _answers.get(key)
    if found is None:
        with _places:
            began = time.monotonic()
            found = _asked({**order, "clock": CLOCK_SECONDS}, kind)
        if _fingerprint(folder, task) != seen:
            raise NotNowError(f"The files of {ref.id} changed while they were looked at; try again.")
        if time.monotonic() - began < CLOCK_SECONDS / 2:  # else it may be this machine that was slow
            _answers.put(key, found)
    if "problem" in found:
        raise ModelError(found["problem"])
    if found:
        raise ModelError(
            f"The {bound.what} of {ref.id} asks for more than {bound.bytes / MEGABYTE:,.0f} MB of memory or "
            f"{bound.seconds} seconds of a processor's time before anything is shown; choose another model."
        )


def _fingerprint(folder: Path, task: str) -> tuple[tuple[Any, ...], ...]:
    """What tells these files from others: names, sizes, times of their last change, and which files they are.

    For a configuration of that file alone: the others may still be on their way.
    """
    found = []
    for path in (folder / "config.json",) if task == "config" else files.reachable(folder):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((path.name, about.st_size, about.st_mtime_ns, about.st_ino, about.st_dev))
    return tuple(found)


class _Answers:
    """The latest answers, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, dict[str, Any]] = OrderedDict()

    def get(self, key: Any) -> dict[str, Any] | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Any, found: dict[str, Any]) -> None:
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def new_process(command: list[str], environment: dict[str, str], *, given: int) -> subprocess.Popen[bytes]:
    """A process that has nothing of this one's but one open file."""
    return subprocess.Popen(  # noqa: S603  our own program, and nothing of a stranger's among its arguments
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        pass_fds=(given,), env=environment,
    )  # fmt: skip


class _Starter:
    """The one process that copies itself; started when it is needed, and again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def control(self) -> socket.socket:
        """The socket on which it takes orders."""
        with self._lock:
            if self._process is None or self._control is None or self._process.poll() is not None:
                self._start()
            assert self._control is not None  # noqa: S101  for the type checker
            return self._control

    def send(self, kind: str, end: socket.socket) -> None:
        """Have it make a copy of itself that reads from this socket."""
        control = self.control()
        said = kind.encode("ascii", "replace")[:KIND_BYTES].ljust(KIND_BYTES, b"\0")
        with self._lock:
            socket.send_fds(control, [said], [end.fileno()])

    def _start(self) -> None:
        if self._control is not None:
            self._control.close()
        self._control, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-c", PROGRAM, str(theirs.fileno())]
            self._process = new_process(command, _environment(), given=theirs.fileno())


_answers, _starter, _places = _Answers(), _Starter(), threading.BoundedSemaphore(AT_ONCE)


def _asked(order: dict[str, Any], kind: str) -> dict[str, Any]:
    """The answer to an order; not empty and without a problem where there was none in time."""
    if not FORKS:
        return _asked_once(order)
    for _ in range(2):  # it may end, for want of orders, just as one comes
        heard = _heard(order, kind)
        if heard.startswith(BEGUN):
            return dict(json.loads(heard[1:] or b'{"spent": true}'))
    raise NotNowError(f"This machine has too much to do to look at {order['id']}; try again in a moment.")


def _heard(order: dict[str, Any], kind: str) -> bytes:
    """All that a copy says until it ends; nothing where there was none."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                _starter.send(kind, theirs)
            ours.settimeout(CLOCK_SECONDS + 60.0)
            ours.sendall(json.dumps(order).encode() + b"\n")
            return b"".join(iter(lambda: ours.recv(65_536), b""))
        except OSError:  # it is gone, or says nothing
            return b""


def _asked_once(order: dict[str, Any]) -> dict[str, Any]:
    """As `_asked`, with a process for each order, and the clock alone to bound it."""
    try:
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-P", "-c", ONCE], input=json.dumps(order).encode() + b"\n", capture_output=True,
            timeout=CLOCK_SECONDS, env=_environment(), check=False,
        )  # fmt: skip
        return dict(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return {"spent": True}


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **_SET, "PYTHONPATH": path}
