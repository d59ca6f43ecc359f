"""People who come, type whatever they like, look at heads, open links and leave, one after the other."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from websockets.exceptions import WebSocketException

from benchmarks.load.visitor import Visitor

ANSWER_SECONDS, READY_SECONDS = 120.0, 600.0
THINK_SECONDS = 0.2
ACTS = 8
MODELS = ("storyteller", "storyteller", "storyteller", "cloze", "dates", "local")
SENTENCES = (
    "The cat sat on the mat because it was tired.", "The old king came home. The old king came home.",
    "Red, blue, green, yellow. Red, blue, green, yellow.", "She gave him the book that he had lost.",
)  # fmt: skip
DETAILS = ("", "links", "dimensions", "flow", "words", "nonsense")
FIELDS = (
    "layer", "head", "stage", "query", "key", "also", "temperature", "hide", "zoom", "lens", "weights", "values", "v",
)  # fmt: skip


@dataclass
class World:
    """What all people share: where the app is, when to stop, the texts to type, and what happened."""

    url: str
    until: float
    hostile: Iterator[str]
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    exceptions: list[str] = field(default_factory=list)
    slowest: float = 0.0
    dead: bool = False

    def over(self) -> bool:
        return self.dead or time.monotonic() > self.until


async def ready(url: str) -> Visitor:
    """The first visitor, who waits until everything has been loaded."""
    visitor = await Visitor.open(url, seconds=READY_SECONDS)
    await visitor.until(lambda v: "controls" in v.parts or bool(v.exceptions), READY_SECONDS)
    return visitor


async def person(world: World) -> None:
    """One after another, until it is over."""
    while not world.over():
        try:
            await visit(world)
        except TimeoutError:
            world.counts["unanswered"] += 1
        except (OSError, WebSocketException):
            world.counts["broken off"] += 1
            await asyncio.sleep(1)


async def visit(world: World) -> None:
    """Come by an address, do some things, and leave."""
    visitor = await Visitor.open(world.url, link(world), seconds=ANSWER_SECONDS)
    world.counts["sessions"] += 1
    try:
        await visitor.until(lambda v: "prompt" in v.parts and (shown(v, 0.0) or bool(v.exceptions)), ANSWER_SECONDS)
        for _ in range(world.chance.randint(0, 2 * ACTS)):
            if world.over():
                return
            await asyncio.sleep(world.chance.expovariate(1 / THINK_SECONDS))
            await act(visitor, world)
    finally:
        world.exceptions += visitor.exceptions
        world.counts["refusals"] += len(visitor.refusals)
        world.counts["bytes received"] += visitor.received
        await visitor.close()


async def act(visitor: Visitor, world: World) -> None:
    """One thing that a person does, and the wait for its answer."""
    kind = world.chance.choices(("hostile", "sentence", "switch", "press"), (70, 6, 18, 6))[0]
    if kind == "switch" and "controls" not in visitor.parts:
        kind = "sentence"
    began, at = time.monotonic(), time.perf_counter()
    if kind == "switch":
        number = await visitor.switch(world.chance.randrange(4), world.chance.randrange(6))
        await visitor.until(lambda v: v.parts["controls"].data["seen"] >= number or bool(v.refusals), ANSWER_SECONDS)
    elif kind == "press":
        keys = [key for key in visitor.buttons if key.startswith(("shine-", "continue-go", "dismiss"))]
        offered = visitor.parts["samples"].data["samples"] if "samples" in visitor.parts else []
        if (keys or offered) and world.chance.randrange(len(keys) + len(offered)) < len(offered):
            await visitor.say("samples", "sample", world.chance.choice(offered)["name"])
            await asyncio.sleep(1)
        elif keys:
            await visitor.press(world.chance.choice(keys))
            # A button of a page that has changed meanwhile does nothing.
            await asyncio.sleep(1)
    else:
        text = next(world.hostile) if kind == "hostile" else world.chance.choice(SENTENCES)
        await visitor.type(text)
        await visitor.until(lambda v: shown(v, at), ANSWER_SECONDS)
    world.counts[kind] += 1
    world.slowest = max(world.slowest, time.monotonic() - began)


def shown(visitor: Visitor, since: float) -> bool:
    """Whether the page was drawn anew since then: its box, and below it a head or a sentence that says why not."""
    prompt, run = visitor.parts["prompt"], visitor.parts.get("run")
    return prompt.at > since and ((run is not None and run.at > prompt.at) or bool(visitor.refusals))


def link(world: World) -> str:
    """The address that somebody comes by: bare, a sample's, or one that was tampered with."""
    kind = world.chance.choice(("bare", "plain", "plain", "hostile"))
    if kind == "bare":
        return ""
    query = {"v": "1", "model": world.chance.choice(MODELS), "text": world.chance.choice(SENTENCES)}
    query |= {"layer": str(world.chance.randrange(3)), "head": str(world.chance.randrange(4))}
    query |= {"lens": details} if (details := world.chance.choice(DETAILS)) else {}
    if kind == "hostile":
        query |= {name: next(world.hostile)[:1500] for name in ("text", *world.chance.sample(FIELDS, 3))}
        world.counts["hostile links"] += 1
    return urlencode(query, errors="replace")
