"""What a file's ending makes of it, and what that needs. Light, for the command line's help."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from attention.errors import InputError, extra

# What each ending becomes, in words: of the whole trace, or of one head.
WHOLE = {".html": "an interactive page", ".npz": "everything as arrays"}
PICTURES = {".svg": "a figure", ".pdf": "a figure as a page", ".png": "a figure in points"}
ONE_HEAD = PICTURES | {".csv": "a table", ".json": "every step as text"}
ENDINGS = WHOLE | ONE_HEAD
# What the pictures need that not every installation has: modules, and the packages that bring them.
NEEDED = {"resvg_py": "resvg-py", "reportlab": "reportlab"}


def ending_of(path: Path) -> str:
    """The ending, in small letters; raises InputError that lists those there are."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(f"{name} ({words})" for name, words in ENDINGS.items())
        raise InputError(f"{path.name!r} must end in one of: {known}.")
    return ending


def refuse_without_means(path: Path) -> None:
    """Raise InputError where a file of that ending needs packages that are not installed."""
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    ending = path.suffix.lower()
    if missing and ending in (".pdf", ".png"):
        raise InputError(
            f"For a {ending} {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing here; "
            f"{extra('figures')} or save an .svg, which needs nothing more."
        )
