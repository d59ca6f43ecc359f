"""`static/training` in Chromium: the backward pass and AdamW against torch's, a run against the same run in torch,
workers against the page, and the figure that shows it, which tells the server nothing.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from tests.chromium import harness
from tests.oracles.training import Draws, Task, examples, loss, train, weights

SECONDS = 60_000
# Sizes of which none is another's, so that a swapped axis cannot pass.
ODD = {"lookups": 3, "width": 20, "batch": 7, "seed": 11}
SETUP = """async () => {
    const load = (name) => import(`/app/static/${name}.js?v=test`);
    const { start } = await load("headlight");
    const ui = start(await (await fetch("/settings")).json());
    const names = ["task", "model", "adam", "check", "train", "start", "words"];
    const modules = await Promise.all(names.map((name) => load(`training/${name}`)));
    const { random } = await load("local/random");
    globalThis.lab = Object.assign({ ui, random }, ...modules);
    // A run from its beginning to its end, here and now.
    lab.whole = (settings) => {
        const run = lab.training(settings);
        while (!run.isDone()) run.step();
        return run.result();
    };
    // Runs as the figure starts them: what was told on the way, what came of each, and whether the page did it.
    lab.through = (runs) => new Promise((resolve, reject) => {
        const [results, told] = [[], []];
        let isHere = false;
        lab.start(runs, {
            told: (index, news) => told.push([index, news.step]), here: () => { isHere = true; },
            failed: (message) => reject(new Error(message)),
            done: (index, result) => {
                results[index] = result;
                if (results.filter(Boolean).length === runs.length) resolve({ results, told, isHere });
            },
        });
    });
}"""
STEP = """(given) => {
    const settings = lab.checked(given);
    const draw = lab.random(settings.seed);
    const flat = lab.initial(settings, draw);
    const gradient = new Float64Array(flat.length);
    const batch = lab.fill(lab.batchOf(settings.batch, settings.lookups), draw);
    const [parts, slopes] = [lab.partsOf(flat, settings), lab.partsOf(gradient, settings)];
    const pass = lab.passOf(settings, settings.batch);
    const loss = lab.forward(parts, pass, batch);
    lab.backward(parts, slopes, pass, batch);
    const named = (views) => Object.fromEntries(Object.entries(views).map(([name, view]) => [name, Array.from(view)]));
    const [kinds, answers] = [batch.kinds, batch.answers].map((array) => Array.from(array));
    return { loss, parts: named(parts), slopes: named(slopes), kinds, answers };
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{harness.address()}/light")
    page.evaluate(SETUP)
    yield page
    page.close()


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_the_gradient_is_torchs(lab: Page, heads: int) -> None:
    """From the same seed: the same first weights, the same batch, the same loss, and its slope in every parameter."""
    task = Task(heads=heads, **ODD)
    draws = Draws(task.seed)
    theirs = weights(task, draws)
    marks, symbols, answers = examples(task.batch, task.lookups, draws)
    ours = lab.evaluate(STEP, {"heads": heads, **ODD})
    assert ours["kinds"] == (16 * marks + symbols).flatten().tolist()
    assert ours["answers"] == answers.flatten().tolist()
    now = loss(theirs, marks, symbols, answers, heads)
    now.backward()
    assert ours["loss"] == pytest.approx(now.item(), rel=1e-12)
    assert list(ours["parts"]) == list(theirs)
    for name, part in theirs.items():
        np.testing.assert_allclose(ours["parts"][name], part.detach().flatten(), rtol=1e-14, err_msg=name)
        size = part.grad.abs().max().item()
        assert size > 0, name
        close = {"rtol": 1e-5, "atol": 1e-12 * size}
        np.testing.assert_allclose(ours["slopes"][name], part.grad.flatten(), err_msg=name, **close)


RECEIVED = """(given) => {
    const settings = lab.checked(given);
    const draw = lab.random(settings.seed);
    const parts = lab.partsOf(lab.initial(settings, draw), settings);
    const batch = lab.fill(lab.batchOf(settings.batch, settings.lookups), draw);
    const pass = lab.passOf(settings, settings.batch);
    lab.forward(parts, pass, batch);
    return { ...lab.receivedOf(pass, batch), weights: Array.from(pass.weights), kinds: Array.from(batch.kinds) };
}"""


def test_what_heads_give_to_the_marks_is_read_off_their_weights(lab: Page) -> None:
    found = lab.evaluate(RECEIVED, {"heads": 2, **ODD})
    given, kinds = np.reshape(found["weights"], (7, 2, 10)), np.reshape(found["kinds"], (7, 10))
    np.testing.assert_allclose(given.sum(-1), 1)
    at_marks = np.stack([np.where((kinds // 16 == mark)[:, None], given, 0).sum(-1) for mark in (1, 2, 3)], axis=-1)
    np.testing.assert_allclose(found["received"], at_marks.mean(0))
    np.testing.assert_allclose(found["ranked"], -np.sort(-at_marks, axis=-1).mean(0))


ADAM = """([parameters, gradients, rate]) => {
    const own = Float64Array.from(parameters);
    const step = lab.adam(own.length, rate);
    return gradients.map((gradient) => {
        step(own, Float64Array.from(gradient));
        return Array.from(own);
    });
}"""


def test_a_step_is_that_of_torchs_adamw(lab: Page) -> None:
    draw = torch.Generator().manual_seed(3)
    begun, slopes = torch.randn(23, generator=draw, dtype=torch.float64), torch.randn(5, 23, generator=draw).double()
    slopes[:, 4] = 0  # what has no slope only shrinks
    own = begun.clone().requires_grad_()
    optimizer = torch.optim.AdamW([own], lr=7e-3)
    ours = lab.evaluate(ADAM, [begun.tolist(), slopes.tolist(), 7e-3])
    for slope, after in zip(slopes, ours, strict=True):
        own.grad = slope.clone()
        optimizer.step()
        np.testing.assert_allclose(after, own.detach(), rtol=1e-12)


CHECK = """([given, fault]) => {
    const settings = lab.checked(given);
    const draw = lab.random(settings.seed);
    const flat = lab.initial(settings, draw);
    const before = Array.from(flat);
    const batch = lab.fill(lab.batchOf(settings.batch, settings.lookups), draw);
    const wrong = (parts, slopes, pass, own) => {
        lab.backward(parts, slopes, pass, own);
        slopes[fault].forEach((slope, i) => { slopes[fault][i] = 1.1 * slope; });
    };
    const pass = lab.passOf(settings, settings.batch);
    const found = lab.checkGradient(settings, flat, pass, batch, fault ? wrong : lab.backward);
    return { ...found, isSame: before.every((value, i) => value === flat[i]) };
}"""


@pytest.mark.parametrize("fault", ["", "marks", "symbols", "asker", "query", "key", "value", "output", "answers"])
def test_the_check_in_the_page_finds_a_wrong_slope(lab: Page, fault: str) -> None:
    found = lab.evaluate(CHECK, [{"heads": 2, "lookups": 3}, fault])
    assert found["ok"] is (fault == "")
    assert found["isSame"]


WHOLE = """(settings) => {
    const { losses, loss, accuracy } = lab.whole(settings);
    return { losses: Array.from(losses), loss, accuracy };
}"""


def test_runs_go_as_the_same_runs_in_torch(lab: Page) -> None:
    """Four look-ups: with the same first weights and batches the same losses, and the same conclusion in the end."""
    ends = {}
    for heads in (1, 4):
        task = Task(heads=heads, lookups=4, seed=2, steps=500)
        made = lab.evaluate(WHOLE, {"heads": heads, "lookups": 4, "seed": 2, "steps": 500})
        theirs = train(task)
        np.testing.assert_allclose(made["losses"][:50], theirs[:50], atol=1e-3)
        ends[heads] = (np.mean(made["losses"][-50:]), np.mean(theirs[-50:]), made["loss"])
    for one, four in zip(ends[1], ends[4], strict=True):
        assert four < 0.5 * one


REFUSED = """(given) => {
    try { lab.training(given); } catch (error) { return `${error.name}: ${error.message}`; }
    return "trained";
}"""


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"heads": 3}, "3 heads cannot share a width of 16 evenly; choose a divisor of it."),
        ({"steps": 0}, "steps must be a whole number of 1 or more; it is 0."),
        ({"lookups": 11}, "At most 10 places can be marked; lookups is 11."),
        ({"seed": -1}, "The seed must be a whole number from 0 to"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(lab: Page, wrong: dict[str, int], words: str) -> None:
    assert lab.evaluate(REFUSED, wrong).startswith(f"RangeError: {words}")
    # The same words reach whoever started it, though a worker was asked first.
    assert words in lab.evaluate("(given) => lab.through([given]).catch((error) => error.message)", wrong)


# Runs through `start` and in one go, held against each other to the last bit.
SAME = """async (runs) => {
    const { results, told, isHere } = await lab.through(runs);
    const isEqual = (one, other) => one.length === other.length && one.every((value, i) => Object.is(value, other[i]));
    return { told, isHere, same: results.map((result, i) => {
        const whole = lab.whole(runs[i]);
        return isEqual(result.losses, whole.losses) && isEqual(result.parameters, whole.parameters)
            && Object.is(result.loss, whole.loss);
    }) };
}"""
RUNS = [{"heads": heads, "lookups": 2, "steps": 60, "seed": seed} for seed in (5, 6) for heads in (1, 4)]


def test_workers_and_page_make_the_same_bits(lab: Page) -> None:
    found = lab.evaluate(SAME, RUNS)
    assert found["same"] == [True] * 4
    assert not found["isHere"]
    rests(lab)


@pytest.mark.parametrize("refused", ["by a policy", "by the browser", "by a missing file", "by a module that fails"])
def test_where_workers_are_refused_the_page_trains(browser: Browser, refused: str) -> None:
    page = browser.new_page()
    if refused == "by a policy":
        headers = {"content-type": "text/html", "content-security-policy": "worker-src 'none'"}
        page.route("**/light", lambda route: route.fulfill(response=route.fetch(), headers=headers))
    if refused == "by a missing file":
        page.route("**/worker.js*", lambda route: route.fulfill(status=404, body=""))
    if refused == "by a module that fails":
        # As the worker alone sees it: it asks with another version.
        page.add_init_script("globalThis.HEADLIGHT = { version: 'worker' }")
        page.route("**/train.js?v=worker", lambda route: route.fulfill(status=404, body=""))
    page.goto(f"{harness.address()}/light")
    if refused == "by the browser":
        page.evaluate("() => { globalThis.Worker = class { constructor() { throw new Error('refused'); } }; }")
    page.evaluate(SETUP)
    found = page.evaluate(SAME, RUNS)
    assert found["same"] == [True] * 4
    assert found["isHere"]
    page.close()


STOPPED = """() => new Promise((resolve) => {
    const began = performance.now();
    let [count, stop] = [0, null];
    const told = () => {
        count += 1;
        if (count !== 8) return;
        stop();
        const spent = performance.now() - began;
        setTimeout(() => resolve({ count, spent }), 350);
    };
    const endless = { heads: 1, lookups: 2, steps: 1_000_000 };
    stop = lab.start([endless, endless, endless], { told, done: told, failed: told });
})"""


def test_runs_that_are_stopped_say_nothing_more(lab: Page) -> None:
    found = lab.evaluate(STOPPED)
    assert found["count"] == 8
    # Two workers, each at most ten times a second.
    assert found["count"] <= 2 * found["spent"] / 100
    rests(lab)


# Whether a timer of whoever trains is heard before its fifth news of an endless run.
LETS_GO = """async () => {
    const { train } = await import("/app/static/training/worker.js?v=test");
    let [isHeard, news] = [false, 0];
    setTimeout(() => { isHeard = true; });
    return new Promise((resolve) => {
        train({ heads: 1, lookups: 2, steps: 1_000_000 }, ({ error }) => {
            news += 1;
            if (error) resolve(isHeard);
            else if (isHeard || news === 5) throw new Error("enough");
        });
    });
}"""


def test_a_run_lets_go_so_that_it_can_be_stopped(lab: Page) -> None:
    assert lab.evaluate(LETS_GO)


FIGURE = """async ([settings, width]) => {
    const { default: figure } = await import("/app/static/lesson/figures/training.js?v=test");
    const root = Object.assign(document.createElement("div"), { id: "figure" });
    root.style.width = width;
    document.querySelector("#figure")?.remove();
    document.body.append(root);
    lab.changes = 0;
    const palette = () => lab.ui.applyTheme(document.documentElement);
    const changed = () => { lab.changes += 1; };
    lab.figure = figure({ root, settings, context: { ui: lab.ui, palette, changed } });
}"""
SMALL = {"heads": [1, 2, 4], "lookups": 4, "d_model": 16, "seeds": 1, "steps": 40, "seed": 1}


def figure(page: Page, width: str = "100%", **more: Any) -> Locator:
    page.evaluate(FIGURE, [SMALL | more, width])
    return page.locator("#figure")


def rests(page: Page) -> None:
    """No worker is left, as soon as the browser has taken it down."""
    for _ in range(100):
        if not page.workers:
            return
        page.wait_for_timeout(20)
    assert page.workers == []


def trained(page: Page, box: Locator) -> dict[str, float]:
    expect(box.locator("table")).to_be_visible(timeout=SECONDS)
    return page.evaluate("() => lab.figure.facts()")


def test_nothing_is_trained_before_the_click(lab: Page) -> None:
    box = figure(lab)
    lab.wait_for_timeout(100)
    assert lab.workers == []
    assert lab.evaluate("() => lab.figure.facts()") == {}
    expect(box.get_by_role("img")).to_have_attribute("aria-label", re.compile("Nothing is trained yet"))
    expect(box.get_by_role("button", name="Stop")).to_be_disabled()
    expect(box.locator("table")).to_have_count(0)


def test_the_figure_shows_what_came_of_the_runs(lab: Page) -> None:
    box = figure(lab)
    box.get_by_role("button", name="Train").click()
    facts = trained(lab, box)
    runs = ({"heads": heads, "lookups": 4, "steps": 40, "seed": 1} for heads in (1, 2, 4))
    results = [lab.evaluate(WHOLE, run) for run in runs]
    losses = [result["loss"] for result in results]
    assert [facts[f"loss_{heads}"] for heads in (1, 2, 4)] == losses
    assert facts["best"] == int(np.argmin(losses))
    assert facts["gap"] == pytest.approx(losses[0] - losses[2])
    for heads, result in zip((1, 2, 4), results, strict=True):
        assert facts[f"accuracy_{heads}"] == pytest.approx(np.mean(result["accuracy"]))
    rows = box.locator("tbody tr").all_inner_texts()
    cells = [row.split("\t") for row in rows]
    assert [row[:3] for row in cells] == [
        [str(heads), str(16 // heads), f"{value:.3f}"] for heads, value in zip((1, 2, 4), losses, strict=True)
    ]
    assert [row[3] for row in cells] == [f"{100 * result['accuracy'][0]:.1f} %" for result in results]
    one, two, four = losses
    ends = f"{one:.3f} with 1 head, {two:.3f} with 2 heads and {four:.3f} with 4 heads."
    expect(box.get_by_role("img").first).to_have_attribute(
        "aria-label", f"Loss by training step. After 40 steps the loss on fresh examples is {ends}"
    )
    expect(box.locator(".note")).to_contain_text("✓")
    assert lab.evaluate("() => lab.changes") == 2
    rests(lab)


ANSWERED = """async () => {
    const { answered, exampleOf } = await import("/app/static/training/examples.js?v=test");
    const example = exampleOf(4, 0);
    const { weights, said } = answered(lab.whole({ heads: 4, lookups: 4, steps: 40, seed: 1 }), example);
    return { weights: Array.from(weights), said: Array.from(said), answers: Array.from(example.answers) };
}"""


def test_each_head_has_its_row_of_weights_which_sum_to_one(lab: Page) -> None:
    box = figure(lab)
    box.get_by_role("button", name="Train").click()
    trained(lab, box)
    strips = box.locator(".strip")
    expect(strips).to_have_count(3)
    assert [strip.locator("svg rect").count() for strip in strips.all()] == [10, 20, 40]
    before = box.locator(".strip svg").first.get_attribute("aria-label")
    made = lab.evaluate(ANSWERED)
    table = np.reshape(made["weights"], (4, 10))
    np.testing.assert_allclose(table.sum(1), 1)
    # Each cell's number is written as it is everywhere: two decimals, "<0.01" for what is not 0.
    shown = strips.nth(2).locator("svg g text").all_text_contents()
    numbers = [float(one.replace("<", "")) for one in shown]
    np.testing.assert_allclose(numbers, table.ravel(), atol=0.0101)
    named = strips.nth(2).locator(".said span").all_inner_texts()
    letters = [chr(65 + symbol) for symbol in made["said"]]
    assert [words.split()[1].rstrip(",") for words in named] == letters
    right = np.array(made["said"]) == np.array(made["answers"])
    assert [words.endswith("✓") for words in named] == right.tolist()
    box.get_by_role("button", name="Another example").click()
    assert box.locator(".strip svg").first.get_attribute("aria-label") != before


def test_another_seed_gives_other_numbers_and_the_same_one_the_same(lab: Page) -> None:
    box = figure(lab)
    box.get_by_role("button", name="Train").click()
    first = trained(lab, box)
    box.get_by_role("button", name="Another seed").click()
    lab.wait_for_function("(old) => (lab.figure.facts().loss_1 ?? old) !== old", arg=first["loss_1"])
    box = figure(lab)
    box.get_by_role("button", name="Train").click()
    assert trained(lab, box) == first


def test_of_several_seeds_the_median_counts_and_each_is_shown(lab: Page) -> None:
    box = figure(lab, heads=[2], lookups=2, seeds=3, seed=7)
    box.get_by_role("button", name="Train").click()
    facts = trained(lab, box)
    runs = ({"heads": 2, "lookups": 2, "steps": 40, "seed": seed} for seed in (7, 8, 9))
    losses = [lab.evaluate(WHOLE, run)["loss"] for run in runs]
    assert facts["loss_2"] == sorted(losses)[1]
    assert box.locator("thead th").all_inner_texts()[2:5] == [f"loss, seed {seed}" for seed in (7, 8, 9)]
    assert box.locator("tbody td").all_inner_texts()[1:4] == [f"{value:.3f}" for value in losses]
    expect(box.get_by_role("img").first).to_have_attribute("aria-label", re.compile("the median of 3 seeds"))


# Asked once a frame: as long as nobody stops them, two workers train as fast as they can.
GOES_ON = """() => document.querySelector("#figure [role=img]").ariaLabel.includes("Training goes on")"""


@pytest.mark.parametrize("way", ["Stop", "taken down"])
def test_a_figure_that_is_stopped_or_taken_down_leaves_no_worker(lab: Page, way: str) -> None:
    box = figure(lab, steps=1_000_000)
    box.get_by_role("button", name="Train").click()
    lab.wait_for_function(GOES_ON, timeout=SECONDS)
    assert len(lab.workers) in {1, 2}
    if way == "Stop":
        box.get_by_role("button", name="Stop").click()
        expect(box.get_by_role("button", name="Train")).to_be_enabled()
    else:
        lab.evaluate("() => lab.figure.stop()")
    rests(lab)
    assert lab.evaluate("() => lab.figure.facts()") == {}


WIDEST = """(root) => Math.max(...[...root.querySelectorAll("svg, p, .inputs")].map((one) => one.scrollWidth))"""
SCALES = """(all) => all.map((one) => one.getBoundingClientRect().width / one.viewBox.baseVal.width)"""


def test_on_a_phone_nothing_is_cut_off(lab: Page) -> None:
    box = figure(lab, width="358px")
    box.get_by_role("button", name="Train").click()
    trained(lab, box)
    assert box.evaluate(WIDEST) <= 358
    assert min(box.locator("svg").evaluate_all(SCALES)) > 0.9  # letters keep their size


# The figure alone on a page of Streamlit, as an app under a path and in one piece has it.
ALONE = """
import streamlit as st
from attention.ui import components

assert components.is_delivered()
JS = components.settings() + '''
globalThis.HEADLIGHT ??= HEADLIGHT;
const folder = `${location.origin}${HEADLIGHT.base}/app/static`;
const { load } = await import(`${folder}/delivered.js?v=${HEADLIGHT.version}`);
await import(`${folder}/delivered_lessons.js?v=${HEADLIGHT.version}`);
const [{ start }, { default: figure }] = await Promise.all(
    ["headlight", "lesson/figures/training"].map((name) => load(`${folder}/${name}.js`)));
export default function ({ parentElement }) {
    const ui = start(HEADLIGHT);
    const root = ui.make("div", { id: "figure" });
    parentElement.replaceChildren(root);
    const palette = () => ui.applyTheme(parentElement);
    const changed = () => { globalThis.facts = globalThis.figure.facts(); };
    globalThis.figure = figure({ root, settings: SETTINGS, context: { ui, palette, changed } });
    return () => globalThis.figure.stop();
}
'''
st.components.v2.component("trained", js=JS)(key="trained")
"""


def test_the_server_hears_nothing_of_it(serve_source: Callable[..., str], page: Page) -> None:
    """Under a base path and from what is delivered in one piece: a click, and from there on not one message."""
    source = ALONE.replace("SETTINGS", json.dumps(SMALL | {"steps": 200}))
    url = serve_source(source, STREAMLIT_SERVER_BASE_URL_PATH="class/two")
    sent: list[str | bytes] = []
    asked: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(url)
    box = page.locator("#figure")
    box.get_by_role("button", name="Train").wait_for(timeout=SECONDS)
    assert sent
    page.wait_for_timeout(500)
    sent.clear()
    page.on("request", lambda request: asked.append(request.url))
    box.get_by_role("button", name="Train").click()
    expect(box.locator("table")).to_be_visible(timeout=SECONDS)
    assert page.evaluate("() => globalThis.facts.best") in {0, 1, 2}
    assert "on this page" not in box.inner_text()
    # What a worker is made of comes as files, with the version of the app.
    assert any("/training/worker.js?v=" in one for one in asked)
    files = re.compile(rf"{re.escape(url)}/app/static/[a-z/]+\.js\?v=[0-9a-f]{{12}}")
    assert [one for one in asked if not files.fullmatch(one)] == []
    asked.clear()
    box.get_by_role("button", name="Another example").click()
    page.wait_for_timeout(500)
    assert sent == asked == []
