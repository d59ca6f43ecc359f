"""What the tests of pages share."""

import pytest

from attention.ui import warmup

SECONDS = 120


@pytest.fixture(scope="session")
def warm() -> None:
    """All that a page needs is imported: it draws itself at once."""
    warmup.start()
    assert warmup._shared.wait(SECONDS)
