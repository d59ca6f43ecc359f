"""Waiting for a model: what is coming, one download for all, and what cancelling means for those who wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelCard, ModelPool, ModelRef, memory
from attention.models import pool as module
from attention.models.pool import Wait
from tests import small_models
from tests.models.hub_server import Hub

TINY = "tiny/gpt2"
HELD = 150_000  # more than a look at the header, less than the weights
CANCELLED = "^The download of tiny/gpt2 was cancelled; try again, it goes on from where it stopped"
LEFT = "^You have left the download of tiny/gpt2, which goes on for somebody else; try again to join it"


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)


@pytest.fixture
def pool() -> ModelPool:
    return ModelPool(Limits())


def begin(hub: Hub, pool: ModelPool) -> Wait:
    """A wait whose download has received a part of the weights, and gets no more until the door is opened."""
    hub.hold_after = HELD
    wait = pool.ask(TINY)
    until(lambda: wait.done >= HELD)
    return wait


def under_way(pool: ModelPool) -> list[ModelRef]:
    """The models whose loads have not ended."""
    return [ref for ref, load in pool._loads.items() if not load.ready]


def let_through(hub: Hub) -> None:
    hub.hold_after = None
    hub.door.set()


def test_what_is_coming_is_told_before_any_weights(hub: Hub, pool: ModelPool):
    seen: list[tuple[ModelCard, int]] = []
    pool.get(TINY, on_card=lambda card: seen.append((card, len(hub.weights_sent()))))
    ((card, sent),) = seen
    assert sent == 0
    assert len(hub.weights_sent()) == 1
    assert card.summary == "tiny/gpt2: GPT2LMHeadModel, 2 layers × 3 heads, less than 1 MB as float32"


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        (
            {"id": "openai-community/gpt2", "weight_bytes": 548_105_171, "dtype": "F16"},
            "GPT-2: GPT2LMHeadModel, 2 layers × 3 heads, 548 MB as float16",
        ),
        ({"layers": 1, "heads": 1}, "x/y: GPT2LMHeadModel, 1 layer × 1 head, less than 1 MB as float32"),
        ({"layers": 6, "decoder_layers": 4}, "x/y: GPT2LMHeadModel, 6 + 4 layers × 3 heads, less than 1 MB as float32"),
        ({"layers": None, "dtype": ""}, "x/y: GPT2LMHeadModel, less than 1 MB"),
    ],
)
def test_the_line_that_says_what_is_coming(changes: dict[str, object], summary: str, hub: Hub):
    from dataclasses import replace

    card = module.inspect(ModelRef(id=TINY), Limits())
    assert replace(card, **{"id": "x/y", **changes}).summary == summary  # type: ignore[arg-type]


def test_how_far_it_is(hub: Hub, pool: ModelPool):
    wait = begin(hub, pool)
    card = wait.card
    assert card is not None
    assert HELD <= wait.done < wait.total == sum(size for _, size in card.files)
    assert under_way(pool) == [ModelRef(id=TINY)]
    assert pool.loaded() == ()
    let_through(hub)
    assert wait.result().card is card
    assert under_way(pool) == []
    assert wait.done == wait.total


def test_who_joins_is_told_the_same_and_gets_the_same(hub: Hub, pool: ModelPool):
    first = begin(hub, pool)
    cards: list[ModelCard] = []
    told: list[tuple[int, int]] = []
    second = pool.ask(TINY, lambda *bytes: told.append(bytes), cards.append)
    assert cards == [first.card]
    let_through(hub)
    assert second.result() is first.result()
    assert told[-1] == (first.total, first.total)
    assert len(hub.weights_sent()) == 1


def test_one_of_two_cancels_and_only_leaves(hub: Hub, pool: ModelPool):
    first, second = begin(hub, pool), pool.ask(TINY)
    assert not first.cancel()
    with pytest.raises(ModelError, match=LEFT):
        first.result()
    assert under_way(pool) != []
    assert not first.cancel(), "once is enough"
    let_through(hub)
    assert second.result().card.id == TINY
    assert len(hub.weights_sent()) == 1


def test_the_last_one_who_cancels_ends_it_and_the_next_goes_on_from_there(hub: Hub, pool: ModelPool):
    first, second = begin(hub, pool), pool.ask(TINY)
    first.cancel()
    assert second.cancel()
    with pytest.raises(ModelError, match=CANCELLED):
        second.result()
    assert under_way(pool) == []
    hub.hold_after = None
    assert pool.get(TINY).card.id == TINY
    assert [asked for asked, _ in hub.weights_sent()] == [f"bytes={HELD}-"]


def test_a_cancelled_load_that_ends_late_harms_nobody(hub: Hub, pool: ModelPool):
    """The next one begins while the first is still ending."""
    begin(hub, pool).cancel()
    hub.hold_after = None
    next_one = pool.ask(TINY)
    assert next_one.result().card.id == TINY
    assert pool.loaded() == (ModelRef(id=TINY),)
    assert pool.get(TINY) is next_one.result()


def test_what_is_loaded_is_not_cancelled(hub: Hub, pool: ModelPool):
    wait = pool.ask(TINY)
    model = wait.result()
    assert not wait.cancel()
    assert pool.get(TINY) is model


def test_nobody_waits_for_what_is_being_built_and_it_is_kept(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    """from_pretrained cannot be ended half-way, and what it made is worth keeping."""
    pool = ModelPool(Limits(model_folder=str(twin_root)))
    waits: list[Wait] = []
    left: list[bool] = []
    build = module.build

    def leave_and_build(*given: object) -> object:
        until(lambda: waits)
        left.append(waits[0].cancel())
        return build(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "build", leave_and_build)
    waits.append(pool.ask("./gpt2"))
    with pytest.raises(ModelError, match="The download of gpt2 was cancelled; try again"):
        waits[0].result()
    assert left == [False]
    until(lambda: pool.loaded() != ())


# Memory


def test_what_does_not_fit_into_the_memory_is_refused_before_any_weights(
    hub: Hub, pool: ModelPool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "available", lambda: 84_354 * 4 - 1)
    with pytest.raises(ModelError, match=r"^There is not enough memory for tiny/gpt2: it needs 0 MB as float32, and 0"):
        pool.get(TINY)
    assert hub.weights_sent() == []
    monkeypatch.setattr(memory, "available", lambda: 84_354 * 4)
    assert pool.get(TINY).card.parameters == 84_354


@pytest.mark.parametrize(("dtype", "bytes"), [(torch.float16, 4), (torch.bfloat16, 2), (torch.float32, 4)])
def test_the_type_in_memory_counts_and_not_the_one_on_the_disk(dtype: torch.dtype, bytes: int, tmp_path: Path):
    folder = small_models.save("gpt2", tmp_path / "mine", dtype).resolve()
    limits = Limits(model_folder=str(tmp_path))
    card = module.inspect(module.parse("./mine", limits), limits)
    loaded = ModelPool(limits).get("./mine")
    held = sum(weight.numel() * weight.element_size() for weight in loaded.model.parameters())
    assert memory.needed(card) == held == card.parameters * bytes
    assert folder.exists()


def test_models_that_make_room_count_as_free(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    pool = ModelPool(Limits(model_folder=str(twin_root), models_in_memory=1))
    first = pool.get("./llama")
    needed = memory.needed(module.inspect(module.parse("./gpt2", pool.limits), pool.limits))
    given_back = memory.needed(first.card)
    monkeypatch.setattr(memory, "available", lambda: needed - given_back)
    assert pool.get("./gpt2").card.id == "gpt2"
    needed, given_back = memory.needed(first.card), needed
    monkeypatch.setattr(memory, "available", lambda: needed - given_back - 1)
    with pytest.raises(ModelError, match="There is not enough memory for llama"):
        pool.get("./llama")


MEMINFO = "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stands in for /proc and /sys/fs/cgroup."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")

    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path.joinpath(*name.split("__"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_the_machines_memory(machine: Callable[..., None]):
    machine(proc__meminfo=MEMINFO)
    assert memory.available() == 8_000_000 * 1024


def test_a_containers_memory(machine: Callable[..., None], tmp_path: Path):
    machine(proc__meminfo=MEMINFO, proc__self__cgroup="0::/app/one\n")
    machine(**{"groups__app__one__memory.max": "max\n", "groups__app__one__memory.current": "5\n"})
    assert memory.available() == 8_000_000 * 1024, "this group has no limit"
    machine(**{
        "groups__app__memory.max": "3000000\n", "groups__app__memory.current": "1000000\n",
        "groups__app__memory.stat": "anon 7\ninactive_file 400000\n",
    })  # fmt: skip
    assert memory.available() == 2_400_000, "the one around it has, and files in the memory are given up"
    machine(**{"groups__memory.max": "100\n", "groups__memory.current": "900\n"})
    assert memory.available() == 0


def test_an_older_containers_memory(machine: Callable[..., None]):
    machine(proc__meminfo=MEMINFO, proc__self__cgroup="7:cpu,memory:/elsewhere\n3:cpuset:/x\n")
    machine(**{
        "groups__memory__memory.limit_in_bytes": f"{2**63 - 4096}\n",
        "groups__memory__memory.usage_in_bytes": "1000\n",
    })  # fmt: skip
    assert memory.available() == 8_000_000 * 1024, "a limit that is none"
    machine(**{"groups__memory__memory.limit_in_bytes": "5000\n"})
    assert memory.available() == 4000


def test_this_machine_says_something():
    free = memory.available()
    assert free is None or 10_000_000 < free < memory.UNBOUNDED
