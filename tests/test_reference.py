"""Reference texts: the bundled ones as the storyteller writes them, a person's file, the installation's setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import InputError
from attention.reference import BUNDLED, MOST_BYTES, reference_texts
from attention.source import load_source, reference_inputs
from tools.reference_texts import OPENINGS, written


def test_the_storyteller_writes_a_bundled_text_again() -> None:
    made = reference_texts()
    assert len(made.texts) == len(OPENINGS)
    assert made.texts[4] == written(4)


def test_the_bundled_texts_are_of_a_useful_length() -> None:
    made = reference_texts()
    lengths = [len(one.ids) for one in reference_inputs(load_source("storyteller", None, None), made)]
    assert len(lengths) == len(made.texts) == 12
    assert min(lengths) >= 40
    assert max(lengths) <= 80
    assert made.name == "12 texts by the storyteller"
    assert str(made) == f"12 texts by the storyteller ({made.digest})"


def test_a_persons_file_goes_before_the_setting_and_that_before_the_bundled_ones(tmp_path: Path) -> None:
    own, hosts = tmp_path / "own.txt", tmp_path / "hosts.txt"
    own.write_text("\ufeffOne text.\n\n  Another one. \r\n", encoding="utf-8")
    hosts.write_text("Ein Satz – kurz.", encoding="utf-8")
    limits = Limits(reference_texts=str(hosts))
    assert reference_texts(own, limits).texts == ("One text.", "Another one.")
    assert reference_texts(own, limits).name == "2 texts of own.txt"
    assert reference_texts(limits=limits).texts == ("Ein Satz – kurz.",)
    assert reference_texts(limits=limits).name == "1 text of hosts.txt"
    assert reference_texts(limits=Limits()).texts == reference_texts(BUNDLED).texts
    assert len({reference_texts(one, limits).digest for one in (own, hosts, BUNDLED)}) == 3


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("One text.")
    before = reference_texts(own).digest
    own.write_text("Another text.")
    assert reference_texts(own).digest != before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe broken", "UTF-8, one text a line"), (b" \n \n", "has 0 texts"), (b"a\n" * 257, "has 257 texts"),
        (b"x" * 20_001, "20,001 characters"), (b"x" * (MOST_BYTES + 1), "1,000,001 bytes"), (None, "one text a line"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        reference_texts(file)


def test_a_setting_that_names_no_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_REFERENCE_TEXTS", "/nowhere/texts.txt")
    with pytest.raises(InputError, match="names a file that is not there"):
        reference_texts()
