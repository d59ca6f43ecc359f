"""Finds nginx for the tests of the proxy set-up, or installs Debian's where that is allowed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import nginx  # found only now that the root is on the path

HELP = f"""No nginx was found, and none could be installed. The tests of the proxy set-up need one; outside CI they are
skipped without it. Install it with your system's package manager (Debian, Ubuntu: `apt-get install nginx-light`; macOS:
`brew install nginx`), or name one that you have: `{nginx.VARIABLE}=/path/to/nginx make test`."""


def by_apt() -> bool:
    """Let Debian's package manager install it, without starting it; only as root."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    install = ["apt-get", "install", "-y", "--no-install-recommends", "nginx-light"]
    return _run(["apt-get", "update"]) and _run(install)


def main() -> int:
    """Print the path and return 0, or say what to do; 1 in CI, which must have one."""
    found = nginx.find()
    if found is None:
        print("No nginx yet: trying apt …", file=sys.stderr, flush=True)
        by_apt()
        found = nginx.find()
    print(f"nginx: {found}" if found else HELP, file=sys.stdout if found else sys.stderr)
    return 1 if found is None and os.environ.get("CI") else 0


def _run(command: list[str]) -> bool:
    # RUNLEVEL=1 keeps Debian's package from starting a server of its own.
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    try:
        return subprocess.run(command, env=environment, timeout=600, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as err:
        print(err, file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
