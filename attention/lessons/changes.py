"""Edits in figures of lessons: lists of them in a lesson's file, what each is in words, and every head in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attention.edits import ACCEPTS, Edit, edits_of, written
from attention.table import Sort

BETWEEN = "|"
MOST_LISTS = 12
HOWS = {
    "mean": "its mean over reference texts in its place", "running": "its mean so far in its place",
    "first": "resting on the first token",
}  # fmt: skip


def lists_of_edits() -> Sort:
    """Some lists of edits, each as a link has it, with | between; kept as their lines."""

    def read(raw: str) -> tuple[str, ...]:
        found = tuple(written(edits_of("".join(part.split()))) for part in raw.split(BETWEEN))
        if not allows(found):
            raise ValueError
        return found

    def allows(value: tuple[str, ...]) -> bool:
        return 1 <= len(value) <= MOST_LISTS and len(set(value)) == len(value) and all(map(edits_of, value))

    words = f"{ACCEPTS}; several with commas between, and up to {MOST_LISTS} such lists with {BETWEEN} between"
    return Sort(words, read, allows, f" {BETWEEN} ".join)


def in_words(edits: Sequence[Edit], names: Sequence[str]) -> str:
    """What these edits do, in a line: “head 3.2 off; head 1.0 at temperature 4”. names: of the text's tokens."""
    if len(edits) > 1 and all(edit == Edit(verb="off", layer=edit.layer, head=edit.head) for edit in edits):
        who = [f"{edit.layer}.{edit.head}" for edit in edits if edit.head is not None]
        if len(who) == len(edits):
            return f"heads {', '.join(who[:-1])} and {who[-1]} off"
    return "; ".join(_in_words(edit, names) for edit in edits)


def _in_words(edit: Edit, names: Sequence[str]) -> str:
    who = f"head {edit.layer}.{edit.head}" if edit.head is not None else f"layer {edit.layer}"
    if edit.verb == "hide":
        return f"{_name(edit.key, names)} hidden"
    if edit.verb == "cut":
        asks = "no other token" if edit.query is None else _name(edit.query, names)
        where = "" if edit.layer is None else f"{who}: "
        return f"{where}{asks} {'sees' if edit.query is None else 'may not see'} {_name(edit.key, names)}"
    at = "" if edit.query is None else f" at {_name(edit.query, names)}"
    if edit.verb == "temper":
        return f"{who} at temperature {edit.temperature:g}"
    if edit.verb == "even":
        return f"{who} spread evenly{at}"
    if edit.verb == "patch":
        return f"{who}’s {edit.how} from the second text{at}"
    return f"{who}: {HOWS[edit.how]}{at}" if edit.how in HOWS else f"{who} off{at}"


def _name(place: int | None, names: Sequence[str]) -> str:
    return f"“{names[place]}”" if place is not None and place < len(names) else f"token {place}"


def each_off(layers: int, heads: int) -> Iterator[frozenset[tuple[int, int]]]:
    """Each head alone, as a set of (layer, head), layer by layer."""
    return (frozenset({(layer, head)}) for layer in range(layers) for head in range(heads))


def all_others_off(layers: int, heads: int) -> Iterator[frozenset[tuple[int, int]]]:
    """For each head, all others of its layer."""
    return (whole - {(layer, head)} for layer, whole in enumerate(layers_off(layers, heads)) for head in range(heads))


def layers_off(layers: int, heads: int) -> Iterator[frozenset[tuple[int, int]]]:
    """All heads of a layer, for each layer."""
    return (frozenset((layer, head) for head in range(heads)) for layer in range(layers))


def ablations(layers: int, heads: int) -> tuple[frozenset[tuple[int, int]], ...]:
    """Which heads are off in each run that tells of ablations: none, each, all others of a layer, a whole layer."""
    return (
        frozenset(), *each_off(layers, heads), *all_others_off(layers, heads), *layers_off(layers, heads)
    )  # fmt: skip
