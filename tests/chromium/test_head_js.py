"""`static/head.js` in Chromium against `attention.stages`: every stage of every kind of head, and the check that fails.

A blank page imports the modules; runs come to it as packed bytes, as they come to a component. What it makes goes
back as the bytes of its float32 arrays.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

import attention
from attention.browser.heads import heads_tree
from attention.record import AttentionRecord, HeadView, Mask, ModelFacts, PositionBias, Token, Trace
from attention.stages import attend
from tests.chromium import lab as lab_page
from tests.chromium.lab import opened
from tests.oracles.pooling import pool
from tests.tiny import build, ids

CLOSE = 1e-5
H, G, D, V, N, NARROW = 6, 2, 19, 13, 43, 11
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const { parse } = start({ palettes: {} });
    const lib = await import("/head.js");
    const text = (array) => {
        if (array === null) return null;
        return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).toBase64();
    };
    const texts = (named) => Object.fromEntries(Object.entries(named).map(([name, array]) => [name, text(array)]));
    const load = async () => parse(new Uint8Array(await (await fetch("/sent")).arrayBuffer()));
    const made = (view) => ({
        layer: view.layer, head: view.head, altered: view.altered, check: view.check(),
        stages: texts(Object.fromEntries(view.names.map((name) => [name, view.map(name)]))),
        output: text(view.output), sink: text(view.sinkWeight),
    });
    globalThis.lab = { lib, load, made, text, texts };
}"""
ALL = """async (options) => {
    const run = await lab.load();
    const { layers, heads, head } = lab.lib;
    return layers(run).flatMap((l) => heads(run, l).map((h) => lab.made(head(run, l, h, options))));
}"""
CHECKS = """async () => {
    const run = await lab.load();
    const { layers, heads, check } = lab.lib;
    return layers(run).flatMap((layer) => heads(run, layer).map((head) => check(run, layer, head)));
}"""


class Lab(lab_page.Lab):
    """A run comes with `await lab.load()`."""

    def heads(self, trace: Trace, kind: Any = None, maps: bool = False, **options: Any) -> list[dict[str, Any]]:
        """Every head of a kind as the browser makes it."""
        return self.run(ALL, heads_tree(trace, kind, maps=maps), options)


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def array(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.float32).reshape(shape)


def gap(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference relative to the largest number; −∞ must stand in the same places."""
    assert ours.shape == theirs.shape
    finite = np.isfinite(theirs)
    assert np.array_equal(ours[~finite], theirs[~finite])
    assert np.isfinite(ours[finite]).all()
    largest = np.abs(theirs[finite]).max(initial=0)
    return float(np.abs(ours[finite] - theirs[finite]).max(initial=0) / (largest or 1))


def compare(made: dict[str, Any], view: HeadView) -> None:
    """Names, order and numbers of all stages, output and the sink's share."""
    shape = (view.record.n_q, view.record.n_k)
    assert list(made["stages"]) == [name for name, _ in view.stages]
    for name, theirs in view.stages:
        assert gap(array(made["stages"][name], *shape), theirs) <= CLOSE, name
    assert (made["output"] is None) == (view.output is None)
    if view.output is not None:
        assert gap(array(made["output"], *view.output.shape), view.output) <= CLOSE
    assert (made["sink"] is None) == (view.sink_weight is None)
    if view.sink_weight is not None:
        assert gap(array(made["sink"], shape[0]), view.sink_weight) <= CLOSE


@cache
def record(n_q: int = N, n_k: int = N, **rules: Any) -> AttentionRecord:
    """Six heads in two groups, with the output that such an operation puts out. One for all who ask for the same."""
    draw = torch.Generator().manual_seed(n_q * n_k)
    key, value = torch.randn(G, n_k, D, generator=draw), torch.randn(G, n_k, V, generator=draw)
    fields = {"query": torch.randn(H, n_q, D, generator=draw), "key": key, "value": value, "scale": 0.31} | rules
    made = AttentionRecord(layer=2, kind="cross" if n_q != n_k else "decoder", **fields)
    return replace(made, output=torch.stack([made.stages(head).mixed for head in range(made.n_heads)], dim=1))


def trace_of(made: AttentionRecord) -> Trace:
    facts = ModelFacts(name="made", architecture="none", capture_mode="tensors")
    text, pair = (
        tuple(Token(piece=str(i), text=str(i), special=i == 0) for i in range(n)) for n in (made.n_k, made.n_q)
    )
    cross = made.kind == "cross"
    return Trace(model=facts, tokens=text, pair_tokens=pair if cross else (), all_records=(made,))


def random(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def scattered(*shape: int) -> torch.Tensor:
    """A mask that follows no rule, with a query that may look nowhere."""
    mask = random(*shape) > 0
    mask[..., 3, :] = False
    return mask


CAUSAL = Mask(after=0)
KEYS = torch.arange(N)
FAR = torch.tensor([-900.0, 900.0, -90.0, 90.0, float("-inf"), 0.0])
RULES: dict[str, dict[str, Any]] = {
    "all open": {},
    "causal": {"mask": CAUSAL},
    "a window": {"mask": Mask(before=4, after=0)},
    "a window both ways": {"mask": Mask(before=3, after=5)},
    "padding on the right": {"mask": Mask(keys=KEYS < N - 6)},
    "padding on the left, causal: rows that may look nowhere": {"mask": Mask(after=0, keys=KEYS > 5)},
    "padding and a window": {"mask": Mask(before=2, after=0, keys=KEYS % 7 > 0)},
    "a dense mask": {"mask": Mask(array=scattered(N, N))},
    "a dense mask of each head": {"mask": Mask(array=scattered(H, N, N))},
    "nothing may be seen": {"mask": Mask(array=torch.zeros(N, N, dtype=torch.bool))},
    "a bias by distance": {"position_bias": PositionBias(n_q=N, n_k=N, by_distance=random(H, 2 * N - 1))},
    "a bias by distance that heads share": {
        "mask": CAUSAL, "position_bias": PositionBias(n_q=N, n_k=N, by_distance=random(1, 2 * N - 1)),
    },
    "a bias by key": {"mask": CAUSAL, "position_bias": PositionBias(n_q=N, n_k=N, by_key=random(H, N))},
    "a dense bias": {"position_bias": PositionBias(n_q=N, n_k=N, dense=random(H, N, N))},
    "a cap": {"mask": CAUSAL, "softcap": 1.7},
    "a sink in the weights": {"mask": CAUSAL, "sink": random(H)},
    "a sink of each query": {"mask": CAUSAL, "sink": random(H, N)},
    "a sink on the output": {"mask": Mask(before=4, after=0), "sink": random(H), "sink_scales": True},
    "a sink where nothing may be seen": {"mask": Mask(after=0, keys=KEYS > 5), "sink": random(H)},
    "a sink on the output where nothing may be seen": {
        "mask": Mask(array=scattered(N, N)), "sink": random(H), "sink_scales": True,
    },
    "sinks far above and below all scores": {"mask": Mask(array=scattered(N, N)), "sink": FAR},
    "sinks on the output, far above and below": {
        "mask": Mask(array=scattered(N, N)), "sink": FAR, "sink_scales": True,
    },
    "a temperature": {"mask": CAUSAL, "temperature": 0.4},
    "everything": {
        "mask": Mask(before=9, after=0, keys=KEYS != 8), "softcap": 2.0, "sink": random(H), "temperature": 1.9,
        "position_bias": PositionBias(n_q=N, n_k=N, by_distance=random(H, 2 * N - 1)),
    },
    "large scores": {"mask": CAUSAL, "scale": 20.0},
    "a head for each group": {"mask": CAUSAL, "key": random(H, N, D), "value": random(H, N, V)},
    "no values": {"mask": CAUSAL, "value": None},
}  # fmt: skip


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_every_stage_equals_the_reference(lab: Lab, rules: dict[str, Any]) -> None:
    made = record_without_values(**rules) if rules.get("value", 0) is None else record(**rules)
    trace = trace_of(made)
    for one in lab.heads(trace):
        view = trace.head(2, one["head"])
        compare(one, view)
        live = made.allowed(one["head"])
        comparable = made.output is not None and (live is None or bool(live.any()))
        assert one["check"]["ok"] is (True if comparable else None), one["check"]
        assert one["altered"] is False


def record_without_values(**rules: Any) -> AttentionRecord:
    return replace(record(**(rules | {"value": random(G, N, V)})), value=None, output=None)


@pytest.mark.parametrize(("n_q", "n_k"), [(NARROW, N), (N, NARROW), (1, N), (N, 1)])
def test_queries_and_keys_of_two_texts(lab: Lab, n_q: int, n_k: int) -> None:
    bias = PositionBias(n_q=n_q, n_k=n_k, by_distance=random(H, n_q + n_k - 1))
    for rules in ({}, {"position_bias": bias}, {"mask": Mask(array=random(n_q, n_k) > -1)}, {"mask": CAUSAL}):
        trace = trace_of(record(n_q, n_k, **rules))
        for one in lab.heads(trace):
            compare(one, trace.head(2, one["head"]))
            assert one["check"]["ok"] is True


# name, kind of model, sizes, kinds of attention; as in the tests of capture
TWINS: list[tuple[str, str, dict[str, Any]]] = [
    ("gpt_oss", "decoder", {}), ("granite_swa", "decoder", {}), ("gemma2", "decoder", {"attn_logit_softcapping": 5.0}),
    ("bloom", "decoder", {}), ("mistral", "decoder", {}), ("t5", "both", {}), ("bert", "encoder", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "sizes"), TWINS, ids=[name for name, *_ in TWINS])
def test_heads_of_models(lab: Lab, name: str, kind: str, sizes: dict[str, Any]) -> None:
    model = build(name, kind, **sizes)
    trace = attention.trace(model, ids(23), ids(9, seed=4) if kind == "both" else None)
    for own in trace.kinds:
        for one in lab.heads(trace, own):
            compare(one, trace.head(one["layer"], one["head"], own))
            assert one["check"]["ok"] is True, one["check"]


def test_all_heads_of_the_storyteller(lab: Lab) -> None:
    trace = attention.trace("storyteller", "Once upon a time there was a cat. The cat sat on the mat; it was tired.")
    made = lab.heads(trace)
    assert len(made) == 24
    for one in made:
        compare(one, trace.head(one["layer"], one["head"]))
        assert one["check"]["ok"] is True


def test_an_alignment_of_dates(lab: Lab) -> None:
    trace = attention.trace("dates", "the 3rd of May, 1998")
    for one in lab.heads(trace, "cross"):
        view = trace.head(one["layer"], one["head"], "cross")
        assert view.record.n_q != view.record.n_k
        compare(one, view)
        assert one["check"]["ok"] is True


def test_a_head_whose_query_and_key_are_unknown_is_made_of_its_maps(lab: Lab) -> None:
    sizes = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}
    model = build("deberta-v2", "encoder", **sizes)
    trace = attention.trace(model, ids(N))
    for one in lab.heads(trace, maps=True):
        compare(one, trace.head(one["layer"], one["head"]))
        assert one["check"]["ok"] is True
    hidden = lab.heads(trace, maps=True, hidden=[0], renormalised=True)[0]
    weights = trace.head(hidden["layer"], 0).weights.copy()
    weights[:, 0] = 0
    assert gap(array(hidden["stages"]["weights"], N, N), weights / weights.sum(-1, keepdims=True)) <= CLOSE
    refused = "async (options) => { const p = await lab.load(); try { lab.lib.head(p, 0, 0, options); } " \
        "catch (error) { return `${error.name}: ${error.message}`; } }"  # fmt: skip
    assert "its maps are not here" in lab.run(refused, heads_tree(trace), {})
    assert "temperature cannot be changed" in lab.run(refused, heads_tree(trace, maps=True), {"temperature": 2})
    without = lab.run(CHECKS, heads_tree(trace))[0]
    assert without["ok"] is False
    assert "its maps are not here" in without["words"]


@pytest.mark.parametrize("name", ["causal", "a sink in the weights", "a sink on the output", "everything", "a cap"])
@pytest.mark.parametrize("temperature", [0.25, 3.0])
def test_a_temperature(lab: Lab, name: str, temperature: float) -> None:
    made = record(**RULES[name])
    hot = trace_of(replace(made, temperature=temperature))
    for one in lab.heads(trace_of(made), temperature=temperature):
        compare(one, hot.head(2, one["head"]))
        assert one["altered"] is True
        assert one["check"]["ok"] is True  # of the head as the model ran it


HIDING = ["all open", "causal", "a dense mask", "a sink in the weights", "a sink on the output", "everything"]


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("hide_sink", [False, True])
def test_hidden_keys_leave_the_others_as_they_are(lab: Lab, name: str, hide_sink: bool) -> None:
    made = record(**RULES[name])
    trace = trace_of(made)
    for one in lab.heads(trace, hidden=[0, 17], hideSink=hide_sink):
        view = trace.head(2, one["head"])
        weights = view.weights.copy()
        weights[:, [0, 17]] = 0
        output = weights @ view.value * view.output_scale[:, None]
        compare_altered(one, view, weights, output, view.sink_weight, hide_sink)


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("hide_sink", [False, True])
def test_hidden_keys_renormalised_are_as_if_they_could_not_be_seen(lab: Lab, name: str, hide_sink: bool) -> None:
    made = record(**RULES[name])
    trace = trace_of(made)
    for one in lab.heads(trace, hidden=[0, 17], hideSink=hide_sink, renormalised=True):
        view = trace.head(2, one["head"])
        allowed = made.allowed(one["head"])
        mask = torch.ones(N, N, dtype=torch.bool) if allowed is None else allowed.clone()
        mask[:, [0, 17]] = False
        without = attend(
            made.query[one["head"]], made.key[made.kv_head(one["head"])], made.value[made.kv_head(one["head"])],
            scale=made.scale, softcap=made.softcap, mask=mask, temperature=made.temperature,
            bias=None if made.position_bias is None else made.position_bias.rows(one["head"], 0, N),
            sink=None if made.sink is None or hide_sink else made.sink[one["head"]], sink_scales=made.sink_scales,
        )  # fmt: skip
        share = None if without.sink_weight is None else without.sink_weight.numpy()
        compare_altered(one, view, without.weights.numpy(), without.mixed.numpy(), share, hide_sink)


def compare_altered(
    one: dict[str, Any],
    view: HeadView,
    weights: np.ndarray,
    output: np.ndarray,
    share: np.ndarray | None,
    hide_sink: bool,
) -> None:
    """The weights and what follows from them are others; the stages before them are the model's."""
    assert one["altered"] is True
    for name, theirs in view.stages[:-1]:
        assert gap(array(one["stages"][name], N, N), theirs) <= CLOSE
    assert gap(array(one["stages"]["weights"], N, N), weights) <= CLOSE
    assert gap(array(one["output"], N, V), output) <= CLOSE
    if view.sink_weight is not None:
        expected = np.zeros(N, dtype=np.float32) if hide_sink or share is None else share
        assert gap(array(one["sink"], N), expected) <= CLOSE
    assert one["check"]["ok"] is True


PARTS = """async ({ layer, head, query, queries }) => {
    const run = await lab.load();
    const fresh = () => lab.lib.head(run, layer, head);
    const view = fresh();
    const blocks = Object.fromEntries(view.names.map((name) => [name, [...fresh().blocks(name, 7)]]));
    return {
        row: lab.texts(Object.fromEntries(view.names.map((name) => [name, fresh().row(name, query)]))),
        rows: lab.texts(view.rows(query)), order: Object.keys(view.rows(query)),
        mixed: lab.text(fresh().mixed(query)), terms: lab.text(fresh().terms(query)), scale: view.outputScale(query),
        allowed: [...view.allowed(query)],
        mean: lab.text(view.together("weights", queries)), sum: lab.text(view.together("weights", queries, "sum")),
        mixture: lab.text(view.together("output", queries)),
        small: lab.text(fresh().thumbnail(9)), whole: fresh().thumbnail().shape,
        blocks: blocks.weights.map(({ start, stop, block }) => [start, stop, lab.text(block)]),
        noMap: lab.text(fresh().output),
        afterMap: (view.map("weights"), lab.text(view.output)), kept: view.map("weights") === view.map("weights"),
        shapes: [view.map("scores").shape, view.output.shape, view.terms(query).shape], width: view.width,
    };
}"""


@pytest.mark.parametrize("name", ["causal", "a window", "everything", "a sink on the output", "a dense mask"])
def test_rows_blocks_and_what_is_made_of_them(lab: Lab, name: str) -> None:
    trace = trace_of(record(**RULES[name]))
    query, queries = 20, [3, 20, 41]
    view = trace.head(2, 4)
    made = lab.run(PARTS, heads_tree(trace), {"layer": 2, "head": 4, "query": query, "queries": queries})
    assert made["order"] == [stage for stage, _ in view.stages]
    for stage, theirs in view.stages:
        assert gap(array(made["row"][stage], N), theirs[query]) <= CLOSE
        assert made["rows"][stage] == made["row"][stage]
    assert gap(array(made["mixed"], V), view.output[query]) <= CLOSE
    assert gap(array(made["terms"], N, V), view.value_terms(query)) <= CLOSE
    assert made["scale"] == pytest.approx(view.output_scale[query], abs=1e-6)
    allowed = view.record.allowed(4)
    assert allowed is not None
    assert made["allowed"] == allowed[query].int().tolist()
    assert gap(array(made["mean"], N), view.weights[queries].mean(axis=0)) <= CLOSE
    assert gap(array(made["sum"], N), view.weights[queries].sum(axis=0)) <= CLOSE
    assert gap(array(made["mixture"], V), view.output[queries].mean(axis=0)) <= CLOSE
    assert gap(array(made["small"], 9, 9), pool(view.weights, 9, 9)) <= CLOSE
    assert made["whole"] == [32, 32]
    assert [block[:2] for block in made["blocks"]] == [[s, min(s + 7, N)] for s in range(0, N, 7)]
    assert gap(np.concatenate([array(b, stop - s, N) for s, stop, b in made["blocks"]]), view.weights) <= CLOSE
    assert gap(array(made["afterMap"], N, V), view.output) <= CLOSE
    assert made["noMap"] == made["afterMap"], "the same to the last digit, whatever was looked at before"
    assert np.array_equal(array(made["mixed"], V), array(made["noMap"], N, V)[query])
    assert made["kept"] is True
    assert made["shapes"] == [[N, N], [N, V], [N, V]]
    assert made["width"] == V


def test_one_head_alone_is_found_by_its_own_number(lab: Lab) -> None:
    trace = trace_of(record(**RULES["everything"]))
    (one,) = lab.run(ALL, heads_tree(trace, heads=[5]), {})
    assert (one["layer"], one["head"]) == (2, 5)
    compare(one, trace.head(2, 5))
    assert one["check"]["ok"] is True


def test_the_tokens_that_are_no_text_are_found(lab: Lab) -> None:
    script = "async () => { const p = await lab.load(); return [lab.lib.specials(p, 2), lab.lib.specials(p, 9)]; }"
    assert lab.run(script, heads_tree(trace_of(record()))) == [[0], []]


REFUSED = """async ([layer, head, options]) => {
    const run = await lab.load();
    try { return lab.lib.head(run, layer, head, options).row("nothing", 0) && ""; }
    catch (error) { return `${error.name}: ${error.message}`; }
}"""


@pytest.mark.parametrize(("asked", "words"), [
    ([9, 0, {}], "RangeError: Layer 9 is not here; those that are: 2."),
    ([2, 6, {}], "RangeError: Head 6 of layer 2 is not here; those that are: 0, 1, 2, 3, 4, 5."),
    ([2, 0, {"temperature": 0}], "RangeError: A temperature is a number above 0; got 0."),
    ([2, 0, {}], "RangeError: This head has no stage “nothing”; it has: scores, scaled, masked, weights."),
])  # fmt: skip
def test_what_cannot_be_made_says_why(lab: Lab, asked: list[Any], words: str) -> None:
    assert lab.run(REFUSED, heads_tree(trace_of(record(mask=CAUSAL))), asked) == words


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, Any]], None]:
    """A fault in one array of the layer."""

    def plant(layer: dict[str, Any]) -> None:
        layer[name] = np.ascontiguousarray(change(layer[name].copy()))

    return plant


def one_number(array: np.ndarray) -> np.ndarray:
    array[:, 0, 1] += 0.5
    return array


def not_a_number(array: np.ndarray) -> np.ndarray:
    array[:, 0, 1] = np.nan
    return array


def without_mask(layer: dict[str, Any]) -> None:
    layer["mask"] = {"before": None, "after": None, "keys": None, "bits": None}


def without(name: str) -> Callable[[dict[str, Any]], None]:
    def plant(layer: dict[str, Any]) -> None:
        layer[name] = None

    return plant


def scaled(layer: dict[str, Any]) -> None:
    layer["scale"] *= 1.01


def without_padding(layer: dict[str, Any]) -> None:
    layer["mask"]["keys"] = None


FAULTS: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "a number of the values": ("causal", changed("value", one_number)),
    "a number of the keys": ("causal", changed("key", one_number)),
    "not a number": ("causal", changed("value", not_a_number)),
    "heads swapped": ("causal", changed("query", lambda query: query[::-1])),
    "groups swapped": ("causal", changed("key", lambda key: key[::-1])),
    "another head's output": ("causal", changed("output", lambda output: output[:, ::-1])),
    "the mask dropped": ("causal", without_mask),
    "the bits dropped": ("a dense mask", without_mask),
    "the padding dropped": ("everything", without_padding),
    "the scale": ("causal", scaled),
    "the cap dropped": ("a cap", without("softcap")),
    "the bias dropped": ("a bias by distance", without("bias")),
    "the sink dropped": ("a sink in the weights", without("sink")),
    "the sink on the output dropped": ("a sink on the output", without("sink")),
    "too few keys": ("causal", changed("key", lambda key: key[:, :-3])),
    "too few values": ("causal", changed("value", lambda value: value[:, :-3])),
    "another width": ("causal", changed("value", lambda value: value[..., :-1])),
    "no mask at all": ("causal", without("mask")),
    "no groups": ("causal", without("groups")),
}


@pytest.mark.parametrize(("name", "plant"), FAULTS.values(), ids=FAULTS)
def test_a_payload_that_was_tampered_with_is_noticed(
    lab: Lab, name: str, plant: Callable[[dict[str, Any]], None]
) -> None:
    tree = heads_tree(trace_of(record(**RULES[name])))
    assert all(check["ok"] is True for check in lab.run(CHECKS, tree))
    plant(tree["layers"][0])
    for check in lab.run(CHECKS, tree):
        assert check["ok"] is False
        assert check["words"].startswith("Do not trust this head")
        assert not check["relative"] <= 1e-5


def test_the_check_says_how_close_it_is(lab: Lab) -> None:
    check = lab.run(CHECKS, heads_tree(trace_of(record(mask=CAUSAL))))[0]
    assert check["allowed"] == 1e-5
    assert 0 < check["relative"] < 1e-6
    assert check["words"].startswith("Made in this browser, the output equals the model’s own within ")


def test_half_precision_is_held_to_what_it_can_keep(lab: Lab) -> None:
    made = record(mask=CAUSAL)
    halves = {name: getattr(made, name).half() for name in ("query", "key", "value", "output")}
    trace = trace_of(replace(made, **halves))
    for one in lab.heads(trace):
        compare(one, trace.head(2, one["head"]))
        assert one["check"]["ok"] is True
        assert one["check"]["allowed"] == 5e-3


def test_without_an_output_nothing_is_claimed(lab: Lab) -> None:
    check = lab.run(CHECKS, heads_tree(trace_of(replace(record(), output=None))))[0]
    assert check["ok"] is None
    assert check["words"] == "This head could not be checked: the model’s own output is not known."
