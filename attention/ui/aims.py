"""The prediction that changes are told of: its target and distractor, as components say that a person chose them."""

from __future__ import annotations

from typing import Any

from attention.table import MAX_INDEX
from attention.ui import boundary, prompt_bar


def hear(key: str) -> None:
    """Take over the target and distractor that the component of that key said; anything else does nothing."""
    said = boundary.said(key, "aim", dict)
    if said is None or not set(said) <= {"target", "distractor"}:
        return
    aim({name: said.get(name) for name in ("target", "distractor")})


def aim(said: dict[str, Any]) -> None:
    """Tell changes of this target against this distractor; two Nones are the likeliest two."""
    if all(_is_id(value) for value in said.values()):
        prompt_bar.change_to(**{name: None if value is None else int(value) for name, value in said.items()})


def _is_id(value: object) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value <= MAX_INDEX and value == int(value))  # type: ignore[operator,call-overload]
