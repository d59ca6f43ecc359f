"""Loaded by the server's Python before anything else (this folder is on its PYTHONPATH): writes what only it can count.

Every few seconds a line of JSON into the file that SOAK_INSIDE names. It reads the app and changes nothing in it.
"""

import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

# Where the page keeps results.
KEPT = (("traces", "_shared"), ("predicted", "_answers"), ("predicted", "_writings"), ("turnings", "_shared"))
EVERY_SECONDS, OBJECTS_EVERY, TYPES = float(os.environ.get("SOAK_EVERY", "5")), 12, 400


def counts() -> dict[str, Any]:
    """Results kept by the page's runs, bytes of the kept traces, sessions, models in memory; what is there by now."""
    found: dict[str, Any] = {}
    for module, name in KEPT:
        if (kept := getattr(sys.modules.get(f"attention.ui.{module}"), name, None)) is not None:
            found[f"{module}.{name}"] = len(kept)
            found[f"{module}.{name} begun"] = kept.begun
    if (traces := sys.modules.get("attention.ui.traces")) is not None and hasattr(traces, "_shared"):
        jobs = list(traces._shared._jobs.values())
        found["trace_bytes"] = sum(traces.size(job.made) for job in jobs if job.done.is_set())
    if (pool := sys.modules.get("attention.models.pool")) is not None:
        found["models"] = len(pool.shared_pool().loaded())
    runtime = sys.modules.get("streamlit.runtime.runtime")
    if runtime is not None and runtime.Runtime.exists():
        manager = runtime.Runtime.instance()._session_mgr
        found["sessions"] = len(manager.list_sessions())
    return found


def types() -> dict[str, int]:
    """The commonest kinds of objects that the collector knows."""
    kinds = (type(one) for one in gc.get_objects())
    return dict(Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds).most_common(TYPES))


def watch(path: str) -> None:
    """Write until the process ends."""
    began = time.monotonic()
    for number in range(10**9):
        time.sleep(EVERY_SECONDS)
        try:
            line = {"at": time.monotonic() - began, **counts()}
            if number % OBJECTS_EVERY == OBJECTS_EVERY - 1:
                line["types"] = types()
        except Exception as err:
            line = {"at": time.monotonic() - began, "problem": repr(err)}
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


if path := os.environ.get("SOAK_INSIDE"):
    threading.Thread(target=watch, args=(path,), name="soak-inside", daemon=True).start()
