"""`headlight models`: the models of this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from attention import catalogue
from attention.cli import models as models_command


def test_models_of_this_machine(run: Any, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests import small_models

    small_models.save("gpt2", tmp_path / "own" / "mine")
    half = empty_cache / "models--tiny--half"
    (half / "snapshots" / ("a" * 40)).mkdir(parents=True)
    (half / "refs").mkdir()
    (half / "refs" / "main").write_text("a" * 40)
    (half / "snapshots" / ("a" * 40) / "config.json").write_text("{}")
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(tmp_path / "own"))
    run("--help")  # what saving the twin has said is not the command's
    code, out, err = run("models")
    found = {one["id"]: one for one in json.loads(out)}
    assert (code, err) == (0, "")
    assert {one["where"] for one in found.values()} == {"bundled", "hub", "folder"}
    assert (found["storyteller"]["layers"], found["storyteller"]["heads"]) == (4, 6)
    assert found["storyteller"]["megabytes"] > 1
    assert found["openai-community/gpt2"]["megabytes"] is None
    assert (found["./mine"]["architecture"], found["./mine"]["layers"]) == ("GPT2LMHeadModel", 2)
    every = {one["id"]: one for one in json.loads(run("models", "--all")[1])}
    assert set(every) - set(found) == {"tiny/half"}
    assert every["tiny/half"]["where"] == "part"


def test_models_as_a_table(run: Any, empty_cache: Path) -> None:
    _, out, _ = run("models", "--table")
    head, *lines = out.splitlines()
    assert head.split() == list(models_command.COLUMNS.values())
    assert len(lines) == len(catalogue.models())
    (row,) = [line.split() for line in lines if line.startswith("storyteller")]
    assert row[2:6] == ["bundled", "4", "6", "2,557,632"]
