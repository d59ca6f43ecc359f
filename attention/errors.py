"""Headlight's own exceptions.

Each message says what is wrong, what is allowed, and what to do: it is shown to the person as it is.
"""

from dataclasses import dataclass
from typing import ClassVar

NO_MEMORY = "There is not enough memory for this here: choose a smaller model or a shorter text."
# What torch says on a processor, by allocator and system.
_REFUSED = ("can't allocate memory", "not enough memory")


class HeadlightError(Exception):
    """Anything that Headlight refuses or cannot do; the message is one or two plain sentences.

    may_pass: whether the same thing may be tried again, of every error of a class.
    """

    may_pass: ClassVar[bool] = True


class InputError(HeadlightError, ValueError):
    """The text, ids, tensors or parameters that were given cannot be used as they are."""

    may_pass = False


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """As much of a text as would be taken. of: which text of a view, "text" or "pair"; size: how long it is, in words,
    as in "512 tokens".
    """

    of: str
    text: str
    size: str


class TooLongError(InputError):
    """The text has more tokens than the model or the settings allow; nothing is ever cut silently.

    beginning: what would be taken of it, for whoever asks; None where that is not known.
    """

    def __init__(self, message: str, beginning: Beginning | None = None) -> None:
        super().__init__(message)
        self.beginning = beginning


class ModelError(HeadlightError):
    """A model cannot be had: not found, not allowed, or unsafe to load."""

    may_pass = False


class NotNowError(ModelError):
    """A model cannot be had now: the hub, the network, the disk or the memory may have another answer later."""

    may_pass = True


class UnsupportedModelError(ModelError):
    """The model is here, but has no attention that can be watched."""


class NoSuchHeadError(HeadlightError, LookupError):
    """The layer, head or kind that was asked for does not exist in this trace."""

    may_pass = False


class MemoryFullError(HeadlightError, MemoryError):
    """The system or the graphics card refused the memory that a run asked for."""

    def __init__(self, message: str = NO_MEMORY) -> None:
        super().__init__(message)


class HeadlightWarning(UserWarning):
    """Something was done, and is not quite what was asked for; the message says what, and what to do."""


def is_out_of_memory(err: BaseException) -> bool:
    """Whether the system refused memory, which is said in several ways: by Python, by torch on a graphics card with a
    class of its own, and on a processor with a bare RuntimeError.
    """
    if isinstance(err, MemoryError) or type(err).__name__ == "OutOfMemoryError":
        return True
    return isinstance(err, RuntimeError) and any(words in str(err) for words in _REFUSED)


def extra(name: str) -> str:
    """How to install what a part of Headlight needs and not every installation has, for the end of a sentence.

    name: of the extra, as in pyproject.toml.
    """
    return f'install it with: pip install "headlight[{name}]"'
