"""Settings for all tests."""

import functools
import gc
import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# One browser for all folders: two of them cannot run in one process.
from tests.chromium.fixtures import (  # noqa: F401
    app_url,
    browser,
    console_errors,
    contexts,
    forks,
    no_page_error,
    open_page,
    page,
    page_errors,
    pages,
    serve,
    serve_source,
    settle,
    shot,
)
from tests.logged import Logged

# A machine that others share is slow at times, which is no fault of the code. In CI the same examples run each time, so
# that a change is judged by what it changes; on a person's machine they differ, and find more.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Nothing that is imported goes away: looking for garbage among it, again and again as it grows, took a quarter of the
# time until the first test.
gc.disable()


@pytest.fixture
def logged() -> Iterator[Logged]:
    """In place of pytest's own `caplog`, whose plugin is off: before and after each test it visits all loggers, of
    which each module of transformers and Streamlit has one.
    """
    handler = Logged()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="session", autouse=True)
def _runs_without_a_server() -> Iterator[None]:
    """Do once what Streamlit does anew for each run of a page without a server: look for components in what each
    installed package says of itself, which took half the time of such tests, and compile the page's code. It also looks
    a thousand times a second whether a run has ended; here the run's thread is waited for.
    """
    from streamlit.components.v2 import manifest_scanner
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache
    from streamlit.testing.v1 import local_script_runner

    look, compiled = local_script_runner.require_widgets_deltas, ScriptCache()

    def wait(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
        if runner._script_thread is not None:
            runner._script_thread.join(timeout)
        look(runner, timeout if runner.script_stopped() else 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests)
        )
        patch.setattr(local_script_runner, "ScriptCache", lambda: compiled)
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_collector() -> Iterator[None]:
    """The app's pages that run in this process begin to collect garbage for it every ten seconds, all of it."""
    from attention.ui import garbage

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(garbage, "EVERY_SECONDS", 86_400.0)
        yield


def pytest_sessionstart() -> None:
    """Import some test files first, others in each worker: half of what collecting takes in a fresh clone is rewriting
    asserts, which all workers did for all files at once. Now they find the others' files rewritten.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        return
    tests, count = Path(__file__).parent, int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in sorted(tests.rglob("test_*.py"))[int(worker.removeprefix("gw")) :: count]:
        with suppress(Exception):  # collecting says it
            importlib.import_module(".".join(path.relative_to(tests.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Leave what was imported out of later collections of garbage: Streamlit asks for one after each script run."""
    gc.collect()
    gc.freeze()
    gc.enable()
