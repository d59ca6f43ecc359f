"""Settings for all tests."""

import functools
import gc
import os
from collections.abc import Iterator

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

# A machine that others share is slow at times, which is no fault of the code. In CI the same examples run each time, so
# that a change is judged by what it changes; on a person's machine they differ, and find more.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Nothing that is imported goes away: looking for garbage among it, again and again as it grows, took a quarter of the
# time until the first test.
gc.disable()


@pytest.fixture(scope="session", autouse=True)
def _installed_components() -> Iterator[None]:
    """Look for components among the installed packages once: Streamlit reads what each package says of itself for every
    page that is run without a server, which took half the time of such tests.
    """
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests)
        )
        yield


def pytest_collection_finish() -> None:
    """Leave what was imported out of later collections of garbage: Streamlit asks for one after each script run."""
    gc.collect()
    gc.freeze()
    gc.enable()
