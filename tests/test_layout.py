"""Tests mirror the package: from a module's path one can tell where its tests lie, and from a test's what it tests.

`attention/X/y.py` is tested in `tests/X/test_y.py` or `tests/X/test_y_more.py`, `attention/y.py` in `tests/test_y.py`,
and what is about the whole of X in `tests/X/test_X.py`; a package in a package alike. What is about something else
than a module is listed below.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Folders that mirror something else than a package of ours.
OTHERS = {
    "benchmarks": "benchmarks/, the measurements",
    "chromium": "static/ and assets/, the browser's side, and the page in Chromium",
    "deploy": "deploy/, the image and the wheel",
    "golden": "numbers and files of an earlier version",
    "oracles": "the browser's arithmetic, written in Python a second time",
    "hostile": "input that is meant to do harm, wherever it comes in",
    "tools": "tools/",
}
# Tests of no module in particular, and what they are about.
WHOLE = {
    "tests/test_architecture.py": "imports of all modules",
    "tests/test_default_dtype.py": "the types of all tensors that are made",
    "tests/test_docs.py": "what README.md, docs/ and the sources say of each other",
    "tests/test_guides.py": "the guides' code runs",
    "tests/test_layout.py": "this rule",
    "tests/test_lint.py": "the browser's code, which is linted",
    "tests/test_requirements.py": "what an installation needs, against the pins and the imports",
    "tests/capture/test_faults.py": "faults that are planted in a capture are noticed",
    "tests/capture/test_onnx.py": "a capture against another runtime",
    "tests/capture/test_reach.py": "which architectures a capture reaches",
    "tests/capture/test_registry.py": "a capture through the registry of attention functions",
    "tests/ui/test_counting.py": "what each change of the page makes anew",
    "tests/ui/test_inspect.py": "the page of one head, as Streamlit runs it",
    "tests/ui/test_keys.py": "every widget's key",
}
# Modules at the root that are tested where they are used.
ELSEWHERE = {
    "__init__": "tests/test_api.py, with what it hands on",
    "__main__": "tests/cli, which runs it",
    "assets": "whatever reads a file",
    "errors": "whatever raises them",
}


def misplaced(root: Path) -> Iterator[str]:
    """Each test module, package and module that breaks the rule, as a sentence."""
    packages = {_below(path, root / "attention"): path.parent for path in (root / "attention").rglob("*/__init__.py")}
    for path in sorted((root / "tests").rglob("test_*.py")):
        where = path.relative_to(root).as_posix()
        folder = _below(path, root / "tests")
        if folder.split("/")[0] in OTHERS or where in WHOLE:
            continue
        if folder and folder not in packages:
            yield f"{where}: there is no package attention/{folder}; name in test_layout.py what it mirrors"
        elif not is_of(path.stem.removeprefix("test_"), packages[folder] if folder else root / "attention", folder):
            yield f"{where}: attention/{folder} has no module of this name; name it after the one that it tests"
    for name in sorted(packages):
        if not list((root / "tests" / name).glob("test_*.py")):
            yield f"attention/{name}: has no tests in tests/{name}"
    for path in sorted((root / "attention").glob("*.py")):
        if path.stem not in ELSEWHERE and not list((root / "tests").glob(f"test_{path.stem}*.py")):
            yield f"attention/{path.name}: has no tests/test_{path.stem}.py"


def _below(path: Path, above: Path) -> str:
    """The folder of a file, as it is called from above; none where it lies there itself."""
    folder = path.parent.relative_to(above).as_posix()
    return "" if folder == "." else folder


def is_of(name: str, package: Path, folder: str) -> bool:
    """Whether a test's name begins with that of a module of the package, or is the package's own."""
    words = name.split("_")
    begins = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return any((package / f"{begin}.py").is_file() or begin == folder.split("/")[-1] for begin in begins)


def test_every_test_lies_where_its_module_lies() -> None:
    assert list(misplaced(ROOT)) == []


def test_every_exception_is_needed() -> None:
    assert [where for where in WHOLE if not (ROOT / where).is_file()] == []
    assert [name for name in ELSEWHERE if not (ROOT / "attention" / f"{name}.py").is_file()] == []
    assert [name for name in OTHERS if not (ROOT / "tests" / name).is_dir()] == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("tests/view/test_url.py", False), ("tests/view/test_url_packed.py", False),
        ("tests/view/test_view.py", False), ("tests/view/test_urls.py", True), ("tests/test_url.py", True),
        ("tests/pages/test_url.py", True), ("tests/chromium/test_anything.py", False),
        ("attention/figures/__init__.py", True), ("attention/wire.py", True),
        ("attention/view/packed/__init__.py", True), ("tests/view/packed/test_packed.py", True),
    ],
)  # fmt: skip
def test_what_lies_elsewhere_is_found(tmp_path: Path, path: str, wrong: bool) -> None:
    for one in ("attention/view/__init__.py", "attention/view/url.py", "tests/view/test_view.py", path):
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one).touch()
    found = list(misplaced(tmp_path))
    assert bool(found) == wrong
    assert all(path.removesuffix("/__init__.py") in one for one in found)
