"""How the server fares with many people at once, on this machine: `python -m benchmarks.load`.

A real server process and clients of Streamlit's own websocket protocol on the same cores, without browsers: what is
measured is the server's part, and the clients take some of the cores' time too. Seconds, and megabytes of 10⁶ bytes.

- cost: what one opening, one head switch and one new sentence cost the server, in milliseconds of processor time.
- one link: LOAD_CROWD (200) people open the same link at the same moment; for each the time until all of its page was
  there, and how many runs of the model that took.
- one lesson: the same of a lesson with figures of a run, until its words and that run are there.
- acting: LOAD_SESSIONS (100) are connected, LOAD_ACTING (50) of them act for LOAD_SECONDS (120), after a pause with an
  exponential distribution (THINK_SECONDS on average). head switch: from the store's message until the server's answer
  to it. new sentence: from the message until its run (q, k, v) has arrived; each sentence is one that nobody typed
  before.
  head switch in Chromium: one more person, with a browser, steps through heads meanwhile, from the key until the panels
  are painted and the address has changed.
- replicas: the same acts of LOAD_SITE_ACTING (150) of LOAD_SITE_SESSIONS (300) people behind the project's own nginx
  with two replicas; without the browser.
- memory: what 100 sessions add to the server's resident memory, divided by their number: of a short text, and of one of
  512 tokens on a model of GPT-2-small's size with random weights (12 layers × 12 heads), as the store gets it.

Machines differ by a factor, and so do hours on a machine that others share: `loop ms` is the processor time of a
million steps of a plain loop, before and after. Compare figures of two versions in runs beside each other.

Errors are exceptions shown on a page, sentences with ⚠, failures in the log (but those who left while they connected),
and answers that did not come.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psutil
import streamlit

from benchmarks.load import cost, page
from benchmarks.load.visitor import Visitor
from benchmarks.logs import tracebacks
from benchmarks.page import models
from benchmarks.soak.__main__ import INSIDE, machine
from tools import nginx, site
from tools.serving import ROOT, Served, serving

RESULTS = ROOT / "benchmarks" / "results" / "load.json"
SETTINGS = {"STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"}
THINK_SECONDS, SWITCHES = 4.0, 0.7
PATIENCE, SETTLE_SECONDS = 300.0, 5.0
LONG = 512
WHOLE = ("run", "controls", "figures", "heads", "predicted")
# The lesson that a class opens at once: it has figures of three kinds of attention.
LESSON, LESSON_WHOLE = "14-stack", ("lesson", "runs")


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many people there are, and for how long those who act do."""

    sessions: int = 100
    acting: int = 50
    seconds: float = 120.0
    crowd: int = 200
    site_sessions: int = 300
    site_acting: int = 150

    @classmethod
    def from_environment(cls) -> Size:
        """What LOAD_SESSIONS, LOAD_ACTING, LOAD_SECONDS and so on say, or what is published."""
        given = {one.name: os.environ.get(f"LOAD_{one.name.upper()}") for one in fields(cls)}
        return cls(**{name: type(getattr(cls, name))(value) for name, value in given.items() if value})


@dataclass
class Found:
    """What went wrong, and how long answers took, by what was asked."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    unanswered: int = 0
    exceptions: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def add(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    def look(self, visitors: Sequence[Visitor]) -> None:
        """Take down what the pages of these visitors showed that is wrong."""
        for visitor in visitors:
            self.exceptions += visitor.exceptions
            self.refusals += visitor.refusals


def main() -> int:
    """Measure everything and write it down; 1 where anything went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Size.from_environment(), Path(folder))
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return 1 if any(found["errors"].values()) else 0


def measure(size: Size, folder: Path, *, whole: bool = True) -> dict[str, Any]:
    """All rows. whole: also those that need a browser, nginx, or a large model's server."""
    began, load, loop = time.monotonic(), os.getloadavg(), _loop()
    act = partial(_short, with_page=whole)
    short = asyncio.run(_with_server(folder, "short", size, act))
    rows = {
        "cost": short["cost"], "one link": short["one link"], "one lesson": short["one lesson"],
        "acting": short["acting"],
        "memory": {"short text": short["memory"]},
    }  # fmt: skip
    errors = [short["errors"]]
    if whole:
        behind = asyncio.run(_behind_nginx(folder, size))
        rows["replicas"] = behind["acting"]
        errors.append(behind["errors"])
    if whole:
        models.save("gpt2-small-size", folder / "models" / "gpt2-small-size")
        settings = {"HEADLIGHT_MODEL_FOLDER": str(folder / "models")}
        at_length = asyncio.run(_with_server(folder, "long", size, _long, **settings))
        rows["memory"][f"{LONG} tokens"] = at_length["memory"]
        errors.append(at_length["errors"])
    return {
        "machine": machine() | {"load before": [round(one, 1) for one in load], "loop ms": [loop, _loop()]},
        "streamlit": streamlit.__version__,
        "think seconds": THINK_SECONDS, **rows,
        "errors": {name: sum(one[name] for one in errors) for name in errors[0]},
        "took": round(time.monotonic() - began),
    }  # fmt: skip


def _loop() -> int:
    """Milliseconds of processor time that a million steps of a plain loop take here and now."""
    began, total = time.process_time(), 0
    for step in range(10**6):
        total += step * step
    return round(1000 * (time.process_time() - began))


async def _with_server(folder: Path, name: str, size: Size, act: Any, **settings: str) -> dict[str, Any]:
    """Start a server, do what `act` does to it, and add what went wrong."""
    inside = folder / f"{name}.jsonl"
    own = {
        "SOAK_INSIDE": str(inside), "SOAK_EVERY": "1", "PYTHONPATH": os.pathsep.join([str(INSIDE), str(ROOT)]),
    }  # fmt: skip
    with serving(ROOT / "app.py", folder / f"{name}.log", **SETTINGS, **own, **settings) as served:
        found = Found()
        rows: dict[str, Any] = await act(served, size, found, inside)
    log = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    return rows | {"errors": _errors(found, log)}


def _errors(found: Found, log: str) -> dict[str, int]:
    for said in (found.exceptions + found.refusals)[:3]:
        sys.stderr.write(f"{said}\n")
    return {
        "unanswered": found.unanswered, "exceptions on pages": len(found.exceptions), "sentences": len(found.refusals),
        "tracebacks in the log": tracebacks(log),
    }  # fmt: skip


async def _behind_nginx(folder: Path, size: Size) -> dict[str, Any]:
    """People who act on a site of two replicas, as a host sets it up."""
    path, found = nginx.find(), Found()
    if path is None:
        raise RuntimeError("No nginx was found; `make test` installs one.")
    own = replace(size, sessions=size.site_sessions, acting=size.site_acting)
    with site.running(path, folder, **SETTINGS) as made:
        query = urlencode({"v": 1, "text": "The old king came home."})
        visitors = await _all_opened(made, own.sessions, query)
        acting = await _acting(visitors, own, found)
        acting["people of each replica"] = sorted(made.sessions(port) for port in made.replicas)
        found.look(visitors)
        await _leave(visitors)
        log = "".join(made.log(f"{port}.log") for port in made.replicas)
    return {"acting": acting, "errors": _errors(found, log)}


async def _short(served: Served, size: Size, found: Found, inside: Path, *, with_page: bool) -> dict[str, Any]:
    warm = [await _opened(served, "")]
    known = urlencode({"v": 1, "text": "The cat sat on the mat.", "layer": 1})
    spent = await cost.cost(served, lambda: _opened(served, known), PATIENCE)
    crowd = await _crowd(served, size, found, inside)
    lesson = await _class(served, size, found, inside)
    memory, visitors = await _many(served, size, warm, urlencode({"v": 1, "text": "The old king came home."}))
    acting = await _acting(visitors, size, found, served.url if with_page else "")
    found.look(visitors)
    await _leave(visitors)
    return {"cost": spent, "one link": crowd, "one lesson": lesson, "memory": memory, "acting": acting}


async def _long(served: Served, size: Size, found: Found, inside: Path) -> dict[str, Any]:
    query = urlencode({"v": 1, "model": "./gpt2-small-size", "text": models.words(LONG)})
    memory, visitors = await _many(served, size, [await _opened(served, query)], query)
    found.look(visitors)
    memory["bytes of a run"] = visitors[0].parts["run"].size
    await _leave(visitors)
    return {"memory": memory}


async def _all_opened(served: Served | site.Site, count: int, query: str) -> list[Visitor]:
    """So many visitors of one address, ten at a time."""
    visitors: list[Visitor] = []
    while len(visitors) < count:
        more = min(10, count - len(visitors))
        visitors += await asyncio.gather(*(_opened(served, query) for _ in range(more)))
    return visitors


async def _opened(
    served: Served | site.Site, query: str, page: str = "", parts: tuple[str, ...] = WHOLE
) -> Visitor:
    visitor = await Visitor.open(served.url, query, page=page, seconds=PATIENCE)
    await visitor.until(partial(_has_all, parts), PATIENCE)
    return visitor


def _has_all(parts: tuple[str, ...], visitor: Visitor) -> bool:
    return all(name in visitor.parts for name in parts) or bool(visitor.refusals or visitor.exceptions)


async def _crowd(served: Served, size: Size, found: Found, inside: Path) -> dict[str, Any]:
    """Everybody opens one link that nobody has opened before."""
    query = urlencode({"v": 1, "text": "Everybody opens this very link at once.", "layer": 1, "head": 2})
    return await _at_once(partial(_opened, served, query), "one link", size, found, inside)


async def _class(served: Served, size: Size, found: Found, inside: Path) -> dict[str, Any]:
    """Everybody opens one lesson that nobody has opened before."""
    query = urlencode({"lesson": LESSON})
    return await _at_once(partial(_opened, served, query, "learn", LESSON_WHOLE), "one lesson", size, found, inside)


async def _at_once(
    opened: Callable[[], Awaitable[Visitor]], what: str, size: Size, found: Found, inside: Path
) -> dict[str, Any]:
    """LOAD_CROWD people open the same at the same moment."""
    before = await _begun(inside)

    async def come() -> Visitor | None:
        began = time.perf_counter()
        try:
            visitor = await opened()
        except (TimeoutError, OSError):
            found.unanswered += 1
            return None
        found.add(what, time.perf_counter() - began)
        return visitor

    visitors = [one for one in await asyncio.gather(*(come() for _ in range(size.crowd))) if one is not None]
    forwards = await _begun(inside) - before
    found.look(visitors)
    await _leave(visitors)
    return {"people": size.crowd, **_summary(found.seconds[what]), "forwards": forwards}


async def _begun(inside: Path) -> int:
    """How many traces the server has begun, as it tells a moment later."""
    await asyncio.sleep(2.5)
    last = json.loads(inside.read_text(encoding="utf-8").splitlines()[-1])
    return int(last["traces._shared begun"])


async def _many(
    served: Served, size: Size, warm: Sequence[Visitor], query: str
) -> tuple[dict[str, Any], list[Visitor]]:
    """Everybody connects; what that adds to the server's memory. The text is traced, and the crowd gone, before."""
    await _leave(warm)
    first = await _opened(served, query)
    await asyncio.sleep(SETTLE_SECONDS)
    process = psutil.Process(served.process.pid)
    before = process.memory_info().rss
    visitors = await _all_opened(served, size.sessions, query)
    await asyncio.sleep(SETTLE_SECONDS)
    added = process.memory_info().rss - before
    await _leave([first])
    return {
        "sessions": len(visitors), "server before (MB)": round(before / 1e6), "added (MB)": round(added / 1e6, 1),
        "a session (MB)": round(added / 1e6 / max(len(visitors), 1), 2),
    }, visitors  # fmt: skip


async def _acting(visitors: Sequence[Visitor], size: Size, found: Found, page_url: str = "") -> dict[str, Any]:
    """page_url: where one more person with a browser comes; "" without one."""
    end = time.monotonic() + size.seconds

    async def act(number: int, visitor: Visitor) -> None:
        chance = random.Random(number)
        while True:
            await asyncio.sleep(chance.expovariate(1 / THINK_SECONDS))
            if time.monotonic() > end:
                return
            try:
                await _one_act(visitor, chance, found)
            except TimeoutError:
                found.unanswered += 1

    cpu = time.process_time()
    acts = [act(number, one) for number, one in enumerate(visitors[: size.acting])]
    over = partial(_is_over, end)
    stepping = asyncio.to_thread(page.step, page_url, "The old king came home.", over) if page_url else _nobody()
    *_, stepped = await asyncio.gather(*acts, stepping)
    kinds = {what: _summary(found.seconds.get(what, [])) for what in ("head switch", "new sentence")}
    if page_url:
        kinds["head switch in Chromium"] = _summary(stepped)
    spent = round(time.process_time() - cpu, 1)
    return {"connected": len(visitors), "acting": size.acting, "seconds": size.seconds, **kinds, "clients' CPU": spent}


def _is_over(end: float) -> bool:
    return time.monotonic() > end


async def _nobody() -> list[float]:
    return []


async def _one_act(visitor: Visitor, chance: random.Random, found: Found) -> None:
    if chance.random() < SWITCHES:
        took = await cost.switch(visitor, chance.randrange(4), chance.randrange(6), PATIENCE)
        found.add("head switch", took)
        return
    found.add("new sentence", await cost.sentence(visitor, chance, PATIENCE))


async def _leave(visitors: Sequence[Visitor]) -> None:
    await asyncio.gather(*(visitor.close() for visitor in visitors))


def _summary(seconds: Sequence[float]) -> dict[str, Any]:
    """How many answers, and the median, what nineteen in twenty keep below, and the slowest, in seconds."""
    if not seconds:
        return {"answers": 0}
    ordered = sorted(seconds)
    at = {"p50": median(ordered), "p95": ordered[max(0, -(-95 * len(ordered) // 100) - 1)], "slowest": ordered[-1]}
    return {"answers": len(ordered)} | {name: round(value, 3) for name, value in at.items()}


if __name__ == "__main__":
    sys.exit(main())
