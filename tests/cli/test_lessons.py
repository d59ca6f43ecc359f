"""`headlight lessons check`: what is wrong, by line."""

from pathlib import Path
from typing import Any

from attention.cli import codes


def test_lessons_are_checked_by_line(run: Any, tmp_path: Path) -> None:
    file, head = tmp_path / "one.md", "---\ntitle: A\nabout: b\nminutes: 5\n---\n\n## One {#one}\n\n"
    file.write_text(f"{head}```figure head\nlayer: 99\n```\n", encoding="utf-8")
    code, out, _ = run("lessons", "check", tmp_path)
    assert code == codes.REFUSED
    assert out == "one.md:10: storyteller has no layer 99; it has 4, counted from 0.\n"
    file.write_text(f"{head}Words.\n", encoding="utf-8")
    code, out, _ = run("lessons", "check", tmp_path)
    assert code == codes.GOOD
    assert out == "1 lessons, 1 steps, 0 questions: all that they name exists.\n"
    code, _, err = run("lessons", "check", tmp_path / "nowhere")
    assert code == codes.REFUSED
    assert "cannot be read" in err
