"""What settings of figures may be: what is read, what is refused, and what is written back."""

from typing import Any

import pytest

from attention.lessons.kinds import sorts
from attention.table import Sort

READ: dict[str, tuple[Sort, str, Any]] = {
    "whole": (sorts.whole(1, 9), "4", 4),
    "decimal": (sorts.decimal(-1, 1), "−0.5", -0.5),
    "numbers": (sorts.numbers(1, 100), "4 16 64", (4.0, 16.0, 64.0)),
    "several": (sorts.several(2, 0, 9), "3 1", (3, 1)),
    "names": (sorts.names(("a", "b")), "b a", ("b", "a")),
    "one_of": (sorts.one_of((8, 16)), "16", 16),
    "some_of": (sorts.some_of((1, 2, 4)), "1 4", (1, 4)),
    "yes": (sorts.yes(), "yes", True),
}


@pytest.mark.parametrize(("sort", "raw", "value"), READ.values(), ids=READ)
def test_what_is_read_is_allowed_and_read_again_as_it_is_written(sort: Sort, raw: str, value: Any) -> None:
    assert sort.read(raw) == value
    assert sort.allows(value)
    assert sort.read(sort.write(value)) == value


@pytest.mark.parametrize(
    ("sort", "raw"),
    [
        (sorts.whole(1, 9), "10"), (sorts.whole(1, 9), "²"), (sorts.decimal(-1, 1), "1e0"), (sorts.decimal(-1, 1), "2"),
        *((sorts.numbers(1, 100), raw) for raw in ("", "1 x", "0 101", " ".join(["1"] * 17))),
        (sorts.several(2, 0, 9), "1"), (sorts.several(2, 0, 9), "1 1"), (sorts.names(("a", "b")), "a a"),
        (sorts.names(("a", "b")), "c"), (sorts.one_of((8, 16)), "9"), (sorts.some_of((1, 2, 4)), "3"),
        (sorts.yes(), "maybe"),
    ],
)  # fmt: skip
def test_what_may_not_be_is_refused(sort: Sort, raw: str) -> None:
    with pytest.raises(ValueError):
        sort.read(raw)


def test_no_is_read_as_no() -> None:
    assert sorts.yes().read("no") is False
