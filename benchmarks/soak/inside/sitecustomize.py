"""Loaded by the server's Python before anything else (this folder is on its PYTHONPATH): writes what only it can count.

Every few seconds a line of JSON into the file that SOAK_INSIDE names. It reads the app and changes nothing in it. It
does not walk through the collector's objects: a tuple that another thread is just making must have no second owner.
"""

import json
import os
import sys
import threading
import time
from typing import Any

# Where the page keeps results.
KEPT = (("traces", "_shared"), ("predicted", "_answers"), ("predicted", "_writings"), ("rotary_pairs", "_shared"))
EVERY_SECONDS = float(os.environ.get("SOAK_EVERY", "5"))


def counts() -> dict[str, Any]:
    """Python's memory blocks, results kept by the page's runs and how many runs there were, bytes of the kept traces,
    sessions, models in memory; what is there by now.
    """
    found: dict[str, Any] = {"blocks": sys.getallocatedblocks()}
    for module, name in KEPT:
        if (kept := getattr(sys.modules.get(f"attention.ui.{module}"), name, None)) is not None:
            found[f"{module}.{name}"] = len(kept)
            found[f"{module}.{name} begun"] = kept.begun
    if (traces := sys.modules.get("attention.ui.traces")) is not None and hasattr(traces, "_shared"):
        jobs = list(traces._shared._jobs.values())
        held = sys.modules["attention.browser.heads"].held
        found["trace_bytes"] = sum(held(job.made) for job in jobs if job.done.is_set())
    if (pool := sys.modules.get("attention.models.pool")) is not None:
        found["models"] = len(pool.shared_pool().loaded())
    runtime = sys.modules.get("streamlit.runtime.runtime")
    if runtime is not None and runtime.Runtime.exists():
        found["sessions"] = len(runtime.Runtime.instance()._session_mgr.list_sessions())
    return found


def watch(path: str) -> None:
    """Write until the process ends."""
    began = time.monotonic()
    while True:
        time.sleep(EVERY_SECONDS)
        try:
            line = {"at": time.monotonic() - began, **counts()}
        except Exception as err:
            line = {"at": time.monotonic() - began, "problem": repr(err)}
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


if path := os.environ.get("SOAK_INSIDE"):
    threading.Thread(target=watch, args=(path,), name="soak-inside", daemon=True).start()
