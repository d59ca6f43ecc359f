"""The examples of docs/files.md run, one after the other in one folder, and say what they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCUMENT = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
EXAMPLES = {
    name: (language, body)
    for language, name, body in re.findall(r"```(\w+)\n# example: (\w+)\n(.*?)```", DOCUMENT, re.DOTALL)
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def run(name: str) -> None:
    exec(compile(EXAMPLES[name][1], name, "exec"), {"__name__": "example"})


def test_every_block_is_an_example_that_runs_here() -> None:
    assert list(EXAMPLES) == ["save", "numpy", "back", "jq", "pandas"]
    assert len(EXAMPLES) == DOCUMENT.count("```") // 2


def test_the_examples_run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    run("save")
    assert {path.name for path in folder.iterdir()} == {"cat.npz", "cat.json", "cat.csv"}
    run("numpy")
    assert "equal LlamaAttention's own eager attention" in capsys.readouterr().out
    run("back")
    assert re.match(r"\((\d+), \1\) 1 20\d\d-", capsys.readouterr().out)
    run("pandas")
    lines = capsys.readouterr().out.splitlines()
    assert "cat" in lines[0]
    assert "1.0" in lines[2]
    if shutil.which("jq"):
        made = subprocess.run(
            ["sh", "-ec", EXAMPLES["jq"][1]], capture_output=True, text=True, check=True, cwd=folder
        )  # fmt: skip
        assert "cat" in made.stdout.splitlines()
        assert "own eager attention" in made.stdout.splitlines()[-1]
