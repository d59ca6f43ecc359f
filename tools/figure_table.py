"""The list of docs/lessons.md from the table of figures: `make docs` writes it, a test demands that it is current."""

from __future__ import annotations

import re
from pathlib import Path

from attention.lessons.kinds import described

FILE = Path(__file__).resolve().parents[1] / "docs" / "lessons.md"
LIST = re.compile(r"(?<=<!-- kinds -->\n).*?(?=<!-- end of kinds -->)", re.DOTALL)


def main() -> None:
    """Write the list in its place."""
    FILE.write_text(LIST.sub(lambda _: f"{described()}\n", FILE.read_text("utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
