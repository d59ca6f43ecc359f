"""What soak and load count in a server's log."""

from benchmarks.logs import BEGINS, CHAINED, failures, left, tracebacks

GONE = 'RuntimeError: WebSocket is not connected. Need to call "accept" first.'
NEWER = 'starlette.websockets.WebSocketDisconnected: WebSocket is not connected. Need to call "accept" first.'
CLOSED = 'starlette.websockets.WebSocketDisconnected: Cannot call "send" once a close message has been sent.'
FRAME = '  File "x.py", line 1, in <module>\n    f()\n'


def traceback(error: str) -> str:
    return f"{BEGINS}\n{FRAME}{error}\n"


def test_a_chain_is_one_failure() -> None:
    chain = f"{traceback('KeyError: 1')}\n{CHAINED[0]}\n\n{traceback('ValueError: no')}"
    log = f"start\n{chain}after\n{traceback('OSError')}"
    found = list(failures(log))
    assert [one.count(BEGINS) for one in found] == [2, 1]
    assert left(log) == 0


def test_who_left_while_connecting_is_counted_by_the_last_of_a_chain() -> None:
    gone = f"{traceback('ClientDisconnected')}\n{CHAINED[1]}\n\n{traceback(GONE)}"
    other = f"{traceback(GONE)}\n{CHAINED[0]}\n\n{traceback('KeyError: 2')}"
    log = f"INFO one\n{gone}INFO two\n{traceback('ValueError: ' + GONE)}{other}"
    assert len(list(failures(log))) == 3
    assert left(log) == 1, "the one that ends so, and nothing that only quotes it"
    assert tracebacks(log) == 2


def test_who_left_is_told_alike_by_another_version_of_starlette() -> None:
    twice = f"{traceback(NEWER)}\n{CHAINED[0]}\n\n{traceback(CLOSED)}"
    assert left(twice) == 1
    assert tracebacks(twice) == 0
    assert tracebacks(f"{traceback('KeyError: 1')}\n{CHAINED[0]}\n\n{traceback('ValueError: ' + CLOSED)}") == 1


def test_a_log_without_any_has_none() -> None:
    assert list(failures("INFO all is well\n")) == []
    assert left("") == 0
