"""Architectures in processes of their own: one that crashes, hangs or eats memory is a row in the table, no more."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from benchmarks.coverage.examine import Row, examine
from benchmarks.coverage.listing import Architecture

LIMIT = 120.0  # seconds for one architecture
_spawn = get_context("spawn")


def examine_all(todo: list[Architecture], jobs: int, limit: float = LIMIT) -> Iterator[Row]:
    """The row of each architecture, as they are done."""
    waiting = deque(todo)
    workers = [Worker() for _ in range(min(jobs, len(todo)))]
    try:
        while waiting or any(worker.busy for worker in workers):
            for worker in workers:
                if waiting and worker.busy is None:
                    worker.give(waiting.popleft())
            connection.wait([worker.ours for worker in workers if worker.busy], timeout=1)
            for worker in workers:
                if worker.busy is not None and (row := worker.take(limit)) is not None:
                    yield row
    finally:
        for worker in workers:
            worker.stop()


@dataclass(eq=False)
class Worker:
    """A process that examines one architecture after the other, and is replaced when it dies."""

    busy: Architecture | None = None
    since: float = 0.0
    process: BaseProcess = field(init=False)
    ours: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.ours, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.ours.close()

    def give(self, architecture: Architecture) -> None:
        self.busy, self.since = architecture, time.perf_counter()
        with contextlib.suppress(BrokenPipeError):  # it is dead, which `take` will find
            self.ours.send(architecture)

    def take(self, limit: float) -> Row | None:
        """The row, if it is there or never will be."""
        assert self.busy is not None
        seconds = time.perf_counter() - self.since
        if self.ours.poll():
            try:
                row: Row = self.ours.recv()
                self.busy = None
                return row
            except (EOFError, ConnectionResetError):
                return self._replaced("crash", "the process died", seconds)
        return self._replaced("timeout", f"not done after {limit:.0f} seconds", seconds) if seconds > limit else None

    def _replaced(self, outcome: str, reason: str, seconds: float) -> Row:
        assert self.busy is not None
        one, self.busy = self.busy, None
        self.stop()
        self.start()
        row = Row(one.name, one.model_type, one.mapping, outcome=outcome, reason=reason, seconds=round(seconds, 2))
        return row


def _serve(theirs: Connection) -> None:
    """Examine what comes until nobody sends any more."""
    os.environ["OMP_NUM_THREADS"] = "1"
    quieten()
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            theirs.send(examine(theirs.recv()))


def quieten() -> None:
    """Models that are built from odd sizes say so; that is not news here."""
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
