"""The first law: imports go down only, and heavy libraries stay where they belong.

The rules are read from the source with `ast`, so an import inside a function or under TYPE_CHECKING counts too: it is
a dependency all the same. One exception is named below.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Low to high; modules in one line are equals and may not import each other. `__init__` is the public API.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "assets", "imports"),
    ("config", "table", "hashing", "layer_settings"),
    ("edits",),
    ("stages", "derived", "prompt", "reference"),
    ("mhsa",),
    ("cost", "mistakes"),
    ("record", "selfchecks"),
    ("view", "catalogue", "tokens"),
    ("bundled", "terms", "models", "edit_words"),
    ("capture", "local"),
    ("source", "handmade"),
    ("prediction",),
    ("analysis",),
    ("figures",),
    ("sentences", "delivery", "lessons"),
    ("browser",),
    ("export",),
    ("jobs",),
    ("api",),
    ("__init__",),
    ("cli",),
    ("__main__", "ui"),
    ("pages",),
    ("app",),
)
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}

TORCH = {
    "stages", "mhsa", "cost", "mistakes", "selfchecks", "record", "tokens", "models", "capture", "local", "handmade",
    "prediction", "analysis", "api",
}  # fmt: skip
HEAVY = {
    "torch": TORCH,
    "transformers": {"tokens", "models", "capture", "prediction"},
    "plotly": {"figures", "export"},
    "streamlit": {"ui", "pages", "app"},
}
# Whoever paints first may import torch inside a function, in a thread that warms it while the shell is on screen.
LAZY = {"torch": {"ui", "pages", "app"}}


@dataclass(frozen=True)
class Import:
    """One import: the dotted name that is needed, its line, and whether it stands inside a function."""

    name: str
    line: int
    lazy: bool


def violations(root: Path) -> list[str]:
    """Every breach of the rules below `root`, as sentences."""
    return [fault for path in sources(root) for fault in faults_of(path, root)]


def sources(root: Path) -> list[Path]:
    """The app's Python files: `attention/`, `pages/` and `app.py`."""
    app = [root / "app.py"] if (root / "app.py").is_file() else []
    return sorted((root / "attention").rglob("*.py")) + sorted((root / "pages").rglob("*.py")) + app


def faults_of(path: Path, root: Path) -> Iterator[str]:
    module = module_of_path(path.relative_to(root))
    where = path.relative_to(root).as_posix()
    if module not in RANK:
        yield f"{where}: module {module!r} has no rank; give it one in {Path(__file__).name}"
        return
    for found in imports_of(path, root):
        target = module_of_name(found.name, root)
        if target is None:
            yield from heavy_faults(module, found, where)
        elif target not in RANK:
            yield f"{where}:{found.line}: imports {found.name}, which has no rank"
        elif target != module and RANK[target] >= RANK[module]:
            yield f"{where}:{found.line}: {module} may not import {target}, which does not lie below it"


def heavy_faults(module: str, found: Import, where: str) -> Iterator[str]:
    library = found.name.partition(".")[0]
    if library not in HEAVY or module in HEAVY[library] or (found.lazy and module in LAZY.get(library, ())):
        return
    yield f"{where}:{found.line}: {module} may not import {library}"


def module_of_path(path: Path) -> str:
    """The ranked name of a file: its name, or its package's, just below `attention/`."""
    if path.parts[0] == "attention":
        return Path(path.parts[1]).stem
    return Path(path.parts[0]).stem


def module_of_name(name: str, root: Path) -> str | None:
    """The ranked name of a dotted import, or None where it is not ours."""
    head, *rest = name.split(".")
    if head in ("pages", "app"):
        return head
    if head != "attention":
        return None
    is_module = bool(rest) and ((root / "attention" / rest[0]).is_dir() or (root / f"attention/{rest[0]}.py").is_file())
    # `from attention import trace` asks the public API, which may load anything below it.
    return rest[0] if is_module or (rest and rest[0] in RANK) else "__init__"


def imports_of(path: Path, root: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = path.relative_to(root).parent.parts
    yield from _walk(tree, package, lazy=False)


def _walk(node: ast.AST, package: tuple[str, ...], *, lazy: bool) -> Iterator[Import]:
    for name in _names(node, package):
        yield Import(name, getattr(node, "lineno", 0), lazy)
    inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, package, lazy=inside)


def _names(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = ".".join((*package[: len(package) - node.level + 1], node.module or "")).strip(".") if node.level else ""
        base = base or node.module or ""
        # `from attention import stages` names a module in its last part; a name below a module does no harm here.
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__") and node.args:
        first = node.args[0]
        return [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
    return []


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_the_house_is_in_order() -> None:
    assert len(sources(ROOT)) > 5
    assert violations(ROOT) == []


def plant(root: Path, **files: str) -> Path:
    """A small house in order, with `files` (path with / as __ and no .py → source) put into it."""
    good = {"attention/__init__.py": "", "attention/errors.py": "", "attention/stages.py": "import torch\n"}
    for name, text in (good | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


PLANTED = {
    "upward": ("attention/errors.py", "from attention.stages import attend", "errors may not import stages"),
    "upward, from the package": ("attention/errors.py", "from attention import stages", "errors may not import stages"),
    "upward, relative": ("attention/errors.py", "from . import stages", "errors may not import stages"),
    "upward, relative name": ("attention/errors.py", "from .stages import attend", "errors may not import stages"),
    "upward, two dots": ("attention/record/a.py", "from ..figures import maps", "record may not import figures"),
    "upward, in a function": (
        "attention/errors.py", "def f():\n    import attention.stages", "errors.py:2: errors may not import stages",
    ),
    "upward, for types only": (
        "attention/errors.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from attention.stages import Stages",
        "errors may not import stages",
    ),
    "upward, by name": (
        "attention/errors.py",
        "import importlib\nx = importlib.import_module('attention.stages')",
        "errors may not import stages",
    ),
    "upward, the public API": ("attention/figures.py", "from attention import trace", "may not import __init__"),
    "equals": ("attention/view.py", "import attention.catalogue", "view may not import catalogue"),
    "app from below": ("attention/ui/state.py", "import app", "ui may not import app"),
    "page from below": ("attention/ui/state.py", "from pages.inspect import show", "ui may not import pages"),
    "no rank": ("attention/helpers.py", "", "module 'helpers' has no rank"),
    "no rank, a package": ("attention/misc/__init__.py", "", "module 'misc' has no rank"),
    "streamlit in figures": ("attention/figures.py", "import streamlit as st", "figures may not import streamlit"),
    "plotly in analysis": ("attention/analysis/norms.py", "from plotly import graph_objects", "may not import plotly"),
    "plotly on a page": ("pages/inspect.py", "import plotly.express", "pages may not import plotly"),
    "torch in view": ("attention/view.py", "def f():\n    import torch", "view may not import torch"),
    "torch at the top of ui": ("attention/ui/state.py", "import torch", "ui may not import torch"),
    "transformers in a page's function": (
        "pages/inspect.py", "def f():\n    from transformers import AutoModel", "pages may not import transformers",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "source", "message"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_found(tmp_path: Path, path: str, source: str, message: str) -> None:
    found = violations(plant(tmp_path, **{path: source}))
    assert len(found) == 1
    assert message in found[0]
    assert found[0].startswith(path)


ALLOWED = {
    "downward": ("attention/mhsa.py", "from attention.stages import attend\nfrom attention import errors"),
    "within a package": ("attention/record/a.py", "import attention.record.b\nfrom . import c\nfrom .. import errors"),
    "torch in a function of ui": ("attention/ui/warm.py", "def warm():\n    import torch"),
    "a page": ("pages/inspect.py", "import streamlit\nfrom attention import trace\nfrom attention.ui import state"),
    "the lazy API": ("attention/__init__.py", "import importlib\nx = importlib.import_module('attention.api')"),
    "the app": ("app.py", "import streamlit\nfrom attention.ui import nav\nfrom pages import inspect"),
}


@pytest.mark.parametrize(("path", "source"), ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_passes(tmp_path: Path, path: str, source: str) -> None:
    assert violations(plant(tmp_path, **{path: source})) == []


# What the process that paints the first page imports: these statements, run one after the other, and nothing else.
PROBE = """
import ast, json, sys
from pathlib import Path

heavy, modules, scripts = json.loads(sys.argv[1])
for module in modules:
    __import__(module)
for script in scripts:
    tree = ast.parse(Path(script).read_text(encoding="utf-8"))
    lines = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(ast.Module(lines, []), script, "exec"), {"__name__": "probe"})
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def loaded(heavy: list[str], modules: list[str], scripts: list[str] | None = None) -> list[str]:
    """Which of the `heavy` libraries a fresh Python has loaded after these imports."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([heavy, modules, scripts or []])],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def first_modules() -> list[str]:
    """What may be imported before the first paint: all of `attention.ui`, and the light modules below it."""
    light = [name for name in ("errors", "config", "view", "catalogue", "jobs") if _is_module(name)]
    ui = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "attention" / "ui").rglob("*.py"))]
    return [f"attention.{name}" for name in light] + [".".join(path.parts).removesuffix(".__init__") for path in ui]


def first_scripts() -> list[str]:
    """The scripts whose imports run before the first paint; they cannot be imported whole, for they draw."""
    return [str(path) for path in sources(ROOT) if path.relative_to(ROOT).parts[0] != "attention"]


def _is_module(name: str) -> bool:
    return (ROOT / "attention" / name).is_dir() or (ROOT / "attention" / f"{name}.py").is_file()


def test_the_first_paint_loads_neither_torch_nor_transformers() -> None:
    assert loaded(["torch", "transformers"], first_modules(), first_scripts()) == []


def test_the_public_api_loads_nothing_heavy() -> None:
    assert loaded(sorted(HEAVY), ["attention"]) == []


def test_the_readable_attention_loads_only_torch() -> None:
    assert loaded(["torch", "transformers", "streamlit", "plotly"], ["attention.mhsa"]) == ["torch"]


def test_the_probe_can_fail(tmp_path: Path) -> None:
    """For plotly, which loads in a moment; the test above shows that it finds what our own module loads."""
    script = tmp_path / "page.py"
    script.write_text("import plotly\nraise SystemExit('only the imports of a script are run')\n")
    assert loaded(["streamlit", "plotly"], ["plotly"]) == ["plotly"]
    assert loaded(["streamlit", "plotly"], [], [str(script)]) == ["plotly"]
