"""The tracebacks of a server's log, and which of them only say that somebody left."""

from __future__ import annotations

import re
from collections.abc import Iterator

BEGINS = "Traceback (most recent call last):"
# Between two tracebacks of one failure stands one of these.
CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
# What Starlette raises where a browser is gone before its connection was accepted: Streamlit reads from it regardless,
# and then closes what is closed. The error's name is another one since Starlette 1.
LEFT = re.compile(
    r"(RuntimeError|starlette\.websockets\.WebSocketDisconnected): "
    r'(WebSocket is not connected\. Need to call "accept" first\.'
    r'|Cannot call "send" once a close message has been sent\.)'
)
NAMED = re.compile(r"\S*(Error|Exception|Interrupt|Exit|Disconnected)\b")


def failures(log: str) -> Iterator[str]:
    """The text of each failure, a chain of tracebacks as one."""
    whole = ""
    for part in re.split(f"(?={re.escape(BEGINS)})", log)[1:]:
        whole += part
        if not _stack(part).rstrip().endswith(CHAINED):
            yield whole
            whole = ""
    if whole:
        yield whole


def left(log: str) -> int:
    """How many failures end in somebody having left while they connected."""
    return sum(bool(LEFT.match(_last(one))) for one in failures(log))


def tracebacks(log: str) -> int:
    """How many failures say that something went wrong."""
    return len(list(failures(log))) - left(log)


def _stack(part: str) -> str:
    """A traceback up to the sentence that chains it, or all that was logged after it."""
    ends = [part.find(sentence) + len(sentence) for sentence in CHAINED if sentence in part]
    return part[: min(ends)] if ends else part


def _last(failure: str) -> str:
    """The line that names the last exception of the chain."""
    lines = (line.strip() for line in failure[failure.rindex(BEGINS) :].splitlines()[1:])
    return next((line for line in lines if NAMED.match(line)), "")
