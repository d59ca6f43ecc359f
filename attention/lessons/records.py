"""What a lesson is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Prose:
    """Words: a tree of [tag, attributes, children] and strings (`lessons.prose`). links: (line, where it leads)."""

    line: int
    tree: tuple[Any, ...]
    links: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A live figure: one of the table's kinds, and what it is told, each value as it is used.

    lines: in which line each setting stands that the file gives.
    """

    line: int
    kind: str
    settings: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a person is asked before they see.

    options: to choose from, or ("tokens",) for those of the figure; empty for a number between `low` and `high`.
    answer: the fact of the step's figure that is right. after: what is said then, with {facts} to fill in.
    """

    line: int
    ask: str
    answer: str
    after: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Try:
    """One thing to do, as `Prose` has it."""

    line: int
    tree: tuple[Any, ...]
    links: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A check question, whose numbers and answer are computed in the browser by its name.

    covers: the numbers of the learners' questions that it asks, or none. step: where that was shown, (lesson, anchor).
    options: to choose from; empty where a number is typed. {names} in ask, options and why are filled in.
    step_line: in which line the step stands.
    """

    line: int
    name: str
    covers: tuple[int, ...]
    step: tuple[str, str]
    ask: str
    why: str
    options: tuple[str, ...] = ()
    step_line: int = 0


Block = Prose | Figure | Guess | Try | Question


@dataclass(frozen=True, kw_only=True)
class Step:
    """One idea: its title, its anchor in an address, and its blocks in order."""

    line: int
    anchor: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def figure(self) -> Figure | None:
        """Its live figure."""
        return next((block for block in self.blocks if isinstance(block, Figure)), None)

    @property
    def guess(self) -> Guess | None:
        """What is asked before it shows."""
        return next((block for block in self.blocks if isinstance(block, Guess)), None)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Its check questions."""
        return tuple(block for block in self.blocks if isinstance(block, Question))


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A chain of steps. name: that of its file, which its address bears. minutes: about how long it takes."""

    name: str
    title: str
    about: str
    minutes: int
    steps: tuple[Step, ...]

    def __hash__(self) -> int:
        """By a few of its fields: its words hold dictionaries."""
        return hash((self.name, self.title, self.about, len(self.steps)))

    @property
    def questions(self) -> tuple[Question, ...]:
        """All its check questions."""
        return tuple(question for step in self.steps for question in step.questions)
