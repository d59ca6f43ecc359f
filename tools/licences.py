"""Writes docs/licences.md: the licence of each package that requirements.txt pins, as its authors state it.

`python -m tools.licences` writes; with `--check` it only says what is not as it should be.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "licences.md"
# What may stand in a licence: permissive ones, and the Mozilla Public License for packages that are used unchanged.
ALLOWED = frozenset((
    "0BSD", "3-Clause BSD License", "Apache 2.0 License", "Apache License 2.0", "Apache Software License",
    "Apache Software License 2.0", "Apache-2.0", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CNRI-Python", "HPND", "ISC", "ISC License (ISCL)", "LLVM-exception", "MIT", "MIT License", "MIT-CMU", "MPL-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0", "Python Software Foundation License", "Python-2.0",
    "The Unlicense (Unlicense)", "Unlicense", "Zlib",
))  # fmt: skip
# What a package's metadata does not say, but the licence's own text that comes with it; a test looks there.
IN_ITS_FILE = {"resvg-py": "MIT"}
HEAD = """# Licences

Headlight itself is under Apache-2.0. These packages are pinned in `requirements.txt`; the licences are those that their
authors state. `make licences` writes this page, and a test holds it against what is installed, and the licences of all
packages that these bring against a list of permissive ones.

| package | version | licence |
|---|---|---|
"""
FOOT = """
What lies in the repository and is not our own keeps its licence beside it: plotly.js (MIT) and the typeface Source Sans
3 (SIL Open Font License 1.1) in `static/`. `assets/export/fonts/` has the same typeface made over into files of single
weights, under another name, for the licence keeps “Source” for the original. The texts that the bundled models were
trained on are named in their cards. The models of the hub have licences of their own, which the page of models shows.
"""


def pinned() -> dict[str, str]:
    """Name → version of each line of requirements.txt."""
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in _lines()}


def _lines() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def closure() -> set[str]:
    """The pinned packages and all that they bring here."""
    found: set[tuple[str, str]] = set()
    left = [pair for one in _lines() for pair in _with_extras(one)]
    while left:
        name, extra = left.pop()
        if (name, extra) in found:
            continue
        try:
            asked = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:  # for another platform or Python
            continue
        found.add((name, extra))
        brought = [one for one in asked if not one.marker or one.marker.evaluate({"extra": extra})]
        left += [pair for one in brought for pair in _with_extras(one)]
    return {name for name, _ in found}


def _with_extras(one: Requirement) -> list[tuple[str, str]]:
    """The package by itself, and with each extra that is asked for."""
    return [(canonicalize_name(one.name), extra) for extra in ("", *one.extras)]


def licences() -> dict[str, str]:
    """Name → licence of every installed package, by pip-licenses."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--with-system"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return {canonicalize_name(one["Name"]): one["License"] for one in json.loads(done.stdout)} | IN_ITS_FILE


def parts(licence: str) -> set[str]:
    """The single licences of an expression or a list."""
    pieces = re.split(r"\s+AND\s+|\s+OR\s+|\s+WITH\s+|;\s*|\s+and\s+|\s+or\s+", licence.replace("((", "("))
    return {piece.strip() if "(" in piece.strip("()") else piece.strip(" ()") for piece in pieces if piece.strip()}


def foreign(stated: dict[str, str]) -> dict[str, str]:
    """The packages whose licence has a part that is not allowed."""
    return {name: licence for name, licence in stated.items() if not parts(licence) <= ALLOWED}


def document(stated: dict[str, str]) -> str:
    """The page, for these licences."""
    rows = [f"| `{name}` | {version} | {stated[name]} |" for name, version in sorted(pinned().items())]
    return HEAD + "\n".join(rows) + "\n" + FOOT


def main() -> int:
    """Write the page, or with --check compare; 1 where something is not as it should be."""
    stated = licences()
    wrong = foreign({name: stated[name] for name in closure()})
    for name, licence in wrong.items():
        print(f"{name} is under {licence!r}, which is not in the list of tools/licences.py.", file=sys.stderr)
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(document(stated), encoding="utf-8")
    elif DOCUMENT.read_text(encoding="utf-8") != document(stated):
        print("docs/licences.md is not what is installed: run `make licences`.", file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
