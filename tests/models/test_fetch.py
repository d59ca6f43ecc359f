"""A download is a process of its own: it ends when it is cancelled or its parent dies, and goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelPool, ModelRef, Wait, inspect
from attention.models import download as module
from attention.models.download import Stop, download
from tests import small_models
from tests.models.hub_server import Hub

TINY = ModelRef(id="tiny/gpt2")
HELD = 150_000  # more than a look at the header, less than the weights


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def started(own_python: None, monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that downloads have started, each a Python of its own."""
    found: list[subprocess.Popen[bytes]] = []
    real = module.new_process

    def new_process(*given: Any) -> subprocess.Popen[bytes]:
        found.append(real(*given))
        return found[-1]

    monkeypatch.setattr(module, "new_process", new_process)
    return found


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)


def weights_of(hub: Hub) -> bytes:
    return (hub.folders["tiny/gpt2"] / "model.safetensors").read_bytes()


def partial_of(hub: Hub, folder: Path) -> Path:
    """Where the weights are received, for a snapshot's folder."""
    return folder.parent.parent / "blobs" / f"{hashlib.sha256(weights_of(hub)).hexdigest()}.incomplete"


def half_way(hub: Hub, stop: Stop) -> tuple[Future[Path], Path]:
    """A download that has received a part of the weights, and gets no more until the door is opened."""
    card = inspect(TINY, Limits())
    hub.hold_after = HELD
    result: Future[Path] = Future()

    def run() -> None:
        try:
            result.set_result(download(TINY, card, stop=stop))
        except ModelError as err:
            result.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    partial = partial_of(hub, card.folder)
    until(lambda: partial.exists() and partial.stat().st_size == HELD)
    return result, partial


def test_a_cancelled_download_ends_its_process_and_goes_on_from_there(hub: Hub, started):
    stop = Stop()
    result, partial = half_way(hub, stop)
    assert started[0].poll() is None
    stop.ask()
    with pytest.raises(ModelError, match=r"^The download of tiny/gpt2 was cancelled; try again, it goes on from where"):
        result.result(30)
    assert started[0].poll() is not None
    assert partial.stat().st_size == HELD
    hub.hold_after = None
    folder = download(TINY, inspect(TINY, Limits()))
    assert hub.weights_sent() == [(f"bytes={HELD}-", len(weights_of(hub)) - HELD)]
    assert (folder / "model.safetensors").read_bytes() == weights_of(hub)
    assert not list(partial.parent.glob("*.incomplete"))


def test_a_download_that_was_cancelled_beforehand_starts_nothing(hub: Hub, started):
    stop = Stop()
    stop.ask()
    with pytest.raises(ModelError, match="was cancelled"):
        download(TINY, inspect(TINY, Limits()), stop=stop)
    assert started == []


def test_a_process_that_is_killed_is_said_and_the_next_one_goes_on(hub: Hub, started, logged):
    result, partial = half_way(hub, Stop())
    started[0].kill()
    with pytest.raises(ModelError, match=r"tiny/gpt2 was interrupted \(its process ended with code -9\); try again"):
        result.result(30)
    assert "the download of tiny/gpt2 ended with -9" in logged.text
    assert partial.stat().st_size == HELD
    hub.hold_after = None
    download(TINY, inspect(TINY, Limits()))
    assert [asked for asked, _ in hub.weights_sent()] == [f"bytes={HELD}-"]


PARENT = """
import pickle, subprocess, sys
class Told(subprocess.Popen):
    def __init__(self, *given, **options):
        super().__init__(*given, **options)
        print(self.pid, flush=True)
subprocess.Popen = Told
from attention.models import ModelRef
from attention.models.download import download
download(ModelRef(id="tiny/gpt2"), pickle.load(sys.stdin.buffer))
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_download_ends_with_its_parent(hub: Hub, tmp_path: Path):
    hub.hold_after = HELD
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environment, **piped)
    with parent.stdin as order:
        pickle.dump(inspect(TINY, Limits()), order)  # what looks at a model has its libraries loaded here
    child = int(parent.stdout.readline())
    assert hub.holding.wait(120)
    assert alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait(120)
    parent.stdout.close()
    until(lambda: not alive(child))


def test_it_loads_nothing_heavy():
    code = (
        "import sys; import attention.models.fetch, attention.models.download, huggingface_hub.file_download;"
        "print([name for name in ('torch', 'transformers', 'streamlit', 'numpy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=module.PACKAGE.parent)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_two_at_once_fetch_the_weights_once(hub: Hub, started):
    first, _ = half_way(hub, Stop())
    card = inspect(TINY, Limits())
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(download, TINY, card)
        until(lambda: len(started) == 2)
        hub.door.set()
        assert first.result(30) == second.result(30)
    assert len(hub.weights_sent()) == 1


def test_a_connection_that_breaks_again_and_again_gets_there(hub: Hub):
    card = inspect(TINY, Limits())
    hub.break_after = 60_000
    folder = download(TINY, card)
    assert (folder / "model.safetensors").read_bytes() == weights_of(hub)
    starts = [int(asked.removeprefix("bytes=").rstrip("-") or 0) for asked, _ in hub.weights_sent()]
    assert starts == list(range(0, len(weights_of(hub)), 60_000))


def test_a_hub_that_sends_nothing_more_is_given_up(hub: Hub):
    card = inspect(TINY, Limits())
    hub.break_after = 0
    with pytest.raises(ModelError, match=r"The download of tiny/gpt2 was interrupted \(\w+\); try again, it goes on"):
        download(TINY, card)
    empty = [path for path, _, sent in hub.bodies if sent == 0 and path.endswith("generation_config.json")]
    assert len(empty) == module.TRIES + 1


def test_a_hub_without_ranges_begins_anew(hub: Hub):
    card = inspect(TINY, Limits())
    partial = partial_of(hub, card.folder)
    partial.write_bytes(weights_of(hub)[:1000])
    hub.ranges = False
    folder = download(TINY, card)
    assert hub.weights_sent() == [("bytes=1000-", len(weights_of(hub)))]
    assert (folder / "model.safetensors").read_bytes() == weights_of(hub)


def test_what_arrived_damaged_is_removed_and_said(hub: Hub):
    card = inspect(TINY, Limits())
    partial = partial_of(hub, card.folder)
    partial.write_bytes(b"x" * 1000)
    with pytest.raises(ModelError, match=r"What arrived of model\.safetensors of tiny/gpt2 is damaged and was removed"):
        download(TINY, card)
    assert not partial.exists()
    assert (download(TINY, card) / "model.safetensors").read_bytes() == weights_of(hub)


def test_more_than_there_is_to_come_is_begun_anew(hub: Hub):
    card = inspect(TINY, Limits())
    partial_of(hub, card.folder).write_bytes(b"x" * 1_000_000)
    assert (download(TINY, card) / "model.safetensors").read_bytes() == weights_of(hub)


@pytest.mark.usefixtures("own_python")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_on_the_way(hub: Hub):
    card = inspect(TINY, Limits())
    partial_of(hub, card.folder).symlink_to("/dev/full")
    with pytest.raises(ModelError, match="There is no space on the disk for tiny/gpt2; free some, or set HF_HOME"):
        download(TINY, card)


def test_what_has_arrived_counts_for_the_room_on_the_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    card = inspect(TINY, Limits())
    usage = module.shutil.disk_usage("/")
    free = module.SPARE + 20_000
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage._replace(free=free))
    with pytest.raises(ModelError, match="There is no space on the disk for tiny/gpt2 of 0 MB"):
        download(TINY, card)
    partial_of(hub, card.folder).write_bytes(weights_of(hub)[:-1000])
    assert download(TINY, card).name == card.revision


@pytest.mark.usefixtures("own_python")
def test_a_token_reaches_the_process(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    hub.tokens["tiny/gpt2"] = "hf_secret"
    with pytest.raises(ModelError, match=r"There is no public model tiny/gpt2 on the hub; .* set HF_TOKEN"):
        inspect(TINY, Limits())
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert (download(TINY, inspect(TINY, Limits())) / "model.safetensors").exists()


def test_shards_are_fetched_and_loaded(hub: Hub, tmp_path: Path):
    folder = small_models.save("gpt2", tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    small_models.model("gpt2").save_pretrained(folder, max_shard_size="100KB")
    shards = sorted(path.name for path in folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    hub.folders["tiny/gpt2"] = folder
    loaded = ModelPool(Limits()).get(TINY)
    assert sorted(path.name for path in loaded.card.folder.glob("model-*")) == shards
    saved = {name: tensor for shard in shards for name, tensor in load_file(folder / shard).items()}
    state = loaded.model.state_dict()
    assert all((state[name] == tensor).all() for name, tensor in saved.items())


@pytest.mark.parametrize("moved", [301, 307])
def test_a_model_under_its_old_name(moved: int, hub: Hub, offline: Callable[[], None]):
    hub.moved = moved
    hub.renamed["old/name"] = "tiny/gpt2"
    ref = ModelRef(id="old/name")
    card = inspect(ref, Limits())
    assert card.notice == (
        "old/name is called tiny/gpt2 on the hub now: use the new name, the old one may stop working."
    )
    assert (download(ref, card) / "model.safetensors").read_bytes() == weights_of(hub)
    assert inspect(TINY, Limits()).notice == ""
    offline()
    assert ModelPool(Limits()).get(ref).card.complete


def test_a_trace_notes_the_new_name_and_its_wait_is_told(hub: Hub):
    import attention

    hub.renamed["renamed/once"] = "tiny/gpt2"
    waits: list[Wait] = []
    told: list[str] = []
    trace = attention.trace(
        "renamed/once", "The cat", on_wait=waits.append, on_progress=lambda words, share: told.append(words)
    )
    assert trace.notes[-1].startswith("renamed/once is called tiny/gpt2 on the hub now")
    ((wait, card),) = [(wait, wait.card) for wait in waits]
    assert card is not None
    assert (wait.done, wait.total) == (wait.total, sum(size for _, size in card.files))
    assert told[0] == "Loading renamed/once"
    assert "Downloading renamed/once: 0.3 of 0.3 MB" in told
    assert told[-2:] == ["Loading renamed/once", "Running renamed/once"]


@pytest.mark.usefixtures("own_python")
def test_the_clients_words_about_retries_stay_off_stderr(hub: Hub, capfd: pytest.CaptureFixture[str]):
    card = inspect(TINY, Limits())
    hub.failing["tiny/gpt2"] = 503
    with pytest.raises(ModelError, match="The hub answered with error 503 for tiny/gpt2; try again later"):
        download(TINY, card)
    with pytest.raises(ModelError, match="503"):
        inspect(ModelRef(id="tiny/gpt2", revision="v2"), Limits())
    assert capfd.readouterr() == ("", "")
