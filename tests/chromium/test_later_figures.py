"""The figures of lessons 7 to 10 and 14 on a blank page: what they say, what their steps promise, what moves them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from attention.lessons.parse import PLACEHOLDER
from attention.lessons.records import Step
from tests.chromium.alone import kind_of, palette, settings_of, steps
from tests.chromium.lab import Lab, opened

NAMES = ("07-heads", "08-output", "09-positions", "10-cost", "14-stack")
# Figures that train, measure or show a run, and have no facts of their own at once.
LATER = ("training", "measured")
# What is known of this machine's times only when they were measured.
AFTER_A_CLICK = {"equal_times", "crossed", "order", "said"}
SETUP = """async () => {
    const { start } = await import("/headlight.js");
    const ui = start({ palettes: {} });
    globalThis.lab = {
        make: async ([kind, settings, palette, width]) => {
            lab.figure?.stop();
            document.body.replaceChildren();
            const root = document.createElement("div");
            root.style.width = `${width}px`;
            document.body.append(root);
            const { default: make } = await import(`/lesson/figures/${kind}.js`);
            const given = { store: "s", mount: () => () => {}, say: () => {}, lesson: "l" };
            const changed = () => { lab.changes++; };
            const context = { ui, palette: () => palette, sentence: () => lab.own, changed, ...given };
            Object.assign(lab, { root, own: "", changes: 0, figure: await make({ root, settings, context }) });
        },
        show: async (given) => {
            await lab.make(given);
            return lab.told();
        },
        told: () => {
            const all = (selector) => [...lab.root.querySelectorAll(selector)];
            return {
                facts: lab.figure.facts(), labels: all("svg").map((one) => one.getAttribute("aria-label")),
                texts: all("svg text").map((one) => one.textContent).join(" "), wide: lab.root.scrollWidth,
                says: all(".says")[0].textContent, check: all(".check")[0].textContent, changes: lab.changes,
            };
        },
    };
}"""
CHECKED = ("addends", "concat", "decoding", "lowrank", "perhead", "shuffle", "sinusoids", "streaming", "turning")
# The right answers of guesses that the words around them take for granted.
TRUE = {
    ("07-heads", "rows"): 0, ("07-heads", "whole"): 2, ("07-heads", "parameters"): 1, ("07-heads", "rank"): 4,
    ("07-heads", "copies"): 0, ("08-output", "concat"): 0, ("08-output", "add"): 0, ("08-output", "mix"): 1,
    ("08-output", "merge"): 4, ("09-positions", "shuffle"): 0, ("09-positions", "twins"): 0,
    ("09-positions", "mask"): 1, ("09-positions", "sinusoids"): 0, ("09-positions", "rotary"): 0,
    ("09-positions", "alibi"): 4, ("09-positions", "buckets"): 0, ("10-cost", "count"): 2 / 3,
    ("10-cost", "recurrent"): 0, ("10-cost", "memory"): 4, ("10-cost", "flash"): 0, ("10-cost", "cache"): 72,
    ("10-cost", "next"): 0, ("10-cost", "window"): 1, ("14-stack", "three"): 10, ("14-stack", "once"): 0,
    ("14-stack", "which"): 100, ("14-stack", "norms"): 0,
}  # fmt: skip


STEPS = [(name, step) for name, step in steps(NAMES) if step.figure and step.figure.kind not in LATER]
OWN = sorted({step.figure.kind for _, step in steps(NAMES) if step.figure and step.figure.kind != "training"})


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def show(lab: Lab, kind: str, width: int = 640, **settings: Any) -> Any:
    given = [kind, settings_of(kind, **settings), palette("light"), width]
    return lab.page.evaluate("(given) => lab.show(given)", given)


def told(lab: Lab) -> Any:
    return lab.page.evaluate("() => lab.told()")


def press(lab: Lab, words: str) -> Any:
    lab.page.get_by_role("button", name=words, exact=True).click()
    return told(lab)


def switch(lab: Lab, words: str) -> Any:
    lab.page.get_by_role("checkbox", name=words, exact=True).click()
    return told(lab)


def slide(lab: Lab, words: str, index: float) -> Any:
    lab.page.get_by_role("slider", name=words).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(index)
    )
    return told(lab)


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("width", [330, 640])
def test_each_figure_fits_says_its_numbers_and_knows_its_facts(lab: Lab, kind: str, width: int) -> None:
    found = show(lab, kind, width)
    row = kind_of(kind)
    assert found["facts"].keys() == row.facts.keys() - (AFTER_A_CLICK if kind == "measured" else set())
    assert found["labels"]
    assert all(any(letter.isdigit() for letter in label) for label in found["labels"])
    assert found["says"]
    assert found["wide"] <= width
    assert not found["check"] or found["check"][0] in "✓✗"
    assert "NaN" not in found["texts"] + found["says"]
    assert "undefined" not in found["texts"] + found["says"]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=lambda one: one if isinstance(one, str) else one.anchor)
def test_the_answer_of_each_guess_is_what_the_words_take_for_granted(lab: Lab, name: str, step: Step) -> None:
    assert step.figure
    assert step.guess
    facts = show(lab, step.figure.kind, **step.figure.settings)["facts"]
    answer = facts[step.guess.answer]
    assert answer == pytest.approx(TRUE[name, step.anchor])
    if step.guess.options:
        assert answer in range(len(step.guess.options))
    else:
        assert step.guess.low <= answer <= step.guess.high
    assert all(facts[key] is not None for key in PLACEHOLDER.findall(step.guess.after))


@pytest.mark.parametrize("kind", [kind for kind in OWN if "seed" in kind_of(kind).settings and kind != "shuffle"])
def test_another_seed_gives_other_numbers(lab: Lab, kind: str) -> None:
    before = show(lab, kind)
    after = press(lab, "Another seed")
    assert after["labels"] + [after["texts"], after["says"]] != before["labels"] + [before["texts"], before["says"]]
    assert after["changes"] == 1


@pytest.mark.parametrize("kind", [kind for kind in OWN if "own" in kind_of(kind).settings])
def test_a_sentence_of_ones_own_takes_the_place_of_the_text(lab: Lab, kind: str) -> None:
    show(lab, kind, own=True)
    found = lab.page.evaluate("() => { lab.own = 'Zebras <b>ran</b> off'; lab.figure.draw(); return lab.told(); }")
    assert "off" in found["texts"] + found["says"] + " ".join(found["labels"])
    assert lab.page.evaluate("() => lab.root.querySelector('b')") is None


@pytest.mark.parametrize("kind", CHECKED)
def test_checks_that_should_hold_do(lab: Lab, kind: str) -> None:
    assert show(lab, kind)["check"].startswith("✓")


# What moves them


def test_a_head_that_is_not_counted_leaves_a_remainder(lab: Lab) -> None:
    show(lab, "addends")
    found = switch(lab, "count head 2")
    assert found["check"].startswith("✗")
    assert found["facts"]["equal"] == 1
    assert switch(lab, "count head 2")["check"].startswith("✓")


def test_without_w_o_a_coordinate_comes_from_one_head(lab: Lab) -> None:
    assert show(lab, "addends")["facts"]["from"] == 4
    assert press(lab, "the identity")["facts"]["from"] == 1


def test_swapping_only_one_of_both_changes_the_output(lab: Lab) -> None:
    show(lab, "concat")
    assert switch(lab, "swap heads 0 and 1 in concat")["check"].startswith("✗")
    assert switch(lab, "swap their rows of W_O")["check"].startswith("✓")
    assert switch(lab, "swap heads 0 and 1 in concat")["check"].startswith("✗")


def test_a_slice_moves_one_head_alone(lab: Lab) -> None:
    show(lab, "projections")
    for coordinate in range(0, 16, 3):
        assert slide(lab, "coordinate set to 0", coordinate)["facts"]["moved"] == 4
    press(lab, "only a slice of x")
    for coordinate in range(0, 16, 3):
        assert slide(lab, "coordinate set to 0", coordinate)["facts"]["moved"] == 1


@pytest.mark.parametrize("of", ["scores", "match", "carry"])
def test_the_rank_is_the_width_of_the_head_or_less(lab: Lab, of: str) -> None:
    show(lab, "lowrank", of=of)
    for index, width in enumerate((32, 16, 8, 4, 2)):
        found = slide(lab, "heads", index)
        assert found["facts"]["rank"] == min(width, 24 if of == "scores" else 32)
        assert found["check"].startswith("✓")


def test_positions_or_a_mask_break_equivariance(lab: Lab) -> None:
    assert show(lab, "shuffle")["facts"]["how"] == 0
    assert switch(lab, "positions")["facts"]["how"] == 1
    assert switch(lab, "positions")["facts"]["how"] == 0
    found = switch(lab, "causal mask")
    assert found["facts"]["how"] == 1
    assert found["check"].startswith("✗")
    assert press(lab, "First order")["check"].startswith("✓")


def test_moving_both_keeps_the_score_and_moving_one_does_not(lab: Lab) -> None:
    before = show(lab, "turning")["facts"]
    both = press(lab, "Move both by +5")["facts"]
    assert both["score"] == pytest.approx(before["score"]) == pytest.approx(before["moved"])
    alone = slide(lab, "place of the key", 20)["facts"]
    assert alone["score"] != pytest.approx(before["score"], abs=1e-3)


def test_crossings_are_where_the_words_have_them(lab: Lab) -> None:
    first = show(lab, "cost", of="layer", d_model=768)
    assert first["facts"]["crossing"] == 2 * 768
    assert "attention = projections: 1,536" in first["texts"]
    assert switch(lab, "with the feed-forward layer")["facts"]["crossing"] == 6 * 768
    assert switch(lab, "closed cells skipped")["facts"]["crossing"] == 12 * 768
    assert switch(lab, "with the feed-forward layer")["facts"]["crossing"] == 4 * 768
    for n, fewer in ((512, 0), (2048, 1)):
        facts = show(lab, "cost", of="recurrent", d_model=512, n=n)["facts"]
        assert facts["fewer_than_lstm"] == fewer
        assert facts["fewer_than_rnn"] == 1
    equal = show(lab, "cost", of="recurrent", d_model=512, n=512)["facts"]
    assert equal["gru"] == equal["projections"] + equal["attention"]
    assert equal["attention"] == equal["rnn"]


@pytest.mark.parametrize(
    ("of", "named"),
    [
        ("layer", ["attention = projections: 1,024"]),
        ("recurrent", ["layer = GRU, n² part = RNN: 512", "layer = LSTM: 1,024"]),
        ("memory", ["maps = q, k, v, output: 256"]), ("token", ["window = cache: 4,096"]),
    ],
)  # fmt: skip
def test_each_crossing_says_what_meets_what(lab: Lab, of: str, named: list[str]) -> None:
    texts = show(lab, "cost", of=of, d_model=512, heads=8, window=4096)["texts"]
    assert [name for name in named if name not in texts] == []


def test_memory_is_equal_at_four_d_over_h(lab: Lab) -> None:
    facts = show(lab, "cost", of="memory", d_model=768, heads=12, n=256)["facts"]
    assert facts["maps"] == facts["kept"]


def test_a_window_stops_the_growth(lab: Lab) -> None:
    assert show(lab, "cost", of="token", n=8192, window=4096)["facts"]["window_grows"] == 1
    assert show(lab, "cost", of="token", n=1024, window=4096)["facts"]["window_grows"] == 0


def test_the_cache_of_known_models(lab: Lab) -> None:
    assert show(lab, "cache")["facts"]["said"] == "72 KiB"
    assert press(lab, "Llama 3 8B")["facts"]["said"] == "128 KiB"
    found = press(lab, "Llama 2 70B")["facts"]
    assert (found["said"], found["mha"]) == ("320 KiB", "2.5 MiB")
    assert press(lab, "1")["facts"]["said"] == "160 KiB"


def test_blocks_of_any_size_give_the_same_row(lab: Lab) -> None:
    show(lab, "streaming")
    for index in range(7):
        assert slide(lab, "keys a block", index)["check"].startswith("✓")


def test_a_decoder_that_writes_on_keeps_the_keys_of_what_it_read(lab: Lab) -> None:
    before = show(lab, "decoding", step=3)["facts"]
    after = press(lab, "Write one more")["facts"]
    assert (after["own_rows"], after["read_rows"]) == (before["own_rows"] + 1, before["read_rows"])
    assert (before["kept"], before["again"]) == (5 + 3, 3 * 5 + 6)


def test_with_the_norm_before_the_last_gradient_shrinks_with_depth(lab: Lab) -> None:
    show(lab, "norms")
    pre, post = zip(*[
        (facts["pre_gradient"], facts["post_gradient"])
        for facts in (slide(lab, "blocks", index)["facts"] for index in range(5))
    ], strict=True)  # fmt: skip
    assert pre[-1] < pre[0] / 2
    assert min(post) > max(post) / 2


def test_heads_that_start_apart_do_not_become_copies(lab: Lab) -> None:
    same = show(lab, "twins", seed=3)["facts"]
    apart = press(lab, "apart")["facts"]
    assert (same["copies"], apart["copies"]) == (0, 1)
    assert apart["loss"] < same["loss"]


@pytest.mark.parametrize(
    ("kind", "settings", "known"),
    [
        ("measured", {"d_model": 16, "lengths": [8, 16, 32]}, "order"),
        ("training", {"heads": [1], "lookups": 1, "d_model": 8, "seeds": 1, "steps": 20, "seed": 1}, "loss_1"),
    ],
)  # fmt: skip
def test_what_waits_for_a_press_is_run_for_paper_once(
    lab: Lab, kind: str, settings: dict[str, Any], known: str
) -> None:
    facts, waiting = "() => lab.figure.facts()", "() => lab.figure.isWaiting()"
    lab.page.evaluate("(given) => lab.make(given)", [kind, settings, palette("light"), 640])
    assert known not in lab.page.evaluate(facts)
    lab.page.evaluate("() => lab.figure.prepare()")
    assert lab.page.evaluate(waiting)
    lab.page.wait_for_function("() => !lab.figure.isWaiting()")
    assert lab.page.evaluate(facts)[known] is not None
    lab.page.evaluate("() => lab.figure.prepare()")
    assert not lab.page.evaluate(waiting), "what is there already is not made again"


def test_nothing_is_measured_before_a_click_and_all_is_after(lab: Lab) -> None:
    before = show(lab, "measured", d_model=16, lengths=[8, 16, 32])
    assert before["facts"] == {"measured": 1, "equal_counts": 32}, "a guess waits for what is not yet known"
    assert "Nothing is measured yet" in before["labels"][0]
    press(lab, "Measure here")
    lab.page.get_by_role("button", name="Measure again", exact=True).wait_for()
    after = told(lab)
    assert not lab.page.evaluate("() => lab.figure.isWaiting()")
    facts = after["facts"]
    row = kind_of("measured")
    assert facts.keys() == row.facts.keys()
    assert facts["measured"] == 0
    assert facts["said"] in after["says"]
    crossed = facts["crossed"]
    assert facts["order"] in ((0, 2) if crossed == 0 else (0,) if crossed < 28.8 else (1,) if crossed <= 35.2 else (2,))
    assert "medians measured here" in after["says"]
