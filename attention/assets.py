"""Where what belongs to the app and is no module lies: models and samples, the browser’s side, settings.

In a checkout it lies beside the package, and in an installation inside of it, where the wheel has put it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "_app"  # as in pyproject.toml


def root(installed: Path = INSTALLED) -> Path:
    """The folder of app.py, pages/, assets/, static/ and .streamlit/."""
    return installed if installed.is_dir() else PACKAGE.parent


def settings_folder(installed: Path = INSTALLED) -> Path:
    """Where a host writes settings: the checkout's own folder, or that of the person whose Python it is."""
    return (Path.home() if installed.is_dir() else PACKAGE.parent) / ".streamlit"


ROOT = root()
APP = ROOT / "app.py"
ASSETS = ROOT / "assets"
COMPONENTS = ASSETS / "components"
EXPORT = ASSETS / "export"
STATIC = ROOT / "static"
# Made of SOURCES when the app starts (`delivery.deliver`): what every page fetches, and what lessons, the page
# “Compare” and views that few open fetch besides.
DELIVERED, DELIVERED_LESSONS, DELIVERED_COMPARE, DELIVERED_VIEWS = ALL_DELIVERED = (
    STATIC / "delivered.js", STATIC / "delivered_lessons.js", STATIC / "delivered_compare.js",
    STATIC / "delivered_views.js",
)  # fmt: skip
SHARED = tuple(
    path for path in sorted(STATIC.rglob("*.js"))
    if not path.name.endswith(".min.js") and path not in ALL_DELIVERED
)  # fmt: skip
SOURCES = (*SHARED, *sorted(COMPONENTS.glob("*/main.js")))  # all that is delivered


def version() -> str:
    """12 digits that change with the name or the text of anything that is delivered."""
    parts = (part for path in SOURCES for part in (path.relative_to(ROOT).as_posix().encode(), path.read_bytes()))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def settings(base: str, palettes: Mapping[str, Any], *, lessons: str = "") -> str:
    """The line before each component's own code. base: the app's path. palettes: dataclasses by the theme's name.
    lessons: the path of the page of lessons, "" where none can be led to.
    """
    made = {
        "base": base, "version": version(), "lessons": lessons,
        "palettes": {name: asdict(palette) for name, palette in palettes.items()},
    }  # fmt: skip
    return f"const HEADLIGHT = {in_script(made)};\n"


def in_script(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element, or begins a comment."""
    return json.dumps(value).replace("<", "\\u003c")
