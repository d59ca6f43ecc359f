"""The lessons of a folder."""

import re
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import InputError
from attention.lessons import folder
from attention.lessons.check import check
from tests.lessons.test_parse import WHOLE


def put(where: Path, **files: str) -> Path:
    for name, text in files.items():
        (where / f"{name.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return where


def test_a_hosts_own_lessons_take_the_place_of_ours(tmp_path: Path) -> None:
    put(tmp_path, second=WHOLE.replace("Scores", "B"), first=WHOLE.replace("Scores", "A"))
    (tmp_path / "notes.txt").write_text("no lesson", encoding="utf-8")
    (tmp_path / "README.md").write_text("none either, by its capitals", encoding="utf-8")
    found = folder.lessons(Limits(lesson_folder=str(tmp_path)))
    assert [(lesson.name, lesson.title) for lesson in found] == [("first", "A"), ("second", "B")]
    assert folder.find(found, "second") is found[1]
    assert folder.find(found, "third") is None


def test_a_lesson_that_was_changed_is_read_again(tmp_path: Path) -> None:
    put(tmp_path, one=WHOLE)
    before = folder.lessons(Limits(lesson_folder=str(tmp_path)))
    assert folder.lessons(Limits(lesson_folder=str(tmp_path))) is before
    put(tmp_path, one=WHOLE.replace("Scores", "Scores again"))
    assert folder.lessons(Limits(lesson_folder=str(tmp_path)))[0].title == "Scores again"


def test_a_folder_without_lessons_says_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"01-first\.md"):
        folder.read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        folder.read(tmp_path / "nowhere")


def test_what_links_lead_to_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    assert folder.sources(tmp_path) == ((), ())
    lines = "# Sources\n\nhttps://example.org/a One 2020. A title\nhttps://example.org/b\nexample.org Two\n"
    (tmp_path / folder.SOURCES).write_text(lines, encoding="utf-8")
    found, problems = folder.sources(tmp_path)
    assert found == (("https://example.org/a", "One 2020. A title"),)
    assert [(one.file, one.line) for one in problems] == [("sources.txt", 4), ("sources.txt", 5)]
    put(tmp_path, one=WHOLE)
    assert [str(one) for one in check(tmp_path) if one.file == folder.SOURCES] == [str(one) for one in problems]


def test_each_paper_that_our_lessons_lead_to_is_named_with_author_and_title() -> None:
    written = "".join(path.read_text("utf-8") for path in folder.OURS.glob("*.md"))
    led = set(re.findall(r"\]\((https://[^)]+)\)", written))
    sources, problems = folder.sources(folder.OURS)
    assert problems == ()
    assert {address for address, _ in sources} == led
    assert len(sources) == len(led), "no address stands twice"


def test_a_file_that_is_not_read_is_named_and_the_others_stay(tmp_path: Path) -> None:
    put(tmp_path, good=WHOLE)
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.md").write_bytes(b"a" * (folder.MOST_BYTES + 1))
    (tmp_path / "übersetzt.md").write_text(WHOLE, encoding="utf-8")
    (tmp_path / "folder.md").mkdir()
    lessons, problems = folder.read(tmp_path)
    assert [lesson.name for lesson in lessons] == ["good"]
    said = {problem.file: problem.words for problem in problems}
    assert said.keys() == {"bytes.md", "huge.md", "übersetzt.md", "folder.md"}
    assert "UTF-8" in said["bytes.md"]
    assert "100,001 bytes" in said["huge.md"]
    assert "01-first.md" in said["übersetzt.md"]
    assert {problem.line for problem in problems} == {1}
    (tmp_path / "good.md").unlink()
    with pytest.raises(InputError, match="UTF-8"):
        folder.read(tmp_path)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(folder.MOST_FILES + 1):
        (tmp_path / f"{number}.md").touch()
    with pytest.raises(InputError, match="at most 100 are read"):
        folder.read(tmp_path)
    (tmp_path / folder.SOURCES).write_bytes(b"a" * (folder.MOST_BYTES + 1))
    with pytest.raises(InputError, match="may have"):
        folder.sources(tmp_path)
