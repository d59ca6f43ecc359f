"""The documents say what is there: commands, limits, models, link keys, files; and nothing that does not belong."""

import re
import subprocess
from pathlib import Path

import pytest

from attention import catalogue, config, view

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
PROMISED = (
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", "requirements.txt",
    "requirements-dev.txt", ".ci/run", "app.py", "docs/architecture.md", "docs/verification.md",
)  # fmt: skip
# Put together here, so that this file does not hold what it looks for.
UNWANTED = {
    "a package registry's host": re.compile(
        "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)", "un" + r"pkg\.com"]).encode()
    ),
    "a path of one machine": re.compile(b"/wor" + b"k/"),
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """Each table row of a document by its first cell, backticks taken off."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in ([cell.strip().strip("`") for cell in line] for line in lines)}


@pytest.mark.parametrize(
    "command", ["make run", "make test", "pip install -r requirements.txt", "streamlit run app.py"]
)
def test_the_readme_names_the_commands(command: str) -> None:
    assert command in read("README.md")


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "install", "clean"])
def test_the_makefile_has_what_the_documents_name(target: str) -> None:
    assert re.search(rf"^{target}:", read("Makefile"), re.MULTILINE)


def test_every_limit_is_documented_as_it_is() -> None:
    table = rows(read("docs/settings.md"))
    for name, default, meaning, variable in config.describe():
        assert table.get(name) == [variable, _shown(default), meaning]


def _shown(default: object) -> str:
    return "(empty)" if default == "" else str(default).lower() if isinstance(default, bool) else str(default)


def test_every_model_of_the_catalogue_is_documented() -> None:
    text = read("docs/models.md")
    table = rows(text)
    for entry in catalogue.models():
        assert f"`{entry.id}`" in text
        if entry.id != "local":
            assert table.get(entry.id) == [entry.family, entry.licence, entry.about]


def test_every_key_of_a_link_is_documented() -> None:
    table = rows(read("docs/links.md"))
    for key in view.PARAMETERS:
        assert table.get(key.name) == [key.help, key.accepts, key.default]


def test_no_document_keeps_what_is_gone() -> None:
    settings = {name for name, *_ in config.describe()}
    assert set(rows(read("docs/settings.md"))) - {"name", "---"} == settings
    assert set(rows(read("docs/links.md"))) - {"name", "---"} == {key.name for key in view.PARAMETERS}
    models = {entry.id for entry in catalogue.models()} - {"local"}
    assert set(rows(read("docs/models.md"))) - {"id", "---"} == models


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def tracked() -> list[Path]:
    """The repository's files: tracked ones, and new ones that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def found_in(content: bytes) -> list[str]:
    return [what for what, pattern in UNWANTED.items() if pattern.search(content)]


def test_paths_in_documents_and_comments_are_there() -> None:
    """X and y stand for any name."""
    folders = ("attention", "static", "assets", "tools", "benchmarks", "deploy", "pages", "docs")
    path = re.compile(rf"\b(?:tests|{'|'.join(folders)})/[\w/.-]+\.(?:py|js|css|md|toml|sh)\b")
    made = {f"static/delivered{part}.js" for part in ("", "_lessons", "_compare", "_views")}
    suffixes = (".py", ".js", ".css", ".md")
    ours = [one for folder in folders for one in (ROOT / folder).rglob("*") if one.suffix in suffixes]
    written = [one for one in ours if ".min." not in one.name and not one.name.startswith("delivered")]
    read_too = [*written, *ROOT.glob("*.md")]
    found = {(one.name, name) for one in read_too for name in path.findall(one.read_text("utf-8"))}
    assert len(found) > 100
    named = {one for one in found if not re.search(r"\b[Xy]\b|_[Xy]\b", one[1]) and one[1] not in made}
    assert {one for one in named if not (ROOT / one[1]).exists()} == set()


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    files = tracked()
    assert ROOT / "attention" / "stages.py" in files
    assert {path.relative_to(ROOT).as_posix(): found for path in files if (found := found_in(path.read_bytes()))} == {}


def test_the_search_can_find() -> None:
    assert found_in(b"see https://" + b"pypi" + b".org/project") == ["a package registry's host"]
    assert found_in(b"cd /wor" + b"k/main") == ["a path of one machine"]
    assert found_in(b"pip install -r requirements.txt; the framework/network") == []


def test_the_tables_are_read_as_they_stand() -> None:
    assert rows("| `a` | B | c d |\n|---|---|---|\ntext | no") == {"a": ["B", "c d"], "---": ["---", "---"]}
    assert LINK.findall("[a](docs/x.md#part) ![b](y.png) [c](https://z.org) [d](#here)") == ["docs/x.md", "y.png"]
