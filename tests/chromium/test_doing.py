"""The figures of building, testing and the interview: their facts against numpy and closed forms."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from attention import mistakes
from attention.lessons import kinds
from tests.chromium.alone import kind_of, palette, settings_of
from tests.chromium.lab import Lab, opened

OURS = (
    "averages", "byhand", "cases", "checks", "compare", "dropout", "gradient", "interview", "minute", "mistakes",
    "mixing", "precision", "removed", "reshape",
)  # fmt: skip
# These need a model's run, or the questions.
GIVEN = {"averages", "interview"}
# The setting with which a figure knows all of its facts.
WHOLE = {"checks": {"show": "matrix"}, "cases": {"case": "copies"}}
DARK = """(palette) => {
    const own = lab.palette;
    lab.palette = palette;
    lab.figure.draw();
    lab.palette = own;
    lab.figure.stop();
}"""
PROOFS = {
    1: {"module": "byhand", "settings": {}, "store": "", "needs_run": False},
    3: {
        "module": "change", "settings": {"of": "prediction", "show": [], "follow": "", "each": ["off-3.2"]},
        "store": "02-b.one", "needs_run": True,
    },
}  # fmt: skip
ASKED = [
    {
        "number": number, "ask": [f"Question {number}?"], "answer": [["p", {}, ["Answer."]]], "lesson": lesson,
        "title": lesson, "step": "one", "step_title": "One",
        "figure": PROOFS.get(number),
    }
    for number, lesson in enumerate(("01-a", "01-a", "02-b"), 1)
]  # fmt: skip
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    globalThis.lab = {
        palette: null, sentence: "", figures: new Map(), changes: 0,
        mount: async (kind, settings) => {
            document.body.replaceChildren();
            const root = document.createElement("div");
            document.body.append(root);
            const { default: make } = await import(`/lesson/figures/${kind}.js`);
            const context = {
                ui, palette: () => lab.palette, sentence: () => lab.sentence, changed: () => { lab.changes += 1; },
                store: "lab", mount: () => () => {}, say: () => {}, lesson: {},
                hosts: (name) => ({
                    mount: () => () => {}, panels: () => null, draw() {}, stop() { lab.left = name; },
                }),
                link: (address) => ({ href: `/learn?to=${address}` }),
            };
            lab.figure = await make({ root, settings, context });
        },
        facts: () => lab.figure.facts(),
    };
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    for made in opened(browser, Lab, SETUP):
        made.page.evaluate("(palette) => { lab.palette = palette; }", palette("light"))
        yield made


def mounted(lab: Lab, kind: str, **settings: Any) -> Page:
    """The page with that figure on it, told these settings and the defaults for the others."""
    lab.page.evaluate("([kind, settings]) => lab.mount(kind, settings)", [kind, settings_of(kind, **settings)])
    return lab.page


def facts(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = lab.page.evaluate("() => lab.facts()")
    return found


@pytest.mark.parametrize("kind", sorted(set(OURS) - GIVEN))
def test_each_knows_the_facts_of_its_row_and_says_what_it_shows(lab: Lab, kind: str) -> None:
    page = mounted(lab, kind, **WHOLE.get(kind, {}))
    assert facts(lab).keys() == kind_of(kind).facts.keys()
    drawings = page.locator("svg").all()
    assert all(len(one.get_attribute("aria-label") or "") > 5 for one in drawings)
    assert drawings or page.locator("table, pre").count()
    assert "NaN" not in (page.locator("svg").first.get_attribute("aria-label") or "" if drawings else "")


@pytest.mark.parametrize("kind", sorted(set(OURS) - GIVEN))
def test_every_button_of_each_can_be_pressed_and_it_can_be_drawn_in_the_dark(lab: Lab, kind: str) -> None:
    page = mounted(lab, kind)
    for place in range(page.locator(".inputs button").count()):
        page.locator(".inputs button").nth(place).click()
    page.evaluate(DARK, palette("dark"))


def test_the_bugs_to_choose_from_are_those_that_there_are() -> None:
    assert tuple(mistakes.MISTAKES) == kinds.BUGS


def test_two_tokens_by_hand(lab: Lab) -> None:
    page = mounted(lab, "byhand")
    e = math.exp(1 / math.sqrt(2))
    a = e / (e + 1)
    expected = {"weight": a, "other": 1 - a, "output": a + 3 * (1 - a), "second": 2 * a + 4 * (1 - a)}
    found = facts(lab)
    assert (found.pop("weights"), found.pop("outputs")) == ("0.6698 and 0.3302", "1.6605 and 2.6605")
    assert found == pytest.approx(expected, rel=1e-12)
    for value in ("2.028 / 3.028 = 0.6698", "= 1.66 ", "= 2.66"):
        assert value in page.locator("table").inner_text()
    page.get_by_label("Q, row 1, column 1").fill("-3")
    weight = 1 / (1 + math.exp(3 / math.sqrt(2)))
    assert facts(lab)["weight"] == pytest.approx(weight, rel=1e-12)
    page.get_by_label("Q, row 1, column 1").fill("99")
    assert facts(lab)["weight"] == pytest.approx(weight, rel=1e-12), "what is out of range changes nothing"


def test_cases_are_what_closed_forms_say(lab: Lab) -> None:
    page = mounted(lab, "cases", case="equal")
    assert facts(lab)["weight"] == pytest.approx(1 / 4)
    for case in ("equal", "one", "copies"):
        for seed in range(5):
            page = mounted(lab, "cases", case=case, seed=seed, copies=seed + 1, causal=seed % 2 == 0)
            assert page.locator(".verdict").inner_text().startswith("✓"), (case, seed)
    mounted(lab, "cases", case="copies", copies=4)
    assert facts(lab)["rule"] == 1, "ln of the number is what makes up for it"


@pytest.mark.parametrize(("n", "heads", "width"), [(3, 2, 2), (4, 3, 1), (5, 4, 3)])
def test_a_view_across_tokens_is_numpys(lab: Lab, n: int, heads: int, width: int) -> None:
    mounted(lab, "reshape", n=n, heads=heads, width=width)
    tokens = np.repeat(np.arange(n), heads * width).reshape(heads, n, width)
    strangers = int((tokens != np.arange(n)[None, :, None]).any(-1).sum())
    assert facts(lab) == {
        "n": n, "heads": heads, "strangers": strangers, "rows": n * heads, "row_of": int(tokens[0, 1, 0])
    }  # fmt: skip


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_keeps_the_sum_on_average(lab: Lab, p: float) -> None:
    mounted(lab, "dropout", p=p, n=6)
    found = facts(lab)
    # The sum of kept weights over 1 − p has mean 1 and variance p/(1 − p)·Σw², at most p/(1 − p).
    assert found["mean"] == pytest.approx(1, abs=5 * math.sqrt(p / (1 - p) / 1000))
    assert found["low"] < 1 < found["high"] <= 1 / (1 - p) + 1e-12
    assert found["varies"] == 2


def test_without_dropout_every_sum_is_one(lab: Lab) -> None:
    page = mounted(lab, "dropout", p=0)
    assert facts(lab)["varies"] == 0
    mounted(lab, "dropout", p=0.5)
    page.get_by_role("button", name="eval()").click()
    assert "sums to 1.0000" in page.locator("figcaption").nth(1).inner_text()


def test_sums_differ_as_their_precisions_do(lab: Lab) -> None:
    page = mounted(lab, "precision", n=256)
    lines = page.locator("tbody").inner_text().replace("−", "-").split("\n")
    by_precision = np.array([[float(cell) for cell in line.split("\t")[1:]] for line in lines[:4]]).T
    exact = by_precision[0].mean()
    for sums, eps in zip(by_precision, (2.0**-53, 2.0**-24, 2.0**-11), strict=True):
        # All terms together are below 5 in size here; each of 256 roundings is at most eps of a sum.
        assert np.abs(sums - exact).max() <= 256 * 5 * eps + 1e-14
    assert np.float16(by_precision[2]).astype(float) == pytest.approx(by_precision[2], rel=1e-5), "numbers of float16"
    assert np.ptp(by_precision[2]) > np.ptp(by_precision[1]) > 0


def test_the_smallest_step_is_not_the_best(lab: Lab) -> None:
    for seed in range(4):
        mounted(lab, "gradient", seed=seed)
        found = facts(lab)
        assert found["turns"] == 2
        assert found["best"] in ("10⁻⁴", "10⁻⁵", "10⁻⁶")


def test_a_deeper_row_is_reached_by_what_it_may_see(lab: Lab) -> None:
    for layers, causal, reached in ((0, True, 1), (1, True, 8), (3, False, 8)):
        mounted(lab, "mixing", layers=layers, causal=causal)
        assert facts(lab)["reached"] == reached
    mounted(lab, "mixing", layers=0)
    assert facts(lab)["own"] == "100 %"
    own = []
    for layers in (1, 3, 6):
        mounted(lab, "mixing", layers=layers)
        own.append(float(facts(lab)["own"].split()[0]))
    assert all(before > after for before, after in pairwise([100, *own]))


def test_removal_is_measured_as_numpy_would(lab: Lab) -> None:
    """The effect of a removal, made again from the layer's own q, k, v in numpy."""
    mounted(lab, "removed", seed=3)
    raw = lab.page.evaluate("""async () => {
        const { layerOn, wordsFor } = await import("/lesson/common.js");
        const words = wordsFor({ sentence: () => "" }, "The cat sat on the mat because it was tired.", 10);
        const { pass, weights } = layerOn(words, { d_model: 16, n_heads: 4, seed: 3 });
        const plain = (array) => [[...array], array.shape];
        const [q, k, v, o] = [pass.query, pass.key, pass.value, weights.output].map(plain);
        return { names: words.map(({ name }) => name), q, k, v, o };
    }""")  # fmt: skip
    q, k, v, o = (np.array(values).reshape(shape) for values, shape in (raw[name] for name in "qkvo"))

    def output(keys: list[int]) -> np.ndarray:
        parts = np.exp(q[:, -1:] @ k[:, keys].transpose(0, 2, 1) / 2)
        weights = parts / parts.sum(-1, keepdims=True)
        return (weights @ v[:, keys]).transpose(1, 0, 2).reshape(-1) @ o

    n = q.shape[1]
    whole = output(list(range(n)))
    effects = [np.linalg.norm(whole - output([key for key in range(n) if key != gone])) for gone in range(n)]
    scores = q[0, -1] @ k[0].T
    found = facts(lab)
    assert found["effect_top"] == raw["names"][int(np.argmax(effects))]
    assert found["weight_top"] == raw["names"][int(np.argmax(scores))]
    assert found["top_weight"] == pytest.approx((np.exp(scores / 2) / np.exp(scores / 2).sum()).max(), rel=1e-5)


def test_the_right_layer_passes_and_each_bug_is_noticed(lab: Lab) -> None:
    page = mounted(lab, "checks")
    assert facts(lab)["failed"] == 0
    assert page.locator(".verdict").inner_text().startswith("✓")
    mounted(lab, "checks", show="matrix")
    found = facts(lab)
    assert found["failed"] == 0
    assert found["noticed"] == found["bugs"] == 9
    assert found["by_reference"] == 9
    assert 0 < found["slipped"] < 9


@pytest.mark.parametrize(("mistake", "sums"), [("axis", 1), ("late", 2), ("unscaled", 0), ("split", 0)])
def test_a_bug_shows_in_the_row_sums_or_not(lab: Lab, mistake: str, sums: int) -> None:
    page = mounted(lab, "mistakes", mistake=mistake)
    assert facts(lab)["sums"] == sums
    assert page.locator(".verdict").inner_text().startswith("✓ noticed by")


def test_the_persons_own_words_take_the_place_of_the_lessons(lab: Lab) -> None:
    lab.page.evaluate("() => { lab.sentence = 'Seven green apples rolled away'; }")
    try:
        for kind in ("minute", "mistakes", "mixing", "removed"):
            page = mounted(lab, kind)
            assert "apples" in " ".join(page.locator("svg").all_text_contents()), kind
    finally:
        lab.page.evaluate("() => { lab.sentence = ''; }")


def test_the_clock_runs_on_from_step_to_step_and_stops(lab: Lab) -> None:
    page = mounted(lab, "minute", part="vectors")
    if page.get_by_role("button", name="stop").count():  # another test's clock
        page.get_by_role("button", name="stop").click()
    page.get_by_role("button", name="start 60 seconds").click()
    first = lab.page.evaluate_handle("() => lab.figure")
    mounted(lab, "minute", part="heads")
    assert "s left" in page.get_by_role("timer").inner_text()
    page.get_by_role("button", name="stop").click()
    assert page.get_by_role("timer").inner_text() == ""
    page.evaluate("(first) => { first.stop(); lab.figure.stop(); }", first)


def test_an_answer_is_proved_by_a_models_run_on_the_store_of_its_own_lesson(lab: Lab) -> None:
    page = mounted(lab, "interview", asked=ASKED)
    page.get_by_label("lesson", exact=True).select_option("02-b")
    page.get_by_role("button", name="show the answer").click()
    page.locator(".proof").get_by_text("The model is being run").wait_for()
    runs = [{"what": "", "values": [0.75, 0.25], "kl": 0.0}, {"what": "head 3.2 off", "values": [0.5, 0.5], "kl": 0.1}]
    change = {"names": ["a", "b"], "runs": runs}
    page.evaluate("async (change) => (await import('/store.js')).storeOf('02-b.one').say('change', change)", change)
    page.locator(".proof svg").wait_for()
    page.get_by_role("button", name="next question").click()
    assert page.evaluate("() => lab.left") == "02-b.one"
    lab.page.evaluate("() => { lab.figure.stop(); localStorage.clear(); }")


def test_an_interview_asks_answers_and_remembers(lab: Lab) -> None:
    page = mounted(lab, "interview", asked=ASKED)
    assert page.locator(".ask").inner_text() == "Question 1?"
    assert page.locator(".answer").count() == 0
    page.get_by_role("button", name="show the answer").click()
    assert "Answer." in page.locator(".answer").inner_text()
    assert page.locator(".answer a").get_attribute("href") == "/learn?to=01-a#one"
    page.locator(".proof table").wait_for()
    page.get_by_role("button", name="knew it", exact=True).click()
    assert facts(lab) == {"asked": 3, "known": 1}
    page.get_by_label("only what I do not know yet").check()
    assert page.locator(".ask").inner_text() == "Question 2?"
    page.get_by_role("button", name="next question").click()
    page.get_by_role("button", name="next question").click()
    assert page.locator(".ask").inner_text() == "Question 2?", "the one that is known is passed over"
    page.get_by_label("lesson", exact=True).select_option("02-b")
    assert page.locator(".ask").inner_text() == "Question 3?"
    page.get_by_role("button", name="30 s").click()
    assert "s to think" in page.get_by_role("timer").inner_text(), "for the question that stands there, too"
    page.get_by_role("button", name="next question").click()
    assert "s to think" in page.get_by_role("timer").inner_text()
    lab.page.evaluate("() => lab.figure.stop()")
    mounted(lab, "interview", asked=ASKED)
    lab.page.evaluate("() => localStorage.clear()")
