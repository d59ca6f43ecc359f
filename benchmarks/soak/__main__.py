"""Let people come and go for SOAK_MINUTES (60), and type at least SOAK_TEXTS (10,000 an hour) hostile texts.

The server is sampled meanwhile; the figures go to benchmarks/results/soak.json. Ends with 1 where it grew, died,
showed an exception, or left people without an answer.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import platform
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.logs import BEGINS, left, tracebacks
from benchmarks.soak.flat import MOST_GROWTH, RULE, flat
from benchmarks.soak.people import World, person, ready
from tests.hostile.texts import texts
from tools.serving import ROOT, Served, serving

RESULTS = ROOT / "benchmarks" / "results" / "soak.json"
INSIDE = Path(__file__).parent / "inside"
PEOPLE, SAMPLE_SECONDS = 12, 5.0
# Small caches are full long before the warm-up is over.
SETTINGS = {"HEADLIGHT_TRACES_IN_MEMORY": "32", "HEADLIGHT_TRACES_MB": "100", "HEADLIGHT_PUBLIC": "1"}
# Streamlit keeps a session for two minutes after its tab was closed; kept so long, they would be more or fewer with how
# fast the machine happens to be.
FORGET_SECONDS = 15
# Counts that go up and down with who happens to be there: Streamlit opens three files for the loop of a session.
LEAST = {"threads": 20.0, "files": 60.0, "rss_mb": 0.0}
# A server that answers nobody is flat too. So many of what was done may have had no answer in two minutes.
MOST_LOST = 0.001
DONE = ("sessions", "hostile", "sentence", "switch", "press")
Sample = dict[str, float]


def main() -> int:
    """Run it, write the figures, and say how it went."""
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    least_texts = int(os.environ.get("SOAK_TEXTS", str(int(10_000 * minutes / 60))))
    with TemporaryDirectory() as folder:
        # SOAK_FOLDER keeps the server's log, to be looked into while it runs.
        found = soak(minutes, least_texts, Path(os.environ.get("SOAK_FOLDER", folder)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(found["verdict"]) + "\n")
    return 0 if found["ok"] else 1


def soak(minutes: float, least_texts: int, folder: Path) -> dict[str, Any]:
    """Everything that was measured. folder: for the server's log and what it counts of itself."""
    inside = folder / "inside.jsonl"
    settings = {
        # As a host sets it: else every session watches every source file.
        "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
        "SOAK_INSIDE": str(inside), "PYTHONPATH": os.pathsep.join([str(INSIDE), str(ROOT)]), **SETTINGS,
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(FORGET_SECONDS),
    }  # fmt: skip
    seed = int(os.environ.get("SOAK_SEED", "6"))
    with serving(ROOT / "app.py", folder / "log", **settings) as served:
        world = World(
            served.url, math.inf, texts(seed, 10**9), random.Random(seed)
        )
        samples = asyncio.run(_churn(world, served, least_texts, 60 * minutes))
        died = served.process.poll()
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    lines = [json.loads(line) for line in inside.read_text().splitlines()] if inside.exists() else []
    return report(world, samples, lines, log, died=died, minutes=minutes)


async def _churn(world: World, served: Served, least_texts: int, seconds: float) -> list[Sample]:
    """People and the sampling, side by side; longer by half at most where the texts have not all been typed."""
    samples: list[Sample] = []
    await (await ready(world.url)).close()
    began = time.monotonic()
    world.until = began + seconds
    people = [asyncio.create_task(person(world)) for _ in range(PEOPLE)]
    process = psutil.Process(served.process.pid)
    while not world.over():
        await asyncio.sleep(SAMPLE_SECONDS)
        if served.process.poll() is not None:
            world.dead = True
            break
        samples.append({"at": time.monotonic() - began, **sample(process)})
        late = time.monotonic() + 2 * SAMPLE_SECONDS > world.until
        if late and world.counts["hostile"] < least_texts and time.monotonic() - began < 1.5 * seconds:
            world.until += 4 * SAMPLE_SECONDS
        if len(samples) % 12 == 0:
            said = {name: round(value) for name, value in samples[-1].items()}
            sys.stdout.write(f"{said} {dict(world.counts)} exceptions: {world.exceptions[-1:]}\n")
            sys.stdout.flush()
    await asyncio.gather(*people)
    return samples


def sample(process: psutil.Process) -> Sample:
    """What the system says of the server."""
    with process.oneshot():
        return {
            "rss_mb": process.memory_info().rss / 1e6, "threads": process.num_threads(), "files": process.num_fds(),
            "cpu_seconds": sum(process.cpu_times()[:2]),
        }  # fmt: skip


def report(
    world: World, samples: Sequence[Sample], inside: Sequence[dict[str, Any]], log: str, *, died: int | None,
    minutes: float,
) -> dict[str, Any]:  # fmt: skip
    """The figures, and in sentences whether each is as it must be."""
    judged = {name: flat([(one["at"], one[name]) for one in samples], MOST_GROWTH, LEAST[name]) for name in LEAST}
    gone, failed = left(log), tracebacks(log)
    verdict = [
        f"{'flat' if one.ok else 'GROWS'}: {name} {one.median:,.0f}, {one.growth:+,.1f} while it was measured"
        for name, one in judged.items()
    ]
    verdict += [f"the server {'died' if died is not None or world.dead else 'lives'}"]
    verdict += [
        f"{len(world.exceptions)} exceptions on pages, {failed} in the log, {gone} who left while they connected, "
        f"{dict(world.counts)}"
    ]
    lost, done = (sum(world.counts[name] for name in names) for names in (("unanswered", "broken off"), DONE))
    verdict += [f"{lost} without an answer, of {done + lost}"]
    fine = died is None and not world.dead and not world.exceptions and not failed
    fine = fine and lost <= MOST_LOST * done
    return {
        "machine": machine(),
        "minutes": round(samples[-1]["at"] / 60, 1), "asked_minutes": minutes, "people_at_once": PEOPLE,
        "settings": SETTINGS | {"disconnectedSessionTTL": FORGET_SECONDS, "fileWatcherType": "none"},
        "rule": RULE.format(share=MOST_GROWTH),
        "ok": fine and all(one.ok for one in judged.values()), "verdict": verdict,
        "judged": {name: asdict(one) | {"ok": one.ok} for name, one in judged.items()},
        "died": died, "exceptions": world.exceptions[:20], "tracebacks": failed, "left while connecting": gone,
        "log": log[max(log.find(BEGINS) - 500, 0) :][:6000] if failed else "",
        "done": dict(world.counts), "slowest_answer_seconds": round(world.slowest, 1),
        "samples": _thinned([{name: round(value, 1) for name, value in one.items()} for one in samples]),
        "inside": _thinned([{name: _short(value) for name, value in one.items()} for one in inside]),
    }  # fmt: skip


def _short(value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) else value


def _thinned(rows: list[Any], most: int = 120) -> list[Any]:
    return rows[:: max(1, len(rows) // most)]


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
