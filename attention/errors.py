"""Headlight's own exceptions.

Each message says what is wrong, what is allowed, and what to do: it is shown to the person as it is.
"""


class HeadlightError(Exception):
    """Anything that Headlight refuses or cannot do; the message is one or two plain sentences."""


class InputError(HeadlightError, ValueError):
    """The text, ids, tensors or parameters that were given cannot be used as they are."""


class TooLongError(InputError):
    """The text has more tokens than the model or the settings allow; nothing is ever cut silently."""


class ModelError(HeadlightError):
    """A model cannot be had: not found, not allowed, not here while offline, or unsafe to load."""


class UnsupportedModelError(ModelError):
    """The model is here, but has no attention that can be watched."""


class NoSuchHeadError(HeadlightError, LookupError):
    """The layer, head or kind that was asked for does not exist in this trace."""
