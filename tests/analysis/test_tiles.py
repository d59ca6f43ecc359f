"""Tiles against the whole map, pooled by plain loops; and that a whole map is never asked for."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import attention
from attention.analysis import blocks
from attention.analysis.norms import norm_weighted
from attention.analysis.tiles import Box, Tile, edges, refusal, tiles, values_tile
from attention.errors import InputError, NoSuchHeadError
from attention.record import AttentionRecord, Mask, PositionBias, Trace
from tests.oracles.tiles import tile
from tests.tiny import ids
from tests.traced import held

H, G, D, V = 4, 2, 5, 3
LONG = 4096
PLANTED = (3000, 17)


def random(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def record(n_q: int, n_k: int, seed: int = 5, **rules: Any) -> AttentionRecord:
    """Four heads in two groups."""
    fields = {"query": random(H, n_q, D, seed=seed), "key": random(G, n_k, D, seed=seed + 1)}
    return AttentionRecord(
        layer=0, kind="decoder", value=random(G, n_k, V, seed=seed + 2), scale=0.7, **(fields | rules)
    )


def by_maps(n_q: int, n_k: int, seed: int, mask: Mask, *, whole: bool) -> AttentionRecord:
    """A head without q and k, of whole numbers, so that many cells are equal."""
    scores = random(H, n_q, n_k, seed=seed).mul(2).round()
    rows = [mask.rows(0, n_q, n_k) for _ in range(H)]
    open_ = torch.ones(n_q, n_k, dtype=torch.bool) if rows[0] is None else rows[0]
    weights = scores.clamp(min=0).masked_fill(~open_, 0.0)
    given = {"maps": lambda: (scores, weights), "output": random(n_q, H, V)} if whole else {"weights": weights}
    value = random(G, n_k, V) if whole else None
    return AttentionRecord(layer=0, kind="decoder", mask=mask, value=value, **given)


def whole_map(made: AttentionRecord, head: int, stage: str) -> np.ndarray:
    """(n_q, n_k), NaN where a cell does not count."""
    steps = dict(made.stages(head).steps)
    allowed = made.allowed(head)
    shut = np.zeros((made.n_q, made.n_k), dtype=bool) if allowed is None else ~allowed.numpy()
    if stage in steps:
        full = steps[stage].float().numpy().copy()
    else:
        rows = norm_weighted(made, head).rows()
        full = (rows.shares if stage == "norms" else rows.difference).copy()
    if stage in ("weights", "norms", "difference"):
        full[shut & (steps["weights"].numpy() == 0)] = np.nan
    full[np.isneginf(full)] = np.nan
    return full


def patches(first: int, last: int, parts: int) -> list[tuple[int, int]]:
    """(start, stop) of even parts, or of single ones where there are enough parts."""
    count = min(parts, last - first)
    starts = [first + i * (last - first) // count for i in range(count + 1)]
    return list(pairwise(starts))


def extremes(full: np.ndarray, box: Box, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(values, query, key) of each patch, one cell after the other."""
    down, across = patches(box[0], box[1], rows), patches(box[2], box[3], columns)
    values = np.full((len(down), len(across)), np.nan)
    query, key = (np.zeros(values.shape, dtype=int) for _ in range(2))
    for r, (top, bottom) in enumerate(down):
        for c, (left, right) in enumerate(across):
            query[r, c], key[r, c] = top, left
            for k in range(left, right):
                for q in range(top, bottom):
                    x = full[q, k]
                    if not np.isnan(x) and (np.isnan(values[r, c]) or abs(x) > abs(values[r, c])):
                        values[r, c], query[r, c], key[r, c] = x, q, k
    return values, query, key


def compare(found: Tile, full: np.ndarray, box: Box, rows: int, columns: int, *, exactly: bool = False) -> None:
    """Values as they are; places too, where equal numbers cannot come out of a block differently in the last bit."""
    assert found.box == box
    assert found.values.shape == (min(rows, box[1] - box[0]), min(columns, box[3] - box[2]))
    assert found.pooled == (found.values.size < (box[1] - box[0]) * (box[3] - box[2]))
    assert (found.values.dtype, found.query.dtype, found.key.dtype) == (np.float32, np.int32, np.int32)
    values, query, key = extremes(full, box, rows, columns)
    np.testing.assert_allclose(np.abs(found.values), np.abs(values), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(found.values, full[found.query, found.key], rtol=2e-6, atol=1e-6)
    for places, first, last, parts in ((found.query, *box[:2], rows), (found.key.T, *box[2:], columns)):
        low, high = np.array(patches(first, last, parts)).T
        assert (places >= low[:, None]).all()
        assert (places < high[:, None]).all()
    settled = np.isnan(values) | exactly
    assert np.array_equal(found.query[settled], query[settled])
    assert np.array_equal(found.key[settled], key[settled])


RULES: dict[str, Any] = {
    "open": lambda n_q, n_k: {},
    "causal": lambda n_q, n_k: {"mask": Mask(after=0)},
    "a window": lambda n_q, n_k: {"mask": Mask(before=2, after=0)},
    "padding": lambda n_q, n_k: {"mask": Mask(keys=torch.arange(n_k) % 3 > 0)},
    "padding on the left": lambda n_q, n_k: {"mask": Mask(after=0, keys=torch.arange(n_k) > 3)},
    "an array": lambda n_q, n_k: {"mask": Mask(array=random(H, n_q, n_k) > 0)},
    "a bias": lambda n_q, n_k: {
        "mask": Mask(after=0), "position_bias": PositionBias(n_q=n_q, n_k=n_k, by_distance=random(H, n_q + n_k - 1)),
    },
    "a cap, a sink and a temperature": lambda n_q, n_k: {
        "mask": Mask(before=4, after=1), "softcap": 1.5, "sink": random(H), "temperature": 0.6,
    },
    "a sink of each query, on the output": lambda n_q, n_k: {"sink": random(H, n_q), "sink_scales": True},
}  # fmt: skip


@st.composite
def boxes(draw: st.DrawFn) -> tuple[int, int, Box | None]:
    n_q, n_k = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    if draw(st.booleans()):
        return n_q, n_k, None
    (top, bottom), (left, right) = (
        draw(st.tuples(st.integers(0, n - 1), st.integers(1, n)).map(lambda s, n=n: (s[0], max(s[0] + 1, s[1]))))
        for n in (n_q, n_k)
    )
    return n_q, n_k, (top, bottom, left, right)


@given(
    size=boxes(), rule=st.sampled_from(sorted(RULES)), rows=st.integers(1, 17), columns=st.integers(1, 17),
    block=st.sampled_from([1, 30, 97, blocks.BLOCK]), head=st.integers(0, H - 1), seed=st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, max_examples=120)
def test_every_stage_equals_the_whole_map_pooled(
    size: tuple[int, int, Box | None], rule: str, rows: int, columns: int, block: int, head: int, seed: int
) -> None:
    n_q, n_k, box = size
    made = record(n_q, n_k, seed, **RULES[rule](n_q, n_k))
    stages = [name for name, _ in made.stages(head, 0, 1).steps]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attention.analysis.tiles.row_blocks", lambda n, k: blocks.row_blocks(n, k, block))
        found = tiles(made, head, stages, box, rows, columns)
    assert list(found) == stages
    whole = (0, n_q, 0, n_k) if box is None else box
    for stage, one in found.items():
        assert one.stage == stage
        compare(one, whole_map(made, head, stage), whole, rows, columns)
        check_sink(one, made, head, rows)


def check_sink(found: Tile, made: AttentionRecord, head: int, rows: int) -> None:
    share = made.stages(head).sink_weight
    assert (found.sink is None) == (share is None)
    if share is not None and found.sink is not None:
        largest = [float(share[top:bottom].max()) for top, bottom in patches(found.box[0], found.box[1], rows)]
        np.testing.assert_allclose(found.sink, largest, rtol=1e-5, atol=1e-6)


@given(
    size=boxes(), rows=st.integers(1, 9), columns=st.integers(1, 9), block=st.sampled_from([1, 60, 160, blocks.BLOCK]),
    causal=st.booleans(), whole=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_heads_without_q_and_k_and_which_of_equals_it_is(
    size: tuple[int, int, Box | None], rows: int, columns: int, block: int, causal: bool, whole: bool, seed: int
) -> None:
    n_q, n_k, box = size
    made = by_maps(n_q, n_k, seed, Mask(after=0) if causal else Mask(), whole=whole)
    stages = ["masked", "weights"] if whole else ["weights"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attention.analysis.tiles.row_blocks", lambda n, k: blocks.row_blocks(n, k, block))
        found = tiles(made, 3, stages, box, rows, columns)
    for stage in stages:
        full = whole_map(made, 3, stage)
        compare(found[stage], full, (0, n_q, 0, n_k) if box is None else box, rows, columns, exactly=True)


def test_the_scores_before_the_mask_are_all_there() -> None:
    made = record(9, 9, mask=Mask(after=0))
    found = tiles(made, 0, ("scores", "masked", "weights"), None, 3, 3)
    assert np.isfinite(found["scores"].values).all()
    above = np.triu(np.ones((3, 3), dtype=bool), 1)
    assert np.array_equal(np.isnan(found["masked"].values), above)
    assert np.array_equal(np.isnan(found["weights"].values), above)


def test_the_largest_size_keeps_its_sign() -> None:
    made = record(6, 6, query=torch.zeros(H, 6, D), key=torch.zeros(G, 6, D))
    made.query[0, 2], made.key[0, 4] = torch.tensor([-3.0, 0, 0, 0, 0]), torch.tensor([5.0, 0, 0, 0, 0])
    found = tile(made, 0, "scores", None, 1, 1)
    assert (found.values.item(), found.query.item(), found.key.item()) == (-15, 2, 4)
    assert found.pooled


def test_a_number_that_is_none_is_left_out() -> None:
    made = record(4, 4)
    made.query[1, 2, 0] = torch.nan
    found = tile(made, 1, "scores", None, 4, 1)
    assert np.isnan(found.values[2, 0])
    assert np.isfinite(found.values[[0, 1, 3], 0]).all()
    assert np.isfinite(tile(made, 1, "scores", None, 2, 2).values).all()


def test_a_weight_that_got_past_the_mask_stays_in_sight() -> None:
    weights = torch.eye(5).expand(1, 5, 5).clone()
    weights[0, 1, 1], weights[0, 1, 4] = 0.5, 0.25
    made = Trace.from_tensors(weights=weights, causal=True).record(0)
    found = tile(made, 0, "weights")
    assert found.values[1, 4] == 0.25
    assert np.isnan(found.values[1, 3])


def test_a_tile_that_is_close_enough_shows_each_cell() -> None:
    made = record(30, 50, mask=Mask(after=7))
    box = (11, 29, 20, 44)
    found = tile(made, 2, "weights", box)
    np.testing.assert_allclose(found.values, whole_map(made, 2, "weights")[11:29, 20:44], rtol=1e-5, atol=1e-7)
    assert not found.pooled
    queries, keys = np.meshgrid(range(11, 29), range(20, 44), indexing="ij")
    assert np.array_equal(found.query, queries)
    assert np.array_equal(found.key, keys)
    for array in (found.values, found.query, found.key):
        assert not array.flags.writeable


@pytest.mark.parametrize("what", ["norms", "difference"])
def test_what_each_key_brings(what: str) -> None:
    made = attention.trace(held("gpt2", "decoder"), ids(23)).record(1)
    box = (3, 23, 0, 19)
    compare(tile(made, 2, what, box, 6, 5), whole_map(made, 2, what), box, 6, 5)


def test_what_a_key_brings_is_asked_once_and_forgotten_with_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    made = attention.trace(held("gpt2", "decoder"), ids(23)).record(1)
    first = tiles(made, 2, ("norms", "difference"))
    monkeypatch.setattr("attention.analysis.norms.norm_weighted", lambda *_: pytest.fail("asked again"))
    again = tile(made, 2, "norms")
    assert np.array_equal(again.values, first["norms"].values, equal_nan=True)
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("what", ["output", "contribution"])
@pytest.mark.parametrize(("box", "rows"), [(None, 5), ((4, 17), 4), ((2, 9), 50)])
def test_what_queries_receive(what: str, box: tuple[int, int] | None, rows: int) -> None:
    trace = attention.trace(held("gpt2", "decoder"), ids(23))
    view = trace.head(1, 2)
    full = view.output if what == "output" else view.contribution
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attention.analysis.tiles.row_blocks", lambda n, k: blocks.row_blocks(n, k, 3 * k))
        found = values_tile(view.record, 2, what, box, rows)
    top, bottom = found.box
    assert found.box == ((0, 23) if box is None else box)
    assert found.what == what
    assert found.pooled == (rows < bottom - top)
    for r, (low, high) in enumerate(patches(top, bottom, rows)):
        for c in range(full.shape[1]):
            part = full[low:high, c]
            np.testing.assert_allclose(found.values[r, c], part[np.abs(part).argmax()], rtol=1e-5, atol=1e-6)
            assert low <= found.query[r, c] < high
            np.testing.assert_allclose(full[found.query[r, c], c], found.values[r, c], rtol=1e-5, atol=1e-6)


def test_what_cannot_be_had_says_why() -> None:
    made = record(7, 8)
    with pytest.raises(NoSuchHeadError, match="no stage 'softcapped'; it has: scores, scaled, masked, weights"):
        tile(made, 0, "softcapped")
    for box in ((0, 8, 0, 8), (-1, 3, 0, 8), (3, 3, 0, 8), (0, 7, 5, 9)):
        with pytest.raises(InputError, match="a tile cannot cover"):
            tile(made, 0, "weights", box)
    with pytest.raises(InputError, match="at least 1 row"):
        tile(made, 0, "weights", None, 0)
    with pytest.raises(InputError, match="cannot be told: the output projection is not known"):
        tile(made, 0, "norms")
    with pytest.raises(InputError, match="no contribution"):
        values_tile(made, 0, "contribution")
    with pytest.raises(InputError, match="what is 'weights'"):
        values_tile(made, 0, "weights")
    with pytest.raises(InputError, match="no output to draw: the values of this head are not known"):
        values_tile(by_maps(4, 4, 1, Mask(), whole=False), 0)


def test_why_something_cannot_be_told() -> None:
    made = record(7, 8)
    assert refusal(made, 0, "output") == ""
    assert refusal(made, 0, "difference") == "What each key brings cannot be told: the output projection is not known."
    assert refusal(made, 0, "contribution").startswith("There is no contribution to draw: ")
    only = by_maps(4, 4, 1, Mask(), whole=False)
    assert refusal(only, 0, "output") == "There is no output to draw: the values of this head are not known."
    whole = attention.trace(held("gpt2", "decoder"), ids(23)).record(1)
    assert [refusal(whole, 2, what) for what in ("norms", "difference", "output", "contribution")] == [""] * 4


def test_patches_are_even_and_cover_everything() -> None:
    assert edges(3, 10, 3).tolist() == [3, 5, 7, 10]
    assert edges(3, 6, 9).tolist() == [3, 4, 5, 6]


@pytest.fixture(scope="module")
def planted() -> AttentionRecord:
    """A causal head of 4,096 tokens in which one query wants one early key."""
    query, key = random(2, LONG, 16, seed=1), random(1, LONG, 16, seed=2)
    key[0, PLANTED[1]] *= 8 / key[0, PLANTED[1]].norm()
    query[1, PLANTED[0]] = key[0, PLANTED[1]] * 0.7
    return AttentionRecord(
        layer=0, kind="decoder", query=query, key=key, value=random(1, LONG, 16, seed=3), scale=0.25,
        mask=Mask(after=0),
    )  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cells each call for stages made."""
    cells: list[int] = []
    own = AttentionRecord.stages

    def spy(self: AttentionRecord, head: int, start: int = 0, stop: int | None = None) -> Any:
        cells.append(((self.n_q if stop is None else stop) - start) * self.n_k)
        return own(self, head, start, stop)

    monkeypatch.setattr(AttentionRecord, "stages", spy)
    return cells


def truth(made: AttentionRecord, query: int) -> np.ndarray:
    """That query's weights (n_k,), in float64."""
    scores = made.scale * made.key[0].double() @ made.query[1, query].double()
    scores[query + 1 :] = float("-inf")
    return scores.softmax(0).numpy()


def test_one_cell_of_a_long_text_is_found_from_afar_and_read_from_near(planted: AttentionRecord) -> None:
    exact = truth(planted, PLANTED[0])
    assert exact.argmax() == PLANTED[1]
    assert 0.5 < exact.max() < 0.99
    far = tiles(planted, 1, ("masked", "weights"))
    for stage, found in far.items():
        assert found.values.shape == (192, 192)
        assert found.pooled
        r, c = (np.searchsorted(edges(0, LONG, 192), place, "right") - 1 for place in PLANTED)
        assert (found.query[r, c], found.key[r, c]) == PLANTED, stage
    assert far["weights"].values[r, c] == pytest.approx(exact[PLANTED[1]], abs=1e-6)
    near = tile(planted, 1, "weights", (2950, 3142, 0, 192))
    assert not near.pooled
    assert near.values[50, 17] == pytest.approx(exact[PLANTED[1]], abs=1e-6)
    np.testing.assert_allclose(near.values[50], exact[:192], atol=1e-6)


def test_a_whole_map_is_never_in_memory(planted: AttentionRecord, asked: list[int]) -> None:
    tiles(planted, 1, ("scores", "masked", "weights"))
    assert sum(asked) >= LONG * LONG
    assert max(asked) <= blocks.BLOCK < LONG * LONG // 50
    asked.clear()
    values_tile(planted, 1)
    assert max(asked) <= blocks.BLOCK


def test_a_close_tile_asks_for_its_own_rows_alone(planted: AttentionRecord, asked: list[int]) -> None:
    tile(planted, 1, "weights", (3000, 3192, 0, 192))
    assert sum(asked) == (192 + 1) * LONG


def test_longer_texts_keep_to_the_same_blocks(asked: list[int]) -> None:
    n = 20_000
    made = AttentionRecord(layer=0, kind="decoder", query=random(1, 900, 2), key=random(1, n, 2), mask=Mask(after=0))
    found = tile(made, 0, "weights", None, 4, 4)
    assert found.values.shape == (4, 4)
    assert max(asked) <= blocks.BLOCK
    row = made.stages(0, found.query[3, 0], found.query[3, 0] + 1).weights[0]
    assert float(row[found.key[3, 0]]) == pytest.approx(found.values[3, 0], abs=1e-6)
