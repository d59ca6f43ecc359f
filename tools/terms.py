"""`python -m tools.terms` writes static/terms/list.js, the browser's list of terms, from assets/terms.toml."""

from __future__ import annotations

from attention.assets import STATIC
from attention.terms import module

TARGET = STATIC / "terms" / "list.js"


def main() -> None:
    """Write the module."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(module(), encoding="utf-8")


if __name__ == "__main__":
    main()
