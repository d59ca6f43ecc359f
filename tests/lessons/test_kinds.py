"""The table of figures: what each is told can be read, and its defaults are what it may be."""

import pytest

from attention.lessons import kinds
from tools.figure_table import FILE


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_each_default_is_allowed_and_each_setting_says_what_it_is_for(kind: kinds.Kind) -> None:
    for name, setting in kind.settings.items():
        assert setting.sort.allows(setting.default), name
        assert setting.help, name
    assert kind.help
    assert all(kind.facts.values())


def test_kinds_stand_in_the_order_of_their_names() -> None:
    names = [kind.name for kind in kinds.KINDS]
    assert names == sorted(set(names))
    assert all(kinds.kind(name) is not None for name in names)
    assert kinds.kind("none") is None


@pytest.mark.parametrize("raw", ["", "1 x", "0 101", " ".join(["1"] * 17)])
def test_numbers_are_few_and_in_bounds(raw: str) -> None:
    with pytest.raises(ValueError):
        kinds.numbers(1, 100).read(raw)
    assert kinds.numbers(1, 100).read("4 16 64") == (4.0, 16.0, 64.0)


def test_yes_and_no() -> None:
    assert kinds.yes().read("yes") is True
    assert kinds.yes().read("no") is False
    with pytest.raises(ValueError):
        kinds.yes().read("maybe")


def test_the_list_in_the_documentation_is_current() -> None:
    assert f"<!-- kinds -->\n{kinds.described()}\n<!-- end of kinds -->" in FILE.read_text("utf-8")
