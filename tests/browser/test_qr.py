"""A link as a QR code: the library's own modules, none for what is no link, none that nobody can scan."""

import numpy as np
import pytest
import segno

from attention.browser import codec, qr

LINK = "https://example.org/?text=The+cat+sat&layer=1"


def test_the_modules_are_the_librarys_own_and_travel() -> None:
    found = codec.parse(codec.pack(qr.payload(LINK)))
    assert found["link"] == LINK
    assert found["modules"].dtype == np.uint8
    assert found["modules"].tolist() == [list(row) for row in segno.make(LINK, error="l", micro=False).matrix]
    assert not np.array_equal(found["modules"], qr.payload(LINK + "1")["modules"])


def test_the_longest_link_is_what_the_largest_code_holds() -> None:
    """More would make a larger code, version 21."""
    link = LINK.ljust(qr.LONGEST, "x")
    assert qr.payload(link)["modules"].shape == (97, 97)
    assert segno.make(link + "x", error="l").version == 21
    assert qr.payload(link + "x") is None


@pytest.mark.parametrize("told", [None, "", "javascript:alert(1)", "https://é.example/", "\ud800", "x" * 100_000])
def test_what_is_no_link_has_no_code(told: str | None) -> None:
    assert qr.payload(told) is None
