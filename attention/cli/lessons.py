"""`lessons`: what a folder of lessons names and what does not exist, by file and line."""

from __future__ import annotations

import argparse
from pathlib import Path

from attention.cli import codes, common
from attention.config import Limits

NAME, HELP = "lessons", "check a folder of lessons"
ABOUT = """Read every lesson of a folder and print what is wrong with it, one line each: file, line, what is wrong and
what is allowed. The folder is this installation's own (HEADLIGHT_LESSON_FOLDER), or the one that is named. How a lesson
is written stands in docs/lessons.md. Exit code 0: all is well; 1: something is wrong."""
EXAMPLES = """\
  python -m attention lessons check
  python -m attention lessons check ~/my-lessons
"""
ACTIONS = ("check",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("action", choices=ACTIONS, metavar="check", help="what to do: check")
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="where they lie (default: this installation's)")


def run(given: argparse.Namespace) -> int:
    """Check, and print."""
    from attention.lessons.check import check
    from attention.lessons.folder import folder_of, read

    folder = Path(given.folder).expanduser() if given.folder else folder_of(Limits.from_environment())
    found = check(folder)
    for problem in found:
        common.put(str(problem))
    if found:
        return codes.REFUSED
    lessons, _ = read(folder)
    steps, questions = sum(len(one.steps) for one in lessons), sum(len(one.questions) for one in lessons)
    common.put(f"{len(lessons)} lessons, {steps} steps, {questions} questions: all that they name exists.")
    return codes.GOOD
