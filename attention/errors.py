"""Headlight's own exceptions.

Each message says what is wrong, what is allowed, and what to do: it is shown to the person as it is.
"""

from dataclasses import dataclass


class HeadlightError(Exception):
    """Anything that Headlight refuses or cannot do; the message is one or two plain sentences."""


class InputError(HeadlightError, ValueError):
    """The text, ids, tensors or parameters that were given cannot be used as they are."""


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
    """A model cannot be had: not found, not allowed, not here while offline, or unsafe to load."""


class UnsupportedModelError(ModelError):
    """The model is here, but has no attention that can be watched."""


class NoSuchHeadError(HeadlightError, LookupError):
    """The layer, head or kind that was asked for does not exist in this trace."""


def extra(name: str) -> str:
    """How to install what a part of Headlight needs and not every installation has, for the end of a sentence.

    name: of the extra, as in pyproject.toml.
    """
    return f'install it with: pip install "headlight[{name}]"'
