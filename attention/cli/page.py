"""`run`: the page, by Streamlit, from wherever this package lies."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from attention.assets import APP
from attention.cli import codes, common

NAME, HELP = "run", "open the page in a browser"
ABOUT = """Start the page and open it in a browser, until Ctrl-C. Limits are environment variables, as docs/settings.md
lists them. What follows -- goes to `streamlit run` as it is."""
EXAMPLES = """\
  python -m attention run
  python -m attention run --port 8600 --no-browser
  python -m attention run -- --server.baseUrlPath=headlight
"""
HIGHEST_PORT = 65535
ADDRESS = "STREAMLIT_SERVER_ADDRESS"  # Streamlit's own variable; a flag would go before it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--port", type=_port, metavar="N", help="where it answers (default: 8501, or the next free)")
    parser.add_argument(
        "--address",
        metavar="HOST",
        help="on which interface; 0.0.0.0 lets others in the network in (default: this computer alone)",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    parser.add_argument("more", nargs="*", metavar="-- OPTION", help="options of `streamlit run`, after --")


def run(given: argparse.Namespace) -> int:
    """Become Streamlit's process; where the system knows no such thing, wait for one and hand on how it ended."""
    order = command(given)
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(order[0], order)  # noqa: S606  our own interpreter, and options that the person typed
    try:
        return subprocess.run(order, check=False).returncode  # noqa: S603  the same
    except KeyboardInterrupt:
        return codes.INTERRUPTED


def command(given: argparse.Namespace) -> list[str]:
    """What is started. The page's own settings are in .streamlit/ beside app.py, where Streamlit looks."""
    options = []
    if given.address is not None or ADDRESS not in os.environ:
        options.append(f"--server.address={given.address or '127.0.0.1'}")
    if given.port is not None:
        options.append(f"--server.port={given.port}")
    if given.no_browser:
        options.append("--server.headless=true")
    return [sys.executable, "-m", "streamlit", "run", str(APP), *options, *given.more]


def _port(raw: str) -> int:
    number = common.count(1)(raw)
    if number > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{raw!r} must be at most {HIGHEST_PORT}")
    return number
