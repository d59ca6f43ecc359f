"""The files that pass through a host's memory on their way from or to a browser, within bounds.

Streamlit takes any number of files from whoever has a session, and keeps them until a while after it has left. Here a
session may send files only where the page offers a place for them, has one at a time, and loses it when it leaves; and
what is made to be saved, and not fetched yet, goes when newer files need its room.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager as Manager
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from attention.config import MEGABYTE, Limits

MARK = "headlight_bounded"
# So many sessions are remembered as having a place for files; many more than can be connected.
MOST_SESSIONS = 10_000
_lock = threading.Lock()
_offered: OrderedDict[str, None] = OrderedDict()


class Made(Protocol):
    """A file that was made to be saved: its bytes, until it is dropped."""

    made: bytes | None


_made: weakref.WeakKeyDictionary[Made, str] = weakref.WeakKeyDictionary()


def install() -> None:
    """Bound what browsers send to this process; more than once is the same as once."""
    if not hasattr(Manager.add_file, MARK):
        Manager.add_file = _adding(Manager.add_file)  # type: ignore[method-assign]
        Runtime.disconnect_session = _leaving(Runtime.disconnect_session)  # type: ignore[method-assign]


def offer(session: str) -> None:
    """A session's page has a place for a file."""
    with _lock:
        _offered[session] = None
        _offered.move_to_end(session)
        while len(_offered) > MOST_SESSIONS:
            _offered.popitem(last=False)


def withdraw(session: str) -> None:
    """It has none any longer: what was sent there is dropped."""
    with _lock:
        _offered.pop(session, None)
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session)


def keep(file: Made, session: str) -> None:
    """Keep what was just made for this session, and let the oldest go: of its own, then of all."""
    limits = Limits.from_environment()
    with _lock:
        _made.pop(file, None)
        _made[file] = session
        own = [one for one, owner in _made.items() if owner == session]
        gone = _beyond(own, limits.file_mb * MEGABYTE)
        gone += _beyond([one for one in _made if one not in gone], limits.files_mb * MEGABYTE)
        sessions = {_made.pop(one) for one in gone}
    for one in gone:
        one.made = None
    for left in sessions - {session}:
        _release(left)


def address(data: bytes, name: str, mime: str, *, where: str) -> str:
    """Where a browser fetches a file that was made, as long as each run of its session's page says this again.

    where: the place on the page; its file there before is forgotten.
    """
    if not runtime.exists():
        return ""
    files = runtime.get_instance().media_file_mgr
    return files.add(data, mime, where, file_name=name, is_for_static_download=True)


def _beyond(files: list[Made], most: int) -> list[Made]:
    """The oldest files, down to those that fit; never the newest."""
    sizes = [len(one.made or b"") for one in files]
    count = next(count for count in range(len(files)) if sum(sizes[count:]) <= most or count == len(files) - 1)
    return files[:count]


def _release(session: str) -> None:
    """Let Streamlit forget the addresses at which this session could fetch its files."""
    if not runtime.exists():
        return
    media = runtime.get_instance().media_file_mgr
    media.clear_session_refs(session)
    for _ in range(2):  # the first time files to be saved are only marked
        media.remove_orphaned_files()


def _adding(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def add(self: Manager, session_id: str, file: UploadedFileRec) -> None:
        with _lock:
            if session_id not in _offered:
                raise HTTPException(status_code=403, detail="This page has no place for a file at the moment")
        limits = Limits.from_environment()
        if len(file.data) > limits.file_mb * 2**20:  # as Streamlit counts its own limit
            raise HTTPException(status_code=413, detail=f"At most {limits.file_mb} MB are opened here")
        self.remove_session_files(session_id)  # the one before
        original(self, session_id, file)
        _trim(self, limits.files_mb * MEGABYTE)

    setattr(add, MARK, True)
    return add


def _trim(manager: Manager, most: int) -> None:
    """The oldest of all go, never the newest: each is read as soon as it has come."""
    held = {session: sum(len(one.data) for one in files.values()) for session, files in _by_session(manager)}
    for session in list(held)[:-1]:
        if sum(held.values()) <= most:
            return
        manager.remove_session_files(session)
        del held[session]


def _by_session(manager: Manager) -> list[tuple[str, dict[str, UploadedFileRec]]]:
    return [(session, dict(files)) for session, files in list(manager.file_storage.items()) if files]


def _leaving(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def leave(self: Runtime, session_id: str, *args: Any, **kwargs: Any) -> Any:
        done = original(self, session_id, *args, **kwargs)
        if not self.is_active_session(session_id):  # it may have come back by another connection already
            with _lock:
                _offered.pop(session_id, None)
            self.uploaded_file_mgr.remove_session_files(session_id)
        return done

    setattr(leave, MARK, True)
    return leave
