"""`static/head.js` with changes of the run, against `attention.record.changes`: every verb, and a check that can
fail.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

import attention
from attention.browser import store
from attention.browser.heads import heads_tree
from attention.edits import Edit, edits_of
from attention.record import AttentionRecord, Mask
from attention.record.cuts import is_cut, uncut
from tests.chromium.lab import opened
from tests.chromium.test_head_js import ALL, CAUSAL, SETUP, H, Lab, N, V, array, compare, gap, random, record, trace_of

HEAD = 3
WHYS = """async ([layer, number, pairs]) => {
    const run = await lab.load();
    const head = lab.lib.head(run, layer, number);
    return pairs.map(([query, key]) => head.why(query, key));
}"""
PENDING = """async ([layer, number, edits]) => {
    const run = await lab.load();
    return lab.made(lab.lib.head(run, layer, number, { edits }));
}"""
LINES = {
    "cut an edge": "cut-decoder.2.3-q9-k4",
    "cut an edge in all heads": "cut-decoder-q9-k4",
    "cut a key from all but itself": "cut-decoder.2.3-k4",
    "hide a token": "hide-decoder-k0",
    "temper": "temper-decoder.2.3-t0.35",
    "temper twice": "temper-decoder.2.3-t0.5,temper-decoder.2-t4",
    "even a row": "even-decoder.2.3-q9",
    "even all rows": "even-decoder.2.3",
    "rest on the first": "off-decoder.2.3-first",
    "rest on the first, one row": "off-decoder.2.3-first-q9",
    "zero": "off-decoder.2.3",
    "zero, one row": "off-decoder.2.3-q9",
    "zero the layer": "off-decoder.2",
    "the mean": "off-decoder.2.3-mean",
    "a running mean": "off-decoder.2.3-running",
    "a running mean, one row": "off-decoder.2.3-running-q9",
    "another text's output": "patch-decoder.2.3",
    "another text's weights": "patch-decoder.2.3-weights",
    "another text's weights, one row": "patch-decoder.2.3-weights-q9",
    "many": "hide-decoder-k2,cut-decoder.2.3-q9-k4,temper-decoder.2.3-t2,"
    "even-decoder.2.3-q9,off-decoder.2.3-running-q11",
    "the last of two counts": "even-decoder.2.3,off-decoder.2.3-first-q9,off-decoder.2.3,off-decoder.2.3-running-q5",
}  # fmt: skip
RULES: dict[str, dict[str, Any]] = {
    "causal": {"mask": CAUSAL},
    "all open": {},
    "a window": {"mask": Mask(before=6, after=0)},
    "a sink in the weights": {"mask": CAUSAL, "sink": random(H)},
    "a sink on the output": {"mask": CAUSAL, "sink": random(H), "sink_scales": True},
    "padding, a cap and a temperature": {
        "mask": Mask(after=0, keys=torch.arange(N) != 8), "softcap": 2.0, "temperature": 1.9,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(browser: Browser) -> Iterator[Lab]:
    yield from opened(browser, Lab, SETUP)


def edited(lines: str, **rules: Any) -> AttentionRecord:
    """Such an operation as it ran with edits: its mask with the edges cut, what was put in place, and its output."""
    edits = edits_of(lines)
    plain = record(**rules)
    with_edits = replace(plain, edits=edits)
    cut = torch.stack([is_cut(with_edits, head) for head in range(H)])
    mask = plain.mask
    if cut.any():
        before = mask.rows(0, N, N)
        mask = Mask(array=~cut if before is None else before & ~cut)
    made = replace(
        with_edits, mask=mask, given=_given(edits), given_weights={HEAD: random(N, N).softmax(-1)} if "weights" in lines
        else {}
    )  # fmt: skip
    return replace(made, output=torch.stack([made.stages(head).mixed for head in range(H)], dim=1))


def _given(edits: tuple[Edit, ...]) -> dict[int, torch.Tensor]:
    hows = {edit.how for edit in edits}
    return {HEAD: random(1, V)} if "mean" in hows else {HEAD: random(N, V)} if "output" in hows else {}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_every_verb_equals_the_reference(lab: Lab, lines: str, rules: dict[str, Any]) -> None:
    trace = trace_of(edited(lines, **rules))
    for one in lab.heads(trace):
        compare(one, trace.head(2, one["head"]))
        assert one["check"]["ok"] is True, one["check"]
        assert one["altered"] is False


@pytest.mark.parametrize("lines", [line for name, line in LINES.items() if "temper" not in name and name != "many"])
def test_of_maps_alone_too(lab: Lab, lines: str) -> None:
    made = edited(lines, mask=CAUSAL)
    plain = replace(made, edits=())
    steps = [dict(plain.stages(head).steps) for head in range(H)]
    scores, weights = (torch.stack([step[name] for step in steps]) for name in ("masked", "weights"))
    for lost in (
        replace(made, query=None, key=None, maps=lambda: (scores, weights)),
        replace(made, query=None, key=None, weights=weights),
    ):
        trace = trace_of(lost)
        for one in lab.heads(trace, maps=True):
            compare(one, trace.head(2, one["head"]))
            assert one["check"]["ok"] is True, one["check"]


def test_of_maps_a_temperature_is_told_where_scores_are_known(lab: Lab) -> None:
    made = edited(LINES["temper"], mask=CAUSAL)
    plain = replace(made, edits=())
    steps = [dict(plain.stages(head).steps) for head in range(H)]
    scores, weights = (torch.stack([step[name] for step in steps]) for name in ("masked", "weights"))
    trace = trace_of(replace(made, query=None, key=None, maps=lambda: (scores, weights)))
    for one in lab.heads(trace, maps=True):
        compare(one, trace.head(2, one["head"]))
        assert one["check"]["ok"] is True, one["check"]


@pytest.mark.parametrize("lines", [line for name, line in LINES.items() if name != "the last of two counts"])
def test_a_wrong_change_fails_the_check(lab: Lab, lines: str) -> None:
    """The browser is told nothing of what was changed, or another head's change: it says so."""
    made = edited(lines, mask=CAUSAL)
    tree = heads_tree(trace_of(made))
    tree["layers"][0]["edits"] = [
        line.replace(".3", ".2") if ".3" in line else "hide-decoder-k7" for line in lines.split(",")
    ]
    found = {one["head"]: one["check"]["ok"] for one in lab.run(ALL, tree, {})}
    assert found[HEAD] is False


@pytest.mark.parametrize("name", [name for name in LINES if "text" not in name and name != "the mean"])
@pytest.mark.parametrize("rules", [RULES["causal"], RULES["a sink in the weights"]], ids=["causal", "sink"])
def test_a_change_is_made_before_the_model_has_run_with_it(lab: Lab, name: str, rules: dict[str, Any]) -> None:
    lines = LINES[name]
    wanted = trace_of(edited(lines, **rules)).head(2, HEAD)
    made = lab.run(PENDING, heads_tree(trace_of(edited("", **rules))), [2, HEAD, lines.split(",")])
    assert made["altered"] is True
    for stage, theirs in wanted.stages:
        assert gap(array(made["stages"][stage], N, N), theirs) <= 1e-5, stage
    assert gap(array(made["output"], N, V), wanted.output) <= 1e-5


def test_a_change_is_lifted_before_the_model_has_run_without_it(lab: Lab) -> None:
    lines = LINES["many"]
    made = lab.run(PENDING, heads_tree(trace_of(edited(lines, mask=CAUSAL))), [2, HEAD, []])
    wanted = trace_of(edited("", mask=CAUSAL)).head(2, HEAD)
    assert gap(array(made["stages"]["weights"], N, N), wanted.weights) <= 1e-5
    assert gap(array(made["output"], N, V), wanted.output) <= 1e-5


def test_of_maps_a_cut_edge_leaves_the_row_to_the_others(lab: Lab) -> None:
    plain = edited("", mask=CAUSAL)
    steps = [dict(plain.stages(head).steps) for head in range(H)]
    scores, weights = (torch.stack([step[name] for step in steps]) for name in ("masked", "weights"))
    lost = trace_of(replace(plain, query=None, key=None, maps=lambda: (scores, weights)))
    made = lab.run(PENDING, heads_tree(lost, maps=True), [2, HEAD, ["cut-decoder.2.3-q9-k4"]])
    wanted = trace_of(edited("cut-decoder.2.3-q9-k4", mask=CAUSAL)).head(2, HEAD)
    assert gap(array(made["stages"]["weights"], N, N), wanted.weights) <= 1e-5


def test_a_rule_travels_in_place_of_the_bits_and_the_reasons_with_it(lab: Lab) -> None:
    made = edited("hide-decoder-k2,cut-decoder.2.3-q9-k4", mask=CAUSAL)
    [layer] = heads_tree(trace_of(made))["layers"]
    assert layer["mask"] == {"before": None, "after": 0, "keys": None, "bits": None}
    pairs = [[9, 4], [9, 2], [2, 2], [4, 9], [1, 2], [9, 3]]
    whys = lab.run(WHYS, heads_tree(trace_of(made)), [2, HEAD, pairs])
    assert whys == ["edit", "edit", "", "causal", "causal", ""]
    assert lab.run(WHYS, heads_tree(trace_of(made)), [2, 0, [[9, 4]]]) == [""]


def test_bits_travel_where_no_rule_says_the_rest(lab: Lab) -> None:
    mask = Mask(array=random(N, N) > -1)
    own = mask.rows(0, N, N)
    assert own is not None
    made = replace(
        record(),
        edits=edits_of("cut-decoder.2.3-q9-k4"),
        mask=Mask(array=own.clone().index_put((torch.tensor(9), torch.tensor(4)), torch.tensor(False)).expand(H, N, N)),
    )
    assert uncut(made, [0]) is None
    [layer] = heads_tree(trace_of(made))["layers"]
    assert layer["mask"]["bits"] is not None
    assert lab.run(WHYS, heads_tree(trace_of(made)), [2, HEAD, [[9, 4]]]) == ["edit"]


MODEL_LINES = (
    "off-2.5",
    "off-2.5-running",
    "cut-2.5-q7-k3",
    "hide-k1",
    "temper-1.3-t0.4",
    "even-2.5-q7",
    "off-1",
    "cut-q7-k3",
)


@pytest.mark.parametrize("line", MODEL_LINES)
def test_the_models_own_output_is_what_the_browser_makes(lab: Lab, line: str) -> None:
    trace = attention.trace("storyteller", "The cat sat on the mat because it was tired.", edits=line)
    made = lab.heads(trace)
    assert len(made) == sum(record.n_heads for record in trace.all_records)
    assert all(one["check"]["ok"] for one in made), [one["check"] for one in made if not one["check"]["ok"]]


def test_two_texts(lab: Lab) -> None:
    trace = attention.trace(
        "dates", "3 May 1998", edits="hide-encoder-k2,even-cross.0.1-q3,off-decoder.1.0,cut-cross.1.1-q2-k1"
    )
    for kind in trace.kinds:
        for one in lab.heads(trace, kind):
            compare(one, trace.head(one["layer"], one["head"], kind))
            assert one["check"]["ok"] is True, one["check"]


def test_what_travels_says_what_was_changed() -> None:
    made = edited(LINES["the mean"], mask=CAUSAL)
    [layer] = heads_tree(trace_of(made), heads=[HEAD])["layers"]
    assert layer["edits"] == ["off-decoder.2.3-mean"]
    assert np.allclose(layer["given"]["3"], made.given[HEAD])
    [other] = heads_tree(trace_of(made), heads=[0])["layers"]
    assert other["given"] == {}, "another head's does not travel"


def test_a_rule_is_never_guessed() -> None:
    """Where the rule with the edges cut is not the mask bit for bit, there is none."""
    made = edited("cut-decoder.2.3-q9-k4", mask=CAUSAL)
    array_ = made.mask.array
    assert array_ is not None
    assert uncut(made, [HEAD]) is not None
    wrong = array_.clone()
    wrong[HEAD, 9, 5] = False
    assert uncut(replace(made, mask=Mask(array=wrong)), [HEAD]) is None
    opened_again = array_.clone()
    opened_again[HEAD, 9, 4] = True
    assert uncut(replace(made, mask=Mask(array=opened_again)), [HEAD]) is None


def test_a_run_with_changes_is_about_the_same_tokens() -> None:
    plain, other = (attention.trace("storyteller", "The cat sat.", edits=edits) for edits in ("", "off-2.5"))
    assert plain.id != other.id
    assert store.about(plain, "decoder") == store.about(other, "decoder")
    assert store.about(attention.trace("storyteller", "The dog sat."), "decoder") != store.about(plain, "decoder")


def test_lines_are_written_as_python_writes_them(lab: Lab) -> None:
    lines = [str(edit) for line in (*LINES.values(), *MODEL_LINES) for edit in edits_of(line)]
    again = lab.page.evaluate(
        """async (lines) => {
            const { editOf, lineOf } = await import("/edits.js");
            return lines.map((line) => lineOf(editOf(line)));
        }""", lines,
    )  # fmt: skip
    assert again == lines
    assert (
        lab.page.evaluate(
            "async (lines) => (await import('/edits.js')).editsOf(lines).length", ["off", "nonsense-2", "<b>"]
        )
        <= 1
    )
