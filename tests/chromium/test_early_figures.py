"""The figures of lessons 1 to 6 on a blank page: what they know, what their steps promise, and their arithmetic.

References are torch, numpy and closed forms, never the figures themselves.
"""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward

from attention.lessons.records import Guess, Step
from tests.chromium.alone import kind_of, palette, settings_of, steps
from tests.chromium.lab import Lab, opened

NAMES = ("01-why", "02-vectors", "03-scores", "04-softmax", "05-values", "06-masks")
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const tiny = await import("/lesson/tiny.js");
    const { tokensOf } = await import("/local/words.js");
    globalThis.lab = {
        tiny, tokensOf,
        show: async ([module, settings, palette, width]) => {
            lab.figure?.stop();
            document.body.replaceChildren();
            const host = document.createElement("div");
            host.style.width = `${width}px`;
            document.body.append(host);
            const root = document.createElement("div");
            host.attachShadow({ mode: "open" }).append(root);
            const { default: make } = await import(`/lesson/figures/${module}.js`);
            const given = { store: "s", mount: () => () => {}, say: () => {}, lesson: {} };
            const changed = () => { lab.changes++; };
            Object.assign(lab, { root, own: "", changes: 0 });
            lab.figure = await make({ root, settings, context: { ui, palette: () => palette, sentence: () => lab.own, changed, ...given } });
            return lab.told();
        },
        told: () => ({
            facts: lab.figure.facts(), words: lab.root.querySelector(".numbers").textContent, changes: lab.changes, wide: lab.root.scrollWidth,
            labels: [...lab.root.querySelectorAll("svg")].map((one) => one.getAttribute("aria-label")),
            covered: lab.root.querySelectorAll("[data-result]").length, texts: lab.root.textContent,
        }),
        set: (at, value) => {
            const input = lab.root.querySelectorAll("input")[at];
            if (input.type === "checkbox") input.click();
            else {
                input.value = String(value);
                input.dispatchEvent(new Event("input"));
            }
            return lab.told();
        },
        press: (words) => {
            [...lab.root.querySelectorAll("button")].find((one) => one.textContent === words).click();
            return lab.told();
        },
    };
}"""  # noqa: E501
SENTENCE = "The cat sat on the mat"


STEPS = list(steps(NAMES))
OWN = sorted({step.figure.kind for _, step in STEPS if step.figure})


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def show(lab: Lab, kind: str, *, room: int = 720, dark: bool = False, **settings: Any) -> Any:
    given = [kind_of(kind).module, settings_of(kind, **settings), palette("dark" if dark else "light"), room]
    return lab.page.evaluate("lab.show", given)


def facts(lab: Lab, kind: str, **settings: Any) -> Any:
    return show(lab, kind, **settings)["facts"]


# What every figure keeps to

SEEDED = [kind for kind in OWN if "seed" in kind_of(kind).settings]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}#{step.anchor}" for name, step in STEPS])
def test_a_steps_figure_knows_what_its_guess_asks(lab: Lab, name: str, step: Step) -> None:
    assert step.figure is not None
    told = show(lab, step.figure.kind, **step.figure.settings)
    row = kind_of(step.figure.kind)
    assert set(row.facts) <= set(told["facts"])
    assert told["covered"] == 1
    assert told["labels"]
    assert all(told["labels"])
    assert "undefined" not in told["texts"] + "".join(told["labels"])
    if step.guess is not None:
        assert fits(step.guess, told["facts"][step.guess.answer])


def fits(guess: Guess, truth: Any) -> bool:
    """Whether what is true can be said: one of the options, or a number between the two."""
    if guess.options:
        return isinstance(truth, int) and 0 <= truth < len(guess.options)
    return guess.low <= truth <= guess.high


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("dark", [False, True])
def test_a_figure_fits_a_phone_in_both_themes(lab: Lab, kind: str, dark: bool) -> None:
    assert show(lab, kind, room=340, dark=dark)["wide"] <= 340


@pytest.mark.parametrize("kind", SEEDED)
def test_another_seed_gives_other_numbers_and_the_same_seed_the_same(lab: Lab, kind: str) -> None:
    done = {"step": 12} if kind == "path" else {}
    first = show(lab, kind, seed=4, **done)
    again = show(lab, kind, seed=4, **done)
    assert first["texts"] == again["texts"]
    other = lab.page.evaluate("lab.press", "Another seed")
    assert other["texts"] != first["texts"]
    assert show(lab, kind, seed=5, **done)["texts"] == other["texts"]


@pytest.mark.parametrize("kind", [kind for kind in OWN if "own" in kind_of(kind).settings])
def test_a_persons_own_sentence_takes_the_texts_place_and_is_only_text(lab: Lab, kind: str) -> None:
    before = show(lab, kind, own=True)
    lab.page.evaluate("lab.own = 'Bäume <img src=x onerror=alert(1)>'; lab.figure.draw()")
    after = lab.page.evaluate("lab.told()")
    assert after["texts"] != before["texts"]
    assert "Bäume" in after["texts"]
    assert lab.page.evaluate("lab.root.querySelectorAll('img').length") == 0


# One head, and the maps that are made of it

HEAD = """([text, d, seed, biases, causal]) => {
    const { tinyOf, headOf } = lab.tiny;
    const made = tinyOf(lab.tokensOf(text), { d, seed });
    return { ...made, ...headOf(made, { biases, allowed: (i, j) => !causal || j <= i }) };
}"""


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("side", ["", "query", "key", "value"])
def test_a_small_head_is_torchs(lab: Lab, causal: bool, side: str) -> None:
    biases = {side: [0.5, -1.0, 2.0]} if side else {}
    made = lab.page.evaluate(HEAD, [SENTENCE, 3, 9, biases, causal])
    x, *matrices = (torch.tensor(made[name], dtype=torch.float64) for name in ("x", "query", "key", "value"))
    query, key, value = (
        x @ matrix + torch.tensor(biases.get(name, [0.0] * 3), dtype=torch.float64)
        for name, matrix in zip(("query", "key", "value"), matrices, strict=True)
    )
    expected = scaled_dot_product_attention(query, key, value, is_causal=causal)
    assert torch.allclose(torch.tensor(made["output"], dtype=torch.float64), expected, atol=1e-12)


MAP = "([text, d, seed]) => lab.tiny.tinyOf(lab.tokensOf(text), { d, seed })"


@pytest.mark.parametrize("axis", ["keys", "queries"])
@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_a_maps_sums_are_torchs(lab: Lab, axis: str, tie: bool, causal: bool) -> None:
    own = facts(lab, "maps", axis=axis, tie=tie, causal=causal, after=causal, seed=6)
    made = lab.page.evaluate(MAP, [SENTENCE, 8, 6])
    x, query, key = (torch.tensor(made[name], dtype=torch.float64) for name in ("x", "query", "key"))
    scores = (x if tie else x @ query) @ (x if tie else x @ key).T / math.sqrt(8)
    weights = scores.softmax(dim=1 if axis == "keys" else 0)
    weights = weights.tril() if causal else weights
    assert own["row_low"] == pytest.approx(float(weights.sum(1).min()), abs=1e-9)
    assert own["column_high"] == pytest.approx(float(weights.sum(0).max()), abs=1e-9)
    assert own["score_asymmetry"] == pytest.approx(float((scores - scores.T).abs().max()), abs=1e-9)
    assert own["weight_asymmetry"] == pytest.approx(float((weights - weights.T).abs().max()), abs=1e-9)
    assert own["open"] == (21 if causal else 36)


def test_a_mask_without_the_diagonal_makes_the_first_row_nan_and_no_other(lab: Lab) -> None:
    own = facts(lab, "maps", causal=True, keep_self=False)
    assert own["nan_rows"] == 1
    assert own["first_row"] == 2
    assert math.isnan(own["row_low"])


def test_padding_and_a_causal_mask_are_joined_by_and(lab: Lab) -> None:
    own = facts(lab, "maps", text="The cat sat", causal=True, padding=2)
    places = torch.arange(5)
    assert own["open"] == int((torch.ones(5, 5).tril().bool() & (places < 3)).sum())
    assert own["rows_even"] == 0


def test_a_key_bias_does_nothing_and_a_value_bias_the_same_to_every_row(lab: Lab) -> None:
    own = facts(lab, "bias", size=3.0)
    assert own["key_change"] < 1e-12
    assert own["value_change"] == 0
    assert own["value_spread"] < 1e-12 < own["value_out"]
    assert own["query_change"] > 0.05


def test_rows_before_an_exchanged_word_are_the_same_to_the_bit_under_a_mask_alone(lab: Lab) -> None:
    told = show(lab, "frozen", causal=True)
    assert (told["facts"]["which"], told["facts"]["changed"], told["facts"]["same"]) == (0, 1, 5)
    opened_ = lab.page.evaluate("lab.set(0)")["facts"]
    assert (opened_["which"], opened_["changed"]) == (1, 6)
    assert opened_["earlier_change"] > 1e-3


def test_fixed_weights_stay_and_attentions_change(lab: Lab) -> None:
    own = facts(lab, "fixed")
    assert own["fixed_change"] == 0 < own["attention_change"]
    assert lab.page.evaluate("lab.press", "nothing else")["facts"]["which"] == 3


# Linear algebra


def test_singular_values_are_numpys(lab: Lab) -> None:
    make = np.random.default_rng(3)
    for rank in (1, 3, 8):
        matrix = make.standard_normal((8, rank)) @ make.standard_normal((rank, 8))
        own = lab.page.evaluate(
            "async (m) => (await import('/lesson/figures/rank.js')).singularOf(m)", matrix.tolist()
        )
        assert np.allclose(own, np.linalg.svd(matrix, compute_uv=False), atol=1e-9)


@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_product_of_two_narrow_matrices_has_the_rank_of_their_width(lab: Lab, width: int) -> None:
    own = facts(lab, "rank", width=width)
    assert own["rank"] == width
    assert own["error"] < 1e-12
    assert (own["two"], own["one"]) == (16 * width, 64)


@pytest.mark.parametrize(("n", "width"), [(6, 2), (9, 4), (4, 3), (3, 6), (2, 1)])
def test_free_directions_are_those_of_the_null_space(lab: Lab, n: int, width: int) -> None:
    own = facts(lab, "alike", n=n, width=width, amount=-0.8)
    assert own["free"] == max(0, n - width - 1)
    assert own["output_change"] < 1e-12
    assert own["least"] >= 0
    assert own["sum"] == pytest.approx(1, abs=1e-12)
    assert (own["change"] > 1e-3) == (own["free"] > 0)


def test_a_direction_that_is_called_free_is_none_of_the_conditions(lab: Lab) -> None:
    conditions = np.random.default_rng(5).standard_normal((3, 7))
    own = lab.page.evaluate("async (m) => (await import('/lesson/figures/alike.js')).freeOf(m)", conditions.tolist())
    assert np.linalg.matrix_rank(np.array(own)) == 4
    assert np.abs(conditions @ np.array(own).T).max() < 1e-12


def test_turning_together_keeps_products(lab: Lab) -> None:
    assert facts(lab, "rotation", angle=75)["change"] < 1e-12
    assert facts(lab, "rotation", angle=180, what="query")["change"] > 0.1


def test_a_hull_holds_all_points_and_every_mean_of_them(lab: Lab) -> None:
    make = np.random.default_rng(8)
    for _ in range(5):
        points = make.uniform(-2, 2, (6, 2))
        corners = lab.page.evaluate("async (p) => (await import('/draw/plane.js')).hullOf(p)", points.tolist())
        ring = np.array([*corners, corners[0]])
        sides = np.diff(ring, axis=0)
        for point in [*points, make.dirichlet(np.ones(6)) @ points]:
            away = point - ring[:-1]
            assert (sides[:, 0] * away[:, 1] - sides[:, 1] * away[:, 0] >= -1e-9).all()


def test_values_are_moved_by_keys_and_stay_in_focus(lab: Lab) -> None:
    show(lab, "hull")
    lab.page.evaluate("lab.root.querySelector('[data-at=\"1\"]').focus()")
    before = lab.page.evaluate("lab.root.querySelector('[data-at=\"1\"]').getAttribute('aria-valuetext')")
    lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("ArrowRight")
    after = lab.page.evaluate("lab.root.querySelector('[data-at=\"1\"]').getAttribute('aria-valuetext')")
    assert after != before
    assert lab.page.evaluate("lab.root.getRootNode().activeElement.dataset.at") == "1"
    told = lab.page.evaluate("lab.told()")
    assert (told["facts"]["within"], told["facts"]["longer"]) == (0, 1)
    assert told["changes"] >= 2


# The softmax


@pytest.mark.parametrize(
    ("scores", "temperature", "sink"), [([2, 1, -1], 1, False), ([0, 0], 0.5, False), ([-3, -4, -5], 2, True)]
)
def test_typed_scores_have_torchs_weights(lab: Lab, scores: list[float], temperature: float, sink: bool) -> None:
    own = facts(lab, "softmax", scores=scores, temperature=temperature, sink=sink)
    given = torch.tensor([*scores, 0.0] if sink else scores, dtype=torch.float64)
    weights = torch.cat([given[: len(scores)] / temperature, given[len(scores) :]]).softmax(0)
    assert own["first"] == pytest.approx(float(weights[0]), abs=1e-12)
    assert own["total"] == pytest.approx(float(weights[: len(scores)].sum()), abs=1e-12)
    assert own["nothing"] == pytest.approx(float(weights[len(scores) :].sum()), abs=1e-12)
    # The temperature divides a program's scores, and the score of 0 stays one.
    assert own["entropy"] == pytest.approx(-float((weights[: len(scores)] * weights[: len(scores)].log()).sum()))


@pytest.mark.parametrize("shift", [0, 10, 100, 1000])
def test_the_careless_softmax_fails_where_float32_does(lab: Lab, shift: int) -> None:
    own = facts(lab, "softmax", shift=shift)
    with np.errstate(all="ignore"):
        raised = np.exp(np.float32([2, 1, -1]) + np.float32(shift))
        careless = raised / raised.sum()
    assert own["naive_fails"] == int(not np.isfinite(careless).all())
    assert own["first"] == pytest.approx(float(torch.tensor([2.0, 1, -1]).softmax(0)[0]), abs=1e-6)


def test_a_typed_score_moves_the_weights_at_once(lab: Lab) -> None:
    show(lab, "softmax")
    told = lab.page.evaluate("lab.set(1, 2)")
    assert told["facts"]["ratio"] == pytest.approx(1)
    assert told["changes"] == 1
    wrong = lab.page.evaluate("lab.set(1, 'x')")
    assert wrong["facts"] == told["facts"]


@pytest.mark.parametrize(("gap", "n"), [(5.0, 10), (5.0, 1000), (0.0, 7), (12.0, 100_000)])
def test_dilution_is_the_softmax_of_many(lab: Lab, gap: float, n: int) -> None:
    own = facts(lab, "dilution", gap=gap, n=n)
    scores = torch.zeros(n, dtype=torch.float64)
    scores[0] = gap
    assert own["weight"] == pytest.approx(float(scores.softmax(0)[0]), rel=1e-9)


def test_slopes_are_torchs(lab: Lab) -> None:
    own = facts(lab, "slope", score=1.3)
    scores = torch.tensor([1.3, 0, -1], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda one: one.softmax(0), scores)
    assert own["own"] == pytest.approx(float(jacobian[0, 0]), abs=1e-12)
    assert own["cross"] == pytest.approx(float(jacobian[0, 1]), abs=1e-12)
    assert own["error"] < 1e-9


# Numbers by chance


@pytest.mark.parametrize("d", [4, 64, 1024])
def test_scores_spread_as_expected(lab: Lab, d: int) -> None:
    own = facts(lab, "variance", d=d, seed=2)
    # The standard error of a standard deviation of 500 is 3.2 % for normal scores, and more for short vectors.
    assert own["std"] == pytest.approx(math.sqrt(d), rel=0.2)
    shifted = facts(lab, "variance", d=d, mean=1.0, seed=2)
    assert shifted["expected"] == pytest.approx(math.sqrt(3 * d))
    assert shifted["std"] == pytest.approx(math.sqrt(3 * d), rel=0.2)
    assert shifted["mean"] == pytest.approx(d, abs=5 * math.sqrt(3 * d / 500))


def test_the_softmax_saturates_without_the_scale_alone(lab: Lab) -> None:
    for seed in (1, 2, 3):
        own = facts(lab, "saturation", d=1024, seed=seed)
        assert (own["trend"], own["scaled_trend"]) == (0, 2)
        assert own["top"] > 0.9 > 0.45 > own["scaled_top"]
        assert own["entropy"] < 0.3 < 1.7 < own["scaled_entropy"] < own["uniform"]
        assert own["slope"] < 0.3 < 1.3 < own["scaled_slope"]


@pytest.mark.parametrize(("d", "heads"), [(512, 8), (64, 16), (1024, 2)])
def test_the_heads_width_is_what_scores_are_divided_by(lab: Lab, d: int, heads: int) -> None:
    own = facts(lab, "divisors", d=d, heads=heads)
    assert own["closest"] == 1
    assert own["width"] == d // heads
    assert own["error"] < 1e-12


@pytest.mark.parametrize("product", [600.0, -1500.0, 25.0])
def test_a_score_is_made_by_each_models_rule(lab: Lab, product: float) -> None:
    own = facts(lab, "rules", product=product)
    assert own["plain"] == product
    assert own["root"] == pytest.approx(product * 128**-0.5, rel=1e-12)
    # Gemma 2's own code, over a key with this q·k and one with 0: the score is the logarithm of the weights' ratio.
    query, keys = torch.zeros(1, 1, 1, 128), torch.zeros(1, 1, 2, 128)
    query[..., 0], keys[0, 0, 0, 0] = product, 1
    module = SimpleNamespace(num_key_value_groups=1, training=False)
    _, weights = eager_attention_forward(module, query, keys, keys, None, scaling=144**-0.5, softcap=50.0)
    assert own["capped"] == pytest.approx(float((weights[0, 0, 0, 0] / weights[0, 0, 0, 1]).log()), rel=1e-5)


# Masks


def test_numbers_are_kept_as_float16_keeps_them(lab: Lab) -> None:
    values = [0, 1, 0.1, -1 / 3, 2.5e-5, 1e-7, 65_504, 65_519.9, 65_520, -1e9, 1e4 + 3.9, 2049, 2051, 6.1e-5]
    own = lab.page.evaluate("async (list) => list.map((await import('/lesson/figures/maskfill.js')).half)", values)
    with np.errstate(over="ignore"):
        assert own == [float(np.float16(value)) for value in values]


@pytest.mark.parametrize(
    ("fill", "kind", "open_", "score", "verdict"),
    [
        ("inf", "float32", "one", 1, 0), ("inf", "float32", "none", 1, 2), ("billion", "float32", "one", 1, 0),
        ("billion", "float32", "none", 1, 1), ("billion", "float16", "none", 1, 2),
        ("thousands", "float32", "one", 1, 0), ("thousands", "float32", "one", -10_010, 1),
    ],
)  # fmt: skip
def test_what_stands_in_for_a_closed_key(
    lab: Lab, fill: str, kind: str, open_: str, score: float, verdict: int
) -> None:
    own = facts(lab, "fill", fill=fill, type=kind, open=open_, score=score)
    low = {"inf": -math.inf, "billion": -1e9, "thousands": -1e4}[fill]
    with np.errstate(over="ignore"):
        stored = float(np.dtype(kind).type(low))
    scores = torch.tensor([score if open_ == "one" else stored, stored, stored, stored], dtype=torch.float64)
    weights = scores.softmax(0)
    forbidden = float(weights[1:].sum() if open_ == "one" else weights.sum())
    assert own["verdict"] == verdict
    assert math.isnan(own["forbidden"]) == math.isnan(forbidden)
    assert math.isnan(forbidden) or own["forbidden"] == pytest.approx(forbidden, abs=1e-3)


@pytest.mark.parametrize(("library", "opened_"), [("module", 6), ("function", 10), ("transformers", 10)])
def test_a_lower_triangle_of_true_is_read_as_each_library_reads_it(lab: Lab, library: str, opened_: int) -> None:
    told = show(lab, "flags", library=library)
    assert told["facts"]["open"] == opened_
    turned = lab.page.evaluate("lab.press", "Turn all round")
    assert turned["facts"]["open"] == 16 - opened_


def test_a_cell_of_the_mask_is_turned_by_the_keyboard(lab: Lab) -> None:
    show(lab, "flags", library="function")
    lab.page.evaluate("lab.root.querySelectorAll('[role=button]')[3].focus()")
    lab.page.keyboard.press("Enter")
    assert lab.page.evaluate("lab.told()")["facts"]["sees"] == 1
    lab.page.keyboard.press(" ")
    assert lab.page.evaluate("lab.told()")["facts"]["sees"] == 0


# Paths and costs


def test_only_what_is_done_has_a_number(lab: Lab) -> None:
    none = show(lab, "path", n=8, step=0)
    half = show(lab, "path", n=8, step=4)
    count = "[...lab.root.querySelectorAll('svg circle')].filter((one) => one.getAttribute('fill') !== 'none').length"
    assert lab.page.evaluate(count) == 4 + 8
    assert none["facts"]["path_rnn"] == half["facts"]["path_rnn"] == 7
    assert 0 < half["facts"]["left"] < 1


@pytest.mark.parametrize(("n", "d", "fewer"), [(128, 512, 0), (1024, 512, 1), (512, 512, 2)])
def test_operations_are_those_of_the_papers_table(lab: Lab, n: int, d: int, fewer: int) -> None:
    own = facts(lab, "operations", n=n, d=d)
    assert (own["attention"], own["recurrent"]) == (n * n * d, n * d * d)
    assert own["fewer"] == fewer


@pytest.mark.parametrize(("length", "angle"), [(3.0, 60), (2.0, -90), (0.5, 180)])
def test_a_score_is_length_times_length_times_cosine(lab: Lab, length: float, angle: float) -> None:
    own = facts(lab, "angle", second_length=length, second_angle=angle)
    assert own["second"] == pytest.approx(1.5 * length * math.cos(math.radians(angle)), abs=1e-12)
    assert own["winner"] == int(own["second"] > own["first"])


def test_a_changed_number_moves_query_key_and_value(lab: Lab) -> None:
    before = show(lab, "views")
    after = lab.page.evaluate("lab.set(0, 2.5)")
    assert before["facts"]["moves"] == 3
    assert after["facts"]["first_query"] != before["facts"]["first_query"]


def test_equal_words_have_equal_vectors_until_their_places_are_added(lab: Lab) -> None:
    told = show(lab, "strips", positions_control=True)
    assert (told["facts"]["word"], told["facts"]["twins"], told["facts"]["apart"]) == ("the", 0, 0)
    assert lab.page.evaluate("lab.set(0)")["facts"]["twins"] == 1


def test_the_row_of_a_chosen_word_is_its_weighted_mean(lab: Lab) -> None:
    own = facts(lab, "mix", pin="cat", d=3, seed=9)
    made = lab.page.evaluate(HEAD, [SENTENCE, 3, 9, {}, False])
    assert own["first_out"] == pytest.approx(np.dot(made["weights"][1], np.array(made["v"])[:, 0]), abs=1e-12)
    assert own["sum"] == pytest.approx(1, abs=1e-12)
    causal = facts(lab, "mix", pin="cat", causal=True)
    assert (causal["seen"], causal["unseen"]) == (2, 4)


def test_an_index_stands_below_the_line_in_names_and_in_words(lab: Lab) -> None:
    pieces = """async (lines) => { const { pieces } = await import("/draw/indices.js"); return lines.map(pieces); }"""
    lines = ["d_k", "M = W_Q W_Kᵀ, 8 × 8", "σ_q² + n_heads_x", "f_x(a)", "plain", ""]
    assert lab.page.evaluate(pieces, lines) == [
        [["d", "k"]], [["M = W", "Q"], [" W", "K"], ["ᵀ, 8 × 8", ""]], [["σ", "q"], ["² + n_heads_x", ""]],
        [["f_x(a)", ""]], [["plain", ""]], [],
    ]  # fmt: skip
    drawn = """async () => {
        const { text } = await import("/draw/svg.js");
        const made = text(0, 0, "d_k = 64", {});
        return [made.textContent, [...made.querySelectorAll("tspan")].map((one) => Number(one.getAttribute("dy")))];
    }"""
    words, shifts = lab.page.evaluate(drawn)
    assert words == "dk = 64"
    assert shifts[0] > 0
    assert sum(shifts) == 0  # down, and back to the line


@pytest.mark.parametrize(
    ("room", "widths", "lines", "least", "most"),
    [
        (380, [300], 1, 1, 1), (932, [640], 1, 1.25, 1.3), (932, [300, 300], 1, 1.25, 1.3),
        (932, [420, 420], 1, 1, 1.1), (932, [310, 300, 300], 1, 0.92, 0.96), (932, [640, 640], 2, 1.25, 1.3),
    ],
)  # fmt: skip
def test_drawings_take_the_room_and_a_row_stays_a_row(
    lab: Lab, room: int, widths: list[int], lines: int, least: float, most: float
) -> None:
    script = """async ([room, widths]) => {
        const [{ fit }, { frame }] = await Promise.all([import("/lesson/room.js"), import("/draw/svg.js")]);
        const body = document.createElement("div");
        body.style.width = `${room}px`;
        body.innerHTML = '<div class="pair" style="display: flex; flex-wrap: wrap; gap: 12px 28px"></div>';
        document.body.replaceChildren(body);
        body.firstChild.append(...widths.map((width) => frame(width, 100, "drawn")));
        fit(body);
        const boxes = [...body.querySelectorAll("svg")].map((one) => one.getBoundingClientRect());
        return [new Set(boxes.map(({ top }) => Math.round(top))).size, boxes[0].width / widths[0]];
    }"""
    seen, scale = lab.page.evaluate(script, [room, widths])
    assert seen == lines
    assert least - 0.01 <= scale <= most + 0.01
