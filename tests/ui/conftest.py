"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from attention.ui import traces, warmup
from attention.ui.traces import Traces

if TYPE_CHECKING:
    from tests.ui.tracing import Run

SECONDS = 120


@pytest.fixture(scope="session")
def warm() -> None:
    """All that a page needs is imported: it draws itself at once."""
    warmup.start()
    assert warmup._shared.wait(SECONDS)


@pytest.fixture
def fresh_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of another test."""
    monkeypatch.setattr(traces, "_shared", Traces(traces._run))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Stand in for `attention.api.trace`."""

    def stand_in(run: Run) -> None:
        monkeypatch.setattr("attention.api.trace", run)

    return stand_in
