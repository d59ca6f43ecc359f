"""The arithmetic under the figures of lessons 7 to 10 and 14, held against numpy, torch and transformers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser
from torch import nn
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.t5.modeling_t5 import T5Attention

from attention.cost import cost
from tests.chromium.lab import Lab, opened

SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const names = ["cost", "measure", "norms", "online", "places", "singular", "twins"];
    const modules = await Promise.all(names.map((name) => import(`/lesson/${name}.js`)));
    const lib = Object.fromEntries(names.map((name, i) => [name, modules[i]]));
    const { random } = await import("/local/random.js");
    globalThis.lab = { ui, lib, random };
}"""
EXACT = 1e-9
NUMBERS = np.random.default_rng(7)


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def said(lab: Lab, script: str, argument: Any = None) -> Any:
    return lab.page.evaluate(script, argument)


def drawn(lab: Lab, seed: int, count: int) -> np.ndarray:
    """What `random(seed).normal()` gives, call by call."""
    script = """([seed, length]) => {
        const numbers = lab.random(seed);
        return Array.from({ length }, () => numbers.normal());
    }"""
    return np.array(said(lab, script, [seed, count]))


# Cost


@pytest.mark.parametrize(("n", "m", "h", "g"), [(7, 12, 3, 3), (100, 64, 8, 2), (33, 768, 12, 1), (1024, 512, 1, 1)])
def test_an_attention_layer_costs_what_python_says(lab: Lab, n: int, m: int, h: int, g: int) -> None:
    found = said(lab, "([n, m, h, g]) => lab.lib.cost.costOf({ n, m, h, g })", [n, m, h, g])
    theirs = cost(n, m, h, g, bytes_per_number=1)
    assert found == {
        "parameters": theirs.parameters,
        "projections": theirs.projection_flops / 2,
        "attention": (theirs.score_flops + theirs.mix_flops) / 2,
        "maps": theirs.map_bytes,
        "kept": theirs.kept_bytes,
        "cache": theirs.cache_bytes,
    }


@pytest.mark.parametrize(("name", "layer"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_a_recurrent_layer_costs_its_matrices_at_each_step(lab: Lab, name: str, layer: type[nn.Module]) -> None:
    matrices = sum(one.numel() for one in layer(11, 11, bias=False).parameters())
    assert said(lab, "([name]) => lab.lib.cost.recurrentOf(name, 5, 11)", [name]) == 5 * matrices


def test_a_feed_forward_layer_costs_its_two_matrices(lab: Lab) -> None:
    matrices = nn.Linear(13, 52, bias=False).weight.numel() + nn.Linear(52, 13, bias=False).weight.numel()
    assert said(lab, "() => lab.lib.cost.feedForwardOf(3, 13)") == 3 * matrices


@pytest.mark.parametrize(("n", "w"), [(1, 8), (8, 8), (40, 8)])
def test_a_token_costs_the_last_row_of_a_pass(lab: Lab, n: int, w: int) -> None:
    found = said(lab, "([n, w]) => lab.lib.cost.stepOf({ n, m: 16, w })", [n, w])
    projections = 4 * 16 * 16
    assert found["cached"] == projections + sum(2 * 16 for _ in range(n))
    assert found["windowed"] == projections + sum(2 * 16 for key in range(n) if key >= n - w)
    assert found["again"] == n * projections + sum(2 * 16 for _ in range(n) for _ in range(n))


@pytest.mark.parametrize(
    ("layers", "heads", "width", "number", "words"),
    [(12, 12, 64, 4, "72 KiB"), (32, 8, 128, 2, "128 KiB"), (80, 8, 128, 2, "320 KiB"), (80, 64, 128, 2, "2.5 MiB")],
)
def test_a_cache_takes_the_bytes_of_its_arrays(
    lab: Lab, layers: int, heads: int, width: int, number: int, words: str
) -> None:
    dtype = torch.float32 if number == 4 else torch.float16
    array = torch.empty(2, layers, heads, 1, width, dtype=dtype, device="meta")
    script = "([layers, kvHeads, width, bytes]) => lab.lib.cost.cacheBytes({ layers, kvHeads, width, bytes })"
    found = said(lab, script, [layers, heads, width, number])
    assert found == array.numel() * array.element_size()
    assert said(lab, "([value]) => lab.lib.cost.bytesIn(value)", [found]) == words


# Singular values


@pytest.mark.parametrize(("rows", "columns", "rank"), [(7, 5, 5), (5, 7, 5), (16, 16, 3), (1, 4, 1), (24, 24, 24)])
def test_singular_values_are_those_of_numpy(lab: Lab, rows: int, columns: int, rank: int) -> None:
    matrix = (NUMBERS.normal(size=(rows, rank)) @ NUMBERS.normal(size=(rank, columns))).astype(np.float32)
    script = """([numbers, shape]) => {
        const matrix = Float32Array.from(numbers);
        matrix.shape = shape;
        const values = lab.lib.singular.singularValues(matrix);
        return [[...values], lab.lib.singular.rankOf(values)];
    }"""
    values, found = said(lab, script, [matrix.ravel().tolist(), [rows, columns]])
    theirs = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    assert np.abs(np.array(values) - theirs).max() < EXACT * theirs[0]
    assert found == rank


# Places


@pytest.mark.parametrize("d", [2, 8, 64])
def test_sinusoids_are_waves_of_the_paper(lab: Lab, d: int) -> None:
    found = said(lab, "([d]) => [0, 1, 17, 103].map((place) => [...lab.lib.places.sinusoid(place, d)])", [d])
    angles = np.array([0, 1, 17, 103])[:, None] / 10000 ** (np.arange(0, d, 2) / d)
    theirs = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(4, d)
    assert np.abs(np.array(found) - theirs).max() < EXACT


def test_a_turn_is_a_product_of_complex_numbers(lab: Lab) -> None:
    vector = NUMBERS.normal(size=16)
    found = said(lab, "([v]) => [...lab.lib.places.turned(Float64Array.from(v), 23)]", [vector.tolist()])
    pairs = vector[::2] + 1j * vector[1::2]
    theirs = pairs * np.exp(1j * 23 / 10000 ** (np.arange(0, 16, 2) / 16))
    assert np.abs(np.array(found) - np.stack([theirs.real, theirs.imag], -1).ravel()).max() < EXACT


@pytest.mark.parametrize("h", [2, 4, 8, 16])
def test_slopes_are_those_of_bloom(lab: Lab, h: int) -> None:
    found = said(lab, "([h]) => [...lab.lib.places.slopes(h)]", [h])
    theirs = build_alibi_tensor(torch.ones(1, 2), h, torch.float64)[:, 0, 1]
    assert np.abs(np.array(found) - theirs.numpy()).max() < 1e-7


@pytest.mark.parametrize("both", [True, False])
def test_buckets_are_those_of_t5(lab: Lab, both: bool) -> None:
    distances = list(range(-300, 301))
    script = "([distances, both]) => distances.map((one) => lab.lib.places.bucketOf(one, { both }))"
    theirs = T5Attention._relative_position_bucket(torch.tensor(distances), bidirectional=both)
    assert said(lab, script, [distances, both]) == theirs.tolist()


# A row in blocks


@pytest.mark.parametrize("block", [1, 3, 8, 50])
def test_a_row_in_blocks_is_torchs_row(lab: Lab, block: int) -> None:
    scores, values = NUMBERS.normal(size=29) * 30, NUMBERS.normal(size=(29, 5))
    script = """([scores, values, block]) => {
        const { streamed, whole } = lab.lib.online;
        const states = streamed(scores, values, block);
        const last = states.at(-1);
        return [[...last.mixed].map((one) => one / last.total), [...whole(scores, values)], states.length];
    }"""
    streamed, whole, count = said(lab, script, [scores.tolist(), values.tolist(), block])
    theirs = torch.softmax(torch.tensor(scores), 0) @ torch.tensor(values)
    assert np.abs(np.array(streamed) - theirs.numpy()).max() < EXACT
    assert np.abs(np.array(whole) - theirs.numpy()).max() < EXACT
    assert count == -(-29 // block)


# Norms


@pytest.mark.parametrize("kind", ["pre", "post"])
def test_the_stream_and_its_gradients_are_torchs(lab: Lab, kind: str) -> None:
    blocks, d, seed = 3, 6, 4
    found = said(
        lab, "([kind, blocks, d, seed]) => { const made = lab.lib.norms.stacked(kind, blocks, d, lab.random(seed));"
        " return { sizes: [...made.sizes], gradients: [...made.gradients] }; }", [kind, blocks, d, seed],
    )  # fmt: skip
    sizes, gradients = stack_of(lab, kind, blocks, d, seed)
    assert np.allclose(found["sizes"], sizes, rtol=1e-7)
    assert np.allclose(found["gradients"], gradients, rtol=1e-7)


def stack_of(lab: Lab, kind: str, blocks: int, d: int, seed: int) -> tuple[list[float], list[float]]:
    """The same stack in torch, the gradients at each block's work by autograd."""
    numbers = torch.tensor(drawn(lab, seed, blocks * d * d + 2 * d))
    matrices = numbers[: blocks * d * d].reshape(blocks, d, d) / d**0.5
    readout, x = numbers[-2 * d : -d], numbers[-d:]
    norm = nn.LayerNorm(d, eps=1e-5, elementwise_affine=False)
    stream, sizes, works = norm(x), [], []
    for matrix in matrices:
        work = (matrix @ (norm(stream) if kind == "pre" else stream)).requires_grad_()
        work.retain_grad()
        works.append(work)
        stream = stream + work if kind == "pre" else norm(stream + work)
        sizes.append(float(stream.detach().pow(2).mean().sqrt()))
    (readout @ (norm(stream) if kind == "pre" else stream)).backward()
    return sizes, [float(work.grad.pow(2).mean().sqrt()) for work in works if work.grad is not None]


# Two heads


@pytest.mark.parametrize(("one", "other"), [(5, 5), (5, 8)])
def test_two_heads_descend_as_with_torchs_gradients(lab: Lab, one: int, other: int) -> None:
    found = said(lab, "([one, other]) => lab.lib.twins.trained(one, other, 12, 3)", [one, other])
    apart, losses = found["apart"], found["losses"]
    theirs_apart, theirs_losses = twins_of(lab, one, other, 12, 3)
    assert np.allclose(apart, theirs_apart, rtol=1e-6, atol=1e-9)
    assert np.allclose(losses, theirs_losses, rtol=1e-6)
    assert (set(apart) == {0}) == (one == other)


def twins_of(lab: Lab, one: int, other: int, steps: int, task: int) -> tuple[list[float], list[float]]:
    numbers = torch.tensor(drawn(lab, task + 500_000, 48 * 6 * 4 + 16))
    texts, rest = numbers[: 48 * 6 * 4].reshape(48, 6, 4), numbers[48 * 6 * 4 :].reshape(2, 2, 4)
    answers = read(rest * torch.tensor([2.0, 1.0])[None, :, None], texts)
    sizes = torch.tensor([1.0, 0.5])[:, None]
    starts = [torch.tensor(drawn(lab, seed, 8)).reshape(2, 4) * sizes for seed in (one, other)]
    heads = torch.stack(starts).requires_grad_()
    apart, losses = [], []
    for _ in range(steps + 1):
        loss = (read(heads, texts) - answers).pow(2).sum() / (2 * len(texts))
        apart.append(float((heads[0] - heads[1]).detach().norm()))
        losses.append(float(loss.detach()))
        (gradient,) = torch.autograd.grad(loss, heads)
        heads.data -= 0.05 * gradient
    return apart, losses


def read(heads: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """heads (2, score and read, 4), texts (t, 6, 4) → (t,)."""
    weights = torch.einsum("tpd,hd->htp", texts, heads[:, 0]).softmax(-1)
    return (weights * torch.einsum("tpd,hd->htp", texts, heads[:, 1])).sum((0, 2))


# Measuring


def test_a_measurement_is_spread_over_turns_and_gives_medians(lab: Lab) -> None:
    script = """() => new Promise((done) => {
        let [turns, time] = [0, 0];
        const clock = () => { time += 0.5; return time; };
        const told = () => { turns++; };
        const over = (found) => done({ ...found, turns });
        lab.lib.measure.measure({ d: 16, lengths: [8, 16], clock, told, done: over });
    })"""
    found = said(lab, script)
    assert [n for n, _ in found["projections"]] == [8, 16] == [n for n, _ in found["attention"]]
    assert all(time > 0 for name in ("projections", "attention") for _, time in found[name])
    assert found["turns"] > 10
    assert found["rate"] == pytest.approx(4 * 16 * 16 * 16 / found["projections"][-1][1])


def test_a_measurement_that_is_ended_says_nothing_more(lab: Lab) -> None:
    script = """() => new Promise((done) => {
        let count = 0;
        const told = () => { count++; if (count === 2) stop(); };
        const stop = lab.lib.measure.measure({ d: 64, lengths: [8, 64], told, done: () => done("done") });
        setTimeout(() => done(count), 200);
    })"""
    assert said(lab, script) == 2


def test_where_two_curves_cross(lab: Lab) -> None:
    script = "([one, other]) => lab.lib.measure.crossingOf(one, other)"
    assert said(lab, script, [[[10, 4], [40, 4]], [[10, 2], [40, 8]]]) == pytest.approx(20)
    assert said(lab, script, [[[10, 4], [40, 4]], [[10, 5], [40, 8]]]) is None
    assert said(lab, script, [[[10, 4], [40, 40]], [[10, 2], [40, 8]]]) is None
