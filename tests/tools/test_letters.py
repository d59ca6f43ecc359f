"""The typeface as files of single weights is what the tool makes, and is allowed to be what it is."""

import json

import pytest
from fontTools.ttLib import TTFont

from attention.export.letters import FILES, UNPACKED
from tools.letters import FAMILY, FONTS, MADE, TABLE, WEIGHTS, file_of, typeface


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_files_are_what_the_tool_makes(weight: int) -> None:
    assert file_of(weight).read_bytes() == typeface(weight)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_file_has_every_letter_at_the_width_that_pictures_reckon_with(weight: int) -> None:
    font, known = TTFont(file_of(weight)), json.loads(TABLE.read_text(encoding="utf-8"))[str(weight)]
    widths = {chr(code): font["hmtx"][name][0] for code, name in font.getBestCmap().items()}
    assert font["head"].unitsPerEm == 1000
    assert widths == known


@pytest.mark.parametrize("weight", WEIGHTS)
def test_its_names_are_its_own_and_the_licence_stays(weight: int) -> None:
    names = {record.nameID: str(record) for record in TTFont(file_of(weight))["name"].names}
    assert names[1] == FAMILY == UNPACKED
    assert not any("source" in names[number].lower() for number in (1, 3, 4, 6))
    assert "Reserved Font Name ‘Source’" in names[0]
    assert "OFL" in names[14]
    assert (MADE / "OFL.txt").read_bytes() == (FONTS[0].parent / "OFL.txt").read_bytes()


def test_the_code_reads_these_files() -> None:
    assert {weight: file_of(weight) for weight in WEIGHTS} == FILES
