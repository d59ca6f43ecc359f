"""Twins on disk, made once, and a hub on the loopback with a cache of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from attention.config import Limits
from attention.models import ModelPool, download
from attention.models.download import new_process  # before what tests put in its place
from tests import small_models
from tests.models.hub_server import Hub


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def twin_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds one twin of each family, by its name."""
    root = tmp_path_factory.mktemp("small_models").resolve()
    for family in small_models.FAMILIES:
        small_models.save(family, root / family)
    return root


@pytest.fixture
def limits(twin_root: Path) -> Limits:
    return Limits(model_folder=str(twin_root))


@pytest.fixture
def pool(limits: Limits) -> ModelPool:
    return ModelPool(limits)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin_root: Path) -> Iterator[Hub]:
    """A loopback hub that serves the GPT-2 twin as "tiny/gpt2", and the client turned to it with an empty cache."""
    served = Hub(folders={"tiny/gpt2": twin_root / "gpt2"})
    server = served.start()
    use_hub(monkeypatch, served.url, tmp_path / "cache")
    yield served
    served.door.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Switches the hub's client to its offline mode when called."""
    from huggingface_hub import constants

    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each download in a Python of its own, and not in a copy of one that has its libraries loaded."""
    monkeypatch.setattr(download, "new_process", new_process)


def use_hub(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Turn the client to another hub: it reads its environment once, at import, into these constants."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # A hub that is held by a test on a busy machine has not gone silent.
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "120")
