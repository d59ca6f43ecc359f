"""What one act costs the server: processor time, person after person, with nobody beside them.

An opening is of a page whose text was traced before; a sentence is one that nobody typed before, with its prediction; a
head switch is the browser's message and the server's answer to it. What a run leaves to be done after its answer is
counted too: the server is read again once it has come to rest.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from statistics import fmean

import psutil

from benchmarks.load.visitor import Visitor
from benchmarks.page import models
from tools.serving import Served

ROUNDS, WARM_UP = 30, 5
# Between two looks at the processor time; the server has come to rest where they agree.
LOOK_SECONDS, REST_SECONDS = 0.05, 0.004
Open = Callable[[], Awaitable[Visitor]]


async def cost(served: Served, come: Open, patience: float) -> dict[str, float]:
    """Milliseconds of processor time, means, for the system counts in steps of 10 ms: an opening, a head switch, a new
    sentence.
    """
    server, chance = psutil.Process(served.process.pid), random.Random(7)
    spent: dict[str, list[float]] = {"opening": [], "head switch": [], "new sentence": []}
    here: list[Visitor] = []
    for _ in range(WARM_UP + ROUNDS):
        spent["opening"].append(await _spent(server, lambda: _arrive(come, here)))
        await here.pop().close()
    visitor = await come()
    for number in range(WARM_UP + ROUNDS):
        spent["head switch"].append(await _spent(server, lambda n=number: switch(visitor, n % 4, n % 6, patience)))
        spent["new sentence"].append(await _spent(server, lambda: sentence(visitor, chance, patience)))
    await visitor.close()
    return {what: round(1000 * fmean(found[WARM_UP:]), 1) for what, found in spent.items()}


async def switch(visitor: Visitor, layer: int, head: int, patience: float) -> float:
    """Another head, until the server has heard of it; in seconds."""
    number = await visitor.switch(layer, head)
    return await visitor.until(lambda v: v.parts["controls"].data["seen"] >= number, patience)


async def sentence(visitor: Visitor, chance: random.Random, patience: float) -> float:
    """A sentence that nobody typed before, until its run has arrived; in seconds."""
    before = visitor.parts["run"].data["id"]
    await visitor.type(" ".join(chance.choices(models.WORDS, k=12)).capitalize() + f" {chance.randrange(10**6)}.")
    return await visitor.until(lambda v: v.parts["run"].data["id"] != before, patience)


async def _arrive(come: Open, here: list[Visitor]) -> None:
    here.append(await come())


async def _spent(server: psutil.Process, act: Callable[[], Awaitable[object]]) -> float:
    before = await _at_rest(server)
    await act()
    return await _at_rest(server) - before


async def _at_rest(server: psutil.Process) -> float:
    """Seconds of processor time so far, once little more is spent."""
    last = _seconds(server)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = _seconds(server)
        if now - last < REST_SECONDS:
            return now
        last = now


def _seconds(server: psutil.Process) -> float:
    return sum(server.cpu_times()[:2])
