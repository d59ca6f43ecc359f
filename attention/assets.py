"""Where the browser’s side lies in a checkout: components, the modules they share, the page of an exported file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMPONENTS = ROOT / "assets" / "components"
EXPORT = ROOT / "assets" / "export"
STATIC = ROOT / "static"
SHARED = tuple(path for path in sorted(STATIC.rglob("*.js")) if not path.name.endswith(".min.js"))


def version() -> str:
    """12 digits that change with the name or the text of any shared module."""
    parts = (part for path in SHARED for part in (path.relative_to(STATIC).as_posix().encode(), path.read_bytes()))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def settings(base: str, palettes: Mapping[str, Any]) -> str:
    """The line before each component's own code. base: the app's path. palettes: dataclasses by the theme's name."""
    made = {
        "base": base, "version": version(), "palettes": {name: asdict(palette) for name, palette in palettes.items()},
    }  # fmt: skip
    return f"const HEADLIGHT = {in_script(made)};\n"


def in_script(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element, or begins a comment."""
    return json.dumps(value).replace("<", "\\u003c")
