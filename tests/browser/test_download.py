"""A download in Chromium, from a hub on the loopback: what is coming, a way out, and on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import twins
from tests.models.hub_server import Hub

HELD = 150_000  # more than a look at the header, less than the weights
WAIT = 60_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that gives a part of the weights, and no more until its door is opened."""
    served = Hub(folders={"tiny/gpt2": twins.save("gpt2", tmp_path / "gpt2")}, hold_after=HELD)
    server = served.start()
    yield served
    served.door.set()
    server.shutdown()
    server.server_close()


def test_a_download_can_be_cancelled_and_goes_on_where_it_stopped(
    serve: Callable[..., str], hub: Hub, tmp_path: Path, page: Page, shot: Callable[[Page, str], Path]
) -> None:
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    url = serve("app.py", **environment, HF_HUB_DOWNLOAD_TIMEOUT="300")
    page.goto(f"{url}/?model=tiny/gpt2&text=The cat sat")
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible(timeout=WAIT)
    # Its configuration is read in a process of its own first, which begins with the first stranger's model.
    coming = page.get_by_text("tiny/gpt2: GPT2LMHeadModel, 2 layers × 3 heads, less than 1 MB")
    expect(coming).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Downloading tiny/gpt2: 0.2 of 0.3 MB")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "45")
    shot(page, "download")
    cancel.click()
    expect(page.get_by_text("The download of tiny/gpt2 was cancelled; try again")).to_be_visible(timeout=WAIT)
    expect(cancel).to_have_count(0)
    shot(page, "download-cancelled")
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
    serve: Callable[..., str], hub: Hub, tmp_path: Path, open_page: Callable[..., Page]
) -> None:
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    url = serve("app.py", **environment, HF_HUB_DOWNLOAD_TIMEOUT="300")
    first, second = (open_page(f"{url}/?model=tiny/gpt2&text=The cat sat") for _ in range(2))
    for page in (first, second):
        expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=WAIT)
    second.get_by_role("button", name="Cancel").click()
    expect(second.get_by_text("You have left the download of tiny/gpt2")).to_be_visible(timeout=WAIT)
    hub.hold_after = None
    hub.door.set()
    expect(first.locator(".hl-foot")).to_contain_text("equal", timeout=WAIT)
    assert len(hub.weights_sent()) == 1
