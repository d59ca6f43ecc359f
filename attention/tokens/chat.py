"""A text or messages to a chat model: in the form that the tokenizer's own chat template gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attention.errors import InputError
from attention.tokens.messages import awaits_an_answer, read_messages, user_says

PROGRAM = Path(__file__).with_name("render.py")
LONGEST_TEMPLATE, LONGEST_TEXT = 200_000, 200_000
SECONDS, CPU_SECONDS = 20.0, 5  # of the clock, and of a processor's time, to which the program keeps itself
_KEPT = ("PATH", "SYSTEMROOT", "LANG", "TZ")


def has_template(tokenizer: Any | None) -> bool:
    """Whether the tokenizer says how its model is spoken to."""
    return _template(tokenizer) is not None


def as_message(tokenizer: Any, text: str) -> str:
    """The text as the user's message in the tokenizer's template, up to where the model's answer begins.

    Raises InputError as `as_prompt` does.
    """
    return _prompt(tokenizer, user_says(text), "Leave chat off.")


def as_prompt(tokenizer: Any, messages: Sequence[Any]) -> str:
    """The messages, at least one, in the tokenizer's template: up to where the model's answer begins, or to their end
    where the assistant has the last word.

    Raises InputError where a message cannot be used, where there is no template, or where it does not render.
    """
    return _prompt(tokenizer, read_messages(messages), "Change the messages, or choose another model.")


def _prompt(tokenizer: Any, messages: list[dict[str, str]], advice: str) -> str:
    """The messages in the template. It is a stranger's program, so it is rendered in a sandbox, in a process of its own
    that has little time and memory. advice: what to do where it does not render.
    """
    template = _template(tokenizer)
    if template is None:
        raise InputError(
            "This model's tokenizer has no chat template, so it cannot be asked as a chat; leave chat off, or choose a "
            "model that was trained to chat."
        )
    if len(template) > LONGEST_TEMPLATE:
        raise InputError(
            f"The chat template of this model is longer than {LONGEST_TEMPLATE:,} characters; leave chat off."
        )
    return _rendered(template, _values(tokenizer, messages), advice)


def _template(tokenizer: Any | None) -> str | None:
    """The tokenizer's template; of several, the one called "default"."""
    found = getattr(tokenizer, "chat_template", None)
    if isinstance(found, dict):
        found = found.get("default")
    return found if isinstance(found, str) and found else None


def _values(tokenizer: Any, messages: list[dict[str, str]]) -> dict[str, Any]:
    """What the library gives a template to work with: the messages, and the special tokens by name."""
    names = {name: str(value) for name, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}
    speaks_next = awaits_an_answer(messages)
    return {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": speaks_next, **names}


def _rendered(template: str, values: dict[str, Any], advice: str) -> str:
    order = json.dumps({"template": template, "values": values, "longest": LONGEST_TEXT})
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  our own program; the stranger's text goes to its stdin
            [sys.executable, "-I", str(PROGRAM), str(CPU_SECONDS)], input=order.encode(), capture_output=True,
            timeout=SECONDS, env=environment, check=False,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):  # ended by the clock, or by a limit of its own before it answered
        answer = {"problem": "it took too long or too much memory"}
    if "text" not in answer:
        raise InputError(f"The chat template of this model cannot be used: {answer['problem']}. {advice}")
    return str(answer["text"])
