"""A lesson's file → a `Lesson`, and what is wrong with it, line by line.

The form is described in docs/lessons.md: a head between lines of `---`, then one `## title {#anchor}` a step, prose,
and fenced blocks `figure`, `guess`, `try` and `question` whose lines are `key: value`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from attention.errors import InputError
from attention.lessons import kinds, prose
from attention.lessons.records import Block, Figure, Guess, Lesson, Prose, Question, Step, Try

HEADING = re.compile(r"## +(?P<title>\S.*?) *\{#(?P<anchor>[a-z0-9]+(?:-[a-z0-9]+)*)\}")
FENCE = re.compile(r"```+ *(?P<name>figure|guess|try|question)\b *(?P<rest>.*)")
FENCED = re.compile(r"(```+|~~~+)")
PLACEHOLDER = re.compile(r"\{([a-z_]\w*)\}")
HEAD = ("title", "about", "minutes")
TOKENS = ("tokens",)
MOST_MINUTES = 60
COVERED = (1, 60)
Pair = tuple[str, str, int]


@dataclass(frozen=True, order=True)
class Problem:
    """Something that a lesson names and that does not exist, or a form that it may not have. line: from 1."""

    file: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words}"


@dataclass
class _Reader:
    """One file while it is read."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, words: str) -> None:
        self.problems.append(Problem(self.file, line, words))

    def tried(self, line: int, make: Callable[[], Any], otherwise: Any = None) -> Any:
        """What is made, or what stands in for it where an InputError says what is wrong."""
        try:
            return make()
        except InputError as err:
            self.refuse(line, str(err))
            return otherwise


def parse(text: str, name: str) -> tuple[Lesson, tuple[Problem, ...]]:
    """The lesson of that name, as far as it can be read, and its problems in the order of lines."""
    reader = _Reader(f"{name}.md")
    lines = text.splitlines()
    head, start = _head(lines, reader)
    steps = tuple(_steps(lines, start, name, reader))
    if not steps:
        reader.refuse(len(lines) or 1, "This lesson has no step; one begins with “## title {#anchor}”.")
    lesson = Lesson(
        name=name, title=head["title"], about=head["about"], minutes=_minutes(head["minutes"]), steps=steps
    )
    return lesson, tuple(sorted(reader.problems))


# The head


def _head(lines: list[str], reader: _Reader) -> tuple[dict[str, str], int]:
    """title, about and minutes, and the number of the line after them."""
    if not lines or lines[0].strip() != "---" or "---" not in [line.strip() for line in lines[1:]]:
        reader.refuse(1, f"A lesson begins with {', '.join(HEAD)} between two lines of ---.")
        return dict.fromkeys(HEAD, "?") | {"minutes": "5"}, 0
    end = [line.strip() for line in lines].index("---", 1)
    pairs = list(_pairs(lines[1:end], 2, reader))
    found = {key: value for key, value, _ in pairs}
    for key in HEAD:
        if key not in found:
            reader.refuse(1, f"The head lacks {key}.")
    for key, value, line in pairs:
        if key not in HEAD:
            reader.refuse(line, f"The head has {key}; it may have {', '.join(HEAD)}.")
        elif key == "minutes":
            _minutes(value, line, reader)
    return {key: found.get(key, "5" if key == "minutes" else "?") for key in HEAD}, end + 1


def _minutes(raw: str, line: int = 1, reader: _Reader | None = None) -> int:
    """How many, or 5 where it is no such number; a reader is told."""
    try:
        return int(kinds.whole(1, MOST_MINUTES).read(raw))
    except ValueError:
        if reader:
            reader.refuse(line, f"minutes is {raw!r}; it must be {kinds.whole(1, MOST_MINUTES).accepts}.")
        return 5


# Steps


def _steps(lines: list[str], start: int, lesson: str, reader: _Reader) -> Iterator[Step]:
    before = list(_upto_heading(lines, start))
    if any(line.strip() for line in lines[start : start + len(before)]):
        reader.refuse(start + 1, "Before the first step nothing may stand but the head.")
    at, seen = start + len(before), set[str]()
    while at < len(lines):
        found = HEADING.fullmatch(lines[at].strip())
        if found is None:
            reader.refuse(at + 1, "A step begins with “## title {#anchor}”, the anchor of small letters and digits.")
        body = list(_upto_heading(lines, at + 1))
        anchor = found["anchor"] if found else f"step-{at}"
        if anchor in seen:
            reader.refuse(at + 1, f"The anchor {anchor} stands twice.")
        seen.add(anchor)
        blocks = tuple(_blocks(body, at + 2, lesson, reader))
        step = Step(line=at + 1, anchor=anchor, title=found["title"] if found else lines[at][2:].strip(), blocks=blocks)
        _check_step(step, reader)
        yield step
        at += 1 + len(body)


def _upto_heading(lines: list[str], start: int) -> Iterator[str]:
    fence = ""
    for line in lines[start:]:
        if not fence and line.startswith("## "):
            return
        if found := FENCED.match(line):
            fence = "" if fence and line.startswith(fence) else (fence or found[1])
        yield line


def _check_step(step: Step, reader: _Reader) -> None:
    """One figure, one guess, one thing to try; and a guess asks for what its figure knows."""
    for kind, what in ((Figure, "figure"), (Guess, "guess"), (Try, "try")):
        for extra in [block for block in step.blocks if isinstance(block, kind)][1:]:
            reader.refuse(extra.line, f"A step has one {what}; make a step of its own for the second.")
    guess, figure = step.guess, step.figure
    if guess is None:
        return
    if figure is None:
        reader.refuse(guess.line, "A guess needs a figure in its step, which shows what is true.")
        return
    if (kind_ := kinds.kind(figure.kind)) is None:
        return
    for name in (guess.answer, *PLACEHOLDER.findall(guess.after)):
        if name not in kind_.facts:
            known = ", ".join(kind_.facts) or "none"
            reader.refuse(guess.line, f"The figure {figure.kind} knows no fact {name!r}; it knows {known}.")


# Blocks


def _blocks(lines: list[str], first: int, lesson: str, reader: _Reader) -> Iterator[Block]:
    """first: the number of the first of these lines in the file."""
    words: list[str] = []
    at = 0
    while at < len(lines):
        found = FENCE.fullmatch(lines[at])
        if found is None:
            taken = _whole_fence(lines, at)
            words += lines[at : at + taken]
            at += taken
            continue
        yield from _prose(words, first + at - len(words), reader)
        words = []
        body, closed = _fenced(lines, at)
        if not closed:
            reader.refuse(first + at, f"The block {found['name']} has no end; it ends with ```.")
        yield from _block(found["name"], found["rest"].strip(), body, first + at, lesson, reader)
        at += len(body) + 2
    yield from _prose(words, first + at - len(words), reader)


def _whole_fence(lines: list[str], at: int) -> int:
    """How many lines of prose to take at once: a fence of another sort whole, for it may hold what looks like ours."""
    opening = FENCED.match(lines[at])
    if not opening:
        return 1
    for count, line in enumerate(lines[at + 1 :], 2):
        if line.startswith(opening[1]):
            return count
    return len(lines) - at


def _fenced(lines: list[str], at: int) -> tuple[list[str], bool]:
    body: list[str] = []
    for line in lines[at + 1 :]:
        if line.startswith("```"):
            return body, True
        body.append(line)
    return body, False


def _prose(lines: list[str], line: int, reader: _Reader) -> Iterator[Prose]:
    text = "\n".join(lines)
    if text.strip():
        skipped = next(i for i, one in enumerate(lines) if one.strip())
        yield Prose(line=line + skipped, tree=prose.tree(text), links=_links(text, line, reader))


def _links(text: str, first: int, reader: _Reader) -> tuple[tuple[int, str], ...]:
    """Where the words' links lead, by the file's lines; refuses what words may not hold."""
    for at, words in prose.faults(text):
        reader.refuse(first + at, words)
    return tuple((first + at, href) for at, href in prose.links(text))


def _block(
    name: str, rest: str, body: list[str], line: int, lesson: str, reader: _Reader
) -> Iterator[Block]:
    if name == "try":
        text = "\n".join(body)
        yield Try(line=line, tree=prose.tree(text), links=_links(text, line + 1, reader))
        return
    pairs = list(_pairs(body, line + 1, reader))
    given = {key: value for key, value, _ in pairs}
    if len(given) < len(pairs):
        reader.refuse(line, "A key stands twice in this block.")
    if name == "figure":
        yield _figure(rest, pairs, line, reader)
    elif name == "guess":
        yield _guess(given, line, reader)
    else:
        yield _question(rest, given, {key: at for key, _, at in pairs}, line, lesson, reader)


def _pairs(lines: list[str], first: int, reader: _Reader) -> Iterator[Pair]:
    """The `key: value` of lines, each with its line; one that begins with two spaces goes on with the one before."""
    found: list[Pair] = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        if line.startswith("  ") and found:
            before, begun, at = found[-1]
            found[-1] = (before, f"{begun} {line.strip()}".strip(), at)
        elif colon and re.fullmatch(r"[a-z_]\w*", key):
            found.append((key, value.strip(), number))
        else:
            reader.refuse(number, f"{line.strip()[:60]!r} is no line of the form key: value.")
    yield from found


def _figure(name: str, pairs: list[Pair], line: int, reader: _Reader) -> Figure:
    kind = kinds.kind(name)
    if kind is None:
        known = ", ".join(one.name for one in kinds.KINDS)
        reader.refuse(line, f"There is no figure {name!r}; there are {known}.")
        return Figure(line=line, kind=name, settings={})
    settings = {key: setting.default for key, setting in kind.settings.items()}
    for key, raw, at in pairs:
        if key not in kind.settings:
            reader.refuse(at, f"The figure {name} has no setting {key!r}; it has {', '.join(kind.settings)}.")
            continue
        sort = kind.settings[key].sort
        try:
            settings[key] = sort.read(raw)
        except ValueError:
            reader.refuse(at, f"{key} is {raw[:60]!r}; it must be {sort.accepts}.")
    return Figure(line=line, kind=name, settings=settings, lines={key: at for key, _, at in pairs})


def _guess(given: Mapping[str, str], line: int, reader: _Reader) -> Guess:
    _demand(given, ("ask", "answer"), ("options", "number", "after"), line, reader)
    options = _listed(given.get("options", ""))
    if bool(options) == ("number" in given):
        reader.refuse(line, "A guess has either options, or number with the lowest and the highest that may be typed.")
    low, high = reader.tried(line, lambda: _span(given["number"]), (0.0, 1.0)) if "number" in given else (0.0, 1.0)
    return Guess(
        line=line, ask=given.get("ask", ""), answer=given.get("answer", ""), after=given.get("after", ""),
        options=options, low=low, high=high,
    )  # fmt: skip


def _question(
    name: str, given: Mapping[str, str], lines: Mapping[str, int], line: int, lesson: str, reader: _Reader
) -> Question:
    _demand(given, ("step", "ask", "why"), ("covers", "options"), line, reader)
    if not re.fullmatch(r"[a-z][a-z_0-9]*", name):
        reader.refuse(line, f"A question bears the name of its computation; {name!r} is none.")
    where, _, anchor = given.get("step", "").rpartition("#")
    return Question(
        line=line, name=name, covers=_covered(given.get("covers", ""), line, reader), step=(where or lesson, anchor),
        ask=given.get("ask", ""), why=given.get("why", ""), options=_listed(given.get("options", "")),
        step_line=lines.get("step", line),
    )  # fmt: skip


def _covered(raw: str, line: int, reader: _Reader) -> tuple[int, ...]:
    low, high = COVERED
    try:
        return tuple(kinds.whole(low, high).read(part) for part in raw.split())
    except ValueError:
        reader.refuse(line, f"covers is {raw[:60]!r}; it must be numbers from {low} to {high} with spaces between.")
        return ()


def _demand(
    given: Mapping[str, str], needed: tuple[str, ...], possible: tuple[str, ...], line: int, reader: _Reader
) -> None:
    for key in needed:
        if not given.get(key):
            reader.refuse(line, f"This block lacks {key}.")
    for key in given.keys() - {*needed, *possible}:
        reader.refuse(line, f"This block has {key!r}; it may have {', '.join((*needed, *possible))}.")


def _listed(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split("|") if part.strip())


def _span(raw: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in raw.replace("−", "-").split())
    except ValueError:
        low, high = 1.0, 0.0
    if not low < high:
        raise InputError(f"number is {raw[:60]!r}; it must be the lowest and the highest, as in 0 1.")
    return low, high
