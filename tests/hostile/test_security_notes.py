"""SECURITY.md says nothing that is not there: the files, settings and numbers that it names are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from attention.config import PREFIX, describe
from attention.tokens import chat, render

ROOT = Path(__file__).resolve().parents[2]
NOTES = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
FILES = sorted(set(re.findall(r"`((?:tests|attention|deploy|docs)/[\w./-]+)`|\]\(([\w./-]+)\)", NOTES)))
SETTINGS = sorted(set(re.findall(rf"`({PREFIX}\w+)", NOTES)))


@pytest.mark.parametrize("name", ["".join(pair) for pair in FILES])
def test_each_file_that_is_named_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_that_is_named_exists(name: str) -> None:
    assert name in {variable for _, _, _, variable in describe()}


def test_something_is_named() -> None:
    assert len(FILES) > 15
    assert len(SETTINGS) >= 3
    for name in re.findall(r"`([a-z]+_[a-z_]+)`", NOTES):
        known = {limit for limit, *_ in describe()} | {"trust_remote_code"}
        assert name in known, name


def test_every_test_of_hostile_input_is_named() -> None:
    own = {path.name for path in (ROOT / "tests" / "hostile").glob("test_*.py")} - {Path(__file__).name}
    assert all(f"tests/hostile/{name}" in NOTES for name in own)


def test_the_numbers_are_the_programs() -> None:
    assert f"{chat.CPU_SECONDS} seconds of processor time" in NOTES
    assert f"{render.MEMORY_BYTES // 1_000_000} MB of memory" in NOTES
    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["server"]
    assert f"up to {server['maxWidgetStateSize']} MB" in NOTES
