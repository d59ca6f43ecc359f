"""Finds Chromium for the browser tests, or installs it: through Playwright, else through apt where that is allowed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import chromium  # found only now that the root is on the path

INSTALL = ("apt-get", "install", "-y", "--no-install-recommends")
HELP = f"""No Chromium was found, and none could be installed.
The browser tests need one. Install Chromium or Google Chrome with your system's package manager
(Debian, Ubuntu: `apt-get install chromium`; macOS: `brew install --cask chromium`),
or name one that you have: `{chromium.VARIABLE}=/path/to/chrome make test`."""


def by_playwright() -> bool:
    """Let Playwright fetch its own build into the user's cache."""
    return _run([sys.executable, "-m", "playwright", "install", "chromium"])


def by_apt() -> bool:
    """Let Debian's package manager install it, with all its libraries; only as root."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    return _run(["apt-get", "update"]) and _run([*INSTALL, "chromium"])


def add_shell() -> None:
    """Beside Debian's Chromium the one without a window, which the tests prefer; they do without it, too."""
    if shutil.which("chromium") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run([*INSTALL, chromium.SHELLS[0]])


def ensure(ways: Sequence[Callable[[], bool]] = (by_playwright, by_apt)) -> str | None:
    """Path of a Chromium that starts, installed by the first way that leads to one if there is none yet."""
    found = chromium.find()
    for way in ways:
        if found:
            break
        print(f"No Chromium yet: trying {way.__name__.removeprefix('by_')} …", file=sys.stderr, flush=True)
        way()
        found = chromium.find()
    return found


def main() -> int:
    """Print the path and return 0, or say what to do and return 1."""
    found = ensure()
    if found and chromium.VARIABLE not in os.environ:
        if chromium.find_shell() == found:
            add_shell()
        found = chromium.find_shell()
    print(f"Chromium: {found}" if found else HELP, file=sys.stdout if found else sys.stderr)
    return 0 if found else 1


def _run(command: list[str]) -> bool:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        return subprocess.run(command, env=environment, timeout=900, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as err:
        print(err, file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
