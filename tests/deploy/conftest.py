"""What the tests of the deployment share: the site as `compose.yaml` lays it out, on loopback."""

import os
from collections.abc import Iterator

import pytest

from tools import nginx
from tools.site import Site, running


@pytest.fixture(scope="session")
def nginx_path() -> str:
    """nginx, which CI must have."""
    found = nginx.find()
    if found is None and os.environ.get("CI"):
        pytest.fail("No nginx was found (CI must have one).")
    if found is None:
        pytest.skip(f"No nginx was found: `make test` says how to get one, or set {nginx.VARIABLE}.")
    return found


@pytest.fixture(scope="module")
def site(nginx_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two replicas behind nginx, below a base path."""
    with running(nginx_path, tmp_path_factory.mktemp("site")) as made:
        yield made
