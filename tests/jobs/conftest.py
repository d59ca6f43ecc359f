"""What the tests of queues and runs share."""

import pytest

from tests.jobs.timed import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
