"""Finds an nginx that runs. Only the standard library, so that it works before anything is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

VARIABLE = "HEADLIGHT_NGINX"
# Where Debian and others put it, which is not on everybody's PATH.
PLACES = ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx")


def find() -> str | None:
    """Path of the first nginx that starts, or None. `HEADLIGHT_NGINX` goes before all others."""
    return next((path for path in _candidates() if starts(path)), None)


def starts(path: str) -> bool:
    """Whether `path -v` ends well."""
    try:
        return subprocess.run([path, "-v"], capture_output=True, timeout=30, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _candidates() -> Iterator[str]:
    yield from filter(None, (os.environ.get(VARIABLE), shutil.which("nginx"), *PLACES))


if __name__ == "__main__":
    found = find()
    print(found or "no nginx found", file=sys.stdout if found else sys.stderr)
    sys.exit(found is None)
