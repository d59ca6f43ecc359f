"""`headlight`: the page, started with what a person asked for; every other command as `python -m attention` has it."""

import sys
from typing import Any

import pytest

from attention.assets import APP
from attention.cli import codes, headlight, main, page

START = [sys.executable, "-m", "streamlit", "run", str(APP)]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What this process would have become."""
    found: list[list[str]] = []
    monkeypatch.setattr(page.os, "execv", lambda path, order: found.append(order))
    monkeypatch.setattr(page.subprocess, "run", lambda order, check: _Done())
    monkeypatch.delenv(page.ADDRESS, raising=False)
    return found


class _Done:
    returncode = 0


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], ["--server.address=127.0.0.1"]),
        (["run"], ["--server.address=127.0.0.1"]),
        (["--port", "8600"], ["--server.address=127.0.0.1", "--server.port=8600"]),
        (["run", "--address", "0.0.0.0"], ["--server.address=0.0.0.0"]),
        (["--no-browser"], ["--server.address=127.0.0.1", "--server.headless=true"]),
        (["run", "--port=9", "--", "--a.b=c"], ["--server.address=127.0.0.1", "--server.port=9", "--a.b=c"]),
        (["--", "--theme.base=dark"], ["--server.address=127.0.0.1", "--theme.base=dark"]),
    ],
)  # fmt: skip
def test_what_is_started(started: list[list[str]], given: list[str], options: list[str]) -> None:
    headlight(given)
    assert started == [[*START, *options]]
    assert APP.is_file()


def test_a_host_s_own_variable_decides_where_it_listens(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(page.ADDRESS, "10.0.0.7")
    headlight([])
    assert started == [START]


@pytest.mark.parametrize("given", [["--port", "0"], ["--port", "65536"], ["--prot", "1"], ["nonsense"]])
def test_what_is_written_wrongly_starts_nothing(started: list[list[str]], given: list[str], capsys: Any) -> None:
    assert headlight(given) == codes.USAGE
    assert started == []
    assert capsys.readouterr().err.startswith("usage: headlight")


def test_the_module_alone_still_asks_for_a_command(started: list[list[str]], capsys: Any) -> None:
    assert main([]) == codes.USAGE
    assert started == []
    assert capsys.readouterr().err.startswith("usage: python -m attention")


def test_help_speaks_as_the_person_called_it(capsys: Any) -> None:
    assert headlight(["trace", "--help"]) == codes.GOOD
    assert "python -m" not in capsys.readouterr().out
    assert main(["trace", "--help"]) == codes.GOOD
    assert "  python -m attention trace --model" in capsys.readouterr().out
