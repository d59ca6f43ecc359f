"""Reads a Dockerfile as far as ours goes: stages of instructions, continued lines, the build's own files."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ("ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "USER", "EXPOSE", "HEALTHCHECK", "CMD")


@dataclass
class Stage:
    """One FROM and what follows it: (instruction, the rest of the line)."""

    image: str
    name: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.lines if word == instruction]

    def copied(self) -> list[tuple[list[str], str]]:
        """(sources, target) of each COPY from the checkout."""
        found = [shlex.split(rest) for rest in self.of("COPY")]
        return [(parts[:-1], parts[-1]) for parts in found if not parts[0].startswith("--")]

    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for rest in self.of("ENV") for pair in shlex.split(rest))


def stages(text: str) -> tuple[list[str], list[Stage]]:
    """The arguments before the first FROM, and the stages. Raises ValueError for an instruction that is not known."""
    joined = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).replace("\\\n", " ")
    first: list[str] = []
    found: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word not in KNOWN:
            raise ValueError(f"{word} is not known here: {line}")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name))
        elif not found:
            first.append(rest)
        else:
            found[-1].lines.append((word, " ".join(rest.split())))
    return first, found


def ours() -> list[Stage]:
    return stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[1]
