"""What the tests of the deployment share: the site as `compose.yaml` lays it out, on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.chromium import forked
from tools import nginx
from tools.serving import Spawn, new_process
from tools.site import Site, running

# Stands for Python at the end of a script that becomes it: says with what.
TELLER = f"""#!{sys.executable} -IS
import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ)]))
"""


@pytest.fixture(scope="session")
def nginx_path() -> str:
    """nginx, which CI must have."""
    found = nginx.find()
    if found is None and os.environ.get("CI"):
        pytest.fail("No nginx was found (CI must have one).")
    if found is None:
        pytest.skip(f"No nginx was found: `make test` says how to get one, or set {nginx.VARIABLE}.")
    return found


@pytest.fixture(scope="session")
def spawn(forks: forked.Line, tmp_path_factory: pytest.TempPathFactory) -> Spawn:
    """Runs a script that becomes a server, and has a copy become that server where this can be."""
    teller = tmp_path_factory.mktemp("teller") / "python"
    teller.write_text(TELLER, encoding="utf-8")
    teller.chmod(0o700)

    def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> forked.Server:
        said = subprocess.run(command, env={**environment, "PYTHON": str(teller)}, stdout=subprocess.PIPE, check=True)
        arguments, found = json.loads(said.stdout)
        return forks.start([sys.executable, *arguments], found | {"PYTHON": sys.executable}, log)

    return start if forked.can_start({}) else new_process


@pytest.fixture(scope="module")
def site(nginx_path: str, spawn: Spawn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two replicas behind nginx, below a base path."""
    with running(nginx_path, tmp_path_factory.mktemp("site"), spawn=spawn) as made:
        yield made
