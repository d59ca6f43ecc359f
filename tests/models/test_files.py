"""Strangers' folders: pipes, devices, links that lead out, JSON that is none; each a sentence, and none waited for."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import ModelError
from attention.models import adapter, configuration, files, rules, store, weights
from attention.models.inspect import inspect
from attention.models.reference import ModelRef, parse

DIGITS = b"9" * 5_000
# What json.loads answers with a ValueError of its own, a UnicodeDecodeError, a RecursionError.
NO_JSON = (b"", b"{", b'{"a": ' + DIGITS + b"}", b"\xff\xfe{", b"[" * 100_000, b'{"a": -' + DIGITS + b"}")


def header_of(text: bytes, path: Path) -> Path:
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path.resolve() / "models" / "mine"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def limits(folder: Path) -> Limits:
    return Limits(model_folder=str(folder.parent))


@pytest.mark.parametrize("text", NO_JSON, ids=range(len(NO_JSON)))
class TestJson:
    """Everything that is read as JSON in a stranger's folder, with everything that is none."""

    @pytest.fixture
    def ref(self, folder: Path) -> ModelRef:
        return ModelRef(id="mine", folder=folder)

    def test_a_header(self, text: bytes, folder: Path) -> None:
        with pytest.raises(ModelError, match=r"x\.safetensors is damaged: its header"):
            weights.read_header(header_of(text, folder / "x.safetensors"))

    def test_an_index(self, text: bytes, folder: Path) -> None:
        (folder / weights.INDEX).write_bytes(text)
        with pytest.raises(ModelError, match="is damaged"):
            weights.check_index("mine", folder, ())
        assert store._shards(folder) == {""}

    def test_a_config(self, text: bytes, folder: Path, ref: ModelRef) -> None:
        (folder / "config.json").write_bytes(text)
        with pytest.raises(ModelError, match="is not valid JSON"):
            configuration.read(ref, folder)

    def test_an_adapter(self, text: bytes, folder: Path, ref: ModelRef) -> None:
        (folder / adapter.CONFIG).write_bytes(text)
        with pytest.raises(ModelError, match="cannot be read"):
            adapter.read(ref, folder)

    @pytest.mark.parametrize("name", [rules.FILE, rules.SETTINGS])
    def test_a_tokenizer(self, text: bytes, name: str, folder: Path) -> None:
        (folder / name).write_bytes(text)
        with pytest.raises(ModelError, match=f"its {name} is damaged"):
            rules.check("mine", folder)


def test_sizes_that_are_none_are_refused(folder: Path) -> None:
    """A tensor of no numbers may have an endless side, and its file is none the longer."""
    entry = {"a": {"dtype": "F32", "shape": [10**4_000, 0], "data_offsets": [0, 0]}}
    with pytest.raises(ModelError, match="do not fit together"):
        weights.read_header(header_of(json.dumps(entry).encode(), folder / "x.safetensors"))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
class TestOddFiles:
    @pytest.mark.parametrize("make", [pipe, bound, device])
    def test_none_is_read(self, make: Callable[[Path], None], folder: Path) -> None:
        make(folder / "config.json")
        with pytest.raises(OSError):
            files.read(folder / "config.json", 100)

    @pytest.mark.parametrize("make", [pipe, bound])
    @pytest.mark.parametrize("name", ["config.json", "vocab.txt", "additional_chat_templates/x.jinja"])
    def test_a_folder_with_one_is_a_sentence(
        self, make: Callable[[Path], None], name: str, folder: Path, limits: Limits
    ) -> None:
        (folder / "additional_chat_templates").mkdir()
        make(folder / name)
        with pytest.raises(ModelError, match=rf"{name} in mine is no file but a pipe"):
            inspect(parse("./mine", limits), limits)

    def test_those_that_are_read_by_name_do_not_wait(self, folder: Path) -> None:
        ref = ModelRef(id="mine", folder=folder)
        for name in ("config.json", adapter.CONFIG, weights.INDEX, rules.FILE, "x.safetensors"):
            pipe(folder / name)
        for read in (
            lambda: configuration.read(ref, folder), lambda: adapter.read(ref, folder),
            lambda: weights.check_index("mine", folder, ()), lambda: rules.check("mine", folder),
            lambda: weights.read_header(folder / "x.safetensors"),
        ):  # fmt: skip
            with pytest.raises(ModelError):
                read()
        assert store._shards(folder) == {""}


@pytest.mark.parametrize("name", ["vocab.json", "additional_chat_templates", "additional_chat_templates/a.jinja"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_leads_out_is_refused(name: str, there: bool, folder: Path, limits: Limits) -> None:
    secret = folder.parent.parent / "secret"
    if there:
        secret.mkdir()
        (secret / "a.jinja").write_text("SECRET")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(secret)
    with pytest.raises(ModelError, match=rf"{name} in mine leads outside"):
        inspect(parse("./mine", limits), limits)


def test_links_within_the_folder_of_models_and_in_a_circle_are_borne(folder: Path) -> None:
    (folder.parent / "shared.json").write_text("{}")
    (folder / "a.json").symlink_to("../shared.json")
    (folder / "b.json").symlink_to("b.json")
    assert not [*files.strays(folder, folder.parent), *files.irregular(folder)]


def test_one_folder_that_nobody_foresaw_hides_no_other(
    folder: Path, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(str(folder))

    monkeypatch.setattr(store, "inspect", fail)
    (folder / "config.json").write_text("{}")
    (found,) = store.own(limits)
    assert "cannot be read" in found.problem
    assert str(folder) not in found.problem
