"""`make check` lints all of the browser's code, wherever it lies, and finds what it should find there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attention import assets

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ".oxlintrc.json"
MADE = (assets.DELIVERED, assets.DELIVERED_LESSONS, assets.DELIVERED_COMPARE, assets.DELIVERED_VIEWS)
# What is ours to lint: not what another project made, and not what is made of the sources.
SOURCES = [
    path for path in sorted(ROOT.rglob("*.js"))
    if not path.name.endswith(".min.js") and path not in MADE
    and path.relative_to(ROOT).parts[0] != "build"
    and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]  # fmt: skip
FOLDERS = sorted({path.parent.relative_to(ROOT).as_posix() for path in SOURCES})
# One line each, with the rule that has to find it.
FAULTS = {
    "no-undef": "export const sum = () => absent + 1;",
    "no-unused-vars": "const unused = 1;",
    "eqeqeq": "export const isOne = (value) => value == 1;",
    "no-var": "export var old = 1;",
    "prefer-const": "let fixed = 1;\nexport { fixed };",
    "no-shadow": "export const name = 1;\nexport const inner = (name) => name;",
}


def lint(folder: Path) -> dict[str, Any]:
    """What the command of `make check` finds below a folder."""
    command = [str(Path(sys.executable).parent / "oxlint"), "--deny-warnings", "-f", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert bool(found["diagnostics"]) == bool(done.returncode)
    return found


def test_make_check_lints_every_file_and_nothing_is_wrong() -> None:
    assert {"static", "static/figures", "assets/components/run", "assets/export", "benchmarks/page"} <= set(FOLDERS)
    found = lint(ROOT)
    assert found["diagnostics"] == []
    assert found["number_of_files"] == len(SOURCES) > 90
    assert "\t$(BIN)/oxlint --deny-warnings\n" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_in_every_folder(rule: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / CONFIGURATION, tmp_path)
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "planted.js").write_text(f"{FAULTS[rule]}\n", "utf-8")
    found = [one for one in lint(tmp_path)["diagnostics"] if one["code"] == f"eslint({rule})"]
    assert sorted(Path(one["filename"]).parent.as_posix() for one in found) == FOLDERS
