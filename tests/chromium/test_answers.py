"""Check questions: every computed answer against an oracle that computes it another way, and all sixty are covered."""

import importlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from attention.lessons import folder
from attention.lessons.records import Lesson
from tests.chromium.lab import Lab, opened

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static" / "lesson" / "answers"
ORACLES = ROOT / "tests" / "oracles" / "answers"
SEEDS = range(1, 21)
LEARNERS = range(1, 61)
SETUP = """async () => {
    globalThis.answers = await import("/lesson/answers.js");
    const { random } = await import("/local/random.js");
    // {name: [{given, answer, tolerance}, one a seed]} of one topic's file, as one text: each value would travel alone.
    globalThis.topic = async (name, seeds) => {
        const { answers: made } = await import(`/lesson/answers/${name}.js`);
        const asked = Object.entries(made).map(([key, make]) => [key, seeds.map((seed) => make(random(seed)))]);
        return JSON.stringify(Object.fromEntries(asked), (_, one) => one ?? null);
    };
}"""
TOPICS = sorted(path.stem for path in STATIC.glob("*.js"))


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


@pytest.fixture(scope="module")
def ours() -> tuple[Lesson, ...]:
    """The lessons that come with Headlight, which have nothing wrong with them."""
    found, problems = folder.read(folder.OURS)
    assert problems == ()
    return found


def asked(lab: Lab, topic: str) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = json.loads(
        lab.page.evaluate("([name, seeds]) => topic(name, seeds)", [topic, list(SEEDS)])
    )
    return made


def oracle(topic: str, name: str) -> Any:
    """The oracle of a question, by its name."""
    module = importlib.import_module(f"tests.oracles.answers.{topic}")
    return getattr(module, name, None)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_answer_is_what_its_oracle_computes(lab: Lab, topic: str) -> None:
    for name, made in asked(lab, topic).items():
        compute = oracle(topic, name)
        assert compute is not None, f"tests/oracles/answers/{topic}.py has no {name}"
        for seed, one in zip(SEEDS, made, strict=True):
            assert isinstance(one["answer"], int | float), f"{name}, seed {seed}: the answer is {one['answer']!r}"
            assert float(one["answer"]) == pytest.approx(float(compute(one["given"])), rel=1e-6, abs=1e-9), (
                f"{topic}.{name}, seed {seed}, given {one['given']}"
            )


@pytest.mark.parametrize("topic", TOPICS)
def test_every_answer_changes_with_the_seed(lab: Lab, topic: str) -> None:
    again = asked(lab, topic)
    for name, made in asked(lab, topic).items():
        assert len({one["answer"] for one in made}) > 1, f"{topic}.{name} has one answer for all seeds"
        assert again[name] == made, f"{topic}.{name} is another one for the same seed"


@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_given_can_be_written(lab: Lab, topic: str) -> None:
    """Six digits are shown of what is given: more would make the question another one than its answer."""
    for name, made in asked(lab, topic).items():
        for one in made:
            for key, value in one["given"].items():
                assert isinstance(value, int | float | str), f"{topic}.{name}: {key} is {value!r}"
                assert isinstance(value, str) or float(f"{value:.6g}") == value, f"{topic}.{name}: {key} is {value!r}"


def test_every_topic_is_listed_and_no_name_stands_twice(lab: Lab) -> None:
    assert sorted(lab.page.evaluate("() => answers.TOPICS")) == TOPICS
    size, failed = lab.page.evaluate("""async () => {
        const { found, failed } = await answers.questions();
        return [found.size, failed];
    }""")
    assert (size, failed) == (sum(len(asked(lab, topic)) for topic in TOPICS), [])
    assert sorted(path.stem for path in ORACLES.glob("*.py") if path.stem != "__init__") == TOPICS


def test_every_question_is_computed_and_asks_for_no_more_than_is_given(lab: Lab, ours: tuple[Lesson, ...]) -> None:
    from attention.lessons.parse import PLACEHOLDER

    made = {name: seeds for topic in TOPICS for name, seeds in asked(lab, topic).items()}
    questions = [question for lesson in ours for question in lesson.questions]
    assert sorted(question.name for question in questions) == sorted(made)
    for question in questions:
        given = set(made[question.name][0]["given"])
        wanted = set(PLACEHOLDER.findall(" ".join((question.ask, *question.options))))
        assert wanted <= given, f"{question.name} asks for {sorted(wanted - given)}"
        assert set(PLACEHOLDER.findall(question.why)) <= given | {"answer"}, question.name
        if question.options:
            answers = {one["answer"] for one in made[question.name]}
            assert answers <= set(range(len(question.options))), f"{question.name} answers {sorted(answers)}"


def test_each_of_the_sixty_is_asked_exactly_once_and_shown_somewhere(ours: tuple[Lesson, ...]) -> None:
    steps = {(lesson.name, step.anchor) for lesson in ours for step in lesson.steps}
    questions = [question for lesson in ours for question in lesson.questions]
    counted = Counter(number for question in questions for number in question.covers)
    assert counted == Counter(LEARNERS)
    assert {question.step for question in questions} <= steps
