"""The questions of the interview: how their file is read, and that each of ours leads to a step."""

import pytest

from attention.browser import codec
from attention.browser import lessons as told
from attention.config import Limits
from attention.lessons import folder, interview
from attention.lessons.folder import OURS
from attention.lessons.interview import misled, ours, read

ONE = "## 7 Why *not* X?\nstep: 01-why#path\n\nBecause of W_Q.\n"


def test_each_of_the_sixty_has_an_answer_and_leads_to_a_step() -> None:
    assert [str(problem) for problem in interview.problems(folder.read(OURS)[0])] == []
    assert [one.number for one in ours()] == list(range(1, 61))


def test_each_leads_to_a_lesson_that_asks_the_same_question() -> None:
    """What the check question of a number shows and what its model answer shows are one lesson."""
    lessons = folder.lessons(Limits())
    covered = {number: one.step[0] for lesson in lessons for one in lesson.questions for number in one.covers}
    assert [one.number for one in ours() if covered[one.number] != one.step[0]] == []


def test_each_answer_comes_with_a_figure_and_with_the_run_that_it_needs() -> None:
    """Runs of steps of other lessons come with the interview, and with no lesson that has none."""
    lessons = folder.read(OURS)[0]
    at_home = folder.find(lessons, "13-interview")
    elsewhere = folder.find(lessons, "02-vectors")
    assert at_home is not None
    assert elsewhere is not None
    sent = codec.parse(told.payload(lessons, (at_home,)))
    blocks = [block for step in sent["lesson"]["steps"] for block in step["blocks"]]
    (asked,) = [block["settings"]["asked"] for block in blocks if block.get("kind") == interview.KIND]
    assert [one["number"] for one in asked if one["figure"] is None] == []
    needed = {one["figure"]["store"] for one in asked if one["figure"]["needs_run"]}
    brought = told.figures((at_home,), lessons)
    assert needed <= brought.keys()
    assert {"05-values.norms", "07-heads.induction", "13-interview.sink"} <= needed
    assert told.figures((elsewhere,), lessons) == {}


def test_a_question_is_read() -> None:
    (one,), problems = read(f"# Title\n\nWords.\n\n{ONE}")
    assert (one.line, one.number, one.step) == (5, 7, ("01-why", "path"))
    assert one.ask == ("Why ", ("em", {}, ("not",)), " X?")
    assert one.answer == (("p", {}, ("Because of ", "W", ("sub", {}, ("Q",)), ".")),)
    assert [str(problem) for problem in problems] == [
        f"interview.md:1: These numbers are missing: {', '.join(str(n) for n in range(1, 61) if n != 7)}."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE.replace("## 7 ", "## "), "interview.md:1: A question begins with"),
        (ONE.replace("step: 01-why#path", "step: path"), "interview.md:1: The line below"),
        ("## 7 Why?", "interview.md:1: The line below"),
        (ONE.replace("Because of W_Q.", ""), "interview.md:1: This question has no answer."),
        (ONE.replace("## 7", "## 61"), "interview.md:1: Number 61 stands twice, or is not from 1 to 60."),
        (ONE + ONE, "interview.md:5: Number 7 stands twice"),
        (ONE.replace("Because", "![x](y)"), "interview.md:1: A lesson may not hold"),
    ],
)
def test_what_is_wrong_is_told_by_line(text: str, said: str) -> None:
    assert any(str(problem).startswith(said) for problem in read(text)[1]), read(text)[1]


def test_a_step_that_does_not_exist_is_told() -> None:
    asked, _ = read(ONE.replace("#path", "#nowhere"))
    lessons = folder.read(OURS)[0]
    assert [str(problem) for problem in misled(asked, lessons)] == ["interview.md:1: There is no step 01-why#nowhere."]
    assert interview.find_step(asked[0], ()) is None
