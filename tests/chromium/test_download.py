"""A download in Chromium, from a hub on the loopback: what is coming, a way out, and on from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import small_models
from tests.models.hub_server import Hub

HELD = 150_000  # more than a look at the header, less than the weights
# A stranger's configuration is read in a process of its own, which takes its time to start on a busy machine.
WAIT = 180_000


@pytest.fixture(scope="module")
def site(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, str]]:
    """A hub, and an app that fetches models there."""
    hub, folder = Hub(), tmp_path_factory.mktemp("site")
    server = hub.start()
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "0"}
    yield hub, serve("app.py", **environment, HF_HUB_DOWNLOAD_TIMEOUT="300")
    hub.door.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(site: tuple[Hub, str], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """The hub, which gives a part of the weights of this test's model, and no more until its door is opened."""
    served, _ = site
    served.folders = {model(request): small_models.save("gpt2", tmp_path / "gpt2")}
    served.hold_after, served.door = HELD, threading.Event()
    served.bodies.clear()
    yield served
    served.door.set()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return model(request)


def model(request: pytest.FixtureRequest) -> str:
    return f"tiny/gpt2-{len(request.node.name)}"


def test_a_download_can_be_cancelled_and_goes_on_where_it_stopped(
    site: tuple[Hub, str], hub: Hub, name: str, page: Page
) -> None:
    page.goto(f"{site[1]}/?model={name}&text=The cat sat")
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible(timeout=WAIT)
    coming = page.get_by_text(f"{name}: GPT2LMHeadModel, 2 layers × 3 heads, less than 1 MB")
    expect(coming).to_be_visible(timeout=WAIT)
    expect(page.get_by_text(f"Downloading {name}: 0.2 of 0.3 MB")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "45")
    cancel.click()
    expect(page.get_by_text(f"The download of {name} was cancelled; try again")).to_be_visible(timeout=WAIT)
    expect(cancel).to_have_count(0)
    requests = len(hub.requests)
    page.wait_for_timeout(1000)
    assert len(hub.requests) == requests, "it does not begin again by itself"
    page.get_by_role("button", name="Try again").click()
    expect(cancel).to_be_visible(timeout=WAIT)
    hub.hold_after = None
    hub.door.set()
    expect(page.locator(".hl-foot")).to_contain_text("equal", timeout=WAIT)
    expect(cancel).to_have_count(0)
    assert f"bytes={HELD}-" in [asked for asked, _ in hub.weights_sent()]


def test_the_second_persons_cancel_does_not_end_it_for_the_first(
    site: tuple[Hub, str], hub: Hub, name: str, open_page: Callable[..., Page]
) -> None:
    first, second = (open_page(f"{site[1]}/?model={name}&text=The cat sat") for _ in range(2))
    for page in (first, second):
        expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=WAIT)
    second.get_by_role("button", name="Cancel").click()
    expect(second.get_by_text(f"You have left the download of {name}")).to_be_visible(timeout=WAIT)
    hub.hold_after = None
    hub.door.set()
    expect(first.locator(".hl-foot")).to_contain_text("equal", timeout=WAIT)
    assert len(hub.weights_sent()) == 1
