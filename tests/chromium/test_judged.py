"""The exercise of lesson 11: numbers as NumPy, PyTorch and Python print them are judged, and bugs are named."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from tests.chromium.lab import Lab, opened

SETUP = """async () => {
    const { start } = await import("/headlight.js");
    start({ palettes: {} });
    const judged = await import("/lesson/judged.js");
    const pasted = await import("/lesson/pasted.js");
    const plain = (array) => ({ values: [...array], shape: array.shape });
    globalThis.lab = {
        judged, pasted, made: new Map(),
        exercise: (seed) => {
            const made = judged.exercise(seed);
            lab.made.set(seed, made);
            const named = Object.entries({ x: made.x, ...made.weights });
            return Object.fromEntries(named.map(([name, array]) => [name, plain(array)]));
        },
    };
}"""
JUDGE = "([seed, step, text]) => lab.judged.judge(step, text, lab.made.get(seed))"
READ = """(text) => { try { return lab.pasted.numbersOf(text); } catch (error) { return error.message; } }"""
SEEDS = (1, 2, 3, 17)
H, D = 2, 2
STEPS = ("query", "scores", "scaled", "masked", "weights", "heads", "output")
PRINTS: dict[str, Callable[[np.ndarray], str]] = {
    "numpy": str,
    "numpy repr": repr,
    "list": lambda array: str(array.tolist()),
    "torch": lambda array: str(torch.tensor(array)),
    "torch with a gradient": lambda array: str(torch.tensor(array, requires_grad=True) * 1),
    "float32": lambda array: repr(array.astype(np.float32)),
    "a batch": lambda array: str(array[None]),
}


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


@pytest.fixture(scope="module")
def exercises(lab: Lab) -> dict[int, dict[str, np.ndarray]]:
    def array(one: dict[str, Any]) -> np.ndarray:
        return np.array(one["values"]).reshape(one["shape"])

    raw = {seed: lab.page.evaluate("(seed) => lab.exercise(seed)", seed) for seed in SEEDS}
    return {seed: {name: array(one) for name, one in made.items()} for seed, made in raw.items()}


def heads_first(projected: np.ndarray) -> np.ndarray:
    return projected.reshape(len(projected), H, D).transpose(1, 0, 2)


def steps(given: dict[str, np.ndarray], bug: str = "") -> dict[str, np.ndarray]:
    """The layer as one writes it in NumPy, and with a bug of one's own making."""
    x = given["x"]
    n = len(x)
    q, k, v = (x @ given[name] for name in ("query", "key", "value"))
    split = (lambda one: one.reshape(H, n, D)) if bug == "split" else heads_first
    query, key, value = split(q), split(k), split(v)
    scores = query @ key.transpose(0, 2, 1)
    if bug == "transpose":
        scores = scores.transpose(0, 2, 1)
    scaled = scores / {"unscaled": 1, "width": np.sqrt(H * D)}.get(bug, np.sqrt(D))
    may = np.tri(n, k=-1 if bug == "diagonal" else 0, dtype=bool)
    masked = scaled if bug == "late" else np.where(may, scaled, -np.inf)
    with np.errstate(invalid="ignore"):
        parts = np.exp(masked - (0 if bug == "diagonal" else masked.max(-1, keepdims=True)))
        weights = parts / parts.sum(-2 if bug == "axis" else -1, keepdims=True)
        if bug == "axis":
            columns = np.exp(masked)
            weights = columns / columns.sum(-2, keepdims=True)
    if bug == "late":
        weights = weights * may
    heads = weights @ value
    concat = heads.transpose(1, 0, 2).reshape(n, H * D)
    if bug == "merge":
        concat = heads.reshape(n, H * D)
    output = heads.mean(0) @ given["output"][:D] if bug == "average" else concat @ given["output"]
    return {
        "query": query, "scores": scores, "scaled": scaled, "masked": masked, "weights": weights, "heads": heads,
        "output": output,
    }  # fmt: skip


@pytest.mark.parametrize("printed", PRINTS)
def test_the_right_numbers_are_right_however_they_are_printed(
    lab: Lab, exercises: dict[int, dict[str, np.ndarray]], printed: str
) -> None:
    for seed in SEEDS:
        for name, array in steps(exercises[seed]).items():
            found = lab.page.evaluate(JUDGE, [seed, name, PRINTS[printed](array)])
            assert found["ok"], (seed, name, found, array)


@pytest.mark.parametrize(
    ("bug", "first"),
    [
        ("split", "query"), ("transpose", "scores"), ("unscaled", "scaled"), ("width", "scaled"), ("late", "masked"),
        ("diagonal", "masked"), ("axis", "weights"), ("merge", "output"), ("average", "output"),
    ],
)  # fmt: skip
def test_a_bug_is_named_from_the_first_step_that_it_changes(
    lab: Lab, exercises: dict[int, dict[str, np.ndarray]], bug: str, first: str
) -> None:
    for seed in SEEDS:
        made = steps(exercises[seed], bug)
        for place, name in enumerate(STEPS):
            found = lab.page.evaluate(JUDGE, [seed, name, str(torch.tensor(made[name]))])
            if place < STEPS.index(first):
                assert found["ok"], (seed, name, found)
            else:
                assert not found["ok"], (seed, name)
                assert bug in found["mistakes"], (seed, name, found)


def test_what_differs_is_told_by_its_place(lab: Lab, exercises: dict[int, dict[str, np.ndarray]]) -> None:
    made = steps(exercises[1])["weights"]
    made[1, 2, 0] += 0.25
    found = lab.page.evaluate(JUDGE, [1, "weights", str(made)])
    assert not found["ok"]
    assert found["mistakes"] == []
    assert "1 of 18 numbers differ" in found["words"]
    assert "[1, 2, 0]" in found["words"]
    short = lab.page.evaluate(JUDGE, [1, "weights", str(made[:, :2])])
    assert short["words"] == "Your shape is (2, 2, 3); (2, 3, 3) is due."


def test_tokens_before_heads_and_one_matrix_of_all_heads_are_understood(
    lab: Lab, exercises: dict[int, dict[str, np.ndarray]]
) -> None:
    query = steps(exercises[2])["query"]
    swapped = lab.page.evaluate(JUDGE, [2, "query", repr(query.transpose(1, 0, 2))])
    assert swapped["ok"]
    assert "heads come first: (2, 3, 2)" in swapped["words"]
    assert lab.page.evaluate(JUDGE, [2, "query", repr(query.transpose(1, 0, 2).reshape(3, 4))])["ok"]


@pytest.mark.parametrize(
    ("text", "values", "shape"),
    [
        ("[[1, 2], [3, 4]]", [1, 2, 3, 4], [2, 2]),
        ("tensor([[1., -2.5e-01]], device='cuda:0', dtype=torch.float64)", [1, -0.25], [1, 2]),
        ("1 2\n3 4", [1, 2, 3, 4], [2, 2]),
        ("1, 2\n\n3, 4", [1, 2, 3, 4], [2, 1, 2]),
        ("0.5; −.25;", [0.5, -0.25], [2]),
    ],
)
def test_forms_of_numbers(lab: Lab, text: str, values: list[float], shape: list[int]) -> None:
    found = lab.page.evaluate(READ, text)
    assert found["values"] == values
    assert found["shape"] == shape


def test_what_is_no_number_is_none(lab: Lab) -> None:
    assert [str(one) for one in lab.page.evaluate(READ, "[-inf, nan, inf]")["values"]] == ["-inf", "nan", "inf"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[1, 2], [3]]", "The rows are of unequal length."), ("[1, 2", "A bracket “[” is not closed."),
        ("[1, two]", "“two]” is no number."), ("hello", "“hello” is no number."), ("", "No number stands here."),
        ("[1, ..., 2]", "Some numbers were left out in print (…). Print all of them, and paste again."),
        ("[1] [2]", "More than one array stands here. Paste one."), ("[[], []]", "A list is empty."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(lab: Lab, text: str, said: str) -> None:
    assert lab.page.evaluate(READ, text) == said
