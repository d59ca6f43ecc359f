"""The load and soak tools, small: one real server, a few clients of its websocket protocol, and the rule for “flat”."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from benchmarks.load import __main__ as load
from benchmarks.soak import __main__ as soak
from benchmarks.soak.flat import flat
from benchmarks.soak.people import World
from tests.chromium.forked import Line
from tests.own_loop import in_own_loop
from tools.serving import serving


def test_five_people_open_one_link_and_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Line) -> None:
    monkeypatch.setattr(load, "THINK_SECONDS", 0.3)
    monkeypatch.setattr(load, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(load, "serving", partial(serving, spawn=forks.start))
    # A mean of three is as good as one of thirty where nobody publishes it.
    monkeypatch.setattr(load.cost, "ROUNDS", 3)
    monkeypatch.setattr(load.cost, "WARM_UP", 1)
    few = load.Size(sessions=5, acting=5, seconds=3.0, crowd=5)
    found = in_own_loop(lambda: load.measure(few, tmp_path, whole=False))
    assert found["errors"] == dict.fromkeys(found["errors"], 0)
    assert found["cost"]["opening"] > 0
    assert set(found["cost"]) == {"opening", "head switch", "new sentence"}
    assert found["one link"]["answers"] == 5
    assert found["one link"]["forwards"] == 1, "all who open one link share one run of the model"
    acting = found["acting"]
    assert acting["head switch"]["answers"] + acting["new sentence"]["answers"] > 5
    for kind in ("head switch", "new sentence"):
        assert 0 < acting[kind]["p50"] <= acting[kind]["p95"] <= acting[kind]["slowest"]
    assert found["memory"]["short text"]["sessions"] == 5


def test_growth_is_told_from_noise_and_from_a_warm_up() -> None:
    noise = [3.0, -2.0, 5.0, -4.0, 0.0, 1.0]
    level = [(5.0 * at, 600.0 + noise[at % 6]) for at in range(720)]
    warm = [(at, value - (300.0 - at / 2 if at < 600 else 0.0)) for at, value in level]
    leak = [(at, value + 40.0 * at / 3600) for at, value in level]
    jump = [(at, value + (200.0 if at == 1800 else 0.0)) for at, value in level]
    assert flat(level).ok
    assert flat(warm).ok
    assert flat(jump).ok, "one outlier is no growth"
    assert abs(flat(leak).growth - 30.0) < 1, "three quarters of what is lost in an hour"
    assert flat(leak).ok, "below a twentieth"
    assert not flat([(at, value + 80.0 * at / 3600) for at, value in level]).ok
    assert flat([(at, 900.0 - at / 10) for at, _ in level]).ok, "what shrinks is fine"
    with pytest.raises(ValueError, match="too few"):
        flat(level[:7])


@pytest.mark.parametrize(
    ("counts", "ok"),
    [
        ({"sessions": 100, "hostile": 900}, True),
        ({"sessions": 100, "hostile": 900, "unanswered": 1}, True),
        ({"sessions": 100, "hostile": 900, "unanswered": 1, "broken off": 1}, False),
        ({"unanswered": 60}, False),
    ],
)
def test_a_server_that_answers_nobody_does_not_count_as_flat(counts: dict[str, int], ok: bool) -> None:
    world = World("", 0.0, iter(()), random.Random(0), Counter(counts))
    samples = [{"at": 5.0 * at, "rss_mb": 600.0, "threads": 30.0, "files": 90.0} for at in range(60)]
    found = soak.report(world, samples, [], "", died=None, minutes=5)
    assert found["ok"] is ok
    assert all(line.startswith("flat") for line in found["verdict"][:3])
