"""The lines of the code that the Build page shows: they are there and whole, and a step without its own is noticed."""

from pathlib import Path

import pytest

from attention.assets import PACKAGE, STATIC
from attention.ui import excerpts
from attention.ui.excerpts import BY_HAND, PLACES, Place


@pytest.mark.parametrize("step", PLACES | BY_HAND)
def test_each_step_has_its_lines(step: str) -> None:
    for one in excerpts.excerpts()[step]:
        source = (PACKAGE.parent / one.file).read_text(encoding="utf-8").splitlines()
        lines = one.text.splitlines()
        assert [line.strip() for line in source[one.line - 1 : one.line - 1 + len(lines)]] == [
            line.strip() for line in lines
        ]
        assert not lines[0].startswith(" ")


def test_every_step_of_the_page_has_lines() -> None:
    source = (STATIC / "build" / "steps.js").read_text(encoding="utf-8")
    assert [name for name in PLACES if f'name: "{name}", title:' not in source] == []
    assert source.count(", short: ") == len(PLACES)


def test_what_does_what_it_says() -> None:
    found = excerpts.excerpts()
    assert "query @ key.transpose(-2, -1)" in found["scores"][0].text
    assert "self.to_query(x)" in found["project"][0].text
    assert "self.to_output(" in found["output"][0].text
    assert "torch.exp(" in found["softmax"][0].text
    assert "weights @ value" in found["mix"][0].text
    assert "heads.flatten(2)" in found["concat"][0].text
    assert "self.place(token)" in found["embed.hand"][0].text
    assert found["embed.later"][0].text == "x = x + output"


@pytest.mark.parametrize(
    "place",
    [
        Place("mhsa.py", "MultiHeadSelfAttention.run", ("queries = ",)), Place("mhsa.py", "Other.run", ("query = ",)),
        Place("stages.py", "softmax", ("return ",)), Place("mhsa.py", "MultiHeadSelfAttention.other", ("query = ",)),
    ],
)  # fmt: skip
def test_lines_that_are_not_there_are_noticed(place: Place) -> None:
    with pytest.raises(LookupError, match=r"attention/\w+\.py"):
        excerpts.taken(place)


def test_lines_that_drift_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PACKAGE / "stages.py").read_text(encoding="utf-8").replace("scores = query @", "product = query @")
    (tmp_path / "stages.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(excerpts, "PACKAGE", tmp_path)
    with pytest.raises(LookupError, match="scores = "):
        excerpts.taken(PLACES["scores"][0])
