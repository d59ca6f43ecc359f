"""Files on their way from and to browsers: only where there is a place for them, one at a time, and within bounds."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from attention.config import MEGABYTE
from attention.ui import uploads


@dataclass(eq=False)
class Made:
    made: bytes | None


@pytest.fixture(autouse=True)
def _bounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    uploads.install()
    monkeypatch.setenv("HEADLIGHT_FILE_MB", "2")
    monkeypatch.setenv("HEADLIGHT_FILES_MB", "4")
    yield
    uploads._offered.clear()
    uploads._made.clear()


def put(manager: MemoryUploadedFileManager, session: str, name: str, size: int = MEGABYTE) -> None:
    manager.add_file(session, UploadedFileRec(name, name, "application/zip", bytes(size)))


def there(manager: MemoryUploadedFileManager) -> list[tuple[str, str]]:
    return [(session, name) for session, files in manager.file_storage.items() for name in files]


def test_a_page_without_a_place_for_files_takes_none() -> None:
    manager = MemoryUploadedFileManager("/upload")
    with pytest.raises(HTTPException) as refused:
        put(manager, "a", "one")
    assert refused.value.status_code == 403
    uploads.offer("a")
    put(manager, "a", "one")
    uploads.withdraw("a")
    with pytest.raises(HTTPException):
        put(manager, "a", "two")


def test_a_session_has_one_file_at_a_time() -> None:
    manager = MemoryUploadedFileManager("/upload")
    uploads.offer("a")
    for number in range(30):
        put(manager, "a", str(number))
    assert there(manager) == [("a", "29")]


def test_of_all_sessions_the_oldest_go_first() -> None:
    manager = MemoryUploadedFileManager("/upload")
    for session in "abcdef":
        uploads.offer(session)
        put(manager, session, "one")
    assert there(manager) == [(session, "one") for session in "cdef"]


def test_a_file_larger_than_what_is_opened_is_not_kept() -> None:
    manager = MemoryUploadedFileManager("/upload")
    uploads.offer("a")
    with pytest.raises(HTTPException) as refused:
        put(manager, "a", "one", 3 * MEGABYTE)
    assert (refused.value.status_code, there(manager)) == (413, [])


def test_what_was_made_to_be_saved_has_a_bound_for_each_session_and_for_all() -> None:
    first, second, third = (Made(bytes(MEGABYTE)) for _ in range(3))
    for one in (first, second, third):
        uploads.keep(one, "a")
    assert [one.made is None for one in (first, second, third)] == [True, False, False]
    others = [Made(bytes(MEGABYTE)) for _ in range(4)]
    for number, one in enumerate(others):
        uploads.keep(one, f"other {number}")
    assert [one.made is None for one in (second, third, *others)] == [True, True, False, False, False, False]


def test_the_newest_file_stays_however_large_and_none_is_kept_alive() -> None:
    large = Made(bytes(9 * MEGABYTE))
    uploads.keep(large, "a")
    assert large.made is not None
    del large
    gc.collect()
    assert not uploads._made
