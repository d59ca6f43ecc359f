"""The guides' code is run as it stands, and the reference is the one that the docstrings make."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
import pytest

import attention
from attention.cli import codes, main
from attention.config import Limits
from tests.test_docs import rows
from tools import api_reference

ROOT = Path(__file__).resolve().parents[1]
SHAPED = ("Tensor", "ndarray")
# Arrays whose one axis, or none, needs no letters.
SHAPE = re.compile(r"\([^()]*(n_q|n_k|n,|h,|\bh\b|g,|stop|b,|m\b)[^()]*\)")


def blocks(guide: str, language: str) -> list[str]:
    """The code of a guide in one language, in order."""
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(guide: str) -> list[str]:
    return [line for block in blocks(guide, "sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path]]:
    """What the names of the guide for one's own model hold after its code has run, and the folder that it ran in."""
    folder, before = tmp_path_factory.mktemp("guide"), Path.cwd()
    names: dict[str, Any] = {"__name__": "guide"}
    os.chdir(folder)
    try:
        for number, block in enumerate(blocks("own-model.md", "python")):
            exec(compile(block, f"own-model.md, block {number}", "exec", dont_inherit=True), names)
        yield names, folder
    finally:
        os.chdir(before)


def test_the_guide_for_ones_own_model_runs_and_says_what_is_so(told: tuple[dict[str, Any], Path]) -> None:
    names, folder = told
    assert names["loss"].item() < 0.1
    assert names["found"][names["best"]] > 0.7
    assert names["even"] < 0.15
    others = [share for place, share in names["without"].items() if place != names["best"]]
    assert names["before"] > 0.95
    assert names["without"][names["best"]] < 0.5
    assert min(others) > 0.9
    assert names["view"].error.ok
    assert names["trace"].fidelity.ok
    assert names["failed"]
    assert names["own"].head(0, 1).error.ok
    assert names["back"].id == names["trace"].id
    assert (names["back"].head(*names["best"]).weights == names["view"].weights).all()
    assert {row.pattern for row in names["rows"]} >= {"induction", "previous token"}
    assert {path.suffix for path in folder.glob("mirror.*")} == {".html", ".svg", ".csv", ".npz"}


def test_the_pages_limits_open_the_guides_model(told: tuple[dict[str, Any], Path]) -> None:
    names, folder = told
    limits = Limits(model_folder=str(folder / "models"))
    assert attention.trace("./mirror", names["TEXT"], limits=limits).head(*names["best"]).error.ok


def test_the_guides_commands_run(told: tuple[dict[str, Any], Path], capsys: pytest.CaptureFixture[str]) -> None:
    asked = commands("own-model.md")
    assert len(asked) == 2
    for command in asked:
        assert main(shlex.split(command)[3:]) == codes.GOOD
    assert "Traceback" not in capsys.readouterr().err
    assert (told[1] / "head.svg").is_file()


def test_every_example_of_the_command_line_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process, but for the few lines that need a shell."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("The cat sat.\nThe dog ran away.\n")
    (tmp_path / "pairs.jsonl").write_text('{"a": "The cat sat.", "b": "The dog sat."}\n')
    (tmp_path / "one.csv").write_text("The cat sat on the mat.\n")
    asked = commands("command-line.md")
    assert len(asked) > 12
    for command in asked:
        if command.startswith("printf"):
            continue
        words = shlex.split(re.sub(r" (>|\|\|) .*$", "", command))
        assert words[:3] == ["python", "-m", "attention"]
        assert main(words[3:]) == codes.GOOD, command
    written = {path.name for path in tmp_path.iterdir()}
    assert {"cat.html", "cat.npz", "cat.csv", "cat.svg", "cat.pdf", "cat.png", "out-001.svg", "out-002.svg"} <= written
    assert "report.json" in written


def test_the_lines_for_a_shell_run_in_one(tmp_path: Path) -> None:
    asked = [line for line in commands("command-line.md") if "printf" in line or "texts.txt" in line]
    script = "\n".join(asked).replace("python -m", f"{shlex.quote(sys.executable)} -m").replace(".svg", ".csv")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len((tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert (tmp_path / "out-002.csv").is_file()


def test_the_examples_in_the_help_can_be_parsed() -> None:
    from attention.cli.program import COMMANDS, parser

    lines = [line for command in COMMANDS for line in command.EXAMPLES.strip().splitlines()]
    assert len(lines) > 8
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "attention"]
        parser().parse_args(words[3:])


def test_the_exit_codes_are_documented_as_they_are() -> None:
    table = rows((ROOT / "docs" / "command-line.md").read_text(encoding="utf-8"))
    assert {code: words for code, (words,) in ((c, w) for c, w in table.items() if c.isdigit())} == {
        str(code): words for code, words in codes.IN_WORDS.items()
    }


def test_the_endings_are_documented() -> None:
    from attention.export.endings import ENDINGS, ONE_HEAD

    table = rows((ROOT / "docs" / "command-line.md").read_text(encoding="utf-8"))
    assert {name for name in table if name.startswith(".")} == set(ENDINGS)
    assert {name for name in ENDINGS if table[name][-1] == "the chosen head"} == set(ONE_HEAD)


def test_the_reference_is_current() -> None:
    assert api_reference.FILE.read_text(encoding="utf-8") == api_reference.reference(), "run `make docs`"


def test_the_reference_names_all_that_is_public() -> None:
    text = api_reference.FILE.read_text(encoding="utf-8")
    functions, classes = api_reference.public()
    assert {one.name for one in [*functions, *classes]} == set(attention.__all__)
    for one in functions:
        assert f"\n### attention.{one.name}\n" in text
    for one in classes:
        assert f"\n### {one.name}\n" in text
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert links <= {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}


def undocumented(owner: griffe.Class) -> list[str]:
    """What a class has in public that neither it nor itself says a word of; arrays also need their shape."""
    whole = owner.docstring.value if owner.docstring else ""
    fields = [one for one in api_reference.members(owner) if isinstance(one, griffe.Attribute)]
    made = owner.members.get("__init__")
    named = {parameter.name for parameter in made.parameters} if isinstance(made, griffe.Function) else set()
    return [
        f"{owner.name}.{one.name}"
        for one in api_reference.members(owner)
        if not said_of(one, whole if one in fields and one.name in named else "")
    ]


def said_of(one: griffe.Function | griffe.Attribute, of_class: str) -> bool:
    own = one.docstring.value if one.docstring else ""
    kind = str(one.returns if isinstance(one, griffe.Function) else one.annotation)
    if of_class and not own:
        about = re.search(rf"\b{one.name}\b(?: \([^)]*\))?(?:(?:, | and )[^:.;]*)?:", of_class)
        return about is not None and (not needs_shape(kind) or bool(SHAPE.search(about[0]) or one.name in SCALARS))
    return bool(own) and (not needs_shape(kind) or bool(SHAPE.search(own)))


def needs_shape(kind: str) -> bool:
    return any(name in kind for name in SHAPED)


# The projection's own output, whose width is the model's business.
SCALARS = ("projected",)


@pytest.mark.parametrize("name", ["Trace", "HeadView", "AttentionRecord", "View"])
def test_every_public_attribute_is_documented_with_its_shape(name: str) -> None:
    _, classes = api_reference.public()
    (owner,) = [one for one in classes if one.name == name]
    assert len(api_reference.members(owner)) > 1
    assert undocumented(owner) == []


def test_every_public_function_says_what_it_does_and_what_each_argument_is() -> None:
    functions, classes = api_reference.public()
    for one in [*functions, *classes]:
        assert one.docstring is not None, one.name
    for one in functions:
        others = "The other arguments are those of" in one.docstring.value
        for parameter in one.parameters:
            assert others or re.search(rf"\b{parameter.name}\b", one.docstring.value), (one.name, parameter.name)


def test_the_search_for_what_is_not_documented_can_find(tmp_path: Path) -> None:
    source = '''
class Own:
    """One thing. size: how large. array (n_q, n_k): of numbers."""

    def __init__(self, size: int, array: np.ndarray, more: np.ndarray): ...

    size: int
    array: np.ndarray
    more: np.ndarray

    @property
    def good(self) -> np.ndarray:
        """Numbers, (n_q, v)."""

    @property
    def shapeless(self) -> np.ndarray:
        """Numbers."""

    def silent(self) -> int: ...
'''
    (tmp_path / "own.py").write_text(source)
    owner = griffe.load("own", search_paths=[str(tmp_path)])["Own"]
    assert undocumented(owner) == ["Own.more", "Own.shapeless", "Own.silent"]


def test_prose_becomes_a_list_of_arguments() -> None:
    text = "Do it. width, height (n,): of *both*; deep: how far. done(n) is called. The rest."
    assert api_reference._paragraph(text, ["width", "height", "deep", "done"]) == (
        "Do it.\n\n- `width, height (n,)`: of \\*both\\*.\n- `deep`: how far.\n- `done(n)` is called. The rest.\n"
    )
    assert api_reference.escape("a_b __ `x*y` [c] <d>") == "a_b \\_\\_ `x*y` \\[c\\] \\<d>"
