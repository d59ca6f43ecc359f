"""A conversation as a list of messages, {"role": …, "content": …} each: checked before a chat template sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attention.errors import InputError

EXAMPLE = '[{"role": "user", "content": "…"}, …]'
# Templates know roles of their own beside user, assistant, system, developer and tool; what they refuse they say.
ROLE = re.compile(r"[A-Za-z0-9_-]{1,40}")
KEYS = ("role", "content")
SHOWN = 40


def are_messages(given: object) -> bool:
    """Whether this is meant as messages: a list or tuple with a mapping in it."""
    return isinstance(given, list | tuple) and any(isinstance(one, Mapping) for one in given)


def user_says(text: str) -> list[dict[str, str]]:
    """A conversation of one message, by the user."""
    return [{"role": "user", "content": text}]


def read_messages(given: Sequence[Any]) -> list[dict[str, str]]:
    """The messages, with role and content alone; raises InputError that names the first one that cannot be used."""
    return [_message(f"Message {place}", one) for place, one in enumerate(given, start=1)]


def characters_of(given: Sequence[Any]) -> int:
    """How many characters messages have together, checked or not, their roles included."""
    values = (value for one in given if isinstance(one, Mapping) for value in one.values())
    return sum(len(value) for value in values if isinstance(value, str))


def awaits_an_answer(messages: Sequence[Mapping[str, str]]) -> bool:
    """Whether the model is to speak next: not after what it said itself."""
    return messages[-1]["role"] != "assistant"


def _message(name: str, given: object) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(key in given for key in KEYS):
        raise InputError(f"{name} is not made of role and content; give messages such as {EXAMPLE}.")
    # A template would turn tool calls and the like into text, so that leaving them out would change what is shown.
    other = next((key for key in given if key not in KEYS), None)
    if other is not None:
        raise InputError(f"{name} has {ascii(other)[:SHOWN]}; only role and content are read here, so leave it out.")
    role, content = given["role"], given["content"]
    if not isinstance(role, str) or not ROLE.fullmatch(role):
        raise InputError(f"The role of {name.lower()} is {ascii(role)[:SHOWN]}; give a word such as user or assistant.")
    if not isinstance(content, str):
        kind = type(content).__name__
        raise InputError(f"The content of {name.lower()} is a {kind}; give a string, which is all that is read here.")
    return {"role": role, "content": content}
