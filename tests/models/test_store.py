"""What was downloaded is listed and can be removed, and nothing else can; the host's own models are listed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelPool, ModelRef, inspect, store
from attention.models.download import download
from attention.models.store import downloaded, own, remove
from tests import small_models
from tests.models.hub_server import COMMIT, Hub

TINY = ModelRef(id="tiny/gpt2")


@pytest.fixture
def cache(hub: Hub) -> Path:
    """The hub's cache of this test."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


@pytest.fixture
def hub_pool() -> ModelPool:
    return ModelPool(Limits())


def fetch(ref: ModelRef = TINY) -> Path:
    return download(ref, inspect(ref, Limits()))


def plant(cache: Path, name: str, *files: str, commit: str = COMMIT) -> Path:
    """A repository in the cache, with files of three bytes each."""
    snapshot = cache / name / "snapshots" / commit
    for file in files:
        (snapshot / file).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / file).write_bytes(b"{}\n")
    return cache / name


def test_nothing_is_there_at_first(hub: Hub):
    assert downloaded() == ()


def test_a_download_is_listed_with_its_size(hub: Hub, cache: Path):
    folder = fetch()
    (stored,) = downloaded()
    assert (stored.id, stored.revisions, stored.state) == ("tiny/gpt2", (COMMIT,), "whole")
    assert stored.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert stored.folder == cache / "models--tiny--gpt2"
    card = inspect(TINY, Limits())
    assert stored.card is not None
    seen, known = stored.card, card
    assert (seen.layers, seen.heads, seen.architecture) == (known.layers, known.heads, known.architecture)
    assert (stored.card.parameters, stored.card.weight_bytes) == (0, card.weight_bytes), "no weight file is opened"


def test_a_download_that_is_not_finished_is_a_part(hub: Hub, cache: Path):
    inspect(TINY, Limits())
    (stored,) = downloaded()
    assert stored.state == "part"
    config = stored.bytes
    (stored.folder / "blobs" / f"{'ab' * 32}.incomplete").write_bytes(b"x" * 5000)
    (stored,) = downloaded()
    assert (stored.state, stored.bytes) == ("part", config + 5000)


INDEX = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'


@pytest.mark.parametrize(
    ("files", "state"),
    [
        (["config.json", "model.safetensors"], "whole"),
        (["config.json"], "part"),
        (["config.json", "pytorch_model.bin"], "other"),
        (["config.json", "model.fp16.safetensors"], "other"),
        (["model.safetensors"], "other"),
        (["unet/config.json"], "other"),
        (["adapter_config.json", "adapter_model.safetensors"], "whole"),
        (["adapter_config.json"], "part"),
        (["config.json", "index", "model-00001-of-00002.safetensors"], "part"),
        (["config.json", "index", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], "whole"),
        (["config.json", "damaged", "model-00001-of-00002.safetensors"], "part"),
    ],
)
def test_what_a_folder_of_the_cache_is(hub: Hub, cache: Path, files: list[str], state: str):
    named = ["model.safetensors.index.json" if file in ("index", "damaged") else file for file in files]
    folder = plant(cache, "models--a--b", *named)
    if "index" in files:
        (folder / "snapshots" / COMMIT / "model.safetensors.index.json").write_text(INDEX)
    assert [stored.state for stored in downloaded()] == [state]


def test_what_is_removed_while_it_is_listed_is_left_out(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch):
    fetch()
    kept = plant(cache, "models--a--kept", "config.json", "model.safetensors")
    look = store._state

    def gone(snapshot: Path) -> store.State:
        if not snapshot.is_relative_to(kept):
            shutil.rmtree(snapshot)
        return look(snapshot)

    monkeypatch.setattr(store, "_state", gone)
    assert [stored.id for stored in downloaded()] == ["a/kept"]


def test_a_file_in_the_place_of_the_cache_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file"))
    assert downloaded() == ()


def test_only_models_are_listed_and_the_newest_revision_first(hub: Hub, cache: Path, tmp_path: Path):
    plant(cache, "datasets--a--words", "x.txt")
    plant(cache, "models--b", "config.json", "model.safetensors")
    old, new = "0" * 40, "1" * 40
    plant(cache, "models--A--a", "config.json", commit=old)
    plant(cache, "models--A--a", "config.json", "model.safetensors", commit=new)
    os.utime(cache / "models--A--a" / "snapshots" / old / "config.json", (1, 1))
    (cache / "models--broken").mkdir()
    elsewhere = plant(tmp_path / "elsewhere", "models--c--c", "config.json")
    (cache / "models--c--c").symlink_to(elsewhere)
    assert [(stored.id, stored.revisions, stored.state) for stored in downloaded()] == [
        ("A/a", (new, old), "whole"), ("b", (COMMIT,), "whole"),
    ]  # fmt: skip


def test_a_model_is_removed_with_all_its_revisions_and_leftovers(hub: Hub, cache: Path, hub_pool: ModelPool):
    fetch()
    plant(cache, "models--tiny--gpt2", "config.json", commit="0" * 40)
    (cache / "models--tiny--gpt2" / "blobs" / "abc.incomplete").write_bytes(b"x" * 700)
    plant(cache, "models--b", "config.json")
    (size,) = [stored.bytes for stored in downloaded() if stored.id == "tiny/gpt2"]
    assert remove("tiny/gpt2", pool=hub_pool) == size
    assert [stored.id for stored in downloaded()] == ["b"]
    left = [path.name for path in cache.rglob("*") if "tiny" in path.name or path.name.endswith(".incomplete")]
    assert left == []
    assert fetch().name == COMMIT, "it can be had again"


def test_a_copy_with_the_same_commits_stays(hub: Hub, cache: Path, hub_pool: ModelPool):
    names = [f"copy-{number}" for number in range(8)]
    for name in names:
        plant(cache, f"models--{name}", "config.json")
    while names:
        remove(names.pop(), pool=hub_pool)
        assert [stored.id for stored in downloaded()] == names


def test_removing_a_loaded_model_drops_it_from_memory(hub: Hub, hub_pool: ModelPool):
    loaded = hub_pool.get(TINY)
    remove("tiny/gpt2", pool=hub_pool)
    assert hub_pool.loaded() == ()
    assert loaded.model.config.n_layer == 2, "who looks at it keeps it"
    sent = len(hub.weights_sent())
    assert hub_pool.get(TINY) is not loaded
    assert len(hub.weights_sent()) == sent + 1


def test_what_is_being_fetched_is_not_removed(hub: Hub, hub_pool: ModelPool):
    hub.hold_after = 150_000
    wait = hub_pool.ask(TINY)
    end = time.monotonic() + 30
    while wait.done < 150_000:
        assert time.monotonic() < end
        time.sleep(0.01)
    with pytest.raises(ModelError, match=r"tiny/gpt2 is being downloaded or loaded; cancel that first, or wait"):
        remove("tiny/gpt2", pool=hub_pool)
    wait.cancel()
    with pytest.raises(ModelError, match="cancelled"):
        wait.result()


def test_nobody_begins_to_load_what_is_being_removed(hub: Hub, hub_pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    fetch()
    asked: list[str] = []

    def meanwhile(*given: object) -> int:
        with pytest.raises(ModelError, match="tiny/gpt2 is being removed from this computer; try again in a moment"):
            hub_pool.ask(TINY)
        asked.append("asked")
        return 0

    monkeypatch.setattr(store, "_delete", meanwhile)
    remove("tiny/gpt2", pool=hub_pool)
    assert asked == ["asked"]
    assert hub_pool.get(TINY).card.id == "tiny/gpt2"


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../secret", "tiny/other", "TINY/gpt2", "/", "a/words", "models--b", "c/c", "b/../b", "b\0"]
)
def test_nothing_else_can_be_removed(hub: Hub, cache: Path, hub_pool: ModelPool, tmp_path: Path, id: str):
    plant(cache, "models--b", "config.json")
    plant(cache, "datasets--a--words", "x.txt")
    plant(tmp_path, "secret", "x.txt")
    elsewhere = plant(tmp_path / "elsewhere", "models--c--c", "config.json")
    (cache / "models--c--c").symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError, match="is not among the downloaded models; choose one from the list"):
        remove(id, pool=hub_pool)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_the_disk_keeps_is_said(hub: Hub, cache: Path, hub_pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    plant(cache, "models--b", "config.json")
    monkeypatch.setattr(shutil, "rmtree", lambda *given, **options: None)
    with pytest.raises(ModelError, match=r"b could not be removed from the disk; check the permissions of .*models--b"):
        remove("b", pool=hub_pool)


def test_the_host_may_forbid_it(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    fetch()
    monkeypatch.setenv("HEADLIGHT_MAY_REMOVE", "no")
    limits = Limits.from_environment()
    with pytest.raises(ModelError, match=r"may not be removed on this installation; .* HEADLIGHT_MAY_REMOVE=1"):
        remove("tiny/gpt2", limits, ModelPool(Limits()))
    with pytest.raises(ModelError, match="may not be removed"):
        remove("tiny/gpt2", pool=ModelPool(limits))
    assert [stored.id for stored in downloaded()] == ["tiny/gpt2"]


# The host's own


def test_no_folder_has_no_models(tmp_path: Path):
    assert own(Limits()) == ()
    assert own(Limits(model_folder=str(tmp_path / "missing"))) == ()


def test_the_hosts_models_and_why_one_cannot_be_opened(tmp_path: Path, offline: Callable[[], None]):
    offline()
    root = (tmp_path / "root").resolve()
    small_models.save("gpt2", root / "team" / "mine")
    small_models.save("t5", root / "theirs")
    (root / "theirs" / "model.safetensors").rename(root / "theirs" / "pytorch_model.bin")
    small_models.save("bert", root / "too" / "deep" / "down")
    small_models.save("bert", tmp_path / "outside")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "empty").mkdir()
    (root / "file.txt").write_text("x")
    (root / "tuned").mkdir()
    (root / "tuned" / "adapter_config.json").write_text("{}")
    mine, theirs, tuned = own(Limits(model_folder=str(root)))
    assert (tuned.id, tuned.card) == ("./tuned", None)
    assert "has no adapter_model.safetensors" in tuned.problem
    assert (mine.id, mine.folder, mine.problem) == ("./team/mine", root / "team" / "mine", "")
    assert mine.card is not None
    assert (mine.card.architecture, mine.card.layers, mine.card.heads) == ("GPT2LMHeadModel", 2, 3)
    assert mine.bytes == sum(path.stat().st_size for path in mine.folder.iterdir())
    assert (theirs.id, theirs.card) == ("./theirs", None)
    assert "only as pytorch_model.bin" in theirs.problem
    assert ModelPool(Limits(model_folder=str(root))).get(mine.id).card == mine.card, "its id is what the picker takes"


def test_a_folder_that_may_not_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("mine", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    asked = Path.is_file

    def is_file(path: Path) -> bool:
        if path.parent.name == "shut":
            raise PermissionError(13, "Permission denied")
        return asked(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert [one.id for one in own(Limits(model_folder=str(tmp_path)))] == ["./mine"]


def test_no_more_than_some_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(5):
        (tmp_path / f"m{number}").mkdir()
        (tmp_path / f"m{number}" / "config.json").write_text("{}")
    assert len(own(Limits(model_folder=str(tmp_path)))) == 5
    monkeypatch.setattr(store, "MOST_MODELS", 2)
    assert [one.id for one in own(Limits(model_folder=str(tmp_path)))] == ["./m0", "./m1"]
    monkeypatch.setattr(store, "MOST_FOLDERS", 1)
    assert [one.id for one in own(Limits(model_folder=str(tmp_path)))] == ["./m0"]
