"""What went wrong, as one sentence for the person in front of the page, and whether another try can help."""

from __future__ import annotations

import logging

from attention.errors import NO_MEMORY, HeadlightError, is_out_of_memory
from attention.view import clean

_log = logging.getLogger(__name__)


def describe_problem(err: Exception) -> str:
    """One clear sentence for any exception, as plain text. What nobody foresaw is logged with its traceback."""
    if isinstance(err, HeadlightError) and str(err).strip():
        return seen(clean(str(err)))  # it may quote a stranger's file, and half a surrogate pair cannot be sent
    if is_out_of_memory(err):
        return NO_MEMORY
    _log.error("unexpected problem", exc_info=err)
    return f"Something went wrong in Headlight itself ({type(err).__name__}); its log says where."


def seen(text: str) -> str:
    """A name or a sentence from elsewhere with nothing hidden in it, for wherever it stands on the page."""
    if text.isprintable():  # nearly always, and what follows needs torch, for which no first paint waits
        return text
    from attention.tokens import readable

    return readable(text)


def may_pass(err: Exception) -> bool:
    """Whether trying again can help: not for a text, an id or a folder that stays as wrong as it is."""
    return not isinstance(err, HeadlightError) or err.may_pass


def bare(err: HeadlightError) -> HeadlightError:
    """Without its tracebacks: they hold the frames of the run, and those may hold a whole model."""
    err.__cause__ = err.__context__ = None
    return err.with_traceback(None)
