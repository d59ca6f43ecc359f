"""A look at a stranger's configuration and tokenizer, as a process of its own with little memory and time.

`bounded` starts this program once. It loads the libraries, and for each model that is to be looked at it makes a copy
of itself (fork), which does what the server would do with the same files and says what came of it. What asks for more
than it may have ends that copy, and nobody else waits for it.

A copy reads one order, a line of JSON, from a socket of its own. It says "!" when it has begun, and then one answer:
{} where all is well, {"problem": "one sentence"}, or {"spent": true} where the memory did not suffice.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from attention.errors import ModelError
from attention.imports import unsearched

KIND_BYTES = 64  # of the message with which a socket comes: the model's type, so that its code is loaded only once
IDLE_SECONDS = 300.0
BEGUN = b"!"


def main() -> None:
    """Serve until nobody has asked for a while, or the parent is gone."""
    with unsearched():
        import torch
        import transformers  # noqa: F401  loaded here once, for all copies
    torch.set_num_threads(1)
    control = socket.socket(fileno=int(sys.argv[1]))
    control.settimeout(IDLE_SECONDS)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the copies
    with suppress(TimeoutError, ConnectionError):
        while _copied(control):
            pass


def once() -> None:
    """Serve one order on stdin, where there is no fork."""
    sys.stdout.write(json.dumps(answer(json.loads(sys.stdin.buffer.readline()))))


def _copied(control: socket.socket) -> bool:
    """Whether the parent is still there; if so, one more of its orders is being served."""
    kind, given, _, _ = socket.recv_fds(control, KIND_BYTES, 1)
    if not kind or not given:
        return False
    _load(kind.rstrip(b"\0").decode("ascii", "replace"))
    gc.freeze()
    with suppress(OSError):  # no room for one more: its socket closes, and the parent sees that
        if os.fork() == 0:
            control.close()
            _serve(given[0])
    os.close(given[0])
    return True


def _load(kind: str) -> None:
    """The library's own code for a type of model, if it knows that type."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES, model_type_to_module_name

    if kind not in CONFIG_MAPPING_NAMES:
        return
    name = model_type_to_module_name(kind)
    for part in ("configuration", "modeling", "tokenization"):
        with suppress(ImportError):
            importlib.import_module(f"transformers.models.{name}.{part}_{name}")


def _serve(number: int) -> None:
    """One order; this process ends with it."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        connection = socket.socket(fileno=number)
        order = json.loads(connection.makefile("rb").readline())
        connection.sendall(BEGUN)
        _limit(order["bytes"], order["seconds"], order["clock"])
        connection.sendall(json.dumps(answer(order)).encode())
    finally:
        os._exit(0)


def _limit(memory: int, seconds: int, clock: int) -> None:
    """So much more memory than it has now, so much of a processor's time, so much of the clock's."""
    import resource

    signal.alarm(clock)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with suppress(OSError, ValueError):  # macOS knows no such size, and refuses to bound the address space
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """What came of one order."""
    try:
        _do(order)
    except Exception as err:  # whatever else is wrong with it, the server finds out by itself, within the same bounds
        if any(map(_lacks_memory, _chain(err))):
            return {"spent": True}
        return {"problem": str(err)} if isinstance(err, ModelError) else {}
    return {}


def _do(order: dict[str, Any]) -> None:
    from attention.models import build, configuration, promises
    from attention.models.reference import ModelRef

    folder = Path(order["folder"])
    ref = ModelRef(id=order["id"], folder=folder)
    if order["task"] == "config":
        configuration.load(ref, folder, configuration.read(ref, folder))
    elif order["task"] == "model":
        promises.check(ref.id, folder, promises.Promise(**order["promise"]))
    else:
        build.judged_tokenizer(ref, folder)


def _chain(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__


def _lacks_memory(err: BaseException) -> bool:
    """Whether this is how Python, torch or the system say that there is no memory left."""
    return isinstance(err, MemoryError) or "allocate memory" in str(err) or "DefaultCPUAllocator" in str(err)
