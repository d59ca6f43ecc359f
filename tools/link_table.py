"""The table of docs/links.md from the rows of a view: `make docs` writes it, a test demands that it is current."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from attention.view import View
from attention.view.parameters import described

FILE = Path(__file__).resolve().parents[1] / "docs" / "links.md"
TABLE = re.compile(r"\| name \| what it says .*?(?=\n\n)", re.DOTALL)


def main() -> None:
    """Write the table in its place."""
    FILE.write_text(TABLE.sub(lambda _: described(View), FILE.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
