"""All kinds, and their list in the documentation."""

from __future__ import annotations

from attention.lessons.kinds import (
    building,
    cost,
    heads,
    interview,
    masks,
    output,
    positions,
    runs,
    scores,
    softmax,
    stack,
    testing,
    values,
    vectors,
    why,
)
from attention.lessons.kinds.record import Kind, Setting

PARTS = (
    building, cost, heads, interview, masks, output, positions, runs, scores, softmax, stack, testing, values, vectors,
    why,
)  # fmt: skip
KINDS: tuple[Kind, ...] = tuple(sorted((one for part in PARTS for one in part.KINDS), key=lambda one: one.name))


def kind(name: str) -> Kind | None:
    """The kind of that name, or None."""
    return next((one for one in KINDS if one.name == name), None)


def described() -> str:
    """The list of docs/lessons.md, which `make docs` writes there."""
    return "\n".join(_described(one) for one in KINDS)


def _described(one: Kind) -> str:
    settings = [
        f"  - `{name}`: {setting.help} ({setting.sort.accepts}; {_otherwise(setting)})"
        for name, setting in one.settings.items()
        if not one.needs_run or name in runs.OWN
    ]
    facts = [f"`{name}` ({words})" for name, words in one.facts.items()]
    known = [f"  - facts: {', '.join(facts)}"] if facts else []
    return "\n".join((f"- **{one.name}**: {one.help}.", *settings, *known))


def _otherwise(setting: Setting) -> str:
    written = setting.sort.write(setting.default)
    return f"otherwise {written}" if written else "otherwise none"
