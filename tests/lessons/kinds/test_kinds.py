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


def test_the_list_in_the_documentation_is_current() -> None:
    assert f"<!-- kinds -->\n{kinds.described()}\n<!-- end of kinds -->" in FILE.read_text("utf-8")
