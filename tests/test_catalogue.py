"""The catalogue: what it offers, and what its files may not be."""

import datetime
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from attention import catalogue
from attention.bundled import notes
from attention.catalogue import (
    BUNDLED,
    DEFAULT_MODEL,
    FAMILIES,
    ModelEntry,
    Sample,
    all_samples,
    default_model,
    doubt,
    find,
    is_offered,
    models,
    offer_in_words,
    offered,
    read,
    samples,
)
from attention.config import Limits
from attention.errors import InputError
from tools.train.spellings import FIRST, LAST, spelled

GOOD = 'id = "a/b"\ntitle = "A"\nfamily = "encoder"\nlicence = "MIT"\nabout = "One."\n'


def test_the_default_comes_first_and_is_in_the_box():
    assert models()[0].id == DEFAULT_MODEL == "storyteller"
    assert (models()[0].path / "model.safetensors").is_file()


def test_our_own_untrained_attention_says_so():
    assert find("local").title == "Local MHSA"
    assert "random" in find("local").about


def test_what_is_bundled_is_offered_and_nothing_else_has_a_folder():
    folders = {path.name for path in BUNDLED.iterdir() if (path / "config.json").is_file()}
    assert {entry.folder for entry in models() if entry.folder} == folders
    assert find("gpt2") is None
    assert find("openai-community/gpt2").path is None


def test_the_named_models_are_offered_in_all_families():
    wanted = {
        "encoder": {
            "local",
            "google-bert/bert-base-uncased",
            "distilbert/distilbert-base-uncased",
            "FacebookAI/roberta-base",
            "sentence-transformers/all-MiniLM-L6-v2",
        },
        "decoder": {
            "openai-community/gpt2",
            "distilbert/distilgpt2",
            "EleutherAI/pythia-70m",
            "HuggingFaceTB/SmolLM2-135M",
            "Qwen/Qwen3-0.6B",
        },
        "encoder-decoder": {"google-t5/t5-small", "Helsinki-NLP/opus-mt-en-fr"},
    }
    for family in FAMILIES:
        assert wanted[family] <= {entry.id for entry in models() if entry.family == family}


def test_find_by_id():
    assert find("openai-community/gpt2").title == "GPT-2"
    assert find("nobody/nothing") is None


def test_samples_are_short_enough_for_a_chip_and_unique():
    assert {"coreference", "repetition", "brackets", "two-meanings", "french"} <= {each.name for each in samples()}
    assert samples()[0].text == "The cat sat on the mat because it was tired."
    for sample in samples():
        assert len(sample.label) <= 20, sample.label
        assert "\n" not in sample.about
        assert len(sample.text) < 200


def test_a_model_with_samples_of_its_own_is_offered_those_alone():
    assert {sample.model for sample in samples("dates")} == {"dates"}
    assert {sample.model for sample in samples("storyteller")} == {""}
    assert samples("org/name") == samples() == samples("local")
    assert {sample.model for sample in all_samples()} == {"", "cloze", "dates"}


def test_about_is_one_line():
    assert all("\n" not in entry.about for entry in models())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[model]]\n" + GOOD.replace("encoder", "sorcerer"), "model 1: family is 'sorcerer'; it must be one of"),
        ("[[model]]\n" + GOOD + 'size = "5 MB"\n', "model 1 has unknown keys; allowed are id, title"),
        ("[[model]]\n" + GOOD.replace('title = "A"\n', ""), "model 1 lacks title"),
        ("[[model]]\n" + GOOD.replace('"One."', '" "'), "about must be text that is not empty"),
        ("[[model]]\n" + GOOD.replace('"MIT"', "3"), "licence must be text"),
        ("[[model]]\n" + GOOD + 'revision = "main"\n', "revision is 'main'; it must be a commit hash"),
        ("[[model]]\n" + GOOD + "[[model]]\n" + GOOD, "gives the id a/b more than once"),
        ("[[model]]\n" + GOOD + 'folder = "../models"\n', "folder is '../models'; it must be one below models/"),
        ("[[sample]]\n" + GOOD, r"may hold only \[\[model\]\]"),
        ("model = 3", r"may hold only \[\[model\]\]"),
        ("model = [3]", "model 1 is not a table"),
        ("", r"has no \[\[model\]\]"),
        ("[[model", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str):
    path = tmp_path / "models.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read(path, "model", ModelEntry, key="id")
    assert "models.toml" in str(error.value)


def test_a_right_file_is_read(tmp_path: Path):
    path = tmp_path / "models.toml"
    path.write_text("[[model]]\n" + GOOD + f'revision = "{"a1" * 20}"\n', encoding="utf-8")
    assert read(path, "model", ModelEntry, key="id")[0].revision == "a1" * 20


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"gone\.toml is missing"):
        read(tmp_path / "gone.toml", "sample", Sample, key="name")


def test_a_name_that_is_no_slug_is_refused():
    with pytest.raises(InputError, match="joined by hyphens"):
        Sample(name="Two Words", label="x", text="x", about="x")


@pytest.mark.parametrize("words", ["cat", "cat dog", "cat mat it", "ca mat"])
def test_two_words_of_the_text_are_related_or_none(words: str):
    Sample(name="a", label="A", text="The cat sat on the mat.", about="One.", related="cat mat")
    with pytest.raises(InputError, match="two words of the text"):
        Sample(name="a", label="A", text="The cat sat on the mat.", about="One.", related=words)


def test_the_catalogue_must_begin_with_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "models.toml").write_text("[[model]]\n" + GOOD, encoding="utf-8")
    monkeypatch.setattr(catalogue, "ASSETS", tmp_path)
    with pytest.raises(InputError, match="must begin with 'storyteller'"):
        models.__wrapped__()


def test_importing_it_pulls_in_nothing_heavy():
    code = "import sys, attention.catalogue as c; c.models(), c.samples(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tomllib" in loaded
    assert not {"torch", "transformers", "streamlit", "numpy"} & set(loaded)


def test_an_installation_offers_what_its_host_lists_in_the_catalogues_order():
    few = Limits(models="dates,openai-community/gpt2,cloze", any_model=False)
    assert [entry.id for entry in offered(few)] == ["cloze", "dates", "openai-community/gpt2"]
    assert default_model(few) == "cloze"
    assert default_model(Limits(models="dates,storyteller", any_model=False)) == DEFAULT_MODEL
    assert offered(Limits()) == models()
    assert default_model(Limits()) == DEFAULT_MODEL


def test_what_may_be_asked_for():
    few, closed = Limits(models="dates", any_model=False), Limits(any_model=False)
    asked = ("dates", "cloze", "org/name")
    assert [is_offered(model, few) for model in asked] == [True, False, False]
    assert [is_offered(model, closed) for model in asked] == [True, True, False]
    assert [is_offered(model, Limits()) for model in asked] == [True, True, True]


def test_the_offer_in_words_is_short():
    assert offer_in_words(Limits(models="dates,cloze", any_model=False)) == "cloze, dates"
    words = offer_in_words(Limits(any_model=False))
    assert words.startswith("storyteller, cloze, dates, local, ")
    assert words.endswith(f" and {len(models()) - 8} more")


def test_an_unknown_id_in_the_list_is_named():
    with pytest.raises(InputError, match="names 'org/nam', which is not in the catalogue; it has storyteller, cloze"):
        offered(Limits(models="cloze,org/nam"))


DATES = [FIRST + datetime.timedelta(days=n) for n in range(0, (LAST - FIRST).days + 1, 97)]


def test_the_date_translator_doubts_no_date_that_it_was_trained_on():
    assert len(DATES) > 500
    for day in [*DATES, LAST]:
        for text in spelled(day):
            assert not any(doubt("dates", each) for each in (text, text.lower(), text.upper(), f" {text}\n")), text


def test_the_date_translator_doubts_none_of_its_own_texts():
    own = [sample.text for sample in all_samples() if sample.model == "dates"]
    own += [shine.text for shine in notes("dates").shines]
    assert len(own) > 5
    assert not any(doubt("dates", text) for text in own)


@pytest.mark.parametrize(
    "text",
    ["The cat sat on the mat.", "May 3", "3 May 1898", "3 May 2051", "32 May 1998", "1998-13-03", "3/5/1998", "1998",
     "3 May 1998 and more", "the 3rd of May, 1998" * 900],
)  # fmt: skip
def test_the_date_translator_doubts_what_is_no_date_of_its_own(text: str):
    assert "not a date in a form that the date translator was trained on" in doubt("dates", text)


def test_nothing_is_doubted_of_models_that_read_any_text():
    assert [entry.id for entry in models() if doubt(entry.id, "The cat sat.")] == ["dates"]
    assert doubt("no/such-model", "The cat sat.") == ""
    assert doubt("dates", " ") == "", "there is nothing yet to doubt"


def test_a_pattern_and_what_it_is_for_go_together():
    entry = next(entry for entry in models() if entry.id == "dates")
    for lacking in ("knows", "doubt"):
        with pytest.raises(InputError, match="knows and doubt go together"):
            replace(entry, **{lacking: None})
