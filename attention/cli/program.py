"""The parser of all commands, and how each of them ends."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from attention.cli import common, link, models, patterns, trace
from attention.cli.codes import CLOSED, EPILOG, INTERRUPTED, REFUSED
from attention.errors import HeadlightError

COMMANDS = (trace, patterns, models, link)
ABOUT = """See what every attention head sees, without the page. Answers are JSON on stdout, one line a text; progress
and problems go to stderr."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (`attention.cli.codes`). argv: without the program's own name."""
    _open_streams()
    _as_utf8(sys.stdout)
    try:
        given = parser().parse_args(argv)
        code: int = given.run(given)
        return code
    except SystemExit as end:  # argparse has said what is wrong, or printed its help
        return int(end.code or 0)
    except HeadlightError as err:
        return _refused(str(err))
    except KeyboardInterrupt:
        print("headlight: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        common.leave_quietly()
        return CLOSED


def parser() -> argparse.ArgumentParser:
    """The parser with all commands; importing and asking it for help loads nothing heavy."""
    made = argparse.ArgumentParser(
        prog="python -m attention",
        description=ABOUT,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.ABOUT,
            epilog=f"examples:\n{command.EXAMPLES}\n{EPILOG}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run, refuse=own.error)
    return made


def _refused(sentence: str) -> int:
    print(f"headlight: {sentence}", file=sys.stderr)
    return REFUSED


def _open_streams() -> None:
    """Where the caller has closed one (`>&-`), nothing is read, and what is written goes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def _as_utf8(stream: TextIO) -> None:
    """JSON is UTF-8, whatever the terminal's language is; what no encoding can carry is written out as \\udc80."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")
