"""A size is said in the unit that it fills."""

import pytest

from attention.ui import sizes


@pytest.mark.parametrize(("count", "said"), [
    (0, "1 KB"), (4_321, "4 KB"), (99_999, "100 KB"), (100_000, "0.1 MB"), (2_345_678, "2.3 MB"), (12_300_000, "12 MB"),
    (1_234_567_890, "1,235 MB"),
])  # fmt: skip
def test_a_size_is_said_in_what_it_fills(count: int, said: str) -> None:
    assert sizes.said(count) == said
