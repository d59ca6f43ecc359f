"""A host's settings: where they come from, which goes first, what they imply, and what they may not be."""

from pathlib import Path

import pytest

from attention import config
from attention.config import FILE_NAME, Limits, Setting, describe, printed, read, table, variable
from attention.errors import InputError

NO_FILE = Path("gone.toml")


def at(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "headlight.toml"
    path.write_text(text, encoding="utf-8")
    return path


def found(environ: dict[str, str], file: Path = NO_FILE) -> dict[str, Setting]:
    return {setting.name: setting for setting in read(environ, file)}


def test_nothing_set_is_all_defaults_in_the_order_of_the_table():
    assert [(one.name, one.value, one.origin) for one in read({}, NO_FILE)] == [
        (name, default, "default") for name, default, *_ in describe()
    ]
    assert Limits.from_environment({}) == Limits()


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path):
    file = at(tmp_path, 'max_tokens = 99\nqueue_length = 5\nmay_remove = false\ndevice = "cpu"\n')
    settings = found({"HEADLIGHT_MAX_TOKENS": "7"}, file)
    assert settings["max_tokens"] == Setting(name="max_tokens", value=7, origin="HEADLIGHT_MAX_TOKENS")
    assert settings["queue_length"] == Setting(name="queue_length", value=5, origin=FILE_NAME)
    assert settings["may_remove"] == Setting(name="may_remove", value=False, origin=FILE_NAME)
    assert settings["device"].value == "cpu"
    assert settings["max_model_mb"].origin == "default"


def test_models_may_be_a_list_in_the_file(tmp_path: Path):
    settings = found({}, at(tmp_path, 'models = ["cloze", "dates"]\n'))
    assert Limits(models=settings["models"].value).allowed == ("cloze", "dates")


def test_spaces_and_empty_parts_of_the_list_do_not_count():
    assert Limits(models=" cloze , dates ,").allowed == ("cloze", "dates")
    assert Limits().allowed == ()


def test_strangers_get_the_catalogue_and_may_remove_nothing_unless_it_is_said():
    strict = found({"HEADLIGHT_PUBLIC": "1"})
    assert (strict["any_model"].value, strict["any_model"].origin) == (False, "public")
    assert (strict["may_remove"].value, strict["may_remove"].origin) == (False, "public")
    assert strict["model_folder"].value == ""
    open_ids = found({"HEADLIGHT_PUBLIC": "1", "HEADLIGHT_ANY_MODEL": "1"})
    assert (open_ids["any_model"].value, open_ids["may_remove"].value) == (True, False)
    assert found({"HEADLIGHT_PUBLIC": "0"})["any_model"].value is True


def test_a_list_of_models_closes_the_door_to_all_others():
    settings = found({"HEADLIGHT_MODELS": "cloze"})
    assert (settings["any_model"].value, settings["any_model"].origin) == (False, "models")


def test_a_low_ceiling_lowers_the_largest_model_with_it():
    assert found({"HEADLIGHT_MEMORY_MB": "2000"})["max_model_mb"] == Setting(
        name="max_model_mb", value=2000, origin="memory_mb"
    )
    assert found({"HEADLIGHT_MEMORY_MB": "9000"})["max_model_mb"].value == Limits().max_model_mb
    own = found({"HEADLIGHT_MEMORY_MB": "2000", "HEADLIGHT_MAX_MODEL_MB": "500"})["max_model_mb"]
    assert (own.value, own.origin) == (500, "HEADLIGHT_MAX_MODEL_MB")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"HEADLIGHT_MODELS": "cloze", "HEADLIGHT_ANY_MODEL": "1"}, "lets every other one in; set one of the two"),
        ({"HEADLIGHT_MODELS": " , "}, "models names no model"),
        ({"HEADLIGHT_MODELS": "cloze,dates,cloze"}, "names a model twice"),
        ({"HEADLIGHT_MODEL_FOLDER": "/no/such/folder"}, r"model_folder \(HEADLIGHT_MODEL_FOLDER\) names a folder that"),
        ({"HEADLIGHT_MEMORY_MB": "400"}, "traces_mb is 500 and memory_mb 400"),
        ({"HEADLIGHT_MEMORY_MB": "900", "HEADLIGHT_MAX_MODEL_MB": "901"}, "max_model_mb is 901 and memory_mb 900"),
        ({"HEADLIGHT_PUBLIC": "maybe"}, "HEADLIGHT_PUBLIC is 'maybe'; it must be one of 1, true"),
        ({"HEADLIGHT_QUEUE_LENGTH": "0"}, "HEADLIGHT_QUEUE_LENGTH is '0'; it must be a whole number of at least 1"),
        ({"HEADLIGHT_MAX_TOKENS": "9" * 5000}, "HEADLIGHT_MAX_TOKENS is '9999"),
        ({"HEADLIGHT_MEMORY_MB": "-1"}, "at least 0"),
        ({"HEADLIGHT_DEVICE": "tpu"}, "HEADLIGHT_DEVICE is 'tpu'; it must be auto"),
    ],
)
def test_what_is_wrong_or_contradicts_itself_is_one_sentence(environ: dict[str, str], message: str):
    with pytest.raises(InputError, match=message) as error:
        read(environ, NO_FILE)
    assert len(str(error.value)) < 250
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=message):
        Limits.from_environment(environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_token = 3\n", "sets 'max_token', which is no setting; there are max_characters"),
        ("[limits]\nmax_tokens = 3\n", "sets 'limits', which is no setting"),
        ('max_tokens = "3"\n', rf"max_tokens in {FILE_NAME} is '3'; it must be a whole number"),
        ("max_tokens = true\n", "it must be a whole number"),
        ("max_tokens = 0\n", "at least 1"),
        ("public = 1\n", "it must be true or false"),
        ("device = 3\n", "it must be text between quotes"),
        ("models = [1]\n", "it must be text between quotes"),
        ("max_tokens 3\n", "cannot be read .* it holds lines such as max_tokens = 256"),
        ('models = "\\u202e"\n' + "public = 3", "it must be true or false"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message) as error:
        read({}, at(tmp_path, text))
    assert FILE_NAME in str(error.value)


def test_the_file_is_read_once(tmp_path: Path):
    file = at(tmp_path, "max_tokens = 5\n")
    assert found({}, file)["max_tokens"].value == 5
    file.write_text("max_tokens = 6\n", encoding="utf-8")
    assert found({}, file)["max_tokens"].value == 5


def test_the_same_environment_is_read_once():
    environ = {"HEADLIGHT_MAX_TOKENS": "31", "PATH": "x"}
    assert Limits.from_environment(environ) is Limits.from_environment({**environ, "PATH": "y"})
    assert Limits.from_environment({**environ, "HEADLIGHT_MAX_TOKENS": "32"}).max_tokens == 32


def test_the_table_names_each_setting_its_value_and_where_it_is_from():
    lines = table(read({"HEADLIGHT_PUBLIC": "yes", "HEADLIGHT_MODELS": "cloze"}, NO_FILE)).splitlines()
    assert lines[0].split() == ["setting", "value", "from"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert rows["public"] == ["true", "HEADLIGHT_PUBLIC"]
    assert rows["models"] == ["cloze", "HEADLIGHT_MODELS"]
    assert rows["may_remove"] == ["false", "public"]
    assert rows["model_folder"] == ["(empty)", "default"]
    assert set(rows) == {name for name, *_ in describe()}
    assert len({line.index(line.split()[1]) for line in lines}) == 1


def test_what_cannot_be_seen_is_printed_by_its_number():
    assert printed("a\x1b[31m") == r"'a\x1b[31m'"


def test_no_two_settings_share_a_variable():
    names = [variable(name) for name, *_ in describe()]
    assert len(set(names)) == len(names)
    assert all(name.startswith(config.PREFIX) for name in names)
