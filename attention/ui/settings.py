"""The host's settings: read and checked when the process begins, and written to its log once."""

import sys
import threading

from streamlit import get_option

from attention.catalogue import offered
from attention.config import Limits, read, table, variable
from attention.errors import InputError

_lock = threading.Lock()
_told: list[str] = []


def start() -> str:
    """"" where all settings are in order, else the sentence that says what is not. The first call in a process writes
    the settings, or that sentence, to the log.
    """
    with _lock:
        if not _told:
            _told.append(_problem())
            print(_told[0] or f"Headlight's settings:\n{table(read())}", file=sys.stderr, flush=True)
        return _told[0]


def _problem() -> str:
    try:
        limits = Limits.from_environment()
        offered(limits)
        _check_uploads(limits)
    except InputError as err:
        return f"Headlight cannot start with these settings: {err}"
    return ""


def _check_uploads(limits: Limits) -> None:
    """Streamlit has a limit of its own for what comes in."""
    streamlit = int(get_option("server.maxUploadSize"))
    if limits.file_mb > streamlit:
        raise InputError(
            f"{variable('file_mb')} is {limits.file_mb}, and Streamlit's server.maxUploadSize lets {streamlit} MB in; "
            "lower the first or raise the second."
        )
