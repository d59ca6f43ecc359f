"""What may be typed for a model, and what one sentence says of the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelRef, parse

HASH = "607a30d783dfa663caf39e06633721c8d4cfcd7e"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local", ModelRef(id="local")),
        ("gpt2", ModelRef(id="gpt2")),
        (" openai-community/gpt2 ", ModelRef(id="openai-community/gpt2")),
        (f"openai-community/gpt2@{HASH}", ModelRef(id="openai-community/gpt2", revision=HASH)),
        ("org/name.v1_x-2@refs/pr/4", ModelRef(id="org/name.v1_x-2", revision="refs/pr/4")),
    ],
)
def test_ids(text: str, expected: ModelRef):
    assert parse(text, Limits()) == expected
    assert parse(str(expected), Limits()) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "   ",
        "a/b/c",
        "org/",
        "/",
        "org//name",
        "org/na me",
        "org/..",
        "org/a..b",
        "org/a--b",
        "-org/name",
        "org/name-",
        "https://example.org/model",
        "C:\\models\\x",
        "org/name\x00",
        "org/name\u202e",
        "org/nаme",  # a Cyrillic а
        "org/<b>x</b>",
        "a" * 97,
        "a" * 1000,
        "org/name@",
        "org/name@../../etc",
        "org/name@a//b",
        "org/name@b/",
        "org/name@one two",
        "local@main",
        "org/name\nother",
    ],
)
def test_hostile_ids_get_one_short_sentence(hostile: str):
    with pytest.raises(ModelError) as error:
        parse(hostile, Limits())
    message = str(error.value)
    assert len(message) < 220
    assert message.isprintable()
    assert message.count(". ") <= 1


def test_the_sentence_says_what_is_allowed():
    with pytest.raises(ModelError, match="“a/b/c” is not the id of a model; give an id such as"):
        parse("a/b/c", Limits())


def test_only_the_catalogue_where_the_host_says_so():
    closed = Limits(any_model=False)
    assert parse("openai-community/gpt2", closed).id == "openai-community/gpt2"
    assert parse("local", closed).built_in
    with pytest.raises(ModelError, match="org/name is not among the models of this installation; choose one of these"):
        parse("org/name", closed)


@pytest.mark.parametrize("id", ["local", "storyteller", "openai-community/gpt2", "org/name", " cloze "])
def test_only_what_the_host_lists_and_the_sentence_lists_it_too(id: str):
    few = Limits(models="dates,distilbert/distilgpt2", any_model=False)
    assert parse("dates", few).bundled
    assert parse("distilbert/distilgpt2", few).id == "distilbert/distilgpt2"
    with pytest.raises(ModelError, match=r"choose one of these: dates, distilbert/distilgpt2\.$"):
        parse(id, few)


def test_no_strangers_version_of_an_offered_model():
    closed = Limits(any_model=False)
    for revision in (HASH, "main", "refs/pr/4"):
        with pytest.raises(ModelError, match="offers openai-community/gpt2 as it is; leave out the @"):
            parse(f"openai-community/gpt2@{revision}", closed)


def test_a_folder_that_the_host_allows_goes_with_a_list(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    limits = Limits(models="dates", any_model=False, model_folder=str(tmp_path))
    assert parse("./mine", limits).folder == tmp_path.resolve() / "mine"


def test_folders_are_off_until_a_root_is_set():
    with pytest.raises(ModelError, match="set HEADLIGHT_MODEL_FOLDER"):
        parse("./gpt2", Limits())


def test_strangers_are_not_told_what_the_host_could_set():
    with pytest.raises(ModelError, match=r"^Local folders are switched off here\.$"):
        parse("./model", Limits(public=True))


def test_a_folder_inside_the_root(tmp_path: Path):
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    limits = Limits(model_folder=str(tmp_path))
    inside = ModelRef(id="mine/deep", folder=tmp_path.resolve() / "mine" / "deep")
    assert parse("./mine/deep", limits) == inside
    assert parse(str(tmp_path / "mine" / "deep"), limits) == inside
    assert parse("./mine/../mine/deep", limits) == inside
    assert not inside.built_in


@pytest.mark.parametrize("outside", ["..", "../other", "./mine/../../other", "/etc", "~", "./link"])
def test_a_folder_outside_the_root_is_refused(tmp_path: Path, outside: str):
    root = tmp_path / "root"
    (root / "mine").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (root / "link").symlink_to(tmp_path / "other")
    with pytest.raises(ModelError, match="is outside the folder that models may be opened from"):
        parse(outside, Limits(model_folder=str(root)))


def test_a_folder_that_is_not_there(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for missing in ("./gone", "./file"):
        with pytest.raises(ModelError, match=f"There is no folder “{missing}”"):
            parse(missing, Limits(model_folder=str(tmp_path)))


def test_a_loop_of_links_is_refused(tmp_path: Path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ModelError, match="folder"):
        parse("./a", Limits(model_folder=str(tmp_path)))


def test_look_alike_letters_show_themselves():
    with pytest.raises(ModelError, match=r"“org/n\\u0430me” is not the id of a model"):
        parse("org/nаme", Limits())  # a Cyrillic а


def test_importing_the_models_package_pulls_in_nothing_heavy():
    code = "import sys, attention.models as m, attention.config as c; m.parse('gpt2', c.Limits()); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "attention.models.pool" in loaded
    assert not {"torch", "transformers", "huggingface_hub", "streamlit", "numpy"} & set(loaded)
