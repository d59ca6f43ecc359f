"""Models as strangers would have them: ids that are paths, and repositories that lie, loop, point elsewhere or explode.

What is tried, and where:

| attack                                                            | where it is held                          |
|-------------------------------------------------------------------|-------------------------------------------|
| ids: paths, traversal, other schemes, bidi, look-alikes, too long | here; tests/models/test_reference.py      |
| symlinks out of the folder of models, loops of them               | here; test_reference.py, test_inspect.py  |
| no file is opened outside the allowed folders                     | here, by an audit hook and by content     |
| pickled weights, of a model or an adapter                         | here; test_inspect.py, test_adapter.py    |
| an index of shards that names files elsewhere                     | here                                      |
| settings that name files elsewhere (tokenizer, weights, base)     | here; test_adapter.py                     |
| code of its own (auto_map), compiled kernels                      | here; test_inspect.py, test_adapter.py    |
| headers that lie about sizes                                      | test_weights.py, test_pool.py             |
| configs: 10 MB, nested deep, billions of layers, heads or words   | here; test_inspect.py, test_pool.py       |
| tokenizers that grow a text, take for ever, or give up            | here                                      |
| chat templates that loop, grow or reach out                       | tests/tokens/test_chat.py                        |
| more bytes than were announced, without end                       | here; test_fetch.py                       |
| damage, breaks and silence on the way                             | test_fetch.py, test_download.py           |
| redirects: a new name, another host                               | here; test_fetch.py                       |
| sizes refused before the download; disk, memory                   | test_inspect, test_download, test_pool_waiting |
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer
from tokenizers import models as kinds
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

import attention
from attention.config import Limits
from attention.errors import InputError, ModelError
from attention.models import ModelPool, download, parse, rules
from attention.tokens import encode
from attention.ui.problems import describe_problem
from tests import small_models
from tests.hostile.test_texts import is_clear
from tests.hostile.texts import CODE, CONTROL_TOKENS, MARKUP, PATHS
from tests.models.conftest import use_hub
from tests.models.hub_server import Hub, _Handler

IDS = (
    *PATHS, *MARKUP[:8], *CODE, *CONTROL_TOKENS, "../../etc/passwd", "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc", "/etc", "/", "//", "~", "~root", "~/..", ".", "..", "./", "./.", "./..", "./good/..",
    "./good/../..", "././../../etc", ".\\..\\..", "./good\0", "./good/\n../..", "file:///etc", "FILE:/etc",
    "http://127.0.0.1/x", "hf://datasets/x", "s3://x/y", "//host/x", "\\\\host\\share\\x", "C:\\", "c:/windows",
    "Z:x", "/dev/zero", "/dev/stdin", "/proc/self/fd/0", "/proc/self/environ", "/proc/self/root/etc",
    "/proc/self/cwd", "org/name@../../x", "org/name@refs/pr/1\0", "a@b@c", "@", "@main", "org/@x", "local/../x",
    "storyteller/../..", "storyteller@main", "dates/config.json", "datasets/org/name", "spaces/org/name",
    "./link", "org\u2215name", "org/\u202egnp", "ｏｒｇ/name", "org/name\u200b", "\u0430/b", "x" * 301,
    "./" + "a/" * 140, "./" + "n" * 290,
)  # fmt: skip


SECRET = json.dumps(
    {"id": 9, "content": "SECRET", "special": True, "single_word": False, "lstrip": False, "rstrip": False,
     "normalized": False}
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """house/models holds what may be opened, "good" among it; house/secret holds what may not."""
    root = tmp_path_factory.mktemp("house").resolve()
    small_models.save("gpt2", root / "models" / "good")
    shutil.copytree(root / "models" / "good", root / "secret")
    told = (root / "secret" / "tokenizer.json").read_text().replace('"added_tokens": [', f'"added_tokens": [{SECRET},')
    assert "SECRET" in told
    for name in ("tokenizer.json", "tokenizer.5.0.json"):
        (root / "secret" / name).write_text(told)
    (root / "models" / "link").symlink_to(root / "secret", target_is_directory=True)
    return root


@pytest.fixture
def repository(house: Path, tmp_path: Path) -> Path:
    """A copy of a good model, for a stranger to spoil."""
    return Path(shutil.copytree(house / "models" / "good", tmp_path / "models" / "mine"))


def change(repository: Path, name: str, **changes: object) -> None:
    path = repository / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **changes}))


def refusal(repository: Path) -> str:
    """Why the model in this folder is not opened or run; "" where it is, and its checks hold."""
    said = ""
    try:
        limits = Limits(model_folder=str(repository.parent))
        made = attention.trace(f"./{repository.name}", "The cat sat.", limits=limits)
    except Exception as err:  # as the page does: what is not ours reads "Something went wrong …", and is not clear
        said = describe_problem(err)
    if not said:
        assert made.all_records
        assert made.head(0, 0).error.ok
        return ""
    assert is_clear(said) or "Its own message" in said, said
    assert str(repository.parent) not in said, "where it lies on this machine is nobody's business"
    return said


_opened: list[str] = []
_watching = [False]


def _note(event: str, given: tuple[Any, ...]) -> None:
    if _watching[0] and event in ("open", "os.listdir", "os.scandir") and isinstance(given[0], str | bytes | Path):
        _opened.append(str(given[0]))


@contextmanager
def watched() -> Iterator[list[str]]:
    """The paths that Python opens or lists meanwhile, as they were given."""
    if not any(_opened) and not _watching[0]:
        sys.addaudithook(_note)
    _opened.clear()
    _watching[0] = True
    try:
        yield _opened
    finally:
        _watching[0] = False


class TestIds:
    @pytest.mark.parametrize("limits", [Limits(), Limits(public=True, any_model=False, may_remove=False)])
    def test_each_is_a_sentence_where_no_folder_is_allowed(self, limits: Limits) -> None:
        with watched() as opened:
            for text in IDS:
                self._refused(text, limits)
        assert not opened

    def test_each_is_a_sentence_where_one_is_and_nothing_outside_is_read(self, house: Path) -> None:
        limits = Limits(model_folder=str(house / "models"))
        with watched() as opened:
            for text in IDS:
                self._refused(text, limits)
            ModelPool(limits).get("./good")
        inside = [path for path in opened if str(house / "models") in path]
        assert inside, "the hook hears what is opened"
        # The process that reads strangers' files has nothing to hear: it may be started here, or have been before.
        others = [path for path in opened if path != os.devnull]
        assert not [path for path in others if str(house / "secret") in path or path.startswith(("/etc", "/dev"))]

    def _refused(self, text: str, limits: Limits) -> None:
        said = ""
        try:
            ref = parse(text, limits)
        except ModelError as err:
            said = str(err)
        if said:
            assert is_clear(said), said
            return
        # What is left are plain names, which only the hub can know, and folders inside the allowed one.
        assert ref.folder is None or ref.folder.is_relative_to(limits.local_root or "/nowhere"), text
        assert ref.folder is not None or parse(str(ref), limits) == ref, text


class TestFilesThatNameOthers:
    """None of them is opened, whatever in a repository names it."""

    def _shards(self, repository: Path, elsewhere: str) -> None:
        weights = load_file(repository / "model.safetensors")
        (repository / "model.safetensors").unlink()
        name = next(name for name in weights if "wpe" in name)
        shard = "model-00001-of-00001.safetensors"
        rest = {key: one for key, one in weights.items() if key != name}
        save_file(rest, repository / shard, metadata={"format": "pt"})
        index = {"metadata": {}, "weight_map": {key: elsewhere if key == name else shard for key in weights}}
        (repository / "model.safetensors.index.json").write_text(json.dumps(index))

    def test_an_index_in_a_folder(self, repository: Path, house: Path) -> None:
        for elsewhere in (str(house / "secret" / "model.safetensors"), "../../x", "", None, ["x"], {"a": 1}):
            self._shards(repository, elsewhere)  # type: ignore[arg-type]
            assert "index" in refusal(repository)
            shutil.copy(house / "models" / "good" / "model.safetensors", repository)

    def test_an_index_on_the_hub(
        self, repository: Path, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It arrives with the weights, so it can only be judged afterwards, and is."""
        cache = tmp_path / "cache"
        secret = tmp_path / "secret.safetensors"
        shutil.copy(house / "secret" / "model.safetensors", secret)
        self._shards(repository, "../../../../secret.safetensors")
        with served({"tiny/evil": repository}, cache, monkeypatch):
            for _ in range(2):  # also when all of it is here
                with pytest.raises(ModelError, match="which its index names") as refused:
                    ModelPool(Limits()).get("tiny/evil")
                assert is_clear(str(refused.value))
        found = next(cache.rglob("model.safetensors.index.json")).parent / "../../../../secret.safetensors"
        assert found.resolve() == secret, "it would have been found"

    @pytest.mark.parametrize(
        ("file", "changes"),
        [
            ("config.json", {"transformers_weights": "../../secret/model.safetensors"}),
            ("config.json", {"transformers_weights": "pytorch_model.bin"}),
            ("adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "{secret}", "r": 1}),
            ("tokenizer_config.json", {"fast_tokenizer_files": ["{secret}/tokenizer.5.0.json"]}),
            ("tokenizer_config.json", {"fast_tokenizer_files": ["../../secret/tokenizer.5.0.json", 7]}),
        ],
    )
    def test_settings_that_are_refused(
        self, repository: Path, house: Path, file: str, changes: dict[str, object]
    ) -> None:
        secret = str(house / "secret")
        (repository / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
        change(repository, file, **json.loads(json.dumps(changes).replace("{secret}", secret)))
        with watched() as opened:
            assert refusal(repository)
        assert not [path for path in opened if secret in path or path.endswith(".bin")]

    @pytest.mark.parametrize(
        ("file", "changes"),
        [
            ("tokenizer_config.json", {"tokenizer_file": "{secret}/tokenizer.json", "name_or_path": "{secret}"}),
            ("tokenizer_config.json", {"vocab_file": "{secret}/tokenizer.json", "merges_file": "/etc/passwd"}),
            ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}),
            ("tokenizer_config.json", {"chat_template": "/etc/passwd"}),
            ("config.json", {"_name_or_path": "{secret}", "name_or_path": "{secret}"}),
            ("config.json", {"auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}}),
            ("generation_config.json", {"custom_generate": "{secret}"}),
        ],
    )
    def test_settings_that_are_not_heard(
        self, repository: Path, house: Path, file: str, changes: dict[str, object]
    ) -> None:
        secret = str(house / "secret")
        change(repository, file, **json.loads(json.dumps(changes).replace("{secret}", secret)))
        (repository / "evil.py").write_text("raise SystemExit('it ran')")
        with watched() as opened:
            assert refusal(repository) == ""
        assert not [path for path in opened if secret in path or "passwd" in path or "evil" in path]
        # Libraries in Rust open files unheard: the vocabulary tells.
        tokenizer = ModelPool(Limits(model_folder=str(repository.parent))).get("./mine").tokenizer
        assert "SECRET" not in tokenizer.get_vocab()

    def test_pickles_beside_good_weights_are_not_opened(self, repository: Path) -> None:
        for name in ("pytorch_model.bin", "model.pt", "training_args.bin", "vocab.pkl", "tokenizer.pkl"):
            (repository / name).write_bytes(b"\x80\x04cos\nsystem\n(S'false'\ntR.")
        with watched() as opened:
            assert refusal(repository) == ""
        assert not [path for path in opened if path.endswith((".bin", ".pt", ".pkl"))]

    def test_only_pickles_are_refused(self, repository: Path) -> None:
        (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
        assert "can run code when opened" in refusal(repository)


class TestConfigs:
    @pytest.mark.parametrize("name", ["n_layer", "n_head", "n_embd", "vocab_size", "n_positions", "n_inner", "n_ctx"])
    @pytest.mark.parametrize("value", [10**9, 10**30, -1, 0, 1e308, "1", None, [], {}, True])
    def test_sizes_that_no_model_has(self, repository: Path, name: str, value: object) -> None:
        change(repository, "config.json", **{name: value})
        said = refusal(repository)
        assert said or value in (None, True, -1, 0) or name in ("n_inner", "n_ctx")

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"\0", b"null", b"[]", b'"x"', b"{", b"\xff\xfe{\x00}\x00", b'{"model_type": 1}',
            b'{"model_type": "x"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 100_000 + b"}",
            b" " * 10_000_001, b'{"model_type": "gpt2",', b'{"model_type": "gpt2", "a": "' + b"x" * 10_000_000 + b'"}',
            b'{"model_type": "../../etc/passwd"}',
            b'{"model_type": "\\ud800\\u202e<b>"}', b'{"model_type": "gpt2", "architectures": ["\\u202eevil"]}',
            b'{"model_type": "gpt2", "quantization_config": {"quant_method": "\\u202e"}}',
        ],
    )  # fmt: skip
    def test_what_is_no_config(self, repository: Path, content: bytes) -> None:
        (repository / "config.json").write_bytes(content)
        assert refusal(repository) or b"architectures" in content

    def test_code_of_its_own_is_not_run(self, repository: Path) -> None:
        (repository / "evil.py").write_text("raise SystemExit('it ran')")
        named = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
        change(repository, "config.json", model_type="evil", auto_map=named)
        assert "never run here" in refusal(repository)


class TestTokenizers:
    @pytest.mark.parametrize(
        "part",
        [
            {"normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000}},
            {"normalizer": {"type": "Replace", "pattern": {"Regex": ""}, "content": "a" * 300}},
            {"normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 40}},
            {"normalizer": {"type": "Prepend", "prepend": "a" * 1_000}},
            {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAA" + "YWFh" * 200}},
            {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}] * 40}},
            *({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": one}, "behavior": "Isolated", "invert": False}}
              for one in ("(a+)+$", "(?:a|aa)*b", "a" * 20_000)),
            {"decoder": {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000}},
            {"post_processor": {
                "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}] * 200, "pair": [],
                "special_tokens": {"x": {"id": "x", "ids": [0] * 1_000, "tokens": ["x"] * 1_000}}}},
            {"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "a", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 10**9}},
            {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "continuing_subword_prefix": "#" * 1_000}},
            {"normalizer": [1, 2]}, {"normalizer": {"type": "Replace", "pattern": 3, "content": 5}}, {"model": []},
        ],
        ids=lambda part: str(part)[:60],
    )  # fmt: skip
    def test_bombs_are_refused_before_they_are_built(self, repository: Path, part: dict[str, object]) -> None:
        change(repository, "tokenizer.json", **part)
        assert refusal(repository).startswith(("The tokenizer.json of mine", "The tokenizer of mine cannot be loaded"))

    @pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"[" * 100_000, b"\xff", b'{"model": [1]}'])
    def test_what_is_no_tokenizer(self, repository: Path, content: bytes) -> None:
        (repository / "tokenizer.json").write_bytes(content)
        assert refusal(repository)

    @pytest.mark.parametrize("family", small_models.FAMILIES)
    def test_those_of_the_known_families_pass(self, family: str, tmp_path: Path) -> None:
        small_models.tokenizer(family).save_pretrained(tmp_path)
        rules.check(family, tmp_path)

    @pytest.mark.parametrize(
        "pattern",
        [
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))", r"[\r\n]+|\s*[\r\n]+", r"\(\w+\)*", r"[(a+)+]*", r"(\d{3})+",
        ],
    )  # fmt: skip
    def test_patterns_of_known_tokenizers_repeat_no_repetition(self, pattern: str) -> None:
        assert not rules.repeats_repeats(pattern)

    @pytest.mark.parametrize("pattern", [r"(a+)+", r"(?:a*)*", r"(a|b)*", r"((a+)b){2,}", r"(?:[(a]+)+", r"(a{2,}){9}"])
    def test_these_do(self, pattern: str) -> None:
        assert rules.repeats_repeats(pattern)

    def test_one_that_gives_up_is_a_sentence(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A library in Rust raises what is no Exception when it gives up."""
        inner = Tokenizer(kinds.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
        inner.pre_tokenizer = Split(Regex("(a|aa)+$"), "isolated")
        with pytest.raises(InputError, match="cannot read the text") as refused:
            encode(PreTrainedTokenizerFast(tokenizer_object=inner), "a" * 200 + "b")
        assert is_clear(str(refused.value))
        assert "panicked" in capfd.readouterr().err

    def test_one_without_a_piece_for_what_it_does_not_know(self) -> None:
        inner = Tokenizer(kinds.WordPiece({"a": 0}, unk_token="[UNK]"))
        with pytest.raises(InputError, match="cannot read the text") as refused:
            encode(PreTrainedTokenizerFast(tokenizer_object=inner), "b")
        assert is_clear(str(refused.value))


class TestOnTheWay:
    def test_a_file_that_never_ends_is_broken_off(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(download, "PAUSE_SECONDS", 0.01)
        size = (repository / "model.safetensors").stat().st_size
        sent: list[int] = []

        class Endless(_Handler):
            def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
                if not (body and self.path.endswith(".safetensors") and status == 200):
                    return super()._send(status, content, headers, body)
                self.close_connection = True
                self.send_response(200)
                self.send_header("ETag", headers["ETag"])
                self.end_headers()
                count = 0
                try:
                    while count < 100 * size:
                        count += self.wfile.write(content)
                except OSError:
                    pass  # who asked has had enough
                sent.append(count)

        cache = tmp_path / "cache"
        with served({"tiny/endless": repository}, cache, monkeypatch, Endless):
            with pytest.raises(ModelError, match="interrupted") as refused:
                ModelPool(Limits()).get("tiny/endless")
            assert is_clear(str(refused.value))
        assert len(sent) == download.TRIES + 1
        assert max(sent) < 100 * size
        assert sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) < 3 * size

    def test_a_token_stays_with_its_hub(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files may lie with another host; the hub's token is not for it."""
        seen: list[str | None] = []

        class Elsewhere(_Handler):
            def _answer(self, body: bool) -> None:
                if self.path.endswith(".safetensors"):
                    seen.append(self.headers.get("Authorization"))
                super()._answer(body)

        other = Hub(folders={"tiny/moved": repository})
        there = start(other, Elsewhere)

        class Moves(_Handler):
            def _file(self, path: Path, body: bool) -> None:
                if path.suffix == ".safetensors" and body:
                    return self._send(302, b"", {"Location": f"{other.url}{self.path}"}, body)
                super()._file(path, body)

        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        try:
            with served({"tiny/moved": repository}, tmp_path / "cache", monkeypatch, Moves):
                ModelPool(Limits()).get("tiny/moved")
        finally:
            there.shutdown()
            there.server_close()
        assert seen
        assert set(seen) == {None}


def start(hub: Hub, handler: type[_Handler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@contextmanager
def served(
    folders: dict[str, Path], cache: Path, monkeypatch: pytest.MonkeyPatch, handler: type[_Handler] = _Handler
) -> Iterator[Hub]:
    """A hub on the loopback with these models, and the client turned to it with an empty cache."""
    hub = Hub(folders=folders)
    server = start(hub, handler)
    use_hub(monkeypatch, hub.url, cache)
    try:
        yield hub
    finally:
        hub.door.set()
        server.shutdown()
        server.server_close()
