"""What an installation needs (pyproject.toml) and what the checkout pins (requirements.txt) agree with the code."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import attention

ROOT = Path(__file__).resolve().parents[1]
# Packages that are imported by another name than they are installed by.
OTHER_NAMES = {"markdown_it": "markdown-it-py"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [Requirement(line) for line in PROJECT["dependencies"]]
OPTIONAL = [Requirement(line) for lines in EXTRAS.values() for line in lines]
RANGES = {canonicalize_name(one.name): one for one in (*NEEDED, *OPTIONAL) if one.name != PROJECT["name"]}


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in found}


@pytest.mark.parametrize("name", RANGES)
def test_a_range_has_both_ends_and_its_pin_lies_in_it(name: str) -> None:
    assert {one.operator for one in RANGES[name].specifier} == {">=", "<"}
    assert RANGES[name].specifier.contains(pins()[name])


def test_what_is_pinned_is_asked_for_and_the_other_way_round() -> None:
    assert set(pins()) == set(RANGES)


def test_what_the_code_imports_is_asked_for() -> None:
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "attention").rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    others = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"attention"}
    assert len(others) > 8
    assert {canonicalize_name(OTHER_NAMES.get(name, name)) for name in others} <= set(RANGES)


def test_extras_that_are_named_in_sentences_are_there() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "attention").rglob("*.py"))
    named = set(re.findall(r'\bextra\("(\w+)"\)', source)) | set(re.findall(r"\bextra\('(\w+)'\)", source))
    assert named
    assert named <= set(EXTRAS)


def test_the_version_is_said_once_more_and_the_same() -> None:
    assert PROJECT["version"] == attention.__version__


def test_the_build_backend_is_pinned_for_the_tests() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    wanted = Requirement(backend)
    pinned = re.search(rf"^{wanted.name}==(\S+)$", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert wanted.specifier.contains(pinned[1])
