"""What a page fetches in one piece: nothing but its sources, written once, and not at all where nobody may write."""

import re
from pathlib import Path

import pytest

from attention import assets, delivery

# Words of a module's own syntax, which become others in the one piece.
CHANGED = re.compile(r"\bimport\b|^export ")


def piece(made: str, name: str) -> str:
    """One module's part of what is delivered."""
    _, _, rest = made.partition(f'headlight.define("{name}", ')
    return rest.partition("\nheadlight.define(")[0]


def test_every_line_of_every_module_is_delivered_in_its_order() -> None:
    parts = [delivery.module(), delivery.lessons_module(), delivery.compare_module(), delivery.views_module()]
    assert parts[0].count("headlight.define(") > 70
    assert sum(part.count("headlight.define(") for part in parts) == len(assets.SOURCES)
    made = "".join(parts)
    for path in assets.SOURCES:
        lines = [line for line in path.read_text("utf-8").splitlines() if line and not CHANGED.search(line)]
        delivered = iter(piece(made, delivery.named(path)).splitlines())
        assert len(lines) > 4
        assert [line for line in lines if line not in delivered] == [], path


def test_it_is_written_once_and_again_when_a_source_changed(tmp_path: Path) -> None:
    paths = target, lessons, compare, views = tuple(
        tmp_path / f"delivered{part}.js" for part in ("", "_lessons", "_compare", "_views")
    )
    assert delivery.deliver(*paths)
    assert target.read_text("utf-8") == delivery.module()
    assert lessons.read_text("utf-8") == delivery.lessons_module()
    assert compare.read_text("utf-8") == delivery.compare_module()
    assert views.read_text("utf-8") == delivery.views_module()
    assert target.stat().st_mtime == max(path.stat().st_mtime for path in assets.SOURCES)
    before = target.stat().st_ino
    assert delivery.deliver(*paths)
    assert target.stat().st_ino == before
    target.write_text("another version", "utf-8")
    assert delivery.deliver(*paths)
    assert target.read_text("utf-8") == delivery.module()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_where_nobody_may_write_the_modules_come_one_by_one(tmp_path: Path) -> None:
    assert not delivery.deliver(tmp_path / "no folder" / "delivered.js")
    old = tmp_path / "delivered.js"
    old.mkdir()
    assert not delivery.deliver(old)
    assert [path.name for path in tmp_path.iterdir()] == ["delivered.js"]
    first, *lines = delivery.component("run", "SETTINGS\n", is_delivered=False).splitlines()
    own = (assets.COMPONENTS / "run" / "main.js").read_text("utf-8").splitlines()
    assert first == "SETTINGS"
    assert lines[1:-1] == [line.replace("export default function (", "function component(") for line in own]
    assert "/app/static/mount.js?v=${HEADLIGHT.version}" in lines[0]
    assert lines[-1] == "export default (given) => component(withStore(given));"


@pytest.mark.parametrize("name", delivery.VIEWS)
def test_a_view_that_few_open_is_fetched_when_it_is_opened(name: str) -> None:
    made = delivery.component(name, "SETTINGS\n", is_delivered=True)
    asked = [made.index(f"/app/static/{file}.js?v=") for file in ("delivered", "delivered_views")]
    assert asked == sorted(asked)
    assert len(made) < 500
    own = f'headlight.define("component/{name}.js", '
    assert own in delivery.views_module()
    assert own not in delivery.module()
    assert 'headlight.define("signed/' not in delivery.module()
    assert "/app/static/mount.js" in delivery.component(name, "SETTINGS\n", is_delivered=False)


def test_what_some_pages_alone_need_is_no_part_of_a_first_visit() -> None:
    first, later = delivery.module(), delivery.lessons_module()
    for name in ("lesson/", "local/", "training/", "draw/", "compare/", "component/difference", "component/changed"):
        assert f'headlight.define("{name}' not in first
    assert 'headlight.define("compare/linked.js", ' in delivery.compare_module()
    assert 'headlight.define("draw/grid.js", ' in later


@pytest.mark.parametrize("name", [name for name in delivery.HOSTS if (assets.COMPONENTS / name).is_dir()])
def test_a_component_that_shows_others_has_their_code_delivered_or_brings_it(name: str) -> None:
    made = delivery.component(name, "SETTINGS\n", is_delivered=True)
    asked = [made.index(f"/app/static/{file}.js?v=") for file in ("delivered", "delivered_lessons")]
    assert asked == sorted(asked)
    assert len(made) < 500
    alone = delivery.component(name, "SETTINGS\n", is_delivered=False)
    others = [path for path in assets.SOURCES if not delivery.of_compare(path) and not delivery.of_views(path)]
    assert alone.count("headlight.define(") == len(others)
    assert "import(" not in alone.replace("load(", "")


@pytest.mark.parametrize("name", delivery.COMPARING)
def test_a_component_of_a_comparison_asks_for_what_it_has_besides(name: str) -> None:
    made = delivery.component(name, "SETTINGS\n", is_delivered=True)
    asked = [made.index(f"/app/static/{file}.js?v=") for file in ("delivered", "delivered_compare")]
    assert asked == sorted(asked)
    assert made.count("import(") == 2
    assert f'headlight.define("component/{name}.js", ' in delivery.compare_module()
    assert len(made) < 500
    assert "/app/static/mount.js" in delivery.component(name, "SETTINGS\n", is_delivered=False)


APART = (*delivery.HOSTS, *delivery.COMPARING, *delivery.VIEWS)
OTHERS = [path.name for path in sorted(assets.COMPONENTS.iterdir()) if path.name not in APART]


@pytest.mark.parametrize("name", OTHERS)
def test_a_component_asks_what_was_delivered_and_nothing_else(name: str) -> None:
    made = delivery.component(name, "SETTINGS\n", is_delivered=True)
    assert made.startswith("SETTINGS\n")
    assert made.count("import(") == 1
    assert "/app/static/delivered.js?v=${HEADLIGHT.version}" in made
    assert made == delivery.component("run", "SETTINGS\n", is_delivered=True), "equal texts are one module to a browser"
    assert f'headlight.define("component/{name}.js", ' in delivery.module()
    assert len(made) < 400, "it is sent to every browser, each time"


def test_names_that_are_exported_together_are_all_read() -> None:
    made = delivery.defined("x.js", "export const [A, B] = [1, 2];\nexport const { c } = d;\nexport const E = 1;\n")
    for name in ("A", "B", "c", "E"):
        assert f"get {name}() {{ return {name}; }}" in made
