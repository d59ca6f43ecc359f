"""Finds a Chromium that runs. Only the standard library, so that it works before anything is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

VARIABLE = "HEADLIGHT_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser without its window, which is what drawing takes: a page opens in a fifth less of a processor's time.
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
MAC_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHT_FOLDERS = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
PLAYWRIGHT_SHELLS = ("chromium_headless_shell-*/*/chrome-headless-shell", "chromium_headless_shell-*/*/headless_shell")
PLAYWRIGHT_BINARIES = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")

# The last list given counts, so that Playwright's own stands here again. Ours: the popups of the address bar,
# which nobody sees here, take a process and a second of processor time for each page that is opened.
DISABLED = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,"
    "PaintHolding,PreconnectToSearch,TcpPortRandomizationWin,ThirdPartyStoragePartitioning,"
    "WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup,WebUIOmniboxPopupSelectionControl"
)
# Without a sandbox, as root in a container cannot have one; the rest keeps Chromium from calling home.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={DISABLED}",
)


def find() -> str | None:
    """Path of the first Chromium that starts, or None. `HEADLIGHT_CHROMIUM` goes before all others."""
    return next((path for path in _candidates() if starts(path)), None)


def find_shell() -> str | None:
    """Path of a Chromium without a window that starts, else of any. `HEADLIGHT_CHROMIUM` goes before all others."""
    on_path = filter(None, map(shutil.which, SHELLS))
    shells = () if os.environ.get(VARIABLE) else (*on_path, *_of_playwright(PLAYWRIGHT_SHELLS))
    return next(filter(starts, shells), None) or find()


def starts(path: str) -> bool:
    """Whether `path --version` ends well: a browser that lacks its system libraries is found but useless."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _candidates() -> Iterator[str]:
    named = os.environ.get(VARIABLE)
    if named:
        yield shutil.which(named) or named
    yield from filter(None, map(shutil.which, NAMES))
    yield from (path for path in MAC_APPS if Path(path).is_file())
    yield from _of_playwright(PLAYWRIGHT_BINARIES)


def _of_playwright(patterns: Iterable[str]) -> Iterator[str]:
    own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    for folder in (own, *PLAYWRIGHT_FOLDERS) if own not in ("", "0") else PLAYWRIGHT_FOLDERS:
        for pattern in patterns:
            yield from map(str, sorted(Path(folder).expanduser().glob(pattern), reverse=True))  # the newest first


if __name__ == "__main__":
    found = find()
    print(found or "no Chromium found", file=sys.stdout if found else sys.stderr)
    sys.exit(found is None)
