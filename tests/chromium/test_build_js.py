"""What the Build page makes, without the page: heads made by hand, states, links, the check, the sheets to print."""

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from attention import handmade
from attention.assets import ASSETS
from attention.layer_settings import LocalSettings
from attention.mhsa import MultiHeadSelfAttention
from attention.stages import softmax
from tests.chromium.lab import Lab, opened
from tests.test_handmade import sentences
from tests.test_terms import steps as steps_of_lessons

CLOSE = 1e-5
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    const own = Object.fromEntries(await Promise.all([
        ["presets", "local/presets"], ["layer", "local/layer"], ["model", "build/model"],
        ["address", "build/address"], ["check", "build/check"], ["worksheet", "build/worksheet"],
        ["words", "build/words"], ["now", "build/now"], ["byword", "build/byword"], ["steps", "build/steps"],
        ["matrix", "build/matrix"],
    ].map(async ([name, path]) => [name, await import(`/${path}.js`)])));
    // Arrays as lists that JSON can carry, -Infinity as a word.
    const plain = (node) => {
        const word = (one) => (Number.isFinite(one) ? one : String(one));
        if (ArrayBuffer.isView(node)) return { shape: node.shape, values: [...node].map(word) };
        if (Array.isArray(node)) return node.map(plain);
        if (node === null || typeof node !== "object") return node;
        return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, plain(value)]));
    };
    globalThis.lab = { ...own, plain, ui };
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def array(node: Any) -> np.ndarray:
    return np.array([float(one.replace("Infinity", "inf")) if isinstance(one, str) else one for one in node["values"]],
                    dtype=np.float64).reshape(node["shape"])  # fmt: skip


def made(lab: Lab, state: dict[str, Any]) -> Any:
    """What a state makes: {layers: [{x, weights, pass}], settings, dims, names, left, ask}. It comes as one text, for
    each value of a list costs by itself.
    """
    text = lab.page.evaluate(
        """(changes) => {
            const { state } = lab.model.settled(lab.model.begin(changes));
            return JSON.stringify(lab.plain({ ...lab.model.made(state), ask: lab.model.askOf(state) }));
        }""",
        state,
    )
    return json.loads(text)


def settings(**changes: Any) -> dict[str, Any]:
    usual = {"d_model": 16, "n_heads": 2, "n_kv_heads": 2, "causal": True, "scaled": True, "temperature": 1,
             "positions": True, "seed": 2017}  # fmt: skip
    return usual | changes


def same(found: Any, built: handmade.Built, close: float = CLOSE) -> None:
    for layer, step in enumerate(found["layers"]):
        for name, theirs in (("heads", built.heads), ("output", built.output)):
            own, other = array(step["pass"][name]), theirs[layer].numpy()
            assert own.shape == other.shape
            assert np.abs(own - other).max() <= close * max(1, np.abs(other).max())


PRESETS = [name for name in handmade.PRESETS if name]


@pytest.mark.parametrize("preset", PRESETS)
def test_heads_made_by_hand_are_those_of_python(lab: Lab, preset: str) -> None:
    draw = random.Random(preset)
    for text in draw.sample(sentences(1), k=5):
        n = len(text.split())
        state = {"text": text, "preset": preset, "tags": sorted(draw.sample(range(n), k=min(n, 2)))}
        found = made(lab, state)
        same(found, handmade.run(handmade.read(found["ask"])))


@pytest.mark.parametrize("preset", PRESETS)
def test_their_very_weights_do_the_same_in_the_layer_on_torch(lab: Lab, preset: str) -> None:
    found = made(lab, {"text": "red fox ran and red fox slept", "preset": preset, "tags": [2, 6]})
    for step in found["layers"]:
        width = step["weights"]["query"]["shape"][0]
        layer = MultiHeadSelfAttention(width, 1, bias=False, causal=True).double().requires_grad_(False)
        for name in handmade.MATRICES:
            getattr(layer, f"to_{name}").weight.copy_(torch.from_numpy(array(step["weights"][name]).T))
        passed = layer.run(torch.from_numpy(array(step["x"]))[None])
        for own, theirs in (("weights", passed.stages.weights[0]), ("output", passed.output[0])):
            assert np.abs(array(step["pass"][own]) - theirs.numpy()).max() < CLOSE


def test_patterns_in_the_browser(lab: Lab) -> None:
    for text in sentences(1):
        weights = array(made(lab, {"text": text, "preset": "previous"})["layers"][0]["pass"]["weights"])[0]
        assert (np.diagonal(weights, -1) > 0.99).all()
    for n in (3, 5, 10, 24):
        words = [f"w{i}" for i in range(n - 1)]
        found = made(lab, {"text": " ".join([*words, words[n // 3]]), "preset": "induction"})
        assert array(found["layers"][1]["pass"]["weights"])[0, -1, n // 3 + 1] > 0.9


EDITS: list[dict[str, Any]] = [
    {"matrix": "query", "layer": 0, "row": 3, "column": 5, "value": 2.5},
    {"matrix": "value", "layer": 0, "row": 0, "column": 1, "value": -4},
    {"matrix": "scores", "layer": 0, "head": 1, "row": 2, "column": 1, "value": 7.25},
]
STATES: list[dict[str, Any]] = [
    {"settings": settings()}, {"settings": settings(d_model=8, n_heads=4, n_kv_heads=2, causal=False)},
    {"settings": settings(n_kv_heads=1, scaled=False, temperature=2.5, positions=False, seed=5)},
    {"settings": settings(d_model=64, n_heads=4, n_kv_heads=4), "edits": EDITS},
    {"settings": settings(n_kv_heads=1, causal=False), "edits": EDITS},
    {"preset": "induction", "text": "Ann met Bob and later Ann",
     "edits": [{"matrix": "output", "layer": 0, "row": 1, "column": 6, "value": 0.5},
               {"matrix": "scores", "layer": 1, "head": 0, "row": 5, "column": 2, "value": 60}]},
]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_states_equal_the_layer_on_the_server(lab: Lab, state: dict[str, Any]) -> None:
    found = made(lab, state)
    same(found, handmade.run(handmade.read(found["ask"])))


def judged(lab: Lab, state: dict[str, Any], spoil: str = "") -> Any:
    """What the page says when the server's answer comes, spoiled in one number if so wished."""
    ask = made(lab, state)["ask"]
    built = handmade.run(handmade.read(ask))
    answer = {name: {"shape": list(one.shape), "values": one.flatten().tolist()}
              for name, one in (("heads", built.heads), ("output", built.output))}  # fmt: skip
    return lab.page.evaluate(
        """([changes, told, spoil]) => {
            const { state } = lab.model.settled(lab.model.begin(changes));
            const read = ({ shape, values }) => Object.assign(Float64Array.from(values), { shape });
            const answer = { heads: read(told.heads), output: read(told.output) };
            if (spoil) answer[spoil][answer[spoil].length - 1] += 0.01;
            if (spoil === "output") answer.output[0] = NaN;
            const { gap, allowed, isEqual } = lab.check.judged(lab.model.made(state), answer);
            return { gap: String(gap), allowed, isEqual };
        }""",
        [state, answer, spoil],
    )


@pytest.mark.parametrize("state", STATES)
def test_the_check_is_green_for_what_is_right(lab: Lab, state: dict[str, Any]) -> None:
    found = judged(lab, state)
    assert found["isEqual"]
    assert float(found["gap"]) < CLOSE


@pytest.mark.parametrize("spoil", ["heads", "output"])
def test_the_check_turns_red_for_a_planted_number(lab: Lab, spoil: str) -> None:
    found = judged(lab, STATES[0], spoil)
    assert not found["isEqual"]
    assert found["gap"] == "NaN" if spoil == "output" else float(found["gap"]) == pytest.approx(0.01, abs=1e-5)


def test_an_answer_of_another_shape_is_red(lab: Lab) -> None:
    found = lab.page.evaluate(
        """() => {
            const { state } = lab.model.settled(lab.model.begin());
            const zeros = (...shape) => Object.assign(new Float64Array(4), { shape });
            return lab.check.judged(lab.model.made(state), { heads: zeros(1, 1, 2, 2), output: zeros(1, 2, 2) }).isEqual
        }"""
    )
    assert not found


def test_long_texts_are_cut_and_empty_ones_make_nothing(lab: Lab) -> None:
    found = made(lab, {"text": " ".join(map(str, range(30)))})
    assert found["left"] == 6
    assert found["layers"][0]["pass"]["output"]["shape"] == [24, 16]
    assert made(lab, {"text": " "})["layers"] == []


def test_states_come_back_from_their_links(lab: Lab) -> None:
    link = """(changes) => {
        const { state } = lab.model.settled(lab.model.begin(changes));
        const query = lab.address.queryOf(state, "?other=1&build=old");
        return { query, state, back: lab.address.read(`?${query}`) };
    }"""
    states = [
        *STATES, {"text": "a & b = c, d; “e” <f>", "head": 1, "query": 3, "key": 2, "dim": 4, "out": 7},
        {"preset": "verb", "text": "he ran and she sat", "tags": [1, 4]},
        {"settings": settings(d_model=12, n_heads=3, n_kv_heads=3, temperature=0.05)},
    ]  # fmt: skip
    for changes in states:
        told = lab.page.evaluate(link, changes)
        assert told["back"] == {"state": told["state"], "problems": []}
        assert "other=1" in told["query"]
        assert "old" not in told["query"]


def test_the_first_state_has_a_short_link(lab: Lab) -> None:
    query = lab.page.evaluate('() => lab.address.queryOf(lab.model.settled(lab.model.begin()).state, "")')
    assert query == "text=The+cat+sat+on+the+mat"


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("d=9999", "d_model"), ("heads=5", "multiple of n_heads"), ("kv=0", "n_kv_heads"),
        ("temperature=1e3", "digits"), ("hand=nobody", "by hand"), ("tags=a.b", "whole"),
        ("query=0_0_0_0_99999", "2000"), ("query=0_0_0_0", "four"), ("scores=0_0_0_0_x", "digits"), ("at=1.2.3", "6"),
        ("constructor=1", "no such part"), ("__proto__=1", "no such part"), ("query=0_0_99_0_1", "no place"),
        ("seed=-4", "seed"), ("<b>", "no such part"),
    ],
)  # fmt: skip
def test_a_strangers_link_is_read_as_far_as_it_means_something(lab: Lab, part: str, says: str) -> None:
    found = lab.page.evaluate("(query) => lab.address.read(query)", f"?text=a+b&build={part},both")
    assert len(found["problems"]) == 1
    assert says in found["problems"][0]
    assert found["state"]["text"] == "a b"
    if "heads" not in part:
        assert found["state"]["settings"]["causal"] is False


def test_the_inspectors_line_is_read_there(lab: Lab) -> None:
    from attention.layer_settings import from_line

    turned = settings(n_kv_heads=1, causal=False, scaled=False, positions=False, temperature=0.3, seed=9)
    for own in (settings(), settings(d_model=64, n_heads=4, n_kv_heads=4), turned):
        line = lab.page.evaluate("(own) => lab.address.settingsLine(own)", own)
        assert from_line(line) == LocalSettings(**own)


@pytest.mark.parametrize("value", [None, "1", 2001, -2001])
def test_a_number_set_by_hand_is_checked(lab: Lab, value: Any) -> None:
    said = lab.page.evaluate(
        """(value) => {
            const cell = { matrix: "query", layer: 0, row: 0, column: 0, value };
            try { lab.model.edited(lab.model.begin(), cell); return ""; } catch (error) { return error.message; }
        }""",
        value,
    )
    assert "from −2000 to 2000" in said


def test_edits_are_bounded_replaced_and_lifted(lab: Lab) -> None:
    found = lab.page.evaluate(
        """() => {
            let state = lab.model.begin();
            const cell = (i) => ({ matrix: "query", layer: 0, row: i % 16, column: Math.floor(i / 16), value: i });
            for (let i = 0; i < 40; i++) state = lab.model.edited(state, cell(i));
            let said = "";
            try { lab.model.edited(state, cell(41)); } catch (error) { said = error.message; }
            const again = lab.model.edited(state, { ...cell(3), value: 99 });
            const narrow = lab.model.settled({ ...state, settings: { ...state.settings, d_model: 4 } });
            return [state.edits.length, said, again.edits.length, again.edits.at(-1).value,
                lab.model.lifted(again, cell(3)).edits.length, narrow.dropped];
        }"""
    )
    assert found[:1] + found[2:] == [40, 40, 99, 39, 28]
    assert "lift one first" in found[1]


NOW = """(changes) => {
    const { state } = lab.model.settled(lab.model.begin(changes));
    return lab.now.nowOf({ state, made: lab.model.made(state), cell: changes.cell ?? null, palette: null });
}"""


def told(lab: Lab, state: dict[str, Any]) -> list[dict[str, str]]:
    """What is said word by word."""
    each = "now.names.map((_, i) => lab.byword.wordOf(now, i))"
    script = f"(changes) => {{ const now = ({NOW})(changes); return {each} }}"
    found: list[dict[str, str]] = lab.page.evaluate(script, state)
    return found


def test_word_by_word_where_numbers_have_names(lab: Lab) -> None:
    found = told(lab, {"text": "the cat sat on the mat", "preset": "previous"})
    words = ["the", "cat", "sat", "on", "the", "mat"]
    for at, line in list(enumerate(found))[1:]:
        assert line["query"] == f"“place {at - 1}”"
        named = words[at - 1] if words.count(words[at - 1]) == 1 else f"the #{at - 1}"
        assert line["key"] == f"“{named}”, which offers “place {at - 1}”"
        assert line["value"].endswith(f" of “{named}”, which carries “{words[at - 1]}”")
    assert found[0] == {
        "query": "nothing: its query is 0 or only turns away", "key": "itself: no key has what it asks for",
        "value": "100 % of itself, which carries “the”",
    }  # fmt: skip
    (last,) = told(lab, {"text": "Ann met Bob and later Ann", "preset": "induction", "layer": 1})[-1:]
    assert last["query"] == "“after ann”"
    assert last["key"] == "“met”, which offers “after ann”"
    assert told(lab, {"preset": "uniform"})[3]["value"].count("25 % of ") == 3


def test_word_by_word_of_random_weights_tells_their_numbers(lab: Lab) -> None:
    state = {"text": "The cat sat on the mat", "settings": settings(causal=False)}
    weights = array(made(lab, state)["layers"][0]["pass"]["weights"])[0]
    names = ["The #0", "cat", "sat", "on", "the #4", "mat"]
    for at, line in enumerate(told(lab, {**state, "text": "The cat sat on the mat"})):
        best = int(weights[at].argmax())
        own = "itself" if best == at else f"“{names[best].split(' #')[0]}”"
        assert line["key"].startswith(f"{own}, score ")
        assert line["value"].startswith(f"{round(100 * weights[at, best])} % of {own}")
        assert line["query"].startswith("(")


@pytest.mark.parametrize(
    "edit",
    [
        {"matrix": "scores", "layer": 0, "head": 0, "row": 2, "column": 1, "value": 12.5},
        {"matrix": "value", "layer": 0, "row": 0, "column": 1, "value": -4},
        {"matrix": "output", "layer": 0, "row": 3, "column": 2, "value": 5},
    ],
)
def test_what_an_edit_did_against_the_layer(lab: Lab, edit: dict[str, Any]) -> None:
    """Weights need not change, and then the output tells."""
    text = "The cat sat on the mat"
    states: list[dict[str, Any]] = [{"text": text}, {"text": text, "edits": [edit]}]
    built = [handmade.run(handmade.read(made(lab, state)["ask"])).output[0, 2].numpy() for state in states]
    script = f"""(states) => {{
        const [then, is] = states.map({NOW});
        return [lab.words.moved(is, then), lab.words.effect(is, then)];
    }}"""
    moved, said = lab.page.evaluate(script, states)
    assert moved == pytest.approx(float(np.linalg.norm(built[1] - built[0])), rel=1e-4)
    assert moved > 0.1
    assert "“sat” → “cat” weight 0.123 → " in said
    assert ("0.123 → 0.123" in said) == (edit["matrix"] != "scores")
    wider = {"text": text, "settings": settings(d_model=32)}
    assert lab.page.evaluate(script, [states[0], wider]) == [None, ""]


def test_the_weight_that_is_offered_is_one_of_the_formula(lab: Lab) -> None:
    script = f"(changes) => {{ const now = ({NOW})(changes); return [now.cells, now.dim, now.out, now.head, now.d] }}"
    for state in ({"text": "The cat sat"}, {"text": "The cat sat", "preset": "verb", "tags": [1]}, {"head": 1}):
        cells, dim, out, head, d = lab.page.evaluate(script, state)
        weights = made(lab, state)["layers"][0]["weights"]
        for cell, column in ((cells["project"], head * d + dim), (cells["output"], out)):
            own = np.abs(array(weights[cell["matrix"]])[:, column])
            assert (cell["column"], own[cell["row"]]) == (column, own.max())
    chosen = {"cell": {"matrix": "value", "row": 99, "column": 99}}
    assert lab.page.evaluate(f"(changes) => ({NOW})(changes).cells.project", chosen) == {
        "matrix": "value", "row": 15, "column": 15
    }  # fmt: skip


def test_vectors_with_names_are_told_by_them(lab: Lab) -> None:
    named = "([values, dims]) => lab.words.named(values, dims, 2)"
    assert lab.page.evaluate(named, [[0, 1, -2.5, 0.001], ["a", "b", "c", "d"]]) == "−2.50 of “c”, “b”"
    assert lab.page.evaluate(named, [[3, 1, -2], ["a", "b", "c"]]) == "3.00 of “a”, −2.00 of “c”, …"
    assert lab.page.evaluate(named, [[0, 0], ["a", "b"]]) == "0"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ([1, 2, 3, 4], [1, 1, 1, -1], "1.00·1.00 + 2.00·1.00 + 3.00·1.00 + 4.00·(−1.00) = 2.00"),
        ([1, 2, 0, 4], [1, 1, 1, -1], "1.00·1.00 + 2.00·1.00 + 4.00·(−1.00) + 1 more that is 0 = −1.00"),
        ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], "3.00·1.00 + 4.00·1.00 + 5.00·1.00 + 2 more that sum to 3.00 = 15.0"),
        ([0, 0], [1, 1], "2 products that are all 0 = 0"),
    ],
)
def test_sums_leave_nothing_out_unsaid(lab: Lab, one: list[float], other: list[float], said: str) -> None:
    script = "([one, other, total]) => lab.words.products(one, other, total)"
    assert lab.page.evaluate(script, [one, other, float(np.dot(one, other))]) == said


def test_a_single_number_is_read(lab: Lab) -> None:
    script = """() => {
        const values = Object.assign(Float32Array.from([1, -0.5, -Infinity, 4]), { shape: [2, 2] });
        const say = (options, row, column) => lab.matrix.reading({ values, ...options }, { row, column });
        return [say({}, 0, 1), say({ rows: ["cat", "sat"] }, 1, 0), say({ names: ["x", "y"], dims: ["p", "q"] }, 1, 1),
            say({ masked: () => true }, 0, 0), say({}, 2, 0)];
    }"""
    assert lab.page.evaluate(script) == [
        "row 0, column 1: −0.500", "sat, column 0: closed", "y, q: 4.00", "row 0, column 0: closed", None
    ]  # fmt: skip


def test_every_step_leads_to_a_lesson_that_is_there(lab: Lab) -> None:
    there = steps_of_lessons(ASSETS / "lessons")
    found = lab.page.evaluate("() => lab.steps.STEPS.map(({ lesson }) => lesson)")
    assert len(found) == 10
    assert [lesson for lesson in found if lesson.split("#")[1] not in there.get(lesson.split("#")[0], ())] == []


@pytest.mark.parametrize("tokens", [2, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_keys_of_worksheets_against_numpy(lab: Lab, tokens: int, causal: bool) -> None:
    script = """([tokens, causal]) => JSON.stringify(
        lab.plain(lab.worksheet.worksheets({ students: 40, first: 11, tokens, causal })))"""
    text = lab.page.evaluate(script, [tokens, causal])
    sheets = json.loads(text)
    assert [sheet["seed"] for sheet in sheets] == list(range(11, 51))
    seen = set()
    for sheet in sheets:
        query, key, value = (array(sheet[name]) for name in ("query", "key", "value"))
        assert query.shape == key.shape == value.shape == (tokens, 2)
        assert all(np.array_equal(one, one.round()) and np.abs(one).max() <= 4 for one in (query, key, value))
        scores = query @ key.T
        scaled = scores / np.sqrt(2)
        closed = np.triu(np.ones((tokens, tokens), bool), 1) & causal
        powers = np.where(closed, 0, np.exp(scaled))
        weights = powers / powers.sum(1, keepdims=True)
        assert np.array_equal(array(sheet["scores"]), scores)
        assert np.allclose(array(sheet["scaled"]), scaled, atol=1e-6)
        assert np.allclose(array(sheet["weights"]), weights, atol=1e-6)
        assert np.allclose(array(sheet["output"]), weights @ value, atol=1e-5)
        masked = np.where(closed, -np.inf, scores)
        differences = (masked.max(1, keepdims=True) - masked)[~closed]
        assert sorted({0.0, *differences}) == sheet["steps"]
        assert len(sheet["names"]) == tokens
        seen.add(str(query) + str(key) + str(value))
    assert len(seen) >= 39
    assert lab.page.evaluate(script, [tokens, causal]) == text


@pytest.mark.parametrize("ask", [{"students": 0}, {"students": 61}, {"first": -1}, {"first": 0.5}, {"tokens": 4}])
def test_worksheets_that_nobody_can_print_are_refused(lab: Lab, ask: dict[str, Any]) -> None:
    told = {"students": 2, "first": 1, "tokens": 2, "causal": False, **ask}
    refused = """(told) => {
        try { lab.worksheet.worksheets(told); return false; } catch (error) { return error instanceof RangeError; }
    }"""
    assert lab.page.evaluate(refused, told)


@pytest.mark.parametrize("width", [4, 8])
def test_the_printed_example_has_the_layers_numbers(lab: Lab, width: int) -> None:
    """Against the layer on torch, of the six tokens that are printed."""
    found = lab.page.evaluate(
        """async (width) => {
            const sheet = await import("/build/sheet.js");
            const { state } = lab.model.settled(lab.model.begin({ text: "One two three four five six seven eight" }));
            const own = sheet.exampleState(state, width);
            return { text: own.text, ask: lab.model.askOf(own), parts: lab.plain(sheet.example(own)) };
        }""",
        width,
    )
    assert found["text"] == "One two three four five six"
    assert found["parts"][0]["title"] == "Embed, and add positions"
    listed = [table for part in found["parts"] for table in part["tables"]]
    tables = {table["title"].rsplit(" (", 1)[0]: array(table["values"]) for table in listed}
    built = handmade.run(handmade.read(found["ask"]))
    assert np.allclose(tables["output = concat·W_O"], built.output[0].numpy(), atol=1e-5)
    for head in range(2):
        assert np.allclose(tables[f"output of head {head}"], built.heads[0, head].numpy(), atol=1e-5)
        expected = softmax(torch.from_numpy(tables[f"masked, head {head}"]))[0].numpy()
        assert np.allclose(tables[f"weights of head {head}"], expected, atol=1e-6)
    assert np.allclose(tables["X"] @ tables["W_Q"], tables["Q = X·W_Q"], atol=1e-5)
    assert all(part["said"] and part["formulas"] for part in found["parts"])
