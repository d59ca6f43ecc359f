"""A blank as a person writes it, "___", "[MASK]" or "<mask>" → the tokenizer's own mask token."""

from __future__ import annotations

import re
from dataclasses import dataclass

Span = tuple[int, int]
TYPED = re.compile(r"_{3,}|\[MASK\]|<mask>", re.IGNORECASE)


@dataclass(frozen=True)
class Rewritten:
    """A text with its blanks as masks, and where each stands: its span there, and its span in the text as typed."""

    text: str
    moved: tuple[tuple[Span, Span], ...]

    def typed(self, span: Span | None) -> Span | None:
        """A span of the rewritten text as a span of the text that was typed; a blank is never divided."""
        if span is None:
            return None
        return self._back(span[0], end=False), self._back(span[1], end=True)

    def _back(self, place: int, *, end: bool) -> int:
        shift = 0
        for (start, stop), (old_start, old_stop) in self.moved:
            if place <= start:
                break
            if place < stop:
                return old_stop if end else old_start
            shift = old_stop - stop
        return place + shift


def with_masks(text: str, mask: str) -> Rewritten:
    """The text with each blank written as the tokenizer writes it: three or more underscores, [MASK] or <mask>."""
    parts: list[str] = []
    moved: list[tuple[Span, Span]] = []
    done = length = 0
    for blank in TYPED.finditer(text):
        before = text[done : blank.start()]
        parts += [before, mask]
        length += len(before)
        moved.append(((length, length + len(mask)), blank.span()))
        length, done = length + len(mask), blank.end()
    return Rewritten("".join([*parts, text[done:]]), tuple(moved))
