"""Strangers' settings that ask for the machine: tried first in a process of its own, bounded in memory and time.

| attack                                                                       | where it is held |
|------------------------------------------------------------------------------|------------------|
| a tokenizer that makes up millions of tokens, by a name that is known or not  | here             |
| a map of signs that makes a text thousands of times as long, without tokenizer.json | here       |
| a configuration that fills the memory while it is read, by a list or a number | here             |
| tables of positions that a model makes by itself                              | here             |
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import threading
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from attention.config import MEGABYTE, Limits
from attention.errors import ModelError
from attention.models import ModelPool, bounded, checker, memory, pool, promises, rules
from attention.models.bounded import new_process  # before what tests put in its place
from attention.models.reference import ModelRef
from tests import small_models
from tests.hostile.test_texts import is_clear


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelf").resolve()
    for family in ("gpt2", "t5"):
        small_models.save(family, root / family)
    return root


@pytest.fixture
def copy(shelf: Path, tmp_path: Path) -> Any:
    """Makes a copy of a good model, for a stranger to spoil."""
    return lambda family: Path(shutil.copytree(shelf / family, tmp_path.resolve() / "models" / "mine"))


def change(folder: Path, name: str, **changes: object) -> None:
    path = folder / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **changes}))


def refusal(folder: Path) -> str:
    """Why it is not opened; and this process takes little memory over it."""
    before = memory.used()
    with pytest.raises(ModelError) as refused:
        ModelPool(Limits(model_folder=str(folder.parent))).get(f"./{folder.name}")
    assert memory.used() - before < 200 * MEGABYTE
    assert is_clear(str(refused.value)), str(refused.value)
    assert str(folder.parent) not in str(refused.value)
    return str(refused.value)


class TestConfigs:
    @pytest.mark.parametrize("value", [10**7, 10**9, [512, 10**6]])
    @pytest.mark.parametrize("name", ["num_labels", "attention_window"])
    def test_the_known_names_are_refused_before(self, copy: Any, name: str, value: object) -> None:
        folder = copy("gpt2")
        change(folder, "config.json", **{name: value})
        assert f"says {name!r} is" in refusal(folder)

    def test_a_list_that_is_told_to_repeat_itself(self, copy: Any) -> None:
        folder = copy("gpt2")
        content = {"model_type": "gpt_neo", "num_layers": 10**3, "attention_types": [[["global"], 10**8]]}
        (folder / "config.json").write_text(json.dumps(content))
        assert "asks for more than 500 MB" in refusal(folder)

    def test_tables_that_a_model_makes_by_itself(self, copy: Any) -> None:
        folder = copy("gpt2")
        content = {
            "model_type": "gptj", "architectures": ["GPTJForCausalLM"], "n_positions": 10**7, "n_embd": 8, "n_head": 1,
            "n_layer": 2, "rotary_dim": 8, "vocab_size": 300,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(content))
        assert "MB of tables" in refusal(folder)


class TestTokenizers:
    @pytest.mark.parametrize(
        ("family", "changes"),
        [
            ("t5", {"tokenizer_class": "T5Tokenizer", "extra_ids": 10**6}),
            ("t5", {"tokenizer_class": "ByT5Tokenizer", "extra_ids": 10**9}),
            ("t5", {"tokenizer_class": "PegasusTokenizer", "offset": 10**6}),
            ("t5", {"tokenizer_class": "PegasusTokenizer", "offset": 1e300}),
        ],
    )
    def test_tokens_beyond_number(self, copy: Any, family: str, changes: dict[str, object]) -> None:
        folder = copy(family)
        change(folder, "tokenizer_config.json", **changes)
        assert "asks for more than 10,000 tokens" in refusal(folder)

    def test_one_that_no_list_knows(self, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """The process has the list too, so it is taken down there by another name: many special tokens."""
        bound = bounded.BOUNDS["tokenizer"]
        monkeypatch.setitem(bounded.BOUNDS, "tokenizer", bounded.Bound(bound.what, bound.bytes, 2))
        folder = copy("t5")
        change(folder, "tokenizer_config.json", extra_special_tokens=[f"<|{number}|>" for number in range(400_000)])
        assert "asks for more than 1,500 MB of memory or 2 seconds" in refusal(folder)

    def test_a_map_of_signs_in_a_sentencepiece_file(self) -> None:
        """Without a tokenizer.json: what the library makes of other files is judged as well."""
        charsmap = struct.pack("<I", 4) + b"\0" * 4 + b"x" * 5_000 + b"\0"
        inner = b"\x12" + _varint(len(charsmap)) + charsmap

        class Spoken:
            def serialized_model_proto(self) -> bytes:
                return b"\x08\x01\x15abcd" + b"\x1a" + _varint(len(inner)) + inner

        class Slow:
            is_fast = False
            sp_model = Spoken()

        with pytest.raises(ModelError, match="can make a text very long"):
            rules.check_loaded("mine", Slow())

    def test_a_map_that_the_library_made_a_rule_of(self) -> None:
        from tokenizers import normalizers

        tokenizer = deepcopy(small_models.tokenizer("gpt2"))  # that one is everybody's
        tokenizer.backend_tokenizer.normalizer = normalizers.Replace("a", "a" * 1_000)
        with pytest.raises(ModelError, match="can make a text 256 times as long"):
            rules.check_loaded("mine", tokenizer)

    @pytest.mark.parametrize("family", small_models.FAMILIES)
    def test_those_of_the_known_families_pass(self, family: str) -> None:
        rules.check_loaded(family, small_models.tokenizer(family))


def _varint(number: int) -> bytes:
    said = b""
    while number > 127:
        said, number = said + bytes([number & 127 | 128]), number >> 7
    return said + bytes([number])


class TestTheProcess:
    def test_it_is_asked_once_for_the_same_files(self, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = copy("gpt2")
        asked: list[str] = []
        real = bounded._asked
        monkeypatch.setattr(bounded, "_asked", lambda order, kind: (asked.append(order["task"]), real(order, kind))[1])
        limits = Limits(model_folder=str(folder.parent))
        for _ in range(2):
            ModelPool(limits).get("./mine")
        assert asked == ["config", "model", "tokenizer"]
        change(folder, "tokenizer_config.json", something=1)
        ModelPool(limits).get("./mine")
        assert asked[3:] == ["model", "tokenizer"], "the config alone is what it was"

    def test_our_own_and_the_catalogues_are_not_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounded, "_asked", lambda *_: pytest.fail("it was tried"))
        monkeypatch.setattr(bounded, "prepare", lambda: pytest.fail("it was started"))
        ModelPool(Limits()).get("storyteller")
        entry = ModelRef(id="openai-community/gpt2").entry
        assert entry is not None
        assert bounded.trusted(ModelRef(id=entry.id, revision=entry.revision))
        assert not bounded.trusted(ModelRef(id=entry.id, revision="refs/pr/1"))
        assert not bounded.trusted(ModelRef(id="org/name"))

    def test_it_begins_anew_when_it_has_ended(self, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a Python of its own, as on a host: in other tests it is a copy of one that has its libraries loaded."""
        monkeypatch.setattr(bounded, "new_process", new_process)
        folder = copy("gpt2")
        bounded.prepare()
        process = bounded._starter._process
        assert process is not None
        process.kill()
        process.wait()
        bounded.check(ModelRef(id="mine", folder=folder), folder, "config", "gpt2")
        assert isinstance(bounded._starter._process, subprocess.Popen)

    def test_files_that_change_meanwhile_are_not_opened(self, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = copy("gpt2")
        monkeypatch.setattr(bounded, "_asked", lambda *_: change(folder, "config.json", a=1) or {})
        with pytest.raises(ModelError, match="changed while they were looked at"):
            bounded.check(ModelRef(id="mine", folder=folder), folder, "config", "gpt2")

    def test_what_lacked_memory_is_told_by_its_cause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(order: dict[str, Any]) -> None:
            try:
                raise MemoryError
            except MemoryError as err:
                raise ModelError("It does not describe a model.") from err

        monkeypatch.setattr(checker, "_do", fail)
        assert checker.answer({}) == {"spent": True}

    def test_one_strangers_tokenizer_holds_up_no_other_model(self, copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """While one is tried, another model is loaded from the beginning to the end."""
        folder = copy("gpt2")
        door, real = threading.Event(), pool.tokenizer_of
        inside = threading.Event()

        def slow(ref: ModelRef, *given: Any) -> Any:
            if ref.id == "mine":
                inside.set()
                assert door.wait(120)
            return real(ref, *given)

        monkeypatch.setattr(pool, "tokenizer_of", slow)
        models = ModelPool(Limits(model_folder=str(folder.parent)))
        waiting = models.ask("./mine")
        try:
            assert inside.wait(120)
            assert models.get("storyteller").model is not None
            assert not waiting.over
        finally:
            door.set()
        waiting.result()


def test_tables_of_an_honest_model_are_borne(shelf: Path) -> None:
    promises.check("gpt2", shelf / "gpt2", promises.Promise(parameters=100_000, weight_bytes=400_000))
