"""What travels to the browser for a head: in numbers, in bytes, and that nothing grows with the square of the text."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import attention
from attention.browser import codec
from attention.browser.heads import LIMIT, fits, heads_tree, size
from attention.errors import NoSuchHeadError
from attention.record import AttentionRecord, Mask, ModelFacts, PositionBias, Token, Trace
from tests.tiny import build, ids

H, G, D, V, N = 6, 2, 5, 3, 29
STORY = "Once upon a time there was a little girl who lived with her mother near the wood, and one day she said: "


def record(n: int = N, **rules: Any) -> AttentionRecord:
    """Six heads in two groups on n tokens, causal unless the rules say otherwise."""
    draw = torch.Generator().manual_seed(n)
    query, output = torch.randn(H, n, D, generator=draw), torch.randn(n, H, V, generator=draw)
    key, value = torch.randn(G, n, D, generator=draw), torch.randn(G, n, V, generator=draw)
    fields = {"query": query, "key": key, "value": value, "output": output, "scale": 0.3, "mask": Mask(after=0)}
    return AttentionRecord(layer=0, kind="decoder", **{**fields, **rules})


def trace_of(*records: AttentionRecord) -> Trace:
    facts = ModelFacts(name="made", architecture="none", capture_mode="tensors")
    layers = tuple(replace(one, layer=number) for number, one in enumerate(records))
    tokens = tuple(Token(piece=str(i), text=str(i), special=i == 0) for i in range(records[0].n_k))
    return Trace(model=facts, tokens=tokens, all_records=layers)


def layer_of(made: AttentionRecord, **how: Any) -> dict[str, Any]:
    """The one layer as it arrives: packed and parsed."""
    return codec.parse(codec.pack(heads_tree(trace_of(made), **how)))["layers"][0]


def arrays(node: Any) -> Iterator[np.ndarray]:
    if isinstance(node, np.ndarray):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from arrays(inner)


def test_a_layer_arrives_as_it_was() -> None:
    made = record(softcap=4.0, sink=torch.randn(H))
    layer = layer_of(made)
    assert (layer["layer"], layer["queries"], layer["keys"], layer["heads"]) == (0, N, N, list(range(H)))
    assert layer["groups"] == [made.kv_head(head) for head in range(H)]
    for name in ("query", "key", "value", "output", "sink"):
        assert layer[name].dtype == np.float32
        assert np.array_equal(layer[name], getattr(made, name).numpy())
    assert (layer["scale"], layer["softcap"], layer["temperature"], layer["sinkScales"]) == (0.3, 4.0, 1.0, False)
    assert layer["mask"] == {"before": None, "after": 0, "keys": None, "bits": None}
    assert (layer["bias"], layer["maps"], layer["needs"], layer["unknown"]) == (None, None, "", [])
    assert layer["special"]["keys"].tolist() == layer["special"]["queries"].tolist() == [1] + [0] * (N - 1)
    assert layer["allowed"] == 1e-5


def test_some_heads_travel_with_the_groups_that_they_read() -> None:
    bias = PositionBias(n_q=N, n_k=N, by_key=torch.randn(H, N))
    array = torch.rand(H, N, N) < 0.5
    made = record(position_bias=bias, sink=torch.randn(H, N), mask=Mask(array=array))
    layer = layer_of(made, heads=[5, 4])
    assert (layer["heads"], layer["groups"], layer["key"].shape) == ([5, 4], [0, 0], (1, N, D))
    assert np.array_equal(layer["key"][0], made.key[1].numpy())
    assert np.array_equal(layer["query"], made.query[[5, 4]].numpy())
    assert np.array_equal(layer["output"], made.output[:, [5, 4]].numpy())
    assert np.array_equal(layer["sink"], made.sink[[5, 4]].numpy())
    assert np.array_equal(layer["bias"]["byKey"], bias.by_key[[5, 4]].numpy())
    assert np.array_equal(opened(layer["mask"]["bits"]), array[[5, 4]].numpy())


def opened(bits: np.ndarray) -> np.ndarray:
    return np.unpackbits(bits, axis=-1, bitorder="little")[..., :N].astype(bool)


def test_a_rule_travels_as_a_rule() -> None:
    padding = torch.arange(N) > 3
    layer = layer_of(record(mask=Mask(before=6, after=0, keys=padding)))
    assert (layer["mask"]["before"], layer["mask"]["after"], layer["mask"]["bits"]) == (6, 0, None)
    assert layer["mask"]["keys"].dtype == np.uint8
    assert np.array_equal(layer["mask"]["keys"].astype(bool), padding.numpy())


@pytest.mark.parametrize("shape", [(N, N), (H, N, N)])
def test_a_mask_without_a_rule_travels_as_bits(shape: tuple[int, ...]) -> None:
    array = torch.rand(shape) < 0.5
    mask = layer_of(record(mask=Mask(array=array, after=0)))["mask"]
    assert mask["bits"].dtype == np.uint8
    assert mask["bits"].nbytes == math.prod(shape[:-1]) * math.ceil(N / 8)
    assert np.array_equal(opened(mask["bits"]), array.numpy())
    assert mask["after"] is None  # the array is the whole mask, here and there


@pytest.mark.parametrize(("form", "name", "shape"), [
    ("by_distance", "byDistance", (1, 2 * N - 1)), ("by_key", "byKey", (H, N)), ("dense", "dense", (H, N, N)),
])  # fmt: skip
def test_a_bias_travels_in_its_own_form(form: str, name: str, shape: tuple[int, ...]) -> None:
    numbers = torch.randn(shape)
    bias = layer_of(record(position_bias=PositionBias(n_q=N, n_k=N, **{form: numbers})))["bias"]
    assert list(bias) == [name]
    assert np.array_equal(bias[name], numbers.numpy())


def test_nothing_that_travels_grows_with_the_square_of_the_text() -> None:
    biases = [PositionBias(n_q=n, n_k=n, by_distance=torch.randn(H, 2 * n - 1)) for n in (N, 2 * N)]
    made = [record(n, mask=Mask(before=3, after=0), position_bias=b) for n, b in zip((N, 2 * N), biases, strict=True)]
    counts = [sum(array.nbytes for array in arrays(heads_tree(trace_of(one)))) for one in made]
    assert counts[1] < 2 * counts[0] + 100


def test_half_precision_is_widened_and_its_tolerance_travels() -> None:
    halves = {name: getattr(record(), name).half() for name in ("query", "key", "value", "output")}
    layer = layer_of(record(**halves))
    assert layer["query"].dtype == np.float32
    assert np.array_equal(layer["query"], halves["query"].float().numpy())
    assert layer["allowed"] == 5e-3


def test_weights_alone_say_that_maps_are_needed() -> None:
    weights = torch.rand(H, N, N).softmax(-1)
    made = record(query=None, key=None, weights=weights)
    layer = layer_of(made)
    assert (layer["needs"], layer["unknown"], layer["maps"]) == ("maps", ["query", "key"], None)
    maps = layer_of(made, heads=[2], maps=True)["maps"]
    assert maps["masked"] is None
    assert np.array_equal(maps["weights"], weights[[2]].numpy())


def test_scores_that_a_model_shows_travel_when_asked() -> None:
    sizes = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 32}
    model = build("deberta-v2", "encoder", **sizes)
    trace = attention.trace(model, ids(N))
    assert heads_tree(trace)["layers"][0]["maps"] is None
    layer = heads_tree(trace, layers=[1], heads=[2], maps=True)["layers"][0]
    view = trace.head(1, 2)
    assert np.array_equal(layer["maps"]["masked"][0], view.masked)
    assert np.array_equal(layer["maps"]["weights"][0], view.weights)
    assert np.array_equal(layer["value"][0], view.value)


def test_known_heads_send_no_maps_though_asked() -> None:
    assert layer_of(record(), maps=True)["maps"] is None


@pytest.mark.parametrize("how", [{"layers": [7]}, {"heads": [H]}, {"heads": [-1]}])
def test_what_is_not_there_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(NoSuchHeadError):
        heads_tree(trace_of(record()), **how)


def test_the_storyteller_fits_with_all_its_heads() -> None:
    trace = attention.trace("storyteller", STORY)
    trace = attention.trace("storyteller", [token.id for token in (trace.tokens * 4)[:64]])
    data = codec.pack(heads_tree(trace))
    numbers = 4 * 64 * 4 * 192 * 4  # layers, tokens, (q, k, v, output), width, bytes
    assert numbers <= len(data) < 1.02 * numbers
    assert fits(trace) == "all"
    assert size(list(trace.records().values())) >= len(data)
    most = trace.model.max_tokens
    assert most
    longer = attention.trace("storyteller", [token.id for token in (trace.tokens * 8)[:most]])
    assert len(longer.tokens) == most
    assert fits(longer) == "all"
    assert len(codec.pack(heads_tree(longer))) <= LIMIT
    assert fits(longer, limit_bytes=LIMIT // 2) == "layer"
    assert fits(longer, limit_bytes=100_000) == "head"


def test_what_layers_share_travels_and_counts_once() -> None:
    bias = PositionBias(n_q=N, n_k=N, dense=torch.randn(H, N, N))
    mask = Mask(array=torch.rand(N, N) < 0.5)
    one, both = (
        codec.pack(heads_tree(trace_of(*records)))
        for records in ([record(mask=mask, position_bias=bias)], [record(mask=mask, position_bias=bias)] * 2)
    )
    assert len(both) - len(one) < 3_000
    two = [record(mask=mask, position_bias=bias), record(2 * N)]
    assert size([*two, two[0]]) - size(two) < size([two[0]]) - 4 * H * N * N


@pytest.mark.parametrize("made", [
    record(), record(sink=torch.randn(H, N)), record(mask=Mask(array=torch.rand(H, N, N) < 0.5)),
    record(position_bias=PositionBias(n_q=N, n_k=N, dense=torch.randn(1, N, N)), mask=Mask(keys=torch.ones(N) > 0)),
])  # fmt: skip
def test_the_size_is_told_before_anything_is_packed(made: AttentionRecord) -> None:
    real = len(codec.pack(heads_tree(trace_of(made))))
    assert real <= size([made]) < real + 3_000
