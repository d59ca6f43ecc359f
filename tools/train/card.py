"""Parts of a model card (README.md) that all three models have: facts of the run, tables, books, prompts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from tools.train.guide import Guided
from tools.train.loop import Progress


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a model was trained, for its card. tokens: that went through it, 0 where it does not read tokens of text."""

    command: str
    minutes: float
    steps: int
    tokens: int
    seed: int
    workers: int
    note: str = ""

    @classmethod
    def of(cls, progress: Progress, **known: object) -> Run:
        """From where the run stopped, and what the command line gave."""
        return cls(minutes=progress.seconds / 60, steps=progress.step, **known)  # type: ignore[arg-type]

    def words(self) -> str:
        """One paragraph: command, machine, time."""
        processes = "one process" if self.workers == 1 else f"{self.workers} processes"
        tokens = f", {self.tokens / 1e6:.1f} million tokens" if self.tokens else ""
        return (
            f"Made by `{self.command}` with seed {self.seed}: {self.steps:,} steps{tokens} in {self.minutes:.0f} "
            f"minutes of training on {machine()}, in {processes} of one thread. {self.note}"
        ).strip()


def machine() -> str:
    """The processor and how many cores it lends, in words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores of an {name} processor, without a GPU"


def front(title: str, *, task: str, tags: Sequence[str]) -> str:
    """The head of the card that the hub reads, and its title."""
    listed = "\n".join(f"- {tag}" for tag in tags)
    return (
        f"---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: transformers\npipeline_tag: {task}\ntags:\n{listed}\n"
        f"---\n\n# {title}\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def heads_table(scores: dict[str, Tensor], guided: Sequence[Guided] = ()) -> str:
    """One row a head: its score of every kind, (layers, heads) each; guided heads are marked."""
    told = {(one.layer, one.head): one.kind for one in guided}
    layers, heads = next(iter(scores.values())).shape
    rows = [
        [f"{layer}.{head}", *(f"{float(s[layer, head]):.2f}" for s in scores.values()), told.get((layer, head), "")]
        for layer in range(layers)
        for head in range(heads)
    ]
    width = 1 + len(scores) + bool(guided)
    return table(["layer.head", *scores, "guided"][:width], [row[:width] for row in rows])


def guided_words(guided: Sequence[Guided], weight: float, until: float) -> str:
    """Which heads were told what to look at, how strongly and how long."""
    lines = []
    for one in guided:
        stays = f"; a weight of {one.lasting} stayed to the end" if one.lasting else ""
        lines.append(f"- layer {one.layer}, head {one.head}: {one.kind}{stays}")
    return (
        f"An extra loss, −log of the weight on the wanted tokens, with a weight of {weight} at the start that fell to "
        f"nothing at {until:.0%} of the run:\n\n" + "\n".join(lines) + "\n"
    )


def books(folder: Path) -> str:
    """The books of a prepared corpus as a table, with their Project Gutenberg numbers."""
    listed = json.loads((folder / "books.json").read_text("utf-8"))
    rows = [[book["title"], book["author"], book["year"], book["gutenberg_id"]] for book in listed]
    return table(["book", "author", "year", "Project Gutenberg"], rows)


def continuations(pairs: Iterable[tuple[str, str]]) -> str:
    """Prompts and what the model made of each."""
    return "".join(f"- **{prompt}**{made}\n" for prompt, made in pairs)


def write(folder: Path, parts: Sequence[str]) -> None:
    """README.md out of its parts, an empty line between them."""
    (folder / "README.md").write_text("\n".join(part.rstrip("\n") + "\n" for part in parts), "utf-8")
