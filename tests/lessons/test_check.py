"""What lessons name and what does not exist; and that ours name nothing that does not."""

from pathlib import Path

import pytest

from attention.lessons.check import ANSWERS, FIGURES, answers, check
from attention.lessons.folder import OURS, read
from attention.lessons.kinds import KINDS
from tests.lessons.test_parse import WHOLE

NAME = "sqrt_d"


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("attention.lessons.check.answers", lambda: {NAME: "scores"})

    def put(text: str = WHOLE, other: str = "") -> list[str]:
        (tmp_path / "one.md").write_text(text, encoding="utf-8")
        if other:
            (tmp_path / "two.md").write_text(other, encoding="utf-8")
        return [str(problem) for problem in check(tmp_path)]

    return put


def test_our_lessons_name_nothing_that_does_not_exist() -> None:
    assert [str(problem) for problem in check(OURS)] == []


def test_each_question_of_a_learner_is_asked_once() -> None:
    covered = [number for lesson in read(OURS)[0] for question in lesson.questions for number in question.covers]
    assert sorted(covered) == list(range(1, 61))


def test_each_computed_answer_belongs_to_one_question() -> None:
    asked = [question.name for lesson in read(OURS)[0] for question in lesson.questions]
    assert sorted(asked) == sorted(answers())
    assert len(set(asked)) == len(asked)


def test_each_kind_of_figure_is_drawn_and_used() -> None:
    used = {step.figure.kind for lesson in read(OURS)[0] for step in lesson.steps if step.figure is not None}
    # A head of the local layer is there for whoever writes lessons of their own; ours draw what they need of it.
    assert {kind.name for kind in KINDS} == used | {"local"}
    assert {path.stem for path in FIGURES.glob("*.js")} == {kind.module for kind in KINDS}
    assert ANSWERS.is_dir()


def test_a_sound_lesson_has_no_problem(lesson) -> None:
    assert lesson() == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("step: dot", "step: nowhere", "The lesson one has no step 'nowhere'; it has dot, check."),
        ("step: dot", "step: zero#dot", "There is no lesson 'zero'; there are one."),
        ("question sqrt_d", "question other", "No module in static/lesson/answers computes 'other'."),
        ("layer: 2", "layer: 99", "storyteller has no layer 99; it has 4, counted from 0."),
        ("layer: 2", "head: 50", "storyteller has no head 50; a layer has 6, counted from 0."),
        ("layer: 2", "edits: off-9.1", "storyteller has no place for the edit off-9.1; it has 4 × 6 heads."),
        ("pin: it", "pin: dog", "pin is 'dog', which is no word of the text."),
        ("layer: 2", "model: org/name", "The model 'org/name' does not come with Headlight"),
        ("A **score**", "A [score](#away)", "The lesson one has no step 'away'"),
        ("Pin *another*.", "Read [on](two#x).", "There is no lesson 'two'"),
    ],
)
def test_what_does_not_exist_is_told_by_line(lesson, old: str, new: str, said: str) -> None:
    text = WHOLE.replace(old, new, 1)
    found = lesson(text)
    assert len(found) == 1, found
    line = 1 + next(at for at, line in enumerate(text.splitlines()) if new in line)
    assert found[0].startswith(f"one.md:{line}: {said}")


def test_each_setting_is_told_at_its_own_line(lesson) -> None:
    (found,) = lesson(WHOLE.replace("pin: it", "text: The dog sat.\npin: cat").replace("layer: 2\n", "", 1))
    assert found == "one.md:13: pin is 'cat', which is no word of the text."
    (found,) = lesson(WHOLE.replace("pin: it", "text: The dog sat.").replace("layer: 2", "model: org/name"))
    assert found.startswith("one.md:12: The model 'org/name'")


def test_a_text_that_is_too_long_is_told(lesson) -> None:
    (found,) = lesson(WHOLE.replace("layer: 2", f"text: {'it ' * 10_000}"))
    assert found == "one.md:12: The text has 29,999 characters; at most 20,000 are looked at."


def test_links_and_questions_may_lead_to_another_lesson(lesson) -> None:
    text = WHOLE.replace("step: dot", "step: two#dot").replace("Pin *another*.", "Read [on](two#check).")
    assert lesson(text, other=WHOLE) == []
