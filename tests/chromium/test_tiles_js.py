"""`static/tiles.js` and `static/spans.js` in Chromium against `attention.analysis.tiles`: tiles that travelled, and
heads that are cropped and pooled there.

A blank page imports the modules; trees come to it as packed bytes. What it makes goes back as the bytes of its arrays.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from attention.analysis.tiles import Box, Tile, values_tile
from attention.browser.heads import heads_tree as whole
from attention.browser.tiles import tiles_tree
from attention.record import AttentionRecord, HeadView, Mask, ModelFacts, PositionBias, Token, Trace
from tests.chromium import lab as lab_page
from tests.chromium.lab import opened
from tests.oracles.tiles import tile

CLOSE = 1e-6
H, G, D, V, N, NARROW = 4, 2, 19, 13, 61, 23
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const { parse } = start({ palettes: {} });
    const [{ head }, lib, { cellsOf }, spans] = await Promise.all(
        ["head", "tiles", "cells", "spans"].map((name) => import(`/${name}.js`)));
    const text = (array) => {
        if (array === null) return null;
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        let letters = "";
        for (let i = 0; i < bytes.length; i += 4096) letters += String.fromCharCode(...bytes.subarray(i, i + 4096));
        return { kind: array.constructor.name, shape: array.shape ?? [array.length], bytes: btoa(letters) };
    };
    const sent = (node) => {
        if (ArrayBuffer.isView(node)) return text(node);
        if (node === null || typeof node !== "object" || Array.isArray(node)) return node;
        return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, sent(inner)]));
    };
    const load = async () => parse(new Uint8Array(await (await fetch("/sent")).arrayBuffer()));
    // The columns from … to of an array.
    const columns = (z, from, to) => {
        const [rows, all] = z.shape;
        const part = new Float32Array(rows * (to - from));
        for (let row = 0; row < rows; row++) part.set(z.subarray(row * all + from, row * all + to), row * (to - from));
        return Object.assign(part, { shape: [rows, to - from] });
    };
    // A part of one stage as a panel shows it: a box ends before its last row and column, a zoom with them.
    const viewed = (head, stage, box) => {
        const panel = stage === "weights" ? "weights" : "scores";
        const [top, bottom, left, right] = box ?? [0, head.queries, 0, head.keys];
        const look = { stage, weights: "weights", values: "output", zoom: [top, bottom - 1, left, right - 1] };
        return spans.view(cellsOf(panel, { look, head }, null), panel, { look, head });
    };
    // The same in at most rows × columns patches, with where each number stands, and the sink's column by itself.
    const pooled = (head, stage, box, rows, across) => {
        const view = viewed(head, stage, box);
        const { top, bottom, left, right, sink } = view;
        const [high, wide] = [bottom - top + 1, right - left + 1];
        const size = [Math.min(rows, high), Math.min(across, wide)];
        const made = spans.patches(columns(view.z, 0, wide), ...size);
        const exact = (place) => Int32Array.from({ length: high * wide }, (_, i) => place(i));
        const [down, along] = [made.query ?? exact((i) => Math.floor(i / wide)), made.key ?? exact((i) => i % wide)];
        const moved = (places, by) => Object.assign(places.map((place) => by + place), { shape: size });
        return {
            z: made.z, query: moved(down, top), key: moved(along, left), pooled: made.pooled,
            box: [top, bottom + 1, left, right + 1],
            sink: sink ? spans.patches(columns(view.z, wide, wide + 1), size[0], 1).z : null,
        };
    };
    globalThis.lab = { head, lib, load, sent, viewed, pooled };
}"""
DTYPES = {"Float32Array": np.float32, "Int32Array": np.int32, "Uint8Array": np.uint8}


class Lab(lab_page.Lab):
    """What is said of a tree comes back with arrays as arrays."""

    def run(self, script: str, tree: dict[str, Any], argument: Any = None) -> Any:
        return received(super().run(script, tree, argument))


def received(node: Any) -> Any:
    if isinstance(node, dict) and set(node) == {"kind", "shape", "bytes"}:
        return np.frombuffer(base64.b64decode(node["bytes"]), DTYPES[node["kind"]]).reshape(node["shape"])
    return {name: received(inner) for name, inner in node.items()} if isinstance(node, dict) else node


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def random(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def record(n_q: int = N, n_k: int = N, **rules: Any) -> AttentionRecord:
    fields = {"query": random(H, n_q, D), "key": random(G, n_k, D, seed=6), "value": random(G, n_k, V), "scale": 0.31}
    made = AttentionRecord(layer=2, kind="cross" if n_q != n_k else "decoder", **(fields | rules))
    return replace(made, output=torch.stack([made.stages(head).mixed for head in range(H)], dim=1))


def view_of(made: AttentionRecord, head: int) -> HeadView:
    facts = ModelFacts(name="made", architecture="none", capture_mode="tensors")
    text, pair = (tuple(Token(piece="t", text="t") for _ in range(n)) for n in (made.n_k, made.n_q))
    return Trace(model=facts, tokens=text, pair_tokens=pair, all_records=(made,)).head(2, head, made.kind)


def by_maps(n: int = N) -> AttentionRecord:
    scores = random(H, n, n).mul(2).round()  # many equal cells
    mask = Mask(after=0)
    weights = scores.masked_fill(~mask.rows(0, n, n), float("-inf")).softmax(-1)
    return replace(record(n, n), mask=mask, query=None, key=None, maps=lambda: (scores, weights))


RULES: dict[str, dict[str, Any]] = {
    "all open": {},
    "causal": {"mask": Mask(after=0)},
    "a window": {"mask": Mask(before=4, after=2)},
    "padding on the left, causal": {"mask": Mask(after=0, keys=torch.arange(N) > 5)},
    "a dense mask of each head": {"mask": Mask(array=random(H, N, N) > 1)},
    "a bias by distance": {
        "mask": Mask(after=0), "position_bias": PositionBias(n_q=N, n_k=N, by_distance=random(H, 2 * N - 1)),
    },
    "everything": {
        "mask": Mask(before=9, after=0), "softcap": 2.0, "sink": random(H), "temperature": 1.9,
        "position_bias": PositionBias(n_q=N, n_k=N, by_key=random(H, N)),
    },
    "a sink of each query, on the output": {"mask": Mask(after=0), "sink": random(H, N), "sink_scales": True},
}  # fmt: skip
PLACES: list[tuple[Box | None, int, int]] = [
    (None, 192, 192), (None, 7, 11), ((10, 61, 0, 31), 8, 9), ((40, 50, 20, 61), 10, 6), ((60, 61, 60, 61), 1, 1),
]  # fmt: skip

WINDOWS = """async ([number, box, rows, columns]) => {
    const { head, load, sent, pooled } = lab;
    const view = head(await load(), 2, number);
    return Object.fromEntries(view.names.map((name) => [name, sent(pooled(view, name, box, rows, columns))]));
}"""


def compare(found: dict[str, Any], theirs: Tile, view: HeadView) -> None:
    """The same numbers; each stands where it is said to stand, and that is the same place unless two are equal."""
    assert found["box"] == list(theirs.box)
    assert found["pooled"] is theirs.pooled
    assert (found["z"].dtype, found["query"].dtype, found["key"].dtype) == (np.float32, np.int32, np.int32)
    near(np.abs(found["z"]), np.abs(theirs.values))
    masked = np.isnan(theirs.values)
    near(found["z"][~masked], view.stage(theirs.stage)[found["query"], found["key"]][~masked])
    elsewhere = (found["query"] != theirs.query) | (found["key"] != theirs.key)
    assert not elsewhere[masked].any()
    assert elsewhere.mean() < 0.02
    if found["sink"] is not None:
        near(found["sink"].ravel(), theirs.sink)


def near(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    largest = np.nanmax(np.abs(theirs), initial=0)
    assert np.nanmax(np.abs(ours - theirs), initial=0) <= CLOSE * (largest or 1)


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_head_is_pooled_as_the_server_pools_it(lab: Lab, rules: dict[str, Any]) -> None:
    view = view_of(record(**rules), 3)
    tree = whole(view.trace, view.kind)
    for box, rows, columns in PLACES:
        made = lab.run(WINDOWS, tree, [3, box, rows, columns])
        assert list(made) == [name for name, _ in view.stages]
        for name, found in made.items():
            compare(found, tile(view.record, 3, name, box, rows, columns), view)


@pytest.mark.parametrize(("n_q", "n_k"), [(NARROW, N), (N, NARROW), (1, N)])
def test_queries_and_keys_of_two_texts(lab: Lab, n_q: int, n_k: int) -> None:
    view = view_of(record(n_q, n_k), 1)
    for name, found in lab.run(WINDOWS, whole(view.trace, view.kind), [1, None, 9, 10]).items():
        compare(found, tile(view.record, 1, name, None, 9, 10), view)


def test_a_head_that_came_as_maps(lab: Lab) -> None:
    view = view_of(by_maps(), 2)
    made = lab.run(WINDOWS, whole(view.trace, view.kind, maps=True), [2, None, 7, 11])
    assert list(made) == ["masked", "weights"]
    theirs = tile(view.record, 2, "masked", None, 7, 11)
    compare(made["masked"], theirs, view)
    assert np.array_equal(made["masked"]["query"], theirs.query)
    assert np.array_equal(made["masked"]["key"], theirs.key)
    compare(made["weights"], tile(view.record, 2, "weights", None, 7, 11), view)


PAST = "async () => lab.sent(lab.viewed(lab.head(await lab.load(), 2, 0), 'weights', null).z)"


def test_a_weight_that_got_past_the_mask_stays_in_sight(lab: Lab) -> None:
    weights = torch.eye(5).expand(H, 5, 5).clone()
    weights[0, 1, 4] = 0.25
    made = AttentionRecord(layer=2, kind="decoder", mask=Mask(after=0), weights=weights)
    z = lab.run(PAST, whole(view_of(made, 0).trace, maps=True))
    np.testing.assert_array_equal(z, tile(made, 0, "weights").values)
    assert z[1, 4] == 0.25
    assert np.isnan(z[1, 3])


BIG = """async (box) => {
    const view = lab.head(await lab.load(), 2, 1);
    const { z, query, key, pooled, top, bottom, left, right } = lab.viewed(view, "weights", box);
    for (const places of [query, key]) if (places) places.shape = z.shape;
    return lab.sent({ z, query, key, pooled, box: [top, bottom + 1, left, right + 1], sink: null });
}"""


def test_no_panel_has_more_cells_than_the_screen(lab: Lab) -> None:
    """A map of more than 384 tokens a side is pooled as it is drawn; a small part of it is not."""
    n = 700
    made = record(n, n, query=random(H, n, 2), key=random(G, n, 2, seed=6), mask=Mask(after=0))
    view = view_of(made, 1)
    tree = whole(view.trace, view.kind, heads=[1])
    found = lab.run(BIG, tree, None)
    assert found["z"].shape == (384, 384)
    compare(found, tile(made, 1, "weights", None, 384, 384), view)
    part = (500, 692, 100, 292)
    found = lab.run(BIG, tree, part)
    assert found["pooled"] is False
    near(found["z"], tile(made, 1, "weights", part).values)


READ = """async (queries) => {
    const { lib, load, sent } = lab;
    const view = lib.tiles(await load());
    const { names, stages, received, pins, queries: n_q, keys, width, layer, head, box, pooled } = view;
    const rows = Object.fromEntries(queries.map((query) => [query, {
        rows: sent(view.rows(query)), mixed: sent(view.mixed(query)), allowed: sent(view.allowed(query)),
        has: view.has(query), weights: sent(view.row("weights", query)), sink: view.sinkShare(query),
        scale: view.outputScale(query),
    }]));
    const windows = Object.fromEntries(names.map((name) => [name, sent(view.window(name, [0, 1, 0, 1], 5, 5))]));
    const values = sent(view.values());
    let refused = "";
    try { view.row("nothing", 0); } catch (error) { refused = `${error.name}: ${error.message}`; }
    return { names, stages, received, pins, n_q, keys, width, layer, head, box, pooled, rows, windows, values, refused,
        contribution: view.values("contribution") };
}"""


@pytest.mark.parametrize("box", [None, (300, 420, 10, 400), (500, 520, 480, 520)])
@pytest.mark.parametrize("name", ["sink", "sink on the output", "none"])
def test_what_travelled_is_read_as_a_head_is(lab: Lab, box: Box | None, name: str) -> None:
    n = 521
    sinks = {"sink": random(H), "sink_scales": name == "sink on the output"} if name != "none" else {}
    view = view_of(record(n, n, mask=Mask(after=0), softcap=3.0, **sinks), 3)
    stages = ("masked", "weights")
    made = lab.run(READ, tiles_tree(view, stages=stages, box=box, pins=(519, 12)), [519, 12, 300])
    assert (made["layer"], made["head"], made["n_q"], made["keys"], made["width"]) == (2, 3, n, n, V)
    assert made["names"] == [name for name, _ in view.stages]
    assert made["stages"] == list(stages)
    assert made["pins"] == [519, 12]
    assert made["refused"].startswith("RangeError: This head has no stage “nothing”; it has: scores, scaled, soft")
    for stage, found in made["windows"].items():
        if stage in stages:
            theirs = tile(view.record, 3, stage, box)
            compare(found, theirs, view)
            assert np.array_equal(found["query"], theirs.query)
            assert np.array_equal(found["key"], theirs.key)
        else:
            assert found is None
    theirs = values_tile(view.record, 3, "output", None if box is None else box[:2])
    assert np.array_equal(made["values"]["z"], theirs.values)
    assert np.array_equal(made["values"]["query"], theirs.query)
    assert (made["values"]["box"], made["values"]["pooled"]) == (list(theirs.box), theirs.pooled)
    assert made["contribution"] is None
    assert made["received"] == ["output"]
    check_rows(made["rows"], view)


def check_rows(rows: dict[str, Any], view: HeadView) -> None:
    for query in (519, 12):
        one = rows[str(query)]
        assert list(one["rows"]) == [name for name, _ in view.stages]
        for stage, array in view.stages:
            ours, closed = one["rows"][stage], np.isneginf(array[query])
            assert np.array_equal(np.isneginf(ours), closed)
            near(ours[~closed], array[query][~closed])
        assert np.array_equal(one["weights"], one["rows"]["weights"])
        near(one["mixed"], view.output[query])
        assert one["allowed"].tolist() == [int(key <= query) for key in range(view.record.n_k)]
        assert one["has"] is True
        share = None if view.sink_weight is None else pytest.approx(view.sink_weight[query], abs=1e-6)
        assert one["sink"] == share
        assert one["scale"] == pytest.approx(view.output_scale[query], abs=1e-6)
    nothing = rows["300"]
    assert [nothing[part] for part in ("rows", "mixed", "allowed", "weights", "sink")] == [None] * 5
    assert nothing["has"] is False


def test_of_a_run_with_changes(lab: Lab) -> None:
    """Rows, reasons and the divisor are those of the changed run."""
    from attention.edits import edits_of

    edits = edits_of("cut-decoder.2.1-q9-k4,even-decoder.2.1-q7,temper-decoder.2.1-t0.5,off-decoder.2.1-q11")
    cut = torch.arange(N) <= torch.arange(N)[:, None]
    array = cut.expand(H, N, N).clone()
    array[1, 9, 4] = False
    made = replace(record(mask=Mask(array=array)), edits=edits)
    made = replace(made, output=torch.stack([made.stages(head).mixed for head in range(H)], dim=1))
    tree = tiles_tree(view_of(made, 1), stages=["masked", "weights"], pins=[7, 9, 11])
    told = lab.run(
        """async () => {
            const head = lab.lib.tiles(await lab.load());
            return lab.sent({
                row: head.row("weights", 7), cut: head.row("weights", 9), output: head.mixed(11),
                whys: [head.why(9, 4), head.why(4, 9), head.why(9, 3)], temperature: head.temperature,
                edits: [head.changedRow(7)?.verb, head.changedRow(9), head.changedOutput(11)?.how], names: head.names,
            });
        }""", tree,
    )  # fmt: skip
    steps = made.stages(1)
    assert np.allclose(told["row"], steps["weights"][7], atol=CLOSE)
    assert np.allclose(told["cut"], steps["weights"][9], atol=CLOSE)
    assert np.allclose(told["output"], 0)
    assert told["whys"] == ["edit", "causal", ""]
    assert told["temperature"] == 0.5
    assert told["edits"] == ["even", None, "zero"]
    assert told["names"] == [name for name, _ in steps.steps]
