"""What the browser makes in Python's stead, held against Python: rows, colours, margins, patches, sentences, links."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

import attention
from attention.analysis.norms import norm_weighted
from attention.analysis.titles import stage_titles
from attention.browser import codec, parts, store
from attention.browser.heads import heads_tree
from attention.figures import alt, heatmaps
from attention.record import HeadView, Trace
from attention.view import (
    COUNTED_ON,
    HIDE,
    MEASURES,
    REST,
    STAGES,
    TOGETHER,
    VALUES,
    WEIGHTS,
    View,
    revised,
)
from tests.chromium.lab import Lab, opened
from tests.chromium.test_head_js import RULES, H, N, array, gap, record, trace_of
from tests.chromium.test_head_js import random as random_numbers
from tests.oracles import arithmetic as row_of_python
from tests.oracles import margins as margins_of_python
from tests.oracles.tiles import tile
from tests.tiny import build, ids

CLOSE = 1e-5
KINDS = {"t5": "both", "bert": "encoder"}
TEXT = "The cat sat on the mat because it was tired."
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const names = ["head", "row", "cells", "alt", "spans", "look"];
    const lib = Object.assign({}, ...await Promise.all(names.map((name) => import(`/${name}.js`))));
    const text = (array) => {
        if (!array) return null;
        return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).toBase64();
    };
    const given = async () => ui.parse(new Uint8Array(await (await fetch("/sent")).arrayBuffer()));
    globalThis.lab = { ui, lib, text, given };
}"""
ROWS = """async ([head, queries]) => {
    const { run } = await lab.given();
    const { layer, titles } = run.layers[0];
    const own = lab.lib.head(run, layer, head);
    return queries.map((query) => {
        const row = lab.lib.arithmetic(own, titles, query);
        const mixed = lab.lib.mixture(own, row);
        return {
            order: row.order, allowed: [...row.allowed],
            columns: row.columns.map(({ name, title, values }) => [name, title, lab.text(values)]),
            top: row.top, total: row.total, sinkPart: row.sinkPart, sinkWeight: row.sinkWeight,
            weightSum: row.weightSum, output: lab.text(row.output),
            mixture: mixed && {
                terms: mixed.terms.map(({ key, weight, vector }) => [key, weight, [...vector]]), others: mixed.others,
                rest: [...mixed.rest], output: [...mixed.output], width: mixed.width,
            },
        };
    });
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


@pytest.fixture(scope="module")
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def run_of(view: HeadView, look: View) -> Any:
    return codec.parse(store.run(view, look))


def bundled(name: str) -> Trace:
    """A random model of a family whose attention has something of its own."""
    return attention.trace(built(name), ids(23), ids(9, seed=4) if KINDS.get(name) == "both" else None)


def built(name: str) -> Any:
    sizes: dict[str, Any] = {"attn_logit_softcapping": 5.0} if name == "gemma2" else {}
    return build(name, KINDS.get(name, "decoder"), **sizes)


# The arithmetic of a row

# Without values there is no such record; of a sink for each query Python has no arithmetic.
RECORDS = {name: rules for name, rules in RULES.items() if name not in ("no values", "a sink of each query")}


@pytest.mark.parametrize("rules", RECORDS.values(), ids=RECORDS)
def test_the_arithmetic_of_made_up_heads(lab: Lab, rules: dict[str, Any]) -> None:
    trace = trace_of(record(**rules))
    compare_rows(lab, trace.head(2, 3), [0, 3, 20, N - 1])


@pytest.mark.parametrize("name", ["gpt_oss", "gemma2", "bloom", "t5", "bert", "mistral"])
def test_the_arithmetic_of_models(lab: Lab, name: str) -> None:
    trace = bundled(name)
    for kind in trace.kinds:
        layer = next(iter(trace.records(kind)))
        view = trace.head(layer, 0, kind)
        compare_rows(lab, view, [0, view.record.n_q // 2, view.record.n_q - 1])


def test_the_arithmetic_of_an_alignment_and_of_the_storyteller(lab: Lab, story: Trace) -> None:
    compare_rows(lab, attention.trace("dates", "3 May 1998", "1998-05-03").head(0, 1, "cross"), [0, 5, 10])
    compare_rows(lab, story.head(0, 2), [0, 5, 11])


def compare_rows(lab: Lab, view: HeadView, queries: list[int]) -> None:
    made = lab.run(ROWS, {"run": run_with_one_layer(view)}, [view.head, queries])
    for ours, query in zip(made, queries, strict=True):
        compare_row(ours, row_of_python.arithmetic(view, query), view)


def run_with_one_layer(view: HeadView) -> dict[str, Any]:
    """The run as it travels, of this layer alone, its maps too where nothing else is known."""
    tree = heads_tree(view.trace, view.kind, [view.layer], maps=True)
    return {"layers": [tree["layers"][0] | {"titles": stage_titles(view)}]}


def compare_row(ours: dict[str, Any], theirs: row_of_python.Row, view: HeadView) -> None:
    n_k = view.record.n_k
    assert ours["allowed"] == theirs.allowed.astype(int).tolist()
    assert [(name, title) for name, title, _ in ours["columns"]] == [(c.name, c.title) for c in theirs.columns]
    for (name, _, values), column in zip(ours["columns"], theirs.columns, strict=True):
        assert gap(array(values, n_k), np.asarray(column.values)) <= CLOSE, name
    same_order(ours["order"], theirs.order.tolist(), theirs.column("weight"))
    for name, value in (("top", theirs.top), ("sinkWeight", theirs.sink_weight), ("weightSum", theirs.weight_sum)):
        close(ours[name], value, name)
    for name, value in (("total", theirs.total), ("sinkPart", theirs.sink_part)):
        close(ours[name], value, name, relative=1e-4)
    assert (ours["output"] is None) == (theirs.output is None)
    if theirs.output is not None:
        assert gap(array(ours["output"], theirs.output.size), theirs.output) <= CLOSE
        compare_mixture(ours["mixture"], theirs, view)


def compare_mixture(ours: dict[str, Any], theirs: row_of_python.Row, view: HeadView) -> None:
    """The terms are weight × value, and with what the others add up to they give the output."""
    assert theirs.value is not None
    assert theirs.output is not None
    scale = 1.0 if view.output_scale is None else float(view.output_scale[theirs.query])
    weights = theirs.column("weight") * scale
    width, size = min(8, theirs.value.shape[1]), float(np.abs(theirs.value).max())
    assert ours["width"] == theirs.value.shape[1]
    for key, weight, vector in ours["terms"]:
        assert weight == pytest.approx(float(weights[key]), rel=1e-4, abs=1e-7)
        assert vector == pytest.approx((weights[key] * theirs.value[key, :width]).tolist(), abs=CLOSE * size)
    assert ours["others"] == max(0, int((weights > 0).sum()) - 4)
    total = np.sum([vector for *_, vector in ours["terms"]] or np.zeros((1, width)), axis=0) + ours["rest"]
    assert total == pytest.approx(theirs.output[:width], abs=CLOSE * size)
    assert ours["output"] == pytest.approx(theirs.output[:width].tolist(), abs=CLOSE * size)


def same_order(ours: list[int], theirs: list[int], weights: np.ndarray) -> None:
    """The same keys in the same order; only those whose weights are equal but for rounding may change places."""
    assert sorted(ours) == sorted(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one == other or abs(weights[one] - weights[other]) <= 1e-6 * max(1e-3, float(weights.max()))


def close(ours: float | None, theirs: float | None, name: str, relative: float = 1e-5) -> None:
    assert (ours is None) == (theirs is None), name
    if theirs is not None:
        assert ours == pytest.approx(theirs, rel=relative, abs=1e-6), name


# Colours, margins, what keys bring

SYMMETRIC = """async () => {
    const { maps } = await lab.given();
    return maps.map((z) => lab.lib.symmetric(z));
}"""


def test_the_range_of_colours_of_many_arrays(lab: Lab) -> None:
    draw = np.random.default_rng(7)
    maps = [np.zeros((3, 4), np.float32), np.full((2, 5), np.nan, np.float32), np.full((9, 9), -np.inf, np.float32)]
    for _ in range(150):
        shape = tuple(draw.integers(1, 17, 2))
        z = draw.normal(size=shape) * 10.0 ** draw.integers(-6, 7)
        if draw.random() < 0.6:
            z.flat[draw.integers(z.size)] *= 10.0 ** draw.uniform(0, 4)
        if draw.random() < 0.3:
            z = z * (draw.random(shape) < draw.choice([0.01, 0.5]))
        z[draw.random(shape) < 0.2] = draw.choice([np.nan, -np.inf])
        maps.append(z.astype(np.float32))
    noted = 0
    for ours, z in zip(lab.run(SYMMETRIC, {"maps": maps}), maps, strict=True):
        limit, note = heatmaps.symmetric(z)
        assert (ours["zmax"], ours["zmin"]) == pytest.approx((limit, -limit), rel=1e-6)
        assert same_words(ours["note"], note)
        noted += bool(note)
    assert noted > 10, "some had an extreme number"


def same_words(ours: str, theirs: str, digits: int = 4) -> bool:
    """The same sentence, in which each number is the same to the digits shown."""
    number = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-−+]?\d+)?")
    if number.sub("#", ours) != number.sub("#", theirs):
        return False
    pairs = zip(number.findall(ours), number.findall(theirs), strict=True)
    return all(alike(*(float(text.replace("−", "-")) for text in pair), digits) for pair in pairs)


def alike(one: float, other: float, digits: int) -> bool:
    return abs(one - other) <= 1.01 * 10.0 ** (1 - digits) * max(abs(one), abs(other)) or abs(one - other) <= 1.01e-4


MARGINS = """async (heads) => {
    const { run } = await lab.given();
    return heads.map((head) => {
        const { received, asked, mean, spread } = lab.lib.margins(lab.lib.head(run, run.layers[0].layer, head));
        return [lab.text(received), [...asked], lab.text(mean), lab.text(spread)];
    });
}"""


MARGINAL = ["all open", "causal", "a dense mask", "everything", "a sink in the weights", "nothing may be seen"]


@pytest.mark.parametrize("name", MARGINAL)
def test_the_margins(lab: Lab, name: str) -> None:
    trace = trace_of(record(**RULES[name]))
    heads = list(range(H))
    made = lab.run(MARGINS, {"run": heads_tree(trace, "decoder")}, heads)
    for head, (received, asked, mean, spread) in zip(heads, made, strict=True):
        theirs = margins_of_python.margins(trace.record(2), head)
        assert asked == theirs.asked.tolist()
        for ours, wanted in ((received, theirs.received), (mean, theirs.mean), (spread, theirs.spread)):
            assert gap(array(ours, len(wanted)), wanted) <= CLOSE


BROUGHT = """async ([layer, head, what]) => {
    const { run, lengths } = await lab.given();
    const own = lab.lib.head(run, layer, head);
    const look = { weights: what, stage: "masked", values: "output" };
    const brought = { norms: { lengths, reason: "", note: "" }, contribution: null };
    const made = lab.lib.cellsOf("weights", { run, look, head: own }, brought);
    return [lab.text(made.z), made.zmin, made.zmax, made.scale];
}"""


@pytest.mark.parametrize("what", ["norms", "difference"])
@pytest.mark.parametrize("source", ["storyteller", "gpt_oss", "bert"])
def test_what_each_key_brings(lab: Lab, story: Trace, source: str, what: str) -> None:
    # Held until the end: without its model a trace does not know what its keys bring.
    model = None if source == "storyteller" else built(source)
    trace = story if model is None else attention.trace(model, ids(23))
    layer = next(iter(trace.records()))
    view = trace.head(layer, 1)
    theirs = norm_weighted(view.record, 1)
    assert not isinstance(theirs, str)
    tree = {"run": heads_tree(trace, view.kind, [layer]), "lengths": theirs.lengths}
    z, low, high, scale = lab.run(BROUGHT, tree, [layer, 1, what])
    rows = theirs.rows()
    wanted = (rows.shares if what == "norms" else rows.difference).copy()
    wanted[heatmaps.closed(view)] = np.nan
    ours = array(z, *wanted.shape)
    assert np.array_equal(np.isnan(ours), np.isnan(wanted))
    assert np.nanmax(np.abs(ours - wanted)) <= CLOSE
    limit = heatmaps.symmetric(wanted)[0]
    assert (low, high) == ((0, 1) if what == "norms" else pytest.approx((-limit, limit), abs=CLOSE))
    assert scale == ("weights" if what == "norms" else "scores")


# Each panel in a sentence

ALTS = """async ([layer, head, query, look]) => {
    const { run, brought } = await lab.given();
    return lab.lib.alts(lab.ui, { run, look, head: lab.lib.head(run, layer, head) }, query, brought, look.stage);
}"""


def said(lab: Lab, view: HeadView, query: int, look: View) -> dict[str, str]:
    brought = codec.parse(parts.panels(view, look))["brought"]
    own = {"weights": look.weights, "values": look.values, "stage": look.stage}
    return lab.run(ALTS, {"run": run_of(view, look), "brought": brought}, [view.layer, view.head, query, own])


def sentences(story: Trace) -> list[tuple[HeadView, int]]:
    dates = attention.trace("dates", "3 May 1998", "1998-05-03")
    sinks = bundled("gpt_oss")
    found = [(story.head(layer, head), query) for layer, head, query in ((0, 0, 8), (2, 5, 11), (3, 1, 0), (1, 3, 6))]
    return [*found, (dates.head(1, 2, "cross"), 4), (dates.head(0, 0, "encoder"), 7), (sinks.head(0, 1), 9)]


@pytest.mark.parametrize("stage", ["masked", "scaled", "scores"])
def test_the_panels_are_said_alike(lab: Lab, story: Trace, stage: str) -> None:
    for view, query in sentences(story):
        ours = said(lab, view, query, View(stage=stage))
        assert same_words(ours["scores"], alt.scores(view, query, stage=stage)), view
        assert same_words(ours["weights"], alt.weights(view, query)), view
        assert same_words(ours["values"], alt.values(view, query)), view


@pytest.mark.parametrize("what", ["norms", "difference"])
def test_what_is_brought_is_said_alike(lab: Lab, story: Trace, what: Any) -> None:
    for view, query in sentences(story)[:5]:
        ours = said(lab, view, query, View(weights=what, values="contribution"))
        assert same_words(ours["weights"], alt.norms(view, query, what=what))
        assert same_words(ours["values"], alt.values(view, query, what="contribution"))


def test_a_row_that_may_see_nothing_is_said_alike(lab: Lab) -> None:
    trace = trace_of(record(**RULES["padding on the left, causal: rows that may look nowhere"]))
    view = trace.head(2, 1)
    ours = said(lab, view, 2, View())
    assert ours["scores"] == alt.scores(view, 2)
    assert ours["weights"] == alt.weights(view, 2)
    assert "may attend to nothing" in ours["scores"]


# Patches

PATCHES = """async (sizes) => {
    const { maps } = await lab.given();
    return maps.map((z, i) => {
        const made = lab.lib.patches(z, ...sizes[i]);
        const numbers = (list) => (list ? [...list] : null);
        const { z: small, query, key, pooled } = made;
        return { z: lab.text(small), shape: small.shape, query: numbers(query), key: numbers(key), pooled };
    });
}"""


@pytest.mark.parametrize("name", ["all open", "causal", "a window", "everything", "a dense mask"])
def test_patches_are_the_tiles_of_long_texts(lab: Lab, name: str) -> None:
    made = record(**RULES[name])
    trace = trace_of(made)
    sizes = [(7, 9), (1, 1), (43, 5), (20, 43), (42, 42), (16, 16)]
    stages = ["masked", "weights", "scores"]
    cases = [(head, stage, size) for head in (0, 4) for stage in stages for size in sizes]
    maps = [shown(trace.head(2, head), stage) for head, stage, _ in cases]
    found = lab.run(PATCHES, {"maps": maps}, [size for *_, size in cases])
    for ours, (head, stage, size) in zip(found, cases, strict=True):
        compare_patches(ours, tile(made, head, stage, rows=size[0], columns=size[1]))


def test_of_equal_numbers_a_patch_names_the_same_place(lab: Lab) -> None:
    """Weights of 1 are common: the first token's own, and those of sharp heads."""
    eye = torch.eye(N)[None].expand(H, N, N)
    made = record(query=eye.clone(), key=eye.flip(1).contiguous(), value=random_numbers(H, N, 4))
    z = shown(trace_of(made).head(2, 0), "scores")
    assert np.array_equal(z, np.fliplr(np.eye(N, dtype=np.float32)))
    [ours] = lab.run(PATCHES, {"maps": [z]}, [(7, 9)])
    compare_patches(ours, tile(made, 0, "scores", rows=7, columns=9))


def shown(view: HeadView, stage: str) -> np.ndarray:
    """A map as the panels hold it, NaN where nothing is to be seen."""
    if stage == "weights":
        return np.ascontiguousarray(np.where(heatmaps.closed(view), np.float32(np.nan), view.weights))
    z = view.stage(stage)
    return np.ascontiguousarray(np.where(np.isneginf(z), np.float32(np.nan), z))


def compare_patches(ours: dict[str, Any], theirs: Any) -> None:
    assert tuple(ours["shape"]) == theirs.values.shape
    z = array(ours["z"], *ours["shape"])
    np.testing.assert_allclose(z, theirs.values, rtol=1e-5, atol=1e-7)
    assert ours["pooled"] == theirs.pooled
    if theirs.pooled:
        seen = ~np.isnan(theirs.values)
        assert np.array_equal(np.reshape(ours["query"], z.shape)[seen], theirs.query[seen])
        assert np.array_equal(np.reshape(ours["key"], z.shape)[seen], theirs.key[seen])


# Links

WRITTEN = """(looks) => looks.map((look) => Object.fromEntries(
    Object.entries(look).map(([name, value]) => [name, lab.lib.written(name, value)])))"""


def random_view(draw: random.Random) -> View:
    """Any view that the page could show."""
    some = lambda most, top: tuple(draw.sample(range(top), draw.randint(0, most)))  # noqa: E731
    top, left = draw.randint(0, 500), draw.randint(0, 500)
    return View(
        layer=draw.randint(0, 99), head=draw.randint(0, 99), query=draw.choice([None, draw.randint(0, 2000)]),
        also=some(32, 2000), together=draw.choice(TOGETHER), key=draw.choice([None, 0, draw.randint(0, 2000)]),
        stage=draw.choice(STAGES), weights=draw.choice(WEIGHTS), values=draw.choice(VALUES),
        temperature=draw.choice([1.0, 0.05, 20.0, draw.uniform(0.05, 20), float(f"{2 ** draw.uniform(-4, 4):.4g}")]),
        hide=tuple(name for name in HIDE if draw.random() < 0.5), rest=draw.choice(REST),
        zoom=draw.choice([None, (top, top + draw.randint(0, 90), left, left + draw.randint(0, 90))]),
        measure=draw.choice(MEASURES), sort=draw.random() < 0.5, counted_on=draw.choice(COUNTED_ON),
        beside=tuple((layer, draw.randint(0, 11)) for layer in some(7, 30)),
        least=draw.choice([0.0, 1.0, 0.05, draw.random(), draw.random() * 1e-4, 1e-7]), top=draw.choice([0, 1, 3, 10]),
        ids=draw.random() < 0.5,
    )  # fmt: skip


def test_what_the_desk_writes_of_a_look_is_read_back_as_the_same_view(lab: Lab) -> None:
    draw = random.Random(11)
    views = [View(), *(random_view(draw) for _ in range(200))]
    owned = [{name: getattr(view, name) for name in store.OWNED} for view in views]
    for view, told in zip(views, lab.page.evaluate(WRITTEN, json.loads(json.dumps(owned))), strict=True):
        assert set(told) == set(store.OWNED)
        assert all(isinstance(text, str) for text in told.values())
        assert revised(View(layer=77, hide=("sink",), zoom=(0, 9, 0, 9)), told) == view
        for name, text in told.items():
            assert getattr(revised(View(), {name: text}), name) == getattr(view, name)
