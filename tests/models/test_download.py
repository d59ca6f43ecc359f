"""From a hub's id to files, against a hub on the loopback; and each way in which that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelPool, ModelRef, inspect, parse
from attention.models import download as module
from attention.models.download import download
from tests.chromium import forked
from tests.models.hub_server import COMMIT, Hub

TINY = ModelRef(id="tiny/gpt2")
NOTHING_FETCHED = ["onnx", "pytorch_model.bin", "README.md", "model.fp16.safetensors", "training_args.bin"]


def fetch(ref: ModelRef = TINY, limits: Limits | None = None, **options: object) -> Path:
    return download(ref, inspect(ref, limits or Limits()), **options)


def serve_copy(hub: Hub, twin_root: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(twin_root / "gpt2", tmp_path / "served"))
    hub.folders["tiny/gpt2"] = folder
    return folder


def test_a_look_reads_headers_and_fetches_no_weights(hub: Hub):
    card = inspect(TINY, Limits())
    assert (card.revision, card.licence, card.layers, card.parameters) == (COMMIT, "mit", 2, 84354)
    assert not card.complete
    assert not list(card.folder.glob("*.safetensors"))
    assert hub.asked_for("model.safetensors") == ["GET /tiny/gpt2/resolve/" + COMMIT + "/model.safetensors"]


def test_only_what_is_needed_is_fetched(hub: Hub, twin_root: Path, tmp_path: Path):
    served = serve_copy(hub, twin_root, tmp_path)
    (served / "onnx").mkdir()
    (served / "onnx" / "model.safetensors").write_bytes(b"x")
    for name in NOTHING_FETCHED[1:]:
        (served / name).write_bytes(b"x")
    folder = fetch()
    wanted = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in folder.iterdir()} == wanted
    assert not [name for name in NOTHING_FETCHED if hub.asked_for(name)]
    assert hub.requests[-1].endswith("model.safetensors")  # the weights come last


def test_progress_is_told_in_order_and_ends_at_the_whole(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    hub.break_after = 120_000
    folder = fetch(on_progress=lambda done, total: seen.append((done, total)))
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert seen == sorted(seen)
    assert {whole for _, whole in seen} == {total}
    assert seen[-1] == (total, total)
    assert len({done for done, _ in seen}) > 3


@pytest.mark.usefixtures("own_python")
def test_nothing_is_printed(hub: Hub, capfd: pytest.CaptureFixture[str]):
    ModelPool(Limits()).get("tiny/gpt2")
    assert capfd.readouterr() == ("", "")


def test_a_second_time_fetches_nothing_and_needs_no_hub(hub: Hub, offline: Callable[[], None]):
    first = fetch()
    before = len(hub.asked_for("resolve"))
    assert fetch() == first
    assert not [asked for asked in hub.requests[before:] if "GET" in asked and "model.safetensors" in asked][1:]
    count = len(hub.requests)
    offline()
    card = inspect(TINY, Limits())
    assert card.complete
    assert (card.revision, card.parameters) == (COMMIT, 84354)
    assert download(TINY, card) == first
    assert ModelPool(Limits()).get(TINY).card.complete
    assert len(hub.requests) == count


def test_a_pinned_revision_is_the_one_that_is_fetched(hub: Hub):
    assert fetch(ModelRef(id="tiny/gpt2", revision=COMMIT)).name == COMMIT


def test_offline_and_not_here(hub: Hub, offline: Callable[[], None]):
    offline()
    with pytest.raises(ModelError, match=r"tiny/gpt2 is not on this computer, and offline mode is on; connect once"):
        fetch()
    assert hub.requests == []


def test_no_hub_at_that_address(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    with pytest.raises(ModelError, match="tiny/gpt2 is not on this computer, and the hub cannot be reached"):
        fetch()


def test_offline_with_a_part_only(hub: Hub, offline: Callable[[], None]):
    inspect(TINY, Limits())
    offline()
    with pytest.raises(ModelError, match="Only a part of tiny/gpt2 is on this computer"):
        fetch()


def test_a_failing_hub_does_not_matter_where_all_is_here(hub: Hub):
    first = fetch()
    hub.failing["tiny/gpt2"] = 500
    assert fetch() == first


@pytest.mark.parametrize(
    ("prepare", "id", "message"),
    [
        (lambda hub: None, "tiny/nothing", "There is no public model tiny/nothing on the hub; check the spelling"),
        (lambda hub: None, "tiny/gpt2@v9", "tiny/gpt2 has no revision v9; leave out the @"),
        (lambda hub: hub.gated.add("tiny/gpt2"), "tiny/gpt2", "accepted its terms; .* set HF_TOKEN"),
        (lambda hub: hub.closed.add("tiny/gpt2"), "tiny/gpt2", "accepted its terms; .* set HF_TOKEN"),
        (lambda hub: hub.failing.update({"tiny/gpt2": 401}), "tiny/gpt2", "set HF_TOKEN"),
        (lambda hub: hub.failing.update({"tiny/gpt2": 403}), "tiny/gpt2", "accepted its terms"),
        (
            lambda hub: hub.failing.update({"tiny/gpt2": 501}),
            "tiny/gpt2",
            "The hub answered with error 501 for tiny/gpt2",
        ),
    ],
)
def test_refusals_of_the_hub(hub: Hub, prepare: Callable[[Hub], None], id: str, message: str):
    prepare(hub)
    with pytest.raises(ModelError, match=message):
        fetch(parse(id, Limits()))


@pytest.mark.parametrize(
    ("removed", "added", "message"),
    [
        ("config.json", None, r"tiny/gpt2 has no config\.json"),
        ("model.safetensors", "pytorch_model.bin", r"only as pytorch_model\.bin"),
        ("model.safetensors", None, r"has no model\.safetensors"),
    ],
)
def test_a_model_that_lacks_a_file(
    hub: Hub, twin_root: Path, tmp_path: Path, removed: str, added: str | None, message: str
):
    served = serve_copy(hub, twin_root, tmp_path)
    (served / removed).unlink()
    if added:
        (served / added).write_bytes(b"x")
    with pytest.raises(ModelError, match=message):
        fetch()
    assert not [request for request in hub.requests if "GET" in request and request.endswith((".bin", ".safetensors"))]


def test_weights_that_are_none_are_refused_before_the_download(hub: Hub, twin_root: Path, tmp_path: Path):
    served = serve_copy(hub, twin_root, tmp_path)
    (served / "model.safetensors").write_bytes(b"not at all safetensors, but long enough to look")
    with pytest.raises(ModelError, match=r"model\.safetensors of tiny/gpt2 is not a safetensors file"):
        fetch()


def test_too_big_is_refused_before_any_weight(hub: Hub, twin_root: Path, tmp_path: Path):
    served = serve_copy(hub, twin_root, tmp_path)
    with (served / "model.safetensors").open("ab") as file:
        file.truncate(1_200_000)
    with pytest.raises(ModelError, match="tiny/gpt2 has 1 MB of weights and 1 MB are allowed"):
        fetch(limits=Limits(max_model_mb=1))
    assert not hub.asked_for("model.safetensors")


def test_an_interrupted_download_is_said_and_goes_on_later(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    card = inspect(TINY, Limits())
    hub.break_after = 0
    with pytest.raises(ModelError, match=r"The download of tiny/gpt2 was interrupted .*; try again"):
        download(TINY, card)
    hub.break_after = None
    assert (download(TINY, card) / "model.safetensors").stat().st_size == card.weight_bytes


def test_a_full_disk_is_said_beforehand(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(ModelError, match=r"There is no space on the disk for tiny/gpt2 of 0 MB; free some"):
        fetch()


# Two processes, one after the other; torch, which takes longest to load and knows of no hub, is loaded for both. What
# looks at a stranger's files, and asks no hub, is a copy; what fetches them is a Python of its own. To look for garbage
# would take a quarter of their time.
ONLINE_THEN_OFFLINE = """
import gc
import os
import sys
from pathlib import Path
gc.disable()
import torch
for offline in ("0", "1"):
    if os.fork() == 0:
        break
    os.wait()
else:
    raise SystemExit
os.environ["HF_HUB_OFFLINE"] = offline
from attention.config import Limits
from attention.models import ModelPool
from tests.chromium import forked
if forked.can_start({}):
    forked.Line(Path(sys.argv[1])).check_strangers()
loaded = ModelPool(Limits()).get("tiny/gpt2")
print(type(loaded.model).__name__, loaded.card.complete, flush=True)
os._exit(0)
"""


def test_the_environment_alone_turns_it_to_another_hub(hub: Hub, tmp_path: Path, forks: forked.Line):
    """As a host does it: HF_ENDPOINT and HF_HOME in the environment, then offline, each in a process of its own."""
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    environment.pop("HF_HUB_CACHE", None)
    ran = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", ONLINE_THEN_OFFLINE, forks.folder],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.splitlines() == ["GPT2LMHeadModel False", "GPT2LMHeadModel True"], ran.stderr
    assert ran.stderr.strip() == ""
