"""Fetch a hub model's files into the hub's own cache: config, tokenizer and safetensors, nothing else.

The bytes are fetched by a process of its own (`fetch`), which is ended when the download is cancelled, and ends by
itself when this process does. What has arrived is kept, and the next download goes on from there.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from attention.assets import PACKAGE
from attention.errors import ModelError, NotNowError
from attention.models import hub
from attention.models.card import ModelCard
from attention.models.reference import ModelRef
from attention.models.weights import choose

OnProgress = Callable[[int, int], None]
SPARE = 50_000_000  # bytes that must stay free on the disk
# How often a request that brings nothing is made again, and how much longer the pause before it is each time.
TRIES, PAUSE_SECONDS = 5, 1.0
END_SECONDS = 2.0  # that a process has to end by itself
# The package is found where this process has it from, whatever lies in the way. What it imports is found as ever: in an
# installation its folder is that of all packages, and some of those have names of Python's own modules.
PROGRAM = f"""
import sys
sys.path.insert(0, {str(PACKAGE.parent)!r})
import attention
del sys.path[0]
from attention.models.fetch import main
main()
"""
_log = logging.getLogger(__name__)


class Stop:
    """Ends a download from another thread: before it begins, or while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.asked = False

    def ask(self) -> None:
        """End it; returns at once."""
        with self._lock:
            self.asked = True
            if self._process is not None:
                self._process.terminate()

    @contextmanager
    def _over(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """While this process is the one to end."""
        with self._lock:
            self._process = process
            if self.asked:
                process.terminate()
        try:
            yield
        finally:
            with self._lock:
                self._process = None


def download(ref: ModelRef, card: ModelCard, on_progress: OnProgress | None = None, stop: Stop | None = None) -> Path:
    """The folder with all of the model's files, fetched where they are not here yet.

    on_progress(done_bytes, total_bytes) is called from this thread, at least once at the end. The weights come last, so
    that a cache which has them has the rest. Raises ModelError, also when `stop` was asked; what has arrived is kept
    and need not come again.
    """
    total = sum(size for _, size in card.files)
    report = on_progress or (lambda done, total: None)
    stop = stop or Stop()
    if not card.complete:
        _fetch(ref, card, lambda done: report(min(done, total), total), stop)
    report(total, total)
    return card.folder


def download_all(
    ref: ModelRef, card: ModelCard, on_progress: OnProgress | None = None, stop: Stop | None = None
) -> Path:
    """As `download`; of an adapter, its base's files too, and before its own."""
    if card.base is None or card.base_ref is None:
        return download(ref, card, on_progress, stop)
    report = on_progress or (lambda done, total: None)
    before = sum(size for _, size in card.base.files)
    total = before + sum(size for _, size in card.files)
    download(card.base_ref, card.base, lambda done, _: report(done, total), stop)
    return download(ref, card, lambda done, _: report(before + done, total), stop)


def _fetch(ref: ModelRef, card: ModelCard, report: Callable[[int], None], stop: Stop) -> None:
    heavy = choose(name for name, _ in card.files)
    ordered = sorted(card.files, key=lambda file: file[0] in heavy)
    missing = sum(size for name, size in ordered if not (card.folder / name).exists())
    if stop.asked:
        raise hub.cancelled(ref)
    if not missing:
        return
    _room(ref, card, missing)
    order = {"id": ref.id, "revision": ref.revision, "commit": card.revision, "files": ordered}
    _run(ref, {**order, "tries": TRIES, "pause": PAUSE_SECONDS}, report, stop)


def _room(ref: ModelRef, card: ModelCard, missing: int) -> None:
    """Raise where the disk has no room for what is still to come."""
    blobs = card.folder.parent.parent / "blobs"
    arrived = sum(path.stat().st_size for path in blobs.glob("*.incomplete") if "." not in path.stem)
    needed = max(missing - arrived, 0)
    if shutil.disk_usage(card.folder).free < needed + SPARE:
        raise hub.no_space(ref, needed)


def _run(ref: ModelRef, order: dict[str, Any], report: Callable[[int], None], stop: Stop) -> None:
    with tempfile.TemporaryFile() as errors, _started(errors) as process, stop._over(process):
        last: dict[str, Any] = {}
        for last in _answers(process, order):
            if "done" in last:
                report(last["done"])
        with suppress(subprocess.TimeoutExpired):  # it has said its last, and is ended below in any case
            process.wait(END_SECONDS)
        if stop.asked:
            raise hub.cancelled(ref)
        if "problem" in last:
            raise (NotNowError if last["may_pass"] else ModelError)(last["problem"])
        if "ok" not in last:
            errors.seek(0)
            said = errors.read()[-2000:].decode(errors="replace")
            _log.error("the download of %s ended with %s: %s", ref, process.returncode, said)
            raise hub.interrupted(ref, f"its process ended with code {process.returncode}")


def new_process(command: list[str], environment: dict[str, str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """A process that is asked and answers by pipes, and writes to this file what it did not foresee."""
    return subprocess.Popen(  # noqa: S603  our own program, and nothing of a stranger's among its arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
    )


@contextmanager
def _started(errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its order; over in any case when this ends."""
    # A bare interpreter and not multiprocessing: that would run the parent's main script again, which may be a page.
    process = new_process([sys.executable, "-P", "-c", PROGRAM], _environment(), errors)
    try:
        yield process
    finally:
        _end(process)


def _answers(process: subprocess.Popen[bytes], order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What it says, until it ends. Its stdin stays open as long: when that closes, it ends."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  for the type checker
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
    except OSError:  # it has ended already, and what it wrote says why
        return
    for line in process.stdout:
        if line.endswith(b"\n"):  # a last line that was cut off says nothing
            yield json.loads(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was never read cannot be flushed
                pipe.close()


def _environment() -> dict[str, str]:
    """This process's environment, and the hub and cache that its client really uses, however they were set."""
    from huggingface_hub import constants

    return {
        **os.environ,
        "HF_ENDPOINT": constants.ENDPOINT,
        "HF_HUB_CACHE": str(constants.HF_HUB_CACHE),
        "HF_TOKEN_PATH": str(constants.HF_TOKEN_PATH),
        "HF_HUB_OFFLINE": "1" if constants.is_offline_mode() else "0",
        # The bytes come as one stream that can go on where it stopped.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
