"""Changes of a run in plain words, the field's own beside them. No Streamlit.

One edit is a few words (“layer 2, head 5 off: its mean over the reference texts”), all of a run one sentence that can
be quoted beside a number: what was changed, in which model, on how many prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attention.edits import Edit, Verb
from attention.view.fields import KIND_LABELS

if TYPE_CHECKING:
    from attention.record import Token

OFF = {
    "zero": "off (zero)",
    "mean": "off (its mean over the reference texts)",
    "running": "off (the mean of its rows so far)",
    "first": "rests on the first token",
}
QUOTED = {
    "zero": "switched off (zero ablation)",
    "mean": "switched off (mean ablation, over the reference texts)",
    "running": "switched off (mean ablation, over the queries so far)",
    "first": "resting on the first token",
}
# A place, and what was done there, as a part of a sentence; of other verbs “in layer 2, head 5, every row …”.
JOINED: dict[Verb, str] = {"off": "{} {}", "temper": "{} at {}", "patch": "{} with its {}"}
# A token's name in words, by its number.
Name = Callable[[int], str]


def names(tokens: Sequence[Token]) -> Name:
    """Tokens as a person reads them, and their place where a text has several alike; a number where there is none."""
    from attention.tokens import label

    found = [label(token, 24) for token in tokens]

    def name(place: int) -> str:
        if place >= len(found):
            return f"token {place}"
        return f"“{found[place]}”" + (f" (token {place})" if found.count(found[place]) > 1 else "")

    return name


def numbers(place: int) -> str:
    """The name of a token where no text is at hand."""
    return f"token {place}"


def where(edit: Edit, *, kinds: int = 1) -> str:
    """The place of an edit: “layer 2, head 5”, “layer 2”, or “every head”. kinds: how many the model has."""
    kind = f"{KIND_LABELS[edit.kind]}, " if edit.kind and kinds > 1 else ""
    if edit.layer is None:
        return f"{kind}every head"
    return f"{kind}layer {edit.layer}" + ("" if edit.head is None else f", head {edit.head}")


def words(edit: Edit, query: Name = numbers, key: Name = numbers, *, kinds: int = 1) -> str:
    """One edit in a few words: “layer 2, head 5: off (zero)”."""
    return f"{where(edit, kinds=kinds)}: {_done(edit, query, key, OFF)}" if edit.verb != "hide" else _hidden(edit, key)


def said(edit: Edit, query: Name = numbers, key: Name = numbers, *, kinds: int = 1) -> str:
    """One edit as a part of a sentence: “layer 2, head 5 switched off (zero ablation)”."""
    if edit.verb == "hide":
        return _hidden(edit, key)
    return JOINED.get(edit.verb, "in {}, {}").format(where(edit, kinds=kinds), _done(edit, query, key, QUOTED))


def quoted(parts: Sequence[str], model: str) -> str:
    """What was changed in a run, each as `said` has it, as one sentence: “Layer 2, head 5 switched off (zero ablation).
    Storyteller, one prompt.”
    """
    whole = "; ".join(parts)
    return f"{whole[:1].upper()}{whole[1:]}. {model}, one prompt."


def _hidden(edit: Edit, key: Name) -> str:
    return f"{key(edit.key or 0)} hidden from every other token, in every layer"


def _done(edit: Edit, query: Name, key: Name, off: dict[str, str]) -> str:
    at = "" if edit.query is None else f" at {query(edit.query)}"
    if edit.verb == "off":
        return f"{off[edit.how]}{at}"
    if edit.verb == "cut":
        who = "no other token" if edit.query is None else query(edit.query)
        return f"{who} may{'' if edit.query is None else ' not'} see {key(edit.key or 0)} (edge cut)"
    if edit.verb == "even":
        return f"{'every row' if edit.query is None else f'the row of {query(edit.query)}'} spread evenly"
    if edit.verb == "temper":
        return f"temperature {edit.temperature:g}"
    return f"{edit.how} from the second text{at} (patched)"
