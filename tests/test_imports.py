"""Garbage is not searched for while libraries are imported, and is again afterwards."""

import gc
from collections.abc import Iterator

import pytest

from attention import imports


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("before", [True, False])
def test_it_is_as_it_was_afterwards_whatever_happens_inside(before: bool) -> None:
    (gc.enable if before else gc.disable)()
    with imports.unsearched():
        assert not gc.isenabled()
        with imports.unsearched():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() == before
    with pytest.raises(ImportError), imports.unsearched():
        raise ImportError
    assert gc.isenabled() == before


def test_all_parts_come_unsearched_and_are_left_out_of_every_search_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, bool]] = []
    gc.enable()
    monkeypatch.setattr(imports, "import_module", lambda name: done.append((name, gc.isenabled())))
    monkeypatch.setattr(imports.gc, "freeze", lambda: done.append(("freeze", gc.isenabled())))
    imports.at_once.__wrapped__()
    assert done == [*((module, False) for module, _ in imports.PARTS), ("freeze", False)]
    assert gc.isenabled()
