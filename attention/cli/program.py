"""The parser of all commands, and how each of them ends."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from attention import __version__
from attention.cli import common, compare, lessons, link, models, page, patterns, trace
from attention.cli.codes import CLOSED, EPILOG, INTERRUPTED, REFUSED
from attention.errors import HeadlightError

COMMANDS = (trace, patterns, compare, models, link, lessons, page)
# How a person calls it, and how its examples do: as a module, which they then say as they said it.
MODULE, PROGRAM = "python -m attention", "headlight"
ABOUT = """See what every attention head sees, without the page. Answers are JSON on stdout, one line a text; progress
and problems go to stderr."""


def headlight(argv: Sequence[str] | None = None) -> int:
    """The command `headlight`: as `main`, and where no command is named it opens the page."""
    given = sys.argv[1:] if argv is None else list(argv)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given = [page.NAME, *given]
    return main(given, program=PROGRAM)


def main(argv: Sequence[str] | None = None, *, program: str = MODULE) -> int:
    """Run one command; returns its exit code (`attention.cli.codes`).

    argv: without the program's own name. program: that name, as its help says it.
    """
    _open_streams()
    _as_utf8(sys.stdout)
    try:
        given = parser(program).parse_args(argv)
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


def parser(program: str = MODULE) -> argparse.ArgumentParser:
    """The parser with all commands; importing and asking it for help loads nothing heavy."""
    made = argparse.ArgumentParser(
        prog=program,
        description=ABOUT,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"Headlight {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.ABOUT,
            epilog=f"examples:\n{command.EXAMPLES}\n{EPILOG}".replace(MODULE, program),
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
